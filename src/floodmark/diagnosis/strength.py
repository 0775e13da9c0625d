"""How strong a cause is: MB per event and share of the growth, with intervals.

Which dose it is, is told by fine timing; how much it leaves, by sums over about an hour: there a sample taken a
minute late no longer blurs the figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.bootstrap import betas, grams
from floodmark.diagnosis.dose import cumulated
from floodmark.diagnosis.explain import Explanation
from floodmark.diagnosis.options import Options
from floodmark.diagnosis.regress import Matrix, robust, whiten
from floodmark.evidence.nouns import Floats

SUM_MINUTES = 60.0
"""Memory of the filter under which strength is measured."""

LEAST_ERROR = 0.06
"""Half-width that an interval of MB per event has at least: doses are counted in whole minutes."""

SMALL_CLOCK = 0.15
"""What seems to grow with the clock below this share of the growth is the doses' own, seen late or early."""

MOST_MISSING = 1.2
"""The fit may fall short of, or go beyond, the growth by this factor before it is left as it is."""

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
    """The strength of every chosen candidate of `said` on rows `times`, `growth` (MB) and `nuisance` (n x m)."""
    chosen = list(said.chosen)
    step = float(np.median(np.diff(times)))
    theta = max(said.theta, float(np.exp(-step / 60.0 / SUM_MINUTES)))
    base = np.column_stack([(times - times[0]) / 3600.0, nuisance])
    doses = cumulated([said.candidates[index] for index in chosen], times, 60.0 * said.lag_minutes)
    design, goal = whiten(np.column_stack([doses, base]), theta), whiten(growth, theta)
    fit = robust(design, goal)
    if fit.beta[len(chosen)] * (base[-1, 0] - base[0, 0]) < SMALL_CLOCK * grown_mb:
        design[:, len(chosen)] = 0.0
        fit = robust(design, goal)
    blocks = grams(design, goal, fit.weight, max(1, round(options.block_hours * 3600.0 / step)))
    drawn = betas(blocks, options.resamples, options.seed)
    events = doses[-1] - doses[0]
    parts = np.concatenate([events, base[-1] - base[0]]) * fit.beta
    # Wild rows weigh less in the fit, so it falls a little short of what was grown; its parts share that out.
    missing = float(np.clip(grown_mb / max(float(parts.sum()), 1e-9), 1.0 / MOST_MISSING, MOST_MISSING))
    scale = max(grown_mb, float(parts[: len(chosen)].sum()) * missing, 1e-9)
    return {
        index: _strength(missing * float(fit.beta[column]), missing * drawn[:, column], float(events[column]), scale)
        for column, index in enumerate(chosen)
    }


def _strength(value: float, drawn: Floats, events: float, scale: float) -> Strength:
    spread = Z90 * float(np.hypot(drawn.std(), LEAST_ERROR / Z90 * value))
    low, high = max(value - spread, 0.0), value + spread
    share = value * events / scale
    return Strength(value, low, high, events, min(share, 1.0), low * events / scale, min(high * events / scale, 1.0))
