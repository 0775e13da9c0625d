"""Plateau: growth that fills something up, or only returns to a level the service had before."""

from __future__ import annotations

import numpy as np

from floodmark.diagnosis.dose import parts
from floodmark.diagnosis.growth import WARMED, grows, recycled_lives, settled_share, warmed_share
from floodmark.diagnosis.options import Options
from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.patterns.leak import strongly_dosed
from floodmark.diagnosis.saturation import DAY_HOURS, FULL, Saturation
from floodmark.diagnosis.scene import Scene, View
from floodmark.diagnosis.wording import figure, per_cent

DECIDES = 6.0
"""Difference of the information criterion that is strong evidence (Kass and Raftery 1995: 6 to 10)."""

MOSTLY_WARM = 1.5
"""Warm-ups that are this much larger than the growth hide how large they are."""

SETTLED = 0.3
"""Lives that grow at less than this share of the pace in their later half have warmed up."""

NOTHING = 0.1
"""Growth per dose in the last third below this share of the mean has ended, whatever explained it before."""

KNOWN_LEVEL = 1.08
"""Growth that ends within this factor of the level of earlier lives is a warm-up."""


def detect(scene: Scene) -> Finding | None:
    """A saturating curve fits better than a line per request, or growth per request ended; or the level is a known one.

    Wrong where the evidence ends before the curve has bent, and where a leak stops because its route is no longer asked
    for: per request of that route it did not stop, which is what is compared.
    """
    view = scene.view
    if view is None or not grows(view, scene.options):
        return None
    before = _as_before(view, scene.options) or _only_young(scene, view)
    bent = scene.saturation
    if before is not None or bent is None or not _levels_off(scene, view, bent):
        return before
    text = (
        f"Rose by {figure(view.stretch.mb)} MB and levels off: in its last third it grew at "
        f"{per_cent(max(bent.tail, 0))} of its mean rate per {_unit(bent.clock)},"
        " as something does that fills up (a cache, a pool), not a leak."
    )
    return Finding("plateau", "no-leak", text)


def _as_before(view: View, options: Options) -> Finding | None:
    """Growth that only returns to the level that lives had before it."""
    known = known_level(view)
    if known is None:
        return None
    if recycled_lives(view) >= options.recycle_lives:
        text = f"Every life reaches {figure(known)} MB per process and recycling takes it back, as it did before."
        return Finding("sawtooth", "no-leak", text)
    text = (
        f"Rose by {figure(view.stretch.mb)} MB to {figure(known)} MB per process, the level that the service had "
        f"before: it warmed up again."
    )
    return Finding("plateau", "no-leak", text)


def _levels_off(scene: Scene, view: View, bent: Saturation) -> bool:
    """Whether the curve is full, or growth per dose has ended, or the evidence goes on long after the growth."""
    # Without doses, growth of less than a day may have slowed down because it is night.
    told = bool(parts(scene.candidates)) or view.hours >= DAY_HOURS
    if told and bent.margin < -DECIDES and bent.tail < 0.6 and bent.bend <= FULL:
        return True
    if not view.stretch.lasting and bent.margin < 0:
        return True
    if bent.tail >= scene.options.plateau_share:
        return False
    return bent.margin < DECIDES or not _dosed(scene) or bent.tail < NOTHING


def _only_young(scene: Scene, view: View) -> Finding | None:
    """Growth beside many warm-ups that is no more than what warm-ups leave: told by age, by shape, or by its size."""
    settled, bent, beside = settled_share(view), scene.saturation, warmed_share(view)
    if settled is not None and settled < SETTLED:
        how = f"in the later half of a life at {per_cent(max(settled, 0.0))} of its pace"
    elif bent is not None and beside >= WARMED and bent.margin < -DECIDES and bent.bend <= FULL:
        how = "filling up anew in each life"
    elif beside >= MOSTLY_WARM and not strongly_dosed(scene):
        how = "little beside those warm-ups, and following no dose"
    else:
        return None
    text = (
        f"Rose by {figure(view.stretch.mb)} MB beyond the usual warm-ups of the lives that began meanwhile, {how}: what "
        f"young processes take, not a leak."
    )
    return Finding("sawtooth" if recycled_lives(view) >= scene.options.recycle_lives else "plateau", "no-leak", text)


def _dosed(scene: Scene) -> bool:
    """Whether doses explain half of the growth: then it may have ended because they did."""
    said = scene.explanation
    return said is not None and scene.view is not None and said.explained_mb >= 0.5 * scene.view.stretch.mb


def _unit(clock: str) -> str:
    return "hour" if clock == "hours" else "request"


def known_level(view: View) -> float | None:
    """The level of one life at the height of the growth, where lives had that level before; else None."""
    track, begin, end = view.track, view.stretch.begin, view.stretch.end
    each = track.level / np.maximum(track.alive, 1.0)
    # Lives that begin in the window are young at first: the time in which lives are old tells the level before.
    mature = (track.hours < track.hours[begin]) & (track.alive > 0)
    if mature.sum() * track.step < 3 * 3600.0 or not view.stretch.quiet:
        return None
    before = float(np.quantile(each[mature], 0.95))
    width = max(1, round(3600.0 / track.step))
    height = max(
        (float(np.median(each[k : k + width])) for k in range(begin, max(begin + 1, end - width), width)), default=0.0
    )
    return height if height <= KNOWN_LEVEL * before else None
