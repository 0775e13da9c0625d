"""Who else it might have been, what speaks against that, and what would decide."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from floodmark.diagnosis.certify import Checks
from floodmark.diagnosis.collinear import swapped
from floodmark.diagnosis.dose import ALL, cumulated
from floodmark.diagnosis.explain import Explanation
from floodmark.diagnosis.incident import Rival
from floodmark.diagnosis.scene import Scene
from floodmark.diagnosis.victims import Victim
from floodmark.diagnosis.wording import figure, per_cent

MOST = 5
MOVES_TOGETHER = 0.5
"""Correlation with the culprit's requests by the hour from which a route is worth a word."""


def rivals(
    scene: Scene, said: Explanation, index: int, checks: Checks, suffering: tuple[Victim, ...]
) -> tuple[Rival, ...]:
    """At most `MOST` rivals of candidate `index`, nearest first; the clock and the monitoring are always asked."""
    found = list(_routes(said, index, checks))
    found += list(_slow(suffering))[:2]
    found.append(_every_request(said, index))
    found.append(_clock(scene, said))
    names: dict[str, Rival] = {}
    for one in found:
        names.setdefault(one.name, one)
    return tuple(names.values())[: MOST + 2]


def _routes(said: Explanation, index: int, checks: Checks) -> Iterator[Rival]:
    """Candidates that move with the culprit by the hour, and the one that would replace it best."""
    columns = _hourly(said)
    if len(columns) < 4:
        return
    correlation = _moving_with(said, index, columns)
    ranked = sorted(correlation, key=lambda other: (-correlation[other], other))
    near = [other for other in ranked if correlation[other] >= MOVES_TOGETHER][: MOST - 1]
    if (
        correlation
        and checks.rival is not None
        and checks.rival not in near
        and said.candidates[checks.rival].name != ALL
    ):
        near.insert(0, checks.rival)
    for other in near:
        yield _route(said, index, other, correlation.get(other, 0.0))


def _moving_with(said: Explanation, index: int, columns: np.ndarray) -> dict[int, float]:
    """Candidate that was not chosen -> correlation of its requests with those of the culprit by the hour."""
    moving = [other for other in range(columns.shape[1]) if float(columns[:, other].std()) > 0]
    others = [other for other in moving if other not in said.chosen and said.candidates[other].name != ALL]
    if index not in moving:
        return dict.fromkeys(others, 0.0)
    return {other: float(np.corrcoef(columns[:, index], columns[:, other])[0, 1]) for other in others}


def _hourly(said: Explanation) -> np.ndarray:
    rows = max(2, int(said.hours) + 1)
    first = min(float(one.edge[0]) for one in said.candidates)
    last = max(float(one.edge[-1]) for one in said.candidates)
    edges = np.linspace(max(first, last - said.hours * 3600.0), last, rows)
    return np.diff(cumulated(said.candidates, edges, 60.0 * said.lag_minutes), axis=0)


def _route(said: Explanation, index: int, other: int, together: float) -> Rival:
    lost = swapped(said, index, other)
    name, mine = said.candidates[other].name, said.candidates[index].name
    against = (
        f"Its requests rise and fall with those of {mine} by the hour (r {together:.2f}), but minute by minute memory "
        f"does not follow them: put in its place, it explains less (criterion worse by {figure(max(lost, 0.0))})."
    )
    return Rival(name, against, _replay(name))


def _replay(name: str) -> str:
    return (
        f"Replay N and then 2N requests of {name} alone on one spare worker: growth in both windows convicts it, none "
        f"clears it."
    )


def _slow(suffering: tuple[Victim, ...]) -> Iterator[Rival]:
    for one in suffering:
        text = (
            f"It got slower, from {figure(one.before)} s to {figure(one.late)} s, but its requests do not precede the "
            f"growth: slow is what memory pressure does to a request, not guilt."
        )
        yield Rival(one.candidate.name, text, _replay(one.candidate.name))


def _every_request(said: Explanation, index: int) -> Rival:
    place = [k for k, one in enumerate(said.candidates) if one.name == ALL]
    if place and place[0] != index and place[0] not in said.chosen:
        lost = swapped(said, index, place[0])
        text = f"Traffic as a whole in its place explains less (criterion worse by {figure(max(lost, 0.0))})."
    else:
        text = "Growth follows single routes, not the sum of requests."
    decide = "Hold traffic constant and leave this route out of it for an hour: growth that stops was the route's."
    return Rival("traffic as a whole", text, decide)


def _clock(scene: Scene, said: Explanation) -> Rival:
    grown = max(scene.view.stretch.mb, 1e-9) if scene.view is not None else 1.0
    share = max(said.time_mb_per_hour * said.hours / grown, 0.0)
    text = (
        f"Scrapes and timers come at a constant pace; what grows with the clock is {per_cent(min(share, 1.0))} of the "
        f"growth."
    )
    decide = "Switch the monitoring middleware off on one replica: the same growth there clears it."
    return Rival("the monitoring itself", text, decide)
