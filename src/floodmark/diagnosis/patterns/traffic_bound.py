"""Traffic-bound: memory rises with the load and comes back with it."""

from __future__ import annotations

from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.scene import Scene
from floodmark.diagnosis.wording import figure, per_cent

FOLLOWS = 0.5
"""Share of the variance of memory that load must explain."""


def detect(scene: Scene) -> Finding | None:
    """Memory swings with in-flight requests and request rate, widely, and what stays does not grow.

    Wrong where load and a job of the same hours coincide every day.
    """
    options = scene.options
    for view in (scene.whole, scene.view):
        if view is None or view.load.share < FOLLOWS:
            continue
        if view.load.swing_mb >= max(options.traffic_rise_mb, options.traffic_rise_share * view.level_mb):
            text = (
                f"Memory swings by {figure(view.load.swing_mb)} MB with the requests at work and returns with them "
                f"({per_cent(view.load.share)} of its variance follows the load); the floor between does not rise."
            )
            return Finding("traffic-bound", "no-leak", text, view.load.swing_mb)
    return None
