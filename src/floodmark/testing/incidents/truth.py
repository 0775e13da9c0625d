"""`truth.json`: what really happened and what an analyst with this evidence should say of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from floodmark.testing.incidents.plan import Culprit, Plan, Service
from floodmark.testing.incidents.traffic import Floats
from floodmark.testing.incidents.world import World, leaked_by_time

SCHEMA = "floodmark.truth/1"
SHORTEST_HOURS = 10.0
"""Below this a service that nothing is wrong with may be called unknown."""


def truth_of(worlds: list[World], files: list[dict[str, Any]]) -> dict[str, Any]:
    """The truth of a case as JSON; `files` are the rows of what was written. Replicas of a service are summed."""
    plan, expect = worlds[0].plan, worlds[0].plan.expect
    restarts = sorted(((plan.at(one.hour), one) for world in worlds for one in world.restarts), key=lambda row: row[0])
    return {
        "schema": SCHEMA, "variant": plan.family, "seed": plan.seed, "tier": plan.evidence.tier,
        "days": plan.hours / 24.0, "window": {"start": iso(plan.start), "end": iso(plan.end)},
        "incident": _incident(plan), "focus": expect.focus, "no_leak": expect.no_leak,
        "expected_verdicts": list(expect.verdicts), "expected_patterns": list(expect.patterns),
        "expected_abstain": expect.abstain, "metric_invalid": expect.metric_invalid,
        "allowed_kinds": list(expect.allowed_kinds), "allowed_services": [expect.focus, *expect.allowed_beside],
        "inseparable": expect.inseparable,
        "culprits": [_culprit(worlds, one) for one in expect.culprits], "decoys": expect.decoys,
        "victims": expect.victims,
        "zones": {"application": plan.theme.application_zone, "nginx": plan.evidence.access_zone},
        "deploy": expect.deploy, "sibling": expect.sibling,
        "restarts": [{"at": iso(at), "services": list(one.services), "reason": one.reason} for at, one in restarts],
        "replicas": plan.replicas,
        "services": [_service(worlds, one) for one in plan.services] + _bystanders(worlds),
        "endpoints": _endpoints(worlds), "files": files,
        "log_lines": sum(one["lines"] for one in files if one["kind"] == "log"),
    }  # fmt: skip


def iso(seconds: float) -> str:
    """ISO 8601 in UTC with Z, whole seconds."""
    return datetime.fromtimestamp(round(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _incident(plan: Plan) -> dict[str, str | None]:
    end = plan.incident_end_hour
    return {"start": iso(plan.at(plan.incident_hour)), "end": None if end is None else iso(plan.at(end))}


def _culprit(worlds: list[World], culprit: Culprit) -> dict[str, Any]:
    return {
        "service": culprit.service, "kind": culprit.kinds[0], "kinds": list(culprit.kinds), "name": culprit.name,
        "names": list(culprit.names), "share": round(_share(worlds, culprit), 4),
        "mb_per_event": culprit.mb_per_event, "key": culprit.key,
    }  # fmt: skip


def _share(worlds: list[World], culprit: Culprit) -> float:
    """The share of what really leaked in the service that this culprit left; 1 where it has no key."""
    containers = [world.containers[culprit.service] for world in worlds]
    total = sum(one.leaked_mb.sum() for one in containers)
    if culprit.key is None or not total:
        return culprit.share
    index = next(i for i, route in enumerate(worlds[0].plan.routes) if route.key == culprit.key)
    return float(sum(one.leaked_mb[one.work.route == index].sum() for one in containers) / total)


def _service(worlds: list[World], service: Service) -> dict[str, Any]:
    plan, expect, name = worlds[0].plan, worlds[0].plan.expect, service.name
    verdicts, patterns = expect.others.get(name, (("no-leak",), ()))
    if name == expect.focus:
        verdicts, patterns = expect.verdicts, expect.patterns
    elif not _can_be_judged(plan):
        verdicts = tuple(dict.fromkeys([*verdicts, "unknown"]))
    ten_minutes = np.asarray(plan.start + 600.0 * np.arange(round(plan.hours * 6) + 1), dtype=np.float64)
    leaked = np.sum([leaked_by_time(world, name, ten_minutes) for world in worlds], axis=0)
    end = plan.end if plan.incident_end_hour is None else plan.at(plan.incident_end_hour)
    hours = max((end - plan.at(plan.incident_hour)) / 3600.0, 1.0)
    containers = [world.containers[name] for world in worlds]
    return {
        "service": name, "role": service.role, "verdict": verdicts[0], "verdicts": list(verdicts),
        "pattern": patterns[0] if patterns else None, "patterns": list(patterns),
        "leaked_mb_per_hour": round(float(leaked[-1]) / hours, 2),
        "leaked_mb_every_10_min": [round(float(one), 2) for one in leaked] if leaked[-1] > 0 else None,
        "rss_mb_every_30_min": _half_hours([one.memory.rss for one in containers]),
        "without_leak_mb_every_30_min": _half_hours([one.memory.without_leak for one in containers]),
        "restarts": sorted(iso(start.at) for one in containers for start in one.lives.starts[1:]),
    }  # fmt: skip


def _can_be_judged(plan: Plan) -> bool:
    """Whether the evidence holds the memory of the services beside the focus for long enough to clear them."""
    evidence = plan.evidence
    measured = evidence.psutil or evidence.rss or evidence.working_set or evidence.grafana_memory
    return measured and plan.hours >= SHORTEST_HOURS


def _half_hours(series: list[Floats]) -> list[float]:
    return [round(float(one), 1) for one in np.sum(series, axis=0)[::30]]


def _bystanders(worlds: list[World]) -> list[dict[str, Any]]:
    theme = worlds[0].plan.theme
    return [
        {"service": name, "role": role, "verdict": "no-leak", "verdicts": ["no-leak"], "pattern": None,
         "patterns": [], "leaked_mb_per_hour": 0.0, "leaked_mb_every_10_min": None,
         "rss_mb_every_30_min": _half_hours([world.bystanders[name] for world in worlds]),
         "without_leak_mb_every_30_min": None, "restarts": []}
        for name, role in ((theme.nginx, "nginx"), (theme.proxy, "proxy"), (theme.side, "side"))
    ]  # fmt: skip


def _endpoints(worlds: list[World]) -> list[dict[str, Any]]:
    plan = worlds[0].plan
    served = [world.containers[one.name].work for world in worlds for one in plan.services if one.role != "worker"]
    total = sum(len(one.at) for one in served)
    rows = []
    for index, route in enumerate(plan.routes):
        seconds = np.concatenate([(one.logged - one.at)[one.route == index] for one in served])
        if len(seconds):
            rows.append(
                {
                    "name": route.template,
                    "service": route.service,
                    "requests": len(seconds),
                    "share": round(len(seconds) / total, 5),
                    "mean_seconds": round(float(seconds.mean()), 3),
                }
            )
    return rows
