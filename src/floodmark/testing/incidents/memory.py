"""How much memory a process holds at a time: base, warm-up, leak, caches, the collector's saw, what passes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from floodmark.testing.incidents.lives import Life, Lives
from floodmark.testing.incidents.plan import Leak, Plan, Service
from floodmark.testing.incidents.queueing import Work
from floodmark.testing.incidents.theme import Random
from floodmark.testing.incidents.traffic import Floats

MB = 1e6
MASTER_MB = 38.0
REHEARSAL_HOURS = 4.0


def leaked_by(plan: Plan, service: Service, work: Work, random: Random) -> Floats:
    """MB that each piece of work left behind for ever."""
    amounts = np.zeros(len(work.at))
    hours = (work.at - plan.start) / 3600.0
    keys = np.array([route.key for route in plan.routes])[work.route] if len(work.at) else np.empty(0, dtype=str)
    for leak in plan.leaks:
        if leak.service != service.name or leak.source == "time":
            continue
        hit = (work.slot >= 0) & (hours >= leak.since_hour) & (hours < leak.until_hour)
        hit &= np.isin(keys, leak.keys) if leak.keys else True
        if leak.source == "connection" and plan.connections_kept:
            hit &= kept_connection(plan, work)
        noise = random.lognormal(-(leak.spread**2) / 2.0, leak.spread, len(amounts))
        amounts += np.where(hit, leak.mb * noise, 0.0)
    return amounts


def kept_connection(plan: Plan, work: Work) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whose database connection was never closed: a fixed share, spread over all routes, from an hour on."""
    since, share = plan.connections_kept or (1e9, 0.0)
    # The share comes from the arrival's own digits, so that the proxy's log and the memory agree.
    lottery = (np.floor(work.at * 997.0) % 1000.0) / 1000.0
    return np.asarray((work.at >= plan.at(since)) & (lottery < share) & (work.slot >= 0))


@dataclass
class Memory:
    """The memory of one life as functions of time; times in seconds since the epoch, results in MB."""

    plan: Plan
    service: Service
    life: Life
    work: Work
    leaked_mb: Floats
    """Of each row of the service's work."""

    def __post_init__(self) -> None:
        rows = self.life.work
        self._ends = self.work.end[rows]
        self._leaked = np.concatenate([[0.0], np.cumsum(self.leaked_mb[rows])])
        self._begins = np.sort(self.work.begin[rows])
        order = np.argsort(self.work.begin[rows], kind="stable")
        self._held, self._until = self.work.held_mb[rows][order], self._ends[order]
        self._marks, self._high, self._left = self._after_each()

    def alive(self, times: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether the process exists."""
        return np.asarray((times >= self.life.start) & (times < self.life.end))

    def leak(self, times: Floats) -> Floats:
        """What has leaked in this life."""
        total = self._leaked[np.searchsorted(self._ends, times, side="right")]
        for leak in self.plan.leaks:
            if leak.service == self.service.name and leak.source == "time":
                total = total + time_leak(self.plan, leak, self.life.start, times) / self.service.workers
        return np.asarray(total)

    def steady(self, times: Floats) -> Floats:
        """What stays between requests, without what leaked."""
        if self.life.constant_mb is not None:
            return np.full(len(times), self.life.constant_mb)
        age = np.maximum(times - self.life.start, 0.0) / 3600.0
        warm = 1.0 if self.life.born_warm else 1.0 - np.exp(-age / self.service.warm_hours)
        served = np.searchsorted(self._ends, times, side="right")
        phase = (served + 0.37 * self.life.slot * self.service.saw_requests) / self.service.saw_requests
        saw = self.service.saw_mb * (phase % 1.0)
        return np.asarray(self.life.base_mb + self.service.warm_mb * warm + saw + self._caches(times, served))

    def passing(self, times: Floats) -> Floats:
        """What requests hold while they run, and what they and the allocator keep for a while after."""
        if not len(self._begins):
            return np.zeros(len(times))
        last = np.searchsorted(self._begins, times, side="right") - 1
        running = np.where((last >= 0) & (self._until[last] > times), self._held[last], 0.0)
        ended = np.searchsorted(self._marks, times, side="right") - 1
        hours = np.where(ended >= 0, times - self._marks[ended], 0.0) / 3600.0
        high = self._high[ended] * np.exp(-hours / self.service.retain_hours)
        left = self._left[ended] * np.exp(-hours / self.service.linger_hours)
        return np.asarray(np.where(ended >= 0, np.maximum(running, high) + left, running))

    def _after_each(self) -> tuple[Floats, Floats, Floats]:
        """(when, MB, MB) after each request, in order of their ends: the allocator's high water, and what lingers."""
        high, left = 0.0, 0.0
        sink, fade = self.service.retain_hours * 3600.0, self.service.linger_hours * 3600.0
        ends, held = self._ends, self.work.held_mb[self.life.work] * self.service.retain
        # A process that was there before the window has had hours like the first ones already.
        again = int(np.searchsorted(ends, self.plan.at(REHEARSAL_HOURS))) if self.life.born_warm else 0
        ends = np.concatenate([ends[:again] - REHEARSAL_HOURS * 3600.0, ends])
        held = np.concatenate([held[:again], held])
        highs, lefts, before = np.empty(len(ends)), np.empty(len(ends)), float(ends[0]) if len(ends) else 0.0
        for index, (end, size) in enumerate(zip(ends.tolist(), held.tolist(), strict=True)):
            gap = before - end
            high = max(high * math.exp(gap / sink), size)
            left = left * math.exp(gap / fade) + self.service.linger_mb
            before, highs[index], lefts[index] = end, high, left
        return ends, highs, lefts

    def _caches(self, times: Floats, served: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Floats:
        total = np.zeros(len(times))
        for cache in self.plan.caches:
            if cache.service == self.service.name:
                # Full after so many requests: the time constant holds at the mean rate of the window.
                rate = len(self.work.at) / self.plan.hours / self.service.workers
                since = np.searchsorted(self._ends, self.plan.at(cache.since_hour))
                filled = 1.0 - np.exp(-np.maximum(served - since, 0) / max(rate * cache.hours, 1.0))
                total += cache.size_mb / self.service.workers * filled
        return total


def time_leak(plan: Plan, leak: Leak, start: float, times: Floats) -> Floats:
    """MB that a leak by the clock has left in one replica since a life began."""
    first = max(start, plan.at(leak.since_hour))
    last = plan.at(leak.until_hour)
    return np.asarray(leak.mb / plan.replicas * np.maximum(np.minimum(times, last) - first, 0.0) / 3600.0)


@dataclass
class ContainerMemory:
    """The memory of one container over the minutes of the window, MB."""

    rss: Floats
    without_leak: Floats
    processes: Floats


def container_memory(memories: list[Memory], lives: Lives, times: Floats, random: Random) -> ContainerMemory:
    """Sum over the processes of a container: shared pages counted once, the master beside its workers."""
    total, leak, count = np.zeros(len(times)), np.zeros(len(times)), np.zeros(len(times))
    for memory in memories:
        rows = np.flatnonzero(memory.alive(times))
        inside = times[rows]
        total[rows] += memory.steady(inside) + memory.passing(inside)
        leak[rows] += memory.leak(inside)
        count[rows] += 1
    noise = random.normal(0.0, 0.55, len(times)) + _slow_noise(random, len(times), 1.2)
    plain = total + MASTER_MB + lives.service.shared_mb + noise
    return ContainerMemory(plain + leak, plain, count + 1)


def _slow_noise(random: Random, count: int, size: float) -> Floats:
    knots = random.normal(0.0, size, count // 30 + 2)
    return np.asarray(np.interp(np.arange(count), np.arange(len(knots)) * 30.0, knots))
