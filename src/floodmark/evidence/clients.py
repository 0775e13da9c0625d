"""Which clients ask for many different things: the sweeps of harvesters and crawlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from floodmark.evidence.nouns import Floats, Ints

FEW_REQUESTS = 8
"""A client with fewer requests in one block of a log is not looked at: a sweep has dozens."""

BUCKETS_MASK = (1 << 16) - 1
MAX_CLIENTS = 400
MAX_CELLS = 200_000


@dataclass(slots=True)
class Seen:
    """One client: what it calls itself, where it comes from, and the place of its first line."""

    name: str
    address: str
    source: int
    line: int
    cells: dict[tuple[int, int], list[float]] = field(default_factory=dict)
    """(lane, bin) -> [requests, distinct targets]"""

    @property
    def targets(self) -> float:
        """Distinct targets, summed over the bins."""
        return sum(cell[1] for cell in self.cells.values())


@dataclass(slots=True)
class ClientBook:
    """The clients with the most different targets; bounded by dropping those with the fewest."""

    clients: dict[int, Seen] = field(default_factory=dict)
    cells: int = 0

    def add(
        self, client: Ints, target: Ints, bins: Ints, lane: int, describe: Callable[[int], tuple[str, str, int, int]]
    ) -> None:
        """Count one block: hashes of clients and targets, bins. `describe(row)` gives name, address, source, line."""
        rows = _busy(client)
        if not len(rows):
            return
        identity, first, who = np.unique(client[rows], return_index=True, return_inverse=True)
        low = int(bins[rows].min())
        width = int(bins[rows].max()) - low + 1
        cells, requests, targets = _counted(who * width + bins[rows] - low, target[rows])
        for where, asked, distinct in zip(cells.tolist(), requests.tolist(), targets.tolist(), strict=True):
            name = int(identity[where // width])
            seen = self.clients.get(name)
            if seen is None:
                seen = self.clients[name] = Seen(*describe(int(rows[first[where // width]])))
            self._cell(seen, (lane, where % width + low), asked, distinct)
        if len(self.clients) > 2 * MAX_CLIENTS or self.cells > MAX_CELLS:
            self._prune()

    def _cell(self, seen: Seen, where: tuple[int, int], asked: float, distinct: float) -> None:
        cell = seen.cells.get(where)
        if cell is None:
            seen.cells[where] = [asked, distinct]
            self.cells += 1
        else:
            cell[0] += asked
            cell[1] += distinct

    def _prune(self) -> None:
        ranked = sorted(self.clients.items(), key=lambda item: (-item[1].targets, item[1].name, item[1].address))
        kept: dict[int, Seen] = {}
        cells = 0
        for identity, seen in ranked[:MAX_CLIENTS]:
            if kept and cells + len(seen.cells) > MAX_CELLS // 2:
                break
            kept[identity] = seen
            cells += len(seen.cells)
        self.clients, self.cells = kept, cells


def _busy(client: Ints) -> Ints:
    """The rows of clients with at least FEW_REQUESTS of them."""
    # a coarse count first: most clients of a busy log are met a few times only, and sorting all would cost most
    coarse = np.bincount(client & BUCKETS_MASK, minlength=BUCKETS_MASK + 1)
    rows = np.flatnonzero(coarse[client & BUCKETS_MASK] >= FEW_REQUESTS)
    _, inverse, count = np.unique(client[rows], return_inverse=True, return_counts=True)
    return rows[count[inverse] >= FEW_REQUESTS]


def _counted(cell: Ints, target: Ints) -> tuple[Ints, Floats, Floats]:
    """(distinct cells, how many rows each has, how many distinct targets)."""
    cells, cell_of = np.unique(cell, return_inverse=True)
    # cell and target in one word, so that one plain sort puts equal ones side by side
    words = np.sort((cell_of.astype(np.uint64) << np.uint64(40)) | (target.astype(np.uint64) >> np.uint64(24)))
    new_target = np.ones(len(words), np.bool_)
    new_target[1:] = words[1:] != words[:-1]
    place = (words >> np.uint64(40)).astype(np.int64)
    requests = np.bincount(place, minlength=len(cells)).astype(np.float64)
    return cells, requests, np.bincount(place, new_target, len(cells)).astype(np.float64)
