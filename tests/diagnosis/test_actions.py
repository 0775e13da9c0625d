"""Actions: each has the verdict, pattern or gap that justifies it, and nothing follows from a guess."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from floodmark.diagnosis.actions import Findings, recommend
from floodmark.diagnosis.incident import (
    Action,
    Cause,
    Growth,
    Interval,
    LogPattern,
    MetricProblem,
    Rival,
    Service,
    Time,
)
from floodmark.evidence.nouns import Dose, Evidence, Place, Series

START = Time(1_756_260_000.0)
PLACE = Place("a.log", 1)

LEAK = Service(
    "web", (), "rss", Growth(212.0, 180.0, 241.0, START, Time(START.seconds + 36_000)), "leak", "leak", "critical",
    START, None, 0, 3, "rises", hours_to_limit=6.4, limit_mb=8000.0,
)  # fmt: skip
CULPRIT = Cause(
    "web", "endpoint", "/x/{id}/", "culprit", 0.83, 0.94, Interval(2.1, 1.7, 2.6),
    rivals=(Rival("/y/", "Growth goes on without it.", "Replay it alone."),),
)  # fmt: skip


def some_evidence() -> Evidence:
    none = np.empty(0)
    series = Series("web", None, None, "rss", "m", PLACE, none, none)
    dose = Dose("web", "endpoint", "/x/", PLACE, np.empty(0, np.int64), none, none, none, none)
    return Evidence((0.0, 1.0), 60.0, series=(series,), doses=(dose,))


def actions(
    *services: Service, causes: tuple[Cause, ...] = (), problems: tuple[MetricProblem, ...] = (),
    patterns: tuple[LogPattern, ...] = (), evidence: Evidence | None = None,
) -> dict[str, Action]:  # fmt: skip
    found = recommend(Findings(services, causes, problems, patterns, evidence or some_evidence()))
    return {one.action: one for one in found}


def test_nothing_to_do_is_no_action() -> None:
    quiet = replace(LEAK, verdict="no-leak", pattern="steady", severity="none")
    assert actions(quiet) == {}


def test_a_critical_leak_is_restarted_after_its_evidence_was_taken() -> None:
    found = actions(LEAK, causes=(CULPRIT,))
    now = [one.action for one in found.values() if one.urgency == "immediate"]
    assert now[:2] == ["take evidence", "restart"]
    assert "212 MB/h" in found["restart"].reason
    assert "6.4 h" in found["restart"].reason


def test_a_slow_leak_far_from_its_limit_is_not_restarted_now() -> None:
    slow = replace(LEAK, severity="warning", hours_to_limit=400.0)
    assert "restart" not in actions(slow)
    assert actions(slow)["plan a restart"].urgency == "short-term"
    assert actions(slow)["take evidence"].urgency == "immediate"
    assert actions(replace(slow, severity="none"))["take evidence"].urgency == "short-term"


def test_a_leak_that_has_ended_is_not_restarted() -> None:
    assert not {"restart", "take evidence"} & set(actions(replace(LEAK, end=Time(START.seconds + 1))))


@pytest.mark.parametrize("verdict", ["no-leak", "unknown"])
def test_without_the_verdict_leak_nothing_is_restarted_or_limited(verdict: str) -> None:
    one = replace(LEAK, verdict=verdict, pattern="unknown", severity="none")
    assert not {"restart", "limit the route", "plan a restart"} & set(actions(one, causes=(CULPRIT,)))


def test_only_a_nearly_certain_culprit_is_limited() -> None:
    assert actions(LEAK, causes=(CULPRIT,))["limit the route"].urgency == "immediate"
    assert "limit the route" not in actions(LEAK, causes=(replace(CULPRIT, confidence=0.6),))
    assert "limit the route" not in actions(LEAK, causes=(replace(CULPRIT, inseparable_from=("/z/",)),))
    assert "limit the route" not in actions(LEAK, causes=(replace(CULPRIT, role="contributing"),))


def test_a_victim_is_never_acted_on() -> None:
    found = actions(LEAK, causes=(replace(CULPRIT, role="victim"),))
    assert all(CULPRIT.name not in one.reason for one in found.values())


def test_routes_that_cannot_be_told_apart_are_to_be_told_apart_first() -> None:
    found = actions(LEAK, causes=(replace(CULPRIT, inseparable_from=("/z/",)),))
    assert "mend" not in found
    assert "2N" in found["tell them apart"].how


def test_a_rival_of_an_uncertain_culprit_brings_what_would_decide() -> None:
    unsure = replace(CULPRIT, confidence=0.6)
    assert actions(LEAK, causes=(unsure,))["rule out"].how == "Replay it alone."
    assert "rule out" not in actions(LEAK, causes=(CULPRIT,))


def test_a_leak_without_a_cause_asks_for_evidence() -> None:
    unknown = replace(CULPRIT, kind="unknown", name="")
    assert "names no cause" in actions(LEAK, causes=(unknown,))["get evidence"].reason


def test_an_unknown_verdict_asks_for_evidence_and_a_loop_for_what_ends_it() -> None:
    loop = replace(LEAK, verdict="unknown", pattern="restart-loop", severity="none", reason="54 restarts in 6 h.")
    found = actions(loop)
    assert found["find what ends it"].urgency == "immediate"
    assert "54 restarts" in found["get evidence"].reason


@pytest.mark.parametrize(
    "kind", ["monitoring", "cache", "fragmentation", "native", "traffic", "page-cache", "database"]
)
def test_every_other_kind_of_cause_has_its_own_remedy(kind: str) -> None:
    (one,) = actions(causes=(replace(CULPRIT, kind=kind, name=kind, rivals=()),)).values()
    assert one.urgency == "short-term"
    assert one.how


def test_a_dashboard_that_misleads_is_to_be_mended_once() -> None:
    problems = tuple(
        MetricProblem(name, "gauge-under-rate", "", None) for name in ("Growth (MB/h)", "Growth (MB/h)", "B")
    )
    found = actions(problems=problems)
    assert "2 metrics" in found["mend the dashboard"].reason
    assert "never rate()" in found["mend the dashboard"].how
    assert actions(problems=(MetricProblem("A", "mostly-empty", "", None),)) == {}


def test_churn_is_no_reason_to_act_and_flooding_is_one_to_keep_connections() -> None:
    def pattern(name: str) -> LogPattern:
        return LogPattern(name, "proxy", START, START, 9, (), ())

    assert actions(patterns=(pattern("connection-churn"), pattern("timeout-cascade"), pattern("heartbeat-gap"))) == {}
    assert actions(patterns=(pattern("connection-flooding"),))["keep connections open"].urgency == "prevention"


def test_missing_evidence_is_asked_for() -> None:
    assert set(actions(evidence=Evidence(None, 60.0))) == {"record memory", "keep request logs"}


def test_urgent_actions_come_first() -> None:
    order = [one.urgency for one in recommend(Findings((LEAK,), (CULPRIT,), (), (), some_evidence()))]
    assert order == sorted(order, key=["immediate", "short-term", "prevention"].index)
