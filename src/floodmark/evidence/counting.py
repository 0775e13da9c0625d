"""Requests, many at once, into cells: what began when on which route, how it ended, and who asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import repeat

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
SPAN_COUNTED = 1 << 18
NOT_KNOWN = -99
AGENT_BYTES = 48
"""Bytes of a client's name that are hashed from its beginning, beside its end and its length."""

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
        targets = hashes(self.words, batch.path)
        agents = hashes(self.words, batch.agent, AGENT_BYTES)
        shape = self._shapes(targets)
        probe = self._probes(agents)
        self._doses(shape, probe)
        self._told(shape)
        self._anchors(targets)
        # address and name together: one address may hide many programs, one name many addresses
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

    def _shapes(self, targets: Words) -> Ints:
        """The number of each path's shape; a path met before is known by its hash."""
        known = self.ledger.remembered.paths
        numbers, missing = looked_up(known, targets)
        if len(missing):
            found = self.ledger.routes.numbers([self.batch.cut(self.batch.path, row) for row in missing.tolist()])
            if len(known) + len(missing) > REMEMBERED_PATHS:
                known.clear()
            known.update(zip(targets[missing].tolist(), found, strict=True))
            numbers[missing] = found
        return numbers

    def _probes(self, agents: Words) -> Mask:
        """Whether each request is a probe's or a scraper's. Clients' names are few: a sorted column of hashes will do."""
        known = self.ledger.remembered
        place = np.minimum(np.searchsorted(known.agents, agents), len(known.agents) - 1)
        probe = known.probes[place]
        new = known.agents[place] != agents
        if not new.any():
            return probe
        distinct, first, which = np.unique(agents[new], return_index=True, return_inverse=True)
        rows = np.flatnonzero(new)[first].tolist()
        flags = np.array([PROBES.search(self.batch.cut(self.batch.agent, row)) is not None for row in rows], np.bool_)
        # answered from this batch and not from what is remembered: names that are all different may not all fit in there
        probe[new] = flags[which]
        if len(known.agents) + len(distinct) > REMEMBERED_AGENTS:
            known.forget_agents()
        known.add_agents(distinct[:REMEMBERED_AGENTS], flags[:REMEMBERED_AGENTS])
        return probe

    def _doses(self, shape: Ints, probe: Mask) -> None:
        batch, ports = self.batch, len(self.batch.ports)
        took = np.nan_to_num(batch.seconds, nan=0.0)
        # counted when it began: memory follows the work, and a slow request ends minutes after it
        start = np.floor((batch.end - took) / self.grain).astype(np.int64)
        # the two numbers that stand for OTHER and for nothing lie below zero
        kind = ((shape + 2) * ports + batch.port) * 2 + probe
        kinds, kind_of, first = grouped(kind)
        low = int(start.min())
        width = int(start.max()) - low + 1
        cell, cell_of, _ = grouped(kind_of * width + (start - low))
        keys = np.array(
            [
                self._key("dose", "endpoint", number // 2 // ports - 2, number // 2 % ports, number % 2, row)
                for number, row in zip(kinds.tolist(), first.tolist(), strict=True)
            ],
            np.int64,
        )
        size = len(cell)
        failed = np.isin(batch.status, FAILED_STATUSES)
        self.ledger.store.cells(
            keys[cell // width], self.lane.number, (cell % width + low) * self.grain,
            np.bincount(cell_of, minlength=size).astype(np.float64),
            np.bincount(cell_of, batch.seconds, size).astype(np.float64),
            np.bincount(cell_of, batch.sent, size).astype(np.float64),
            np.bincount(cell_of, failed, size).astype(np.float64),
        )  # fmt: skip
        # what scanners ask for does not exist, and must not make a place look variable
        good = ~np.isin(batch.status, HIDDEN_STATUSES)
        seen = np.bincount(kind_of, good, len(kinds))
        self.ledger.routes.saw((kinds // 2 // ports - 2).tolist(), seen.tolist())

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
        batch, ports = self.batch, len(self.batch.ports)
        bins = np.floor(batch.end[rows] / self.grain).astype(np.int64)
        low = int(bins.min())
        width = int(bins.max()) - low + 1
        cells, cell_of, first = grouped(((shape[rows] + 2) * ports + batch.port[rows]) * width + bins - low)
        keys = []
        for cell, row in zip((cells // width).tolist(), rows[first].tolist(), strict=True):
            key = self._key("tally", kind, cell // ports - 2, cell % ports, 0, row)
            keys.append(key)
            self._example(key, row)
        zeros = np.zeros(len(cells))
        count = np.bincount(cell_of, minlength=len(cells)).astype(np.float64)
        self.ledger.store.cells(
            np.array(keys, np.int64), self.lane.number, (cells % width + low) * self.grain, count, zeros, zeros, zeros
        )

    def _example(self, key: int, row: int) -> None:
        batch = self.batch
        text = batch.cut(batch.text, row)[:MAX_EXAMPLE_BYTES]
        self.ledger.example(key, (float(batch.end[row]), self.lane.number, self.source, int(batch.line[row]), text))

    def _anchors(self, targets: Words) -> None:
        """Ends of requests that a source of unknown clock tells of as well; such sources are read first."""
        batch, ledger = self.batch, self.ledger
        if self.lane.naive:
            # only what is rare tells one moment from another
            rows = np.flatnonzero((batch.status >= 499) | (batch.seconds > SLOW_ANCHOR_SECONDS))
        elif ledger.wanted:
            rows = np.flatnonzero(np.isin(targets, np.fromiter(ledger.wanted, np.uint64, len(ledger.wanted))))
        else:
            return
        for row in rows[:MAX_BATCH_ANCHORS].tolist():
            ledger.anchor_path(self.lane, batch.cut(batch.path, row), float(batch.end[row]))


def looked_up(known: Mapping[int, int], hashed: Words) -> tuple[Ints, Ints]:
    """(the number of each hash, the rows that have none yet)."""
    numbers = np.fromiter(map(known.get, hashed.tolist(), repeat(NOT_KNOWN)), np.int64, len(hashed))
    return numbers, np.flatnonzero(numbers == NOT_KNOWN)


def grouped(values: Ints) -> tuple[Ints, Ints, Ints]:
    """(distinct values, for each value the place of its own, first row of each); without sorting where it can be."""
    low = int(values.min(initial=0))
    span = int(values.max(initial=0)) - low + 1
    # an array as long as the span costs less than sorting while it stays in the cache
    if span > SPAN_COUNTED:
        distinct, first, inverse = np.unique(values, return_index=True, return_inverse=True)
        return distinct, inverse, first
    place = values - low
    first_row = np.full(span, len(values), np.int64)
    first_row[place[::-1]] = np.arange(len(values) - 1, -1, -1)
    distinct = np.flatnonzero(first_row < len(values))
    order = np.empty(span, np.int64)
    order[distinct] = np.arange(len(distinct))
    return distinct + low, order[place], first_row[distinct]
