"""Can times be trusted? Every rule with a case that fires and a near miss that must not."""

from __future__ import annotations

import numpy as np

from floodmark.evidence.nouns import Place

FLAT = np.full(480, 4e8)


def test_a_gap_of_many_containers_is_told_once(series, audited) -> None:
    at = 1.7e9 + 60 * np.concatenate([np.arange(200), np.arange(260, 480)])
    pods = [series("rss", np.full(len(at), 4e8), metric="container_memory_rss", instance=name, at=at) for name in "abc"]
    audit = audited(*pods)
    assert audit.usable == tuple(pods)
    assert [one.problem for one in audit.problems] == ["gaps"]
    assert "61 min" in audit.problems[0].explanation
    assert "3 series" in audit.problems[0].explanation


def test_single_lost_samples_are_no_gap(series, problems) -> None:
    at = 1.7e9 + 60 * np.delete(np.arange(480), [10, 11, 12, 100, 300])
    assert problems(series("rss", np.full(len(at), 4e8), metric="rss", instance="a", at=at)) == {}


def test_a_gap_of_an_hour_in_a_source_without_a_zone_may_be_a_change_of_the_clock(series, problems) -> None:
    at = 1.7e9 + 60 * np.concatenate([np.arange(200), np.arange(260, 480)])
    gap = series("rss", np.full(len(at), 4e8), metric="rss", instance="a", at=at)
    assert "change of the clock" in problems(gap, zone=None)["gaps"]
    assert "change of the clock" not in problems(gap)["gaps"]


def test_an_hour_that_is_there_twice_is_a_clock_that_went_back(series, audited) -> None:
    hours = np.concatenate([np.arange(0, 180), np.arange(120, 480)])
    value = np.linspace(4e8, 5e8, len(hours))
    order = np.argsort(hours, kind="stable")
    audit = audited(series("rss", value[order], metric="rss", instance="a", at=1.7e9 + 60.0 * hours[order]))
    assert [one.problem for one in audit.problems] == ["clock-jump"]
    assert len(audit.usable) == 1
    assert len(audit.usable[0].at) == 480


def test_two_values_at_many_times_are_two_things_under_one_name(series, audited) -> None:
    at = np.repeat(1.7e9 + 60.0 * np.arange(200), 2)
    audit = audited(series("rss", np.tile([4e8, 9e8], 200), metric="rss", instance="a", at=at))
    assert [one.problem for one in audit.problems] == ["duplicate-samples"]
    assert audit.usable == ()
    assert len(audit.corroborating[0].at) == 200


def test_equal_values_at_one_time_are_dropped_without_a_word(series, audited) -> None:
    at = np.repeat(1.7e9 + 60.0 * np.arange(200), 2)
    audit = audited(series("rss", np.full(400, 4e8), metric="rss", instance="a", at=at))
    assert audit.problems == ()
    assert len(audit.usable[0].at) == 200


def test_a_column_with_one_value_in_24_rows_shows_no_growth(series, audited) -> None:
    full = series("usage", FLAT[:24], metric="Memory (MB)", service="web", instance="a")
    rare = series("usage", [7e9], metric="Memory (MB)", service="api", instance="b")
    audit = audited(full, rare)
    assert audit.usable == (full,)
    assert audit.corroborating == (rare,)
    assert (
        "api of b has at most 1 of 24 values"
        in {one.problem: one.explanation for one in audit.problems}["mostly-empty"]
    )


def test_a_pod_that_lived_for_an_hour_is_not_empty(series, audited) -> None:
    long = series("rss", FLAT, metric="container_memory_rss", instance="a", step=600)
    short = series("rss", FLAT[:7], metric="container_memory_rss", instance="b", step=600)
    assert set(audited(long, short).usable) == {long, short}


def test_a_process_with_two_samples_is_a_short_life_and_not_empty(series, audited) -> None:
    short = series("rss", FLAT[:2], metric="rss_bytes", process="9")
    assert audited(series("rss", FLAT, metric="rss_bytes", process="1"), short).problems == ()


def in_file(series, name: str, start: float, **more):
    return series("usage", FLAT[:24], metric="Memory", instance="a", step=900, start=start, place=Place(name), **more)


def test_two_windows_with_nothing_between_are_told_apart_from_the_whole(series, audited) -> None:
    audit = audited(in_file(series, "27", 1.7e9), in_file(series, "28", 1.7e9 + 108_000))
    explanation = {one.problem: one.explanation for one in audit.problems}["picked-windows"]
    assert "2 windows that cover 11.5 h of 35.75 h" in explanation
    assert len(audit.usable) == 1
    assert len(audit.usable[0].at) == 48


def test_windows_that_touch_are_one(series, audited) -> None:
    audit = audited(in_file(series, "27", 1.7e9), in_file(series, "28", 1.7e9 + 24 * 900))
    assert "picked-windows" not in {one.problem for one in audit.problems}
    assert "gaps" not in {one.problem for one in audit.problems}


def test_parts_of_one_series_are_joined_whatever_their_order_and_overlap(series, audited) -> None:
    parts = [in_file(series, "b", 1.7e9 + 20 * 900), in_file(series, "a", 1.7e9)]
    joined = audited(*parts).usable[0]
    assert list(np.diff(joined.at)) == [900.0] * 43


def test_two_processes_with_one_number_stay_apart_by_when_they_began(series, audited) -> None:
    first = series("rss", FLAT, metric="rss", process="7", started=1.7e9)
    second = series("rss", FLAT, metric="rss", process="7", started=1.8e9, start=1.8e9)
    assert audited(first, second).usable == (first, second)
