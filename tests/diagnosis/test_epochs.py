"""Where one life ends and the next begins: restarts, rollouts, numbers given away again, falls without a word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from floodmark.diagnosis.epochs import Life, lives
from floodmark.diagnosis.options import DEFAULT
from floodmark.diagnosis.pipeline import diagnose
from floodmark.evidence.nouns import Event, Place, Series
from floodmark.testing.shapes import evidence_of

HOUR = 3600.0


def series(instance: str | None, process: str | None, begin: float, mb: list[float] | np.ndarray) -> Series:
    """A minute apart from hour `begin` on."""
    value = np.asarray(mb, dtype=float) * 1e6
    at = begin * HOUR + 60.0 * np.arange(len(value))
    return Series("web", instance, process, "rss", "rss", Place("rss.json"), at, value)


def start(hour: float, instance: str | None = None) -> Event:
    return Event(hour * HOUR, "start", "web", instance, None, "Started container", Place("events.txt", 1))


def spans(found: tuple[Life, ...]) -> list[tuple[float, float]]:
    return [(round(life.at[0] / HOUR, 1), round(life.at[-1] / HOUR, 1)) for life in found]


def test_a_container_that_starts_anew_under_its_name_is_two_lives_and_the_second_was_born() -> None:
    whole = series("pod", None, 0.0, [*[900.0] * 600, *[300.0] * 600])
    found = lives([whole], [start(10.0)], DEFAULT)
    assert spans(found) == [(0.0, 10.0), (10.0, 20.0)]
    assert found[0].born is None
    assert found[1].born is not None


def test_a_fall_of_more_than_half_that_holds_is_a_new_life_though_nobody_told() -> None:
    assert len(lives([series("pod", None, 0.0, [*[900.0] * 300, *[300.0] * 300])], [], DEFAULT)) == 2


def test_a_peak_that_passes_is_no_new_life() -> None:
    assert len(lives([series("pod", None, 0.0, [*[300.0] * 300, *[900.0] * 2, *[300.0] * 300])], [], DEFAULT)) == 1


def test_a_rollout_over_two_replicas_that_does_not_say_which_cuts_neither_of_those_that_go_on() -> None:
    """The start of the second pod was once taken for one of the first: 450 MB of warm-up were then called a leak."""
    old = [series("a1", None, 0.0, [900.0] * 600), series("b1", None, 0.0, [910.0] * 602)]
    new = [
        series("a2", None, 10.0, np.linspace(680.0, 900.0, 600)),
        series("b2", None, 10.05, np.linspace(670.0, 900.0, 600)),
    ]
    found = lives([*old, *new], [start(10.0), start(10.05)], DEFAULT)
    assert len(found) == 4
    assert [life.instance for life in found if life.born is not None] == ["a2", "b2"]


def test_a_start_that_no_new_container_explains_is_of_the_one_that_is_there() -> None:
    found = lives([series("pod", None, 0.0, [*[900.0] * 600, *[600.0] * 600])], [start(10.0)], DEFAULT)
    assert len(found) == 2


def test_a_container_that_only_changed_its_name_is_not_warming_up() -> None:
    found = lives([series("a", None, 0.0, [900.0] * 600), series("b", None, 10.0, [900.0] * 600)], [], DEFAULT)
    assert [life.born for life in found] == [None, None]


def test_a_number_that_is_given_away_again_by_a_new_container_is_another_process() -> None:
    first, again = series(None, "47", 0.0, [156.0] * 600), series(None, "47", 20.0, [126.0] * 600)
    worker = Series(
        "web", None, "47", "rss", "rss", Place("uwsgi.log"),
        np.concatenate([first.at, again.at]), np.concatenate([first.value, again.value]),
    )  # fmt: skip
    assert len(lives([worker], [start(19.9, "pod-3")], DEFAULT)) == 2
    assert len(lives([worker], [], DEFAULT)) == 1


def test_a_process_goes_on_over_a_start_at_which_it_lost_nothing() -> None:
    """It may have been the other container of the pod that began."""
    assert len(lives([series("pod", "12", 0.0, [150.0] * 600)], [start(5.0)], DEFAULT)) == 1


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_lives_are_kept_than_the_bound_the_longest_first(most: int) -> None:
    many = [series("pod", str(pid), pid, [100.0] * (60 + pid)) for pid in range(6)]
    found = lives(many, [], replace(DEFAULT, max_lives=most))
    assert [life.process for life in found] == [str(pid) for pid in range(6 - most, 6)]


# ---------------------------------------------------------------- jobs that come and go


def with_jobs(minutes: int, factor: float, ramp: bool = False, hours: int = 24):
    """A container of 300 MB that holds `factor` times as much for some minutes every four hours."""
    mb = 300.0 + np.random.default_rng(1).normal(0.0, 2.0, hours * 60)
    shape = np.linspace(1.0, factor, minutes) if ramp else np.full(minutes, factor)
    for begin in range(130, hours * 60 - 2 * minutes, 240):
        mb[begin : begin + minutes] *= shape
    return mb


@pytest.mark.parametrize("factor", [2.2, 3.0, 5.0])
@pytest.mark.parametrize("minutes", [4, 10, 40, 90])
def test_a_job_that_doubles_a_container_for_minutes_is_no_restart_and_no_leak(minutes, factor) -> None:
    """It was told as a restart each time, and what the job took as growth: a leak of 142 MB/h."""
    mb = with_jobs(minutes, factor)
    assert len(lives([series("pod", None, 0.0, mb)], (), DEFAULT)) == 1
    (web,) = diagnose(evidence_of(np.arange(len(mb)) / 60.0, mb)).services
    assert web.verdict == "no-leak"
    assert web.restarts == 0


def test_a_job_that_fills_up_within_half_an_hour_and_is_over_is_no_restart() -> None:
    assert len(lives([series("pod", None, 0.0, with_jobs(20, 3.0, ramp=True))], (), DEFAULT)) == 1


@pytest.mark.parametrize(("minutes", "every_hours"), [(60, 6), (120, 6), (180, 24)])
def test_jobs_that_fill_up_for_hours_again_and_again_between_quiet_times_are_no_restarts(minutes, every_hours) -> None:
    mb = 400.0 + np.random.default_rng(3).normal(0.0, 2.0, 48 * 60)
    for begin in range(30, 48 * 60 - minutes, every_hours * 60):
        mb[begin : begin + minutes] += np.linspace(0.0, 900.0, minutes)
    (web,) = diagnose(evidence_of(np.arange(len(mb)) / 60.0, mb)).services
    assert web.verdict == "no-leak"


def test_one_slow_rise_that_fell_may_have_been_a_leak_and_a_restart() -> None:
    mb = np.full(48 * 60, 400.0)
    mb[1200:1560] += np.linspace(0.0, 900.0, 360)
    assert len(lives([series("pod", None, 0.0, mb)], (), DEFAULT)) == 2


@pytest.mark.parametrize("life_hours", [1, 3, 6])
def test_a_leak_that_is_killed_again_and_again_without_a_word_is_still_as_many_lives(life_hours) -> None:
    life = np.linspace(300.0, 1000.0, life_hours * 60)
    mb = np.tile(life, 24 // life_hours) + np.random.default_rng(2).normal(0.0, 2.0, 24 * 60)
    assert len(lives([series("pod", None, 0.0, mb)], (), DEFAULT)) == 24 // life_hours


def test_a_leak_that_begins_late_is_killed_and_goes_on_has_a_restart() -> None:
    leak = np.linspace(300.0, 1000.0, 4 * 60)
    mb = np.concatenate([np.full(600, 300.0), leak, leak])
    assert len(lives([series("pod", None, 0.0, mb)], (), DEFAULT)) == 2


def test_a_container_that_dies_every_few_minutes_after_its_start_is_a_loop_of_lives() -> None:
    life = np.concatenate([np.full(6, 120.0), np.full(12, 500.0)])
    assert len(lives([series("pod", None, 0.0, np.tile(life, 60))], (), DEFAULT)) == 60
