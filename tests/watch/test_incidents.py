"""Incidents open with their first alert, say what was done and what came of it, and close by themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from floodmark.diagnosis.pipeline import diagnose
from floodmark.evidence.nouns import Evidence
from floodmark.watch.alerting import Condition
from floodmark.watch.incidents import Incidents, Keeping
from floodmark.watch.state import State

LEAK = Condition("growth", "growth-critical", "web", "critical", 900.0, 320.0, "MB/h", 200.0, "web leaks 320 MB/h")
NOON = 1_756_296_000.0
"""2025-08-27 12:00 UTC."""


@pytest.fixture
def incidents(state: State, tmp_path: Path) -> Incidents:
    keeping = Keeping(tmp_path / "incidents", lead_seconds=3600.0, max_window_seconds=86_400.0, max_incidents=2)
    return Incidents(state, keeping, lambda since, until: diagnose(Evidence((since, until), 60.0)))


def of(state: State, number: str) -> dict[str, object]:
    (row,) = state.rows("select * from incident where id = ?", number)
    return dict(row)


def nobody(service: str | None) -> bool:
    return False


def act(state: State, number: str, status: str, outcome: str) -> None:
    with state.changes() as database:
        database.execute(
            "insert into action (at, service, action, way, dry, status, seen, done, outcome, incident)"
            " values (?, 'web', 'restart', 'HUP', 0, ?, 'seen', 'done', ?, ?)",
            (NOON, status, outcome, number),
        )


def test_conditions_of_one_service_are_one_incident_and_its_worst_is_its_severity(
    state: State, incidents: Incidents
) -> None:
    number = incidents.begin(LEAK, NOON)
    worse = Condition("growth", "growth-emergency", "web", "emergency", NOON, 640.0, "MB/h", 500.0, "640 MB/h")
    assert incidents.begin(worse, NOON + 60) == number
    incidents.update([LEAK, worse], nobody, NOON + 60)
    assert of(state, number)["severity"] == "emergency"
    assert sorted(path.name for path in incidents.folder_of(number).iterdir()) == [
        "incident.json", "report.html", "report.md", "timeline.jsonl",
    ]  # fmt: skip


def test_an_incident_closes_when_no_alert_of_its_service_is_left(state: State, incidents: Incidents) -> None:
    number = incidents.begin(LEAK, NOON)
    incidents.update([], lambda service: True, NOON + 60)
    assert of(state, number)["closed"] is None, "a pause is no end"
    incidents.update([], nobody, NOON + 400)
    assert of(state, number)["closed"] == NOON + 400
    assert of(state, number)["outcome"] == "it ended without an action of the watch"


def test_an_incident_stays_open_until_what_was_done_is_judged(state: State, incidents: Incidents) -> None:
    number = incidents.begin(LEAK, NOON)
    act(state, number, "done", "HUP sent")
    incidents.update([], nobody, NOON + 400)
    assert of(state, number)["closed"] is None
    with state.changes() as database:
        database.execute("update action set status = 'verified', outcome = 'HUP sent; memory came back'")
    incidents.update([], nobody, NOON + 900)
    assert of(state, number)["outcome"] == "HUP sent; memory came back"
    lines = (incidents.folder_of(number) / "timeline.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["opened", "closed"]


def test_an_action_that_failed_keeps_no_incident_open(state: State, incidents: Incidents) -> None:
    number = incidents.begin(LEAK, NOON)
    act(state, number, "failed", "exit status 1")
    incidents.update([], nobody, NOON + 400)
    assert of(state, number)["outcome"] == "exit status 1"


def test_what_comes_back_within_the_window_is_the_same_incident_and_later_another(
    state: State, incidents: Incidents
) -> None:
    number = incidents.begin(LEAK, NOON)
    incidents.update([], nobody, NOON + 400)
    assert incidents.begin(LEAK, NOON + 3600) == number
    assert (of(state, number)["closed"], of(state, number)["outcome"]) == (None, None)
    incidents.update([], nobody, NOON + 4000)
    assert incidents.begin(LEAK, NOON + 4000 + 25_200) != number
    lines = (incidents.folder_of(number) / "timeline.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["opened", "closed", "reopened", "closed"]


def test_only_so_many_closed_incidents_are_kept_with_their_files(state: State, incidents: Incidents) -> None:
    numbers = []
    for hour in range(4):
        numbers.append(incidents.begin(LEAK, NOON + 25_200 * hour))
        incidents.update([], nobody, NOON + 25_200 * hour + 60)
    kept = [row["id"] for row in state.rows("select id from incident order by opened")]
    assert kept == numbers[2:]
    assert sorted(path.name for path in incidents.keeping.folder.iterdir()) == sorted(kept)


@pytest.mark.parametrize("service", ["../../etc", "a/b", "", "x" * 300, "<script>", "naïve ☃"])
def test_no_name_of_a_service_leads_out_of_the_folder(incidents: Incidents, service: str) -> None:
    number = incidents.begin(Condition(**{**_fields(LEAK), "service": service}), NOON)
    folder = incidents.folder_of(number).resolve()
    assert folder.parent == incidents.keeping.folder.resolve()


def _fields(condition: Condition) -> dict[str, object]:
    return {name: getattr(condition, name) for name in Condition.__slots__}
