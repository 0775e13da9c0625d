"""A column of times in whatever shape: epochs in s, ms, us or ns, ISO with or without zone, the local ways of the "
"world."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from floodmark.evidence.clock import offset_name
from floodmark.evidence.logs.times import ABBREVIATIONS, SHORT_MONTHS
from floodmark.evidence.nouns import Clock, Floats

EARLIEST, LATEST = 631_152_000.0, 4_102_444_800.0
"""1990 and 2100: what a number must lie between, in some unit, to be a time."""

EPOCH_UNITS = (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9))

_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?(?:\s+([A-Z]{3,5}))?\Z",
    re.IGNORECASE,
)
_OF_DATE = re.compile(
    r"(?:[A-Z][a-z]{2},?\s+)?(?:(\d{1,2})\s+([A-Z][a-z]{2})|([A-Z][a-z]{2})\s+(\d{1,2}),?)\s+(?:(\d{4}),?\s+)?"
    r"(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?(?:\s+([AaPp][Mm]))?(?:\s+([A-Z]{1,5}|[+-]\d{2}:?(?:\d{2})?))?"
    r"(?:\s+(\d{4}))?\Z"
)
"""What date(1) writes: the C locale, en_US of old and new glibc (`02 Sep 2025 06:15:00 AM CEST`), en_GB; zone or none."""

_DAY_FIRST = re.compile(
    r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*([AaPp][Mm])?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?\Z"
)
_WORDY = (
    "%a %b %d %H:%M:%S %Y", "%d %b %Y %H:%M:%S", "%b %d, %Y %H:%M:%S", "%Y-%b-%d %H:%M:%S", "%d-%b-%Y %H:%M:%S",
    "%d/%b/%Y:%H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %Z %Y",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """A parsed column. `at` is UTC where `zone` is known, else the wall clock as if it were UTC; NaN where unreadable.

    zone     "epoch", an offset as the cells say it ("+02:00", "Z"), "mixed", or None where they say none
    remark   what was assumed (which of two numbers is the day), "" if nothing
    """

    at: Floats
    zone: str | None
    remark: str = ""

    def clock(self) -> Clock:
        """The clock that the cells state: UTC for epochs and mixed offsets, an offset, or none."""
        if self.zone is None:
            return Clock(None, "assumed")
        return Clock(self.zone if re.match("[+-]", self.zone) else "+00:00", "stated")


def looks_like_times(cells: Sequence[str]) -> bool:
    """Are most of the filled cells times?"""
    filled = [text for text in cells if text.strip()][:64]
    if not filled:
        return False
    return int(np.isfinite(parse(filled).at).sum()) >= max(1, 0.6 * len(filled))


def parse(cells: Sequence[str]) -> Moments:
    """Every cell of a column as a time; what is none becomes NaN."""
    epochs = _epochs(cells)
    if epochs is not None:
        return Moments(epochs, "epoch")
    fast = _uniform(cells)
    if fast is not None:
        return fast
    month_first, remark = _month_first(cells)
    seen: dict[str, tuple[float, str | None]] = {}
    for text in cells:
        if text not in seen:
            seen[text] = _one(text, month_first)
    at = np.array([seen[text][0] for text in cells], dtype=np.float64)
    zones = {zone for text, (value, zone) in seen.items() if np.isfinite(value)}
    zone = None if None in zones or not zones else zones.pop() if len(zones) == 1 else "mixed"
    return Moments(at, zone, remark)


def _epochs(cells: Sequence[str]) -> Floats | None:
    """Numbers as seconds since the epoch, by the unit in which most of them fall between 1990 and 2100."""
    try:
        values = np.array([text.strip().strip('"') or "nan" for text in cells], dtype=np.float64)
    except ValueError:
        return None
    finite = values[np.isfinite(values)]
    for _, unit in EPOCH_UNITS:
        inside = (finite / unit >= EARLIEST) & (finite / unit <= LATEST)
        if len(finite) and np.mean(inside) > 0.5:
            at = values / unit
            at[~((at >= EARLIEST) & (at <= LATEST))] = np.nan
            return at
    return None


def _uniform(cells: Sequence[str]) -> Moments | None:
    """The usual case fast: every cell ISO, in one form, with the same zone or none."""
    match = (
        re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", cells[0])
        if cells
        else None
    )
    if not match:
        return None
    suffix, length = match.group(3) or "", len(cells[0])
    if not all(len(text) == length and text.endswith(suffix) for text in cells):
        return None
    try:
        bare = np.array([text[: len(text) - len(suffix)] for text in cells], dtype="datetime64[us]")
    except ValueError:
        return None
    at = bare.astype(np.int64).astype(np.float64) / 1e6
    if bool(np.any((at < EARLIEST) | (at > LATEST))):
        return None
    return Moments(at - _offset(suffix), suffix or None)


def _one(text: str, month_first: bool) -> tuple[float, str | None]:
    """(seconds, zone) of one cell; NaN for what is no time."""
    stripped = text.strip().strip('"')
    try:
        if match := _ISO.match(stripped):
            year, month, day, hour, minute, second, fraction, zone, name = match.groups()
            return _seconds((year, month, day), (hour, minute, second, fraction), None, zone or _east(name))
        if match := _DAY_FIRST.match(stripped):
            first, then, year, hour, minute, second, fraction, half, zone = match.groups()
            day, month = (then, first) if month_first else (first, then)
            return _seconds((year, month, day), (hour, minute, second, fraction), half, zone)
        if match := _OF_DATE.match(stripped):
            return _of_date(match)
        return _wordy(stripped)
    except ValueError:
        return float("nan"), None


def _of_date(match: re.Match[str]) -> tuple[float, str | None]:
    day, month, month_too, day_too, year, hour, minute, second, fraction, half, zone, year_too = match.groups()
    number = SHORT_MONTHS.index((month or month_too).encode()) + 1
    date = (year or year_too or "", str(number), day or day_too)
    return _seconds(date, (hour, minute, second, fraction), half, zone if zone and zone[0] in "+-" else _east(zone))


def _east(name: str | None) -> str | None:
    """The offset that an abbreviation of a zone stands for; None where several zones share it, or there is none."""
    hours = ABBREVIATIONS.get((name or "").upper().encode())
    return None if hours is None else "UTC" if not hours else offset_name(hours * 3600)


def _seconds(
    date: tuple[str, str, str], clock: tuple[str | None, ...], half: str | None, zone: str | None
) -> tuple[float, str | None]:
    year, month, day = (int(part) for part in date)
    hour, minute, second = (int(part or 0) for part in clock[:3])
    if half is not None:
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    whole = np.datetime64(datetime(year, month, day, hour, minute, min(second, 59)), "s").astype(np.int64)
    at = float(whole) + (second == 60) + float(f"0.{clock[3]}" if clock[3] else 0)
    if not EARLIEST <= at <= LATEST:
        raise ValueError("not a time of a measurement")
    return at - _offset(zone or ""), zone or None


def _offset(zone: str) -> float:
    match = re.fullmatch(r"([+-])(\d\d):?(\d\d)?", zone)
    if not match:
        return 0.0
    seconds = int(match.group(2)) * 3600.0 + int(match.group(3) or 0) * 60.0
    return -seconds if match.group(1) == "-" else seconds


def _wordy(text: str) -> tuple[float, str | None]:
    for form in _WORDY:
        try:
            parsed = datetime.strptime(text, form)
        except ValueError:
            continue
        if parsed.tzinfo is not None:
            return parsed.timestamp(), text.rsplit(None, 1)[-1]
        zone = "UTC" if " UTC " in text or " GMT " in text else None
        return float(np.datetime64(parsed, "s").astype(np.int64)), zone
    return float("nan"), None


def _month_first(cells: Sequence[str]) -> tuple[bool, str]:
    """Of `03/04/2025`, is the first number the month? A number above 12 tells; so do dots (03.04.2025 is day first) and
    a capital AM or PM (as en-US writes it); else the reading in which all days lie closer together.
    """
    found = {match[0]: match for text in cells if (match := _DAY_FIRST.match(text.strip().strip('"')))}.values()
    pairs = {(int(match[1]), int(match[2])) for match in found}
    if not pairs or max(first for first, _ in pairs) > 12 or all(match[0][len(match[1])] == "." for match in found):
        return False, ""
    if max(second for _, second in pairs) > 12 or any(match[0].endswith(("AM", "PM")) for match in found):
        return True, ""
    as_days, as_months = _span(pairs), _span({(then, first) for first, then in pairs})
    if as_days != as_months:
        return as_months < as_days, ""
    return False, "dates like 03/04/2025 are read day first; nothing in the file decides it"


def _span(dates: Collection[tuple[int, int]]) -> int:
    """About how many days lie between the first and the last of (day, month)."""
    days = [31 * month + day for day, month in dates]
    return max(days) - min(days)
