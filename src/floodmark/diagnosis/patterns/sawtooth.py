"""Sawtooth: rises that are taken back, by recycling of processes or by collection within them."""

from __future__ import annotations

import numpy as np

from floodmark.diagnosis.growth import grows, rate, recycled_lives
from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.patterns.leak import goes_on
from floodmark.diagnosis.scene import Scene, View
from floodmark.diagnosis.wording import figure, span

CYCLES = 3
"""Rises and falls that make a saw."""

LEAST_SAMPLES = 60
"""Points of a floor in which a saw can be seen."""

SWING_SHARE = 0.12
SWING_MB = 8.0
"""A saw swings by this share of its level and this many MB at least: below, it is the noise of a steady service. Chosen by
eye, not measured."""


def recycled(scene: Scene) -> Finding | None:
    """Workers are recycled several times while each life grows, and the next life begins low again.

    The growth is real and is named with its rate within lives; that it is bounded is said too. Wrong where processes
    end for other reasons (crashes): the events tell.
    """
    view, options = scene.view, scene.options
    if view is None or not grows(view, options) or not goes_on(scene):
        return None
    lives = recycled_lives(view, view.stretch.begin, view.stretch.end)
    if lives < options.recycle_lives:
        return None
    found = rate(scene)
    if found is None or found.low <= 0:
        return None
    swing, age = _within_lives(view)
    text = (
        f"Each worker grows by about {figure(swing)} MB in a life of {span(age * 3600)} and recycling takes it back: "
        f"{figure(found.mb_per_hour)} MB/h within lives (90% interval {figure(found.low)} to {figure(found.high)}), "
        f"bounded only as long as workers are recycled."
    )
    return Finding("sawtooth", "leak", text, swing)


def _within_lives(view: View) -> tuple[float, float]:
    """(typical rise of a whole life in the growth in MB, its age in hours)."""
    track = view.track
    whole = [k for k in range(len(track.lives)) if track.known[k] and track.begin[k] >= view.stretch.begin - 5
             and track.end[k] < view.stretch.end]  # fmt: skip
    if not whole:
        whole = list(range(len(track.lives)))
    rises = [float(track.floors[k][-1] - track.floors[k][0]) for k in whole]
    ages = [float(track.end[k] - track.begin[k]) * track.step / 3600.0 for k in whole]
    return float(np.median(rises)), float(np.median(ages))


def collected(scene: Scene) -> Finding | None:
    """No growth, but memory of a life rises and falls again several times, by itself and not with the load.

    Wrong for a regular job that takes memory and gives it back: that is a saw too, and harmless.
    """
    for view in (scene.view, scene.whole):
        floors = [] if view is None else [floor for floor in view.track.floors if len(floor) >= LEAST_SAMPLES]
        found = [one for one in map(_saw, floors) if one is not None]
        if floors and len(found) >= 0.5 * len(floors):
            swing = float(np.median([one[0] for one in found]))
            text = f"Memory rises and falls by about {figure(swing)} MB again and again; the troughs are flat."
            return Finding("sawtooth", "no-leak", text, swing)
    return None


def renewed(scene: Scene) -> Finding | None:
    """Workers are recycled, each warms up and then stays; nothing grows from life to life."""
    view = scene.view
    if view is None or not view.warm.mb or recycled_lives(view) < scene.options.recycle_lives:
        return None
    text = (
        f"Workers are recycled; each warms up by about {figure(view.warm.mb)} MB and stays there until it is replaced. "
        f"Nothing grows from life to life."
    )
    return Finding("sawtooth", "no-leak", text, view.warm.mb)


def _saw(floor: np.ndarray) -> tuple[float, int] | None:
    """(swing in MB, cycles) of a floor that goes up and down at least `CYCLES` times; else None."""
    low, high = (float(one) for one in np.quantile(floor, (0.05, 0.95)))
    swing = high - low
    if swing < max(SWING_SHARE * float(np.median(floor)), SWING_MB):
        return None
    state, cycles = 0, 0
    for value in floor:
        if value > low + 0.7 * swing:
            state = 1
        elif value < low + 0.3 * swing:
            cycles += state
            state = 0
    return (swing, cycles) if cycles >= CYCLES else None
