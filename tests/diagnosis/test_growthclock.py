"""A log of tasks that states no zone: its clock is told by the growth that its tasks cause, or honestly not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from floodmark.diagnosis.audit import audit
from floodmark.diagnosis.growthclock import with_clocks_by_growth
from floodmark.diagnosis.incident import Incident
from floodmark.diagnosis.options import DEFAULT
from floodmark.diagnosis.pipeline import diagnose
from floodmark.evidence.nouns import Clock, ClockBasis, Event, Evidence, Place, SourceHealth, Tally
from floodmark.testing.evidence import EPOCH, Leak, World, build

EXPORT = "jobs.export_project_xml"
TASKS = ((EXPORT, 0.25, 9.0), ("jobs.refresh", 0.6, 2.0), ("jobs.mail", 1.2, 0.3), ("jobs.aggregate", 0.15, 4.0))
LEAKS = World(hours=48, workers=3, dose_kind="task", routes=TASKS, leaks=(Leak(EXPORT, 4.0, start=16.0),),
              hidden_boots=True)  # fmt: skip
LOG, OLDER = "worker/cluster.log", "worker/cluster.log.1"
REMARK = "no zone stated or found: taken as UTC; 2 lines cut"


def evidence(world: World, basis: ClockBasis = "assumed", east_hours: float = 0.0) -> Evidence:
    """What `world` leaves behind where its log is written on a clock `east_hours` east of UTC and read as UTC."""
    found = build(replace(world, skew_seconds=-3600.0 * east_hours)).evidence
    health = [
        SourceHealth(path, "django-q", "web", 900, 0, EPOCH, EPOCH + 3600, Clock("+00:00", basis), remark=REMARK)
        for path in (LOG, OLDER)
    ]
    doses = tuple(replace(one, place=Place(LOG, row)) for row, one in enumerate(found.doses))
    return replace(found, sources=tuple(health), doses=doses)


def culprits(incident: Incident) -> list[str]:
    return [one.name for one in incident.causes if one.role == "culprit"]


@pytest.mark.parametrize(("east", "zone"), [(-5.0, "-05:00"), (2.0, "+02:00"), (5.5, "+05:30"), (12.75, "+12:45")])
def test_the_clock_of_a_task_log_is_told_by_growth_and_its_task_is_named(east, zone) -> None:
    incident = diagnose(evidence(LEAKS, east_hours=east))
    assert culprits(incident) == [EXPORT]
    assert {(one.clock.zone, one.clock.basis) for one in incident.sources if one.clock} == {(zone, "inferred")}
    assert {one.remark for one in incident.sources} == {
        f"2 lines cut; clock {zone}: memory grows with its work only if it is this"
    }


@pytest.mark.parametrize("basis", ["stated", "given", "inferred"])
def test_a_clock_that_is_known_otherwise_is_never_moved_though_another_would_name_a_culprit(basis) -> None:
    found = evidence(LEAKS, basis, east_hours=-5.0)
    assert with_clocks_by_growth(found, audit(found), DEFAULT) is found
    assert culprits(diagnose(found)) == ["unknown"]


def test_a_log_that_was_read_right_stays_as_it_is() -> None:
    found = evidence(LEAKS)
    assert with_clocks_by_growth(found, audit(found), DEFAULT) is found
    assert culprits(diagnose(found)) == [EXPORT]


@pytest.mark.parametrize("seed", range(1, 7))
def test_growth_that_no_task_causes_tells_no_clock_accuses_nobody_and_asks_for_the_zone(seed) -> None:
    world = replace(LEAKS, seed=seed, leaks=(), background_mb_per_hour=60.0, background_start=16.0)
    found = evidence(world, east_hours=-5.0)
    assert with_clocks_by_growth(found, audit(found), DEFAULT) is found
    (cause,) = diagnose(found).causes
    assert cause.name == "unknown"
    assert [one.would_decide for one in cause.rivals if LOG in one.would_decide] == [
        f"Give the zone of its clock: --zone '{LOG}=Continent/City'."
    ]


def test_a_worker_that_does_not_grow_tells_no_clock() -> None:
    found = evidence(replace(LEAKS, leaks=()), east_hours=-5.0)
    assert with_clocks_by_growth(found, audit(found), DEFAULT) is found


def test_all_that_the_log_told_moves_with_it_and_nothing_else() -> None:
    found = evidence(LEAKS, east_hours=2.0)
    mine = Event(EPOCH + 7200.0, "reincarnated", "web", None, None, "", Place(OLDER, 3))
    other = Event(EPOCH + 7200.0, "deploy", "web", None, None, "", Place("events.json", 3))
    late, once = np.array([int(EPOCH // 60) + 120]), np.ones(1)
    examples = [((EPOCH + 7200.0, Place(path, 1), "x"),) for path in (LOG, "events.json")]
    failed = [Tally("task-failed", "web", EXPORT, late, once, example) for example in examples]
    found = replace(found, events=(mine, other), tallies=tuple(failed))
    moved = with_clocks_by_growth(found, audit(found), DEFAULT)
    assert [(one.at - EPOCH, one.kind) for one in moved.events] == [(0.0, "reincarnated"), (7200.0, "deploy")]
    assert {int(a.bin[0] - b.bin[0]) for a, b in zip(found.doses, moved.doses, strict=True)} == {120}
    assert [one.bin[0] * 60 - EPOCH for one in moved.tallies] == [0.0, 7200.0]
    assert [one.examples[0][0] - EPOCH for one in moved.tallies] == [0.0, 7200.0]
    assert {one.first for one in moved.sources} == {EPOCH - 7200.0}
