"""Whether memory was stable over 30 days, which no window of some hours can tell.

The rule is that of `analyze`: the stored month goes through the same `diagnose`, as one curve a service with a value an
hour. That is 720 values a service, where the processes' own 5-minute medians would be 8,640 each.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from floodmark.diagnosis.incident import Target
from floodmark.diagnosis.options import DEFAULT
from floodmark.diagnosis.pipeline import diagnose
from floodmark.diagnosis.targets import DAY, DAYS_FOR_STABILITY, GOALS
from floodmark.evidence.nouns import Evidence, Place, Series
from floodmark.watch.ageing import COARSE_SECONDS
from floodmark.watch.store import WatchStore

NAME = "stability"
HOUR = 3600.0


class Trend:
    """Judges the stored month every `every_seconds`; between, the last judgement stands."""

    def __init__(self, store: WatchStore, *, every_seconds: float) -> None:
        self.store, self.every_seconds = store, every_seconds
        self._judged: Target | None = None
        self._judged_at = float("-inf")

    def judge(self, now: float) -> None:
        """Look at the month where it is due. Raises what the store raises; the next try is then due as ever."""
        # A clock that was set back must not keep an old judgement for ever.
        if not 0 <= now - self._judged_at < self.every_seconds:
            self._judged_at = now
            self._judged = judged(self.store, now)

    def into(self, targets: Iterable[Target]) -> tuple[Target, ...]:
        """The targets of a window, with `stability` as the month tells it."""
        return tuple(self._judged if one.name == NAME and self._judged else one for one in targets)


def judged(store: WatchStore, now: float) -> Target:
    """`stability` as the last 30 days of the store tell it; unknown where they are not there yet."""
    window = now - DAYS_FOR_STABILITY * DAY, now
    series = tuple(_series(store, window))
    first = min((float(one.at[0]) for one in series), default=now)
    # The first day may have begun late, and the oldest hours are deleted as they leave the month.
    if first > window[0] + DAY:
        goal = next(one for one in GOALS if one.name == NAME)
        days = f"Memory is known for {(now - first) / DAY:.0f} of {DAYS_FOR_STABILITY} days"
        return Target(NAME, goal.target, None, goal.unit, None, f"{days} (it is kept for watch_keep_days).")
    found = diagnose(Evidence(window=window, bin_seconds=HOUR, series=series), DEFAULT)
    return next(one for one in found.targets if one.name == NAME)


def _series(store: WatchStore, window: tuple[float, float]) -> Iterable[Series]:
    columns = store.totals(None, *window, HOUR, COARSE_SECONDS)
    names, at = np.asarray(columns["service"], dtype=object), np.asarray(columns["moment"], float)
    value = np.asarray(columns["value"], float)
    for name in sorted(set(names.tolist())):
        here = names == name
        yield Series(str(name), str(name), None, "rss", "rss", Place("watch"), at[here], value[here])
