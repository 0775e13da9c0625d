"""What a series measures: names are claims, queries are stronger, cells with units are stronger still."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.metrics.meaning import (
    Meaning,
    factor,
    metric_in,
    of_metric,
    of_query,
    of_title,
    weighed,
    whole_pages,
)
from floodmark.evidence.nouns import MEMORY_MEASURES, OTHER_MEASURES

MIB = float(2**20)


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("container_memory_usage_bytes", "usage"),
        ("container_memory_working_set_bytes", "working_set"),
        ("container_memory_rss", "rss"),
        ("container_memory_cache", "unknown"),
        ("container_memory_max_usage_bytes", "unknown"),
        ("process_resident_memory_bytes", "rss"),
        ("process_virtual_memory_bytes", "unknown"),
        ("django_memory_usage_bytes", "rss"),
        ("django_python_heap_bytes", "heap"),
        ("go_memstats_heap_alloc_bytes", "heap"),
        ("jvm_memory_used_bytes", "heap"),
        ("namedprocess_namegroup_memory_bytes", "usage"),
        ("pss_bytes", "pss"),
        ("uss", "pss"),
        ("container_processes", "processes"),
        ("kube_pod_container_status_restarts_total", "restarts"),
        ("kube_pod_container_resource_limits", "limit"),
        ("container_spec_memory_limit_bytes", "limit"),
        ("node_memory_MemTotal_bytes", "limit"),
        ("node_memory_MemAvailable_bytes", "unknown"),
        ("container_start_time_seconds", "unknown"),
        ("django_memory_growth_events_total", "events"),
        ("container_oom_events_total", "events"),
        ("container_memory_failcnt", "events"),
        ("python_gc_collections_total", "events"),
        ("python_gc_objects_collected_total", "events"),
        ("django_python_objects_count", "objects"),
        ("http_requests_total", "requests"),
        ("http_request_duration_seconds_count", "requests"),
        ("http_request_duration_seconds_bucket", "unknown"),
        ("container_cpu_usage_seconds_total", "cpu"),
        ("process_open_fds", "unknown"),
        ("python_info", "unknown"),
    ],
)
def test_the_name_of_a_metric_says_what_it_measures(name: str, measure: str) -> None:
    assert of_metric(name).measure == measure


def test_limits_of_cpu_are_no_limits_of_memory() -> None:
    assert of_metric("kube_pod_container_resource_limits", {"resource": "cpu"}).measure == "unknown"
    assert of_metric("kube_pod_container_resource_limits", {"resource": "memory"}).measure == "limit"


def test_counts_since_the_start_are_told_from_counts_in_a_window() -> None:
    assert of_metric("kube_pod_container_status_restarts_total").labels() == {"kind": "counter"}
    assert of_title("Restarts per 30 mins").labels() == {"window": "1800"}


@pytest.mark.parametrize(
    ("title", "measure", "unit"),
    [
        ("Memory (MB)", "usage", "MB"),
        ("Memory Growth Rate (MB_h)", "rate", "MB/h"),
        ("Memory Leak Detection - Application Memory (MB)", "rss", "MB"),
        ("Memory Leak Events (1h)", "events", ""),
        ("memory-growth-rate-mb-per-hour", "rate", "MB/h"),
        ("memory-working-set-by-container", "working_set", ""),
        ("Restarts per 30 mins", "restarts", ""),
        ("Python Object Counts", "objects", ""),
        ("Garbage Collection Rate", "rate", ""),
        ("95% latency", "latency", ""),
        ("DB - latencies", "latency", ""),
        ("Request per second", "requests", ""),
        ("CPU", "cpu", ""),
        ("Network", "unknown", ""),
        ("rss_mb", "rss", "MB"),
        ("RSS [KiB]", "rss", "KiB"),
    ],
)
def test_the_title_of_a_panel_or_column_says_what_it_measures(title: str, measure: str, unit: str) -> None:
    meaning = of_title(title)
    assert (meaning.measure, meaning.unit) == (measure, unit)


@pytest.mark.parametrize(
    ("expr", "measure", "scale", "unit", "window"),
    [
        ('container_memory_usage_bytes{pod=~"rsr.*",container!="POD"} / 1024 / 1024', "usage", MIB, "MiB", None),
        ("rate(django_memory_usage_bytes[1h]) / 1024 / 1024", "rate", 1.0, "MiB/s", 3600.0),
        ("deriv(process_resident_memory_bytes[1h]) * 3600 / 1e6", "rate", 1.0, "MB/h", 3600.0),
        ("max by (container) (rate(django_memory_usage_bytes[5m]))", "rate", 1.0, "", 300.0),
        ('increase(django_memory_growth_events_total{threshold="10mb"}[1h])', "events", 1.0, "", 3600.0),
        ("sum(increase(kube_pod_container_status_restarts_total[30m])) by (pod)", "restarts", 1.0, "", 1800.0),
        ('sum by (container) (container_memory_rss{namespace="x"}) / 1e6', "rss", 1e6, "MB", None),
        ("topk(5, container_memory_working_set_bytes)/1024^2", "working_set", MIB, "MiB", None),
        (
            "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
            "latency",
            1.0,
            "",
            None,
        ),
        ("count(process_resident_memory_bytes)", "processes", 1.0, "", None),
        ("sum(rate(http_requests_total[5m])) by (view)", "requests", 1.0, "", 300.0),
    ],
)
def test_a_query_says_measure_scale_and_window(
    expr: str, measure: str, scale: float, unit: str, window: float | None
) -> None:
    meaning = of_query(expr)
    assert meaning is not None
    assert (meaning.measure, meaning.scale, meaning.unit, meaning.window) == (
        measure,
        pytest.approx(scale),
        unit,
        window,
    )


def test_the_metric_of_a_query_is_neither_function_nor_label_nor_text() -> None:
    assert metric_in('sum by (pod) (label_replace(node_x{a="rate(b)"}, "pod", "$1", "x", "(.*)"))') == "node_x"
    assert metric_in("1 + 2") is None
    assert of_query("vector(1)") is None


def test_the_arithmetic_of_a_query_is_its_factor() -> None:
    assert factor("x / 1024 / 1024") == 2.0**-20
    assert factor('x{a="/ 7"}[5m] * 3600 / (1024^2)') == pytest.approx(3600 / 2**20)


def test_sizes_of_whole_pages_tell_that_mb_are_mib() -> None:
    pages = np.array([360.85546875, 432.8671875, 449.07421875, 379.86328125])
    assert weighed(Meaning("rss", 1e6, "MB"), pages).unit == "MiB"
    assert weighed(Meaning("rss", 1e6, "MB"), pages * 1.048576).unit == "MB"
    assert weighed(Meaning("rss", 1e6, "MB"), np.array([461.0, 199.0, 365.0])).unit == "MB"


def test_a_cell_with_its_unit_wins_over_the_title() -> None:
    assert weighed(Meaning("rss", 1e6, "MB"), np.array([4e8]), "B") == Meaning("rss", 1.0, "B")


def test_sizes_without_any_unit_are_told_by_their_size() -> None:
    assert weighed(Meaning("rss"), np.array([461e6, 4e8])).unit == "B"
    assert weighed(Meaning("rss"), np.array([461.0, 400.0])) == Meaning("rss", 1e6, "MB")


@given(st.lists(st.integers(1, 2**24), min_size=20, max_size=60, unique=True))
def test_pages_in_mib_are_known_whatever_the_sizes(pages: list[int]) -> None:
    mib = np.array(pages, dtype=np.float64) / 256
    if np.mean(np.array(pages) % 32 != 0) > 0.2:
        assert whole_pages(mib, MIB)


@given(st.text(max_size=60))
def test_any_name_has_a_measure_that_exists(name: str) -> None:
    known = {*MEMORY_MEASURES, *OTHER_MEASURES}
    assert of_metric(name).measure in known
    assert of_title(name).measure in known
    asked = of_query(name)
    assert asked is None or asked.measure in known
