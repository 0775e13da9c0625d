"""Growing, unconfirmed: there is growth, and the evidence does not tell what it is."""

from __future__ import annotations

from floodmark.diagnosis.growth import grows
from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.scene import Scene
from floodmark.diagnosis.wording import figure, span


def detect(scene: Scene) -> Finding | None:
    """Growth that neither a line nor a saturating curve describes better. Right by saying so."""
    if scene.view is None or not grows(scene.view, scene.options):
        return None
    view = scene.view
    text = (
        f"Growing, unconfirmed: {figure(view.stretch.mb)} MB in {span(view.end - view.start)}, which a leak and a "
        f"cache that fills would both do. A longer window, or the same service at the same age before, would tell."
    )
    return Finding("unknown", "unknown", text)
