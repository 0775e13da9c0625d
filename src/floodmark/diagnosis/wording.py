"""Figures, spans and moments as words, in one way everywhere: "212 MB/h", "6 h 30 min", "27 Aug 02:30 UTC"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

ESTIMATE_DIGITS = 3
"""Significant digits in a sentence: more than any interval here deserves."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def figure(value: float) -> str:
    """Three significant digits, whole numbers in full, never an exponent: 0.0417, 2.1, 212, 48210."""
    if value == round(value) or abs(value) >= 10 ** (ESTIMATE_DIGITS - 1):
        return str(round(value))
    text = f"{float(f'{value:.{ESTIMATE_DIGITS}g}'):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def per_cent(share: float) -> str:
    """A share of one as whole per cent, with one digit where it is below ten: "83%", "0.4%"."""
    value = 100 * share
    if 99.5 <= value < 100:
        return "more than 99%"
    return f"{figure(round(value, 1) if 0 < value < 10 else round(value))}%"


def span(seconds: float) -> str:
    """A length of time in its two largest units: "42 s", "15 min", "6 h 30 min", "4 days 2 h"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 1:
        return f"{minutes} min"
    days, hours = divmod(hours, 24)
    if days < 1:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    unit = "day" if days == 1 else "days"
    return f"{days} {unit} {hours} h" if hours else f"{days} {unit}"


def moment(seconds: float) -> str:
    """A time of day in UTC with its day, without the year: "27 Aug 02:30 UTC"."""
    at = datetime.fromtimestamp(round(seconds), UTC)
    return f"{at.day} {MONTHS[at.month - 1]} {at:%H:%M} UTC"


def listed(words: Sequence[str], at_most: int = 5) -> str:
    """Words as a list in a sentence: "a, b and c", "a, b and 7 others"."""
    if len(words) > at_most:
        words = [*words[: at_most - 1], f"{len(words) - at_most + 1} others"]
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def counted(count: float, one: str, many: str | None = None) -> str:
    """A count with its noun: "1 restart", "4 restarts"."""
    return f"{figure(count)} {one if count == 1 else many or one + 's'}"
