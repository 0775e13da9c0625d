"""Memory that follows load and comes back: what requests at work hold, and what lingers for a while after them.

The curve of memory is explained by in-flight requests and request rate, each smoothed over several times, beside growth
that does not come back. What follows load is then taken off before growth is looked for.

Wrong when load only rises within the evidence: a leak per request and memory that waits for the load to fall look alike
then, so the growth that stays is the least that it may be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.dose import Candidate, cumulated, in_flight, parts
from floodmark.diagnosis.regress import robust, whiten
from floodmark.diagnosis.track import Track
from floodmark.evidence.nouns import Floats

LINGER_HOURS = (0.0, 0.25, 1.0)
"""How long memory lingers after the load that took it: time constants of the smoothing."""

THETA_HOURS = 3.0
"""Memory of the filter under which load is fitted: long, because load changes slowly."""

LEAKING = 25
"""Doses that may leak beside the load, so that a leak per request is not taken for load."""

KNOT_HOURS = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """`mb`: memory above its least that follows the load (n). `swing_mb` its 98% quantile less its 10% quantile.

    `share` is how much of the variance of memory, growth taken off, it explains (0 to 1).
    """

    mb: Floats
    swing_mb: float
    share: float


def load_memory(track: Track, growth: Floats, warm: Floats, found: tuple[Candidate, ...]) -> Load:
    """The part of `growth` (MB within lives, n) that follows load; `warm` is the warm-up's part."""
    shown = parts(found)
    nothing = Load(np.zeros(len(growth)), 0.0, 0.0)
    if not shown or len(growth) < 30:
        return nothing
    counted = cumulated(shown, track.at, 0.0).sum(axis=1)
    rate = np.diff(counted, prepend=counted[0]) / track.step
    smoothed = [
        _smoothed(series, hours, track.step) for series in (rate, in_flight(found, track)) for hours in LINGER_HOURS
    ]
    columns = np.array([one for one in smoothed if float(one.std()) > 0.0]).T
    if columns.size == 0:
        return nothing
    knots = np.arange(0.0, max(track.span_hours, 1.0), KNOT_HOURS)
    staying = np.clip(track.hours[:, None] - knots[None, :], 0.0, KNOT_HOURS)
    leaking = cumulated(shown[:LEAKING], track.at, 0.0)
    theta = float(np.exp(-track.step / 3600.0 / THETA_HOURS))
    others = np.column_stack([warm, staying, leaking])
    beta = robust(whiten(np.column_stack([columns, others]), theta), whiten(growth, theta)).beta
    width = columns.shape[1]
    follows = columns @ beta[:width]
    rest = growth - others @ beta[width:]
    variance = float(np.var(rest))
    share = 1.0 - float(np.var(rest - follows)) / variance if variance > 0 else 0.0
    low = float(np.quantile(follows, 0.1))
    return Load(follows - low, float(np.quantile(follows, 0.98)) - low, float(np.clip(share, 0.0, 1.0)))


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
