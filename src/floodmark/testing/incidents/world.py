"""Run a plan: arrivals -> queues -> lives -> memory. What comes out is everything that happened, seen by nobody yet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from floodmark.testing.incidents.lives import Lives, Start, lives_of
from floodmark.testing.incidents.memory import ContainerMemory, Memory, container_memory, leaked_by, time_leak
from floodmark.testing.incidents.plan import Plan, Restart, Service
from floodmark.testing.incidents.queueing import Work, retried, serve
from floodmark.testing.incidents.theme import Random
from floodmark.testing.incidents.traffic import Arrivals, Floats, arrivals_of, joined

MAX_OOM_KILLS = 40
LONG_BEFORE_SECONDS = 3 * 86_400.0
"""The containers that run when the window opens started so long before."""
NEW_POD = ("deploy", "rollout")


@dataclass
class Container:
    """What happened to one service."""

    service: Service
    work: Work
    lives: Lives
    memories: list[Memory]
    memory: ContainerMemory
    leaked_mb: Floats


@dataclass
class World:
    """Everything that happened in one pod of a case, and in those that replaced it."""

    plan: Plan
    replica: int
    minutes: Floats
    containers: dict[str, Container]
    restarts: list[Restart]
    """With the kills that memory brought about, in order of time."""
    pods: list[Start]
    """The pods one after the other."""
    bystanders: dict[str, Floats] = field(default_factory=dict)
    """RSS of containers that serve nothing: the proxy, nginx, a sidecar; MB a minute."""
    caches: dict[str, Floats] = field(default_factory=dict)
    """File cache of each container, MB a minute."""

    def stream(self, name: str) -> Random:
        """A stream of random numbers of this replica's own."""
        return self.plan.stream(f"{name} of {self.replica}")


def run(plan: Plan) -> list[World]:
    """Let the plan happen: a world for each replica, which share the requests. Equal plans give equal worlds."""
    restarts = sorted(plan.restarts, key=lambda one: one.hour)
    arrivals = arrivals_of(plan)
    if plan.follows_memory:
        arrivals = arrivals_of(plan, _level(plan, arrivals, restarts))
    arrivals = _with_retries(plan, arrivals, restarts)
    share = plan.stream("balancer").integers(0, plan.replicas, len(arrivals.at))
    return [_replica(plan, number, arrivals.chosen(share == number), restarts) for number in range(plan.replicas)]


def _replica(plan: Plan, number: int, arrivals: Arrivals, restarts: list[Restart]) -> World:
    # A rollout reaches the replicas one after the other.
    mine = [replace(one, hour=one.hour + 1.5 * number / 60.0) for one in restarts]
    world = World(plan, number, plan.minutes, {}, [], [])
    world.pods = _pods(world, mine)
    kills: list[Restart] = []
    for service in plan.services:
        world.containers[service.name], killed = _until_it_fits(world, service, arrivals, mine)
        kills += killed
    world.restarts = sorted([*mine, *kills], key=lambda one: one.hour)
    _bystanders(world)
    return world


def _times(restarts: list[Restart], service: Service, plan: Plan) -> list[float]:
    return [plan.at(one.hour) for one in restarts if service.name in one.services]


def _with_retries(plan: Plan, arrivals: Arrivals, restarts: list[Restart]) -> Arrivals:
    random = plan.stream("retries")
    works = []
    for service in plan.services:
        if service.role != "worker":
            all_workers = replace(service, workers=service.workers * plan.replicas)
            times = _times(restarts, service, plan)
            works.append(serve(plan, all_workers, arrivals, times, plan.stream("first queue " + service.role)))
    return joined([arrivals, *retried(plan, works, random)]).sorted()


def _level(plan: Plan, arrivals: Arrivals, restarts: list[Restart]) -> Floats:
    """The leaked level of the focus, 0 to 1 a minute: what impatient clients feel."""
    service = next(one for one in plan.services if one.name == plan.expect.focus)
    world = World(plan, 0, plan.minutes, {}, [], [])
    world.pods = _pods(world, restarts)
    container = _happen(world, service, arrivals, restarts)
    level = container.memory.rss - container.memory.without_leak
    return np.asarray(np.clip(level / max(float(level.max()), 1e-9), 0.0, 1.0))


def _until_it_fits(
    world: World, service: Service, arrivals: Arrivals, restarts: list[Restart]
) -> tuple[Container, list[Restart]]:
    """Kill the container each time it outgrows its limit, and let the rest happen again after that."""
    plan = world.plan
    kills: list[Restart] = []
    while True:
        container = _happen(world, service, arrivals, [*restarts, *kills])
        after = plan.at(kills[-1].hour) + 120.0 if kills else -np.inf
        over = np.flatnonzero((container.memory.rss > (service.limit_mb or np.inf)) & (world.minutes > after))
        if not len(over) or len(kills) == MAX_OOM_KILLS:
            return container, kills
        hour = (world.minutes[over[0]] - plan.start + 7.0) / 3600.0
        kills.append(Restart(hour, (service.name,), "OOMKilled"))


def _happen(world: World, service: Service, arrivals: Arrivals, restarts: list[Restart]) -> Container:
    plan, role = world.plan, service.role
    work = serve(plan, service, arrivals, _times(restarts, service, plan), world.stream("queue " + role))
    leaked = leaked_by(plan, service, work, world.stream("leak " + role))
    starts = _starts(plan, service, restarts, world.pods)
    lives = lives_of(plan, service, work, starts, world.stream("lives " + role))
    memories = [Memory(plan, service, life, work, leaked) for life in lives.all]
    memory = container_memory(memories, lives, world.minutes, world.stream("noise " + role))
    return Container(service, work, lives, memories, memory, leaked)


def _starts(plan: Plan, service: Service, restarts: list[Restart], pods: list[Start]) -> list[Start]:
    mine = sorted((one for one in restarts if service.name in one.services), key=lambda one: one.hour)
    first = Start(plan.start - LONG_BEFORE_SECONDS, pods[0].pod, "long before")
    return [first] + [Start(plan.at(one.hour), pod_at(pods, plan.at(one.hour)), one.reason) for one in mine]


def pod_at(pods: list[Start], when: float) -> str:
    """The pod that runs at a time."""
    return next(one.pod for one in reversed(pods) if one.at <= when)


def _pods(world: World, restarts: list[Restart]) -> list[Start]:
    plan, random = world.plan, world.stream("pods")
    named = [Start(plan.start - LONG_BEFORE_SECONDS, _pod_name(plan, random), "long before")]
    return named + [Start(plan.at(one.hour), _pod_name(plan, random), one.reason) for one in restarts
                    if one.reason in NEW_POD]  # fmt: skip


def _pod_name(plan: Plan, random: Random) -> str:
    letters = "bcdfghjklmnpqrstvwxz2456789"
    ending = "".join(letters[int(i)] for i in random.integers(0, len(letters), 5))
    return f"{plan.theme.app}-{int(random.integers(16**9, 16**10)):010x}-{ending}"


def _bystanders(world: World) -> None:
    """Containers that only sit there, and the file cache of all: cheap noise that a summing reader falls for."""
    plan, count = world.plan, len(world.minutes)
    random = world.stream("bystanders")
    for name, mb in ((plan.theme.nginx, 62.0), (plan.theme.proxy, 24.0), (plan.theme.side, 15.0)):
        world.bystanders[name] = mb + random.normal(0.0, 0.1, count) + np.interp(
            np.arange(count), np.arange(count // 60 + 2) * 60.0, random.normal(0.0, 0.25, count // 60 + 2)
        )  # fmt: skip
    for name in [*world.containers, *world.bystanders]:
        top = float(random.uniform(20, 90)) * (3.0 if name == plan.theme.worker else 1.0)
        walk = np.abs(np.cumsum(random.normal(0.0, top / 60.0, count // 30 + 2))) + top * 0.3
        cache = np.interp(np.arange(count), np.arange(len(walk)) * 30.0, np.minimum(walk, top * 1.6))
        if name == plan.expect.focus and plan.page_cache_mb_per_hour:
            hours = np.maximum((world.minutes - plan.at(plan.incident_hour)) / 3600.0, 0.0)
            cache = cache + plan.page_cache_mb_per_hour * hours
        world.caches[name] = cache + random.normal(0.0, 0.2, count)


def leaked_by_time(world: World, name: str, times: Floats) -> Floats:
    """MB leaked in a container from the start of the window up to each time, restarts or not."""
    container = world.containers[name]
    done = np.isfinite(container.work.end)
    order = np.argsort(container.work.end[done], kind="stable")
    ends, amounts = container.work.end[done][order], container.leaked_mb[done][order]
    total = np.concatenate([[0.0], np.cumsum(amounts)])[np.searchsorted(ends, times, side="right")]
    for leak in world.plan.leaks:
        if leak.service == name and leak.source == "time":
            total = total + time_leak(world.plan, leak, world.plan.start, times)
    return np.asarray(total)
