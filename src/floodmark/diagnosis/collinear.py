"""Doses that move together: what no evidence of this kind can tell apart is named as a group."""

from __future__ import annotations

import numpy as np

from floodmark.diagnosis.dose import ALL, cumulated
from floodmark.diagnosis.explain import Explanation
from floodmark.diagnosis.options import Options
from floodmark.diagnosis.regress import ebic, robust
from floodmark.evidence.nouns import Floats

BIN_MINUTES = 10.0
"""Counts are compared in bins of this length: shorter ones differ by chance in when a request ended."""

IDENTICAL = 0.98
"""Counts that agree this well come from the same visits; what still tells them apart is the timing of seconds."""

SAME = 10.0
"""Difference of the criterion below which the data prefer neither strongly (Kass and Raftery 1995)."""


def inseparable(said: Explanation, index: int, times: Floats, options: Options) -> tuple[int, ...]:
    """Other candidates whose counts follow those of `index` (r of at least `collinear_r`), strongest first."""
    step = float(np.median(np.diff(times)))
    width = max(1, round(BIN_MINUTES * 60.0 / step))
    counts = np.diff(cumulated(said.candidates, times[::width], 60.0 * said.lag_minutes), axis=0)
    mine = counts[:, index]
    if len(mine) < 10 or float(mine.std()) == 0:
        return ()
    found = []
    for other in range(counts.shape[1]):
        column = counts[:, other]
        if other in said.chosen or said.candidates[other].name == ALL or float(column.std()) == 0:
            continue
        together = float(np.corrcoef(mine, column)[0, 1])
        if together >= IDENTICAL or (together >= options.collinear_r and swapped(said, index, other) < SAME):
            found.append((together, other))
    return tuple(other for _, other in sorted(found, key=lambda pair: (-pair[0], pair[1])))


def swapped(said: Explanation, index: int, other: int) -> float:
    """Extended BIC that is lost when candidate `other` takes the place of the chosen `index`."""
    rest = [one for one in said.chosen if one != index]
    design = np.column_stack([said.base, said.design[:, [*rest, other]]])
    rows, width = said.design.shape
    return ebic(robust(design, said.goal).rss, rows, design.shape[1], width) - said.score
