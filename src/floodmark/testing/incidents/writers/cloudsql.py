"""The database proxy: one pair of lines a request, because Django opens a connection for each (CONN_MAX_AGE 0)."""

from __future__ import annotations

import json

import numpy as np

from floodmark.testing.incidents.memory import kept_connection
from floodmark.testing.incidents.world import World
from floodmark.testing.incidents.writers.files import Line, Output, local, rfc3339, zone

NO_DATABASE = ("thumb", "rep_status", "metrics", "rep_metrics")


def write_cloudsql(worlds: list[World], out: Output) -> None:
    """The log of the proxy, version 1 (text) or 2 (structured)."""
    plan = worlds[0].plan
    instance = f"{plan.theme.project}:{plan.theme.region}:{plan.theme.database}"
    lines = [line for world in worlds for line in _connections(world, instance)]
    lines += [(at, f"ephemeral certificate for instance {instance} will expire soon, refreshing now.")
              for at in np.arange(plan.start + 1800.0, plan.end, 3300.0).tolist()]  # fmt: skip
    lines.sort(key=lambda line: line[0])
    folder = plan.theme.proxy if plan.evidence.layout != "b" else f"logs/{plan.theme.proxy}"
    if plan.evidence.proxy_version == 2:
        texts = [(at, _structured(at, text)) for at, text in lines]
        out.write_log(plan, f"{folder}/proxy.log", texts)
        return
    where = zone("UTC")
    out.write_log(
        plan, f"{folder}/proxy.log", [(at, f"{local(at, where):%Y/%m/%d %H:%M:%S} {text}") for at, text in lines]
    )


def _connections(world: World, instance: str) -> list[Line]:
    plan = world.plan
    idle = np.array([route.key in NO_DATABASE for route in plan.routes])
    leaking = {leak.service for leak in plan.leaks if leak.source == "connection"}
    lines: list[Line] = []
    for container in world.containers.values():
        work = container.work
        deaths = np.append([start.at for start in container.lives.starts[1:]], np.inf)
        kept = kept_connection(plan, work) & (container.service.name in leaking)
        closes = np.where(np.isfinite(work.end) & ~kept, work.end, deaths[np.searchsorted(deaths, work.begin)])
        for row in np.flatnonzero(~idle[work.route] & np.isfinite(work.begin)).tolist():
            lines.append((float(work.begin[row]), _opened(plan.evidence.proxy_version, instance, row)))
            if closes[row] < plan.end:
                lines.append((float(closes[row]), _closed(plan.evidence.proxy_version, instance)))
    return [line for line in lines if plan.start <= line[0] < plan.end]


def _opened(version: int, instance: str, row: int) -> str:
    if version == 2:
        return f"[{instance}] Accepted connection from 127.0.0.1:{32768 + row % 28000}"
    return f'New connection for "{instance}"'


def _closed(version: int, instance: str) -> str:
    return (
        f"[{instance}] client closed the connection"
        if version == 2
        else "Client closed local connection on 127.0.0.1:5432"
    )


def _structured(at: float, text: str) -> str:
    return json.dumps({"severity": "INFO", "timestamp": rfc3339(at, 3), "message": text})
