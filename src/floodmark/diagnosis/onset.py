"""When growth began and ended: two hinges in accumulated growth, then walked to where it first leaves the noise.

Wrong by hours where growth begins gently (a leak that waits for traffic) or under a daily wave larger than it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.options import Options
from floodmark.evidence.nouns import Floats

KNOTS = 96
"""Places for a hinge that are tried, evenly over the window."""

SAME_PACE = 0.25
"""Growth before a hinge at this share of the pace after it is the same growth."""

REFINEMENTS = 4
"""Times that the begin of a growth is looked for again."""

MOST_BACK_HOURS = 8.0
"""How far a growth that came slowly out of the noise is traced back at most."""

LEAST_BEFORE_HOURS = 3.0
"""A time before the growth that is shorter than this, or than a tenth of the evidence, says nothing of noise."""

DAY_HOURS = 24.0
DRIFT_PAIR_HOURS = 6.0
"""Drift is what a day adds to the same hours of the day before, so this many hours must be there on both days.

A slope through less is half of a daily wave or the wandering of the allocator: taken for drift and carried on for two
days, 5 to 14 MB/h of such slopes took 5 to 15% off the growth of seven leaks of twenty (measured on generated cases).
"""

BINS_PER_DAY = 48
"""Medians of half an hour, from which drift is read: longer than a large request holds its memory."""

CALM = 15
"""Samples of a running median, odd."""

QUIET_MB = 1.0
"""Least noise assumed of a floor, in MB."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where growth happened: grid indices of its first and last time, its MB, and what was before.

    drift_mb_per_hour   growth before `begin` (0 where nothing was before)
    noise_mb            standard deviation of the growth curve around its course before, or of its detrended whole
    quiet               there was a quiet time before
    lasting             growth goes on at the end of the evidence
    """

    begin: int
    end: int
    mb: float
    drift_mb_per_hour: float
    noise_mb: float
    quiet: bool
    lasting: bool


def stretch(hours: Floats, gain: Floats, options: Options) -> Stretch:
    """The stretch of `hours` in which `gain` (MB, cumulated, n) grew most: up to three lines, flat, rising, flat."""
    step = max(len(hours) // 720, 1)
    first, last = _hinges(hours[::step], gain[::step])
    begin, end = min(first * step, len(hours) - 2), min(last * step, len(hours) - 1)
    if _from_the_start(hours, gain, begin, end):
        begin, end = 0, len(hours) - 1
    begin, before = _begin(hours, gain, begin, end, options)
    begin = max(min(begin, end - 1), 0)
    rest = gain - before.drift * hours - before.level
    end, lasting = _end(hours, rest, begin, end, before.noise, options)
    quiet = float(hours[begin] - hours[0]) >= min(options.min_hours, 0.1 * float(hours[-1] - hours[0]))
    return Stretch(begin, end, _top(rest, begin, end), before.drift, before.noise, quiet, lasting)


@dataclass(frozen=True, slots=True)
class _Before:
    """The time before a growth: drift in MB/h, level without it, and noise, in MB."""

    drift: float
    level: float
    noise: float


def _begin(hours: Floats, gain: Floats, begin: int, end: int, options: Options) -> tuple[int, _Before]:
    """Where the growth around a hinge at `begin` began, and what was before.

    A hinge in the midst of a growth that began gently has some of it before: so it is looked for again from there.
    """
    before = _before(hours, gain, begin)
    for _ in range(REFINEMENTS):
        rest = gain - before.drift * hours - before.level
        threshold = max(options.onset_share * _top(rest, begin, end), 3.0 * before.noise)
        found = _back(hours, rest, threshold, _walk(rest > threshold, begin, end), end)
        settled = begin > 0 and found >= begin
        begin = found
        if settled or begin == 0:
            break
        before = _before(hours, gain, begin)
    return begin, before


def _end(hours: Floats, rest: Floats, begin: int, end: int, noise: float, options: Options) -> tuple[int, bool]:
    """(where the growth ended, whether it goes on at the end of the evidence)."""
    # A hinge within a jump is at its middle: what follows at once is its top.
    mb = max(_top(rest, begin, end), float(np.median(rest[end : end + CALM])))
    # A single sample of thousands falls below any threshold by chance, and would make growth last that ended days ago.
    below = np.flatnonzero(_calm(rest) < mb - max(2.0 * options.onset_share * mb, 3.0 * noise))
    end = int(below[-1]) + 1 + CALM // 2 if len(below) else end
    end = min(max(end, begin + 1), len(hours) - 1)
    still, grown = float(hours[-1] - hours[end]), max(float(hours[end] - hours[begin]), 1e-9)
    late = (float(rest[-1]) - _top(rest, begin, end)) / max(still, 1e-9)
    lasting = still < max(options.min_hours, 0.25 * grown) or late > options.tail_share * mb / grown
    return (len(hours) - 1 if lasting else end), lasting


def _calm(values: Floats) -> Floats:
    """Running medians of `CALM` values."""
    padded = np.pad(values, CALM // 2, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, CALM), axis=1))


def _hinges(hours: Floats, gain: Floats) -> tuple[int, int]:
    """The two hinges of the best course of three lines (flat, rising, flat), by least squares over all pairs."""
    count = len(hours)
    places = np.unique(np.linspace(0, count - 1, min(KNOTS, count)).astype(int))
    ramps = np.maximum(hours[:, None] - hours[places][None, :], 0.0)
    goal = gain - gain.mean()
    ramps = ramps - ramps.mean(axis=0)
    size, match = ramps.T @ ramps, ramps.T @ goal
    own = np.diag(size)
    bend = own[:, None] + own[None, :] - 2.0 * size
    slope = match[:, None] - match[None, :]
    explained = np.where((slope > 0) & (bend > 1e-9), slope**2 / np.maximum(bend, 1e-9), 0.0)
    explained[np.tril_indices(len(places))] = 0.0
    begin, end = np.unravel_index(int(np.argmax(explained)), explained.shape)
    if explained[begin, end] <= 0.0:
        return 0, count - 1
    return int(places[begin]), int(places[end])


def _from_the_start(hours: Floats, gain: Floats, begin: int, end: int) -> bool:
    """Whether the time before the hinges grew at a pace not far below that between them: it was no quiet time."""
    if begin < 10 or hours[begin] - hours[0] < 1.0:
        return True
    before = (_edge(gain, begin, ahead=False) - _edge(gain, 0, ahead=True)) / float(hours[begin] - hours[0])
    after = (_top(gain, begin, end) - _edge(gain, begin, ahead=False)) / max(float(hours[end] - hours[begin]), 1e-9)
    return before > SAME_PACE * max(after, 0.0) and before > 0


def _before(hours: Floats, gain: Floats, begin: int) -> _Before:
    """Drift, level and noise of the time before `begin`; of the whole where there is too little before."""
    if begin < 10 or hours[begin] - hours[0] < min(LEAST_BEFORE_HOURS, 0.1 * float(hours[-1] - hours[0])):
        return _Before(0.0, _edge(gain, 0, ahead=True), _noise(gain))
    drift = max(_drift(hours[:begin], gain[:begin]), 0.0)
    rest = gain[:begin] - drift * hours[:begin]
    level = float(np.median(rest))
    return _Before(drift, level, max(1.4826 * float(np.median(np.abs(rest - level))), QUIET_MB))


def _drift(hours: Floats, gain: Floats) -> float:
    """The median slope from each half hour to the same half hour of a later day (Hirsch, Slack and Smith 1982), MB/h.

    0 where less than `DRIFT_PAIR_HOURS` can be compared.
    """
    width = DAY_HOURS / BINS_PER_DAY
    place = ((hours - hours[0]) / width).astype(int)
    edges = np.flatnonzero(np.diff(place, prepend=-1))
    level = np.full(place[-1] + 1, np.nan)
    level[place[edges]] = [float(np.median(part)) for part in np.split(gain, edges[1:])]
    days = range(1, len(level) // BINS_PER_DAY + 1)
    rises = [(level[day * BINS_PER_DAY :] - level[: -day * BINS_PER_DAY]) / (DAY_HOURS * day) for day in days]
    slopes = np.concatenate(rises) if rises else np.empty(0)
    slopes = slopes[np.isfinite(slopes)]
    return float(np.median(slopes)) if len(slopes) * width >= DRIFT_PAIR_HOURS else 0.0


def _noise(gain: Floats) -> float:
    steps = np.diff(gain)
    return max(1.4826 * float(np.median(np.abs(steps - np.median(steps)))), QUIET_MB) if len(steps) else QUIET_MB


def _edge(values: Floats, place: int, ahead: bool) -> float:
    part = values[place : place + 5] if ahead else values[max(0, place - 4) : place + 1]
    return float(np.median(part))


def _top(values: Floats, begin: int, end: int) -> float:
    """The level at the end of a stretch: of samples after `begin` only, or a jump would be read at its foot."""
    first = min(max(begin + 1, end - 4), len(values) - 1)
    return float(np.median(values[first : max(end + 1, first + 5)]))


def _walk(above: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], begin: int, end: int) -> int:
    """The last time at which the curve was not yet above the threshold, before it stayed above."""
    below = np.flatnonzero(~above[: end + 1])
    return int(below[-1]) if len(below) else 0


def _back(hours: Floats, grown: Floats, threshold: float, begin: int, end: int) -> int:
    """From where the curve left the noise (`threshold`), back by the time it then took to rise as much again.

    The shortest of the next three such times: growth that speeds up was slow in the noise, and began no earlier.
    """
    times = []
    for multiple in (1.0, 2.0, 3.0, 4.0):
        above = np.flatnonzero(grown[begin : end + 1] >= multiple * threshold)
        if len(above):
            times.append(float(hours[begin + int(above[0])]))
    if len(times) < 2:
        return begin
    back = min(float(np.min(np.diff(times))), MOST_BACK_HOURS)
    return max(int(np.searchsorted(hours, hours[begin] - back)), 0)
