"""The clock of a log that states none, from the growth that its work causes.

A log of tasks with times of day and no zone is taken as UTC, as the health of its source says. Hours off, none of its tasks
explains the growth and nobody is named; at the right offset one does, minute by minute. So every offset of the world is
tried, and one that explains the growth far better than all others is the clock.

Measured on generated cases with a growing worker: 31 logs whose clock was known were best as they were read, by 168 and
more, or by less than 50 where no task leaks; the two that were four and five hours off were better by 315 and 1,302
there, and by no more than 29 at any wrong offset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from floodmark.diagnosis.audit import Audit
from floodmark.diagnosis.coverage import clock_hours
from floodmark.diagnosis.dose import ALL, Candidate
from floodmark.diagnosis.explain import MIDDLE_THETA, Trial
from floodmark.diagnosis.options import Options
from floodmark.diagnosis.patterns import find
from floodmark.diagnosis.scene import Scene, regression_rows, scene
from floodmark.evidence.nouns import Clock, Dose, Event, Evidence, SourceHealth, Tally

HALF_HOUR = 1800.0
EASTS = tuple(sorted({*np.arange(-12.0 * 3600.0, 14.0 * 3600.0 + 1.0, HALF_HOUR), 20_700.0, 31_500.0, 45_900.0}))
"""Seconds east of UTC that a clock may be: each half hour, and the three zones with quarters of one."""

DECIDES = 60.0
"""Difference of the extended BIC to the clock as it was read and to every other: twice what wrong offsets reached."""


NO_ZONE = "no zone stated"
"""How the remark of a source begins whose clock was assumed: it is no longer true of one that growth told."""


def with_clocks_by_growth(evidence: Evidence, audited: Audit, options: Options) -> Evidence:
    """The evidence with the times of logs moved whose clock was assumed and is told by growth; itself where none is."""
    moved = evidence
    for service, paths in sorted(_assumed(evidence).items()):
        east = _east(scene(evidence, audited, service, options, {}), paths)
        if east:
            moved = _moved(moved, paths, east)
    return moved


def assumed_sources(evidence: Evidence) -> frozenset[str]:
    """Paths of the sources whose clock nothing told: they were taken as UTC."""
    return frozenset(one.path for one in evidence.sources if one.clock is not None and one.clock.basis == "assumed")


def _assumed(evidence: Evidence) -> dict[str, frozenset[str]]:
    """service -> paths of the logs of its work whose clock was assumed, with those of their kind beside them."""
    assumed = assumed_sources(evidence)
    kin = {one.path: (one.kind, one.path.rpartition("/")[0]) for one in evidence.sources if one.path in assumed}
    found: dict[str, set[tuple[str, str]]] = {}
    for dose in evidence.doses:
        if dose.service is not None and dose.place.source in assumed:
            found.setdefault(dose.service, set()).add(kin[dose.place.source])
    return {service: frozenset(path for path in assumed if kin[path] in kinds) for service, kinds in found.items()}


def _east(seen: Scene, paths: frozenset[str]) -> float:
    """Seconds east of UTC at which the doses from `paths` explain the growth far better than at any other; else 0."""
    # Only of a leak: of a worker that only warmed up the clock was told rightly, and its tasks then accused.
    if seen.view is None or find(seen).verdict != "leak":
        return 0.0
    times, growth, nuisance = regression_rows(seen.view, seen.candidates)
    if len(times) < seen.options.min_samples:
        return 0.0
    base = np.column_stack([clock_hours(times), nuisance])
    asked = [one for one in seen.candidates if one.name != ALL]

    def score(east: float) -> float:
        found = tuple(_read_at(one, east) if one.dose.place.source in paths else one for one in asked)
        return Trial(times, growth, base, found, ()).at(MIDDLE_THETA, 0.0).score

    scores = {east: score(east) for east in EASTS}
    best = min(EASTS, key=lambda east: (scores[east], abs(east)))
    others = min(scores[east] for east in EASTS if abs(east - best) > HALF_HOUR or east == 0.0)
    return best if others - scores[best] >= DECIDES else 0.0


def _read_at(one: Candidate, east: float) -> Candidate:
    return replace(one, edge=one.edge - east)


def _moved(evidence: Evidence, paths: frozenset[str], east: float) -> Evidence:
    """The evidence with all that was read from `paths` on a clock `east` seconds east of UTC."""
    bins = round(east / evidence.bin_seconds)
    return replace(
        evidence,
        sources=tuple(_source(one, east) if one.path in paths else one for one in evidence.sources),
        doses=tuple(_dose(one, bins) if one.place.source in paths else one for one in evidence.doses),
        events=tuple(sorted(_events(evidence.events, paths, east), key=lambda one: one.at)),
        tallies=tuple(_tally(one, paths, bins, east) for one in evidence.tallies),
    )


def _source(health: SourceHealth, east: float) -> SourceHealth:
    minutes = round(abs(east) / 60.0)
    zone = f"{'-' if east < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
    first, last = (None if at is None else at - east for at in (health.first, health.last))
    kept = [text for text in health.remark.split("; ") if text and not text.startswith(NO_ZONE)]
    said = "; ".join([*kept, f"clock {zone}: memory grows with its work only if it is this"])
    return replace(health, first=first, last=last, clock=Clock(zone, "inferred"), remark=said)


def _dose(dose: Dose, bins: int) -> Dose:
    return replace(dose, bin=dose.bin - bins)


def _events(events: Iterable[Event], paths: frozenset[str], east: float) -> Iterable[Event]:
    return (replace(one, at=one.at - east) if one.place.source in paths else one for one in events)


def _tally(tally: Tally, paths: frozenset[str], bins: int, east: float) -> Tally:
    """A tally is of these logs where all its examples are."""
    if not tally.examples or any(place.source not in paths for _, place, _ in tally.examples):
        return tally
    return replace(
        tally, bin=tally.bin - bins, examples=tuple((at - east, place, text) for at, place, text in tally.examples)
    )
