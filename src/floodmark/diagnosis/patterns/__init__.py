"""Patterns of memory over time, one a file: each a condition that can be read aloud, with when it is wrong.

`DETECTORS` is the order in which they are asked; the first that answers decides. A restart loop, which starts tell and
not sizes, comes first; then evidence too short or invalid, what only looks like growth, what growth may be other than a
leak, the leak, and rest.
"""

from __future__ import annotations

from floodmark.diagnosis.patterns import (
    fragmentation,
    growing,
    leak,
    outside,
    page_cache,
    plateau,
    process_count,
    restart_loop,
    sawtooth,
    steady,
    step,
    too_little,
    traffic_bound,
)
from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.scene import Scene

DETECTORS = (
    restart_loop.detect,
    too_little.detect,
    process_count.detect,
    step.detect,
    fragmentation.detect,
    plateau.detect,
    sawtooth.recycled,
    leak.detect,
    growing.detect,
    traffic_bound.detect,
    page_cache.detect,
    sawtooth.collected,
    sawtooth.renewed,
    outside.detect,
    steady.detect,
)


def find(scene: Scene) -> Finding:
    """The pattern of a service: what the first detector that recognises it says."""
    for detect in DETECTORS:
        found = detect(scene)
        if found is not None:
            return found
    raise AssertionError("steady recognises everything")


__all__ = ["DETECTORS", "Finding", "find"]
