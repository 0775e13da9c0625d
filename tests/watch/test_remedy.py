"""Nothing is done that is not allowed, certain, due, affordable and alone; what is done is written down and judged."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from floodmark.watch.config import Remedy
from floodmark.watch.remedy import snapshot
from floodmark.watch.remedy.acting import Acting, verdict_on
from floodmark.watch.remedy.guard import Caution, Finding
from floodmark.watch.remedy.ways import GunicornHup, Post, Program
from floodmark.watch.state import State

LEAK = Finding(
    service="web", incident="i1", verdict="leak", severity="emergency", mb_per_hour=610.0, low_mb_per_hour=540.0,
    memory_mb=900.0, grown_for_seconds=4 * 3600, youngest_process_seconds=7200, culprit="/report/{id}/",
    culprit_kind="endpoint", culprit_confidence=0.9, reason="r",
)  # fmt: skip


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "done"


def remedy(mark: Path, **changes: object) -> Remedy:
    script = f"open({str(mark)!r}, 'a').write('x')"
    table = {"service": "web", "action": "restart", "argv": [sys.executable, "-c", script], "allowed": True}
    return Remedy.model_validate({**table, "cool_down_seconds": 100, "budget_per_hour": 3, **changes})


def acting(state: State, *remedies: Remedy) -> Acting:
    return Acting(state, remedies, Caution(), pids_of=lambda service: [os.getpid()], verify_after_seconds=60)


def times_done(mark: Path) -> int:
    return len(mark.read_text()) if mark.exists() else 0


def rows(state: State) -> list[tuple[str, str]]:
    return [(row["status"], row["done"]) for row in state.rows("select * from action order by id")]


def test_what_is_not_allowed_is_only_said(state: State, mark: Path, tmp_path: Path) -> None:
    (line,) = acting(state, remedy(mark, allowed=False)).consider(LEAK, tmp_path, 1000.0)
    assert line.startswith("would run ")
    assert times_done(mark) == 0
    assert [status for status, _ in rows(state)] == ["would"]
    assert list(tmp_path.glob("snapshot-*")) == []


def test_what_is_allowed_is_done_after_a_snapshot(state: State, mark: Path, tmp_path: Path) -> None:
    acting(state, remedy(mark)).consider(LEAK, tmp_path / "incident", 1000.0)
    assert times_done(mark) == 1
    snapshot = json.loads((tmp_path / "incident/snapshot-1000.json").read_text())
    (process,) = snapshot["processes"]
    assert process["pid"] == os.getpid()
    assert process["smaps"]["Pss"].endswith("kB")
    assert "540" in snapshot["seen"]


@pytest.mark.parametrize(("change", "reason"), [
    ({"verdict": "unknown"}, "the verdict is unknown"),
    ({"verdict": "no-leak"}, "the verdict is no-leak"),
    ({"severity": "critical"}, "severity is critical, acting begins at emergency"),
    ({"grown_for_seconds": 1800.0}, "it has grown for 1800 s, acting wants 10800 s"),
    ({"youngest_process_seconds": 12.0}, "a process of it is only 12 s old"),
])  # fmt: skip
def test_what_is_not_certain_enough_is_withheld_with_the_reason(
    state: State, mark: Path, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    acting(state, remedy(mark)).consider(replace(LEAK, **change), tmp_path, 1000.0)  # type: ignore[arg-type]
    assert times_done(mark) == 0
    assert rows(state) == [("withheld", reason)]


@pytest.mark.parametrize("change", [{"culprit": None}, {"culprit_confidence": 0.5}, {"culprit_kind": "task"}])
def test_load_is_shed_only_for_a_certain_route(
    state: State, mark: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    acting(state, remedy(mark, action="shed")).consider(replace(LEAK, **change), tmp_path, 1000.0)  # type: ignore[arg-type]
    assert times_done(mark) == 0
    acting(state, remedy(mark, action="shed")).consider(LEAK, tmp_path, 1000.0)
    assert times_done(mark) == 1


def settle(state: State) -> None:
    with state.changes() as database:
        database.execute("update action set status = 'verified' where status = 'done'")


def test_an_action_cools_down(state: State, mark: Path, tmp_path: Path) -> None:
    remedies = acting(state, remedy(mark))
    for now in (1000.0, 1050.0, 1099.0, 1101.0):
        remedies.consider(LEAK, tmp_path, now)
        settle(state)
    assert times_done(mark) == 2


def test_a_budget_is_kept(state: State, mark: Path, tmp_path: Path) -> None:
    remedies = acting(state, remedy(mark, cool_down_seconds=0))
    for now in range(1000, 3000, 100):
        remedies.consider(LEAK, tmp_path, float(now))
        settle(state)
    assert times_done(mark) == 3
    remedies.consider(LEAK, tmp_path, 5000.0)
    assert times_done(mark) == 4


def test_two_services_are_never_acted_on_at_once(state: State, mark: Path, tmp_path: Path) -> None:
    remedies = acting(state, remedy(mark), remedy(mark, service="reports"))
    remedies.consider(LEAK, tmp_path, 1000.0)
    remedies.consider(replace(LEAK, service="reports"), tmp_path, 1001.0)
    assert times_done(mark) == 1
    assert rows(state)[-1] == ("withheld", "restart of web is not yet verified; one at a time")


def test_a_reason_is_written_once_an_incident_not_once_a_round(state: State, mark: Path, tmp_path: Path) -> None:
    remedies = acting(state, remedy(mark))
    for second in range(10):
        remedies.consider(replace(LEAK, grown_for_seconds=100.0 + second), tmp_path, 1000.0 + second)
    assert len(rows(state)) == 1


def test_a_command_that_fails_is_an_outcome(state: State, mark: Path, tmp_path: Path) -> None:
    broken = remedy(mark, argv=[sys.executable, "-c", "raise SystemExit('no unit of that name')"])
    (line,) = acting(state, broken).consider(LEAK, tmp_path, 1000.0)
    assert line.endswith("exit status 1 no unit of that name")
    assert [status for status, _ in rows(state)] == ["failed"]


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {pid_file}; wait"
    outcome = Program(("sh", "-c", script)).do(0.5)
    assert not outcome.worked
    assert "not done after 0.5 s" in outcome.text
    child = int(pid_file.read_text())
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or ") Z " in Path(f"/proc/{child}/stat").read_text():
            return
        time.sleep(0.05)
    pytest.fail("the child of the killed command still runs")


def test_a_snapshot_holds_so_many_processes_and_no_more_and_no_environment(tmp_path: Path) -> None:
    children = [subprocess.Popen(["sleep", "60"], env={"SECRET": "hunter2"}) for _ in range(4)]
    try:
        path = snapshot.take(LEAK, [one.pid for one in children], tmp_path, 1000.0, max_processes=2)
    finally:
        for one in children:
            one.kill()
            one.wait()
    text = path.read_text()
    assert [one["pid"] for one in json.loads(text)["processes"]] == [one.pid for one in children[:2]]
    assert "hunter2" not in text


def test_a_program_that_is_not_there_is_an_outcome() -> None:
    assert Program(("/nonexistent/restart-it",)).do(1.0).text == "/nonexistent/restart-it: No such file or directory"


def test_a_control_address_that_is_away_is_an_outcome_that_names_no_secret() -> None:
    outcome = Post("http://127.0.0.1:1/shed?token=hunter2").do(1.0)
    assert not outcome.worked
    assert "hunter2" not in outcome.text


def test_without_a_snapshot_nothing_is_restarted(state: State, mark: Path, tmp_path: Path) -> None:
    (tmp_path / "incident").write_text("a file where the folder should be")
    (line,) = acting(state, remedy(mark)).consider(LEAK, tmp_path / "incident", 1000.0)
    assert "restart not done without" in line
    assert times_done(mark) == 0


def test_a_pid_file_that_leads_to_a_stranger_sends_no_signal(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file = tmp_path / "gunicorn.pid"
        pid_file.write_text(f"{stranger.pid}\n")
        outcome = GunicornHup(pid_file).do(1.0)
        assert outcome.text.endswith("is not gunicorn; nothing was sent")
        assert stranger.poll() is None
        stranger.kill()


def test_after_an_action_it_is_said_whether_it_helped(state: State, mark: Path, tmp_path: Path) -> None:
    remedies = acting(state, remedy(mark))
    remedies.consider(LEAK, tmp_path, 1000.0)
    measured = {(940.0, 1000.0): (900.0, 610.0), (1000.0, 1061.0): (300.0, 5.0)}
    assert remedies.verify(lambda service, since, until: measured[since, until], 1030.0) == []
    (line,) = remedies.verify(lambda service, since, until: measured[since, until], 1061.0)
    assert line.startswith("memory came back after the restart of web: 900 MB before, 300 MB after")
    assert [row["status"] for row in state.rows("select status from action")] == ["verified"]
    assert remedies.verify(lambda service, since, until: None, 1100.0) == []


@pytest.mark.parametrize(
    ("after", "word"),
    [
        ((300.0, 5.0), "memory came back after the restart of web: "),
        ((300.0, 600.0), "came back after the restart of web, but it grows on as before"),
        ((880.0, 10.0), "slowed"),
        ((890.0, 600.0), "did not help"),
        (None, "too little to say"),
    ],
)
def test_the_memory_is_the_judge_of_an_action(after: tuple[float, float] | None, word: str) -> None:
    assert word in verdict_on("restart", "web", (900.0, 610.0), after)


def test_an_action_on_what_did_not_grow_is_not_said_to_have_slowed_it() -> None:
    assert "nothing tells whether it helped" in verdict_on("restart", "web", (0.1, -0.2), (0.1, -0.3))


def test_the_audit_log_is_only_appended_to(state: State, mark: Path, tmp_path: Path) -> None:
    remedies = acting(state, remedy(mark))
    remedies.consider(LEAK, tmp_path, 1000.0)
    remedies.verify(lambda service, since, until: None, 5000.0)
    kinds = [row["kind"] for row in state.rows("select kind from audit order by id")]
    assert kinds == ["started", "done", "verified"]
    for statement in ("update audit set text = 'nothing happened'", "delete from audit"):
        with pytest.raises(sqlite3.IntegrityError, match="only appended to"):
            state.database.execute(statement)
