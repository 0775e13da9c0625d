"""Requests, many at once, into cells: what began when on which route, how it ended, and who asked."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from floodmark.evidence.clock import Lane
from floodmark.evidence.ledger import Ledger
from floodmark.evidence.logs.requests import (
    FAILED_STATUSES,
    HIDDEN_STATUSES,
    RequestBatch,
    Words,
    hashes,
    words_of,
)  # fmt: skip
from floodmark.evidence.nouns import Ints
from floodmark.evidence.store import Key

PROBES = re.compile(
    rb"(?i)kube-probe|prometheus|googlehc|elb-healthchecker|blackbox|vmagent|victoriametrics|telegraf|datadog|zabbix"
    rb"|nagios|check_http|uptime|pingdom|statuscake|site24x7|newrelicpinger|grafana-agent|alloy/|haproxy|consul"
    rb"|health-?check|amazon-route53|monit/|icinga|checkly|envoy/hc|opentelemetry"
)
"""Clients that watch and do not use a service."""

Mask = NDArray[np.bool_]

SLOW_ANCHOR_SECONDS = 2.0
OVER_SECONDS = (10.0, 30.0)
MAX_EXAMPLE_BYTES = 1000
MAX_BATCH_ANCHORS = 2000
TOLD_STATUSES = (429, 499, 500, 502, 503, 504)
REMEMBERED_PATHS = 200_000
REMEMBERED_AGENTS = 50_000


def count_requests(
    ledger: Ledger, source: int, origin: int, batch: RequestBatch, lane: Lane, rank: int, service: str | None,
    instance: str | None,
) -> None:  # fmt: skip
    """Add the requests of `batch` to the ledger."""
    if not len(batch):
        return
    _Count(ledger, source, origin, batch, lane, rank, service, instance).run()


class _Count:
    """One batch on its way into the ledger; the steps share its columns."""

    def __init__(
        self, ledger: Ledger, source: int, origin: int, batch: RequestBatch, lane: Lane, rank: int,
        service: str | None, instance: str | None,
    ) -> None:  # fmt: skip
        self.ledger, self.source, self.origin, self.batch, self.lane = ledger, source, origin, batch, lane
        self.rank, self.service, self.instance = rank, service, instance
        # lines that state their zone are counted by the bin, others by the second until their zone is known
        self.grain = 1 if lane.naive else max(int(ledger.bin_seconds), 1)
        self.words = words_of(batch.raw)

    def run(self) -> None:
        batch = self.batch
        self._clock()
        targets = hashes(self.words, batch.path)
        agents = hashes(self.words, batch.agent)
        shape = self._shapes(targets)
        probe = self._probes(agents)
        self._doses(shape, probe)
        self._told(shape)
        self._anchors(targets)
        clients = (hashes(self.words, batch.address) ^ (agents * np.uint64(31))).astype(np.int64)
        people = np.flatnonzero(~probe)
        if len(people):
            bins = np.floor(batch.end[people] / self.grain).astype(np.int64)
            self.ledger.clients.add(
                clients[people], targets[people].astype(np.int64), bins, self.lane.number,
                lambda row: self._client(int(people[row])),
            )  # fmt: skip

    def _client(self, row: int) -> tuple[str, str, int, int]:
        agent = self.batch.cut(self.batch.agent, row)[:200].decode("utf-8", "backslashreplace")
        address = self.batch.cut(self.batch.address, row)[:100].decode("utf-8", "backslashreplace")
        return agent, address, self.source, int(self.batch.line[row])

    def _clock(self) -> None:
        end = self.batch.end
        newest = np.maximum.accumulate(np.maximum(end, self.lane.newest))
        self.lane.out_of_order += int(np.count_nonzero(end < newest - 2.0))
        self.lane.covers(float(end.min()), float(end.max()))

    def _shapes(self, targets: Words) -> Ints:
        known = self.ledger.remembered.paths
        distinct, first, inverse = np.unique(targets, return_index=True, return_inverse=True)
        numbers = []
        for target, row in zip(distinct.tolist(), first.tolist(), strict=True):
            number = known.get(target)
            if number is None:
                number = self.ledger.routes.number(self.batch.cut(self.batch.path, row))
                if len(known) >= REMEMBERED_PATHS:
                    known.clear()
                known[target] = number
            numbers.append(number)
        return np.array(numbers, np.int64)[inverse]

    def _probes(self, agents: Words) -> Mask:
        known = self.ledger.remembered.agents
        distinct, first, inverse = np.unique(agents, return_index=True, return_inverse=True)
        flags = []
        for agent, row in zip(distinct.tolist(), first.tolist(), strict=True):
            flag = known.get(agent)
            if flag is None:
                flag = PROBES.search(self.batch.cut(self.batch.agent, row)) is not None
                if len(known) >= REMEMBERED_AGENTS:
                    known.clear()
                known[agent] = flag
            flags.append(flag)
        return np.array(flags, np.bool_)[inverse]

    def _doses(self, shape: Ints, probe: Mask) -> None:
        batch = self.batch
        took = np.nan_to_num(batch.seconds, nan=0.0)
        start = np.floor((batch.end - took) / self.grain).astype(np.int64) * self.grain
        kinds, kind_of = np.unique(np.stack((shape, batch.port, probe), axis=1), axis=0, return_inverse=True)
        kind_of = kind_of.reshape(-1)
        low = int(start.min())
        width = (int(start.max()) - low) // self.grain + 1
        cell, cell_of = np.unique(kind_of * width + (start - low) // self.grain, return_inverse=True)
        first = _first_of(kind_of, len(kinds))
        keys = np.array(
            [
                self._key("dose", "endpoint", number, port, int(flag), first[row])
                for row, (number, port, flag) in enumerate(kinds.tolist())
            ],
            np.int64,
        )
        size = len(cell)
        failed = np.isin(batch.status, FAILED_STATUSES)
        self.ledger.store.cells(
            keys[cell // width], self.lane.number, (cell % width) * self.grain + low,
            np.bincount(cell_of, minlength=size).astype(np.float64),
            np.bincount(cell_of, batch.seconds, size).astype(np.float64),
            np.bincount(cell_of, batch.sent, size).astype(np.float64),
            np.bincount(cell_of, failed, size).astype(np.float64),
        )  # fmt: skip
        good = ~np.isin(batch.status, HIDDEN_STATUSES)
        seen = np.bincount(kind_of, good, len(kinds))
        self.ledger.routes.saw(kinds[:, 0].tolist(), seen.tolist())

    def _key(self, what: str, kind: str, shape: int, port: int, probe: int, row: int) -> int:
        key = Key(
            what, kind, self.service if self.rank else None, self.instance, self.origin, "", shape,
            self.batch.ports[port], self.rank, probe,
        )  # fmt: skip
        return self.ledger.store.key(key, self.source, int(self.batch.line[row]))

    def _told(self, shape: Ints) -> None:
        """Tallies by the end of the request: the slow ones, and those that failed in a telling way."""
        batch = self.batch
        for limit in OVER_SECONDS:
            self._tally(f"request-over-{limit:.0f}s", shape, np.flatnonzero(batch.seconds > limit))
        for status in TOLD_STATUSES:
            self._tally(f"status-{status}", shape, np.flatnonzero(batch.status == status))

    def _tally(self, kind: str, shape: Ints, rows: Ints) -> None:
        if not len(rows):
            return
        batch = self.batch
        second = np.floor(batch.end[rows] / self.grain).astype(np.int64) * self.grain
        cells, first, count = np.unique(
            np.stack((shape[rows], batch.port[rows], second), axis=1), axis=0, return_index=True, return_counts=True
        )
        keys = []
        for (number, port, _), row in zip(cells.tolist(), rows[first].tolist(), strict=True):
            key = self._key("tally", kind, number, port, 0, row)
            keys.append(key)
            self._example(key, row)
        zeros = np.zeros(len(cells))
        self.ledger.store.cells(
            np.array(keys, np.int64), self.lane.number, cells[:, 2], count.astype(np.float64), zeros, zeros, zeros
        )

    def _example(self, key: int, row: int) -> None:
        batch = self.batch
        text = batch.cut(batch.text, row)[:MAX_EXAMPLE_BYTES]
        self.ledger.example(key, (float(batch.end[row]), self.lane.number, self.source, int(batch.line[row]), text))

    def _anchors(self, targets: Words) -> None:
        """Ends of requests that a source of unknown clock tells of as well; such sources are read first."""
        batch, ledger = self.batch, self.ledger
        if self.lane.naive:
            rows = np.flatnonzero((batch.status >= 499) | (batch.seconds > SLOW_ANCHOR_SECONDS))
        elif ledger.wanted:
            rows = np.flatnonzero(np.isin(targets, np.fromiter(ledger.wanted, np.uint64, len(ledger.wanted))))
        else:
            return
        for row in rows[:MAX_BATCH_ANCHORS].tolist():
            ledger.anchor_path(self.lane, batch.cut(batch.path, row), float(batch.end[row]))


def _first_of(group: Ints, groups: int) -> list[int]:
    """The first row of each group."""
    first = np.full(groups, len(group), np.int64)
    np.minimum.at(first, group, np.arange(len(group)))
    return [int(row) for row in first]
