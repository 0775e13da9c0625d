"""Fragmentation: memory that the allocator keeps after large requests, while Python's objects stay flat."""

from __future__ import annotations

import numpy as np

from floodmark.diagnosis.explain import STRONG
from floodmark.diagnosis.growth import WARMED, grows, warmed_share
from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.patterns.leak import strongly_dosed
from floodmark.diagnosis.saturation import FULL
from floodmark.diagnosis.scene import Scene
from floodmark.diagnosis.wording import figure, per_cent

TOLD = 0.4
"""A process must have grown by this share of its part of the growth for its heap to tell: else lives were renewed."""

LATE_HOURS = 1.0


def detect(scene: Scene) -> Finding | None:
    """Growth, a heap that did not grow with it, and a curve that bends or follows no dose: single large requests raise
    the mark, each less than the last.

    Wrong for a leak in native code, which the heap does not see either: that goes on per request and does not bend, so
    it is called a leak, with its kind among the rivals.
    """
    if scene.view is None or not grows(scene.view, scene.options) or warmed_share(scene.view) >= WARMED:
        return None
    seen = heap_share(scene)
    if seen is None or seen > scene.options.heap_flat_share or not (_bends(scene) or _follows_nothing(scene)):
        return None
    text = (
        f"Memory rose by {figure(scene.view.stretch.mb)} MB and stays, but Python's heap grew by only {per_cent(seen)} "
        f"of that, and each hour adds less: freed memory that the allocator keeps, not objects that pile up."
    )
    return Finding("fragmentation", "no-leak", text)


def _follows_nothing(scene: Scene) -> bool:
    """Whether doses are known and none explains the growth: a leak in native code would follow its route.

    Not where the growth is a line beyond doubt: native code that leaks by the clock was called harmless here. Measured:
    high water of generated cases has margins from -32 to 9, a line by the clock has thousands.
    """
    long = scene.view is not None and scene.view.hours >= scene.options.doseless_hours
    straight = scene.saturation is not None and scene.saturation.margin > STRONG
    return long and not straight and bool(scene.candidates) and not strongly_dosed(scene)


def _bends(scene: Scene) -> bool:
    bent = scene.saturation
    return bent is not None and (bent.margin < 0 or bent.tail < 0.5) and (bent.bend <= FULL or bent.tail < 0.5)


def heap_share(scene: Scene) -> float | None:
    """Growth of Python's own heap as a share of the growth per process; None where no heap was measured in time.

    A heap without a process label is read as the mean over whichever process answered.
    """
    view = scene.view
    if view is None:
        return None
    heaps = [one for one in scene.of("heap") if len(one.at) >= scene.options.min_samples]
    if not heaps:
        return None
    heap = max(heaps, key=lambda one: len(one.at))
    track, begin, end = view.track, view.stretch.begin, view.stretch.end
    each = track.level / np.maximum(track.alive, 1.0)
    width = max(1, round(LATE_HOURS * 3600.0 / track.step))
    top = begin + int(np.argmax(np.convolve(each[begin : end + 1], np.ones(min(width, end - begin)) / width, "same")))
    before, after = _mean(heap, float(track.at[max(0, begin - width)]), float(track.at[begin])), _mean(
        heap, float(track.at[max(0, top - width)]), float(track.at[min(top + width, len(track.at) - 1)]))  # fmt: skip
    rise = float(np.median(each[max(0, top - 5) : top + 6]) - np.median(each[max(0, begin - width) : begin + 1]))
    per_life = max(_processes(scene), 1.0) if track.grain == "container" else 1.0
    least = TOLD * view.stretch.mb / max(float(np.median(track.alive[begin : end + 1])), 1.0)
    if before is None or after is None or rise < least:
        return None
    return float(np.clip((after - before) * per_life / rise, 0.0, 2.0))


def _mean(heap: object, start: float, end: float) -> float | None:
    at, value = heap.at, heap.value  # type: ignore[attr-defined]
    inside = (at >= start) & (at <= end)
    return float(value[inside].mean()) / 1e6 if inside.sum() >= 5 else None


def _processes(scene: Scene) -> float:
    counted = [one for one in scene.of("processes") if len(one.value)]
    return float(np.median(counted[0].value)) if counted else 1.0
