"""Django-Q's log, with the time of day only, inside hourly exports of Google Cloud Logging or as a file of its own."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from floodmark.testing.incidents.lives import Life
from floodmark.testing.incidents.plan import Plan
from floodmark.testing.incidents.world import Container, World, pod_at
from floodmark.testing.incidents.writers.files import Line, Output, local, rfc3339, zone

_WORDS = ("alpha", "apart", "bravo", "coffee", "fish", "gee", "june", "kilo", "lake", "lima", "mango", "moon", "oven",
          "quiet", "red", "sink", "table", "ten", "uncle", "winter")  # fmt: skip


def write_tasks(worlds: list[World], out: Output) -> None:
    """What the task workers say."""
    plan = worlds[0].plan
    rows = [(*line, world) for world in worlds for line in _lines(world)]
    rows = sorted((row for row in rows if plan.start <= row[0] < plan.end), key=lambda row: row[0])
    if plan.evidence.tasks_as == "file":
        out.write_log(plan, f"{plan.theme.worker}/qcluster.log", [(at, text) for at, text, _ in rows])
        return
    entries = [_entry(world, number, at, text) for number, (at, text, world) in enumerate(rows)]
    if plan.evidence.tasks_as == "array":
        # As `gcloud logging read --format json` prints it: one array, newest first.
        text = json.dumps(entries[::-1], indent=1, ensure_ascii=False) + "\n"
        out.write(f"cloud-logging/{plan.theme.worker}.json", "log", text, len(entries))
    else:
        _write_hours(plan, [at for at, _, _ in rows], entries, out)


def _lines(world: World) -> list[Line]:
    container = world.containers[world.plan.theme.worker]
    return _messages(world, container) + _heartbeats(world, container)


def _messages(world: World, container: Container) -> list[Line]:
    """With `task_names` the log is django-q2's, which names the function; without, Django-Q 1.3's, which does not."""
    work, names = container.work, world.plan.evidence.task_names
    where = zone(world.plan.theme.application_zone)
    lines: list[Line] = []
    for row in np.flatnonzero(work.slot >= 0).tolist():
        begin, end, task = float(work.begin[row]), float(work.end[row]), _name(row)
        process = f"Process-1:{work.slot[row] + 1}"
        function = world.plan.routes[work.route[row]].template
        taken = f"processing {task} '{function}'" if names else f"processing [{task}]"
        done = f"Processed '{function}' ({task})" if names else f"Processed [{task}]"
        lines.append((begin, f"{local(begin, where):%H:%M:%S} [Q] INFO {process} {taken}"))
        lines.append((end, f"{local(end, where):%H:%M:%S} [Q] INFO {done}"))
    for life in container.lives.all:
        lines += _life(life, where)
    return lines


def _life(life: Life, where: Any) -> list[Line]:
    """A recycled worker is normal."""
    if not life.recycled:
        return []
    clock = f"{local(life.end, where):%H:%M:%S} [Q] INFO"
    return [(life.end, f"{clock} recycled worker Process-1:{life.slot + 1}"),
            (life.end + 0.4, f"{clock} Process-1:{life.slot + 1} ready for work at {life.pid + 3}")]  # fmt: skip


def _heartbeats(world: World, container: Container) -> list[Line]:
    """An application's own thread, around its long exports: not Django-Q's, and no sign of a leak."""
    work, where = container.work, zone(world.plan.theme.application_zone)
    lines: list[Line] = []
    for row in np.flatnonzero(work.slot >= 0).tolist():
        route = world.plan.routes[work.route[row]]
        if route.seconds < 10:
            continue
        key = f"'unique_django_q:{route.template}'"
        for at, text in ((float(work.begin[row]) + 0.01, f"Starting cache heartbeat for {key} with timeout 30"),
                         (float(work.end[row]) + 0.01, f"Ended cache heartbeat for {key}")):  # fmt: skip
            moment = local(at, where)
            lines.append((at, f"INFO {moment:%Y-%m-%d %H:%M:%S},{int(at % 1 * 1000):03d} heartbeat {text}"))
    return lines


def _name(row: int) -> str:
    return "-".join(_WORDS[(row // 20**place * 7 + 3 * place) % 20] for place in range(4))


def _entry(world: World, number: int, at: float, text: str) -> dict[str, Any]:
    plan = world.plan
    labels = {
        "cluster_name": "production", "container_name": plan.theme.worker, "location": plan.theme.region,
        "namespace_name": "default", "pod_name": pod_at(world.pods, at), "project_id": plan.theme.project,
    }  # fmt: skip
    return {
        "insertId": f"{plan.seed * 7919 + number * 2654435761 & 0xFFFFFFFFFFFF:012x}",
        "labels": {"k8s-pod/app": plan.theme.app}, "logName": f"projects/{plan.theme.project}/logs/stderr",
        "receiveTimestamp": rfc3339(at + 2.0, 9), "resource": {"labels": labels, "type": "k8s_container"},
        "severity": "ERROR", "textPayload": text, "timestamp": rfc3339(at, 9).rstrip("0Z").rstrip(".") + "Z",
    }  # fmt: skip


def _write_hours(plan: Plan, times: list[float], entries: list[dict[str, Any]], out: Output) -> None:
    """JSON lines by the hour of receipt; some entries come twice."""
    random = plan.stream("gcs")
    hours: dict[str, list[str]] = {}
    for at, entry in zip(times, entries, strict=True):
        moment = local(at + 2.0, zone("UTC"))
        rows = hours.setdefault(f"{moment:%Y/%m/%d/%H}:00:00_{moment:%H}:59:59_S0.json", [])
        rows += [json.dumps(entry, separators=(",", ":"), ensure_ascii=False)] * (2 if random.random() < 0.0005 else 1)
    for name, rows in hours.items():
        out.write(f"gcs/stderr/{plan.theme.worker}/{name}", "log", "\n".join(rows) + "\n", len(rows))
