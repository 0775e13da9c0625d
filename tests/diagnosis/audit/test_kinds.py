"""Is a series a size, a rate, a count? Every rule with a case that fires and a near miss that must not."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from floodmark.diagnosis.audit.kinds import looks_counted
from floodmark.diagnosis.audit.rates import rated_gauge, reset_rate

GROWTH = "Memory Growth Rate (MB/h)"
RATE_OF_GAUGE = "rate(django_memory_usage_bytes[1h]) / 1024 / 1024"


def test_counts_of_growth_events_are_refused_and_their_peak_is_not_called_a_size(series, audited) -> None:
    counts = series("events", [109, 461.2, 1299.4, 365], metric="Memory Leak Events (1h)", labels={"threshold": "10mb"})
    audit = audited(counts)
    assert audit.refused == (counts,)
    assert audit.usable == audit.corroborating == ()
    assert audit.problems[0].problem == "event-count-read-as-rate"
    assert "1,299 MB/h" in audit.problems[0].explanation
    assert "more than 10mb" in audit.problems[0].explanation


def test_a_rate_in_mb_an_hour_that_holds_only_whole_numbers_is_a_count(series, problems) -> None:
    assert "event-count-read-as-rate" in problems(series("rate", [0, 9, 12, 47, 57, 9, 16], metric=GROWTH))


def test_a_slope_in_mb_an_hour_is_no_count(series, audited) -> None:
    slope = series("rate", [3.1, -2.4, 12.0, 7.5, -0.3, 4.4], metric=GROWTH)
    assert audited(slope).problems == ()


def test_counts_are_told_by_their_thresholds_where_extrapolation_gave_them_fractions(series, problems) -> None:
    low = series("rate", [27.2, 14.3, 19.2, 27.3, 8.1], metric=GROWTH, labels={"threshold": "10mb"})
    high = series("rate", [4.1, 2.2, 3.0, 4.4, 1.5], metric=GROWTH, labels={"threshold": "50mb"})
    assert "event-count-read-as-rate" in problems(low, high)


def test_two_thresholds_that_cross_are_no_nested_counts(series, problems) -> None:
    low = series("rate", [-27.2, 14.3, 19.2, 27.3, 8.1], metric=GROWTH, labels={"threshold": "10mb"})
    high = series("rate", [4.1, 22.2, 3.0, 4.4, 1.5], metric=GROWTH, labels={"threshold": "50mb"})
    assert "event-count-read-as-rate" not in problems(low, high)


def test_a_count_of_oom_kills_is_evidence_and_not_a_problem(series, audited) -> None:
    kills = series("events", [0, 1, 1, 2], metric="container_oom_events_total", labels={"kind": "counter"})
    audit = audited(kills)
    assert audit.corroborating == (kills,)
    assert audit.problems == ()


def test_the_rate_of_a_gauge_is_refused_by_its_query(series, audited) -> None:
    rate = series("rate", [3.8, 3.7, 4.1], metric="growth", expr=RATE_OF_GAUGE)
    audit = audited(rate)
    assert audit.refused == (rate,)
    assert {one.problem for one in audit.problems} == {"gauge-under-rate"}
    assert "django_memory_usage_bytes" in audit.problems[0].explanation


def test_the_rate_of_a_counter_of_bytes_is_left_alone(series, problems) -> None:
    assert problems(series("rate", [3.8, 3.7], metric="sent", expr="rate(http_response_bytes_total[5m])")) == {}


def test_a_query_names_the_gauge_under_rate_and_passes_counters() -> None:
    assert (
        rated_gauge('max by (pod) (irate(process_resident_memory_bytes{job="x"}[5m]))')
        == "process_resident_memory_bytes"
    )
    assert rated_gauge("increase(django_memory_growth_events_total[1h])") is None
    assert rated_gauge("deriv(process_resident_memory_bytes[1h])") is None


def test_a_growth_that_never_is_negative_while_the_memory_falls_is_no_slope(series, problems, mixture) -> None:
    rate = series("rate", np.full(20, 12.3), metric=GROWTH)
    explanation = problems(rate, series("rss", mixture, metric="Application Memory"))["gauge-under-rate"]
    assert "never is negative" in explanation


def test_a_growth_that_is_negative_when_the_memory_falls_may_be_a_slope(series, problems, mixture) -> None:
    rate = series("rate", [*np.full(19, 12.3), -4.0], metric=GROWTH)
    assert "gauge-under-rate" not in problems(rate, series("rss", mixture, metric="Application Memory"))


def test_a_growth_beside_memory_that_only_rises_may_be_a_slope(series, problems) -> None:
    rate = series("rate", np.full(20, 12.3), metric=GROWTH)
    rising = series("rss", 4e8 + 2e5 * np.arange(480), metric="rss_bytes", process="7")
    assert problems(rate, rising) == {}


def test_the_sizes_in_the_evidence_are_rated_the_same_way_as_a_check(series, problems, mixture) -> None:
    size = series("rss", mixture, metric="django_memory_usage_bytes")
    rate = series("rate", np.full(20, reset_rate(size) / 1e6), metric=GROWTH, expr=RATE_OF_GAUGE)
    assert "a line through them" in problems(size, rate)["gauge-under-rate"]


def test_constant_workers_give_a_high_rate_of_their_mixture_and_one_worker_gives_none(series, mixture) -> None:
    assert reset_rate(series("rss", mixture)) * 3600 > 5e9
    assert reset_rate(series("rss", np.full(480, 430e6))) == 0.0


def test_a_rate_per_second_called_per_hour_is_a_wrong_unit(series, problems) -> None:
    assert (
        "query gives units per second"
        in problems(series("rate", [3.8], metric=GROWTH, expr=RATE_OF_GAUGE))["wrong-time-unit"]
    )


def test_a_derivative_times_3600_is_per_hour(series, problems) -> None:
    expr = "deriv(process_resident_memory_bytes[1h]) * 3600 / 1e6"
    assert problems(series("rate", [3.8, -1.0], metric=GROWTH, expr=expr)) == {}


def test_without_a_query_falls_of_the_memory_show_that_the_unit_is_the_second(series, problems, mixture) -> None:
    rate = series("rate", np.full(20, 12.3), metric=GROWTH)
    sampled = series("rss", mixture[::15], metric="Application Memory", step=900)
    assert "falls of the memory" in problems(rate, sampled)["wrong-time-unit"]


def test_more_collections_than_a_process_can_do_are_refused(series, problems) -> None:
    assert "63,390" in problems(series("rate", [597, 63390], metric="Garbage Collection Rate"))["self-counting-counter"]


def test_an_ordinary_rate_of_collections_is_left_alone(series, problems) -> None:
    assert problems(series("rate", [11.2, 8.4], metric="Garbage Collection Rate")) == {}


def test_a_counter_that_ever_speeds_up_counts_itself(series, problems) -> None:
    quadratic = series("events", np.arange(60.0) ** 2, metric="python_gc_collections_total", labels={"kind": "counter"})
    assert "self-counting-counter" in problems(quadratic)


def test_a_counter_at_steady_speed_with_a_restart_does_not_count_itself(series, problems) -> None:
    steady = np.concatenate([np.arange(60.0) * 3, np.arange(60.0) * 3])
    assert problems(series("events", steady, metric="python_gc_collections_total", labels={"kind": "counter"})) == {}


def test_restarts_with_fractions_stay_evidence_and_are_counted_an_hour(series, audited) -> None:
    restarts = series(
        "restarts", [2.069, 6.207, 5.172, 7.241], metric="Restarts per 30 mins", labels={"window": "1800"}
    )
    audit = audited(restarts)
    assert audit.corroborating == (restarts,)
    assert [one.problem for one in audit.problems] == ["extrapolated-counts"]
    assert "7.24" in audit.problems[0].explanation
    assert "On average 10 an hour" in audit.problems[0].explanation


def test_whole_restarts_are_no_problem(series, problems) -> None:
    assert problems(series("restarts", [2, 6, 5, 7], metric="Restarts per 30 mins")) == {}


def test_latencies_piled_up_at_one_value_are_censored(series, problems) -> None:
    assert (
        "8 of 10 values" in problems(series("latency", [10] * 8 + [9.6, 4.9], metric="95% latency"))["censored-values"]
    )


def test_latencies_with_one_largest_value_are_not_censored(series, problems) -> None:
    assert problems(series("latency", np.linspace(0.1, 10, 20), metric="95% latency")) == {}


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=50))
def test_counts_are_told_from_sizes_whatever_they_are(counts: list[int]) -> None:
    values = np.array(counts, dtype=np.float64)
    assert looks_counted(values) == (len({one for one in counts if one > 0}) >= 4)
    assert not looks_counted(values + 0.25)
    assert not looks_counted(-values - 1)
