"""Leak: the floor rises, in a line per request or hour, and nothing takes it back."""

from __future__ import annotations

from floodmark.diagnosis.dose import parts
from floodmark.diagnosis.explain import STRONG
from floodmark.diagnosis.growth import grows, rate
from floodmark.diagnosis.options import Options
from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.saturation import FULL, Saturation
from floodmark.diagnosis.scene import Scene, View
from floodmark.diagnosis.wording import figure, per_cent, span

DECIDES = 6.0
"""Difference of the information criterion that is strong evidence."""

STILL = 0.5
"""Growth per request in its last third must be at least this share of the mean."""

SHORT_STILL = 0.8
"""The same in the first hours of a growth that follows no dose."""

EXPLAINED = 0.5
"""Share of the growth that a dose explains, from which a bend of the curve counts less."""


def detect(scene: Scene) -> Finding | None:
    """Growth beyond warm-up and load, in a line per request (or hour), that goes on to the end of its stretch.

    Wrong for the first hours of a cache that is large against the evidence: until its curve bends nothing tells.
    """
    if scene.view is None or not grows(scene.view, scene.options) or not goes_on(scene):
        return None
    found = rate(scene)
    if found is None or found.low <= 0:
        return None
    lives = len(scene.view.track.lives)
    within = " summed over restarts" if scene.starts and lives > 1 else ""
    text = (
        f"The floor rises {figure(found.mb_per_hour)} MB/h within lives{within} over {span(found.end - found.start)} "
        f"(90% interval {figure(found.low)} to {figure(found.high)}), {figure(found.mb)} MB for the whole service beyond "
        f"warm-up and load, and does not level off ({per_cent(min(_tail(scene), 9.99))} of its mean rate per request "
        f"at the end)."
    )
    return Finding("leak", "leak", text)


def goes_on(scene: Scene) -> bool:
    """Whether a line beats a saturating curve, or a dose explains the growth and still does at the end."""
    bent, view = scene.saturation, scene.view
    if bent is None or view is None:
        return False
    if view.hours < scene.options.young_hours and not strongly_dosed(scene):
        return bent.margin > DECIDES and bent.tail >= SHORT_STILL
    return (
        _is_straight(bent, scene.options) or _is_unfilled(scene, view, bent) or _is_dosed_to_the_end(scene, view, bent)
    )


def _is_straight(bent: Saturation, options: Options) -> bool:
    # Where the line wins beyond doubt, a quiet last third is the traffic's, and only a stop speaks against it.
    least = STILL if bent.margin <= STRONG else options.plateau_share
    return bent.tail >= least and bent.margin > DECIDES


def _is_unfilled(scene: Scene, view: View, bent: Saturation) -> bool:
    """Whether the curve, though it may bend, is far from full, and a dose or a whole day says that it goes on."""
    if bent.bend <= FULL or bent.tail < STILL:
        return False
    # Without doses nobody knows whether there was less to do on the second day: a bend that is not near full is no end.
    undosed = not parts(scene.candidates) and view.hours >= 2.0 * scene.options.long_hours
    is_long = view.hours >= scene.options.long_hours and (bent.margin > -DECIDES or undosed)
    return is_long or strongly_dosed(scene)


def _is_dosed_to_the_end(scene: Scene, view: View, bent: Saturation) -> bool:
    said = scene.explanation
    explained = 0.0 if said is None else said.explained_mb / max(view.stretch.mb, 1e-9)
    return explained >= EXPLAINED and bent.margin > 0 and bent.tail >= 0.6 * STILL and strongly_dosed(scene)


def strongly_dosed(scene: Scene) -> bool:
    """Whether doses explain the growth far better than none."""
    said = scene.explanation
    return said is not None and said.strong


def _tail(scene: Scene) -> float:
    return max(scene.saturation.tail, 0.0) if scene.saturation is not None else 0.0
