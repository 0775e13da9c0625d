"""Outside: the container grows, and the processes that were sampled in it do not.

The processes are the better measure (DESIGN: per process where possible), so this is asked only where they are flat. What
they do not hold is memory that the allocator keeps, where the sampler counts only what lives, or is in a process that
nobody sampled. It is never called a leak: of which process it would be is not known.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from floodmark.diagnosis.growth import grows
from floodmark.diagnosis.patterns import fragmentation, plateau, step
from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.scene import Scene, View, by_container
from floodmark.diagnosis.wording import figure, per_cent, span

ANONYMOUS = ("pss", "rss")
"""Measures without file cache: usage that rises beside flat processes is `page_cache`."""

MOSTLY = 0.5
"""Share of the container's growth that must be outside: warm-ups and rollouts of the processes are in their own levels.
Of 13 services of 230 generated cases whose container grew alone, 6 were high water (0.85 of it outside and more), the
others new pods, more processes and restarts (0.46 and less)."""

UNSAMPLED = 1.0
"""Processes beside the sampled ones that are the master: it answers no request and forks what does."""


def detect(scene: Scene) -> Finding | None:
    """The container's memory rises beyond noise and load, and at least half of that is in none of its processes.

    Wrong where a sampler missed the process that grows and the number of processes is not known to fit: then the answer
    is "unknown". Called fragmentation where the shape says so, or where it ended, all processes but a master were sampled
    and Python's heap is flat: what goes on with the clock may be the master's own.
    """
    whole, view = scene.whole, scene.view
    if whole is None or view is None or whole.track.measure not in ANONYMOUS or not grows(whole, scene.options):
        return None
    mb = outside_mb(whole, view)
    if mb < MOSTLY * whole.stretch.mb:
        return None
    return replace(_named(scene, mb), of_container=True)


def _named(scene: Scene, mb: float) -> Finding:
    container = by_container(scene)
    for shape in (step.detect, fragmentation.detect, plateau.detect):
        found = shape(container)
        if found is not None:
            return replace(found, reason=f"{found.reason} {_where(scene, mb)}")
    heap = fragmentation.heap_share(container)
    ended = scene.whole is not None and not scene.whole.stretch.lasting
    if ended and heap is not None and heap <= scene.options.heap_flat_share and _all_sampled(scene):
        text = f"Python's heap grew by only {per_cent(heap)} of that: freed memory that the allocator keeps."
        return Finding("fragmentation", "no-leak", f"{_where(scene, mb)} {text}")
    text = "A process that was not sampled, or memory that the allocator keeps: one sample of all processes would tell."
    return Finding("unknown", "unknown", f"Growing, unconfirmed: {_where(scene, mb)} {text}")


def _where(scene: Scene, mb: float) -> str:
    assert scene.whole is not None
    assert scene.view is not None
    return (
        f"{figure(mb)} MB of what the container gained in {span(scene.whole.end - scene.whole.start)} are in none of its "
        f"sampled processes, which are flat at about {figure(scene.view.level_mb)} MB."
    )


def outside_mb(whole: View, view: View) -> float:
    """What the container's level gained over its growth beyond what the level of its processes did, in MB."""
    return _gained(whole, whole.start, whole.end) - _gained(view, whole.start, whole.end)


def _gained(view: View, start: float, end: float) -> float:
    level, first, last = view.track.level, view.track.index(start), view.track.index(end)
    return float(np.median(level[max(0, last - 4) : last + 1]) - np.median(level[first : first + 5]))


def _all_sampled(scene: Scene) -> bool:
    """Whether as many processes were sampled at once as the container says it has, but for a master."""
    counted = [one for one in scene.of("processes") if len(one.value)]
    if scene.view is None or not counted:
        return False
    alive = scene.view.track.alive
    return float(np.median(alive[alive > 0])) + UNSAMPLED >= max(float(np.median(one.value)) for one in counted)
