"""Can a size be true, and in which unit is it? Every rule with a case that fires and a near miss that must not."""

from __future__ import annotations

import numpy as np
import pytest

from floodmark.evidence.nouns import Limit, Place

HOURS_8 = np.arange(480.0)


def limit(kind: str, value: float, service: str | None = None) -> Limit:
    return Limit(service, kind, value, Place("describe-pod.txt", 3))


@pytest.mark.parametrize(
    ("value", "limits", "why"),
    [
        (1.3e12, (limit("node-memory", 64e9),), "more than the machine has"),
        (9e8, (limit("memory", 5e8, "web"),), "more than its limit has"),
        (3e13, (), "more than any machine has"),
        (900.0, (), "never exceeds 900 bytes"),
        (-5.0, (), "below zero"),
    ],
)
def test_what_cannot_be_memory_is_refused(series, audited, value: float, limits: tuple[Limit, ...], why: str) -> None:
    size = series("rss", np.full(9, value), metric="rss", process="1")
    audit = audited(size, limits=limits)
    assert audit.refused == (size,)
    assert audit.problems[0].problem == "impossible-size"
    assert why in audit.problems[0].explanation


@pytest.mark.parametrize(
    "limits", [(limit("node-memory", 64e9),), (limit("memory", 9e8, "web"),), (limit("memory", 1e8, "db"),), ()]
)
def test_a_size_up_to_the_limit_of_its_own_is_possible(series, audited, limits: tuple[Limit, ...]) -> None:
    size = series("rss", np.full(9, 9e8), metric="rss", process="1")
    assert audited(size, limits=limits).usable == (size,)


def test_mb_that_were_mib_are_said_and_used(series, audited) -> None:
    size = series("usage", 2**20 * (400 + HOURS_8), metric="Memory (MB)", unit="MiB", instance="pod-1")
    audit = audited(size)
    assert audit.usable == (size,)
    assert "unit-prefix" in {one.problem for one in audit.problems}


def test_mb_that_are_mb_are_not_worth_a_word(series, problems) -> None:
    assert problems(series("rss", 1e6 * (400 + HOURS_8), metric="Memory (MB)", unit="MB", instance="pod-1")) == {}


def test_two_readings_that_differ_by_the_very_factor_of_a_prefix_leave_the_surer_one(series, audited) -> None:
    sure = series("rss", 4e8 + 1e5 * HOURS_8, metric="container_memory_rss_bytes", instance="pod-1", unit="B")
    wrong = series("rss", sure.value / 1.048576, metric="RSS", instance="pod-1", unit="MB")
    audit = audited(sure, wrong)
    assert (audit.usable, audit.corroborating) == ((sure,), (wrong,))
    assert "1.049" in audit.problems[0].explanation or "0.9537" in audit.problems[0].explanation


def test_two_readings_that_differ_by_three_percent_are_both_used(series, audited) -> None:
    sure = series("rss", 4e8 + 1e5 * HOURS_8, metric="container_memory_rss_bytes", instance="pod-1", unit="B")
    other = series("rss", sure.value * 1.03, metric="RSS", instance="pod-1", unit="MB")
    assert set(audited(sure, other).usable) == {sure, other}


def test_usage_alone_is_used_with_a_caution(series, audited) -> None:
    usage = series("usage", 4e8 + 1e5 * HOURS_8, metric="container_memory_usage_bytes", instance="pod-1")
    audit = audited(usage)
    assert audit.usable == (usage,)
    assert "upper bound" in audit.problems[0].explanation


def test_usage_that_rises_beside_flat_rss_is_page_cache(series, audited) -> None:
    usage = series("usage", 4e8 + 1e6 * HOURS_8, metric="container_memory_usage_bytes", instance="pod-1")
    flat = series("rss", np.full(480, 3e8), metric="container_memory_rss", instance="pod-1")
    audit = audited(usage, flat)
    assert (audit.usable, audit.corroborating) == ((flat,), (usage,))
    assert "web 432 MB in 7.983 h, its rss 0 MB" in audit.problems[0].explanation


def test_usage_that_rises_with_rss_only_steps_back(series, problems) -> None:
    usage = series("usage", 4e8 + 1e6 * HOURS_8, metric="container_memory_usage_bytes", instance="pod-1")
    rss = series("rss", 3e8 + 1e6 * HOURS_8, metric="container_memory_rss", instance="pod-1")
    assert "rose beyond" not in problems(usage, rss)["page-cache-included"]
