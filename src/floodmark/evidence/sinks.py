"""Where readers write to: one sink a source, and for lines one a stream of it. It knows the source, and counts."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from floodmark.evidence.clock import Lane, Sort
from floodmark.evidence.counting import MAX_EXAMPLE_BYTES
from floodmark.evidence.ledger import (
    MAX_SERIES,
    REJECTIONS_SHOWN,
    Happening,
    Ledger,
    LimitLine,
    RouteLine,
    SeriesRow,
    SourceRow,
)  # fmt: skip
from floodmark.evidence.logs.templates import template_of
from floodmark.evidence.masks import masked
from floodmark.evidence.nouns import Clock, EventKind, Floats, Rejection
from floodmark.evidence.readers import Dose, SeriesKey, Sighting
from floodmark.evidence.store import Key

CLUSTERED_REJECTIONS = 10_000


class Moment(NamedTuple):
    """A time and the lane whose clock it is in."""

    at: float
    lane: Lane


class SourceSink:
    """The sink of one source (`readers.Sink`)."""

    def __init__(self, ledger: Ledger, path: str, kind: str, family: str, service: str | None = None) -> None:
        self.ledger = ledger
        self.number = len(ledger.sources)
        self.row = SourceRow(path, kind, ledger.origin(family), service)
        ledger.sources.append(self.row)
        self._lanes: dict[tuple[str, Sort], Lane] = {}
        self._naive = False
        self._keys: dict[tuple[str, str, str, str | None, str | None], int] = {}
        self.clusters: dict[tuple[str, str], int] = {}
        """(reason, template) of rejected lines -> how many."""

    def lane(self, sort: Sort, stream: str = "") -> Lane:
        """The lane of this source's times of one sort."""
        lane = self._lanes.get((stream, sort))
        if lane is None:
            lane = self._lanes[stream, sort] = self.ledger.lane(self.number, sort, stream)
        return lane

    def folded(self, stream: str) -> Lane:
        """A new lane for a wall clock that went back an hour."""
        before = self._lanes[stream, "wall"]
        lane = self._lanes[stream, "wall"] = self.ledger.lane(self.number, "wall", stream)
        lane.fold = before.fold + 1
        return lane

    def own_lane(self) -> Lane:
        """The lane of a source that has one clock (`clock` says which)."""
        return self.lane("wall" if self._naive else "zoned")

    # ---- what readers.Sink promises

    def samples(self, key: SeriesKey, at: Floats, value: Floats, line: int | None = None) -> None:
        """Samples of one series in the order of the source; NaN and infinite ones are left out."""
        kept = np.isfinite(at) & np.isfinite(value)
        at, value = np.asarray(at, np.float64)[kept], np.asarray(value, np.float64)[kept]
        number = self._series(key, line)
        if number is None or not len(at):
            return
        lane = self.own_lane()
        lane.covers(float(at.min()), float(at.max()))
        lane.out_of_order += int(np.count_nonzero(np.diff(at) < 0))
        self.ledger.store.samples(number, lane.number, at, value)

    def describe(self, key: SeriesKey, *, copies: int | None = None, started: float | None = None) -> None:
        """What else is known about a series."""
        number = self._series(key, None)
        if number is not None:
            row = self.ledger.series_rows[number]
            row.copies = copies if copies is not None else row.copies
            row.started = started if started is not None else row.started

    def _series(self, key: SeriesKey, line: int | None) -> int | None:
        known = self.ledger.series
        number = known.get((key, self.number))
        if number is None:
            if len(known) >= MAX_SERIES:
                self.remark(f"more than {MAX_SERIES} series: the rest were left out")
                return None
            number = known[key, self.number] = len(self.ledger.series_rows)
            self.ledger.series_rows.append(SeriesRow(key, self.number, line))
        return number

    def doses(self, dose: Dose) -> None:
        """Requests, tasks or connections that began, from a source that counts them in arrays."""
        shape = self.ledger.routes.number(dose.name) if dose.path else -1
        key = Key(
            "dose", dose.kind, dose.service, dose.instance, self.row.origin, "" if dose.path else dose.name, shape,
            probe=int(dose.monitoring),
        )  # fmt: skip
        number = self.ledger.store.key(key, self.number, dose.line)
        size = len(dose.start)
        lane = self.own_lane()
        if size:
            lane.covers(float(np.min(dose.start)), float(np.max(dose.start)))
        zeros = np.zeros(size)
        self.ledger.store.cells(
            np.full(size, number, np.int64), lane.number, np.floor(dose.start).astype(np.int64), np.ones(size),
            np.full(size, np.nan) if dose.seconds is None else np.asarray(dose.seconds, np.float64),
            zeros if dose.bytes_out is None else np.asarray(dose.bytes_out, np.float64),
            zeros if dose.failed is None else np.asarray(dose.failed, np.float64),
        )  # fmt: skip

    def event(
        self, at: float, kind: EventKind, text: str, line: int | None = None, *, service: str | None = None,
        instance: str | None = None, process: str | None = None, count: int = 1,
    ) -> None:  # fmt: skip
        """Something that happened once."""
        self._happened(self._seen(at), kind, text, line, service, instance, process, count)

    def _happened(
        self, moment: Moment, kind: EventKind, text: str | bytes, line: int | None, service: str | None,
        instance: str | None, process: str | None, count: int,
    ) -> None:  # fmt: skip
        self.ledger.happened(
            Happening(
                moment.lane.number,
                moment.at,
                kind,
                service,
                instance,
                process,
                masked(text),
                self.row.origin,
                self.number,
                line,
                count,
            )
        )

    def _seen(self, at: float) -> Moment:
        lane = self.own_lane()
        lane.saw(at)
        return Moment(at, lane)

    def happened_at(
        self, kind: EventKind, moment: Moment, text: str, line: int | None, service: str | None, instance: str | None,
        count: int = 1,
    ) -> None:  # fmt: skip
        """An event at a moment of any lane of this source."""
        self._happened(moment, kind, text, line, service, instance, None, count)

    def sighting(self, sighting: Sighting) -> None:
        """A line counted under a kind."""
        moment = self._seen(sighting.at)
        self._count(
            sighting.kind, sighting.name, moment, sighting.line, sighting.text, sighting.service, None, sighting.count
        )

    def _count(
        self, kind: str, name: str, moment: Moment, line: int, text: str | bytes, service: str | None,
        instance: str | None, n: float,
    ) -> None:  # fmt: skip
        number = self._keys.get(("tally", kind, name, service, instance))
        if number is None:
            number = self._key("tally", kind, name, service, instance, line)
        self.ledger.store.count(number, moment.lane.number, math.floor(moment.at), n)
        shown = text[:MAX_EXAMPLE_BYTES] if isinstance(text, bytes) else text.encode()[:MAX_EXAMPLE_BYTES]
        self.ledger.example(number, (moment.at, moment.lane.number, self.number, line, shown))

    def _key(self, what: str, kind: str, name: str, service: str | None, instance: str | None, line: int) -> int:
        number = self.ledger.store.key(Key(what, kind, service, instance, self.row.origin, name), self.number, line)
        self._keys[what, kind, name, service, instance] = number
        return number

    def route(self, prefix: str, port: int | None, service: str | None, line: int | None = None) -> None:
        """Requests below `prefix`, or to `port`, are served by `service`."""
        self.ledger.route_lines.append(RouteLine(prefix, port, service, self.number, line))

    def limit(self, kind: str, value: float, line: int | None = None, *, service: str | None = None) -> None:
        """A limit."""
        self.ledger.limit_lines.append(LimitLine(kind, value, service, self.row.origin, self.number, line))

    def record(self, count: int = 1, at: float | None = None) -> None:
        """`count` records were read."""
        self.row.records += count
        if at is not None:
            self.own_lane().saw(at)

    def reject(self, line: int, reason: str, text: bytes | str = b"") -> None:
        """One line could not be read."""
        row = self.row
        row.rejected += 1
        if row.rejected > CLUSTERED_REJECTIONS:
            return
        cluster = (reason, template_of(text[:400]))
        self.clusters[cluster] = self.clusters.get(cluster, 0) + 1
        # two of each kind say more than ten of the first
        if len(row.examples) < REJECTIONS_SHOWN and self.clusters[cluster] <= 2:
            row.examples += (Rejection(line, reason, masked(text)),)

    def duplicate(self, count: int = 1) -> None:
        """Records met before."""
        self.row.duplicates += count

    def damaged(self, count: int = 1) -> None:
        """Lines read although something was wrong with them."""
        self.row.damaged += count

    def clock(self, clock: Clock) -> None:
        """What the source says about its own clock: `Clock(None, "assumed")` for times without a zone."""
        self._naive = clock.zone is None
        if clock.zone is not None:
            self.lane("zoned").clock = clock

    def remark(self, text: str) -> None:
        """What the operator should know about this source."""
        self.row.remark(text)
