"""The clock of each source: what its times mean, how that is known, and how they become UTC.

A lane is a run of times with one clock: a source has one, or one for lines that state their zone and one for those that
do not, and a further one each time its wall clock went back an hour: so the doubled hour of autumn keeps its order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from floodmark.evidence.nouns import Clock, ClockBasis

HOUR = 3600.0
DISORDER_SECONDS = 2.0
"""How far back a line may lie without being called out of order: logs are written by several processes."""

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?\Z", re.IGNORECASE)
_FOREVER = 1e12
UNKNOWN = Clock(None, "assumed")


class Piece(NamedTuple):
    """Times of a lane from `low` up to `high` lie `shift` seconds before (-) or after (+) UTC: add it."""

    low: float
    high: float
    shift: float


Sort = Literal["zoned", "wall", "undated", "ages"]
"""What the times of a lane are: UTC; a wall clock of unknown zone; the same without a date, days counted from the first
line; or ages (below zero) before the moment a command ran."""


@dataclass(slots=True, eq=False)
class Lane:
    """Times that share a clock."""

    number: int
    source: int
    sort: Sort
    name: str = ""
    fold: int = 0
    first: float | None = None
    last: float | None = None
    newest: float = float("-inf")
    out_of_order: int = 0
    offsets: dict[int, int] = field(default_factory=dict)
    """Seconds east of UTC as the lines state them -> how many lines."""

    day_votes: dict[int, int] = field(default_factory=dict)
    """Seconds to add to an undated lane, as dated lines beside it tell -> how many lines."""

    skews: dict[str, float] = field(default_factory=dict)
    """service -> seconds to add to its samples on top of that."""

    clock: Clock = UNKNOWN
    pieces: tuple[Piece, ...] = (Piece(-_FOREVER, _FOREVER, 0.0),)

    @property
    def naive(self) -> bool:
        """Whether its times are not UTC yet."""
        return self.sort != "zoned"

    def saw(self, at: float) -> None:
        """One more time was read."""
        if at >= self.newest:
            self.newest = at
            self.last = at
            if self.first is None:
                self.first = at
        else:
            if at < self.newest - DISORDER_SECONDS:
                self.out_of_order += 1
            if self.first is None or at < self.first:
                self.first = at

    def covers(self, first: float, last: float) -> None:
        """Times from `first` to `last` were read, in whatever order."""
        self.first = first if self.first is None else min(first, self.first)
        self.last = last if self.last is None else max(last, self.last)
        self.newest = max(self.newest, last)

    def went_back_an_hour(self, at: float) -> bool:
        """Whether the wall clock has just gone back by about an hour."""
        return 0.75 * HOUR < self.newest - at < 1.25 * HOUR

    def utc(self, at: float) -> float:
        """A time of this lane as UTC, once its pieces are settled."""
        return at + next((piece.shift for piece in self.pieces if at < piece.high), self.pieces[-1].shift)

    def settle(
        self, zone: tzinfo, name: str | None, basis: ClockBasis, offset_seconds: float = 0.0, days: float = 0.0
    ) -> None:
        """Say what zone this lane's wall clock is in; `days` are the seconds to its date, for one without dates."""
        self.clock = Clock(name, basis, offset_seconds)
        pieces = pieces_of(zone, (self.first or 0.0) + days, (self.last or 0.0) + days, self.fold)
        self.pieces = tuple(
            Piece(piece.low - days, piece.high - days, piece.shift + days + offset_seconds) for piece in pieces
        )


def zone_of(name: str) -> tzinfo:
    """An IANA name (Europe/Stockholm), UTC, or an offset (+02:00). Raises ValueError for anything else."""
    if name.upper() in ("UTC", "Z", "GMT"):
        return UTC
    match = _OFFSET.match(name)
    if match:
        size = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        if size > timedelta(hours=15):
            raise ValueError(f"no such offset: {name}")
        return timezone(-size if match[1] == "-" else size)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no such time zone: {name} (say an IANA name or an offset such as +02:00)") from None


@lru_cache(256)
def offset_name(seconds: float) -> str:
    """7200 -> `+02:00`."""
    minutes = round(abs(seconds) / 60)
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def fixed(seconds: float) -> tzinfo:
    """A zone that is always `seconds` east of UTC."""
    return timezone(timedelta(seconds=seconds))


def pieces_of(zone: tzinfo, first: float, last: float, fold: int = 0) -> tuple[Piece, ...]:
    """How wall-clock times between `first` and `last` become UTC.

    An hour that came twice is read as its first time, with `fold` as its second. Times in an hour that never was are
    read with the offset before it.
    """
    changes = _changes(zone, first - 86_400, last + 86_400)
    pieces, low = [], -_FOREVER
    for index, (_, east) in enumerate(changes):
        if index + 1 == len(changes):
            pieces.append(Piece(low, _FOREVER, -east))
            break
        after, next_east = changes[index + 1]
        # the wall clock at the change, before and after it; between them lies what came twice or never
        high = after + (east if next_east > east or not fold else next_east)
        if next_east > east:
            high = after + next_east
        pieces.append(Piece(low, high, -east))
        low = high
    return tuple(pieces)


def _changes(zone: tzinfo, first: float, last: float) -> list[tuple[float, float]]:
    """(UTC second from which it holds, seconds east), the first one from the beginning of the range."""
    found = [(first, _east(zone, first))]
    step, at = 6 * HOUR, first
    while at < last:
        upto = min(at + step, last)
        if _east(zone, upto) != found[-1][1]:
            low, high = at, upto
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _east(zone, middle) == found[-1][1] else (low, middle)
            found.append((float(-(-high // 1)), _east(zone, high)))
        at = upto
    return found


def _east(zone: tzinfo, utc: float) -> float:
    offset = datetime.fromtimestamp(utc, UTC).astimezone(zone).utcoffset()
    return offset.total_seconds() if offset else 0.0
