"""How strong a cause is: MB per event and share of the growth, with intervals.

Which dose it is, is told by fine timing; how much it leaves, by sums over about an hour: there a sample taken a
minute late no longer blurs the figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.bootstrap import betas, grams
from floodmark.diagnosis.coverage import clock_hours
from floodmark.diagnosis.dose import cumulated
from floodmark.diagnosis.explain import Explanation, summing_theta
from floodmark.diagnosis.options import Options
from floodmark.diagnosis.regress import Matrix, robust, whiten
from floodmark.evidence.nouns import Floats

LEAST_ERROR = 0.09
"""Half-width that an interval of MB per event has at least: doses are counted in whole minutes."""

SMALL_CLOCK = 0.4
"""Share of the growth up to which what seems to grow with the clock is given to the doses."""

MOST_MISSING = 1.2
"""The fit may fall short of, or go beyond, the growth by this factor before it is left as it is."""

WARM_UP = 1
"""Column of the warm-up among clock and nuisances."""

Z90 = 1.645


@dataclass(frozen=True, slots=True)
class Strength:
    """Of one chosen dose: MB per event and share of the growth, each with a 90% interval."""

    mb_per_event: float
    low: float
    high: float
    events: float
    share: float
    share_low: float
    share_high: float


def strengths(
    said: Explanation, times: Floats, growth: Floats, nuisance: Matrix, grown_mb: float, options: Options
) -> dict[int, Strength]:
    """The strength of every chosen candidate of `said` on rows `times`, `growth` (MB) and `nuisance` (n x m).

    The first nuisance is the warm-up that was taken off `growth`. It is put back and weighed again beside the doses: where
    every life leaks from its birth, as under recycling, part of the leak was taken for warm-up (13 to 24% of it, measured).
    """
    chosen = list(said.chosen)
    step = float(np.median(np.diff(times)))
    theta = max(said.theta, summing_theta(times))
    passes = said.passing(times)
    base = np.column_stack([clock_hours(times), nuisance, passes])
    doses = cumulated([said.candidates[index] for index in chosen], times, 60.0 * said.lag_minutes)
    design, goal = whiten(np.column_stack([doses, base]), theta), whiten(growth + nuisance[:, 0], theta)
    rows = max(1, round(options.block_hours * 3600.0 / step))
    events, spans = doses[-1] - doses[0], base[-1] - base[0]
    spans[base.shape[1] - passes.shape[1] :] = 0.0  # what is held at the end is given back: no part of the growth
    every = _fitted(design, goal, events, spans, grown_mb, rows, options)
    clock = design.copy()
    clock[:, len(chosen)] = 0.0
    alone = _fitted(clock, goal, events, spans, grown_mb, rows, options)
    # What seems to grow with the clock is mostly the doses' own, seen late or early; the interval holds both readings.
    best = alone if every.clock_mb < SMALL_CLOCK * grown_mb else every
    return {
        index: _strength(best, every, alone, column, float(events[column]), grown_mb)
        for column, index in enumerate(chosen)
    }


def warm_up_weight(said: Explanation, times: Floats, growth: Floats, nuisance: Matrix) -> float:
    """How much of the warm-up that was taken off the growth is one, beside the doses that explain it: 1 for all of it."""
    doses = cumulated([said.candidates[index] for index in said.chosen], times, 60.0 * said.lag_minutes)
    theta = max(said.theta, summing_theta(times))
    design = whiten(np.column_stack([nuisance, said.passing(times), clock_hours(times), doses]), theta)
    return float(robust(design, whiten(growth + nuisance[:, 0], theta)).beta[0])


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """MB per event of each dose and its standard error; MB that grow with the clock; MB that everything adds up to."""

    value: Floats
    error: Floats
    clock_mb: float
    whole_mb: float


def _fitted(
    design: Matrix, goal: Floats, events: Floats, spans: Floats, grown_mb: float, rows: int, options: Options
) -> _Fitted:
    fit = robust(design, goal)
    count = len(events)
    drawn = betas(grams(design, goal, fit.weight, rows), options.resamples, options.seed)[:, :count]
    parts = np.concatenate([events, spans]) * fit.beta
    # Wild rows weigh less in the fit, so it falls a little short of what was grown; its parts share that out.
    warmed, taken = float(parts[count + WARM_UP]), float(spans[WARM_UP])
    whole = max(float(parts.sum()), 1e-9)
    missing = float(np.clip((grown_mb + taken) / whole, 1.0 / MOST_MISSING, MOST_MISSING))
    return _Fitted(
        missing * fit.beta[:count], missing * drawn.std(axis=0), float(parts[count]), missing * (whole - warmed)
    )


def _strength(best: _Fitted, every: _Fitted, alone: _Fitted, column: int, events: float, grown_mb: float) -> Strength:
    value = float(best.value[column])
    both = [one for one in (best, every, alone) if one.value[column] > 0] or [best]
    if best is every:
        both = [every]
    low = min(float(one.value[column] - _spread(one, column)) for one in both)
    high = max(float(one.value[column] + _spread(one, column)) for one in both)
    low, scale = max(low, 0.0), max(grown_mb, best.whole_mb, 1e-9)
    share = (value * events / scale, low * events / scale, high * events / scale)
    return Strength(value, low, high, events, *(min(one, 1.0) for one in share))


def _spread(one: _Fitted, column: int) -> float:
    return Z90 * float(np.hypot(one.error[column], LEAST_ERROR / Z90 * one.value[column]))
