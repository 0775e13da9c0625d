"""Which doses explain the growth: a model of increments, chosen step by step against what it costs to look.

    growth(t) = warm-up + load + d * time + sum of b_e * events_e up to (t - lag) + noise,    b, d >= 0

Rows are the stretch of growth, whitened (regress.whiten). For every lag and filter, candidates enter one by one while the
extended BIC falls; the lag and filter with the best score stay. `time` is always in the model: growth that goes on with
the clock is no route's.

A large request raises memory whenever it comes, and the allocator holds that for an hour or two: minute by minute this
looks like a leak. So each chosen dose is asked, beside memory of its own that fades (`passing`) and in sums over about an
hour, whether what it adds stays. What does not is taken into account as passing, and the question is put again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.coverage import clock_hours
from floodmark.diagnosis.dose import ALL, Candidate, cumulated
from floodmark.diagnosis.options import Options
from floodmark.diagnosis.regress import THETAS, Fit, Matrix, ebic, nnls, robust, whiten
from floodmark.evidence.nouns import Floats, Ints

STRONG = 20.0
"""Difference of the information criterion beyond doubt (Kass and Raftery 1995: above 10)."""

MAX_CHOSEN = 5
"""Doses that one explanation names at most."""

MIDDLE_THETA = 0.8
"""The filter with which lags are compared."""

FADES_HOURS = (0.3, 1.0, 3.0)
"""How fast what a request held is given back: glibc trims its top within minutes to hours of ordinary traffic. What fades
in between is a mixture of two of them."""

FULL_SPAN_HOURS = 6.0
"""Below this length of the evidence the paces of fading, and the memory of the sum, are shorter in proportion: what fades
within two hours and what stays are one and the same to a watch that looks at a minute and a half."""

STAYS = 0.4
"""A dose stays where, beside what fades, it adds this share of what it seemed to add. Measured on 138 chosen doses of
generated cases: 84 leaks 0.75 and more, of 54 others two thirds below 0.4."""

STAYS_ANYWAY = 0.5
"""Share of the growth that no dose adds by chance: an export may both hold much for an hour and leak a little."""

SWAPS = 3
"""Choices that are taken back at most for a better one..."""

RIVALS = 8
"""...among so many of the most telling others: entering one by one, a dose that looks like two keeps both out."""

ROUNDS = 3
"""Times that the question is put."""

SUM_MINUTES = 60.0
"""Memory of the filter under which staying, and strength, are measured: a minute sooner or later is the same there."""

LARGEST_EXPONENT = 300.0
"""e to this is far from the largest float: sums of fading terms are taken over stretches no longer than that."""

TRIED = 4
"""Candidates that are tried in full at each step, the most promising first."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Growth of a stretch (rows) in terms of doses (columns).

    mb_per_event, error   of each candidate (0 where it was not chosen), MB
    events                how many of each happened in the stretch
    time_mb_per_hour      what grows with the clock
    chosen                indices of the chosen candidates, most MB first
    lag_minutes, theta    chosen by likelihood
    goal, design, base    whitened rows: growth, candidates, nuisances (time first, what passes last)
    transient             doses whose memory was found to pass; they are no candidates
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
    transient: tuple[Candidate, ...]
    score: float
    none_score: float
    fit: Fit

    def mb(self, index: int) -> float:
        """MB that a candidate accounts for."""
        return float(self.mb_per_event[index] * self.events[index])

    def passing(self, times: Floats) -> Matrix:
        """What the transient doses hold for a while, at each of `times`, unscaled (n x 3 each)."""
        return passing(self.transient, times, 60.0 * self.lag_minutes)

    @property
    def strong(self) -> bool:
        """Whether doses explain the growth far better than none."""
        return bool(self.chosen) and self.none_score - self.score > STRONG

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
    usable = tuple(one for one in found if _events(one, times, 0.0) >= options.min_events)
    if len(times) < options.min_samples or not usable:
        return None
    base = np.column_stack([clock_hours(times), nuisance])
    longest = max((times[-1] - times[0]) / 600.0, 0.0)
    tried = Trial(times, growth, base, usable, ())
    # The filter in the middle shows the lag best: differences do not forgive a minute, levels forgive an hour.
    lag = min(
        (lag for lag in options.lags_minutes if lag <= longest), key=lambda lag: tried.at(MIDDLE_THETA, lag).score
    )
    said = tried.best(lag)
    for _ in range(ROUNDS):
        fading = _fading(said, tried)
        if not fading or len(fading) == len(tried.found):
            break
        left = tuple(one for one in tried.found if one not in fading)
        tried = Trial(times, growth, base, left, (*tried.transient, *fading))
        said = tried.best(lag)
    return said


def _fading(said: Explanation, tried: Trial) -> list[Candidate]:
    """The chosen doses whose memory does not stay."""
    found = tuple(said.candidates[index] for index in said.chosen if said.candidates[index].name != ALL)
    times, lag = tried.times, 60.0 * said.lag_minutes
    theta = max(said.theta, summing_theta(times))
    own = np.column_stack([cumulated(found, times, lag), tried.base, said.passing(times), passing(found, times, lag)])
    each = robust(whiten(own, theta), whiten(tried.growth, theta)).beta
    seemed = {said.candidates[index].name: said.mb_per_event[index] for index in said.chosen}
    enough = STAYS_ANYWAY * float(tried.growth[-1] - tried.growth[0])
    return [one for column, one in enumerate(found)
            if each[column] < STAYS * seemed[one.name] and each[column] * _events(one, times, 0.0) < enough]  # fmt: skip


def summing_theta(times: Floats) -> float:
    """The filter whose memory is `SUM_MINUTES`."""
    return float(np.exp(-float(np.median(np.diff(times))) / 60.0 / (SUM_MINUTES * _part(times))))


def passing(found: tuple[Candidate, ...], times: Floats, lag_seconds: float) -> Matrix:
    """Events of each candidate that are recent at each of `times`, fading, one column per pace and candidate (n x 3k)."""
    arrived = np.diff(cumulated(found, times, lag_seconds), axis=0, prepend=0.0)
    arrived[:1] = 0.0
    part = _part(times)
    return np.column_stack([_faded(arrived, times / 3600.0 / (hours * part)) for hours in FADES_HOURS])


def _part(times: Floats) -> float:
    """Length of the evidence as a share of `FULL_SPAN_HOURS`, at most 1."""
    return float(np.clip((times[-1] - times[0]) / 3600.0 / FULL_SPAN_HOURS, 1e-6, 1.0)) if len(times) else 1.0


def _faded(arrived: Matrix, ages: Floats) -> Matrix:
    """sum over s <= t of arrived[s] * exp(ages[s] - ages[t]), by columns (n x k)."""
    out = np.empty_like(arrived)
    stretches = np.flatnonzero(np.diff((ages - ages[0]) // LARGEST_EXPONENT, prepend=-1.0))
    for rows in np.split(np.arange(len(ages)), stretches[1:]):
        grown = np.exp(ages[rows] - ages[rows[0]])[:, None]
        carried = out[rows[0] - 1] * np.exp(ages[rows[0] - 1] - ages[rows[0]]) if rows[0] else 0.0
        out[rows] = (np.cumsum(arrived[rows] * grown, axis=0) + carried) / grown
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """The rows of one stretch, to be explained with one filter and lag after another."""

    times: Floats
    growth: Floats
    base: Matrix
    found: tuple[Candidate, ...]
    transient: tuple[Candidate, ...]

    def best(self, lag_minutes: float) -> Explanation:
        """The best choice over all filters, with doses exchanged for others where that is better still."""
        said = min((self.at(theta, lag_minutes) for theta in THETAS), key=lambda said: said.score)
        for _ in range(SWAPS):
            better = min(self._exchanged(said), key=lambda one: one.score, default=said)
            if better.score >= said.score:
                break
            said = better
        return said

    def _exchanged(self, said: Explanation) -> Iterator[Explanation]:
        """The choices in which one of the most telling others takes the place of one chosen."""
        for gone in said.chosen:
            rest = [one for one in said.chosen if one != gone]
            for other in telling(said)[:RIVALS]:
                yield _explanation(
                    self, said.design, said.base, said.goal, [*rest, other], said.lag_minutes, said.theta
                )

    def at(self, theta: float, lag_minutes: float) -> Explanation:
        """The best choice of candidates with this filter and lag."""
        passes = passing(self.transient, self.times, 60.0 * lag_minutes)
        base, goal = whiten(np.column_stack([self.base, passes]), theta), whiten(self.growth, theta)
        design = whiten(cumulated(self.found, self.times, 60.0 * lag_minutes), theta)
        # Weights from all candidates at once: else a wild row counts until the dose that explains it has been chosen.
        weight = robust(np.column_stack([base, design]), goal).weight
        chosen = choose(base, design, goal, weight)
        return _explanation(self, design, base, goal, chosen, lag_minutes, theta)


def telling(said: Explanation) -> list[int]:
    """The candidates that were not chosen, by how well each alone matches the growth, best first."""
    size = np.sqrt(np.maximum((said.design**2).sum(axis=0), 1e-12))
    match = (said.design.T @ (said.goal * said.fit.weight)) / size
    return [int(one) for one in np.argsort(-match, kind="stable") if one not in said.chosen]


def _events(one: Candidate, times: Floats, lag_minutes: float) -> float:
    edges = one.at(times[[0, -1]], 60.0 * lag_minutes)
    return float(edges[1] - edges[0])


def choose(base: Matrix, design: Matrix, goal: Floats, weight: Floats) -> list[int]:
    """Columns of `design` that lower the extended BIC beside `base`: the best first, until none does.

    Works on the weighted Gram matrix alone, so its cost does not depend on the number of rows. A column that a later one
    makes worthless is dropped again.
    """
    joined = np.column_stack([base, design, goal])
    gram = joined.T @ (joined * weight[:, None])
    rows, fixed, width = len(goal), base.shape[1], design.shape[1]
    chosen: list[int] = []
    score = ebic(_rss(gram, fixed, chosen), rows, fixed, width)
    for _ in range(MAX_CHOSEN):
        tried = [(_rss(gram, fixed, [*chosen, one]), one) for one in _likely(gram, fixed, chosen)]
        if not tried:
            break
        rss, best = min(tried)
        new = ebic(rss, rows, fixed + len(chosen) + 1, width)
        if new >= score:
            break
        chosen, score = _pruned(gram, fixed, [*chosen, best], new, rows, width)
    return chosen


def _rss(gram: Matrix, fixed: int, columns: list[int]) -> float:
    place = [*range(fixed), *(fixed + one for one in columns)]
    beta = nnls(gram[np.ix_(place, place)], gram[place, -1])
    return float(gram[-1, -1] - 2.0 * beta @ gram[place, -1] + beta @ gram[np.ix_(place, place)] @ beta)


def _likely(gram: Matrix, fixed: int, chosen: list[int]) -> list[int]:
    """The candidates that promise most beside those in hand, by what each would take off the residual alone."""
    place = [*range(fixed), *(fixed + one for one in chosen)]
    inner = gram[np.ix_(place, place)]
    beta = nnls(inner, gram[place, -1])
    every = np.arange(fixed, len(gram) - 1)
    left = gram[every, -1] - gram[np.ix_(every, place)] @ beta
    ridge = 1e-9 * np.diag(np.maximum(np.diag(inner), 1e-12))
    cross = gram[np.ix_(every, place)]
    own = np.diag(gram)[every] - np.einsum("ij,ji->i", cross, np.linalg.solve(inner + ridge, cross.T))
    gain = np.where((left > 0) & (own > 1e-9 * np.diag(gram)[every]), left**2 / np.maximum(own, 1e-300), -1.0)
    gain[chosen] = -1.0
    return [int(one) for one in np.argsort(-gain, kind="stable")[:TRIED] if gain[one] > 0]


def _pruned(
    gram: Matrix, fixed: int, chosen: list[int], score: float, rows: int, width: int
) -> tuple[list[int], float]:
    """`chosen` without those whose absence lowers the score, worst first."""
    while len(chosen) > 1:
        rests = [[one for one in chosen if one != gone] for gone in chosen]
        scores = [ebic(_rss(gram, fixed, rest), rows, fixed + len(rest), width) for rest in rests]
        least = int(np.argmin(scores))
        if scores[least] >= score:
            break
        chosen, score = rests[least], scores[least]
    return chosen, score


def _explanation(
    tried: Trial, design: Matrix, base: Matrix, goal: Floats, chosen: list[int], lag: float, theta: float
) -> Explanation:  # fmt: skip
    found, times = tried.found, tried.times
    rows, fixed = base.shape
    fit = robust(np.column_stack([base, design[:, chosen]]), goal)
    score = ebic(fit.rss, rows, fixed + len(chosen), len(found))
    none = ebic(robust(base, goal).rss, rows, fixed, len(found)) if chosen else score
    beta, error = np.zeros(len(found)), np.zeros(len(found))
    beta[chosen], error[chosen] = fit.beta[fixed:], fit.error[fixed:]
    events = np.array([_events(one, times, lag) for one in found])
    kept: Ints = np.array([one for one in chosen if beta[one] > 0], dtype=np.int64)
    order = kept[np.argsort(-(beta * events)[kept], kind="stable")]
    return Explanation(
        found, beta, error, events, float(clock_hours(times)[-1]), float(fit.beta[0]), float(fit.error[0]),
        tuple(int(one) for one in order), lag, theta, goal, design, base,
        tried.transient, score, none, fit,
    )  # fmt: skip
