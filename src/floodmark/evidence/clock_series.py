"""Clocks told by what was measured: the same memory in two sources, and processes that are seen before they are born."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from floodmark.evidence.clock import Lane
from floodmark.evidence.ledger import Ledger
from floodmark.evidence.nouns import Floats

QUARTER = 900
MAX_EAST = 14 * 3600
MIN_SAMPLES = 24
GOOD_FIT = 0.02
"""Median relative difference of two sources that measure the same."""

MARGIN = 3.0
"""How much worse every other offset has to fit."""

MAX_SKEW = 600.0
MIN_SKEW = 3.0
MIN_BIRTHS = 3


def by_series(lane: Lane, ledger: Ledger, known: Iterable[Lane]) -> int | None:
    """Seconds east of UTC at which a wall clock's series are those that a source with a known clock has too."""
    mine = _series_of(ledger, [lane.number])
    theirs = _series_of(ledger, [other.number for other in known])
    votes: dict[int, int] = {}
    for (service, measure), (at, value) in mine.items():
        reference = theirs.get((service, measure))
        if reference is None or len(at) < MIN_SAMPLES:
            continue
        east = _best_offset(at, value, *reference)
        if east is not None:
            votes[east] = votes.get(east, 0) + 1
    return max(sorted(votes), key=lambda east: (votes[east], -abs(east))) if votes else None


def _series_of(ledger: Ledger, lanes: list[int]) -> dict[tuple[str, str], tuple[Floats, Floats]]:
    """(service, measure) -> samples in the lanes' own time; several of a service at one time are added up."""
    if not lanes:
        return {}
    rows = ledger.store.query(
        "SELECT series, moment, value FROM samples WHERE list_contains(?, lane) ORDER BY series, moment", lanes
    )
    found: dict[tuple[str, str], list[tuple[Floats, Floats]]] = {}
    series = np.asarray(rows["series"], np.int64)
    for number in np.unique(series).tolist():
        key = ledger.series_rows[number].key
        if key.service and key.process is None:
            part = series == number
            samples = (np.asarray(rows["moment"][part], np.float64), np.asarray(rows["value"][part], np.float64))
            found.setdefault((key.service, key.measure), []).append(samples)
    return {name: _together(parts) for name, parts in found.items()}


def _together(parts: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    at = np.concatenate([part[0] for part in parts])
    value = np.concatenate([part[1] for part in parts])
    moments, inverse = np.unique(at, return_inverse=True)
    return moments, np.bincount(inverse, value).astype(np.float64)


def _best_offset(at: Floats, value: Floats, known_at: Floats, known: Floats) -> int | None:
    misfit: dict[int, float] = {}
    for east in range(-MAX_EAST, MAX_EAST + 1, QUARTER):
        there = at - east
        inside = (there >= known_at[0]) & (there <= known_at[-1])
        if np.count_nonzero(inside) >= max(MIN_SAMPLES, 0.5 * len(at)):
            expected = np.interp(there[inside], known_at, known)
            scale = float(np.median(np.abs(expected))) or 1.0
            misfit[east] = float(np.median(np.abs(value[inside] - expected))) / scale
    if len(misfit) < 3:
        return None
    best = min(misfit, key=lambda east: (misfit[east], abs(east)))
    # memory that is flat fits at every offset: only a fit that is much better than elsewhere says anything
    rest = [score for east, score in misfit.items() if abs(east - best) > QUARTER]
    return best if misfit[best] < GOOD_FIT and min(rest, default=1.0) > MARGIN * misfit[best] else None


def skews_by_births(lane: Lane, ledger: Ledger, services: Mapping[int, str]) -> dict[str, float]:
    """service -> seconds to add to its samples, where its processes are seen before a log says that they began.

    A process first seen at f, and not yet at the sample before it at p, was born between them: with the birth b from
    the log, the seconds to add lie between b - f and b - p. All births of a service together narrow that down, and the
    smallest correction that explains them is taken. `services` names the service of a family of files.
    """
    births = {
        (each.service or services.get(each.origin), each.process): ledger.lanes[each.lane].utc(each.at)
        for each in ledger.happenings
        if each.kind == "worker-boot" and each.process and each.lane != lane.number
    }
    if not births:
        return {}
    bounds: dict[str, list[tuple[float, float]]] = {}
    grids = _grids(lane, ledger)
    rows = ledger.store.query(
        "SELECT series, min(moment) AS f FROM samples WHERE lane = ? GROUP BY series ORDER BY series", lane.number
    )
    for number, first in zip(rows["series"].tolist(), rows["f"].tolist(), strict=True):
        key = ledger.series_rows[number].key
        born = births.get((key.service, key.process))
        if born is None or abs(born - first) > MAX_SKEW:
            continue
        place = int(np.searchsorted(grids[key.service], first))
        if place:
            before = float(grids[key.service][place - 1])
            bounds.setdefault(key.service, []).append((born - first, born - before))
    skews = {service: _smallest(limits) for service, limits in sorted(bounds.items())}
    return {service: skew for service, skew in skews.items() if skew is not None}


def _smallest(limits: list[tuple[float, float]]) -> float | None:
    low, high = max(each[0] for each in limits), min(each[1] for each in limits)
    if len(limits) < MIN_BIRTHS or low > high or (low <= MIN_SKEW and high >= -MIN_SKEW):
        return None
    return float(round(low if low > 0 else high))


def _grids(lane: Lane, ledger: Ledger) -> dict[str, Floats]:
    """service -> the moments at which its processes were looked at."""
    rows = ledger.store.query("SELECT DISTINCT series, moment FROM samples WHERE lane = ?", lane.number)
    found: dict[str, list[Floats]] = {}
    series = np.asarray(rows["series"], np.int64)
    moments = np.asarray(rows["moment"], np.float64)
    for number in np.unique(series).tolist():
        found.setdefault(ledger.series_rows[number].key.service, []).append(moments[series == number])
    return {service: np.unique(np.concatenate(parts)) for service, parts in found.items()}
