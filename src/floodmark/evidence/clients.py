"""Which clients ask for many different things: the sweeps of harvesters and crawlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from floodmark.evidence.nouns import Floats, Ints

FEW_REQUESTS = 8
"""A client with fewer requests in one block of a log is not looked at: a sweep has dozens."""

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
        identity, first, inverse, count = np.unique(client, return_index=True, return_inverse=True, return_counts=True)
        busy = count >= FEW_REQUESTS
        rows = np.flatnonzero(busy[inverse])
        if not len(rows):
            return
        triples = np.stack((inverse[rows], bins[rows], target[rows].astype(np.int64, copy=False)), axis=1)
        order = np.lexsort((triples[:, 2], triples[:, 1], triples[:, 0]))
        triples = triples[order]
        new_cell = np.ones(len(rows), np.bool_)
        new_cell[1:] = (triples[1:, :2] != triples[:-1, :2]).any(axis=1)
        new_target = new_cell.copy()
        new_target[1:] |= triples[1:, 2] != triples[:-1, 2]
        heads = np.flatnonzero(new_cell)
        requests: Floats = np.diff(np.append(heads, len(rows))).astype(np.float64)
        targets: Floats = np.add.reduceat(new_target.astype(np.float64), heads)
        for head, asked, distinct in zip(heads.tolist(), requests.tolist(), targets.tolist(), strict=True):
            who = int(triples[head, 0])
            seen = self.clients.get(int(identity[who]))
            if seen is None:
                seen = self.clients[int(identity[who])] = Seen(*describe(int(first[who])))
            self._cell(seen, (lane, int(triples[head, 1])), asked, distinct)
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
