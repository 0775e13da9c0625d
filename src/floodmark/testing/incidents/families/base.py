"""What all families share: an organisation, its services, what an analyst gets to see of it, the usual decoys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from floodmark.testing.incidents.plan import (
    REP,
    WEB,
    WORKER,
    Culprit,
    Evidence,
    Expectation,
    Leak,
    Plan,
    Restart,
    Route,
    Service,
    Surge,
)
from floodmark.testing.incidents.routes import routes_of
from floodmark.testing.incidents.theme import Random, pick, theme_of

SLOW = ("slow1", "slow2", "slow3", "rep_xlsx", "rep_word")
"""Routes that take seconds: named as victims in every case unless they are guilty."""

TIERS: dict[str, dict[str, object]] = {
    "full": {},
    "container": {"psutil": False, "application_gauges": False, "bad_panels": False},
    "coarse": {"psutil": False, "rss": False, "usage": False, "step_seconds": 300, "access_format": "combined"},
    "processes": {"rss": False, "working_set": False, "usage": False, "grafana_memory": False,
                  "processes_see_all": True},
    "grafana": {"psutil": False, "rss": False, "working_set": False, "usage": False, "application_gauges": False},
    "metrics": {"logs": False},
    "logs": {"psutil": False, "rss": False, "working_set": False, "usage": False, "application_gauges": False,
             "grafana_memory": False, "bad_panels": False},
    "invalid": {"psutil": False, "rss": False, "working_set": False, "usage": False, "grafana_memory": False},
}  # fmt: skip
"""How much evidence there is, as changes of `Evidence`."""


def base(family: str, seed: int, hours: float, tier: str | None = None) -> Plan:
    """A week like any other: services with traffic, nothing wrong. Families put what is wrong into it."""
    blank = Plan(family, seed, None, None, 0.0, hours, [], [], Expectation(""))  # type: ignore[arg-type]
    random = blank.stream("family")
    theme = theme_of(random)
    routes = routes_of(theme, random)
    busy = float(random.uniform(0.9, 2.2))
    routes = [replace(one, per_hour=one.per_hour * (busy if one.method != WORKER else 1.0)) for one in routes]
    start = datetime(2025, int(random.integers(1, 13)), int(random.integers(1, 25)), tzinfo=UTC).timestamp()
    start += 3600.0 * int(random.integers(24)) if random.random() < 0.4 else 0.0
    services = [_restless(one, routes, random) for one in _services(theme.web, theme.rep, theme.worker, random)]
    plan = Plan(family, seed, random, theme, start, hours, services, routes, Expectation(theme.web))
    plan.evidence = _evidence(random, seed, tier)
    plan.replicas = 1 if seed == 1 else int(random.choice([1, 2, 3], p=[0.8, 0.15, 0.05]))
    plan.expect.victims = [plan.route(key).template for key in SLOW]
    return plan


def _services(web: str, rep: str, worker: str, random: Random) -> list[Service]:
    return [
        Service(web, WEB, int(random.integers(4, 13)), 8000, float(random.uniform(60, 110)),
                float(random.uniform(42, 70)), float(random.uniform(15, 40)), float(random.uniform(2.5, 7)),
                retain_hours=float(random.uniform(0.5, 2.0))),
        Service(rep, REP, int(random.integers(4, 11)), 9000, float(random.uniform(55, 100)),
                float(random.uniform(40, 60)), float(random.uniform(15, 50)), float(random.uniform(2.5, 7)),
                read_timeout_seconds=600.0, retain_hours=float(random.uniform(0.5, 2.0))),
        Service(worker, WORKER, 4, 0, float(random.uniform(50, 80)), 46.0, float(random.uniform(20, 45)), 2.0,
                max_requests=int(random.choice([200, 500])), retain_hours=1.0),
    ]  # fmt: skip


def _restless(service: Service, routes: list[Route], random: Random) -> Service:
    """How memory moves without a leak: mostly smoothly with the day, for some by leaps of the allocator."""
    requests = sum(one.per_hour for one in routes if one.service == service.name)
    leaps = 0.6 if random.random() < 0.2 else float(random.uniform(0.05, 0.25))
    hours = float(random.uniform(0.5, 2.5))
    most = 90.0 if service.role == WEB else 25.0
    return replace(
        service, retain=leaps, linger_hours=hours, linger_mb=float(random.uniform(10, most)) / requests / hours
    )


def _evidence(random: Random, seed: int, tier: str | None) -> Evidence:
    """The first seed of a family has everything, in the commonest form; later ones vary."""
    plain = seed == 1
    chosen = tier or ("full" if plain or random.random() < 0.5 else str(pick(random, ("container", "processes"))))
    evidence = Evidence(
        tier=chosen,
        access_format="timed_combined" if plain else str(pick(random, ("timed_combined", "timed_combined", "ingress"))),
        access_zone=str(pick(random, ("UTC", "UTC", "Asia/Kolkata", "Europe/Stockholm"))),
        proxy_version=1 if random.random() < 0.7 else 2,
        task_names=bool(random.random() < 0.6),
        tasks_as=str(pick(random, ("gcs", "gcs", "array", "file"))),
        events_as=str(pick(random, ("table", "json"))),
        layout="a" if plain else str(pick(random, ("a", "b", "c"))),
        wrapper="plain" if plain or random.random() < 0.8 else str(pick(random, ("docker", "cri"))),
        server="gunicorn" if plain or random.random() < 0.85 else "uwsgi",
        gunicorn_access=bool(random.random() < 0.25),
        processes_see_all=bool(random.random() < 0.5),
    )
    return replace(evidence, **TIERS[chosen])  # type: ignore[arg-type]


def onset(plan: Plan, low: float = 0.25, high: float = 0.5) -> float:
    """The hour at which things go wrong: a share of the window, kept in the plan."""
    plan.incident_hour = float(plan.random.uniform(low, high)) * plan.hours
    return plan.incident_hour


def leak_in(plan: Plan, key: str, mb_per_hour: float, since: float, share: float = 1.0) -> Culprit:
    """Let a route or task leak so that it comes to about `mb_per_hour`; gives the culprit, already expected."""
    route = plan.route(key)
    expected = expected_per_hour(plan, route, since)
    most = float(plan.random.uniform(5.0, 14.0))
    if mb_per_hour / expected > most and route.per_hour:
        # Few requests cannot leak that much each and be believed: let there be more of them.
        route = plan.change_route(key, per_hour=route.per_hour * mb_per_hour / expected / most)
    mb = min(mb_per_hour / expected_per_hour(plan, route, since), most)
    plan.leaks.append(Leak(route.service, (key,), mb, since, spread=float(plan.random.uniform(0.1, 0.45))))
    culprit = Culprit(route.service, ("task" if key.startswith("task:") else "endpoint",), route.template,
                      route.names, share, mb, key)  # fmt: skip
    plan.expect.culprits.append(culprit)
    plan.expect.victims = [one for one in plan.expect.victims if one not in route.names]
    return culprit


def expected_per_hour(plan: Plan, route: Route, since: float) -> float:
    """Events an hour from `since` on, surges and sessions included."""
    rate = 60.0 / route.every_minutes if route.every_minutes else route.per_hour
    for surge in plan.surges:
        if route.key in surge.keys:
            inside = max(min(surge.end_hour, plan.hours) - max(surge.start_hour, since), 0.0)
            rate *= 1.0 + (surge.factor - 1.0) * inside / max(plan.hours - since, 1e-9)
    for session in plan.sessions:
        rate += session.per_hour * session.rounds * session.keys.count(route.key)
    return rate


def decoy_comover(plan: Plan, key: str, since: float, factor: float = 2.2) -> None:
    """A route whose traffic rises the day the leak begins, and which is innocent."""
    plan.surges.append(Surge((key,), since, 1e9, factor))
    plan.expect.decoys.append(plan.route(key).template)


def decoy_level(plan: Plan, key: str) -> None:
    """A route that is asked for more the more memory has leaked: a perfect correlation with the level."""
    plan.follows_memory = (*plan.follows_memory, key)
    plan.expect.decoys.append(plan.route(key).template)


def decoy_newcomer(plan: Plan, key: str, since: float) -> None:
    """A route that did not exist before the incident began, and which is innocent."""
    plan.change_route(key, since_hour=since)
    plan.expect.decoys.append(plan.route(key).template)


def deploy(plan: Plan, hour: float, reason: str = "deploy", roles: tuple[str, ...] = (WEB, REP, WORKER)) -> None:
    """All named services start anew in a new pod."""
    plan.restarts.append(Restart(hour, tuple(plan.service(role).name for role in roles), reason))


def rate_between(plan: Plan, low: float, high: float) -> float:
    """MB/h, drawn evenly in the logarithm."""
    return float(low * (high / low) ** plan.random.random())
