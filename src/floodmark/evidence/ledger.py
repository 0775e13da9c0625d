"""What all sources of one evidence share while they are read: the store, and the few things kept one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from floodmark.evidence.clients import ClientBook
from floodmark.evidence.clock import Lane, Sort
from floodmark.evidence.logs.requests import hash_of
from floodmark.evidence.nouns import EventKind, Rejection
from floodmark.evidence.overlap import OverlapBook
from floodmark.evidence.readers import SeriesKey
from floodmark.evidence.routes import RouteBook
from floodmark.evidence.seen import SeenBook
from floodmark.evidence.store import Store

MAX_EVENTS = 50_000
MAX_ANCHORS = 20_000
MAX_SERIES = 20_000
REJECTIONS_SHOWN = 10
EXAMPLES_KEPT = 4


class Happening(NamedTuple):
    """An event in its lane's own time."""

    lane: int
    at: float
    kind: EventKind
    service: str | None
    instance: str | None
    process: str | None
    text: str
    origin: int
    source: int
    line: int | None
    times: int


class RouteLine(NamedTuple):
    """What a configuration says: requests below `prefix`, or to `port`, are served by `service`."""

    prefix: str
    port: int | None
    service: str | None
    source: int
    line: int | None


class LimitLine(NamedTuple):
    """A limit as a configuration or a description states it."""

    kind: str
    value: float
    service: str | None
    origin: int
    source: int
    line: int | None


@dataclass(slots=True)
class SourceRow:
    """What is counted of one source while it is read. What most sources have none of are tuples: empty they take nothing."""

    path: str
    kind: str
    origin: int
    service: str | None = None
    records: int = 0
    rejected: int = 0
    duplicates: int = 0
    damaged: int = 0
    blank: int = 0
    continued: int = 0
    lanes: tuple[int, ...] = ()
    examples: tuple[Rejection, ...] = ()
    remarks: list[str] = field(default_factory=list)
    services: dict[str, int] = field(default_factory=dict)
    access_formats: tuple[str, ...] = ()
    """Formats of access lines that this file was seen to be in, beside those that are stated."""

    bytes_read: int = 0
    modified: float | None = None
    lines_read: int = 0

    def remark(self, text: str) -> None:
        """Keep a remark, once."""
        if text not in self.remarks:
            self.remarks.append(text)


@dataclass(slots=True)
class SeriesRow:
    """What is known about a series beside its samples."""

    key: SeriesKey
    source: int
    line: int | None
    copies: int = 1
    started: float | None = None


class Listener(NamedTuple):
    """A server said that it listens on a port."""

    port: int
    service: str | None
    origin: int
    source: int
    line: int


@dataclass(slots=True)
class Container:
    """What a pod description says about one container."""

    service: str
    role: str
    ports: tuple[int, ...]
    source: int
    line: int


class Remembered:
    """What is known by its hash: the numbers of paths, and which clients' names are those of probes. Emptied when full."""

    def __init__(self) -> None:
        self.paths: dict[int, int] = {}
        self.forget_agents()

    def forget_agents(self) -> None:
        """Begin anew, with one hash that no name has but by chance."""
        self.agents: NDArray[np.uint64] = np.zeros(1, np.uint64)
        self.probes: NDArray[np.bool_] = np.zeros(1, np.bool_)

    def add_agents(self, hashes: NDArray[np.uint64], probes: NDArray[np.bool_]) -> None:
        """Names met for the first time, in the order of their hashes."""
        place = np.searchsorted(self.agents, hashes)
        self.agents = np.insert(self.agents, place, hashes)
        self.probes = np.insert(self.probes, place, probes)


@dataclass(slots=True)
class Ledger:
    """Everything that is known while sources are read. Bounded: what is over a limit is counted in `dropped`."""

    store: Store
    bin_seconds: float
    routes: RouteBook
    clients: ClientBook
    remembered: Remembered = field(default_factory=Remembered)
    lanes: list[Lane] = field(default_factory=list)
    sources: list[SourceRow] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    origin_numbers: dict[str, int] = field(default_factory=dict)
    series: dict[tuple[SeriesKey, int], int] = field(default_factory=dict)
    series_rows: list[SeriesRow] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    route_lines: list[RouteLine] = field(default_factory=list)
    limit_lines: list[LimitLine] = field(default_factory=list)
    containers: list[Container] = field(default_factory=list)
    anchors: dict[int, list[tuple[str, float]]] = field(default_factory=dict)
    wanted: set[int] = field(default_factory=set)
    """Hashes of paths that a source of unknown clock told of: others are asked when they met them."""

    inner_offsets: dict[tuple[str | None, int], int] = field(default_factory=dict)
    access_formats: list[str] = field(default_factory=list)
    images: set[str] = field(default_factory=set)
    listeners: list[Listener] = field(default_factory=list)
    seen: SeenBook = field(default_factory=SeenBook)
    overlaps: OverlapBook = field(default_factory=OverlapBook)
    dropped: dict[str, int] = field(default_factory=dict)

    def close_reading(self) -> None:
        """Forget what only readers ask for."""
        self.remembered, self.seen, self.overlaps = Remembered(), SeenBook(), OverlapBook()

    def origin(self, family: str) -> int:
        """The number of a family of files."""
        number = self.origin_numbers.get(family)
        if number is None:
            number = self.origin_numbers[family] = len(self.origins)
            self.origins.append(family)
        return number

    def rows_by_origin(self) -> dict[int, list[int]]:
        """The numbers of the sources of each family of files."""
        found: dict[int, list[int]] = {}
        for number, row in enumerate(self.sources):
            found.setdefault(row.origin, []).append(number)
        return found

    def lane(self, source: int, sort: Sort, name: str = "") -> Lane:
        """A new lane of times."""
        lane = Lane(len(self.lanes), source, sort, name)
        self.lanes.append(lane)
        self.sources[source].lanes += (lane.number,)
        return lane

    def anchor_path(self, lane: Lane, path: bytes, at: float) -> None:
        """The end of a request that other sources may tell of as well, to put their clocks side by side."""
        kept = self.anchors.setdefault(lane.number, [])
        if path and len(kept) < MAX_ANCHORS:
            kept.append((path.decode("utf-8", "backslashreplace"), at))
            if lane.naive:
                self.wanted.add(hash_of(path))

    def example(self, key: int, shown: tuple[float, int, int, int | None, bytes]) -> None:
        """Keep the first few lines of a kind, and the latest in the last place."""
        seen = self.store.seen[key]
        seen.examples = (*seen.examples[: EXAMPLES_KEPT - 1], shown)

    def happened(self, happening: Happening) -> None:
        """Keep an event, up to MAX_EVENTS of them."""
        if len(self.happenings) < MAX_EVENTS:
            self.happenings.append(happening)
        else:
            self.dropped["events"] = self.dropped.get("events", 0) + happening.times
