"""Too little evidence: nothing usable was measured, or for too short a time."""

from __future__ import annotations

from floodmark.diagnosis.growth import rate
from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.scene import Scene
from floodmark.diagnosis.wording import figure, span


def detect(scene: Scene) -> Finding | None:
    """No usable size of memory; or fewer samples, or less time, than a verdict needs.

    Wrong for very fast growth in very few samples: an hour of it is asked for unless it is an emergency.
    """
    if scene.view is None:
        known = sorted({one.metric for one in scene.series})
        what = f"; {', '.join(known[:3])} cannot show growth" if known else ""
        return Finding("unknown", "unknown", f"No usable measurement of memory in the evidence{what}.")
    track, options = scene.view.track, scene.options
    samples = max(len(life.at) for life in track.lives)
    if samples < options.min_samples or track.span_hours < options.fast_minutes / 60.0:
        text = f"Only {samples} samples over {span(track.span_hours * 3600)}: too little to tell growth from noise."
        return Finding("unknown", "unknown", text)
    if track.span_hours < options.min_hours:
        found = rate(scene)
        if found is None or found.low < options.emergency_mb_per_hour:
            text = (
                f"Only {span(track.span_hours * 3600)} of evidence: below {figure(options.min_hours)} h only growth of "
                f"{figure(options.emergency_mb_per_hour)} MB/h or more is told from a warm-up."
            )
            return Finding("unknown", "unknown", text)
    return None
