"""Page cache: usage rises, the memory of the processes does not."""

from __future__ import annotations

import numpy as np

from floodmark.diagnosis.patterns.finding import Finding
from floodmark.diagnosis.scene import Scene
from floodmark.diagnosis.wording import figure
from floodmark.evidence.nouns import Series

MB = 1e6


def detect(scene: Scene) -> Finding | None:
    """Usage (or working set) rises far above RSS, which stays flat: the kernel keeps files, and gives them back.

    Wrong for memory in tmpfs, which counts as cache and is not given back.
    """
    view = scene.whole or scene.view
    if view is None or view.track.measure in ("usage", "working_set"):
        return None
    level, options = view.level_mb, scene.options
    at = np.concatenate([life.at for life in view.track.lives])
    mb = np.concatenate([life.mb for life in view.track.lives])
    order = np.argsort(at, kind="stable")
    rises = [_rise(one, at[order], mb[order]) for one in _all(scene) if len(view.track.lives) == view.track.alive.max() or
             view.track.alive.max() <= 1]  # fmt: skip
    rise = max((one for one in rises if one is not None), default=0.0)
    if rise < max(options.page_cache_rise_mb, options.page_cache_rise_share * level):
        return None
    text = (
        f"Usage rises by {figure(rise)} MB above the memory of the processes, which is flat at {figure(level)} MB: "
        f"page cache, which the kernel gives back under pressure."
    )
    return Finding("page-cache", "no-leak", text, rise)


def _all(scene: Scene) -> list[Series]:
    return [one for one in scene.of("usage", "working_set") if one.process is None and len(one.at) >= 20]


def _rise(series: Series, at: np.ndarray, mb: np.ndarray) -> float | None:
    """How much more the series is above the memory at the same time (`mb` at `at`) at its height than before that."""
    above = series.value / MB - np.interp(series.at, at, mb)
    width = max(1, len(above) // 60)
    blocks = [float(np.median(above[k : k + width])) for k in range(0, len(above), width)]
    lowest = np.minimum.accumulate(blocks)
    return float(np.max(np.array(blocks) - lowest)) if len(blocks) >= 4 else None
