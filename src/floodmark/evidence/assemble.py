"""From the ledger to the evidence: what keys mean once all sources are read, and how cells are added up in bins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from floodmark.evidence.ledger import Ledger
from floodmark.evidence.logs.requests import LOST, NO_UPSTREAM
from floodmark.evidence.nouns import OTHER, Floats, Ints, Place
from floodmark.evidence.serving import Serving
from floodmark.evidence.store import Key

FAR = 2**40
PROXY_KINDS = ("nginx-access", "nginx-error", "nginx-conf")

Window = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Named:
    """What a key means once everything is known."""

    kind: str
    service: str | None
    instance: str | None
    name: str
    rank: int
    probe: int


@dataclass(slots=True)
class Assembly:
    """The ledger with the names of its routes and services, and what bounds the answer."""

    ledger: Ledger
    serving: Serving
    routes: Sequence[str]
    window: Window | None
    max_routes: int
    max_samples: int
    max_all_samples: int
    _services: dict[int, str | None] = field(default_factory=dict)

    def prepare(self) -> None:
        """Put what lanes mean beside the cells."""
        self.ledger.store.settle()
        pieces = [(lane.number, *piece) for lane in self.ledger.lanes for piece in lane.pieces]
        columns = np.array(pieces, np.float64).reshape(-1, 4)
        names = ("low", "high", "shift")
        shifts: dict[str, Any] = {name: columns[:, index] for index, name in enumerate(names, 1)}
        self.ledger.store.table("shifts", {"lane": columns[:, 0].astype(np.int64), **shifts})

    def inside(self, at: float) -> bool:
        """Whether a moment lies in the window that was asked for."""
        return self.window is None or self.window[0] <= at <= self.window[1]

    def place(self, source: int, line: int | None) -> Place:
        """Where something was read."""
        return Place(self.ledger.sources[source].path, line)

    # ---- names

    def named(self, what: str, kind: str | None = None) -> dict[int, Named]:
        """The meaning of all keys of one sort."""
        return {
            number: self._meaning(key)
            for key, number in self.ledger.store.keys.items()
            if key.what == what and kind in (None, key.kind)
        }

    def _meaning(self, key: Key) -> Named:
        name, service = key.name, key.service or self.serving.of_origin(key.origin)
        if key.kind == "endpoint" or key.shape >= 0 or key.port:
            name = self._route(key)
            service = self._server(key, name)
        elif key.kind.startswith("connection") and key.what == "dose":
            # who opened a connection is not told by who passes it on
            service = None
        return Named(key.kind, service, key.instance, name, key.rank, key.probe)

    def first_place(self, numbers: Iterable[int]) -> Place:
        """Where the first of these keys was met, in the order of paths and lines."""
        seen = [self.ledger.store.seen[number] for number in numbers]
        return min(
            (self.place(each.source, each.line) for each in seen), key=lambda place: (place.source, place.line or 0)
        )

    def _route(self, key: Key) -> str:
        if key.shape == -1:
            return key.name
        return OTHER if key.shape < 0 else self.routes[key.shape]

    def _server(self, key: Key, route: str) -> str | None:
        if key.service:
            return key.service
        own = self.serving.of_origin(key.origin)
        if 0 < key.rank < LOST and not key.port:
            return own or (self.serving.web[0] if len(self.serving.web) == 1 else None)
        if key.rank == LOST and not key.port and own:
            return own
        if key.port == NO_UPSTREAM:
            return self.serving.by_role.get("proxy")
        return self.serving.of_request(route, key.port)

    def service_of_source(self, number: int) -> str | None:
        """The service a whole source belongs to."""
        if number not in self._services:
            self._services[number] = self._service_of(number)
        return self._services[number]

    def _service_of(self, number: int) -> str | None:
        row = self.ledger.sources[number]
        if row.kind.startswith("kubernetes"):
            return None
        named = row.services or dict.fromkeys(
            each.key.service for each in self.ledger.series_rows if each.source == number and each.key.service
        )
        if named:
            return next(iter(named)) if len(named) == 1 else None
        if row.kind in PROXY_KINDS and self.serving.by_role.get("proxy"):
            return self.serving.by_role["proxy"]
        return row.service or self.serving.of_origin(row.origin)

    # ---- cells

    def cells(self, groups: Iterable[Iterable[int]], bin_seconds: float) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """(index of a group of keys, columns of its bins in order), for each group with something in the window."""
        pairs = [(key, index) for index, keys in enumerate(groups) for key in keys]
        columns = np.array(pairs, np.int64).reshape(-1, 2)
        self.ledger.store.table("wanted", {"key": columns[:, 0], "grp": columns[:, 1]})
        low, high = self.window or (-math.inf, math.inf)
        # whole bins: from that with the first second in it to the last that begins before the end
        first = math.floor(low / bin_seconds) if math.isfinite(low) else -FAR
        last = math.ceil(high / bin_seconds) - 1 if math.isfinite(high) else FAR
        rows = self.ledger.store.query(
            "SELECT w.grp AS grp, CAST(floor((c.second + s.shift) / ?) AS BIGINT) AS bin, sum(c.n) AS n,"
            " sum(c.seconds) AS seconds, sum(c.bytes) AS bytes, sum(c.failed) AS failed"
            " FROM cells c JOIN wanted w ON w.key = c.key"
            " JOIN shifts s ON s.lane = c.lane AND c.second >= s.low AND c.second < s.high"
            " WHERE floor((c.second + s.shift) / ?) BETWEEN ? AND ? GROUP BY 1, 2 ORDER BY 1, 2",
            bin_seconds, bin_seconds, first, last,
        )  # fmt: skip
        for index, part in parts_of(rows["grp"]):
            yield index, {name: rows[name][part] for name in rows}


def parts_of(group: Any) -> list[tuple[int, slice]]:
    """(group, its rows) of a column that is sorted."""
    values = np.asarray(group, np.int64)
    if not len(values):
        return []
    bounds = np.concatenate(([0], np.flatnonzero(np.diff(values)) + 1, [len(values)]))
    return [(int(values[a]), slice(int(a), int(b))) for a, b in pairwise(bounds)]


def floats(column: Any) -> Floats:
    """A column of a result as floats, NULL as NaN."""
    return np.asarray(np.ma.filled(column, np.nan), np.float64)


def ints(column: Any) -> Ints:
    """A column of a result as whole numbers."""
    return np.asarray(column, np.int64)
