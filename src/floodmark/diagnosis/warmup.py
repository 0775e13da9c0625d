"""What a new process takes before it has served enough to be warm: real growth that ends by itself, and no leak.

All lives of a service warm up alike: a few saturating curves in age and in requests served, with coefficients shared by
all births. They are fitted to the panel of lives beside growth per calendar hours, so what repeats with age is warm-up.
Lives that were there before the window show where warming ends, and that level steers the fit. What growth is left over
is coarse and may go on for ever.

Wrong when a new release needs more memory for good: that difference is then left in the growth, and the shape of it has
to tell (`saturation`). Wrong too when every life is younger than its warm-up: then part of it counts as growth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.regress import Matrix, nnls
from floodmark.diagnosis.track import Track
from floodmark.evidence.nouns import Floats, Ints

AGES_HOURS = (0.1, 0.3, 1.0, 3.0, 10.0)
REQUESTS = (10.0, 30.0, 100.0, 300.0, 1000.0)
"""Time constants of the saturating curves: hours of age, and requests (or tasks) a worker has begun."""

SEEN = 3.0
"""Time constants after which a curve has ended (95% of it). Of a line no more than a part can be told before."""

MATURE_HOURS = 6.0
"""A life of this age is warm where it had ordinary traffic."""

KNOT_HOURS = 6.0
"""Growth that is no warm-up may change its rate this often, not more: finer knots would eat the warm-up."""

LIFE_ROWS = 40
"""Rows of the fit that one life gives, denser where it is young."""

MAX_ROWS = 6000
"""Rows of the fit; of more lives than fit in, every so many is read."""

STEADY_WEIGHT = 0.2
"""Weight of the level of mature lives, as a share of all rows."""


@dataclass(frozen=True, slots=True, eq=False)
class WarmUp:
    """`gain`: what warming added to the track's gain (n, MB). `mb` is the whole of it for one life; None if no birth.

    `reference` is the level of a mature life before growth, None where there is none.
    """

    gain: Floats
    mb: float | None
    reference: float | None


def warm_up(track: Track, served: Floats | None) -> WarmUp:
    """The warm-up in `track`. `served` counts the events of one life slot, cumulated (n)."""
    births = np.flatnonzero(track.known)
    reference = _mature_level(track)
    if not len(births):
        return WarmUp(np.zeros(len(track.at)), None, reference)
    clocks = _clocks(track, served, births)
    weights = _weights(track, clocks, reference, births)
    gain = np.zeros(len(track.at))
    for life in births:
        first, last = track.begin[life], track.end[life]
        warm = _curves(clocks, first, np.arange(first, last + 1)) @ weights
        gain[first : last + 1] += warm
        gain[last + 1 :] += warm[-1]
    return WarmUp(gain, float(weights.sum()), reference)


Clocks = tuple[tuple[Floats, tuple[float, ...]], ...]


def _clocks(track: Track, served: Floats | None, births: Ints) -> Clocks:
    """(clock over the grid, time constants on it): age in hours and, where requests are known, requests served."""
    if served is None or served[-1] <= 0:
        return ((track.hours, _told(track, track.hours, births, AGES_HOURS)),)
    return (
        (track.hours, _told(track, track.hours, births, AGES_HOURS)),
        (served, _told(track, served, births, REQUESTS)),
    )


def _told(track: Track, clock: Floats, births: Ints, constants: tuple[float, ...]) -> tuple[float, ...]:
    """The time constants of curves that some life was seen to the end of: a slower one would eat a leak from birth on."""
    longest = float((clock[track.end[births]] - clock[track.begin[births]]).max())
    return tuple(one for one in constants if one * SEEN <= longest)


def _curves(clocks: Clocks, first: int, places: Ints) -> Matrix:
    """How warm a life begun at grid index `first` is at `places`, one column per time constant (0 cold, 1 warm)."""
    columns = [
        1.0 - np.exp(-(clock[places] - clock[first])[:, None] / np.array(constants)) for clock, constants in clocks
    ]
    return np.hstack(columns)


def _weights(track: Track, clocks: Clocks, reference: float | None, births: Ints) -> Floats:
    """MB of each curve, from a panel of lives: each has its warm-up, and the growth of the hours it lived through."""
    # Growth by the clock stands beside the curves, or all of a leak would be given to them.
    knots = np.arange(0.0, track.span_hours, KNOT_HOURS)
    width = sum(len(constants) for _, constants in clocks)
    # Thousands of short lives warm up alike: every so many of them tells as much as all.
    skip = max(1, len(track.lives) * LIFE_ROWS // MAX_ROWS)
    parts, goals = [], []
    for life in range(0, len(track.lives), skip):
        first, last = int(track.begin[life]), int(track.end[life])
        places = first + np.unique(np.geomspace(1, last - first + 1, LIFE_ROWS).astype(int)) - 1
        lived = _lived(track.hours[places], knots) - _lived(track.hours[[first]], knots)
        warm = _curves(clocks, first, places) if track.known[life] else np.zeros((len(places), width))
        parts.append(np.hstack([warm, lived]))
        goals.append(track.floors[life][places - first] - track.floors[life][0])
    design, goal = np.vstack(parts), np.concatenate(goals)
    needed = None if reference is None else reference - float(track.boot[births].mean())
    if needed is not None and needed > 0:
        weight = np.sqrt(STEADY_WEIGHT * len(goal))
        steady = np.concatenate((np.full(width, weight), np.zeros(len(knots))))
        design, goal = np.vstack([design, steady]), np.append(goal, needed * weight)
    return nnls(design.T @ design, design.T @ goal)[:width]


def _lived(hours: Floats, knots: Floats) -> Matrix:
    return np.clip(hours[:, None] - knots[None, :], 0.0, KNOT_HOURS)


def _mature_level(track: Track) -> float | None:
    """The mean floor of mature lives when it was low (its 10% quantile over time): before any growth, if there was."""
    total, count = np.zeros(len(track.at)), np.zeros(len(track.at))
    young = round(MATURE_HOURS * 3600.0 / track.step)
    for life, floor in enumerate(track.floors):
        skip = young if track.known[life] else 0
        first, last = track.begin[life] + skip, track.end[life]
        if first <= last:
            total[first : last + 1] += floor[skip:]
            count[first : last + 1] += 1
    enough = count >= max(1.0, 0.5 * float(np.median(track.alive[track.alive > 0])))
    if not enough.any():
        return None
    return float(np.quantile(total[enough] / count[enough], 0.1))
