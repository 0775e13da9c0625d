"""Which doses explain the growth: a model of increments, chosen step by step against what it costs to look.

    growth(t) = warm-up + load + d * time + sum of b_e * events_e up to (t - lag) + noise,    b, d >= 0

Rows are the stretch of growth, whitened (regress.whiten); lag and filter are chosen by likelihood with all candidates
in, then candidates enter one by one while the extended BIC falls. `time` is always in the model: growth that goes on with
the clock is no route's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.dose import Candidate, cumulated
from floodmark.diagnosis.options import Options
from floodmark.diagnosis.regress import THETAS, Fit, Matrix, ebic, robust, whiten
from floodmark.evidence.nouns import Floats, Ints

MAX_CHOSEN = 5
"""Doses that one explanation names at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Growth of a stretch (rows) in terms of doses (columns).

    mb_per_event, error   of each candidate (0 where it was not chosen), MB
    events                how many of each happened in the stretch
    time_mb_per_hour      what grows with the clock
    chosen                indices of the chosen candidates, most MB first
    lag_minutes, theta    chosen by likelihood
    goal, design, base    whitened rows: growth, candidates, nuisances (time first)
    score                 extended BIC of the choice; `none_score` that of nuisances alone
    """

    candidates: tuple[Candidate, ...]
    mb_per_event: Floats
    error: Floats
    events: Floats
    hours: float
    time_mb_per_hour: float
    time_error: float
    chosen: tuple[int, ...]
    lag_minutes: float
    theta: float
    goal: Floats
    design: Matrix
    base: Matrix
    score: float
    none_score: float
    fit: Fit

    def mb(self, index: int) -> float:
        """MB that a candidate accounts for."""
        return float(self.mb_per_event[index] * self.events[index])

    @property
    def explained_mb(self) -> float:
        """MB that the chosen doses account for."""
        return float(sum(self.mb(index) for index in self.chosen))


def explain(
    times: Floats, growth: Floats, nuisance: Matrix, found: tuple[Candidate, ...], options: Options
) -> Explanation | None:
    """The best explanation of `growth` (MB at `times`, n). `nuisance` (n x m) may have any non-negative weight.

    None where there are too few rows or no candidate with `min_events` events.
    """
    events = np.array([one.at(times[-1:], 0.0)[0] - one.at(times[:1], 0.0)[0] for one in found])
    usable = [one for one, count in zip(found, events, strict=True) if count >= options.min_events]
    if len(times) < options.min_samples or not usable:
        return None
    base = np.column_stack([(times - times[0]) / 3600.0, nuisance])
    lag, theta = _tuned(times, growth, base, tuple(usable), options)
    design = whiten(cumulated(usable, times, 60.0 * lag), theta)
    white_base, goal = whiten(base, theta), whiten(growth, theta)
    chosen, score, none = choose(design, white_base, goal)
    return _explanation(tuple(usable), times, design, white_base, goal, chosen, lag, theta, score, none)


def _tuned(
    times: Floats, growth: Floats, base: Matrix, found: tuple[Candidate, ...], options: Options
) -> tuple[float, float]:
    """(lag in minutes, theta) of least residual with all candidates in; the shorter lag where two are as good."""
    best, tuned = np.inf, (0.0, 0.0)
    longest = (times[-1] - times[0]) / 60.0 / 10.0
    for lag in options.lags_minutes:
        if lag > longest:
            break
        columns = np.column_stack([base, cumulated(found, times, 60.0 * lag)])
        for theta in THETAS:
            rss = robust(whiten(columns, theta), whiten(growth, theta)).rss
            if rss < 0.998 * best:
                best, tuned = rss, (lag, theta)
    return tuned


def choose(design: Matrix, base: Matrix, goal: Floats, most: int = MAX_CHOSEN) -> tuple[list[int], float, float]:
    """(chosen columns, their score, the score of `base` alone): forward by least residual, backward by score."""
    rows, width = design.shape
    none = ebic(robust(base, goal).rss, rows, base.shape[1], width)
    chosen: list[int] = []
    score = none
    while len(chosen) < most:
        left = [column for column in range(width) if column not in chosen]
        ranked = sorted((robust(_with(base, design, [*chosen, one]), goal).rss, one) for one in _likely(
            design, base, goal, chosen, left))  # fmt: skip
        if not ranked:
            break
        rss, best = ranked[0]
        new = ebic(rss, rows, base.shape[1] + len(chosen) + 1, width)
        if new >= score:
            break
        chosen, score = [*chosen, best], new
    return chosen, score, none


def _likely(design: Matrix, base: Matrix, goal: Floats, chosen: list[int], left: list[int]) -> list[int]:
    """The eight columns of `left` that fit best what is left over: the rest need not be tried in full."""
    fit = robust(_with(base, design, chosen), goal)
    clipped = fit.residual * fit.weight
    # Part of each column that the model in hand does not have already.
    known = _with(base, design, chosen)
    part = design[:, left] - known @ np.linalg.lstsq(known, design[:, left], rcond=None)[0]
    size = np.sqrt(np.maximum((part**2).sum(axis=0), 1e-12))
    gain = (part.T @ clipped) / size
    order = np.argsort(-gain)[:8]
    return [left[place] for place in order if gain[place] > 0]


def _with(base: Matrix, design: Matrix, columns: list[int]) -> Matrix:
    return np.column_stack([base, design[:, columns]]) if columns else base


def _explanation(
    found: tuple[Candidate, ...], times: Floats, design: Matrix, base: Matrix, goal: Floats, chosen: list[int],
    lag: float, theta: float, score: float, none: float,
) -> Explanation:  # fmt: skip
    fit = robust(_with(base, design, chosen), goal)
    beta, error = np.zeros(len(found)), np.zeros(len(found))
    beta[chosen], error[chosen] = fit.beta[base.shape[1] :], fit.error[base.shape[1] :]
    events = np.array([one.at(times[-1:], 60.0 * lag)[0] - one.at(times[:1], 60.0 * lag)[0] for one in found])
    kept: Ints = np.array([one for one in chosen if beta[one] > 0], dtype=np.int64)
    order = kept[np.argsort(-(beta * events)[kept], kind="stable")]
    return Explanation(
        found, beta, error, events, float(times[-1] - times[0]) / 3600.0, float(fit.beta[0]), float(fit.error[0]),
        tuple(int(one) for one in order), lag, theta, goal, design, base, score, none, fit,
    )  # fmt: skip
