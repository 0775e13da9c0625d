"""The examiner: each rule of docs/accuracy.md on an incident that breaks just that rule."""

from __future__ import annotations

import copy

import pytest

from floodmark.testing.incidents.scoring import leaked_rate, plain_name, score_case

START, ONSET, END = "2025-09-02T00:00:00Z", "2025-09-02T10:00:00Z", "2025-09-03T00:00:00Z"


def service(name, verdict, **more):
    return {"service": name, "role": "web", "verdict": verdict, "verdicts": [verdict], "pattern": None, "patterns": [],
            "leaked_mb_per_hour": 0.0, "leaked_mb_every_10_min": None, **more}  # fmt: skip


LEAKED = [max(index - 60, 0) * 20.0 for index in range(145)]
TRUTH = {
    "variant": "test", "window": {"start": START, "end": END}, "incident": {"start": ONSET, "end": None},
    "focus": "web", "no_leak": False, "expected_verdicts": ["leak"], "expected_patterns": ["leak"],
    "expected_abstain": False, "metric_invalid": False, "allowed_kinds": [], "inseparable": [],
    "culprits": [{"service": "web", "kind": "endpoint", "kinds": ["endpoint"], "name": "/export/{id}/",
                  "names": ["/export/{id}/", "/export/{id}.xml"], "share": 1.0, "mb_per_event": 2.0}],
    "decoys": ["/busy/"], "victims": ["/slow/{id}/"],
    "services": [service("web", "leak", patterns=["leak"], leaked_mb_per_hour=120.0, leaked_mb_every_10_min=LEAKED),
                 service("worker", "no-leak")],
}  # fmt: skip


def cause(name, **more):
    return {"service": "web", "kind": "endpoint", "name": name, "role": "culprit", "share": 0.9,
            "mb_per_event": {"value": 2.1, "low": 1.8, "high": 2.4}, "inseparable_from": [], **more}  # fmt: skip


def incident(**more):
    growth = {"mb_per_hour": 118.0, "low": 105.0, "high": 130.0, "start": ONSET, "end": END}
    return {
        "schema": "floodmark.incident/1", "sources": [], "metric_problems": [], "patterns": [], "alerts": [],
        "timeline": [], "targets": [], "actions": [],
        "services": [{"service": "web", "verdict": "leak", "pattern": "leak", "growth": growth, "onset": ONSET},
                     {"service": "worker", "verdict": "no-leak", "pattern": "steady", "growth": None, "onset": None}],
        "causes": [cause("/export/{pk}/")], **more,
    }  # fmt: skip


def wrong(found, **truth):
    return {mark.what for mark in score_case({**TRUTH, **truth}, found).wrong()}


def test_an_incident_that_tells_the_truth_has_nothing_wrong():
    score = score_case(TRUTH, incident())
    assert not score.wrong()
    assert {"verdict", "top-1", "rate", "rate interval", "MB per event", "MB interval"} <= {
        one.what for one in score.marks
    }


def test_no_file_at_all_is_wrong_in_everything_it_could_have_said():
    assert wrong(None) == {"contract", "verdict", "detection", "focus verdict", "focus pattern", "pattern", "top-1"}


def test_a_word_that_is_not_in_the_contract_is_a_fault():
    found = incident()
    found["services"][0]["pattern"] = "sawtooth-ish"
    assert "contract" in wrong(found)


def test_a_leak_where_there_is_none_is_a_false_alarm():
    found = incident()
    found["services"][1]["verdict"] = "leak"
    assert {"false alarm", "verdict"} <= wrong(found)


def test_unknown_is_no_false_alarm_but_no_detection_either():
    found = incident()
    found["services"][0]["verdict"] = "unknown"
    assert "detection" in wrong(found)
    assert "false alarm" not in wrong(found)


def test_in_a_quiet_case_no_service_at_all_may_leak():
    quiet = {"no_leak": True, "expected_verdicts": ["no-leak"], "culprits": []}
    assert "quiet case" in wrong(incident(), **quiet)


@pytest.mark.parametrize(
    ("value", "right"), [(118.0, True), (155.9, True), (156.1, False), (84.1, True), (83.9, False)]
)
def test_a_rate_is_right_within_thirty_per_cent(value, right):
    found = incident()
    found["services"][0]["growth"]["mb_per_hour"] = value
    assert ("rate" not in wrong(found)) == right


def test_an_interval_must_hold_the_truth():
    found = incident()
    found["services"][0]["growth"].update(low=121.0, high=300.0)
    assert "rate interval" in wrong(found)


def test_the_rate_is_judged_over_the_window_that_the_analyser_chose():
    web = TRUTH["services"][0]
    assert leaked_rate(TRUTH, web, START, ONSET) == 0.0
    assert leaked_rate(TRUTH, web, ONSET, END) == pytest.approx(120.0)
    assert leaked_rate(TRUTH, web, "2025-09-02T05:00:00Z", "2025-09-02T15:00:00Z") == pytest.approx(60.0)
    assert leaked_rate(TRUTH, web, None, None) == 120.0


def test_the_culprit_is_the_one_with_the_largest_share_whatever_its_place():
    found = incident(causes=[cause("/export/{id}/", share=0.4), cause("/busy/", share=0.6)])
    assert {"top-1", "decoy accused", "innocent accused"} <= wrong(found)
    found = incident(causes=[cause("/busy/", share=0.2, role="contributing"), cause("/export/{id}/", share=0.6)])
    assert not wrong(found)


def test_an_alias_of_the_route_is_the_route_and_the_word_in_braces_is_free():
    assert plain_name("/a/{uuid}/b.{ext}") == plain_name("/a/{id}/b.{format}")
    assert not wrong(incident(causes=[cause("/export/{pk}.xml")]))
    assert "top-1" in wrong(incident(causes=[cause("/export/7/")]))


def test_naming_the_right_route_as_another_kind_of_thing_is_wrong():
    assert "top-1" in wrong(incident(causes=[cause("/export/{id}/", kind="task")]))


def test_a_victim_named_beside_the_culprit_is_still_accused():
    found = incident(causes=[cause("/export/{id}/"), cause("/slow/{id}/", share=0.1)])
    assert {"victim accused", "innocent accused"} == wrong(found)
    assert not wrong(incident(causes=[cause("/export/{id}/"), cause("/slow/{id}/", role="victim")]))


def test_silence_about_a_culprit_that_can_be_found_is_wrong_but_accuses_nobody():
    assert wrong(incident(causes=[])) == {"top-1"}
    assert wrong(incident(causes=[cause("?", kind="unknown")])) == {"top-1"}


def test_where_the_truth_cannot_be_known_a_name_is_wrong_and_unknown_is_right():
    assert "abstention" in wrong(incident(), expected_abstain=True)
    assert not wrong(incident(causes=[cause("?", kind="unknown")]), expected_abstain=True)
    assert not wrong(incident(causes=[cause("", kind="native")]), expected_abstain=True, allowed_kinds=["native"])


def test_of_two_that_cannot_be_told_apart_either_will_do_if_it_names_the_other():
    pair = [["/export/{id}/", "/export/{id}/part/"]]
    other = cause("/export/{x}/part/", inseparable_from=["/export/{x}/"])
    assert not wrong(incident(causes=[other]), inseparable=pair)
    assert "top-1" in wrong(incident(), inseparable=pair)
    assert "top-1" not in wrong(incident(causes=[]), inseparable=pair)


def test_two_culprits_of_one_service_are_both_to_be_named():
    second = {**TRUTH["culprits"][0], "name": "/map/", "names": ["/map/"], "mb_per_event": 5.0}
    culprits = [*TRUTH["culprits"], second]
    assert wrong(incident(), culprits=culprits) == {"every culprit"}
    both = incident(causes=[cause("/export/{id}/"), cause("/map/", share=0.3)])
    assert not wrong(both, culprits=culprits)


def test_mb_per_event_has_the_same_tolerance_and_interval():
    dose = {"value": 2.7, "low": 2.1, "high": 3.3}
    assert wrong(incident(causes=[cause("/export/{id}/", mb_per_event=dose)])) == {"MB per event", "MB interval"}


def test_invalid_metrics_must_be_refused_by_name():
    assert "refusal" in wrong(incident(), metric_invalid=True)
    assert "refusal" not in wrong(incident(metric_problems=[{"metric": "x"}]), metric_invalid=True)


def test_an_onset_is_right_within_two_hours():
    found = incident()
    found["services"][0]["onset"] = "2025-09-02T12:30:00Z"
    assert wrong(found) == {"onset"}


def test_scoring_changes_neither_file():
    truth, found = copy.deepcopy(TRUTH), incident()
    before = copy.deepcopy(found)
    score_case(truth, found)
    assert (truth, found) == (TRUTH, before)


def test_the_rate_of_replicas_may_be_that_of_all_or_of_one():
    for value in (120.0, 60.0):
        found = incident()
        found["services"][0]["growth"].update(mb_per_hour=value, low=0.9 * value, high=1.1 * value)
        assert not wrong(found, replicas=2) - {"rate of incident"}
    assert "rate" in wrong(found)
