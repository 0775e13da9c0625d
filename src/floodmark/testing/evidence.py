"""Evidence with known truth, as arrays: one web service with workers, traffic and memory, simulated in minutes.

`build(World(...))` gives an `Evidence` and the `Truth` behind it in some milliseconds, without a file. It is meant for
tests of the diagnosis; whole incidents as files are in `testing.incidents`. Memory is in MB here, times in hours from
the start of the window; equal worlds give equal arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from floodmark.evidence.nouns import Dose, DoseKind, Event, Evidence, Floats, Limit, Place, Route, Series

EPOCH = 1_746_403_200.0
"""Start of every window: 2025-05-05 00:00 UTC."""

MINUTES = 60
MB = 1e6
PLACE = Place("access.log", 1)


@dataclass(frozen=True, slots=True)
class Leak:
    """`mb` that stays behind per event of route (or task, or connection) `name`, from hour `start` to `end`."""

    name: str
    mb: float
    start: float = 0.0
    end: float = 1e9


@dataclass(frozen=True, slots=True)
class Burst:
    """`factor` times the traffic of `names` (all where empty) from hour `start` to `end`."""

    factor: float
    start: float
    end: float
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache of `mb` per worker, filled by an exponential in the requests `fill` that the worker served."""

    mb: float
    fill: float
    start: float = 0.0


ROUTES: tuple[tuple[str, float, float], ...] = (
    ("/rest/v1/project/", 1.6, 0.18),
    ("/rest/v1/project/{id}/", 1.2, 0.10),
    ("/rest/v1/indicator/", 1.0, 0.15),
    ("/en/project/{id}/", 0.8, 0.42),
    ("/en/", 0.6, 0.19),
    ("/my/projects/", 0.6, 0.58),
    ("/search/", 0.5, 0.69),
    ("/rest/v1/typeahead/", 0.5, 0.05),
    ("/rest/v1/update/", 0.2, 0.83),
    ("/organisation/{id}/iati/", 0.25, 9.0),
    ("/project/{id}/iati/", 0.15, 3.8),
    ("/project/{id}/archive.zip", 0.08, 3.1),
    ("/internal/reindex/", 0.07, 1.5),
    ("/organisation/{id}/hierarchy/", 0.05, 0.9),
    ("/maps/projects.json", 0.06, 0.8),
)
"""(template, requests a minute, mean seconds) of the service `web`."""

LEAKY = "/organisation/{id}/iati/"
RARE = "/maps/projects.json"


@dataclass(frozen=True, slots=True)
class World:
    """What is simulated. Every default is the quiet case: warmed-up workers, a daily wave, noise, gaps."""

    seed: int = 1
    hours: float = 72.0
    service: str = "web"
    workers: int = 6
    routes: tuple[tuple[str, float, float], ...] = ROUTES
    dose_kind: DoseKind = "endpoint"
    traffic: float = 1.0
    daily: float = 0.5
    bursts: tuple[Burst, ...] = ()
    twins: tuple[tuple[str, str], ...] = ()
    """(route, its twin): the second is always requested with the first."""
    leaks: tuple[Leak, ...] = ()
    background_mb_per_hour: float = 0.0
    background_start: float = 0.0
    caches: tuple[Cache, ...] = ()
    warm_mb: float = 35.0
    warm_requests: float = 60.0
    base_mb: float = 60.0
    noise_mb: float = 0.3
    spike_share: float = 0.003
    restarts: tuple[float, ...] = ()
    """Hours at which all workers begin anew (a deploy); the events say so."""
    max_requests: int = 0
    """A worker is recycled after so many requests (give or take a tenth); 0 is never."""
    saw_mb: float = 0.0
    saw_hours: float = 3.0
    steps: tuple[tuple[float, float], ...] = ()
    """(hour, MB) of single jumps that stay, in one worker each."""
    high_water: tuple[str, float, float] | None = None
    """(route, MB, hour): from then on each request draws a size up to MB; the largest a worker has seen stays in RSS
    but not on Python's heap (fragmentation)."""
    load_mb: float = 0.0
    """MB of the container per request a second above nothing, with half an hour of memory."""
    batch: tuple[float, float, float] | None = None
    """(hour of the day, hours it lasts, MB)."""
    extra_workers: tuple[float, float] | None = None
    """(hour from which a worker is added, workers an hour)."""
    page_cache_mb_per_hour: float = 0.0
    slow: tuple[str, ...] = ()
    """Victims: their duration grows with the memory of the service."""
    slow_all: tuple[float, float] | None = None
    """(hour, seconds) added to every request from then on: what a profiling middleware does."""
    processes: bool = True
    process_step_seconds: int = 120
    container: bool = True
    heap: bool = True
    heap_follows: float = 0.93
    """Share of leak and cache that Python's own heap counter sees (0 for native memory)."""
    gap_share: float = 0.02
    skew_seconds: float = 0.0
    """How far the clock of the metrics is ahead of that of the logs."""
    limit_mb: float = 0.0
    hidden_boots: bool = False
    """True leaves the events of workers out."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened: `leaked_mb` at every minute, as a total over workers, restarts not taken off."""

    leaked_mb: Floats
    hour: Floats
    mb_per_event: dict[str, float] = field(default_factory=dict)

    def rate(self, start: float, end: float) -> float:
        """MB/h that leaked between two times in seconds since the epoch."""
        hours = (np.array([start, end]) - EPOCH) / 3600
        first, last = np.interp(hours, self.hour, self.leaked_mb)
        return float((last - first) / max(hours[1] - hours[0], 1e-9))


@dataclass(frozen=True, slots=True)
class Built:
    """An evidence and the truth behind it."""

    evidence: Evidence
    truth: Truth


@dataclass(slots=True)
class _Worker:
    """One worker slot: requests per route and minute, the minute its life began, its pid and memory a minute."""

    counts: NDArray[np.float64]
    born: NDArray[np.int64]
    pids: NDArray[np.int64]
    leaked: Floats
    heap: Floats
    memory: Floats
    alive_from: int = 0


def build(world: World) -> Built:
    """Simulate `world`. Cost: about 0.1 s for 72 h and 6 workers."""
    rng = np.random.default_rng(world.seed)
    hour = np.arange(int(world.hours * MINUTES)) / MINUTES
    counts = _traffic(world, rng, hour)
    workers = _workers(world, rng, hour, counts)
    total = np.sum([worker.memory for worker in workers], axis=0)
    leaked = np.sum([worker.leaked for worker in workers], axis=0)
    series = (*_process_series(world, rng, hour, workers), *_container_series(world, rng, hour, counts, workers))
    evidence = Evidence(
        window=(EPOCH, EPOCH + world.hours * 3600),
        bin_seconds=60.0,
        series=series,
        doses=tuple(_doses(world, rng, hour, counts, total)),
        events=tuple(_events(world, workers)),
        routes=(Route("/", 8000, world.service, Place("default.conf", 4)),) if world.dose_kind == "endpoint" else (),
        limits=(Limit(world.service, "memory", world.limit_mb * MB, Place("pod.yaml", 9)),) if world.limit_mb else (),
    )
    return Built(evidence, Truth(leaked, hour, {leak.name: leak.mb for leak in world.leaks}))


def join(*parts: Built) -> Evidence:
    """One evidence of several services, over the window of the first."""
    first = parts[0].evidence
    return Evidence(
        window=first.window,
        bin_seconds=first.bin_seconds,
        series=sum((part.evidence.series for part in parts), ()),
        doses=sum((part.evidence.doses for part in parts), ()),
        events=tuple(sorted(sum((part.evidence.events for part in parts), ()), key=lambda event: event.at)),
        routes=sum((part.evidence.routes for part in parts), ()),
        limits=sum((part.evidence.limits for part in parts), ()),
    )


def _traffic(world: World, rng: np.random.Generator, hour: Floats) -> NDArray[np.float64]:
    """Requests per route and minute: a daily wave, slow bursts of each route's own, and the world's bursts."""
    wave = 1.0 + world.daily * np.sin(2 * np.pi * (hour - 8.0) / 24.0)
    names = [name for name, _, _ in world.routes]
    rates = np.array([rate for _, rate, _ in world.routes])[:, None] * wave * world.traffic
    for row in range(len(names)):
        slow = np.repeat(rng.gamma(6.0, 1 / 6.0, len(hour) // 45 + 1), 45)[: len(hour)]
        rates[row] *= slow
    for burst in world.bursts:
        inside = (hour >= burst.start) & (hour < burst.end)
        rows = [row for row, name in enumerate(names) if not burst.names or name in burst.names]
        rates[rows] *= np.where(inside, burst.factor, 1.0)
    counts = rng.poisson(np.maximum(rates, 0)).astype(float)
    for name, twin in world.twins:
        counts[names.index(twin)] = counts[names.index(name)]
    return counts


def _workers(world: World, rng: np.random.Generator, hour: Floats, counts: NDArray[np.float64]) -> list[_Worker]:
    """Share the requests out (unevenly, as gunicorn does) and let each worker's memory follow."""
    born_at = [0] * world.workers
    if world.extra_workers:
        start, rate = world.extra_workers
        born_at += [int((start + k / rate) * MINUTES) for k in range(int((hour[-1] - start) * rate) + 1)]
    share = rng.dirichlet(np.full(len(born_at), 8.0))
    left, weight = counts.copy(), 1.0
    workers = []
    for number, (first, part) in enumerate(zip(born_at, share, strict=True)):
        mine = rng.binomial(left.astype(int), min(part / weight, 1.0)).astype(float)
        left, weight = left - mine, max(weight - part, 1e-9)
        workers.append(_worker(world, rng, hour, mine, number, first))
    for at, size in world.steps:
        worker = workers[int(rng.integers(world.workers))]
        worker.memory[int(at * MINUTES) :] += size
        worker.heap[int(at * MINUTES) :] += size
    return workers


def _worker(
    world: World, rng: np.random.Generator, hour: Floats, mine: NDArray[np.float64], number: int, first: int
) -> _Worker:
    """One worker's lives and its memory in MB: base, warm-up, leaks, caches, high water, saw; noise is the series'."""
    born, pids = _lives(world, rng, hour, mine.sum(axis=0), number, first)
    served = _since(np.cumsum(mine.sum(axis=0)), born)
    old = (born == 0) & (not any(at == 0 for at in world.restarts))
    warm = np.where(old, 1.0, 1.0 - np.exp(-served / world.warm_requests))
    leaked = _leaked(world, hour, mine)
    kept = _since(leaked, born)
    cached = sum((_cached(cache, hour, served, old) for cache in world.caches), np.zeros(len(hour)))
    memory = world.base_mb + world.warm_mb * warm + kept + cached
    memory += _high_water(world, rng, mine, born)
    if world.saw_mb:
        phase = (hour / world.saw_hours + rng.random()) % 1.0
        memory += world.saw_mb * phase
    memory[:first] = 0.0
    return _Worker(mine, born, pids, leaked, 25.0 + world.heap_follows * (kept + cached), memory, first)


def _lives(
    world: World, rng: np.random.Generator, hour: Floats, served: Floats, number: int, first: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The minute at which the life of each minute began, and its pid."""
    begin = np.zeros(len(hour), dtype=bool)
    begin[first] = True
    for at in world.restarts:
        begin[int(at * MINUTES)] = True
    if world.max_requests:
        limit, run = world.max_requests * (0.9 + 0.2 * rng.random()), served[0] + rng.random() * world.max_requests
        for minute in range(1, len(hour)):
            run = 0.0 if begin[minute] else run + served[minute]
            if run > limit:
                begin[minute], run = True, 0.0
                limit = world.max_requests * (0.9 + 0.2 * rng.random())
    minutes = np.where(begin, np.arange(len(hour)), 0)
    return np.maximum.accumulate(minutes), 100 + number + 1000 * np.cumsum(begin)


def _since(cumulated: Floats, born: NDArray[np.int64]) -> Floats:
    before = np.concatenate(([0.0], cumulated))[born]
    return np.asarray(cumulated - before)


def _leaked(world: World, hour: Floats, mine: NDArray[np.float64]) -> Floats:
    """MB that this worker leaked up to each minute, over all its lives."""
    grown = np.where(hour >= world.background_start, world.background_mb_per_hour / MINUTES / world.workers, 0.0)
    names = [name for name, _, _ in world.routes]
    for leak in world.leaks:
        inside = (hour >= leak.start) & (hour < leak.end)
        rows = mine.sum(axis=0) if leak.name == "*" else mine[names.index(leak.name)]
        grown = grown + leak.mb * rows * inside
    return np.cumsum(grown)


def _cached(cache: Cache, hour: Floats, served: Floats, old: NDArray[np.bool_]) -> Floats:
    first = int(np.searchsorted(hour, cache.start))
    before = served[first] if cache.start else 0.0
    filled = np.maximum(np.where(hour >= cache.start, served - before * old, 0.0), 0.0)
    return np.asarray(cache.mb * (1.0 - np.exp(-filled / cache.fill)))


def _high_water(world: World, rng: np.random.Generator, mine: NDArray[np.float64], born: NDArray[np.int64]) -> Floats:
    level = np.zeros(mine.shape[1])
    if world.high_water is None:
        return level
    name, top, start = world.high_water
    row = [route for route, _, _ in world.routes].index(name)
    late = np.arange(mine.shape[1]) >= start * MINUTES
    size = np.where((mine[row] > 0) & late, top * rng.beta(1.2, 3.0, mine.shape[1]), 0.0)
    for first in np.unique(born):
        life = born == first
        level[life] = np.maximum.accumulate(size[life])
    return level


def _process_series(world: World, rng: np.random.Generator, hour: Floats, workers: list[_Worker]) -> Iterator[Series]:
    """PSS of every process: one series a life, sampled every `process_step_seconds`, spikes and noise included.

    What happens in a minute is seen at its end.
    """
    if not world.processes:
        return
    step = world.process_step_seconds / 60.0
    at = np.arange(0, len(hour), step)
    for worker in workers:
        minute = at.astype(int)
        seen = (minute >= worker.alive_from) & (rng.random(len(at)) >= world.gap_share)
        spike = np.where(rng.random(len(at)) < world.spike_share, rng.gamma(2.0, 15.0, len(at)), 0.0)
        value = worker.memory[minute] + spike + rng.normal(0, world.noise_mb, len(at))
        for pid in np.unique(worker.pids[minute[seen]]):
            life = seen & (worker.pids[minute] == pid)
            yield Series(
                world.service, "pod-1", str(pid), "pss", "pss_bytes", Place("processes.csv", 2),
                EPOCH + (at[life] + 1.0) * 60.0 + world.skew_seconds, np.maximum(value[life], 1.0) * MB,
            )  # fmt: skip


def _container_series(
    world: World, rng: np.random.Generator, hour: Floats, counts: NDArray[np.float64], workers: list[_Worker]
) -> Iterator[Series]:
    """RSS, usage, number of processes and the heap counter of the container, once a minute with gaps."""
    at = EPOCH + hour * 3600.0 + 60.0 + world.skew_seconds
    total = np.sum([worker.memory for worker in workers], axis=0) + 40.0 + _load(world, hour, counts)
    seen = rng.random(len(hour)) >= world.gap_share
    noisy = (total + rng.normal(0, 2 * world.noise_mb, len(hour))) * MB
    file_cache = (30.0 + world.page_cache_mb_per_hour * hour + 5 * np.sin(hour / 3)) * MB
    alive = np.sum([np.arange(len(hour)) >= worker.alive_from for worker in workers], axis=0) + 1.0
    rows = [("processes", "container_processes", alive)]
    if world.container:
        rows += [("rss", "container_memory_rss", noisy), ("usage", "container_memory_usage_bytes", noisy + file_cache)]
    if world.heap:
        pick = rng.integers(0, world.workers, len(hour))
        heaps = np.array([worker.heap for worker in workers])[pick, np.arange(len(hour))]
        rows.append(("heap", "python_heap_bytes", (heaps + rng.normal(0, 0.5, len(hour))) * MB))
    for measure, metric, value in rows:
        yield Series(world.service, "pod-1", None, measure, metric, Place(f"{metric}.json"), at[seen], value[seen])


def _load(world: World, hour: Floats, counts: NDArray[np.float64]) -> Floats:
    """Memory that follows the requests of the last half hour and returns; and the nightly batch."""
    level = np.zeros(len(hour))
    if world.load_mb:
        fade = np.exp(-np.arange(180) / 30.0)
        rate = np.convolve(counts.sum(axis=0) / 60.0, fade / fade.sum())[: len(hour)]
        level += world.load_mb * rate
    if world.batch:
        start, lasts, size = world.batch
        level += size * (((hour - start) % 24.0) < lasts)
    return level


def _doses(
    world: World, rng: np.random.Generator, hour: Floats, counts: NDArray[np.float64], total: Floats
) -> Iterator[Dose]:
    """One dose a route; durations are drawn around the mean, longer where the world says so."""
    first = int(EPOCH // 60)
    for row, (name, _, mean) in enumerate(world.routes):
        minute = np.flatnonzero(counts[row] > 0)
        starts = counts[row, minute]
        each = mean * rng.gamma(4.0 * starts) / (4.0 * starts)
        if name in world.slow:
            each *= np.maximum(total / total[0], 1.0)[minute] ** 2
        if world.slow_all is not None:
            each += np.where(hour[minute] >= world.slow_all[0], world.slow_all[1], 0.0)
        yield Dose(
            service=world.service, kind=world.dose_kind, name=name, place=Place("access.log", row + 1),
            bin=first + minute, starts=starts, seconds=starts * each, bytes_out=starts * 2e4,
            failed=np.zeros(len(minute)),
        )  # fmt: skip
    if world.dose_kind == "endpoint":
        every = np.arange(len(hour))
        ones = np.ones(len(every))
        yield Dose(
            service=world.service, kind="endpoint", name="/metrics", place=Place("access.log", 99), bin=first + every,
            starts=ones, seconds=0.03 * ones, bytes_out=2e4 * ones, failed=0 * ones, monitoring=True,
        )  # fmt: skip


def _events(world: World, workers: list[_Worker]) -> Iterator[Event]:
    rows = [
        Event(EPOCH + at * 3600, "start", world.service, "pod-1", None, "Started container", Place("events.txt", k + 1))
        for k, at in enumerate(world.restarts)
    ]
    if not world.hidden_boots:
        for worker in workers:
            changed = np.flatnonzero(np.diff(worker.pids)) + 1
            rows += [
                Event(EPOCH + minute * 60.0, "worker-boot", world.service, "pod-1", str(worker.pids[minute]),
                      f"Booting worker with pid: {worker.pids[minute]}", Place("gunicorn-error.log", int(minute)))
                for minute in changed
            ]  # fmt: skip
    yield from sorted(rows, key=lambda event: (event.at, event.process or ""))
