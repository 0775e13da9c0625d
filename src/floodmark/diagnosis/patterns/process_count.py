"""Process count: more processes, not larger ones."""

from __future__ import annotations

import numpy as np

from floodmark.diagnosis.growth import grows
from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.patterns.plateau import known_level
from floodmark.diagnosis.scene import Scene, View
from floodmark.diagnosis.wording import figure, per_cent

STEPS = 3
"""Rises at different times that make it proliferation."""

FOLLOWS = 0.9
"""Correlation of memory with the number of processes that makes one explain the other."""


def detect(scene: Scene) -> Finding | None:
    """The number of processes at one instant rises by half or more, memory follows it, and a process does not grow.

    Wrong where workers are scaled by load on purpose: then it is traffic, and the count falls again.
    """
    counted = counts(scene)
    view = scene.whole or scene.view
    if counted is None or view is None:
        return None
    at, number = counted
    # A quarter at the begin and only a tenth at the end: a rise that has just begun must show.
    before = float(np.median(number[: max(3, len(number) // 4)]))
    after = float(np.median(number[-max(3, len(number) // 10) :]))
    if after - before < max(2.0, scene.options.count_rise_share * before):
        return None
    if _larger(scene):
        return None
    memory = np.interp(at, view.track.at, view.track.level)
    if float(np.std(memory)) == 0 or float(np.corrcoef(memory, number)[0, 1]) < FOLLOWS:
        return None
    each = _each(view, at, number, memory)
    text = (
        f"The number of processes rises from {figure(before)} to {figure(after)} while one holds about "
        f"{figure(each)} MB throughout: more processes, not a leak within one. Memory of the service follows the count "
        f"({per_cent(float(np.corrcoef(memory, number)[0, 1]) ** 2)} of its variance)."
    )
    return Finding("process-count", "no-leak", text)


def _larger(scene: Scene) -> bool:
    """Whether single processes grew, as far as they were measured."""
    view = scene.view
    if view is None or view.track.grain != "process":
        return False
    return grows(view, scene.options) and known_level(view) is None


def counts(scene: Scene) -> tuple[np.ndarray, np.ndarray] | None:
    """(times, processes alive at each): from a counter of processes, or from the processes themselves."""
    series = [one for one in scene.of("processes") if len(one.at) >= scene.options.min_samples]
    if series:
        longest = max(series, key=lambda one: len(one.at))
        return longest.at, longest.value
    if scene.view is not None and scene.view.track.grain == "process":
        return scene.view.track.at, scene.view.track.alive
    return None


def _each(view: View, at: np.ndarray, number: np.ndarray, memory: np.ndarray) -> float:
    return float(np.median(memory / np.maximum(number, 1.0)))


def keeps_rising(scene: Scene) -> bool:
    """Whether processes were added again and again; a rollout with more workers adds them once."""
    counted = counts(scene)
    if counted is None:
        return False
    number = counted[1]
    blocks = np.array([float(np.median(part)) for part in np.array_split(number, min(len(number), 48))])
    return int(np.sum(np.diff(blocks) > 0)) >= STEPS
