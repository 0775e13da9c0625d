"""Django-Q: tasks with their durations, dates that must be found, workers that come and go."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

LOOK = Callable[[Any], Any]
AT = 1_756_793_713.0  # 2025-09-02T06:15:13Z


def dated(*lines: str, zone: str = "+0000") -> str:
    """Lines of a cluster beside one that carries a date."""
    return f"INFO 2025-09-02 06:15:12,000 heartbeat nothing to do\n{''.join(line + chr(10) for line in lines)}"


def test_the_date_comes_from_lines_beside_it(gathered: Any, look: LOOK) -> None:
    text = dated(
        "06:15:13 [Q] INFO Process-1:2 processing [lion-nine-red-oscar]",
        "06:15:43 [Q] INFO Processed [lion-nine-red-oscar]",
    )
    seen = look(gathered({"worker/q.log": text}))
    dose = seen.dose("(unnamed)")
    assert (dose.bin * 60).tolist() == [AT - 13]
    assert (dose.service, dose.kind, dose.starts.tolist(), dose.seconds.tolist()) == ("worker", "task", [1.0], [30.0])


def test_the_newer_version_names_the_function(gathered: Any, look: LOOK) -> None:
    text = dated(
        "06:15:13 [Q] INFO Process-a28e processing lion-nine-red-oscar 'reports.tasks.build'",
        "06:15:14 [Q] INFO Processed 'reports.tasks.build' (lion-nine-red-oscar)",
        "06:15:15 [Q] INFO Process-a28e processing tango-two-x-y 'reports.tasks.build'",
        "06:15:19 [Q] ERROR Failed 'reports.tasks.build' (tango-two-x-y) - no such report : Traceback (most recent call last):",
        '  File "/srv/x.py", line 7, in build',
        "reports.errors.Missing: no such report",
        "",
    )
    seen = look(gathered({"worker/q.log": text}))
    dose = seen.dose("reports.tasks.build")
    assert (dose.starts.tolist(), dose.seconds.tolist(), dose.failed.tolist()) == ([2.0], [5.0], [1.0])
    assert seen.tally("task-failed") == {"reports.tasks.build": 1.0}
    assert seen.source("worker/q.log").rejected == 0


def test_a_heartbeat_names_the_task_that_has_just_begun(gathered: Any, look: LOOK) -> None:
    text = dated(
        "06:15:13 [Q] INFO Process-1:2 processing [lion-nine-red-oscar]",
        "INFO 2025-09-02 06:15:13,204 heartbeat Starting cache heartbeat for 'unique_django_q:rsr.jobs.nightly' with timeout 30",
        "06:15:14 [Q] INFO Process-1:3 processing [tango-two-x-y]",
        "06:15:43 [Q] INFO Processed [lion-nine-red-oscar]",
        "INFO 2025-09-02 06:15:43,204 heartbeat Ended cache heartbeat for 'unique_django_q:rsr.jobs.nightly'",
    )
    seen = look(gathered({"worker/q.log": text}))
    assert seen.starts() == {("worker", "rsr.jobs.nightly"): 1.0, ("worker", "(unnamed)"): 1.0}
    assert seen.tally("heartbeat") == {"unique_django_q:rsr.jobs.nightly": 2.0}


def test_a_task_delivered_twice_is_one_task(gathered: Any, look: LOOK) -> None:
    text = dated(
        "06:15:13 [Q] INFO Process-1:2 processing [lion-nine-red-oscar]",
        "06:16:13 [Q] WARNING reincarnated worker Process-1:2 after timeout",
        "06:16:20 [Q] INFO Process-1:4 processing [lion-nine-red-oscar]",
        "06:16:50 [Q] INFO Processed [lion-nine-red-oscar]",
        "06:17:20 [Q] INFO Process-1:4 processing [lion-nine-red-oscar]",
    )
    seen = look(gathered({"worker/q.log": text}))
    assert seen.dose("(unnamed)").starts.sum() == 2.0
    assert seen.tally("task-redelivered") == {"": 1.0}
    assert [(kind, process) for _, kind, process in seen.events()] == [("reincarnated", "Process-1:2")]


@pytest.mark.parametrize(
    ("message", "kind", "process"),
    [
        ("Process-1:1 ready for work at 53", "worker-boot", "53"),
        ("recycled worker Process-1:2", "recycled", "Process-1:2"),
        ("reincarnated worker Process-1:2 after death", "reincarnated", "Process-1:2"),
        ("reincarnated pusher Process-1:5 after sudden death", "reincarnated", "Process-1:5"),
        ("Q Cluster lima-two-x-y running.", "start", None),
        ("Q Cluster lima-two-x-y [prod] stopping.", "stop", None),
    ],
)
def test_lives_of_workers(gathered: Any, look: LOOK, message: str, kind: str, process: str | None) -> None:
    seen = look(gathered({"worker/q.log": dated(f"06:15:13 [Q] INFO {message}")}))
    assert seen.events() == [(AT, kind, process)]


@pytest.mark.parametrize(
    "message",
    ["Process-1:6 monitoring at 58", "Process-1 guarding cluster x", "Process-1:7 pushing tasks at 59", "Enqueued 41",
     "Process-1 created a task from schedule [nightly]", "Starting new worker"],
)  # fmt: skip
def test_other_messages_are_read(gathered: Any, look: LOOK, message: str) -> None:
    row = look(gathered({"worker/q.log": dated(f"06:15:13 [Q] INFO {message}")})).source("worker/q.log")
    assert (row.records, row.rejected) == (2, 0)


def test_a_step_back_by_more_than_twelve_hours_is_a_new_day(gathered: Any, look: LOOK) -> None:
    text = dated(
        "23:59:58 [Q] INFO Process-1:2 processing [a-b-c-d]",
        "00:00:03 [Q] INFO Processed [a-b-c-d]",
        "23:59:59 [Q] INFO Process-1:3 processing [e-f-g-h]",
        "00:00:09 [Q] INFO Processed [e-f-g-h]",
    )
    text = text.replace("06:15:12,000", "23:59:50,000")
    seen = look(gathered({"worker/q.log": text}))
    dose = seen.dose("(unnamed)")
    midnight = datetime(2025, 9, 3, tzinfo=UTC).timestamp()
    assert (dose.bin * 60).tolist() == [midnight - 60]
    assert dose.starts.tolist() == [2.0]
    assert dose.seconds.tolist() == [15.0]


def test_without_any_date_the_file_or_the_rest_tells_the_day(gathered: Any, look: LOOK) -> None:
    access = '10.0.0.1 - - [02/Sep/2025:06:20:00 +0000] "GET /x HTTP/1.1" 200 1 "-" "curl" 0.001 0.001 0.000\n'
    text = "06:15:13 [Q] INFO Process-1:2 processing [a-b-c-d]\n06:15:14 [Q] INFO Processed [a-b-c-d]\n"
    seen = look(gathered({"worker/q.log": text, "nginx/access.log": access}))
    assert (seen.dose("(unnamed)").bin * 60).tolist() == [AT - 13]
    assert "no date" in seen.source("worker/q.log").remark


def entry(at: str, text: str, number: int) -> str:
    return json.dumps({
        "insertId": f"i{number}", "logName": "projects/p/logs/stderr", "timestamp": at, "severity": "ERROR", "textPayload": text,
        "resource": {"type": "k8s_container", "labels": {"container_name": "worker", "pod_name": "rsr-abc"}},
    })  # fmt: skip


def test_inside_a_wrapper_the_wrappers_time_counts(gathered: Any, look: LOOK) -> None:
    lines = [
        entry("2025-09-02T06:15:13.5Z", "08:15:13 [Q] INFO Process-1:2 processing [a-b-c-d]", 1),
        entry("2025-09-02T06:15:43.5Z", "08:15:43 [Q] INFO Processed [a-b-c-d]", 2),
    ]
    seen = look(gathered({"export.json": "\n".join(lines)}))
    dose = seen.dose("(unnamed)")
    assert ((dose.bin * 60).tolist(), dose.service, dose.instance) == ([AT - 13], "worker", "rsr-abc")
    assert dose.seconds.tolist() == [30.0]


def test_the_zone_seen_inside_a_wrapper_is_that_of_the_applications_other_logs(gathered: Any, look: LOOK) -> None:
    wrapped = "\n".join(
        entry("2025-09-02T06:15:13Z", "08:15:13 [Q] INFO Process-1:2 processing [a-b-c-d]", n) for n in range(5)
    )
    plain = "ERROR 2025-09-02 08:30:00,000 views cannot do it\n"
    seen = look(gathered({"export.json": wrapped, "web/app.log": plain}))
    clock = seen.source("web/app.log").clock
    assert (clock.zone, clock.basis) == ("+02:00", "inferred")
    assert seen.source("web/app.log").first == AT - 13 + 15 * 60
