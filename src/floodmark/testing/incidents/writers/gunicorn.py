"""gunicorn and uWSGI: the error log with its two zones, the access log, uWSGI's line with the memory of the process."""

from __future__ import annotations

import numpy as np

from floodmark.testing.incidents.lives import Life
from floodmark.testing.incidents.plan import Plan
from floodmark.testing.incidents.queueing import Work
from floodmark.testing.incidents.world import Container, World
from floodmark.testing.incidents.writers.files import Line, Output, local, zone
from floodmark.testing.incidents.writers.paths import AGENTS, paths_of, sizes_of


def write_application_logs(worlds: list[World], out: Output) -> None:
    """What the application server of each web service says, a folder a replica where there are several."""
    for world in worlds:
        _write_replica(world, out)


def _write_replica(world: World, out: Output) -> None:
    for container in world.containers.values():
        if container.service.role == "worker":
            continue
        name = container.service.name + (f"/{world.pods[-1].pod}" if world.plan.replicas > 1 else "")
        if world.plan.evidence.server == "uwsgi":
            out.write_log(world.plan, f"{name}/uwsgi.log", _uwsgi(world.plan, container))
            continue
        out.write_log(world.plan, f"{name}/gunicorn-error.log", _errors(world.plan, container), damage=False)
        if world.plan.evidence.gunicorn_access:
            out.write_log(world.plan, f"{name}/gunicorn-access.log", _access(world.plan, container))


def _errors(plan: Plan, container: Container) -> list[Line]:
    """The arbiter writes UTC, the workers write the application's zone, in one file."""
    lines: list[Line] = []
    for start in container.lives.starts[1:]:
        if start.reason != "OOMKilled" and "crash" not in start.reason:
            lines.append(_arbiter(start.at, "Handling signal: term"))
        lines += [_arbiter(start.at + 2, text) for text in (
            "Starting gunicorn 22.0.0", f"Listening at: http://0.0.0.0:{container.service.port} (1)",
            "Using worker: sync")]  # fmt: skip
    for life in container.lives.all:
        if life.constant_mb is None and life.start >= plan.start:
            lines.append(_worker(plan, life, life.start + 3, f"Booting worker with pid: {life.pid}"))
        if life.recycled:
            lines.append(_worker(plan, life, life.end - 0.5, "Autorestarting worker after current request."))
            lines.append(_worker(plan, life, life.end, f"Worker exiting (pid: {life.pid})"))
    return sorted(lines, key=lambda line: line[0])


def _arbiter(at: float, text: str) -> Line:
    return at, f"[{local(at, zone('UTC')):%Y-%m-%d %H:%M:%S %z}] [1] [INFO] {text}"


def _worker(plan: Plan, life: Life, at: float, text: str) -> Line:
    moment = local(at, zone(plan.theme.application_zone))
    return at, f"[{moment:%Y-%m-%d %H:%M:%S %z}] [{life.pid}] [INFO] {text}"


def _access(plan: Plan, container: Container) -> list[Line]:
    """The access log of the application: every address is the proxy's, the zone is the worker's."""
    work, where = container.work, zone(plan.theme.application_zone)
    paths, sizes = paths_of(plan, work), sizes_of(plan, work, plan.stream("gunicorn " + work.service))
    lines = []
    for row in np.flatnonzero(work.slot >= 0).tolist():
        route, end = plan.routes[work.route[row]], float(work.end[row])
        status = 201 if route.method == "POST" else 200
        lines.append((end, f'127.0.0.1 - - [{local(end, where):%d/%b/%Y:%H:%M:%S %z}] "{route.method} {paths[row]} '
                      f'HTTP/1.0" {status} {sizes[row]} "-" "{AGENTS[work.agent[row]]}"'))  # fmt: skip
    return sorted(lines, key=lambda line: line[0])


def _uwsgi(plan: Plan, container: Container) -> list[Line]:
    """One line a request with the memory of its process; the time is the start, in the worker's zone, without it."""
    work, total = container.work, 0
    paths, sizes = paths_of(plan, work), sizes_of(plan, work, plan.stream("uwsgi " + work.service))
    lines: list[Line] = []
    for memory in container.memories:
        rows = memory.life.work
        rss = (memory.steady(work.end[rows]) + memory.leak(work.end[rows]) + container.service.shared_mb) * 1e6
        for number, (row, size) in enumerate(zip(rows.tolist(), rss.tolist(), strict=True), start=1):
            total += 1
            head = _process_part(int(size) // 4096 * 4096, memory.life.pid, number, total)
            method = plan.routes[work.route[row]].method
            lines.append((float(work.end[row]), head + _request_part(plan, work, row, method, paths[row], sizes[row])))
    return sorted(lines, key=lambda line: line[0])


def _process_part(rss: int, pid: int, number: int, total: int) -> str:
    space = 3 * rss
    return (f"{{address space usage: {space} bytes/{space >> 20}MB}} {{rss usage: {rss} bytes/{rss >> 20}MB}} "
            f"[pid: {pid}|app: 0|req: {number}/{total}] 127.0.0.1 () {{38 vars in 611 bytes}} ")  # fmt: skip


def _request_part(plan: Plan, work: Work, row: int, method: str, path: str, size: int) -> str:
    begin, took = local(float(work.begin[row]), zone(plan.theme.application_zone)), work.end[row] - work.begin[row]
    return (f"[{begin:%a %b %e %H:%M:%S %Y}] {method} {path} => generated {size} bytes in {round(took * 1000)} msecs "
            "(HTTP/1.0 200) 4 headers in 120 bytes (1 switches on core 0)")  # fmt: skip
