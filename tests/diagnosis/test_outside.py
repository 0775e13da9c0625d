"""A container that grows while the processes sampled in it do not: named, never a leak, never passed over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from floodmark.diagnosis.incident import Incident
from floodmark.diagnosis.pipeline import diagnose
from floodmark.evidence.nouns import Evidence
from floodmark.testing.evidence import World, build

BIG = "/organisation/{id}/iati/"
CALM = World(hours=48)
FLOODED = replace(CALM, high_water=(BIG, 200.0, 16.0))


def sampled(world: World, **changes: object) -> Evidence:
    """The container of `world`, with processes that know nothing of what happened to it."""
    container = [one for one in build(replace(world, **changes)).evidence.series if one.process is None]
    calm = build(CALM).evidence
    processes = [one for one in calm.series if one.process is not None]
    return replace(calm, series=(*processes, *container))


def without(evidence: Evidence, measure: str) -> Evidence:
    return replace(evidence, series=tuple(one for one in evidence.series if one.measure != measure))


@pytest.fixture(scope="module")
def high_water() -> Incident:
    return diagnose(sampled(FLOODED))


def test_high_water_that_only_the_container_shows_is_fragmentation_with_its_cause(high_water: Incident) -> None:
    (web,) = high_water.services
    assert (web.pattern, web.verdict) == ("fragmentation", "no-leak")
    assert "none of its sampled processes" in web.reason
    assert [(one.kind, one.role) for one in high_water.causes] == [("fragmentation", "culprit")]


def test_its_growth_measure_and_sources_are_those_of_the_container(high_water: Incident) -> None:
    (web,) = high_water.services
    assert web.growth is not None
    assert web.growth.mb_per_hour is not None
    assert web.growth.mb_per_hour > 5.0
    assert web.measure == "rss"


def test_without_a_heap_nobody_knows_and_it_is_said_where_to_look() -> None:
    world = World(hours=48, heap=False, background_mb_per_hour=40.0, background_start=16.0)
    (web,) = diagnose(without(sampled(world), "heap")).services
    assert (web.pattern, web.verdict) == ("unknown", "unknown")
    assert "not sampled" in web.reason


def test_what_grows_outside_with_the_clock_is_unknown_though_heap_and_processes_are_flat() -> None:
    (web,) = diagnose(sampled(World(hours=48, heap_follows=0.0, background_mb_per_hour=40.0))).services
    assert web.verdict == "unknown"
    assert "Growing, unconfirmed" in web.reason


def test_a_leak_that_the_processes_show_is_still_theirs() -> None:
    world = World(hours=48, background_mb_per_hour=60.0, background_start=16.0)
    (web,) = diagnose(build(world).evidence).services
    assert web.verdict == "leak"


def test_a_container_that_is_as_flat_as_its_processes_is_steady() -> None:
    (web,) = diagnose(build(CALM).evidence).services
    assert (web.pattern, web.verdict) == ("steady", "no-leak")


def test_native_memory_that_leaks_by_the_clock_for_two_days_is_no_fragmentation() -> None:
    """It was: the heap is flat and no route explains it. But fragmentation bends, and this is a line."""
    world = World(hours=48, heap_follows=0.0, background_mb_per_hour=40.0, background_start=10.0)
    (web,) = diagnose(build(world).evidence).services
    assert web.verdict == "leak"
