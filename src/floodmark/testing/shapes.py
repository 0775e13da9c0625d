"""Series of one container's memory, a minute apart and without logs: shapes that rules in use call leaks, and leaks.

The shapes are those on which rules in use were compared (docs/accuracy.md): a server that warms up, a daily wave, a
collector's saw, a step, a cache that fills slowly, a nightly batch. Each is drawn anew for every seed: level, noise,
wander, size and time. Memory is MB = 10**6 bytes, times are seconds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from floodmark.evidence.nouns import Evidence, Floats, Place, Series

MB = 1e6
EPOCH = 1_756_252_800.0
Random = np.random.Generator


def hours_of(random: Random) -> Floats:
    """Minutes of 12 to 20 hours, in hours: as long as the public series of pods are."""
    return np.arange(int(random.uniform(12.0, 20.0) * 60.0)) / 60.0


def natural(random: Random, hours: Floats) -> Floats:
    """Nothing in particular: a level of 250 to 1,500 MB, noise of the samples, and a level that wanders and returns."""
    level = random.uniform(250.0, 1500.0)
    wander = np.zeros(len(hours))
    for minute in range(1, len(hours)):
        wander[minute] = 0.995 * wander[minute - 1] + random.normal(0.0, 0.0004 * level)
    spikes = random.exponential(0.02 * level, len(hours)) * (random.random(len(hours)) < 0.03)
    return np.asarray(level + wander + random.normal(0.0, 0.001 * level, len(hours)) + spikes)


def warm_up(random: Random, hours: Floats) -> Floats:
    """300 to 1,000 MB within the first hour or so, then 2 to 6 MB/h that ebb away."""
    rise = random.uniform(300.0, 1000.0) * (1.0 - np.exp(-hours / random.uniform(0.15, 0.6)))
    return np.asarray(natural(random, hours) + rise + random.uniform(10.0, 40.0) * (1.0 - np.exp(-hours / 5.0)))


def daily(random: Random, hours: Floats) -> Floats:
    """A wave of 24 hours, 80 to 300 MB from trough to crest, beginning anywhere in it."""
    angle = 2.0 * np.pi * (hours / 24.0 + random.random())
    return np.asarray(natural(random, hours) + random.uniform(40.0, 150.0) * (1.0 + np.sin(angle)))


def saw(random: Random, hours: Floats) -> Floats:
    """Garbage of 60 to 200 MB that piles up over 20 to 90 minutes and is collected at once."""
    phase = (hours / random.uniform(0.33, 1.5) + random.random()) % 1.0
    return np.asarray(natural(random, hours) + random.uniform(60.0, 200.0) * phase)


def step(random: Random, hours: Floats) -> Floats:
    """150 to 500 MB more within minutes, and no more after that."""
    at = random.uniform(0.3, 0.7) * hours[-1]
    return np.asarray(natural(random, hours) + random.uniform(150.0, 500.0) * np.clip((hours - at) * 12.0, 0.0, 1.0))


def slow_fill(random: Random, hours: Floats) -> Floats:
    """A cache of 300 to 1,000 MB with a time constant of 4 to 10 hours: not full when the evidence ends."""
    at = random.uniform(0.0, 0.2) * hours[-1]
    filled = 1.0 - np.exp(-np.maximum(hours - at, 0.0) / random.uniform(4.0, 10.0))
    return np.asarray(natural(random, hours) + random.uniform(300.0, 1000.0) * filled)


def batch(random: Random, hours: Floats) -> Floats:
    """A job that takes 200 to 600 MB for one to three hours and gives them back."""
    at, long = random.uniform(0.2, 0.9) * hours[-1], random.uniform(1.0, 3.0)
    held = np.clip((hours - at) / 0.7, 0.0, 1.0) * np.clip((at + long - hours) * 20.0, 0.0, 1.0)
    return np.asarray(natural(random, hours) + random.uniform(200.0, 600.0) * held)


HARD_NEGATIVES: dict[str, Callable[[Random, Floats], Floats]] = {
    "warm-up": warm_up, "daily": daily, "saw": saw, "step": step, "slow-fill": slow_fill, "batch": batch,
}  # fmt: skip
"""Shapes without a leak, by name."""

RATES_MB_PER_HOUR = (60.0, 109.0, 200.0, 461.0, 1299.0)
"""Leaks that are asked for: the figures that the report on RSR's incident had (which were none)."""


def leak(random: Random, hours: Floats, mb_per_hour: float) -> Floats:
    """A leak at a constant pace from an hour on, over a natural series."""
    at = random.uniform(0.15, 0.35) * hours[-1]
    return np.asarray(natural(random, hours) + mb_per_hour * np.maximum(hours - at, 0.0))


def evidence_of(hours: Floats, mb: Floats) -> Evidence:
    """The series as all the evidence there is: RSS of one container whose first sample is not its birth."""
    at = EPOCH + 3600.0 * hours
    series = Series(
        "web", "pod-1", None, "rss", "container_memory_rss", Place("rss.json"), at, np.maximum(mb, 1.0) * MB
    )
    return Evidence((float(at[0]), float(at[-1])), 60.0, series=(series,))
