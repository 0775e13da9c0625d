"""Times as log lines write them, to seconds since the epoch. Each parser keeps the last few thousand answers.

A parser for stamps with a zone returns UTC; one for stamps without returns the wall clock as if it were UTC ("naive"),
which the source's lane turns into UTC later. All raise ValueError for what is not such a time.
"""

from __future__ import annotations

import re
from functools import lru_cache

SHORT_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_MONTH = {name: number for number, name in enumerate(SHORT_MONTHS, 1)}
_LENGTH = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_REMEMBERED = 8192

DAY = 86_400

YEARLESS = "times without a year: the latest year was taken that is not after the file was written"


@lru_cache(_REMEMBERED)
def day_start(year: int, month: int, day: int) -> int:
    """Seconds from the epoch to the start of a day of the Gregorian calendar (days_from_civil, H. Hinnant)."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (1 <= month <= 12 and 1 <= day <= _LENGTH[month]) or (month == 2 and day == 29 and not leap):
        raise ValueError(f"no such day: {year}-{month}-{day}")
    if not 1970 <= year <= 2200:
        raise ValueError(f"no year of a log: {year}")
    shifted = year - (month <= 2)
    era, of_era = divmod(shifted, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = of_era * 365 + of_era // 4 - of_era // 100 + day_of_year
    return (era * 146_097 + day_of_era - 719_468) * DAY


def clock(hours: int, minutes: int, seconds: int) -> int:
    """Seconds since midnight; 60 is taken for a leap second."""
    if hours > 23 or minutes > 59 or seconds > 60:
        raise ValueError(f"no such time: {hours}:{minutes}:{seconds}")
    return hours * 3600 + minutes * 60 + seconds


_OFFSET = re.compile(rb"(?:Z|UTC|GMT|([+-])(\d\d):?(\d\d)?)\Z", re.IGNORECASE)


def offset_seconds(text: bytes) -> int:
    """`+0200`, `+02:00`, `-03`, `Z`, `UTC` or `GMT` as seconds east of UTC."""
    match = _OFFSET.fullmatch(text)
    if not match:
        raise ValueError(f"no offset: {text!r}")
    sign, hours, minutes = match.groups()
    if sign is None:
        return 0
    size = int(hours) * 3600 + int(minutes or 0) * 60
    if size > 15 * 3600:
        raise ValueError(f"no such offset: {text!r}")
    return -size if sign == b"-" else size


@lru_cache(_REMEMBERED)
def common(text: bytes) -> tuple[int, int]:
    """`02/Sep/2025:06:15:09 +0200` -> (UTC, offset): the time of nginx, Apache and gunicorn access logs."""
    if len(text) != 26 or text[2:3] + text[6:7] + text[11:12] + text[14:15] + text[17:18] != b"//:::":
        raise ValueError(f"no access log time: {text!r}")
    month = _MONTH.get(text[3:6])
    if month is None:
        raise ValueError(f"no month: {text!r}")
    east = offset_seconds(text[21:])
    local = day_start(int(text[7:11]), month, int(text[:2])) + clock(
        int(text[12:14]), int(text[15:17]), int(text[18:20])
    )
    return local - east, east


_STAMP = re.compile(
    rb"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))? ?(Z|[+-]\d\d:?(?:\d\d)?)?\Z", re.IGNORECASE
)


@lru_cache(_REMEMBERED)
def stamp(text: bytes) -> tuple[float, int | None]:
    """`2025-09-02T06:15:12.5Z`, `2025/09/02 06:15:12`, `2025-09-02 08:15:11 +0200` -> (seconds, offset or None).

    With an offset the seconds are UTC, without one they are the wall clock. 0 to 9 digits, after `.` or `,`.
    """
    match = _STAMP.fullmatch(text)
    if not match:
        raise ValueError(f"no time: {text!r}")
    year, month, day, hours, minutes, seconds, fraction, zone = match.groups()
    at: float = day_start(int(year), int(month), int(day)) + clock(int(hours), int(minutes), int(seconds))
    if fraction:
        at += int(fraction) / 10 ** len(fraction)
    if zone is None:
        return at, None
    east = offset_seconds(zone)
    return at - east, east


_CTIME = re.compile(rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})\Z")


@lru_cache(_REMEMBERED)
def ctime(text: bytes) -> int:
    """`Tue Sep  2 08:14:09 2025`, the wall clock of uWSGI."""
    match = _CTIME.fullmatch(text)
    if not match or match[1] not in _MONTH:
        raise ValueError(f"no ctime: {text!r}")
    return day_start(int(match[6]), _MONTH[match[1]], int(match[2])) + clock(
        int(match[3]), int(match[4]), int(match[5])
    )


@lru_cache(_REMEMBERED)
def time_of_day(text: bytes) -> int:
    """`08:15:13` as seconds since midnight."""
    if len(text) != 8 or text[2:3] + text[5:6] != b"::":
        raise ValueError(f"no time of day: {text!r}")
    return clock(int(text[:2]), int(text[3:5]), int(text[6:]))


ABBREVIATIONS = {
    b"UTC": 0, b"GMT": 0, b"Z": 0, b"WET": 0, b"WEST": 1, b"CET": 1, b"CEST": 2, b"MET": 1, b"MEST": 2, b"EET": 2,
    b"EEST": 3, b"MSK": 3, b"EAT": 3, b"SAST": 2, b"EDT": -4, b"EST": -5, b"CDT": -5, b"MDT": -6, b"PDT": -7,
    b"PST": -8, b"JST": 9, b"AEST": 10, b"AEDT": 11, b"NZST": 12, b"NZDT": 13,
}  # fmt: skip
"""Hours east of UTC of the abbreviations PostgreSQL writes that mean one zone only. CST, IST, BST mean several."""

_ANY = re.compile(
    rb"(?P<common>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})"
    rb"|(?P<stamp>\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?[+-]\d\d:?\d\d|Z)?)"
    rb"|(?P<ctime>[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})"
)


def yearless(month: bytes, day: int, second: int, written: float) -> float:
    """`Sep  2` and a second of it, as syslog writes, with the latest year that lies no more than a day after `written`.

    Raises ValueError where there is no such day.
    """
    number = _MONTH.get(month)
    if number is None:
        raise ValueError(f"no month: {month!r}")
    latest = 1970 + int((written + DAY) // 31_556_952)
    for year in range(latest + 1, max(latest - 9, 1970), -1):
        try:
            at = day_start(year, number, day) + second
        except ValueError:  # the 29th of February of other years
            continue
        if at <= written + DAY:
            return at
    raise ValueError(f"no year for {month!r} {day}")


def first_in(text: bytes) -> float | None:
    """The first time anywhere in `text`, whatever its form: enough to put files in order, not to date a line."""
    for match in _ANY.finditer(text):
        try:
            if match["common"]:
                return common(match["common"])[0]
            return stamp(match["stamp"])[0] if match["stamp"] else ctime(match["ctime"])
        except ValueError:
            continue
    return None
