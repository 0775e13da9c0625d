"""Logs as they grow: what was added is read by the same readers as `analyze` uses, then added to the store.

Each round's new lines go into a small spool file a log, and `evidence.intake.gather` reads the spool: so there is one
implementation of every format, and a format that `analyze` learns is followed live the same day. A log's position is
remembered after its lines are stored, not before: a watch killed between the two reads those lines again rather than
never.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from floodmark.errors import FloodmarkError
from floodmark.evidence.intake import IntakeOptions, gather
from floodmark.evidence.nouns import Dose, Event, Evidence, Place, Route, Tally, Volume
from floodmark.settings import Settings
from floodmark.watch.collect.base import Collected, Health, Sample
from floodmark.watch.collect.follow import Chunk, Follower, Position
from floodmark.watch.config import Logs, WatchConfig
from floodmark.watch.state import State

MEMORY_MEASURES = ("pss", "rss", "working_set", "usage")


@dataclass(frozen=True, slots=True)
class LogRound:
    """What one round of all logs brought."""

    samples: tuple[Sample, ...] = ()
    doses: tuple[Dose, ...] = ()
    tallies: tuple[Tally, ...] = ()
    events: tuple[Event, ...] = ()
    volumes: tuple[Volume, ...] = ()


class LogCollector:
    """All `[[logs]]` of a configuration."""

    def __init__(self, config: WatchConfig, settings: Settings, state: State) -> None:
        self.logs, self.settings, self.state = config.logs, settings, state
        self.healths = [Health(f"log {one.path}") for one in config.logs]
        self.routes = tuple(Route(one.prefix, None, one.service, Place("watch.toml")) for one in config.route)
        self._routing = tuple((one.prefix, one.service) for one in config.route)
        self._followers = [self._follower(one) for one in config.logs]
        self._read: list[Position | None] = [one.position for one in self._followers]

    def collect(self, now: float) -> LogRound:
        """One round; a log that cannot be read costs only itself, and says so."""
        with _Spool() as spool:
            for number, follower in enumerate(self._followers):
                self._take(number, follower, spool, now)
            return self._understood(spool) if spool.chunks else LogRound()

    def remember(self) -> None:
        """Write down how far was read: call when what was read is stored."""
        moved = [
            (str(follower.path), *_fields(position))
            for follower, position in zip(self._followers, self._read, strict=True)
            if position is not None
        ]
        with self.state.changes() as database:
            database.executemany("insert or replace into position values (?, ?, ?, ?, ?)", moved)

    def close(self) -> None:
        """Close all files."""
        for follower in self._followers:
            follower.close()

    def _follower(self, log: Logs) -> Follower:
        rows = self.state.rows("select * from position where path = ?", str(log.path))
        position = Position(*(rows[0][name] for name in ("device", "inode", "offset", "line"))) if rows else None
        return Follower(
            log.path,
            position,
            max_bytes=int(self.settings.watch_log_max_mb * 1e6),
            from_start=self.settings.watch_log_from_start,
        )

    def _take(self, number: int, follower: Follower, spool: _Spool, now: float) -> None:
        begun, problem = time.perf_counter(), None
        try:
            chunk = follower.read()
        except OSError as error:
            chunk, problem = None, f"{follower.path}: {error.strerror}"
        if chunk is None and problem is None and not follower.path.exists():
            problem = f"{follower.path}: is not there"
        if chunk is not None:
            spool.add(number, follower.path, chunk)
            problem = chunk.remark
        self._read[number] = follower.position
        self.healths[number].count(now, Collected(problem=problem), time.perf_counter() - begun)

    def _understood(self, spool: _Spool) -> LogRound:
        named = [(number, log) for number, log in enumerate(self.logs) if number in spool.chunks]
        options = IntakeOptions(
            zones=tuple((f"*{_name(number)}", log.zone) for number, log in named if log.zone),
            services=tuple((f"*{_name(number)}", log.service) for number, log in named if log.service),
            routing=self._routing,
            bin_seconds=self.settings.watch_bin_seconds,
            memory_mb=32,
        )
        try:
            found = gather([spool.folder], options)
        except FloodmarkError as error:
            for number, _ in named:
                self.healths[number].problem = str(error)
            return LogRound()
        self._count(spool, found)
        return _moved(found, spool)

    def _count(self, spool: _Spool, found: Evidence) -> None:
        for row in found.sources:
            number = spool.number_of(row.path)
            if number is None:
                continue
            health = self.healths[number]
            health.samples += row.records
            if row.kind in ("unknown", "unreadable"):
                health.problem = f"{spool.path_of(row.path)}: {row.remark or 'no reader knows these lines'}"
            elif row.rejected > row.records:
                lines = row.rejected + row.records
                health.problem = f"{spool.path_of(row.path)}: {row.rejected} of {lines} lines could not be read"


def _name(number: int) -> str:
    return f"{number:04d}.log"


class _Spool:
    """A folder with this round's lines, one file a log; gone after the round."""

    def __init__(self) -> None:
        self.chunks: dict[int, Chunk] = {}
        self._paths: dict[int, Path] = {}

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="floodmark-logs-")
        self.folder = Path(self._temporary.name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._temporary.cleanup()

    def add(self, number: int, path: Path, chunk: Chunk) -> None:
        """Put a log's new lines where `gather` finds them."""
        (self.folder / _name(number)).write_bytes(chunk.data)
        self.chunks[number], self._paths[number] = chunk, path

    def number_of(self, spooled: str) -> int | None:
        """The number of the log that a path of the spool stands for."""
        name = spooled.rpartition("/")[2].removesuffix(".log")
        return int(name) if name.isdigit() and int(name) in self.chunks else None

    def path_of(self, spooled: str) -> str:
        """The log's own path."""
        number = self.number_of(spooled)
        return spooled if number is None else str(self._paths[number])

    def place(self, place: Place) -> Place:
        """A place in the log itself, for a place in its spooled lines."""
        number = self.number_of(place.source)
        if number is None:
            return place
        line = None if place.line is None else place.line + self.chunks[number].first_line - 1
        return Place(str(self._paths[number]), line)


def _moved(found: Evidence, spool: _Spool) -> LogRound:
    """What was found in the spool, told of the logs themselves."""
    return LogRound(
        samples=tuple(_samples(found)),
        doses=tuple(replace(one, place=spool.place(one.place)) for one in found.doses),
        tallies=tuple(
            replace(one, examples=tuple((at, spool.place(place), text) for at, place, text in one.examples))
            for one in found.tallies
        ),
        events=tuple(replace(one, place=spool.place(one.place)) for one in found.events),
        volumes=tuple(replace(one, name=spool.path_of(one.name)) for one in found.volumes),
    )


def _samples(found: Evidence) -> Iterator[Sample]:
    """Memory that stands in log lines (uWSGI's memory report)."""
    for one in found.series:
        if one.measure in MEMORY_MEASURES:
            for at, value in zip(one.at, one.value, strict=True):
                yield Sample(one.service, one.instance, one.process, one.measure, float(at), float(value), one.started)


def _fields(position: Position) -> Sequence[Any]:
    return position.device, position.inode, position.offset, position.line
