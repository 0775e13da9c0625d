"""Step: one or a few jumps that stay, and nothing between them."""

from __future__ import annotations

import numpy as np

from floodmark.diagnosis.growth import grows
from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.patterns.fragmentation import heap_share
from floodmark.diagnosis.scene import Scene, View
from floodmark.diagnosis.wording import figure, moment, per_cent

LEFT = 0.35
"""What the jumps may leave of the growth."""

WITHIN_MINUTES = 20.0
"""A jump is over within this time..."""

WITHIN_SHARE = 1 / 12
"""...and within this share of the growth: three stretches of 20 minutes are all of a straight line of an hour, and a
leak that the fast clock saw was taken back as three jumps (measured: from 45 to 85 minutes after its begin)."""


def detect(scene: Scene) -> Finding | None:
    """At most `step_count` jumps explain `step_share` of the growth, and what is left does not grow by itself.

    Wrong for a leak in a route that is met so rarely that its first three requests are the evidence.
    """
    if scene.view is None or not grows(scene.view, scene.options):
        return None
    jumps = _jumps(scene.view, scene.options.step_count)
    explained = sum(size for _, size in jumps)
    left = scene.view.stretch.mb - explained
    if explained < scene.options.step_share * scene.view.stretch.mb:
        return None
    if left > LEFT * scene.view.stretch.mb or (_allocator(scene) and not _with_news(scene, jumps)):
        return None
    listed = ", ".join(f"{figure(size)} MB at {moment(at)}" for at, size in sorted(jumps))
    text = (
        f"{per_cent(min(explained / scene.view.stretch.mb, 1.0))} of the growth are {len(jumps)} jump"
        f"{'s' if len(jumps) > 1 else ''} that stayed ({listed}); between them memory is flat."
    )
    return Finding("step", "no-leak", text)


def _allocator(scene: Scene) -> bool:
    """Whether Python's heap is known to have stayed flat: then large requests are the likelier jumps."""
    seen = heap_share(scene)
    return seen is not None and seen <= scene.options.heap_flat_share


def _with_news(scene: Scene, jumps: list[tuple[float, float]]) -> bool:
    """Whether most of what jumped did so at a deploy or start."""
    near = sum(size for at, size in jumps if any(abs(at - one.at) <= 3600.0 for one in scene.news))
    return near >= 0.5 * sum(size for _, size in jumps)


def _jumps(view: View, most: int) -> list[tuple[float, float]]:
    """The largest rises, each within the time of a jump, that do not overlap: (time, MB)."""
    track = view.track
    # Growth that is over within the time of a jump is one; in longer growth a jump is a small part of the time.
    whole = not view.stretch.lasting and view.hours * 60.0 <= WITHIN_MINUTES
    minutes = WITHIN_MINUTES if whole else min(WITHIN_MINUTES, WITHIN_SHARE * view.hours * 60.0)
    width = max(1, round(minutes * 60.0 / track.step))
    first = max(view.stretch.begin - 2 * width, 0)
    part = view.excess[first : view.stretch.end + 1 + 2 * width]
    if len(part) <= 2 * width:
        return []
    rise = part[width:] - part[:-width]
    found = []
    for _ in range(most):
        top = int(np.argmax(rise))
        if rise[top] <= 6.0 * view.stretch.noise_mb or rise[top] < 0.15 * view.stretch.mb:
            break
        found.append((float(track.at[first + top + width // 2]), float(rise[top])))
        rise[max(0, top - width) : top + width + 1] = -np.inf
    return found
