"""The lives of processes: when a worker was born and died, which requests it served, under which pid and pod."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from floodmark.testing.incidents.plan import Plan, Service
from floodmark.testing.incidents.queueing import Work
from floodmark.testing.incidents.theme import Random
from floodmark.testing.incidents.traffic import Ints


@dataclass(frozen=True)
class Start:
    """A container that started: when, in which pod, and why."""

    at: float
    pod: str
    reason: str


@dataclass
class Life:
    """One process from birth to death."""

    service: str
    slot: int
    start: float
    end: float
    container: int
    """Index of the container's start this life belongs to."""
    pod: str
    work: Ints
    """Rows of the service's work that it finished, in order of their end."""
    pid: int = 0
    recycled: bool = False
    constant_mb: float | None = None
    """For processes that only sit there."""
    base_mb: float = 0.0
    born_warm: bool = False
    """Alive before the window began: its warm-up is over."""


@dataclass
class Lives:
    """All lives of a service, in order of birth, and its containers' starts."""

    service: Service
    starts: list[Start]
    all: list[Life] = field(default_factory=list)


def lives_of(plan: Plan, service: Service, work: Work, starts: list[Start], random: Random) -> Lives:
    """Cut the window into lives: at every start of the container, and at every recycling of a worker."""
    lives = Lives(service, starts)
    ends = [start.at for start in starts[1:]] + [plan.end]
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        for slot in range(service.workers):
            mine = np.flatnonzero((work.slot == slot) & (work.begin >= start.at) & (work.end <= end))
            mine = mine[np.argsort(work.end[mine], kind="stable")]
            lives.all += _recycled(
                service, work, mine, Life(service.name, slot, start.at, end, index, start.pod, mine), random
            )
        lives.all += _crowd(plan, service, index, start, end)
    for life in lives.all:
        life.base_mb = service.base_mb * float(random.normal(1.0, 0.03)) + float(random.exponential(1.5))
        life.born_warm = life.container == 0 and life.start <= plan.start
    lives.all.sort(key=lambda one: (one.start, one.slot))
    _give_pids(lives, random)
    return lives


def _recycled(service: Service, work: Work, mine: Ints, whole: Life, random: Random) -> list[Life]:
    """The lives of one slot between two starts of its container: one, or one for every `max_requests` requests."""
    if not service.max_requests:
        return [whole]
    cut, start, lives = 0, whole.start, []
    # The window opens in the middle of a life, at another point for every worker.
    left = 1 + int(random.integers(service.max_requests)) if whole.container == 0 else _budget(service, random)
    while cut + left < len(mine):
        end = float(work.end[mine[cut + left - 1]])
        lives.append(Life(whole.service, whole.slot, start, end, whole.container, whole.pod, mine[cut : cut + left],
                          recycled=True))  # fmt: skip
        cut, start, left = cut + left, end, _budget(service, random)
    return [*lives, Life(whole.service, whole.slot, start, whole.end, whole.container, whole.pod, mine[cut:])]


def _budget(service: Service, random: Random) -> int:
    return service.max_requests + int(random.integers(service.max_requests_jitter + 1))


def _crowd(plan: Plan, service: Service, index: int, start: Start, end: float) -> list[Life]:
    nothing = np.empty(0, dtype=np.int64)
    lives = []
    for crowd in plan.crowds:
        first = max(plan.at(crowd.since_hour), start.at)
        if crowd.service != service.name:
            continue
        births = first + 3600.0 / crowd.per_hour * (0.5 + np.arange(crowd.most))
        lives += [Life(service.name, 1000 + number, float(at), end, index, start.pod, nothing, constant_mb=crowd.mb)
                  for number, at in enumerate(births[births < end])]  # fmt: skip
    return lives


def _give_pids(lives: Lives, random: Random) -> None:
    """Numbers rise in each container from a low one: the same pid comes back after a restart."""
    following: dict[int, int] = {}
    for life in lives.all:
        pid = following.get(life.container, int(random.integers(7, 40)))
        life.pid, following[life.container] = pid, pid + int(random.integers(1, 9))
