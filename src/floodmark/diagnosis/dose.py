"""Doses: what a service was given (requests by route, tasks, connections), cumulated on the grid of its track.

A dose is counted from starts and arrivals, never from durations or errors: those are what growth does to requests. A
route that is served elsewhere is no candidate; one whose service nobody knows is a candidate for every service.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from floodmark.diagnosis.options import Options
from floodmark.diagnosis.regress import Matrix
from floodmark.diagnosis.track import Track
from floodmark.evidence.nouns import OTHER, Dose, Evidence, Floats, Ints, Place, Tally

ALL = "(every request)"
"""The sum of all routes: what a middleware, or anything else that every request passes through, is dosed by."""

KEPT = "connections kept open"
"""Connections that were opened and never closed, over all pools."""

WORK = ("endpoint", "task")
LEAST_KEPT, KEPT_SHARE = 20.0, 0.002
"""So many connections left open, and this share of those opened, are worth asking."""

LONGEST_REQUEST_SECONDS = 300.0
"""Memory stays behind at the end of a request; means of durations above this are censored or wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One dose, cumulated at times `edge` (seconds, already moved to the mean end of its requests).

    total   how many had begun by then
    busy    seconds of work in them (0 where durations are not logged)
    mean    seconds that one takes, None where not logged
    """

    dose: Dose
    edge: Floats
    total: Floats
    busy: Floats
    mean: float | None

    @property
    def name(self) -> str:
        """The route, task or pool."""
        return self.dose.name

    def at(self, times: Floats, lag_seconds: float) -> Floats:
        """How many had ended by each of `times`, `lag_seconds` earlier."""
        return np.asarray(np.interp(times - lag_seconds, self.edge, self.total))


Shared = dict[tuple[int, ...], "tuple[Candidate, ...]"]
"""Candidates by the doses they were made of."""


def candidates(evidence: Evidence, service: str, options: Options, shared: Shared) -> tuple[Candidate, ...]:
    """The doses that reached `service`, most frequent first, parts of one name added up; at most `max_doses`.

    Services that the same doses reach have the same candidates, kept in `shared`: where nothing says who served the
    routes, 200 services that each had their own were measured to take 2.3 GB and 40% of the diagnosis' time.
    """
    reached = tuple(index for index, dose in enumerate(evidence.doses)
                    if _reaches(dose, service, evidence) and dose.name != OTHER and len(dose.bin))  # fmt: skip
    if reached not in shared:
        shared[reached] = _candidates([evidence.doses[index] for index in reached], evidence, options)
    return shared[reached]


def _candidates(doses: list[Dose], evidence: Evidence, options: Options) -> tuple[Candidate, ...]:
    groups: dict[tuple[str, str], list[Dose]] = {}
    for dose in doses:
        groups.setdefault((dose.kind, dose.name), []).append(dose)
    found = [_candidate(group, evidence.bin_seconds) for group in groups.values()]
    found.sort(key=lambda one: (-float(one.total[-1]), one.name))
    kept = _kept_open(evidence) if found else None
    found = found[: options.max_doses] + ([] if kept is None else [_candidate([kept], evidence.bin_seconds)])
    requests = [dose for one in found if one.dose.kind == "endpoint" and not one.dose.monitoring
                for dose in groups[one.dose.kind, one.name]]  # fmt: skip
    if len({dose.name for dose in requests}) < 2:
        return tuple(found)
    whole = _candidate(requests, evidence.bin_seconds)
    return (*found, replace(whole, dose=replace(whole.dose, name=ALL)))


def _kept_open(evidence: Evidence) -> Dose | None:
    """The connections that were never closed, at the time they were opened; None where all were, or nothing is known.

    Open at a time are opens less closes up to then; never closed are those that are still open at every later time.
    """
    opened = [one for one in evidence.tallies if one.kind == "connection-open"]
    closed = [one for one in evidence.tallies if one.kind == "connection-close"]
    if not opened or not closed:
        return None
    bins, kept = _never_closed(opened, closed)
    least = max(LEAST_KEPT, KEPT_SHARE * sum(float(one.count.sum()) for one in opened))
    some = kept > 0
    if float(kept.sum()) < least:
        return None
    unknown, nothing = np.full(int(some.sum()), np.nan), np.zeros(int(some.sum()))
    examples = [place for one in opened for _, place, _ in one.examples]
    place = examples[0] if examples else Place("")
    return Dose(None, "connections", KEPT, place, bins[some], kept[some], unknown, nothing, nothing)


def _never_closed(opened: list[Tally], closed: list[Tally]) -> tuple[Ints, Floats]:
    """(bins, how many that were opened in each are still open at every later time)."""
    bins = np.unique(np.concatenate([one.bin for one in (*opened, *closed)]))
    change = np.zeros(len(bins))
    for one, sign in [*((one, 1.0) for one in opened), *((one, -1.0) for one in closed)]:
        np.add.at(change, np.searchsorted(bins, one.bin), sign * one.count)
    never = np.minimum.accumulate(np.cumsum(change)[::-1])[::-1]
    return bins, np.diff(np.maximum(never, 0.0), prepend=max(float(never[0]), 0.0))


def _reaches(dose: Dose, service: str, evidence: Evidence) -> bool:
    if dose.service is not None:
        return dose.service == service
    if dose.kind != "endpoint":
        return True
    routed = [route for route in evidence.routes if dose.name.startswith(route.prefix) and route.service is not None]
    return not routed or max(routed, key=lambda route: len(route.prefix)).service == service


def _candidate(group: list[Dose], bin_seconds: float) -> Candidate:
    bins, place = np.unique(np.concatenate([dose.bin for dose in group]), return_inverse=True)
    starts, busy = np.zeros(len(bins)), np.zeros(len(bins))
    np.add.at(starts, place, np.concatenate([dose.starts for dose in group]))
    seconds = np.concatenate([dose.seconds for dose in group])
    known = np.isfinite(seconds)
    np.add.at(busy, place[known], seconds[known])
    timed = float(np.concatenate([dose.starts for dose in group])[known].sum())
    mean = float(busy.sum()) / timed if timed else None
    # Both ends of every bin: between bins that are apart nothing happens, so the curve must stay flat there.
    edge = np.column_stack([bins, bins + 1]).ravel() * bin_seconds + min(mean or 0.0, LONGEST_REQUEST_SECONDS)
    total, work = (np.column_stack([np.cumsum(x) - x, np.cumsum(x)]).ravel() for x in (starts, busy))
    first = min(group, key=lambda dose: (dose.place.source, dose.place.line or 0))
    return Candidate(first, edge, total, work, mean)


def parts(found: Iterable[Candidate]) -> list[Candidate]:
    """Those that were asked for by someone: monitoring left out, and their sum, which is no dose of its own."""
    return [one for one in found if not one.dose.monitoring and one.dose.kind in WORK and one.name != ALL]


def cumulated(found: Iterable[Candidate], times: Floats, lag_seconds: float) -> Matrix:
    """One column per candidate: events up to each time (n x k)."""
    columns = [one.at(times, lag_seconds) for one in found]
    return np.array(columns).T if columns else np.zeros((len(times), 0))


def served_per_life(found: Iterable[Candidate], track: Track) -> Floats | None:
    """Events that one life slot has served, cumulated on the grid (n); None where no dose is known."""
    columns = cumulated(parts(found), track.at, 0.0)
    if columns.shape[1] == 0:
        return None
    steps = np.diff(columns.sum(axis=1), prepend=columns[0].sum())
    return np.asarray(np.cumsum(steps / np.maximum(track.alive, 1.0)))


def in_flight(found: Iterable[Candidate], track: Track) -> Floats:
    """Requests at work on average in the step before each time of the grid, monitoring left out (n)."""
    work = np.zeros(len(track.at))
    for one in parts(found):
        if one.mean is not None:
            work += np.interp(track.at, one.edge, one.busy)
    return np.diff(work, prepend=work[0]) / track.step
