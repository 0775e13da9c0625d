"""When requests and tasks arrive: daily waves, slow drift of each route, surges, sessions, crons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from floodmark.testing.incidents.plan import WORKER, Plan, Route, Session
from floodmark.testing.incidents.theme import Random

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MINUTE = 60.0
CLIENTS = 8


@dataclass(frozen=True)
class Arrivals:
    """Work in order of arrival: seconds since the epoch, index of the route in the plan, index of the client."""

    at: Floats
    route: Ints
    client: Ints
    agent: Ints

    def chosen(self, rows: npt.NDArray[Any]) -> Arrivals:
        """Some of the rows, by a mask or in an order of their indices."""
        return Arrivals(self.at[rows], self.route[rows], self.client[rows], self.agent[rows])

    def sorted(self) -> Arrivals:
        """The same by time."""
        return self.chosen(np.argsort(self.at, kind="stable"))


def arrivals_of(plan: Plan, level: Floats | None = None) -> Arrivals:
    """Every arrival of the case. `level` (0 to 1 a minute) is what `follows_memory` routes grow with."""
    minutes = plan.minutes
    parts = [_of_route(plan, index, route, minutes, level) for index, route in enumerate(plan.routes)]
    parts += [_of_session(plan, session, minutes) for session in plan.sessions]
    return joined(parts).sorted()


def joined(parts: list[Arrivals]) -> Arrivals:
    """Several streams as one, unsorted."""
    return Arrivals(*(np.concatenate([getattr(part, name) for part in parts])
                      for name in ("at", "route", "client", "agent")))  # fmt: skip


def _of_route(plan: Plan, index: int, route: Route, minutes: Floats, level: Floats | None) -> Arrivals:
    random = plan.stream("arrivals " + route.key)
    if route.every_minutes:
        step = route.every_minutes * MINUTE
        at = np.arange(plan.start + float(random.uniform(0, step)), plan.end, step)
        at = at + random.exponential(2.0, len(at))
    else:
        at = scatter(random, _rate(plan, route, minutes, level, random), minutes)
    at = at[at >= plan.start + route.since_hour * 3600]
    return _with_clients(random, at, index, route)


def _rate(plan: Plan, route: Route, minutes: Floats, level: Floats | None, random: Random) -> Floats:
    """Arrivals a minute."""
    rate = route.per_hour / 60.0 * wave(plan, route, minutes) * _drift(random, len(minutes))
    for surge in plan.surges:
        if route.key in surge.keys:
            hours = (minutes - plan.start) / 3600.0
            rise = np.clip((hours - surge.start_hour) / surge.ramp_hours, 0.0, 1.0)
            fall = np.clip((surge.end_hour - hours) / surge.ramp_hours, 0.0, 1.0)
            rate = rate * (1.0 + (surge.factor - 1.0) * np.minimum(rise, fall))
    if level is not None and route.key in plan.follows_memory:
        rate = rate * (1.0 + 2.0 * level)
    return rate


def wave(plan: Plan, route: Route, minutes: Floats) -> Floats:
    """The daily wave of a route, around 1, in the zone of its users."""
    offset = local_offset(plan.theme.application_zone, plan.start)
    hour = ((minutes + offset) / 3600.0) % 24.0
    shape = np.cos((hour - route.peak_hour) / 24.0 * 2.0 * np.pi)
    return np.asarray(1.0 + route.wave * shape + 0.25 * route.wave * np.maximum(shape, 0.0) ** 4)


def local_offset(zone: str, at: float) -> float:
    """Seconds that the zone is ahead of UTC at a time."""
    from_utc = np.datetime64(int(at), "s").item().replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone))
    offset = from_utc.utcoffset()
    assert offset is not None
    return offset.total_seconds()


def _drift(random: Random, count: int) -> Floats:
    """A slow walk around 1 with a memory of some two hours: routes must not all move together."""
    knots = max(count // 120 + 2, 2)
    walk = np.zeros(knots)
    for knot in range(1, knots):
        walk[knot] = 0.75 * walk[knot - 1] + random.normal(0.0, 0.22)
    return np.asarray(np.exp(np.interp(np.arange(count), np.arange(knots) * 120.0, walk)))


def scatter(random: Random, rate: Floats, minutes: Floats) -> Floats:
    """Times of a Poisson stream whose rate a minute is given per minute."""
    counts = random.poisson(rate)
    return np.sort(np.repeat(minutes, counts) + random.uniform(0.0, MINUTE, int(counts.sum())))


def _with_clients(random: Random, at: Floats, index: int, route: Route) -> Arrivals:
    # A task has no client; harvesters ask for the slow exports and identify themselves.
    agent = random.integers(0, 3, len(at)) + (3 if route.key.startswith("slow") else 0)
    if route.method != WORKER and route.key in {"list", "detail", "parts", "bulk", "comments", "typeahead"}:
        agent = random.integers(6, 9, len(at))
    return Arrivals(at, np.full(len(at), index), random.integers(0, CLIENTS, len(at)), agent)


def _of_session(plan: Plan, session: Session, minutes: Floats) -> Arrivals:
    """Each session asks for its routes in turn, `rounds` times, one client throughout."""
    random = plan.stream("session " + " ".join(session.keys))
    hours = (minutes - plan.start) / 3600.0
    inside = (hours >= session.since_hour) & (hours < session.until_hour)
    starts = scatter(random, np.where(inside, session.per_hour / 60.0, 0.0) * _drift(random, len(minutes)), minutes)
    indices = [next(i for i, route in enumerate(plan.routes) if route.key == key) for key in session.keys]
    length = session.rounds * len(indices)
    gaps = random.exponential(session.gap_seconds, (len(starts), length)).cumsum(axis=1)
    at = (starts[:, None] + gaps).ravel()
    client = np.repeat(random.integers(0, CLIENTS, len(starts)), length)
    agent = np.repeat(random.integers(3, 6, len(starts)), length)
    keep = at < plan.end
    route = np.tile(np.tile(np.array(indices), session.rounds), len(starts))
    return Arrivals(at[keep], route[keep], client[keep], agent[keep])
