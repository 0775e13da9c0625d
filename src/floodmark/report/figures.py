"""How the figures of the document are shown: exactly as they stand there, never rounded or converted again."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from markupsafe import Markup

UNKNOWN = "not known"

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

GROUP_FROM = 1_000
"""Whole numbers from here on are grouped in threes by commas, as the sentences of the audit write them."""

_LARGE = re.compile(
    r"(?<![\w.,:/=#+\-])(?<!process )(?<!pid )(?<!line )(?<!port )"
    r"(?:[1-9]\d{4,8}|(?!19|20)[1-9]\d{3})(?![\w:/=\-]|[.,]\d)",
    re.IGNORECASE,
)


def number(value: float | int | None) -> str:
    """A figure without exponent and without a trailing ".0", from GROUP_FROM on in threes; "not known" for None."""
    if value is None:
        return UNKNOWN
    text = format(Decimal(repr(value)), ",f" if abs(value) >= GROUP_FROM else "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def prose(text: str) -> str:
    """A sentence of the document with its large whole numbers grouped as `number` groups them.

    Digits that are part of a name, a path or a time stay; so do numbers of processes, lines and ports, which are names
    too, and what may be a year.
    """
    return _LARGE.sub(lambda match: f"{int(match[0]):,}", text)


def moment(text: str | None, *, year: bool = False, seconds: bool = False) -> str:
    """A time of the document as "27 Aug 02:30" (all times are UTC, the reports say so once)."""
    if text is None:
        return UNKNOWN
    at = _parsed(text)
    day = f"{at.day} {MONTHS[at.month - 1]}" + (f" {at.year}" if year else "")
    return f"{day} {at:%H:%M:%S}" if seconds else f"{day} {at:%H:%M}"


def clock(text: str) -> str:
    """The time of day alone: "02:30"."""
    return f"{_parsed(text):%H:%M}"


def day(text: str) -> str:
    """The day alone: "27 Aug"."""
    at = _parsed(text)
    return f"{at.day} {MONTHS[at.month - 1]}"


def sentence(text: str) -> str:
    """A word of the document as the beginning of a line: "oom-kill" as "OOM kill"."""
    text = text.replace("-", " ").replace("oom ", "OOM ").replace("iati ", "IATI ")
    return text[:1].upper() + text[1:]


def together(text: str) -> str:
    """A text whose numbers stay in one line with their units: "over 10 s"."""
    return re.sub(r"(?<=\d) (?=[a-zA-Z%]{1,4}\b)", "\u00a0", text)


def breakable(text: str) -> Markup:
    """A path or a name that a narrow column may break after a slash, an underscore, a point or a hyphen."""
    return Markup("<wbr>").join(part for part in re.split(r"(?<=[/_.\-])", text) if part)


def position(text: str) -> float:
    """A time of the document as seconds since the epoch, for drawing."""
    return _parsed(text).timestamp()


def _parsed(text: str) -> datetime:
    return datetime.fromisoformat(text)
