"""What was read before: hashes of entries that carry an identity of their own, in sorted runs of numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MAX_HASHES = 4_000_000
"""8 bytes each. Beyond it the oldest are forgotten: repeats come within hours of each other, not at the other end."""


class SeenBook:
    """Sets of hashes by name."""

    def __init__(self, max_hashes: int = MAX_HASHES) -> None:
        self.max_hashes = max_hashes
        self._runs: dict[str, list[NDArray[np.int64]]] = {}

    def new(self, name: str, hashes: Sequence[int]) -> list[bool]:
        """For each hash whether it is met for the first time, in this call or before; all are remembered."""
        if not hashes:
            return []
        values = np.array(hashes, np.int64)
        distinct, first = np.unique(values, return_index=True)
        fresh = np.ones(len(distinct), np.bool_)
        runs = self._runs.setdefault(name, [])
        for run in runs:
            # sorted runs take 8 bytes an entry; a set of Python was measured to take 70
            place = np.minimum(np.searchsorted(run, distinct), len(run) - 1)
            fresh &= run[place] != distinct
        result = np.zeros(len(values), np.bool_)
        result[first[fresh]] = True
        if fresh.any():
            runs.append(distinct[fresh])
            self._tidy(runs)
        return result.tolist()

    def _tidy(self, runs: list[NDArray[np.int64]]) -> None:
        """Merge runs of like size, so that there are few; forget the oldest where there are too many hashes."""
        while len(runs) > 1 and len(runs[-1]) * 2 > len(runs[-2]):
            last, before = runs.pop(), runs.pop()
            runs.append(np.sort(np.concatenate((before, last))))
        while sum(map(len, runs)) > self.max_hashes and len(runs) > 1:
            runs.pop(0)
        if len(runs) == 1 and len(runs[0]) > self.max_hashes:
            # one run has lost the order in which its hashes came: begin anew
            runs.clear()
