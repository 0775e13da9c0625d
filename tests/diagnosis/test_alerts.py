"""Rules as data, and when they fire: thresholds, for-durations, hysteresis, gaps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given as with_any
from hypothesis import strategies as st

from floodmark.diagnosis.alerts import fire
from floodmark.diagnosis.rules import RULE_NAMES, RULES, Rule, Signal, episodes, with_thresholds
from floodmark.diagnosis.signals import (
    connections_opened,
    iati_request_seconds,
    is_iati,
    log_volumes,
    processes,
    restarts,
)
from floodmark.evidence.nouns import Dose, Event, Evidence, Place, Series, Tally, Volume

START = 1_756_260_000.0
FIRST = int(START // 60)
RULE = Rule("test", "connections-opened", "the figure above {}", 50, "per minute", "warning", 40, "", for_seconds=120)


def signal(values: list[float], step: float = 60.0, **more: object) -> Signal:
    return Signal(
        RULE.signal,
        "proxy",
        START + step * np.arange(len(values)),
        np.array(values, np.float64),
        step,
        **more,  # type: ignore[arg-type]
    )


def spans(values: list[float], rule: Rule = RULE) -> list[tuple[float, float, bool]]:
    return [((one.start - START) / 60, (one.end - START) / 60, one.open) for one in episodes(rule, signal(values))]


def test_the_thresholds_are_those_that_operators_know() -> None:
    table = {rule.name: (rule.threshold, rule.unit) for rule in RULES}
    assert table["growth-warning"] == (50, "MB/h")
    assert table["growth-critical"] == (200, "MB/h")
    assert table["growth-emergency"] == (500, "MB/h")
    assert table["iati-growth"] == (100, "MB/h")
    assert table["iati-request-duration"] == (30, "s")
    assert table["log-volume"] == (15, "MB")
    assert table["connections"] == (50, "per minute")
    assert len(set(RULE_NAMES)) == len(RULES)
    assert all(rule.clear_at_or_below <= rule.threshold for rule in RULES)


def test_a_rule_fires_from_the_first_value_above_to_the_first_that_clears() -> None:
    assert spans([10, 60, 70, 80, 30, 20]) == [(1, 4, False)]


def test_a_value_between_clearing_and_threshold_keeps_it_firing_and_starts_nothing() -> None:
    assert spans([45, 45, 60, 60, 45, 45, 40, 45]) == [(2, 6, False)]


def test_a_peak_shorter_than_the_duration_does_not_fire() -> None:
    assert spans([10, 60, 30, 60, 30]) == []
    assert spans([10, 60, 60, 30]) == [(1, 3, False)]


def test_what_still_fires_at_the_end_is_open_unless_the_window_went_on_without_it() -> None:
    assert spans([10, 60, 60]) == [(1, 3, True)]
    (gone,) = episodes(RULE, signal([10, 60, 60]), until=START + 7200)
    assert not gone.open


def test_growth_that_goes_on_is_open_although_its_last_stretch_began_hours_ago() -> None:
    rule = next(rule for rule in RULES if rule.name == "growth-critical")
    at, value = START + 900.0 * np.arange(13), np.full(13, 300.0)
    goes_on = Signal("growth", "web", at, value, 900.0, ends=START + 6 * 3600.0)
    (alert,) = fire([goes_on], (rule,), until=START + 6 * 3600.0)
    assert alert.end is None
    assert "6 h in all" in alert.text
    (over,) = fire([goes_on], (rule,), until=START + 9 * 3600.0)
    assert over.end is not None
    assert over.end.seconds == START + 6 * 3600.0


def test_a_gap_ends_an_episode_where_the_values_ended() -> None:
    at = START + 60.0 * np.array([0, 1, 2, 60, 61, 62])
    broken = Signal(RULE.signal, "proxy", at, np.full(6, 60.0), 60.0)
    assert [(one.start - START, one.end - START) for one in episodes(RULE, broken)] == [(0, 180), (3600, 3780)]


def test_growth_is_compared_by_its_lower_bound() -> None:
    rule = next(rule for rule in RULES if rule.name == "growth-critical")
    at = START + 900.0 * np.arange(3)
    value, high = np.array([300.0, 320.0, 310.0]), np.array([400.0, 420.0, 410.0])
    unsure = Signal("growth", "web", at, value, 900.0, low=np.array([150.0, 180.0, 199.0]), high=high)
    assert list(episodes(rule, unsure)) == []
    sure = Signal("growth", "web", at, value, 900.0, low=np.array([150.0, 240.0, 210.0]), high=high)
    (alert,) = fire([sure], (rule,))
    assert (alert.value, alert.low, alert.high, alert.threshold) == (320.0, 240.0, 420.0, 200)
    assert alert.end is None


def test_episodes_that_follow_closely_are_one_alert_that_says_how_often() -> None:
    (alert,) = fire([signal([10, 60, 60, 10, 10, 60, 90, 10])], (RULE,))
    assert (alert.count, alert.value, alert.severity, alert.service) == (2, 90, "warning", "proxy")
    assert alert.text.startswith(
        "The figure above 50, 2 times, 4 min in all; at its worst 90 per minute at 27 Aug 02:06 UTC."
    )


def test_very_many_alerts_of_one_rule_stay_a_bounded_list() -> None:
    values = ([60.0, 60.0] + [10.0] * 400) * 60
    ones = fire([signal(values)], (RULE,))
    assert len(ones) == 20
    assert sum(one.count for one in ones) == 60


def test_a_threshold_is_replaced_with_its_clearing_level() -> None:
    changed = {rule.name: rule for rule in with_thresholds({"connections": 100})}
    assert (changed["connections"].threshold, changed["connections"].clear_at_or_below) == (100, 80)
    assert changed["log-volume"] == next(rule for rule in RULES if rule.name == "log-volume")


@with_any(st.lists(st.floats(0, 100), max_size=60))
def test_episodes_are_apart_in_order_and_hold_a_value_above_the_threshold(values: list[float]) -> None:
    ones = list(episodes(RULE, signal(values)))
    assert all(one.start < one.end for one in ones)
    assert all(a.end <= b.start for a, b in pairwise(ones))
    assert all(values[one.worst] > RULE.threshold for one in ones)


# ---------------------------------------------------------------- signals


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("/organisation/{id}/iati/", True), ("/organisation/{id}/iati.xml", True), ("/project/{id}/iati", True),
        ("/organisation/{id}/iati-org/.xml", True), ("/rest/v1/iati_export/", False), ("/satiation/", False),
    ],
)  # fmt: skip
def test_iati_routes_are_those_with_iati_as_a_part_of_their_path(route: str, expected: bool) -> None:
    assert is_iati(route) is expected


def evidence(**parts: object) -> Evidence:
    return Evidence(window=(START, START + 86_400), bin_seconds=60.0, **parts)  # type: ignore[arg-type]


def test_connections_are_counted_a_minute_with_the_quiet_minutes() -> None:
    opened = Tally("connection-open", "proxy", "db", np.array([FIRST, FIRST + 3]), np.array([55.0, 2.0]))
    (one,) = connections_opened(evidence(tallies=(opened,)))
    assert one.value.tolist() == [55, 0, 0, 2]
    half = Evidence(None, 30.0, tallies=(opened,))
    assert next(connections_opened(half)).value.tolist() == [110, 0, 0, 4]


def test_the_longest_iati_request_is_known_from_durations_and_from_what_the_log_counts_as_slow() -> None:
    bins = np.array([FIRST, FIRST + 1, FIRST + 2])
    place = Place("access.log", 3)
    mixed = Dose("web", "endpoint", "/project/{id}/iati/", place, bins, np.array([1.0, 1.0, 10.0]),
                 np.array([4.0, 41.2, 60.0]), np.zeros(3), np.zeros(3))  # fmt: skip
    slow = Tally("request-over-30s", "web", "/project/{id}/iati/", np.array([FIRST + 2]), np.array([1.0]))
    other = Dose("web", "endpoint", "/slow/", place, bins, np.ones(3), np.full(3, 90.0), np.zeros(3), np.zeros(3))
    given = evidence(doses=(mixed, other), tallies=(slow,))
    (one,) = iati_request_seconds(given)
    assert one.value.round(6).tolist() == [4, 41.2, 30]
    (alert,) = fire([one])
    assert (alert.rule, alert.value, alert.unit) == ("iati-request-duration", 41.2, "s")
    assert alert.source == "access.log"


def test_log_volume_is_in_mb_an_hour() -> None:
    hours = np.array([int(START // 3600), int(START // 3600) + 1])
    (one,) = log_volumes(evidence(volumes=(Volume("nginx", None, hours, np.array([16e6, 5e6]), np.ones(2)),)))
    assert one.value.tolist() == [16, 5]
    assert [alert.rule for alert in fire([one])] == ["log-volume"]


def test_restarts_are_counted_over_the_hour_before() -> None:
    events = tuple(
        Event(START + 600 * k, "restart", "web", None, None, "restarted", Place("events.txt", k)) for k in range(9)
    )
    (one,) = restarts(evidence(events=events))
    assert one.value.max() == 6
    (alert,) = fire([one], until=START + 86_400)
    assert (alert.rule, alert.value, alert.severity) == ("restart-loop", 6, "critical")
    assert alert.end is not None


def series(process: str | None, minutes: range, measure: str = "rss", value: float = 1e8) -> Series:
    at = START + 60.0 * np.array(minutes)
    return Series("web", "pod", process, measure, "m", Place("ps.csv", 1), at, np.full(len(at), value))


def test_processes_are_those_of_one_instant_and_not_all_there_ever_were() -> None:
    lives = [series(str(pid), range(10 * pid, 10 * pid + 10)) for pid in range(60)]
    (one,) = processes(lives)
    assert one.value.max() == 1
    assert fire([one]) == ()


def test_a_process_sampled_under_two_measures_is_one_process() -> None:
    (one,) = processes([series("7", range(9)), series("7", range(9), "pss"), series("8", range(9))])
    assert set(one.value.tolist()) == {2}


def test_processes_as_reported_are_taken_where_none_was_sampled() -> None:
    (one,) = processes([series(None, range(9), "processes", 61)])
    (alert,) = fire([one])
    assert (alert.rule, alert.value) == ("processes", 61)
