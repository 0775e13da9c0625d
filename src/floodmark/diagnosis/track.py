"""The track of one service: its memory on one grid of times, as growth within lives, whatever was measured.

Per process where every process was measured, else per container. `gain` adds up what the floor of each life has risen
since that life began, so a restart neither hides growth nor makes any.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from floodmark.diagnosis.epochs import Life, Start, lives
from floodmark.diagnosis.options import Options
from floodmark.evidence.nouns import Event, Floats, Ints, Series

MEASURES = ("pss", "rss", "working_set", "usage")
"""Best first; the audit leaves `usage` only where nothing better is there."""

ENOUGH_OF_IT = 0.6
"""Processes stand for the service where they were measured for this share of the time the container was."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Memory of one service on a grid of n times. All memory in MB.

    at       times of the grid in seconds, `step` apart
    level    sum of the floors of what is alive
    gain     growth within lives, added up; never falls because something ended
    fine     the same from levels that held for one sample only: less calm, but true to the minute
    alive    lives at each time
    begin    grid index at which each life begins; `end` its last; `boot` its first floor; `known` if its birth was seen
    boots    births of workers inside the lives: for a container whose workers are known from its log (else the lives')
    """

    service: str
    measure: str
    grain: Literal["process", "container"]
    at: Floats
    step: float
    level: Floats
    gain: Floats
    fine: Floats
    alive: Floats
    lives: tuple[Life, ...]
    begin: Ints
    end: Ints
    boot: Floats
    known: NDArray[np.bool_]
    floors: tuple[Floats, ...]

    @property
    def hours(self) -> Floats:
        """Hours since the first time of the grid."""
        return np.asarray((self.at - self.at[0]) / 3600.0)

    @property
    def span_hours(self) -> float:
        """Length of the grid."""
        return float(self.at[-1] - self.at[0]) / 3600.0

    def index(self, second: float) -> int:
        """The grid index at a time, inside the grid."""
        return int(np.clip(np.searchsorted(self.at, second), 0, len(self.at) - 1))


def track(service: str, series: Iterable[Series], events: Iterable[Event], options: Options) -> Track | None:
    """The best track of a service, or None where there are not enough samples of anything."""
    mine = list(series)
    processes = _best([one for one in mine if one.process is not None], options)
    container = container_track(service, mine, events, options)
    if processes:
        # A container that began anew gives its processes the same small numbers again: its starts cut their lives too.
        begun = [] if container is None else [(life.born, life.instance) for life in container.lives if life.born]
        found = _build(service, "process", processes, events, options, begun)
        if found is not None and (container is None or _seen(found) >= ENOUGH_OF_IT * _seen(container)):
            return found
    return container


def container_track(
    service: str,
    series: Iterable[Series],
    events: Iterable[Event],
    options: Options,
    measures: Iterable[str] = MEASURES,
) -> Track | None:
    """The track of the container as a whole, from the best of `measures` that was taken of it."""
    whole = _best([one for one in series if one.process is None and one.measure in tuple(measures)], options)
    return _build(service, "container", whole, events, options) if whole else None


def _best(series: list[Series], options: Options) -> list[Series]:
    """Those of one measure and one metric: the best measure with enough samples, then the metric with most of them.

    PSS gives way to RSS that was sampled far more often, as the watch does it (PSS costs a walk through the page
    tables): between two samples of PSS a request and the growth after it can no longer be told from the next.
    """
    sizes: dict[str, dict[str, int]] = {}
    for one in series:
        of_measure = sizes.setdefault(one.measure, {})
        of_measure[one.metric] = of_measure.get(one.metric, 0) + len(one.at)
    most = {measure: max(of_measure.values()) for measure, of_measure in sizes.items()}
    for measure in MEASURES:
        sparse = measure == "pss" and most.get("rss", 0) > options.sparse_ratio * most.get("pss", 0)
        if most.get(measure, 0) >= options.min_samples and not sparse:
            metric = max(sorted(sizes[measure]), key=lambda name: sizes[measure][name])
            return [one for one in series if one.measure == measure and one.metric == metric]
    return []


def _seen(one: Track) -> float:
    return float((one.alive > 0).sum()) * one.step


def _build(
    service: str,
    grain: Literal["process", "container"],
    series: list[Series],
    events: Iterable[Event],
    options: Options,
    starts: Iterable[Start] = (),
) -> Track | None:
    found = lives(series, events, options, starts)
    if not found:
        return None
    at, step = _grid(found, options)
    level, gain, fine, alive = (np.zeros(len(at)) for _ in range(4))
    begin, end, boot, floors = [], [], [], []
    ahead = max(1, round(options.floor_minutes * 60.0 / step))
    for life in found:
        first, last, value = _on_grid(life, at, step)
        floor = _held(value, ahead)
        level[first : last + 1] += floor
        alive[first : last + 1] += 1
        _add_rise(gain, floor, first)
        _add_rise(fine, _held(value, 1), first)
        begin.append(first)
        end.append(last)
        boot.append(float(floor[0]))
        floors.append(floor)
    known = np.array([life.born is not None and life.born >= at[0] - step for life in found])
    return Track(
        service, series[0].measure, grain, at, step, level, gain, fine, alive, found,
        np.array(begin, dtype=np.int64), np.array(end, dtype=np.int64), np.array(boot), known, tuple(floors),
    )  # fmt: skip


def _grid(found: tuple[Life, ...], options: Options) -> tuple[Floats, float]:
    """Times at the pace of the samples, in phase with the longest life, no more than `max_points`."""
    longest = max(found, key=lambda life: len(life.at))
    pace = float(np.median(np.diff(longest.at)))
    first, last = min(float(life.at[0]) for life in found), max(float(life.at[-1]) for life in found)
    times = max(1, int(np.ceil((last - first) / pace / options.max_points)))
    step = max(pace, 1.0) * times
    phase = float(longest.at[0])
    start = phase - np.floor((phase - first) / step) * step
    return start + np.arange(int((last - start) // step) + 1) * step, step


def _on_grid(life: Life, at: Floats, step: float) -> tuple[int, int, Floats]:
    """(first and last grid index of a life, its level there): the least of several samples, lines over gaps."""
    place = np.clip(np.round((life.at - at[0]) / step).astype(np.int64), 0, len(at) - 1)
    edges = np.flatnonzero(np.concatenate(([True], np.diff(place) > 0)))
    least = np.minimum.reduceat(life.mb, edges)
    return int(place[0]), int(place[-1]), np.interp(np.arange(place[0], place[-1] + 1), place[edges], least)


def _add_rise(total: Floats, floor: Floats, first: int) -> None:
    """Add what a life's floor rose since its begin to a cumulated curve; what it rose stays when it ends."""
    rise = floor - floor[0]
    total[first : first + len(rise)] += rise
    total[first + len(rise) :] += rise[-1]


def _held(value: Floats, ahead: int) -> Floats:
    """The lower envelope: the least of each value and the `ahead` after it; the end counts as the lesser of its last two.

    A level counts from the moment it was reached, but only if it held.
    """
    if ahead < 1 or len(value) < 2:
        return value
    padded = np.concatenate((value, np.full(ahead, value[-2:].min())))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, ahead + 1).min(axis=1)[: len(value)])
