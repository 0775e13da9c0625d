"""Page cache: usage rises, the memory of the processes does not."""

from __future__ import annotations

import numpy as np

from floodmark.diagnosis.epochs import Life
from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.scene import Scene
from floodmark.diagnosis.wording import figure
from floodmark.evidence.nouns import Series

MB = 1e6
SAME_SECONDS = 2.0
LEAST_PAIRS = 60
BLOCKS = 30
"""Stretches of which each is read at its median."""


def detect(scene: Scene) -> Finding | None:
    """Usage (or working set) rises far above RSS, which stays flat: the kernel keeps files, and gives them back.

    Wrong for memory in tmpfs, which counts as cache and is not given back.
    """
    view = scene.whole or scene.view
    if view is None or view.track.measure in ("usage", "working_set"):
        return None
    level, options = view.level_mb, scene.options
    rises = [_rise(one, life) for one in _all(scene) for life in view.track.lives if one.instance == life.instance]
    rise = max(rises, default=0.0)
    if rise < max(options.page_cache_rise_mb, options.page_cache_rise_share * level):
        return None
    text = (
        f"Usage rises by {figure(rise)} MB above the memory of the processes, which is flat at {figure(level)} MB: "
        f"page cache, which the kernel gives back under pressure."
    )
    return Finding("page-cache", "no-leak", text, rise)


def _all(scene: Scene) -> list[Series]:
    return [one for one in scene.of("usage", "working_set") if one.process is None and len(one.at) >= 20]


def _rise(series: Series, life: Life) -> float:
    """How much more the series is above the memory of `life` at its height than before that, in MB; 0 for too little.

    Only where both were sampled at once: a panel by another clock would tell peaks of memory as cache.
    """
    place = np.clip(np.searchsorted(life.at, series.at), 0, len(life.at) - 1)
    paired = np.abs(life.at[place] - series.at) <= SAME_SECONDS
    above = series.value[paired] / MB - life.mb[place[paired]]
    if len(above) < LEAST_PAIRS:
        return 0.0
    blocks = np.array([float(np.median(part)) for part in np.array_split(above, BLOCKS)])
    return float(np.max(blocks - np.minimum.accumulate(blocks)))
