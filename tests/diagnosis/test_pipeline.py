"""The stages in their order, on evidence with known truth: one incident, the same every time, not contradicted."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from floodmark.diagnosis import pipeline
from floodmark.diagnosis.audit import audit
from floodmark.diagnosis.growthsignals import growth_signals
from floodmark.diagnosis.incident import Incident
from floodmark.diagnosis.pipeline import diagnose
from floodmark.diagnosis.rules import with_thresholds
from floodmark.diagnosis.services import judge
from floodmark.evidence.nouns import Clock, Evidence, Rejection, SourceHealth
from floodmark.report import html, markdown
from floodmark.report.document import plain, to_json
from floodmark.testing.evidence import EPOCH, LEAKY, Built, Burst, Leak, World, build

ROOT = Path(__file__).parents[2]


def leaking(**more: object) -> Built:
    return build(World(hours=48, leaks=(Leak(LEAKY, 4.0, start=12.0),), **more))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def leak() -> Built:
    return leaking()


@pytest.fixture(scope="module")
def incident(leak: Built) -> Incident:
    return diagnose(leak.evidence)


@pytest.fixture(scope="module")
def quiet() -> Incident:
    return diagnose(build(World(hours=48)).evidence)


@pytest.fixture(scope="module")
def surge() -> Incident:
    return diagnose(build(World(hours=72, load_mb=60.0, bursts=(Burst(4.0, 40.0, 52.0),))).evidence)


# ---------------------------------------------------------------- what it says


def test_a_leak_has_its_verdict_rate_cause_alert_action_and_headline(leak: Built, incident: Incident) -> None:
    (web,) = incident.services
    assert web.verdict == "leak"
    assert web.sources
    assert set(web.sources) <= {one.place.source for one in leak.evidence.series}
    assert web.growth is not None
    true = leak.truth.rate(web.growth.start.seconds, web.growth.end.seconds)
    assert web.growth.mb_per_hour == pytest.approx(true, rel=0.3)
    assert [one.name for one in incident.causes if one.role == "culprit"] == [LEAKY]
    assert incident.summary is not None
    assert incident.summary.headline.startswith("web (")
    assert incident.summary.headline.endswith("leaks memory")
    assert any(LEAKY in one for one in incident.summary.sentences)
    assert "onset" in {one.kind for one in incident.timeline}
    assert {"growth-warning"} <= {one.rule for one in incident.alerts}
    assert any("leaks" in one.reason for one in incident.actions)


def test_a_quiet_week_raises_no_alarm_and_asks_for_nothing_now(quiet: Incident) -> None:
    assert {one.verdict for one in quiet.services} == {"no-leak"}
    assert [one.rule for one in quiet.alerts if one.rule.startswith(("growth", "leaking"))] == []
    assert [one for one in quiet.actions if one.urgency == "immediate"] == []
    assert [one for one in quiet.causes if one.role == "culprit"] == []
    assert quiet.summary is not None
    assert quiet.summary.headline == "No leak found in 1 service"


def test_a_surge_of_traffic_is_told_and_is_no_leak(surge: Incident) -> None:
    assert {one.verdict for one in surge.services} == {"no-leak"}
    assert "traffic-surge" in {one.name for one in surge.patterns}
    assert "traffic-surge" in {one.kind for one in surge.timeline}
    assert [one for one in surge.actions if one.action in ("restart", "limit the route", "take evidence")] == []


def test_growth_alerts_fire_only_inside_the_growth_and_rise_with_their_threshold(incident: Incident) -> None:
    (web,) = incident.services
    growth = [one for one in incident.alerts if one.rule.startswith("growth")]
    assert growth
    assert web.onset is not None
    for one in growth:
        assert one.low is not None
        assert one.low > one.threshold
        assert one.start.seconds >= web.onset.seconds - 3600


def test_thresholds_of_the_rules_change_what_fires(leak: Built) -> None:
    lazy = diagnose(leak.evidence, rules=with_thresholds({"growth-warning": 5000.0, "growth-critical": 6000.0}))
    assert [one for one in lazy.alerts if one.rule in ("growth-warning", "growth-critical")] == []


def test_a_service_that_leaks_is_followed_by_a_signal_with_its_interval(leak: Built) -> None:
    judged = pipeline.judge(leak.evidence, pipeline.audit(leak.evidence))
    signals = {one.name: one for one in growth_signals(leak.evidence, judged)}
    growth = signals["growth"]
    assert growth.low is not None
    assert growth.high is not None
    assert bool((growth.low <= growth.value).all())
    assert bool((growth.value <= growth.high).all())
    assert float(growth.at[0]) >= EPOCH + 8 * 3600
    assert signals["leaking-services"].value.max() == 1
    assert len(signals["iati-growth"].value) > 20


# ---------------------------------------------------------------- what always holds


@pytest.fixture(params=["incident", "quiet", "surge"])
def any_incident(request: pytest.FixtureRequest) -> Incident:
    return request.getfixturevalue(request.param)


def test_no_action_contradicts_the_verdict(any_incident: Incident) -> None:
    leaking = {one.service for one in any_incident.services if one.verdict == "leak"}
    for one in any_incident.actions:
        if one.action in ("restart", "plan a restart", "limit the route", "take evidence", "recycle workers"):
            assert one.service in leaking


def numbers(text: str) -> set[Decimal]:
    """Every number in a text; commas in large ones are no more than how they are shown."""
    joined = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    return {Decimal(one) for one in re.findall(r"\d+(?:\.\d+)?", joined)}


def test_every_figure_of_both_reports_stands_in_the_file(any_incident: Incident) -> None:
    document, text = plain(any_incident), to_json(any_incident)
    page = re.sub(r"<style>.*?</style>", "", html.render(document), flags=re.DOTALL)
    page = re.sub(r"<svg.*?</svg>|<[^>]*>", " ", page, flags=re.DOTALL)
    known = numbers(text)
    for report in (page, markdown.render(document)):
        assert numbers(report) - known == set()


def test_every_chart_has_its_axes_and_every_time_is_within_the_window(any_incident: Incident) -> None:
    assert any_incident.window is not None
    first, last = any_incident.window.start.seconds - 86_400, any_incident.window.end.seconds + 86_400
    for service in any_incident.services:
        assert service.chart is not None
        assert service.chart.axes is not None
    assert all(first <= one.at.seconds <= last for one in any_incident.timeline)


def test_equal_evidence_gives_equal_bytes(leak: Built, incident: Incident) -> None:
    assert to_json(diagnose(leaking().evidence)) == to_json(incident)


def test_the_evidence_is_left_as_it_was(leak: Built) -> None:
    before = [one.value.copy() for one in leak.evidence.series]
    diagnose(leak.evidence)
    assert all((a == one.value).all() for a, one in zip(before, leak.evidence.series, strict=True))


def test_no_evidence_at_all_is_an_incident_that_says_so() -> None:
    health = SourceHealth(
        "a.log", "nginx-access", None, 0, 1, None, None, Clock("UTC", "assumed"), examples=(Rejection(1, "cut", "x"),)
    )
    empty = diagnose(Evidence(None, 60.0, sources=(health,)))
    assert empty.window is None
    assert empty.services == ()
    assert empty.sources[0].examples == ({"line": 1, "reason": "cut", "text": "x"},)
    assert all(one.met is None for one in empty.targets)
    assert empty.summary is not None
    assert empty.summary.headline == "Nothing in the evidence could be used"


def test_logs_without_metrics_give_patterns_and_no_verdict(leak: Built) -> None:
    found = diagnose(replace(leak.evidence, series=()))
    assert [(one.service, one.verdict, one.growth) for one in found.services] == [("web", "unknown", None)]
    assert "No usable measurement of memory" in found.services[0].reason
    assert found.summary is not None
    assert found.summary.headline == "No verdict on memory: the evidence has no memory that could be used"
    assert "record memory" in {one.action for one in found.actions}


def test_metrics_without_logs_give_a_verdict_and_no_endpoint(leak: Built) -> None:
    found = diagnose(replace(leak.evidence, doses=(), tallies=(), clients=()))
    assert {one.verdict for one in found.services} == {"leak"}
    assert [one for one in found.causes if one.kind == "endpoint"] == []
    assert found.summary is not None
    assert any("no log of requests or tasks" in one for one in found.summary.not_known)


def test_the_stages_stand_in_the_document_in_their_order() -> None:
    text = (ROOT / "docs" / "analyze.md").read_text(encoding="utf-8")
    stages = ["intake", "audit", "judge", "attribute", "patterns, alerts, targets", "timeline, actions, summary"]
    places = [text.index(f"| {stage} |") for stage in stages]
    assert places == sorted(places)


def test_every_rule_target_and_pattern_has_its_paragraph() -> None:
    from floodmark.diagnosis.logpatterns import EVENT_PATTERNS
    from floodmark.diagnosis.rules import RULE_NAMES
    from floodmark.diagnosis.targets import GOALS

    alerts = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    patterns = (ROOT / "docs" / "incident.md").read_text(encoding="utf-8")
    assert re.findall(r"^## `([a-z-]+)`", alerts, re.MULTILINE) == list(RULE_NAMES)
    assert [goal.name for goal in GOALS] == re.findall(r"^\| `([a-z-]+)` \|", alerts, re.MULTILINE)
    source = "".join((ROOT / "src/floodmark/diagnosis").joinpath(f"{name}.py").read_text(encoding="utf-8")
                     for name in ("logpatterns", "logtraffic", "logconnections"))  # fmt: skip
    told = re.findall(r"^### `([a-z-]+)`", patterns, re.MULTILINE)
    assert {name for _, name, _ in EVENT_PATTERNS} <= set(told)
    assert [name for name in told if f'"{name}"' not in source] == []


def test_services_that_the_same_doses_reach_are_judged_by_the_same_candidates(leak: Built) -> None:
    """Not by equal ones each: where no route names its service, they would fill the memory."""
    nobodys = tuple(replace(one, service=None) for one in leak.evidence.doses)
    twice = tuple(replace(one, service=name) for one in leak.evidence.series for name in ("a", "b"))
    evidence = replace(leak.evidence, doses=nobodys, series=twice, routes=())
    first, second = judge(evidence, audit(evidence))
    assert len(first.scene.candidates) > 5
    assert first.scene.candidates is second.scene.candidates
