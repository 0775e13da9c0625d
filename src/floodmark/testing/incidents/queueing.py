"""Sync workers behind a proxy: requests wait for a free worker, clients lose patience, proxies time out.

The victims of a slow route come from here: an innocent request that waits 60 s is logged 504 like a guilty one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.testing.incidents.plan import WORKER, Plan, Service
from floodmark.testing.incidents.theme import Random
from floodmark.testing.incidents.traffic import Arrivals, Floats, Ints

BACKLOG_SECONDS = 2.0
"""How long a restarting container refuses connections before its workers have booted."""


@dataclass
class Work:
    """What one service did: arrays of equal length, in order of arrival."""

    service: str
    at: Floats
    """When it arrived."""
    route: Ints
    client: Ints
    agent: Ints
    begin: Floats
    """When a worker took it up."""
    end: Floats
    """When the worker was done with it, which may be after the client has gone."""
    logged: Floats
    """When the proxy wrote its line."""
    status: Ints
    slot: Ints
    """Which worker did it; -1 where none came to its end. Only what came to its end can leak."""
    held_mb: Floats
    """Memory held while it ran."""


def serve(plan: Plan, service: Service, arrivals: Arrivals, restarts: list[float], random: Random) -> Work:
    """Run the queue of one service. `restarts` are times at which all its workers die."""
    chosen = np.array([plan.routes[index].service == service.name for index in arrivals.route], dtype=bool)
    mine = Arrivals(*(getattr(arrivals, name)[chosen] for name in ("at", "route", "client", "agent")))
    seconds = _durations(plan, service, mine, random)
    begin, end, slot = _queue(mine.at, seconds, service.workers, restarts, random)
    work = Work(
        service.name, mine.at, mine.route, mine.client, mine.agent, begin, end, end.copy(),
        _statuses(plan, mine, random), slot, _held(plan, mine, random),
    )  # fmt: skip
    if service.role != WORKER:
        _give_up(work, service, restarts, random)
    work.slot = np.where(np.isfinite(end), slot, -1)
    return work


def _durations(plan: Plan, service: Service, mine: Arrivals, random: Random) -> Floats:
    mean = np.array([route.seconds for route in plan.routes])[mine.route]
    sigma = np.array([route.sigma for route in plan.routes])[mine.route]
    seconds = mean * np.exp(random.normal(0.0, 1.0, len(mean)) * sigma - sigma**2 / 2.0)
    hours = (mine.at - plan.start) / 3600.0
    for slowdown in plan.slowdowns:
        if slowdown.service == service.name:
            part = np.clip((hours - slowdown.start_hour) / (slowdown.end_hour - slowdown.start_hour), 0.0, 1.0)
            part[hours > slowdown.end_hour] = 0.0
            seconds = seconds * (1.0 + (slowdown.factor - 1.0) * part)
    if plan.profiling and service.role != WORKER:
        since, share, extra = plan.profiling
        hit = (hours >= since) & (random.random(len(seconds)) < share)
        seconds = seconds + np.where(hit, extra * random.lognormal(0.0, 0.15, len(seconds)), 0.0)
    return np.asarray(np.maximum(seconds, 0.004))


def _queue(
    at: Floats, seconds: Floats, workers: int, restarts: list[float], random: Random
) -> tuple[Floats, Floats, Ints]:
    """First come, first served; an idle worker with a low number is a little more likely to be taken."""
    free = [0.0] * workers
    begin, end, slot = np.empty(len(at)), np.empty(len(at)), np.empty(len(at), dtype=np.int64)
    draws = random.random(len(at)) ** 1.35
    ahead = sorted(restarts, reverse=True)
    for index, (now, needs) in enumerate(zip(at.tolist(), seconds.tolist(), strict=True)):
        while ahead and ahead[-1] <= now:
            free = [ahead.pop() + BACKLOG_SECONDS] * workers
        idle = [worker for worker, until in enumerate(free) if until <= now]
        worker = idle[int(len(idle) * draws[index])] if idle else free.index(min(free))
        start = max(now, free[worker])
        begin[index], slot[index] = start, worker
        # Infinite: killed in mid-request, or still queued when the container died.
        end[index] = np.inf if ahead and start + needs > ahead[-1] else start + needs
        free[worker] = min(start + needs, ahead[-1] if ahead else np.inf)
    return begin, end, slot


def _statuses(plan: Plan, mine: Arrivals, random: Random) -> Ints:
    draw = random.random(len(mine.at))
    posts = np.array([route.method == "POST" for route in plan.routes])[mine.route]
    status = np.where(posts, 201, 200)
    status[draw < 0.019] = 304
    status[draw < 0.007] = 403
    status[draw < 0.002] = 404
    return status.astype(np.int64)


def _held(plan: Plan, mine: Arrivals, random: Random) -> Floats:
    mean = np.array([route.transient_mb for route in plan.routes])[mine.route]
    return np.asarray(mean * random.lognormal(-0.18, 0.6, len(mean)))


def _give_up(work: Work, service: Service, restarts: list[float], random: Random) -> None:
    """Where the answer comes too late: 499 for the client's patience, 504 for the proxy's, 502 for a dead worker."""
    patience = work.at + np.where(random.random(len(work.at)) < 0.12, 30.0, 1e9)
    proxy = work.at + service.read_timeout_seconds
    dead = ~np.isfinite(work.end)
    deaths = np.append(np.sort(np.asarray(restarts, dtype=np.float64)), np.inf)
    answer = np.where(dead, deaths[np.searchsorted(deaths, work.at)], work.end)
    work.logged = np.minimum(np.minimum(answer, patience), proxy)
    work.status = np.where(dead, 502, work.status)
    work.status = np.where(proxy < np.minimum(answer, patience), 504, work.status)
    work.status = np.where(patience < np.minimum(answer, proxy), 499, work.status)


def retried(plan: Plan, works: list[Work], random: Random) -> list[Arrivals]:
    """What clients ask again for after a failure, some seconds later: victims come twice."""
    again = []
    for work in works:
        failed = np.flatnonzero((work.status >= 499) & (random.random(len(work.at)) < plan.retries))
        at = work.logged[failed] + random.uniform(2.0, 45.0, len(failed))
        keep = at < plan.end
        chosen = failed[keep]
        again.append(Arrivals(at[keep], work.route[chosen], work.client[chosen], work.agent[chosen]))
    return again
