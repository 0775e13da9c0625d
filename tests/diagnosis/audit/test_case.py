"""What names claim, and how figures and times are written in a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.diagnosis.audit.case import (
    accuses,
    claims_growth,
    claims_memory,
    claims_per_hour,
    figure,
    hours,
    listed,
    megabytes,
    moment,
    view_of,
)


@pytest.mark.parametrize(
    ("metric", "expr", "memory", "growth", "hourly"),
    [
        ("Memory Growth Rate (MB_h)", "", True, True, True),
        ("memory-growth-rate-mb-per-hour", "", True, True, True),
        ("RSS slope [MiB/h]", "", True, True, True),
        ("Memory (MB)", "", True, False, False),
        ("Memory Leak Events (1h)", "", True, True, False),
        ("container_memory_rss", "", True, False, False),
        ("Growth", "deriv(process_resident_memory_bytes[1h])", True, True, False),
        ("Requests per hour", "", False, False, True),
        ("rsr-memcached hits", "", False, False, False),
        ("Revenue growth rate", "", False, False, False),
    ],
)
def test_names_claim_memory_growth_and_hours(
    series, metric: str, expr: str, memory: bool, growth: bool, hourly: bool
) -> None:
    one = series("rate", [1.0], metric=metric, expr=expr)
    assert (claims_memory(one), claims_growth(one), claims_per_hour(one)) == (memory, growth, hourly)


def test_a_leak_is_an_accusation_and_an_oom_kill_is_not(series) -> None:
    assert accuses(series("events", [1.0], metric="Memory Leak Events (1h)"))
    assert accuses(series("events", [1.0], metric="e", expr="increase(django_memory_growth_events_total[1h])"))
    assert not accuses(series("events", [1.0], metric="container_oom_events_total"))
    assert not accuses(series("events", [1.0], metric="oom", expr="increase(container_memory_failcnt[1h])"))


def test_the_view_is_found_under_each_of_its_names(series) -> None:
    assert view_of(series("rss", [1.0], labels={"view_name": "org-iati"})) == "org-iati"
    assert view_of(series("rss", [1.0], labels={"handler": "/x"})) == "/x"
    assert view_of(series("rss", [1.0], labels={"container": "web"})) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1299.4142, "1,299"),
        (109.1, "109.1"),
        (0.04893, "0.04893"),
        (7490735168.0, "7,491,000,000"),
        (0.0, "0"),
        (-24.37, "-24.37"),
    ],
)
def test_a_figure_has_four_digits_that_count(value: float, text: str) -> None:
    assert figure(value) == text


@given(st.floats(-1e15, 1e15))
def test_a_figure_reads_back_as_the_value_to_four_digits(value: float) -> None:
    assert float(figure(value).replace(",", "")) == pytest.approx(value, rel=6e-4, abs=1e-300)


def test_sizes_times_and_spans_read_like_a_sentence() -> None:
    assert megabytes(461_373_440) == "461.4 MB"
    assert moment(1_756_793_715) == "2025-09-02 06:15 UTC"
    assert [hours(seconds) for seconds in (2460, 27_000, 465_000)] == ["41 min", "7.5 h", "5.382 days"]
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(list("abcdefg")) == "a, b, c, d and 3 more"
