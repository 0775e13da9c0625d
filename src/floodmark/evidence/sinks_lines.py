"""Where formats of log lines write to: the sink of one stream, a file or one container's output inside an export."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from floodmark.evidence.clock import DISORDER_SECONDS, Lane
from floodmark.evidence.counting import MAX_EXAMPLE_BYTES, count_requests
from floodmark.evidence.ledger import Listener
from floodmark.evidence.logs.entries import Entry
from floodmark.evidence.logs.requests import LOST, Request, RequestBatch, batch_of
from floodmark.evidence.logs.times import YEARLESS
from floodmark.evidence.nouns import EventKind, Floats
from floodmark.evidence.readers import SeriesKey
from floodmark.evidence.sinks import Moment, SourceSink
from floodmark.evidence.store import Key

BATCH_REQUESTS = 4096
VOLUME_SECONDS = 900
NEAR_SECONDS = 600.0
DAY = 86_400


class LineSink(SourceSink):
    """The sink of one stream of lines (a file, or one container's output inside an export)."""

    def __init__(
        self, parent: SourceSink, stream: str = "", service: str | None = None, instance: str | None = None
    ) -> None:
        self.ledger, self.number, self.row = parent.ledger, parent.number, parent.row
        self._lanes, self._naive, self._keys = parent._lanes, parent._naive, parent._keys
        self.clusters = parent.clusters
        self.stream, self.service, self.instance = stream, service, instance
        self.latest: Moment | None = None
        self._volume: int | None = None
        self._doses: dict[tuple[str, str], int] = {}
        self._zoned: Lane | None = None
        self._local: Lane | None = None
        self._waiting: dict[tuple[int, int], tuple[Lane, list[Request]]] = {}

    def local(self, entry: Entry, at: float) -> Moment:
        """The moment of a line whose own time `at` states no zone: the wrapper's time where there is one."""
        if entry.at is not None:
            self.ledger_offset(at - entry.at)
            return self._at(entry.at, self.zoned_lane())
        lane = self._local
        if lane is None:
            lane = self._local = self.lane("wall", self.stream)
        elif at < lane.newest and lane.went_back_an_hour(at):
            # in autumn the same hour comes twice: the second time is another lane, or its lines would sort into the first
            lane = self._local = self.folded(self.stream)
        undated = self._lanes.get((self.stream, "undated"))
        if undated is not None and undated.last is not None:
            vote_for_days(undated, undated.last, at)
        return self._at(at, lane)

    def _at(self, at: float, lane: Lane) -> Moment:
        lane.saw(at)
        self.latest = Moment(at, lane)
        return self.latest

    def time_of_day(self, entry: Entry, second: int) -> Moment:
        """The moment of a line that has a time of day and no date: the wrapper's time where there is one."""
        if entry.at is None and entry.wall is not None:
            return self.local(entry, entry.wall)
        if entry.at is not None:
            day = entry.at // DAY * DAY
            self.ledger_offset((day + second - entry.at + DAY / 2) % DAY - DAY / 2)
            return self._at(entry.at, self.zoned_lane())
        lane = self.lane("undated", self.stream)
        newest = lane.newest if lane.last is not None else 0.0
        # a step back of more than half a day is midnight, a smaller one is disorder
        at = newest // DAY * DAY + second
        if at < newest - DAY / 2:
            at += DAY
        elif at > newest + DAY / 2 and newest:
            at -= DAY
        if self._local is not None and self._local.last is not None:
            vote_for_days(lane, at, self._local.last)
        return self._at(at, lane)

    def told(self, entry: Entry) -> Moment | None:
        """The moment of a line without any time of its own, as what is around it tells; None where nothing does."""
        if entry.at is not None:
            return self._at(entry.at, self.zoned_lane())
        if entry.wall is None:
            return None
        self.row.remark(YEARLESS)
        return self.local(entry, entry.wall)

    def zoned(self, at: float, east: int = 0) -> Moment:
        """The moment of a line that states its zone, `east` seconds from UTC; `at` is UTC."""
        lane = self.zoned_lane()
        lane.offsets[east] = lane.offsets.get(east, 0) + 1
        return self._at(at, lane)

    def zoned_lane(self) -> Lane:
        """The lane of this stream's times that state their zone."""
        if self._zoned is None:
            self._zoned = self.lane("zoned", self.stream)
        return self._zoned

    def ledger_offset(self, difference: float) -> None:
        """A wall clock was `difference` seconds ahead of the wrapper's time: a vote for the application's zone."""
        # zones lie on quarters of an hour; what is further off is a slow wrapper and no zone
        east = round(difference / 900) * 900
        if abs(difference - east) < 120:
            votes = self.ledger.inner_offsets
            votes[self.service, east] = votes.get((self.service, east), 0) + 1

    def count(self, kind: str, moment: Moment, entry: Entry, name: str = "", n: float = 1.0) -> None:
        """A line counted under a kind of TALLY_KINDS."""
        self._count(kind, name, moment, entry.line, entry.data, self.service, self.instance, n)

    def start(
        self, kind: str, name: str, moment: Moment, line: int, seconds: float = math.nan, failed: float = 0.0, rank: int = 0
    ) -> None:  # fmt: skip
        """A task or a connection that began."""
        number = self._doses.get((kind, name))
        if number is None:
            key = Key("dose", kind, self.service, self.instance, self.row.origin, name, rank=rank)
            number = self._doses[kind, name] = self.ledger.store.key(key, self.number, line)
        self.ledger.store.count(number, moment.lane.number, math.floor(moment.at), 1.0, seconds, 0.0, failed)

    def lost(self, moment: Moment, line: int, path: bytes, port: str = "") -> None:
        """A request an application died on or did not answer: it counts where no access line tells of it."""
        key = Key(
            "dose", "endpoint", None if port else self.service, self.instance, self.row.origin, "",
            self.ledger.routes.number(path), port, LOST,
        )  # fmt: skip
        number = self.ledger.store.key(key, self.number, line)
        self.ledger.store.count(number, moment.lane.number, math.floor(moment.at), 1.0, math.nan, 0.0, 1.0)

    def count_route(self, kind: str, moment: Moment, entry: Entry, path: bytes, port: str) -> None:
        """A line counted under a kind, by the route it is about."""
        shape = self.ledger.routes.number(path) if path else 0
        key = Key("tally", kind, None, self.instance, self.row.origin, "", shape, port)
        number = self.ledger.store.key(key, self.number, entry.line)
        self.ledger.store.count(number, moment.lane.number, math.floor(moment.at))
        shown = (moment.at, moment.lane.number, self.number, entry.line, entry.data[:MAX_EXAMPLE_BYTES])
        self.ledger.example(number, shown)

    def listens(self, port: int, line: int) -> None:
        """This stream's service listens on a port."""
        self.ledger.listeners.append(Listener(port, self.service, self.row.origin, self.number, line))

    def volume(self, size: int, lines: int = 1) -> None:
        """Bytes and lines of log, at the time of the latest line."""
        if self.latest is None:
            return
        quarter = int(self.latest.at // VOLUME_SECONDS) * VOLUME_SECONDS
        if self._volume is None:
            self._volume = self._key("volume", "", "", self.service, None, 0)
        self.ledger.store.count(self._volume, self.latest.lane.number, quarter, lines, 0.0, size)

    def volumes(self, at: Floats, sizes: Floats, lane: Lane) -> None:
        """The same for many lines at once."""
        if self._volume is None:
            self._volume = self._key("volume", "", "", self.service, None, 0)
        quarters, inverse = np.unique((at // VOLUME_SECONDS).astype(np.int64), return_inverse=True)
        for quarter, lines, size in zip(
            quarters.tolist(), np.bincount(inverse).tolist(), np.bincount(inverse, sizes).tolist(), strict=True
        ):
            self.ledger.store.count(self._volume, lane.number, quarter * VOLUME_SECONDS, lines, 0.0, size)

    def process_samples(self, key: SeriesKey, lane: Lane, at: Floats, value: Floats, line: int) -> None:
        """Samples of a process's memory that stand in log lines."""
        number = self._series(key, line)
        if number is not None:
            self.ledger.store.samples(number, lane.number, at, value)

    def happened(
        self, kind: EventKind, moment: Moment, entry: Entry, process: str | None = None, count: int = 1, service: str | None = None
    ) -> None:  # fmt: skip
        """An event of this stream's service, or of the one that the line names."""
        self._happened(moment, kind, entry.data, entry.line, service or self.service, self.instance, process, count)

    def anchor(self, path: bytes, moment: Moment) -> None:
        """The end of a request that other sources may tell of as well."""
        self.ledger.anchor_path(moment.lane, path, moment.at)

    def request(self, request: Request, lane: Lane, rank: int) -> None:
        """A request read from a single line; counted when there are enough of them."""
        held = self._waiting.get((lane.number, rank))
        if held is None:
            held = self._waiting[lane.number, rank] = (lane, [])
        held[1].append(request)
        if len(held[1]) >= BATCH_REQUESTS:
            self.requests(batch_of(held[1]), lane, rank)
            held[1].clear()

    def took(self, batch: RequestBatch, zones: Mapping[int, int], rank: int) -> None:
        """Access lines that were read all at once; `zones` says how many state which zone (seconds east of UTC)."""
        lane = self.zoned_lane()
        for east, lines in zones.items():
            lane.offsets[east] = lane.offsets.get(east, 0) + lines
        # a line is out of order against the latest before it, wherever in the block that stands
        newest = np.maximum.accumulate(np.maximum(batch.end, lane.newest))
        lane.out_of_order += int(np.count_nonzero(batch.end < newest - DISORDER_SECONDS))
        lane.covers(float(batch.end.min()), float(batch.end.max()))
        self.latest = Moment(float(batch.end[-1]), lane)
        self.requests(batch, lane, rank)
        self.volumes(batch.end, (batch.text.length + 1).astype(np.float64), lane)

    def requests(self, batch: RequestBatch, lane: Lane, rank: int) -> None:
        """Many requests at once."""
        count_requests(self.ledger, self.number, self.row.origin, batch, lane, rank, self.service, self.instance)

    def finish(self) -> None:
        """Count what is still waiting."""
        for (_, rank), (lane, waiting) in sorted(self._waiting.items(), key=lambda item: item[0]):
            if waiting:
                self.requests(batch_of(waiting), lane, rank)
        self._waiting.clear()


def vote_for_days(undated: Lane, at: float, dated: float) -> None:
    """A dated line stands beside an undated one: whole days between them, if the times of day are alike."""
    days = round((dated - at) / DAY) * DAY
    if abs(dated - at - days) < NEAR_SECONDS:
        undated.day_votes[days] = undated.day_votes.get(days, 0) + 1
