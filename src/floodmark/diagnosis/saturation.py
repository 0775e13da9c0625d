"""Does growth go on, or does it fill something up? A line per dose against a saturating curve per dose.

A leak in a route slows down at night like a cache that is full; only per request do they differ. So both models are
asked in every clock there is (hours, all requests, the most telling routes), and compared by extended BIC.

Wrong when the evidence ends before the curve bends: then neither wins, and the answer is "growing, unconfirmed".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.dose import ALL, Candidate, cumulated, parts
from floodmark.diagnosis.explain import Explanation
from floodmark.diagnosis.onset import Stretch
from floodmark.diagnosis.regress import THETAS, Matrix, ebic, robust, whiten
from floodmark.diagnosis.track import Track
from floodmark.evidence.nouns import Floats

BENDS = (0.05, 0.1, 0.2, 0.35, 0.6, 1.0)
"""Time constants that are tried, as shares of the clock's length."""

FULL = 0.35
"""Up to this one the curve is 94% full at the end; beyond, it bends but nobody can say that it will level off."""

CLOCKS = 6
"""Routes that are tried as clocks."""

DAY_HOURS = 24.0
"""Where no dose is known, growth may slow down because it is night: then whole days are compared, and..."""

WAVE_HOURS = 30.0
"""...a daily wave may be in both shapes, from a growth this long on; in a shorter one it could imitate either."""


@dataclass(frozen=True, slots=True)
class Saturation:
    """How the best saturating curve compares with the best line.

    margin   extended BIC of the curve minus that of the line: positive speaks for a leak
    bend     time constant of the best curve as a share of the clock: above FULL it has not levelled off yet
    clock    what the best curve counts ("hours", every request, or a route)
    tail     growth per dose in the last third of it, over that of the whole: 1 for a line, near 0 for what is full
    """

    margin: float
    bend: float
    clock: str
    tail: float


def saturation(
    track: Track, growth: Floats, stretch: Stretch, nuisance: Matrix, found: tuple[Candidate, ...],
    explanation: Explanation | None,
) -> Saturation:  # fmt: skip
    """Compare the two shapes over `stretch` of `growth` (MB, n); `nuisance` (n x m) may have any weight in both."""
    rows = slice(stretch.begin, stretch.end + 1)
    hours = track.hours[rows] - track.hours[stretch.begin]
    base = np.column_stack([hours, nuisance[rows], _wave(hours, found)])
    theta = explanation.theta if explanation is not None else _theta(base, growth[rows])
    goal, white = whiten(growth[rows], theta), whiten(base, theta)
    clocks = _clocks(track, rows, found, explanation)
    line = robust(white, goal)
    # Both shapes pay for all clocks that were looked at, whether they use one or not.
    line_score = ebic(line.rss, len(goal), white.shape[1], len(clocks))
    # The line per dose is a line too: whichever is better speaks against the curve.
    if explanation is not None:
        line_score = min(line_score, explanation.score)
    best, clock, curved = np.inf, "hours", FULL
    for name, counted in clocks:
        for bend in BENDS:
            curve = whiten(_filling(track, stretch, counted, bend)[:, None], theta)
            design = np.hstack([white[:, 1:], curve])
            score = ebic(robust(design, goal).rss, len(goal), design.shape[1] + 1, len(clocks))
            if score < best:
                best, clock, curved = score, name, bend
    return Saturation(best - line_score, curved, clock, _tail(track, growth, stretch, found, explanation))


def _wave(hours: Floats, found: tuple[Candidate, ...]) -> Matrix:
    """What a pace that rises and falls with the day adds and takes, both ways (n x 4); nothing where doses tell (n x 0)."""
    if parts(found) or hours[-1] < WAVE_HOURS:
        return np.zeros((len(hours), 0))
    angle = 2.0 * np.pi * hours / DAY_HOURS
    return np.column_stack([np.sin(angle), -np.sin(angle), np.cos(angle), -np.cos(angle)])


def _theta(base: Matrix, growth: Floats) -> float:
    return min(THETAS, key=lambda theta: robust(whiten(base, theta), whiten(growth, theta)).rss)


def _clocks(
    track: Track, rows: slice, found: tuple[Candidate, ...], explanation: Explanation | None
) -> list[tuple[str, Floats]]:
    """(name, what one life slot was given up to each time of the grid) of each clock."""
    clocks = [("hours", track.hours)]
    shown = parts(found)
    if not shown:
        return clocks
    columns = cumulated(shown, track.at, 0.0)
    telling = list(range(min(CLOCKS, len(shown))))
    if explanation is not None:
        chosen = {explanation.candidates[index].name for index in explanation.chosen}
        telling = list(dict.fromkeys([k for k, one in enumerate(shown) if one.name in chosen] + telling))[:CLOCKS]
    for name, column in [(ALL, columns.sum(axis=1)), *((shown[k].name, columns[:, k]) for k in telling)]:
        steps = np.diff(column, prepend=column[0]) / np.maximum(track.alive, 1.0)
        if steps[rows].sum() > 0:
            clocks.append((name, np.cumsum(steps)))
    return clocks


def _filling(track: Track, stretch: Stretch, counted: Floats, bend: float) -> Floats:
    """Rows of the stretch: how full all lives are, each filling from its birth or from the begin of the stretch."""
    full = bend * max(float(counted[stretch.end] - counted[stretch.begin]), 1e-9)
    level = np.zeros(len(counted))
    for first, last in zip(track.begin, track.end, strict=True):
        first = max(int(first), stretch.begin)
        if first > min(last, stretch.end):
            continue
        filled = 1.0 - np.exp(-(counted[first : last + 1] - counted[first]) / full)
        level[first : last + 1] += filled
        level[last + 1 :] += filled[-1]
    return level[stretch.begin : stretch.end + 1]


def _tail(
    track: Track, growth: Floats, stretch: Stretch, found: tuple[Candidate, ...], explanation: Explanation | None
) -> float:
    """Growth per dose in the last third of the dose (or in the last day of hours), over growth per dose of the stretch."""
    rows = slice(stretch.begin, stretch.end + 1)
    clock = track.hours[rows]
    if explanation is not None and explanation.chosen:
        chosen = [explanation.candidates[index] for index in explanation.chosen]
        weight = explanation.mb_per_event[list(explanation.chosen)]
        clock = cumulated(chosen, track.at[rows], 0.0) @ weight + explanation.time_mb_per_hour * clock
    else:
        shown = parts(found)
        counted = cumulated(shown, track.at[rows], 0.0).sum(axis=1) if shown else clock
        clock = counted if counted[-1] > counted[0] else clock
    whole = float(clock[-1] - clock[0])
    by_day = not parts(found) and whole >= WAVE_HOURS
    late = int(np.searchsorted(clock, clock[-1] - DAY_HOURS if by_day else clock[0] + whole * 2.0 / 3.0))
    late = min(max(late, 1), len(clock) - 2)
    grown = growth[rows]
    end = float(np.median(grown[-5:]))
    mean = (end - float(np.median(grown[:5]))) / max(whole, 1e-9)
    last = (end - float(np.median(grown[max(0, late - 2) : late + 3]))) / max(float(clock[-1] - clock[late]), 1e-9)
    return last / mean if mean > 0 else 0.0
