"""Answers of Prometheus' range API, as JSON: values are strings, gaps are absent."""

from __future__ import annotations

import json

import numpy as np

from floodmark.testing.incidents.world import NEW_POD, World
from floodmark.testing.incidents.writers.files import Output
from floodmark.testing.incidents.writers.samples import (
    MB,
    Series,
    by_pod,
    names_of,
    rss_of,
    scraped_process,
    stepped,
    usage_of,
    working_set_of,
)


def write_prometheus(world: World, out: Output) -> None:
    """One file a metric, of the metrics that this case's evidence has."""
    evidence = world.plan.evidence
    for wanted, metric, measure in (
        (evidence.rss, "container_memory_rss", rss_of),
        (evidence.working_set, "container_memory_working_set_bytes", working_set_of),
        (evidence.usage, "container_memory_usage_bytes", usage_of),
    ):
        if wanted:
            series = [one for name in names_of(world) for one in by_pod(
                world, {"__name__": metric, "container": name, "namespace": "default"},
                *stepped(world, name, measure(world, name)))]  # fmt: skip
            _write(out, metric, series)
    if evidence.rss or evidence.working_set:
        _write(out, "container_processes", _processes(world))
    if evidence.application_gauges:
        _write_application(world, out)
    kills = [one for one in world.restarts if one.reason not in NEW_POD]
    if kills and evidence.rss:
        _write(out, "kube_pod_container_status_restarts_total", _restart_counters(world))
    if evidence.limits_known and any(one.service.limit_mb for one in world.containers.values()):
        _write(out, "container_spec_memory_limit_bytes", _limits(world))


def _processes(world: World) -> list[Series]:
    series = []
    for name in names_of(world):
        container = world.containers.get(name)
        count = container.memory.processes if container else np.full(len(world.minutes), 1.0)
        times, values = stepped(world, name, count)
        labels = {"__name__": "container_processes", "container": name, "pod": world.pods[-1].pod}
        series.append(Series(labels, times, values))
    return series


def _write_application(world: World, out: Output) -> None:
    """A gauge without a process label, repeated for each view: whichever worker answers the scrape, answers for all."""
    plan = world.plan
    gauges, heaps = [], []
    for role, keys in (("web", ("list", "page", "slow1")), ("rep", ("rep_pdf", "rep_status"))):
        container = next((one for one in world.containers.values() if one.service.role == role), None)
        if container is None:
            continue
        name = container.service.name
        rss, heap = scraped_process(world, name, plan.stream("scraped " + name))
        for key in keys:
            view = plan.route(key).template.strip("/").replace("/", "_").replace("{", "").replace("}", "")
            times, values = stepped(world, f"{name} {key}", rss)
            known = np.isfinite(values)
            gauges.append(Series({"__name__": "django_memory_usage_bytes", "container": name, "view_name": view},
                                 times[known], values[known]))  # fmt: skip
        times, values = stepped(world, name + " heap", heap)
        known = np.isfinite(values)
        heaps.append(Series({"__name__": "django_python_heap_bytes", "container": name}, times[known], values[known]))
    _write(out, "django_memory_usage_bytes", gauges)
    _write(out, "django_python_heap_bytes", heaps)


def _restart_counters(world: World) -> list[Series]:
    series = []
    for name in names_of(world):
        kills = np.array([world.plan.at(one.hour) for one in world.restarts
                          if name in one.services and one.reason not in NEW_POD])  # fmt: skip
        count = np.searchsorted(kills, world.minutes, side="right").astype(np.float64)
        times, values = stepped(world, name + " restarts", count)
        labels = {"__name__": "kube_pod_container_status_restarts_total", "container": name, "pod": world.pods[-1].pod}
        series.append(Series(labels, times, values))
    return series


def _limits(world: World) -> list[Series]:
    return [
        Series({"__name__": "container_spec_memory_limit_bytes", "container": name, "pod": world.pods[-1].pod},
               *stepped(world, name + " limit", np.full(len(world.minutes), one.service.limit_mb * MB)))
        for name, one in world.containers.items() if one.service.limit_mb
    ]  # fmt: skip


def _write(out: Output, metric: str, series: list[Series]) -> None:
    rows = [{"metric": one.labels, "values": [[int(at), f"{value:.0f}"] for at, value in
                                              zip(one.times.tolist(), one.values.tolist(), strict=True)]}
            for one in series]  # fmt: skip
    answer = {"status": "success", "data": {"resultType": "matrix", "result": rows}}
    text = json.dumps(answer, separators=(",", ":"))
    out.write(f"prometheus/{metric}.json.gz", "metric", text + "\n", sum(len(one.times) for one in series))
