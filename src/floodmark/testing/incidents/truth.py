"""`truth.json`: what really happened and what an analyst with this evidence should say of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from floodmark.testing.incidents.plan import Culprit, Plan, Route
from floodmark.testing.incidents.world import Container, World, leaked_by_time

SCHEMA = "floodmark.truth/1"


def truth_of(world: World, files: list[dict[str, Any]]) -> dict[str, Any]:
    """The truth of a case as JSON; `files` are the rows of what was written."""
    plan, expect = world.plan, world.plan.expect
    return {
        "schema": SCHEMA, "variant": plan.family, "seed": plan.seed, "tier": plan.evidence.tier,
        "days": plan.hours / 24.0, "window": {"start": iso(plan.start), "end": iso(plan.end)},
        "incident": _incident(plan), "focus": expect.focus, "no_leak": expect.no_leak,
        "expected_verdicts": list(expect.verdicts), "expected_patterns": list(expect.patterns),
        "expected_abstain": expect.abstain, "metric_invalid": expect.metric_invalid,
        "allowed_kinds": list(expect.allowed_kinds), "inseparable": expect.inseparable,
        "culprits": [_culprit(world, one) for one in expect.culprits], "decoys": expect.decoys,
        "victims": expect.victims,
        "zones": {"application": plan.theme.application_zone, "nginx": plan.evidence.access_zone},
        "deploy": expect.deploy, "sibling": expect.sibling,
        "restarts": [{"at": iso(plan.at(one.hour)), "services": list(one.services), "reason": one.reason}
                     for one in world.restarts],
        "services": [_service(world, one) for one in world.containers.values()] + _bystanders(world),
        "endpoints": _endpoints(world), "files": files,
        "log_lines": sum(one["lines"] for one in files if one["kind"] == "log"),
    }  # fmt: skip


def iso(seconds: float) -> str:
    """ISO 8601 in UTC with Z, whole seconds."""
    return datetime.fromtimestamp(round(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _incident(plan: Plan) -> dict[str, str | None]:
    end = plan.incident_end_hour
    return {"start": iso(plan.at(plan.incident_hour)), "end": None if end is None else iso(plan.at(end))}


def _culprit(world: World, culprit: Culprit) -> dict[str, Any]:
    return {
        "service": culprit.service, "kind": culprit.kinds[0], "kinds": list(culprit.kinds), "name": culprit.name,
        "names": list(culprit.names), "share": round(_share(world, culprit), 4),
        "mb_per_event": culprit.mb_per_event, "key": culprit.key,
    }  # fmt: skip


def _share(world: World, culprit: Culprit) -> float:
    """The share of what really leaked in the service that this culprit left; 1 where it has no key."""
    container = world.containers.get(culprit.service)
    if container is None or culprit.key is None or not container.leaked_mb.sum():
        return culprit.share
    index = next(i for i, route in enumerate(world.plan.routes) if route.key == culprit.key)
    return float(container.leaked_mb[container.work.route == index].sum() / container.leaked_mb.sum())


def _service(world: World, container: Container) -> dict[str, Any]:
    plan, expect, name = world.plan, world.plan.expect, container.service.name
    verdicts, patterns = expect.others.get(name, (("no-leak",), ()))
    if name == expect.focus:
        verdicts, patterns = expect.verdicts, expect.patterns
    ten_minutes = np.asarray(plan.start + 600.0 * np.arange(round(plan.hours * 6) + 1), dtype=np.float64)
    leaked = leaked_by_time(world, name, ten_minutes)
    end = plan.end if plan.incident_end_hour is None else plan.at(plan.incident_end_hour)
    hours = max((end - plan.at(plan.incident_hour)) / 3600.0, 1.0)
    return {
        "service": name, "role": container.service.role, "verdict": verdicts[0], "verdicts": list(verdicts),
        "pattern": patterns[0] if patterns else None, "patterns": list(patterns),
        "leaked_mb_per_hour": round(float(leaked[-1]) / hours, 2),
        "leaked_mb_every_10_min": [round(float(one), 2) for one in leaked] if leaked[-1] > 0 else None,
        "rss_mb_every_30_min": [round(float(one), 1) for one in container.memory.rss[::30]],
        "without_leak_mb_every_30_min": [round(float(one), 1) for one in container.memory.without_leak[::30]],
        "restarts": [iso(start.at) for start in container.lives.starts[1:]],
    }  # fmt: skip


def _bystanders(world: World) -> list[dict[str, Any]]:
    roles = {world.plan.theme.nginx: "nginx", world.plan.theme.proxy: "proxy", world.plan.theme.side: "side"}
    return [
        {"service": name, "role": roles[name], "verdict": "no-leak", "verdicts": ["no-leak"], "pattern": None,
         "patterns": [], "leaked_mb_per_hour": 0.0, "leaked_mb_every_10_min": None,
         "rss_mb_every_30_min": [round(float(one), 1) for one in series[::30]],
         "without_leak_mb_every_30_min": None, "restarts": []}
        for name, series in world.bystanders.items()
    ]  # fmt: skip


def _endpoints(world: World) -> list[dict[str, Any]]:
    served = [one for one in world.containers.values() if one.service.role != "worker"]
    total = sum(len(one.work.at) for one in served)
    return [_endpoint(one, index, route, total) for one in served for index, route in enumerate(world.plan.routes)
            if (one.work.route == index).any()]  # fmt: skip


def _endpoint(container: Container, index: int, route: Route, total: int) -> dict[str, Any]:
    mine = container.work.route == index
    seconds = float((container.work.logged - container.work.at)[mine].mean())
    return {"name": route.template, "service": route.service, "requests": int(mine.sum()),
            "share": round(float(mine.sum()) / total, 5), "mean_seconds": round(seconds, 3)}  # fmt: skip
