"""A time in which everything was slow: all routes at once, fast ones too, without more traffic.

That is what a slow database, a starved machine or a lock does. Memory then follows what waits; nothing leaks by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.dose import Candidate, parts
from floodmark.diagnosis.scene import Scene
from floodmark.evidence.nouns import Floats

BIN_SECONDS = 900.0
LEAST_REQUESTS = 100.0
"""Requests of a route in the evidence from which its usual duration is known."""

AROUND = 12
"""Bins before and after that tell the usual traffic of those hours."""

LEAST_ROUTES = 5
SLOWER = 4.0
"""Times the usual duration, in the middle of the routes, that is slow for everything."""

LEAST_SECONDS = 1800.0
MORE_TRAFFIC = 1.5
"""Requests against the usual from which traffic is the likelier reason."""


@dataclass(frozen=True, slots=True)
class Slowness:
    """From when to when (seconds), how many times slower the middle route was, and traffic against the usual."""

    start: float
    end: float
    factor: float
    traffic: float


def slowness(scene: Scene) -> Slowness | None:
    """The longest time in which all routes of the service were slow at once; None where there was none."""
    routes = [one for one in parts(scene.candidates) if one.mean is not None and one.total[-1] >= LEAST_REQUESTS]
    if len(routes) < LEAST_ROUTES:
        return None
    edges = np.arange(scene.window[0], scene.window[1] + BIN_SECONDS, BIN_SECONDS)
    if len(edges) < 9:
        return None
    counts = np.array([np.diff(np.interp(edges, one.edge, one.total)) for one in routes])
    ratio = np.array([_against_usual(one, edges, count) for one, count in zip(routes, counts, strict=True)])
    known = np.isfinite(ratio).sum(axis=0) >= 3
    middle = np.array([np.nanmedian(column) if some else 1.0 for column, some in zip(ratio.T, known, strict=True)])
    begin, end = _longest(middle >= SLOWER)
    if (end - begin) * BIN_SECONDS < LEAST_SECONDS:
        return None
    traffic = _traffic(counts.sum(axis=0), begin, end)
    if traffic >= MORE_TRAFFIC:
        return None
    return Slowness(float(edges[begin]), float(edges[end]), float(np.median(middle[begin:end])), traffic)


def _traffic(total: Floats, begin: int, end: int) -> float:
    """Requests between two bins over those around: of the hours before and after, the busier."""
    around = [part.mean() for part in (total[max(0, begin - AROUND) : begin], total[end : end + AROUND]) if len(part)]
    return float(total[begin:end].mean() / max(float(max(around)), 1e-9)) if around else np.inf


def _against_usual(one: Candidate, edges: Floats, count: Floats) -> Floats:
    """Mean duration in each bin over its median over bins; NaN where nothing began."""
    busy = np.diff(np.interp(edges, one.edge, one.busy))
    mean = np.where(count >= 1.0, busy / np.maximum(count, 1e-9), np.nan)
    usual = float(np.nanmedian(mean)) if np.isfinite(mean).any() else 0.0
    return mean / usual if usual > 0 else np.full(len(count), np.nan)


def _longest(slow: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> tuple[int, int]:
    """(first, behind the last) of the longest run; one bin between two slow ones counts as slow."""
    joined = slow.copy()
    joined[1:-1] |= slow[:-2] & slow[2:]
    edges = np.flatnonzero(np.diff(np.concatenate(([0], joined.astype(int), [0]))))
    runs = edges.reshape(-1, 2)
    if not len(runs):
        return 0, 0
    best = runs[int(np.argmax(runs[:, 1] - runs[:, 0]))]
    return int(best[0]), int(best[1])
