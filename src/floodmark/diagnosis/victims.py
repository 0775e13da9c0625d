"""Victims: routes that got slower while memory grew. Slow is not guilty.

Wrong where a route got slower for reasons of its own in the same hours; it is named as a victim, never as more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.dose import Candidate, parts
from floodmark.diagnosis.scene import Scene

LEAST_REQUESTS = 20
SLOWER = 1.5
"""Mean duration, late in the growth against before, that makes a victim."""

SLOWER_SECONDS = 0.5
MOST = 6
"""Victims that are listed, worst first."""


@dataclass(frozen=True, slots=True)
class Victim:
    """A route and its mean seconds before the growth and late in it."""

    candidate: Candidate
    before: float
    late: float


def victims(scene: Scene, innocent_of: frozenset[str]) -> tuple[Victim, ...]:
    """Routes of the service, culprits (`innocent_of`) left out, that got much slower; the worst first."""
    if scene.view is None:
        return ()
    start, end = scene.view.start, scene.view.end
    found = []
    # Late in the growth: when it begins memory is not short yet.
    for one in parts(scene.candidates):
        if one.name in innocent_of or one.mean is None:
            continue
        before, late = mean_seconds(one, one.edge[0], start), mean_seconds(one, (start + end) / 2.0, end)
        if before is not None and late is not None and late >= max(SLOWER * before, before + SLOWER_SECONDS):
            found.append(Victim(one, before, late))
    return tuple(sorted(found, key=lambda one: (one.before - one.late, one.candidate.name))[:MOST])


def mean_seconds(one: Candidate, start: float, end: float) -> float | None:
    """Mean duration of the requests that began between two times; None for fewer than `LEAST_REQUESTS`."""
    edges = np.array([start, end])
    count, busy = np.diff(np.interp(edges, one.edge, one.total))[0], np.diff(np.interp(edges, one.edge, one.busy))[0]
    return float(busy / count) if count >= LEAST_REQUESTS else None


def slowdown(scene: Scene) -> tuple[float, float] | None:
    """(typical seconds added to a request since the growth began, share of routes slower by half of that).

    None where fewer than five routes tell. The same on nearly all routes, fast ones too, speaks for what every request
    passes through: a middleware, the monitoring itself.
    """
    if scene.view is None:
        return None
    start, end = scene.view.start, scene.view.end
    added = []
    for one in parts(scene.candidates):
        before, after = mean_seconds(one, one.edge[0], start), mean_seconds(one, start, end)
        if before is not None and after is not None:
            added.append(after - before)
    if len(added) < 5:
        return None
    typical = float(np.median(added))
    return typical, float(np.mean(np.array(added) > 0.5 * typical))
