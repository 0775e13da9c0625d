"""Restarts that only a series tells of."""

from __future__ import annotations

import numpy as np
import pytest

from floodmark.diagnosis.restarts import MAX_RESTARTS, with_told_restarts
from floodmark.evidence.nouns import Event, Evidence, Place, Series

START = 1_756_260_000.0
PANEL = Place("Restarts per 30 mins.csv", 3)


def series(
    values: list[float], step: float = 1800.0, service: str = "rsr", measure: str = "restarts", **more: object
) -> Series:
    labels = more.pop("labels", {})
    at = START + step * np.arange(len(values))
    return Series(service, "pod-a", None, measure, "Restarts", PANEL, at, np.array(values), labels=labels, **more)  # type: ignore[arg-type]


def told(*parts: Series, events: tuple[Event, ...] = ()) -> list[Event]:
    whole = with_told_restarts(Evidence((START, START + 9e4), 60.0, series=parts, events=events))
    return [one for one in whole.events if one not in events]


def test_a_count_for_each_half_hour_becomes_that_many_restarts_within_it() -> None:
    found = told(series([4.0051, 7.2413, 0.0, 3.1034], labels={"window": "1800"}))
    assert len(found) == 14
    assert {one.kind for one in found} == {"restart"}
    assert all(START - 1800 < one.at < START + 3 * 1800 for one in found)
    assert sum(one.at > START for one in found) == 10
    assert found[0].text == "Restarts: 4 restarts"
    assert found[0].place == PANEL


def test_windows_that_overlap_do_not_tell_of_a_restart_twice() -> None:
    quarter_hourly = series([2.0] * 8, step=900.0, expr="increase(restarts_total[30m])")
    assert len(told(quarter_hourly)) == 8


def test_a_counter_tells_of_its_steps() -> None:
    found = told(series([5.0, 5.0, 7.0, 7.0, 8.0]))
    assert [round((one.at - START) / 1800, 2) for one in found] == [1.25, 1.75, 3.5]


def test_a_pod_that_never_restarted_has_no_event() -> None:
    assert told(series([0.0, 0.0], labels={"window": "1800"})) == []
    assert told(series([9.0, 9.0, 9.0])) == []


def test_restarts_that_events_tell_of_are_not_told_again() -> None:
    known = Event(START, "restart", "rsr", "pod-a", None, "Restarted", Place("events.txt", 1))
    assert told(series([4.0], labels={"window": "1800"}), events=(known,)) == []


@pytest.mark.parametrize(("copies", "service"), [(610, "rsr-backend"), (1, "rsr")])
def test_restarts_of_a_pod_are_those_of_its_one_container_with_several_lives(copies: int, service: str) -> None:
    backend = series([1e8], service="rsr-backend", measure="usage", copies=copies)
    other = series([1e8], service="worker", measure="usage")
    found = told(series([4.0], labels={"window": "1800"}), backend, other)
    assert {one.service for one in found} == {service}


def test_a_counter_gone_wrong_is_bounded() -> None:
    assert len(told(series([0.0, 1e9]))) == MAX_RESTARTS
