"""Lives: the stretches of a series between two starts. Nothing is ever fitted across a start.

A process lives as long as its pid; a container from its start to the next one. Starts are known from the series
(another instance or pid, a stated start), from events, or, where neither says so, from a loss of half the memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from floodmark.diagnosis.options import Options
from floodmark.evidence.nouns import Event, Floats, Series

MB = 1e6

STARTS = ("start", "restart", "oom-kill", "evicted")
"""Events after which a container's memory begins anew."""

SETTLED = 0.7
"""After a start the level is below this share of the one before; until then the scrape still met the old process."""


GONE_STEPS, GONE_SECONDS = 10, 1800.0
"""A process that was not seen for so long, and then is much smaller, is another one under the same number."""

HELD = 5
"""Samples that tell a level before and after a cut."""

NEAR = 1.25
"""Levels within this factor are the same, where a job came and went."""

AT_ONCE = 0.1
"""What rose within this share of the time for which it stayed came at once."""

SHORT_SECONDS = 1800.0
LONG_QUIET = 3.0
"""What rose slowly passes too where it is over so soon, after a quiet time so many times as long..."""

REPEATED = 2
"""...or where as much came and went so often: a leak does not wait at one level for as long as it grows, twice."""

CLOCKS_APART_SECONDS = 120.0
"""A start may be told so long after the first sample of what started: clocks differ."""

CONTINUED_SECONDS = 900.0
CONTINUED_SHARE = 0.9
"""A container that begins within a quarter of an hour at nine tenths of another's last level is that one renamed: a new
process begins far lower. Judgement, not measured."""


Start = tuple[float, str | None]
"""When a container began anew, and which (None: not known which)."""


@dataclass(frozen=True, slots=True, eq=False)
class Life:
    """One process, or one container, between its start and its end. `mb` has the length of `at` (seconds).

    `born` is None where it began before anyone looked: then it is taken to be warmed up.
    """

    instance: str | None
    process: str | None
    at: Floats
    mb: Floats
    born: float | None
    metric: str
    source: str


def lives(
    series: Iterable[Series], events: Iterable[Event], options: Options, more_starts: Iterable[Start] = ()
) -> tuple[Life, ...]:
    """Every life in `series` (all of one service), in order of its first sample; the longest `max_lives` where more.

    `more_starts` are starts of containers that are known from elsewhere.
    """
    usable = [one for one in series if len(one.at) >= 2]
    if not usable:
        return ()
    first = min(float(one.at[0]) for one in usable)
    starts = [(event.at, event.instance) for event in events if event.kind in STARTS and event.process is None]
    starts += list(more_starts)
    unclaimed = _unclaimed(starts, usable, first, options)
    found = [
        life for one in usable for life in _lives_of(one, unclaimed if one.process is None else starts, first, options)
    ]
    # The longest tell most of growth; a counter of pids gone wrong must not fill the memory.
    if len(found) > options.max_lives:
        found = sorted(found, key=lambda life: -len(life.at))[: options.max_lives]
    found.sort(key=lambda life: (float(life.at[0]), life.instance or "", life.process or ""))
    return tuple(_continued(found))


def _unclaimed(starts: list[Start], usable: list[Series], first: float, options: Options) -> list[Start]:
    """Starts that may be of any container: those that name one, and those of which none first shows soon after."""
    begun = [float(one.at[0]) for one in usable if one.process is None and float(one.at[0]) > first]
    return [one for one in starts if one[1] is not None or not _claimed(one[0], begun, options)]


def _claimed(at: float, begun: list[float], options: Options) -> bool:
    """Whether a container that first shows soon after a start is the one that started: then no other one did.

    A rollout reaches replicas one after the other, and what tells of it often does not say which.
    """
    return any(-CLOCKS_APART_SECONDS <= one - at <= options.settle_minutes * 60.0 for one in begun)


def _continued(found: list[Life]) -> Iterator[Life]:
    """A container that begins at the level at which another just ended only changed its name: it is not warming up."""
    ends = [(float(life.at[-1]), float(np.median(life.mb[-5:]))) for life in found]
    for life in found:
        begin, level = float(life.at[0]), float(np.median(life.mb[:5]))
        near = [mb for end, mb in ends if 0 <= begin - end <= CONTINUED_SECONDS]
        if life.process is None and life.born is not None and any(level > CONTINUED_SHARE * mb for mb in near):
            yield replace(life, born=None)
        else:
            yield life


def _lives_of(series: Series, starts: list[Start], first: float, options: Options) -> Iterator[Life]:
    cuts = [0, *_cuts(series, starts, options), len(series.at)]
    step = float(np.median(np.diff(series.at)))
    for number, (begin, end) in enumerate(itertools.pairwise(cuts)):
        begin = _settled(series, begin, end, options)
        if end - begin < 2:
            continue
        at, mb = series.at[begin:end], series.value[begin:end] / MB
        seen = float(at[0])
        known = series.started if number == 0 and series.started is not None else None
        born = known if known is not None else (seen if number or seen > first + max(3 * step, 300.0) else None)
        yield Life(series.instance, series.process, at, mb, born, series.metric, series.place.source)


def _cuts(series: Series, starts: list[Start], options: Options) -> list[int]:
    """Where a series begins anew: at a stated start; a container also where half of a level that had held goes for good.

    A process is only cut at a start, and only if it lost memory there: a container that begins anew gives its processes
    the same small numbers again, but what began may also have been another container of the pod.
    """
    value = series.value
    places = np.flatnonzero(value[1:] < (1.0 - options.drop_share / 2.0) * value[:-1]) + 1
    cuts = {int(cut) for cut in places if _around(value, int(cut)) < 1.0 - options.drop_share}
    cuts = cuts - _passing(series, cuts) if series.process is None else set()
    if series.process is not None:
        steps = np.diff(series.at)
        gone = np.flatnonzero(steps > max(GONE_STEPS * float(np.median(steps)), GONE_SECONDS)) + 1
        cuts |= {int(gap) for gap in gone if _around(value, int(gap)) < SETTLED or _began_in(series, int(gap), starts)}
    for at, instance in starts:
        place = int(np.searchsorted(series.at, at))
        if instance in (None, series.instance) and 0 < place < len(value):
            place = _drop_near(series, place, options) if series.process is not None else place
            cuts |= {place} if place else set()
    return sorted(cut for cut in cuts if 0 < cut < len(value))


def _passing(series: Series, cuts: set[int]) -> set[int]:
    """The falls at which a job is over, and no container began anew.

    Memory was quiet at the level it falls to, left it, and is quiet there again for as long as it was away. A leak fills
    the life before its restart and goes on after it. A job that held three times the level of a container for some minutes
    every four hours was told as eight restarts and a leak of 142 MB/h.
    """
    visits = {cut: _visit(series, cut) for cut in cuts}
    back = {cut: sure for cut, sure in visits.items() if sure is not None}
    return {cut for cut, sure in back.items() if sure or len(back) >= REPEATED}


def _visit(series: Series, cut: int) -> bool | None:
    """Whether the time away that ends at `cut` alone tells of a job; None where the level was not held before and after."""
    at, value = series.at, series.value
    low = float(np.median(value[cut : cut + HELD]))
    near = (value <= NEAR * low) & (value * NEAR >= low)
    quiet = np.flatnonzero(near[:cut])
    if not len(quiet):
        return None
    left = int(quiet[-1])
    away = float(at[cut] - at[left])
    risen = value[left:cut] >= low + 0.7 * (float(value[cut - 1]) - low)
    at_once = float(at[left + int(np.argmax(risen))] - at[left]) <= max(AT_ONCE * away, 2.0 * _pace(at))

    def held(first: float, last: float) -> bool:
        rows = slice(*np.searchsorted(at, [first, last]))
        return bool(near[rows].sum() >= max(HELD, 0.9 * len(near[rows])))

    if not held(at[left] - away, at[left] + 1.0) or not held(at[cut], at[cut] + away):
        return None
    before = at[left] - (away if at_once else LONG_QUIET * away)
    return bool(at[0] <= before and (at_once or away <= SHORT_SECONDS) and held(before, at[left] + 1.0))


def _pace(at: Floats) -> float:
    return float(np.median(np.diff(at)))


def _began_in(series: Series, gap: int, starts: list[Start]) -> bool:
    """Whether the container began anew while the process was not seen: its number was given away again."""
    before, after = series.at[gap - 1], series.at[gap]
    named = series.instance is not None
    return any(before < at <= after and (not named or instance in (None, series.instance)) for at, instance in starts)


def _around(value: Floats, cut: int) -> float:
    """The level of the samples after `cut` over that of those before it."""
    before, after = value[max(0, cut - HELD) : cut], value[cut : cut + HELD]
    return float(np.median(after) / max(float(np.median(before)), 1e-9))


def _drop_near(series: Series, place: int, options: Options) -> int:
    """The sample after `place`, soon enough, with which the level is clearly lower than before; 0 for none."""
    soon = int(np.searchsorted(series.at, series.at[place - 1] + options.settle_minutes * 60.0))
    lower = [cut for cut in range(place, min(soon, len(series.value))) if _around(series.value, cut) < SETTLED]
    return min(lower, key=lambda cut: float(series.value[cut] / series.value[cut - 1])) if lower else 0


def _settled(series: Series, begin: int, end: int, options: Options) -> int:
    """The first sample of the new process: a scrape soon after a start may still show the old one."""
    soon = int(np.searchsorted(series.at, series.at[begin] + options.settle_minutes * 60.0))
    value = series.value[begin : min(soon, end)]
    fallen = np.flatnonzero(value[1:] < SETTLED * value[:-1])
    return begin + int(fallen[-1]) + 1 if len(fallen) else begin
