"""Memory that follows load and comes back: what requests at work hold, and what lingers for a while after them.

The curve of memory is explained by in-flight requests and request rate, each smoothed over several times, beside growth
that does not come back. What follows load is taken off before growth is looked for, if that makes the curve fall less.

Wrong when load only rises within the evidence: a leak per request and memory that waits for the load to fall look alike
then, so the growth that stays is the least that it may be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.dose import Candidate, cumulated, in_flight, parts
from floodmark.diagnosis.regress import Matrix, robust, whiten
from floodmark.diagnosis.track import Track
from floodmark.evidence.nouns import Floats

LINGER_HOURS = (0.0, 0.25, 1.0, 3.0)
"""How long memory lingers after the load that took it: time constants of the smoothing."""

THETA_HOURS = 3.0
"""Memory of the filter under which load is fitted: long, because load changes slowly."""

LEAKING = 25
"""Doses that may leak beside the load, so that a leak per request is not taken for load."""

KNOT_HOURS = 6.0
"""Growth by the clock may change its pace this often beside the load, not more (as in `warmup`)."""

LEAST_HOURS = 8.0
"""A quiet time this long is enough to learn from how memory follows load."""

LEAST_ROWS = 30
"""Fewer rows tell load from nothing. Judgement, not measured."""

LEAST_GAIN = 0.25
"""Load that explains less than this share of the falls is not taken off: it would put a wave in rather than out."""


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """`mb`: memory above its least that follows the load (n). `swing_mb` its 98% quantile less its 10% quantile.

    `share` is how much of the falls of memory it explains: growth that stays does not fall, load does.
    """

    mb: Floats
    swing_mb: float
    share: float


def load_memory(track: Track, growth: Floats, found: tuple[Candidate, ...], quiet: int) -> Load:
    """The part of `growth` (MB within lives, warm-up taken off, n) that follows load.

    Fitted to the time before grid index `quiet`, where nothing grew yet, and to the whole, beside growth of every
    shape; the one that explains more of the falls is taken, or none.
    """
    columns = _columns(track, found)
    if columns is None:
        return Load(np.zeros(len(growth)), 0.0, 0.0)
    before = fallen(growth)
    best, share = np.zeros(len(growth)), 0.0
    for end in {len(growth), quiet}:
        if (end - 1) * track.step < LEAST_HOURS * 3600.0 and end < len(growth):
            continue
        follows = columns @ _weights(track, growth, columns, found, end)
        explained = 1.0 - fallen(growth - follows) / before if before > 0 else 0.0
        if explained > max(share, LEAST_GAIN):
            best, share = follows, explained
    low = float(np.quantile(best, 0.1))
    return Load(best - low, float(np.quantile(best, 0.98)) - low, share)


def fallen(growth: Floats) -> float:
    """How far a curve is below what it had already reached, on average, in MB."""
    return float(np.mean(np.maximum.accumulate(growth) - growth))


def _columns(track: Track, found: tuple[Candidate, ...]) -> Matrix | None:
    """Request rate and requests at work, each smoothed over every `LINGER_HOURS` (n x k)."""
    shown = parts(found)
    if not shown or len(track.at) < LEAST_ROWS:
        return None
    counted = cumulated(shown, track.at, 0.0).sum(axis=1)
    rate = np.diff(counted, prepend=counted[0]) / track.step
    columns = [_smoothed(one, hours, track.step) for one in (rate, in_flight(found, track)) for hours in LINGER_HOURS]
    moving = [one for one in columns if float(one.std()) > 0.0]
    return np.array(moving).T if moving else None


def _weights(track: Track, growth: Floats, columns: Matrix, found: tuple[Candidate, ...], end: int) -> Floats:
    """MB per unit of each column, fitted to the rows before `end` beside steps of the clock and doses that may leak."""
    knots = np.arange(0.0, max(float(track.hours[end - 1]), 1.0), KNOT_HOURS)
    staying = np.clip(track.hours[:end, None] - knots[None, :], 0.0, KNOT_HOURS)
    leaking = cumulated(parts(found)[:LEAKING], track.at[:end], 0.0)
    theta = float(np.exp(-track.step / 3600.0 / THETA_HOURS))
    design = whiten(np.column_stack([columns[:end], staying, leaking]), theta)
    return robust(design, whiten(growth[:end], theta)).beta[: columns.shape[1]]


def _smoothed(series: Floats, hours: float, step: float) -> Floats:
    """Exponential smoothing with the time constant `hours`, beginning at the series' own mean."""
    if hours <= 0:
        return series
    keep = float(np.exp(-step / 3600.0 / hours))
    length = min(len(series), int(np.ceil(np.log(1e-4) / np.log(keep))) + 1)
    kernel = keep ** np.arange(length)
    kernel /= kernel.sum()
    padded = np.concatenate((np.full(length, float(series[: max(length // 4, 1)].mean())), series))
    return np.asarray(np.convolve(padded, kernel)[length : length + len(series)])
