"""Answers of Prometheus' range API, as JSON: values are strings, gaps are absent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import numpy as np

from floodmark.testing.incidents.traffic import Floats
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


def write_prometheus(worlds: list[World], out: Output) -> None:
    """One file a metric, of the metrics that this case's evidence has."""
    evidence = worlds[0].plan.evidence
    for wanted, metric, measure in (
        (evidence.rss, "container_memory_rss", rss_of),
        (evidence.working_set, "container_memory_working_set_bytes", working_set_of),
        (evidence.usage, "container_memory_usage_bytes", usage_of),
    ):
        if wanted:
            labels = {"__name__": metric, "namespace": "default"}
            _write(out, metric, [series for world in worlds for name in names_of(world)
                                 for series in by_pod(world, {**labels, "container": name},
                                                      *stepped(world, name, measure(world, name)))])  # fmt: skip
    if evidence.rss or evidence.working_set:
        _write_state(worlds, out, "container_processes", dict.fromkeys(names_of(worlds[0]), _processes))
    if evidence.application_gauges:
        _write_application(worlds, out)
    if evidence.rss and any(one.reason not in NEW_POD for world in worlds for one in world.restarts):
        metric = "kube_pod_container_status_restarts_total"
        _write_state(worlds, out, metric, dict.fromkeys(names_of(worlds[0]), _restarts))
    limited = {one.name: _limit for one in worlds[0].plan.services if one.limit_mb}
    if evidence.limits_known and limited:
        _write_state(worlds, out, "container_spec_memory_limit_bytes", limited)


def _write_state(
    worlds: list[World], out: Output, metric: str, measures: Mapping[str, Callable[[World, str], Floats]]
) -> None:
    """A metric of the cluster's state: one series a container, under the name of the pod that runs last."""
    series = []
    for world in worlds:
        for name, measure in measures.items():
            labels = {"__name__": metric, "container": name, "pod": world.pods[-1].pod}
            series.append(Series(labels, *stepped(world, f"{name} {metric}", measure(world, name))))
    _write(out, metric, series)


def _processes(world: World, name: str) -> Floats:
    container = world.containers.get(name)
    return container.memory.processes if container else np.full(len(world.minutes), 1.0)


def _restarts(world: World, name: str) -> Floats:
    kills = [world.plan.at(one.hour) for one in world.restarts if name in one.services and one.reason not in NEW_POD]
    return np.searchsorted(np.array(kills), world.minutes, side="right").astype(np.float64)


def _limit(world: World, name: str) -> Floats:
    return np.full(len(world.minutes), world.containers[name].service.limit_mb * MB)


def _write_application(worlds: list[World], out: Output) -> None:
    """A gauge without a process label, repeated for each view: whichever worker answers the scrape, answers for all."""
    plan = worlds[0].plan
    gauges, heaps = [], []
    for role, keys in (("web", ("list", "page", "slow1")), ("rep", ("rep_pdf", "rep_status"))):
        name = plan.service(role).name
        rss, heap = scraped_process(worlds, name, plan.stream("scraped " + name))
        for key in keys:
            view = plan.route(key).template.strip("/").replace("/", "_").replace("{", "").replace("}", "")
            labels = {"__name__": "django_memory_usage_bytes", "container": name, "view_name": view}
            gauges.append(_known(worlds[0], labels, f"{name} {key}", rss))
        labels = {"__name__": "django_python_heap_bytes", "container": name}
        heaps.append(_known(worlds[0], labels, name + " heap", heap))
    _write(out, "django_memory_usage_bytes", gauges)
    _write(out, "django_python_heap_bytes", heaps)


def _known(world: World, labels: dict[str, str], key: str, values: Floats) -> Series:
    times, values = stepped(world, key, values)
    known = np.isfinite(values)
    return Series(labels, times[known], values[known])


def _write(out: Output, metric: str, series: list[Series]) -> None:
    rows = [{"metric": one.labels, "values": [[int(at), f"{value:.0f}"] for at, value in
                                              zip(one.times.tolist(), one.values.tolist(), strict=True)]}
            for one in series]  # fmt: skip
    answer = {"status": "success", "data": {"resultType": "matrix", "result": rows}}
    text = json.dumps(answer, separators=(",", ":"))
    out.write(f"prometheus/{metric}.json.gz", "metric", text + "\n", sum(len(one.times) for one in series))
