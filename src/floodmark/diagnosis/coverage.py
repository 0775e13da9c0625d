"""Where the logs have a hole, growth must not be blamed on what was not logged: those rows are left out.

A hole is a time without any event of the service that is far longer than chance allows. Rows on both sides are joined
as if the hole took no time: neither its growth nor its hours count for or against a dose.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from floodmark.diagnosis.dose import Candidate, cumulated, parts
from floodmark.evidence.nouns import Floats

LEAST_HOLE_SECONDS = 3600.0
QUIET_TIMES = 40.0
"""A silence this many times the mean time between events does not happen by chance (e^-40)."""

LEAST_LEFT = 0.2
"""Where less than this share is covered, nothing is left out: then the logs are not the measure."""


def covered(found: Iterable[Candidate], times: Floats) -> NDArray[np.bool_]:
    """Which of `times` (seconds, ascending) lie in hours of which there are logs."""
    counted = cumulated(parts(found), times, 0.0).sum(axis=1)
    whole = np.ones(len(times), dtype=bool)
    total, span = (float(counted[-1] - counted[0]), float(times[-1] - times[0])) if len(times) else (0.0, 0.0)
    if total < QUIET_TIMES or span <= 0:
        return whole
    silence = max(QUIET_TIMES * span / total, LEAST_HOLE_SECONDS)
    changed = np.flatnonzero(np.diff(counted) > 0)
    edges = np.concatenate(([0], changed + 1, [len(times) - 1]))
    for begin, end in itertools.pairwise(edges):
        if times[end] - times[begin] > silence:
            whole[begin + 1 : end] = False
    return whole if whole.mean() >= LEAST_LEFT else np.ones(len(times), dtype=bool)


def stitched(values: Floats, kept: NDArray[np.bool_]) -> Floats:
    """Cumulated `values` (n or n x k) at the kept rows, without what was added where a row between them is missing."""
    place = np.flatnonzero(kept)
    steps = np.diff(values[place], axis=0, prepend=values[place[:1]])
    steps[1:][np.diff(place) > 1] = 0.0
    return np.asarray(values[place[:1]] + np.cumsum(steps, axis=0))


def clock_hours(times: Floats) -> Floats:
    """Hours since the first of `times`, holes left out (more than ten times the usual step)."""
    steps = np.diff(times, prepend=times[:1])
    usual = float(np.median(steps[1:])) if len(steps) > 1 else 0.0
    return np.asarray(np.cumsum(np.where(steps > 10.0 * usual, 0.0, steps)) / 3600.0)
