"""Checks that a ranking must pass before anyone is blamed. Ranking is easy; certifying from one day is not.

Each check is a question with a yes, a no, or no answer; the figures behind it go into the evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from floodmark.diagnosis.bootstrap import betas, grams, leave_out
from floodmark.diagnosis.collinear import swapped
from floodmark.diagnosis.dose import cumulated
from floodmark.diagnosis.explain import Explanation, telling
from floodmark.diagnosis.options import Options
from floodmark.diagnosis.regress import Matrix, robust, whiten
from floodmark.evidence.nouns import Floats

Grade = Literal["certified", "suspected", "correlated"]

SHORTLIST = 12
"""Candidates that compete in the resamples, most telling first."""

PARTS = 6
"""Stretches of which each is left out once."""

LEAD_MINUTES = (20.0, 40.0)
"""A dose moved this much later must explain less: growth follows its cause."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What was found for one chosen dose.

    p              family-wise probability of so good a match under circular shifts of the growth
    frequency      share of block resamples in which it stays the first (or stays in, for a second cause)
    low_share      5% quantile of its share of what doses explain
    left_out       share of the left-out stretches without which it still stands
    precedes       growth follows it rather than precedes it; None where the timing cannot tell
    again          it raised memory in the later half of its events too (high-water guard)
    margin         extended BIC lost if the best other candidate took its place; None without another
    rival          that other candidate
    """

    p: float
    frequency: float
    low_share: float
    left_out: float
    precedes: bool | None
    again: bool
    margin: float | None
    rival: int | None

    def grade(self, options: Options) -> Grade:
        """certified: permutation and replication and four checks; suspected: the ranking is stable; else correlated."""
        by_chance = self.p <= options.permutation_p
        stable = self.frequency >= options.certify_frequency and self.low_share >= options.certify_share
        # 0.99: it stands without any of the six parts; 0.8: without all of them but one.
        passed = [
            by_chance,
            stable,
            self.left_out >= 0.99,
            self.precedes is True,
            self.again,
            (self.margin or 99.0) > 6.0,
        ]
        if by_chance and self.left_out >= 0.99 and sum(passed) >= 4:
            return "certified"
        return "suspected" if self.again and (by_chance or stable) and self.left_out >= 0.8 else "correlated"


def check(said: Explanation, index: int, times: Floats, growth: Floats, nuisance: Matrix, options: Options) -> Checks:
    """Question the choice of candidate `index` of `said`; rows as they were given to `explain`."""
    order = [index, *(one for one in said.chosen if one != index), *telling(said)][:SHORTLIST]
    design = np.column_stack([said.design[:, order], said.base])
    weight = robust(design, said.goal).weight
    step = float(np.median(np.diff(times)))
    blocks = grams(design, said.goal, weight, max(1, round(options.block_hours * 3600.0 / step)))
    drawn = betas(blocks, options.resamples, options.seed)
    events = np.maximum(said.events[order], 0.0)
    frequency, low_share = _stability(drawn[:, : len(order)] * events, first=said.chosen[0] == index)
    left = leave_out(blocks, PARTS)[:, : len(order)] * events
    stands = left[:, 0] > 0.25 * max(float(np.median(left[:, 0])), 1e-9)
    margin, rival = _margin(said, index)
    return Checks(
        _chance(said, index, step), frequency, low_share, float(stands.mean()), _precedes(said, index, times, growth),
        _again(said, index, times, growth, nuisance), margin, rival,
    )  # fmt: skip


def _stability(mb: Matrix, first: bool) -> tuple[float, float]:
    """(how often column 0 leads, or is there for a second cause; 5% quantile of its share of what columns explain)."""
    total = np.maximum(mb.sum(axis=1), 1e-9)
    share = mb[:, 0] / total
    holds = mb[:, 0] >= mb.max(axis=1) if first else share > 0.05
    return float(holds.mean()), float(np.quantile(share, 0.05))


def _chance(said: Explanation, index: int, step: float) -> float:
    """Circular shifts: how often does a shifted growth match any candidate as well as the real one matches this?"""
    others = [one for one in said.chosen if one != index]
    known = np.column_stack([said.base, said.design[:, others]])
    solve = np.linalg.pinv(known)
    rest = (said.goal - known @ (solve @ said.goal)) * said.fit.weight
    columns = said.design - known @ (solve @ said.design)
    size = np.sqrt((columns**2).sum(axis=0))
    keep = size > 1e-9 * max(float(size.max(initial=0.0)), 1e-300)
    keep[others] = False
    spectrum = np.fft.rfft(columns[:, keep] / size[keep], axis=0)
    match = np.fft.irfft(np.conj(np.fft.rfft(rest))[:, None] * spectrum, n=len(rest), axis=0)
    place = int(np.flatnonzero(np.flatnonzero(keep) == index)[0]) if keep[index] else -1
    if place < 0:
        return 1.0
    near = max(1, round(3600.0 / step))
    far = np.ones(len(rest), dtype=bool)
    far[:near] = far[len(rest) - near + 1 :] = False
    highest = match[far].max(axis=1)
    return float((1 + np.sum(highest >= match[0, place])) / (1 + len(highest)))


def _precedes(said: Explanation, index: int, times: Floats, growth: Floats) -> bool | None:
    """Whether the dose as it happened explains more than the same dose moved later; None where both do as well."""
    others = [one for one in said.chosen if one != index]
    known = np.column_stack([said.base, said.design[:, others]])
    here = robust(np.column_stack([known, said.design[:, index]]), said.goal).rss
    rows = len(said.goal)
    later = [
        robust(np.column_stack([known, _moved(said, index, times, minutes)]), said.goal).rss for minutes in LEAD_MINUTES
    ]
    gain = rows * np.log(max(min(later), 1e-12) / max(here, 1e-12))
    return None if abs(gain) < 2.0 else bool(gain > 0)


def _moved(said: Explanation, index: int, times: Floats, minutes: float) -> Matrix:
    return whiten(cumulated([said.candidates[index]], times, 60.0 * (said.lag_minutes - minutes)), said.theta)


def _again(said: Explanation, index: int, times: Floats, growth: Floats, nuisance: Matrix) -> bool:
    """Whether memory still rises with the second half of the events: a high water mark is raised by the first only."""
    counted = said.candidates[index].at(times, 60.0 * said.lag_minutes)
    middle = int(np.searchsorted(counted, (counted[0] + counted[-1]) / 2.0))
    middle = min(max(middle, 10), len(times) - 10)
    part = slice(middle, None)
    columns = [index, *(one for one in said.chosen if one != index)]
    design = np.column_stack([said.design[part][:, columns], said.base[part]])
    fit = robust(design, said.goal[part])
    return bool(fit.beta[0] > 0.25 * said.mb_per_event[index])


def _margin(said: Explanation, index: int) -> tuple[float | None, int | None]:
    """(extended BIC lost if the best other candidate replaced this one, which that is)."""
    rivals = telling(said)[:SHORTLIST]
    return min(((swapped(said, index, one), one) for one in rivals), default=(None, None))
