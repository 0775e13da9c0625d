"""The audit as a whole: what is used, what only corroborates, what is refused; the same for the same evidence."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floodmark.diagnosis.audit import RULES, audit
from floodmark.evidence.nouns import MEMORY_MEASURES, OTHER_MEASURES, Evidence, Place, Series

DOCUMENT = Path(__file__).parents[3] / "docs/audit.md"


def test_no_evidence_is_an_empty_audit() -> None:
    empty = audit(Evidence(None, 60.0))
    assert (empty.usable, empty.corroborating, empty.refused, empty.problems) == ((), (), (), ())


def test_every_rule_has_its_heading_and_says_when_it_is_wrong() -> None:
    parts = re.split(r"^### `([a-z-]+)`$", DOCUMENT.read_text(), flags=re.MULTILINE)
    documented = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert list(documented) == [rule.name for rule in RULES]
    for name, text in documented.items():
        assert "Wrong" in text, name
    for rule in RULES:
        assert "Wrong" in (rule.look.__doc__ or ""), rule.name


@pytest.mark.parametrize("measure", ["pss", "rss", "working_set"])
def test_sound_sizes_by_process_and_container_pass_without_a_word(series, audited, measure: str) -> None:
    rising = 3e8 + np.cumsum(np.random.default_rng(2).normal(1e5, 4e5, 500))
    sound = [
        series(measure, rising, metric="container_memory", instance="pod-1", service="api"),
        series(measure, rising, metric="pss_bytes", instance="pod-2", process="31"),
        series(measure, rising, metric="pss_bytes", instance="pod-2", process="32"),
    ]
    found = audited(*sound)
    assert found.usable == tuple(sound)
    assert found.problems == ()


def test_what_is_no_size_corroborates(series, audited) -> None:
    others = [
        series(measure, [3.0, 4.0, 5.0], metric=f"some {measure}")
        for measure in ("objects", "limit", "cpu", "requests")
    ]
    heap = series("heap", np.linspace(1e8, 2e8, 50), metric="heap_bytes", process="3")
    assert audited(*others, heap).corroborating == (*others, heap)


def test_the_worst_finding_decides(series, audited) -> None:
    copied = series("usage", np.full(30, 3e13), metric="Memory (MB)", copies=610, instance="a")
    found = audited(copied)
    assert found.refused == (copied,)
    assert {"columns-are-copies", "impossible-size"} <= {one.problem for one in found.problems}


def test_problems_name_their_first_source_and_how_many_more(series, audited) -> None:
    parts = [
        series("events", [1, 2, 3, 4], metric="Leak events (memory)", service=name, place=Place(name)) for name in "abc"
    ]
    problem = audited(*parts).problems[0]
    assert problem.source == "a"
    assert problem.explanation.endswith("(Also in 2 other sources.)")


ANY_SERIES = st.builds(
    lambda measure, metric, service, instance, process, copies, view, points: Series(
        service,
        instance,
        process,
        measure,
        metric,
        Place("file"),
        np.array(sorted(at for at, _ in points), dtype=np.float64),
        np.array([value for _, value in points], dtype=np.float64),
        {"view": view} if view else {},
        "",
        "",
        copies,
    ),
    st.sampled_from([*MEMORY_MEASURES, *OTHER_MEASURES]),
    st.sampled_from(
        ["Memory (MB)", "Memory Growth (MB/h)", "container_memory_rss", "Garbage Collection Rate", "x", ""]
    ),
    st.sampled_from(["web", "worker", ""]),
    st.sampled_from([None, "pod-1"]),
    st.sampled_from([None, "7"]),
    st.sampled_from([1, 2, 610]),
    st.sampled_from([None, "metrics"]),
    st.lists(st.tuples(st.integers(0, 10**5), st.floats(-1e15, 1e15)), max_size=30),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ANY_SERIES, max_size=6))
def test_any_evidence_is_sorted_whole_and_equally_each_time(series: list[Series]) -> None:
    evidence = Evidence(None, 60.0, series=tuple(series))
    first, second = audit(evidence), audit(evidence)
    assert first.problems == second.problems
    kept = [*first.usable, *first.corroborating, *first.refused]
    assert len({id(one) for one in kept}) == len(kept)
    assert sum(len(one.at) for one in kept) <= sum(len(one.at) for one in series)
    for one in kept:
        assert np.all(np.diff(one.at) > 0)
        assert np.all(np.isfinite(one.value))
    assert all(one.measure in MEMORY_MEASURES and one.measure != "heap" for one in first.usable)
    assert {one.problem for one in first.problems} <= {rule.name for rule in RULES}


def test_a_panel_that_names_no_service_is_explained_all_the_same(series, problems) -> None:
    counts = series("events", [1, 2, 3, 4], metric="Memory Leak Events (1h)", service="")
    assert "(no service named)" in problems(counts)["event-count-read-as-rate"]
