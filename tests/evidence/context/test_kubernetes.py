"""Descriptions, pods and events of Kubernetes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from floodmark.evidence.context.kubernetes_describe import quantity, role_of
from floodmark.evidence.context.kubernetes_events import age_seconds

LOOK = Callable[[Any], Any]
AT = 1_756_793_700.0  # 2025-09-02T06:15:00Z

DESCRIBED = """\
Name:             rsr-abc
Namespace:        default
Start Time:       Tue, 02 Sep 2025 05:00:00 +0000
Containers:
  rsr-nginx:
    Port:          80/TCP
    Command:       nginx -g daemon off;
    State:          Running
  rsr-backend:
    Ports:         8000/TCP, 8001/TCP
    Command:
      gunicorn
      rsr.wsgi
      --workers
      12
      --timeout
      300
    State:          Running
      Started:      Tue, 02 Sep 2025 06:15:02 +0000
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Started:      Tue, 02 Sep 2025 05:00:00 +0000
      Finished:     Tue, 02 Sep 2025 06:15:00 +0000
    Restart Count:  4
    Limits:
      cpu:     2
      memory:  2Gi
    Requests:
      memory:  512Mi
    Environment:
      MEMORY:  9Gi
Conditions:
  Type              Status
"""


def test_a_description_tells_ports_workers_limits_and_the_last_end(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"pod.txt": DESCRIBED}))
    assert {(each.service, each.kind): each.value for each in seen.evidence.limits} == {
        ("rsr-backend", "memory"): 2.0 * 2**30, ("rsr-backend", "workers"): 12.0,
        ("rsr-backend", "request-timeout-seconds"): 300.0,
    }  # fmt: skip
    (event,) = seen.evidence.events
    assert (event.at, event.kind, event.service, event.instance) == (AT, "oom-kill", "rsr-backend", "rsr-abc")
    assert event.place.line == 9


def test_logs_of_nginx_belong_to_the_container_that_runs_it(gathered: Any, look: LOOK) -> None:
    access = '10.0.3.9 - - [02/Sep/2025:06:15:09 +0000] "GET /x/ HTTP/1.1" 200 9 "-" "curl" 0.100 0.100 0.000\n'
    seen = look(gathered({"pod.txt": DESCRIBED, "nginx/access.log": access}))
    assert seen.source("nginx/access.log").service == "rsr-nginx"
    assert seen.starts() == {("rsr-backend", "/x/"): 1.0}


def test_a_node_has_a_capacity(gathered: Any, look: LOOK) -> None:
    text = "Name:  node-1\nRoles:  <none>\nCapacity:\n  cpu:  4\n  memory:  16393244Ki\nAllocatable:\n  memory:  13Gi\n"
    (limit,) = look(gathered({"node.txt": text})).evidence.limits
    assert (limit.service, limit.kind, limit.value) == (None, "node-memory", 16_393_244 * 1024.0)


def pod(indent: int | None) -> str:
    item = {
        "kind": "Pod", "metadata": {"name": "rsr-abc"},
        "spec": {"containers": [{"name": "worker", "command": ["python"], "args": ["manage.py", "qcluster"],
                                 "ports": [{"containerPort": 5555}], "resources": {"limits": {"memory": "512Mi"}}}]},
        "status": {"containerStatuses": [{"name": "worker", "lastState": {"terminated": {
            "reason": "OOMKilled", "exitCode": 137, "finishedAt": "2025-09-02T06:15:00Z"}}}]},
    }  # fmt: skip
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [item]}, indent=indent)


@pytest.mark.parametrize("indent", [None, 4])
def test_a_pod_as_json_tells_the_same(gathered: Any, look: LOOK, indent: int | None) -> None:
    seen = look(gathered({"pod.json": pod(indent)}))
    assert [(each.kind, each.value) for each in seen.evidence.limits] == [("memory", 512.0 * 2**20)]
    assert [(each.at, each.kind, each.service) for each in seen.evidence.events] == [(AT, "oom-kill", "worker")]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2Gi", 2.0 * 2**30),
        ("512M", 512e6),
        ("16393244Ki", 16_393_244 * 1024.0),
        ("1.5Gi", 1.5 * 2**30),
        ("100", 100.0),
        ("x", None),
    ],
)
def test_quantities(text: str, size: float | None) -> None:
    assert quantity(text) == size


@pytest.mark.parametrize(
    ("command", "role"),
    [("nginx -g daemon off;", "proxy"), ("/cloud_sql_proxy -instances=x", "database-proxy"), ("python manage.py qcluster", "worker"),
     ("gunicorn rsr.wsgi --bind 0.0.0.0:8000", "web"), ("celery -A rsr worker", "worker"), ("statsd_exporter", "other")],
)  # fmt: skip
def test_a_command_tells_what_a_container_does(command: str, role: str) -> None:
    assert role_of(command) == role


# ---------------------------------------------------------------- events


def event(reason: str, message: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "Event", "type": "Warning", "reason": reason, "message": message, "count": 1,
        "firstTimestamp": "2025-09-02T06:10:00Z", "lastTimestamp": "2025-09-02T06:15:00Z",
        "involvedObject": {"kind": "Pod", "name": "rsr-abc"}, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("item", "kind", "service"),
    [
        (event("Started", "Started container rsr-backend"), "start", "rsr-backend"),
        (event("Killing", "Stopping container rsr-backend"), "stop", "rsr-backend"),
        (event("Killing", "Container worker failed liveness probe, will be restarted"), "restart", "worker"),
        (event("BackOff", "Back-off restarting failed container worker in pod rsr-abc"), "restart", "worker"),
        (event("Unhealthy", "Liveness probe failed: Get http://10.4.1.7:8000/healthz: context deadline exceeded"), "unhealthy", None),
        (event("Evicted", "The node was low on resource: memory."), "evicted", None),
        (event("OOMKilling", "Memory cgroup out of memory: Killed process 1234 (gunicorn)"), "oom-kill", None),
        (event("SystemOOM", "System OOM encountered, victim process: gunicorn"), "oom-kill", None),
        (event("ScalingReplicaSet", "Scaled up replica set rsr-1 to 1"), "scaled", None),
        (event("Pulled", 'Successfully pulled image "registry.invalid/rsr:1" in 9s'), "deploy", None),
        (
            event("Unhealthy", "no", involvedObject={"kind": "Pod", "name": "rsr-abc", "fieldPath": "spec.containers{rsr-reports}"}),
            "unhealthy", "rsr-reports",
        ),
    ],
)  # fmt: skip
def test_what_an_event_means(gathered: Any, look: LOOK, item: dict[str, Any], kind: str, service: str | None) -> None:
    (found,) = look(gathered({"events.json": json.dumps({"kind": "List", "items": [item]})})).evidence.events
    assert (found.at, found.kind, found.service) == (AT, kind, service)


def test_the_newer_interface_and_lines_are_read_too(gathered: Any, look: LOOK) -> None:
    newer = {
        "kind": "Event", "reason": "Unhealthy", "note": "probe failed", "regarding": {"kind": "Pod", "name": "rsr-abc"},
        "eventTime": "2025-09-02T06:00:00.000000Z", "series": {"count": 9, "lastObservedTime": "2025-09-02T06:15:00.000000Z"},
    }  # fmt: skip
    text = json.dumps(newer) + "\n" + json.dumps(event("Started", "Started container web", count=3)) + "\n"
    found = look(gathered({"events.json": text})).evidence.events
    assert [(each.at, each.kind, each.count) for each in found] == [(AT, "start", 3), (AT, "unhealthy", 9)]


def test_an_event_in_cloud_logging_is_an_event(gathered: Any, look: LOOK) -> None:
    entry = {"insertId": "i1", "logName": "projects/p/logs/events", "timestamp": "2025-09-02T06:15:01Z",
             "resource": {"type": "k8s_pod", "labels": {}}, "jsonPayload": event("Evicted", "memory")}  # fmt: skip
    (found,) = look(gathered({"export.json": json.dumps(entry)})).evidence.events
    assert (found.at, found.kind) == (AT, "evicted")


def test_the_same_image_again_is_no_deploy(gathered: Any, look: LOOK) -> None:
    items = [event("Pulled", 'Successfully pulled image "registry.invalid/rsr:1" in 9s', lastTimestamp=f"2025-09-02T06:1{n}:00Z")
             for n in range(5)]  # fmt: skip
    found = look(gathered({"events.json": json.dumps({"items": items})})).evidence.events
    assert [each.kind for each in found] == ["deploy"]


TABLE = """\
LAST SEEN              TYPE      REASON      OBJECT         MESSAGE
2025-09-02T06:15:00Z   Normal    Started     pod/rsr-abc    Started container  rsr-backend
44m (x9 over 60m)      Warning   Unhealthy   pod/rsr-abc    Liveness probe failed
90s                    Warning   BackOff     pod/rsr-abc-with-a-name-that-is-too-wide   Back-off restarting failed container worker

broken
"""


def test_a_table_has_times_or_ages(gathered: Any, look: LOOK) -> None:
    access = '10.0.3.9 - - [02/Sep/2025:07:00:00 +0000] "GET /x/ HTTP/1.1" 200 9 "-" "curl" 0.100 0.100 0.000\n'
    seen = look(gathered({"events.txt": TABLE, "access.log": access}))
    end = AT + 45 * 60 + 0.5
    assert [(each.at, each.kind, each.count) for each in seen.evidence.events] == [
        (AT, "start", 1), (end - 44 * 60, "unhealthy", 9), (end - 90, "restart", 1),
    ]  # fmt: skip
    row = seen.source("events.txt")
    assert (row.records, row.rejected, row.examples[0].line) == (3, 1, 6)
    assert "ages were counted back" in row.remark


@pytest.mark.parametrize(
    ("text", "seconds"), [("44m", 2640.0), ("3h5m", 11_100.0), ("2d", 172_800.0), ("0s", 0.0), ("", None), ("x", None)]
)
def test_ages(text: str, seconds: float | None) -> None:
    assert age_seconds(text) == seconds
