"""Restart loop: the container begins anew again and again, each life too short to judge."""

from __future__ import annotations

import numpy as np

from floodmark.diagnosis.growth import grows
from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.scene import Scene
from floodmark.diagnosis.wording import figure, per_cent, span

AGREE = 0.7
"""Share of lives that must rise after their warm-up for their pooled growth to count."""


def detect(scene: Scene) -> Finding | None:
    """At least `loop_restarts` starts of the container, with a median life of `loop_life_hours` or less.

    Wrong where starts are stated that did not happen (rollouts that were undone); lives that are long enough are judged
    together: where most of them rise alike after their warm-up, it is a leak that the restarts hide.
    """
    options, starts = scene.options, scene.starts
    if len(starts) < options.loop_restarts:
        return None
    # Starts of replicas come together: lives are counted between each and the next but so many.
    together = _replicas(scene)
    if len(starts) <= together:
        return None
    lives = np.subtract(starts[together:], starts[:-together]) / 3600.0
    typical = float(np.median(lives))
    if typical > options.loop_life_hours:
        return None
    text = (
        f"The container began anew {len(starts)} times, typically after {span(typical * 3600)}: "
        f"{figure(together * _an_hour(lives, options.loop_life_hours))} an hour while it lasted."
    )
    rising = _rising(scene)
    if rising is not None and rising >= AGREE and scene.view is not None and grows(scene.view, options):
        more = f" {per_cent(rising)} of its lives rise after their warm-up: a leak that the restarts hide."
        return Finding("restart-loop", "leak", text + more)
    return Finding("restart-loop", "unknown", text + " Its lives are too short to tell a leak from warming up.")


def _replicas(scene: Scene) -> int:
    """Containers that are there at once: a rollout starts all of them within minutes, and none of them lived short."""
    view = scene.whole or scene.view
    if view is None or view.track.grain != "container":
        return 1
    return max(1, round(float(np.median(view.track.alive))))


def _an_hour(lives: np.ndarray, longest_hours: float) -> float:
    """Starts an hour while the loop lasted: longer lives, and hours without evidence, are pauses of it."""
    short = lives[lives <= longest_hours]
    return len(short) / max(float(short.sum()), 1e-9)


def _rising(scene: Scene) -> float | None:
    """Share of lives longer than half an hour whose second half still rises at half the pace of the first."""
    view = scene.view
    if view is None:
        return None
    shares = []
    for floor in view.track.floors:
        if len(floor) * view.track.step >= 1800.0:
            half = len(floor) // 2
            first, second = floor[half] - floor[0], floor[-1] - floor[half]
            shares.append(second > max(0.5 * first, 2.0 * view.stretch.noise_mb))
    return float(np.mean(shares)) if len(shares) >= 3 else None
