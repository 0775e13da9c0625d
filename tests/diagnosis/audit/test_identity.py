"""Does a series stand for one thing? Every rule with a case that fires and a near miss that must not."""

from __future__ import annotations

import numpy as np
import pytest

from floodmark.diagnosis.audit.identity import processes_at_once, returns
from floodmark.evidence.nouns import Limit, Place


def drifting(start: float, noise: float = 1e-3, size: int = 480) -> np.ndarray:
    """A size as a container has it: a slow walk with a little noise, in bytes."""
    random = np.random.default_rng(3)
    return start * (1 + 0.01 * np.cumsum(random.normal(0, 0.02, size)) + random.normal(0, noise, size))


def test_jumps_that_land_on_earlier_values_are_a_mixture_of_processes(series, audited, mixture) -> None:
    gauge = series("rss", mixture, metric="process_resident_memory_bytes")
    audit = audited(gauge)
    assert audit.refused == (gauge,)
    assert [one.problem for one in audit.problems] == ["process-mixture"]


@pytest.mark.parametrize("noise", [1e-4, 1e-3, 1e-2, 5e-2])
def test_a_noisy_container_is_no_mixture(series, audited, noise: float) -> None:
    sound = series("rss", np.round(drifting(9e8, noise) / 4096) * 4096, metric="container_memory_rss", instance="pod-1")
    audit = audited(sound)
    assert audit.usable == (sound,)
    assert audit.problems == ()


@pytest.mark.parametrize("digits", [0, 1, 2])
def test_a_size_rounded_to_a_tenth_of_a_mib_is_no_mixture(digits: int) -> None:
    assert returns(np.round(drifting(64.3, 1e-2), digits)) < 0.25


def test_a_sawtooth_of_one_process_is_no_mixture(series, audited) -> None:
    sawtooth = series("rss", np.tile(np.linspace(3e8, 4e8, 40), 12), metric="rss", process="12")
    assert audited(sawtooth).usable == (sawtooth,)


def test_the_same_jumps_with_a_pid_are_one_process(series, audited, mixture) -> None:
    one = series("rss", mixture, metric="rss", process="12")
    assert audited(one).usable == (one,)


def test_a_size_far_below_its_container_is_one_process_of_several(series, problems) -> None:
    gauge = series("rss", drifting(1.3e8), metric="process_resident_memory_bytes")
    container = series("rss", drifting(1.3e9), metric="container_memory_rss", instance="pod-1")
    assert "10 times the size" in problems(gauge, container)["process-mixture"]


def test_a_size_like_its_container_is_its_only_process(series, audited) -> None:
    gauge = series("rss", drifting(1.2e9), metric="process_resident_memory_bytes")
    container = series("rss", drifting(1.3e9), metric="container_memory_rss", instance="pod-1")
    audit = audited(gauge, container)
    assert container in audit.usable
    assert audit.problems == ()


def test_a_size_by_view_is_refused_unless_the_process_is_known_to_be_alone(series, audited) -> None:
    by_view = series("rss", drifting(1.3e8), metric="django_memory_usage_bytes", labels={"view": "org-iati"})
    alone = Limit("web", "workers", 1.0, Place("describe-pod.txt", 12))
    assert audited(by_view).refused == (by_view,)
    assert audited(by_view, limits=(alone,)).usable == (by_view,)


def test_a_mixed_heap_may_still_corroborate(series, audited, mixture) -> None:
    heap = series("heap", mixture, metric="django_python_heap_bytes")
    audit = audited(heap)
    assert audit.corroborating == (heap,)
    assert [one.problem for one in audit.problems] == ["process-mixture"]


def test_equal_columns_are_one_series_and_no_processes(series, audited) -> None:
    one = series(
        "usage", [7489735168.0] * 3, metric="Memory (MB)", copies=610, labels={"legend": "rsr-7d - rsr-backend"}
    )
    audit = audited(one)
    assert audit.usable == (one,)
    explanation = audit.problems[0].explanation
    assert audit.problems[0].problem == "columns-are-copies"
    assert "610 columns" in explanation
    assert "not 610 processes" in explanation
    assert "4,569,000 MB never existed" in explanation


def test_equal_columns_without_a_value_count_no_processes_either(series, audited) -> None:
    audit = audited(series("usage", [], metric="Memory (MB)", copies=610))
    assert "all empty" in audit.problems[0].explanation
    assert audit.usable == audit.corroborating == audit.refused == ()


def test_a_mirrored_pair_of_network_columns_is_not_worth_a_word(series, problems) -> None:
    assert problems(series("unknown", [-4.0, -5.0], metric="Network", copies=2)) == {}


def test_processes_are_counted_at_one_instant(series) -> None:
    lives = [(0, 100), (50, 150), (200, 300), (210, 220), (250, 400)]
    listed = [series("rss", [1e8, 1e8], at=life, process=str(pid)) for pid, life in enumerate(lives)]
    assert processes_at_once(listed) == 2


def test_a_count_far_above_the_processes_alive_was_taken_over_time(series, problems) -> None:
    alive = [series("rss", drifting(1e8), metric="rss", process=str(pid)) for pid in range(4)]
    assert (
        "609"
        in problems(series("processes", [609.0, 609.0], metric="processes"), *alive)["processes-counted-over-time"]
    )
    assert problems(series("processes", [5.0, 5.0], metric="processes"), *alive) == {}


def test_a_count_over_a_range_is_told_by_its_query(series, problems) -> None:
    ranged = series("processes", [40.0], metric="p", expr="count(count_over_time(process_resident_memory_bytes[6h]))")
    at_once = series("processes", [4.0], metric="p", expr="count(process_resident_memory_bytes)")
    assert "processes-counted-over-time" in problems(ranged)
    assert problems(at_once) == {}


def test_a_sum_over_views_counts_one_memory_many_times(series, audited) -> None:
    views = [series("rss", drifting(1e8), metric="app_memory", labels={"view": name}) for name in "abc"]
    summed = series("rss", 3 * drifting(1e8), metric="total")
    audit = audited(*views, summed)
    assert summed in audit.refused
    assert "labels-summed" in {one.problem for one in audit.problems}


def test_a_sum_over_views_is_told_by_its_query(series, problems) -> None:
    expr = "sum by (container) (django_memory_usage_bytes) / 1e6"
    assert "labels-summed" in problems(series("rss", drifting(4e8), metric="Memory", expr=expr))


def test_a_sum_over_containers_is_no_sum_over_views(series, problems) -> None:
    expr = 'sum by (container) (container_memory_rss{container!=""})'
    assert problems(series("rss", drifting(4e8), metric="Memory", expr=expr)) == {}


def row(series, value: float, **labels: str):
    return series("rss", drifting(value), metric="container_memory_rss", instance=labels.get("pod"), labels=labels)


def test_rows_of_the_pod_and_its_pause_container_are_duplicates_of_the_containers(series, audited) -> None:
    real = row(series, 9e8, pod="p", container="web")
    pause, parent = row(series, 1e6, pod="p", container="POD"), row(series, 9e8, pod="p", id="/kubepods/pod1")
    audit = audited(real, pause, parent)
    assert audit.usable == (real,)
    assert set(audit.refused) == {pause, parent}
    assert [one.problem for one in audit.problems] == ["duplicate-cadvisor-rows"]


def test_a_container_collected_by_two_scrapers_is_one_container(series, audited) -> None:
    first = row(series, 9e8, pod="p", container="web", job="kubelet")
    again = row(series, 9e8, pod="p", container="web", job="cadvisor")
    audit = audited(first, again)
    assert (audit.usable, audit.refused) == ((first,), (again,))
    assert "two scrapers" in audit.problems[0].explanation


def test_two_lives_and_two_sizes_under_one_name_are_no_repetition(series, audited) -> None:
    rows = [
        row(series, 9e8, pod="p", container="web", id="1"),
        row(series, 5e8, pod="p", container="web", id="2"),
        series(
            "rss",
            drifting(9e8),
            metric="container_memory_rss",
            instance="p",
            labels={"pod": "p", "container": "web", "id": "3"},
            start=1.8e9,
        ),
    ]
    assert set(audited(*rows).usable) == set(rows)


def test_the_row_of_a_pod_is_kept_where_nothing_else_was_exported(series, audited) -> None:
    parent = row(series, 9e8, pod="p", id="/kubepods/pod1")
    assert audited(parent).usable == (parent,)


def test_a_line_for_a_service_steps_back_behind_its_pods(series, audited) -> None:
    line = series("working_set", drifting(9e8), metric="by container")
    pods = [series("working_set", drifting(9e8), metric="ws", instance=name) for name in ("a", "b")]
    audit = audited(line, *pods)
    assert audit.usable == tuple(pods)
    assert audit.corroborating == (line,)
    assert "several-pods-under-one-name" in {one.problem for one in audit.problems}


def test_a_line_beside_its_only_pod_steps_back_without_a_word(series, audited) -> None:
    line = series("working_set", drifting(9e8), metric="by container")
    pod = series("working_set", drifting(9e8), metric="ws", instance="a")
    audit = audited(line, pod)
    assert (audit.usable, audit.corroborating, audit.problems) == ((pod,), (line,), ())


def test_a_line_for_a_service_is_used_where_its_pods_are_not_there_at_the_time(series, audited) -> None:
    line = series("working_set", drifting(9e8), metric="by container")
    later = [series("working_set", drifting(9e8), metric="ws", instance=name, start=1.9e9) for name in ("a", "b")]
    assert line in audited(line, *later).usable
