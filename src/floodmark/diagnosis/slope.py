"""Robust slopes and trend tests: Theil-Sen, and Mann-Kendall for values that depend on those before them."""

from __future__ import annotations

from math import erfc, sqrt

import numpy as np

from floodmark.evidence.nouns import Floats

MAX_POINTS = 2000
"""Points beyond which every so many is left out: pairs grow with the square."""


def theil_sen(x: Floats, y: Floats) -> float:
    """The median slope over all pairs (Theil 1950, Sen 1968); 0 for fewer than two different x."""
    step = -(-len(x) // MAX_POINTS) if len(x) else 1
    x, y = x[::step], y[::step]
    rise, run = y[None, :] - y[:, None], x[None, :] - x[:, None]
    later = run > 0
    return float(np.median(rise[later] / run[later])) if later.any() else 0.0


def mann_kendall(y: Floats) -> float:
    """Two-sided p of no trend in evenly spaced `y`, with the correction of Hamed and Rao (1998) for autocorrelation.

    The variance of S is multiplied by n/n*, from the ranks' significant autocorrelations after the trend is taken off.
    """
    step = -(-len(y) // MAX_POINTS) if len(y) else 1
    y = y[::step]
    n = len(y)
    if n < 4:
        return 1.0
    s = float(np.sign(y[None, :] - y[:, None])[np.triu_indices(n, 1)].sum())
    variance = n * (n - 1) * (2 * n + 5) / 18.0 * _inflation(y)
    if s == 0 or variance <= 0:
        return 1.0
    return float(erfc((abs(s) - 1.0) / sqrt(2.0 * variance)))


def _inflation(y: Floats) -> float:
    n = len(y)
    x = np.arange(n, dtype=np.float64)
    rest = y - theil_sen(x, y) * x
    rank = np.argsort(np.argsort(rest, kind="stable"), kind="stable") - (n - 1) / 2.0
    power = np.abs(np.fft.rfft(rank, 2 * n)) ** 2
    correlation = np.fft.irfft(power)[1 : n - 1] / max(float(rank @ rank), 1e-12)
    lag = np.arange(1, n - 1, dtype=np.float64)
    counts = np.abs(correlation) > 1.96 / sqrt(n)
    weight = (n - lag) * (n - lag - 1) * (n - lag - 2)
    return max(1.0 + 2.0 / (n * (n - 1.0) * (n - 2.0)) * float((weight * correlation)[counts].sum()), 1e-6)
