"""What a scrape of a container reads at each step, with the gaps that scraping has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.testing.incidents.theme import Random
from floodmark.testing.incidents.traffic import Floats
from floodmark.testing.incidents.world import World

MB = 1e6


@dataclass(frozen=True)
class Series:
    """One line of a graph: labels, times (seconds since the epoch) and values; values in the metric's own unit."""

    labels: dict[str, str]
    times: Floats
    values: Floats


def rss_of(world: World, name: str) -> Floats:
    """Anonymous memory a minute, bytes."""
    if name in world.containers:
        return world.containers[name].memory.rss * MB
    return world.bystanders[name] * MB


def working_set_of(world: World, name: str) -> Floats:
    """RSS and the active part of the file cache, bytes."""
    active = world.stream("active " + name).uniform(0.25, 0.5)
    if name == world.plan.expect.focus and world.plan.page_cache_mb_per_hour:
        active = 0.75
    return rss_of(world, name) + active * world.caches[name] * MB


def usage_of(world: World, name: str) -> Floats:
    """RSS and all file cache, bytes."""
    return rss_of(world, name) + world.caches[name] * MB


def names_of(world: World) -> list[str]:
    """Every container of the pod, those that work first."""
    return [*world.containers, *world.bystanders]


def present(world: World, key: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which minutes were scraped: two gaps that all series share, and single scrapes that each misses for itself."""
    shared, own = world.plan.stream("scrape gaps"), world.stream("dropouts " + key)
    count = len(world.minutes)
    keep = own.random(count) > own.uniform(0.002, 0.015)
    for length in (41, 8):
        if count > 600:
            first = int(shared.integers(60, count - 100))
            keep[first : first + length - 1] = False
    return np.asarray(keep)


def stepped(world: World, key: str, values: Floats) -> tuple[Floats, Floats]:
    """Times and values at the step of this case's exports."""
    step = max(world.plan.evidence.step_seconds // 60, 1)
    keep = present(world, key)
    keep &= np.arange(len(keep)) % step == 0
    return world.minutes[keep], values[keep]


def by_pod(world: World, labels: dict[str, str], times: Floats, values: Floats) -> list[Series]:
    """A series a pod: a deploy ends one and begins another under the same container's name."""
    edges = [*(pod.at for pod in world.pods), np.inf]
    series = []
    for pod, first, last in zip(world.pods, edges, edges[1:], strict=False):
        inside = (times >= first) & (times < last)
        if inside.any():
            series.append(Series({**labels, "pod": pod.pod}, times[inside], values[inside]))
    return series


def scraped_process(worlds: list[World], name: str, random: Random) -> tuple[Floats, Floats]:
    """Bytes that the application's own gauge shows: each scrape meets one of the workers. (RSS, Python heap)"""
    minutes, service = worlds[0].minutes, worlds[0].containers[name].service
    served = [memory for world in worlds for memory in world.containers[name].memories
              if memory.life.constant_mb is None]  # fmt: skip
    rss, heap = np.full(len(minutes), np.nan), np.full(len(minutes), np.nan)
    alive = np.array([memory.alive(minutes) for memory in served])
    order = np.cumsum(alive, axis=0)
    chosen = (order > (random.random(len(minutes)) * np.maximum(order[-1], 1)).astype(int)) & alive
    which = np.where(chosen.any(axis=0), np.argmax(chosen, axis=0), -1)
    for index, memory in enumerate(served):
        rows = np.flatnonzero(which == index)
        leak = memory.leak(minutes[rows])
        rss[rows] = (memory.steady(minutes[rows]) + leak + service.shared_mb) * MB
        noise = random.normal(0.0, 0.8, len(rows))
        heap[rows] = (0.25 * memory.life.base_mb + service.heap_share * leak + noise) * MB
    return rss, heap
