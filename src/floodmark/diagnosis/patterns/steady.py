"""Steady: flat within the noise. The last detector; it recognises everything."""

from __future__ import annotations

from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.scene import Scene
from floodmark.diagnosis.wording import figure, span


def detect(scene: Scene) -> Finding | None:
    """No growth beyond noise, warm-up and load. Wrong for growth slower than the thresholds of `grows`."""
    view = scene.view
    if view is None:
        return Finding("unknown", "unknown", "No usable measurement of memory in the evidence.")
    warm = " after warming up" if view.warm.mb and view.warm.mb > scene.options.min_growth_mb else ""
    text = (
        f"Flat at about {figure(view.level_mb)} MB{warm} over {span(view.track.span_hours * 3600)}; what it grew "
        f"({figure(max(view.stretch.mb, 0.0))} MB) is within noise and drift."
    )
    return Finding("steady", "no-leak", text)
