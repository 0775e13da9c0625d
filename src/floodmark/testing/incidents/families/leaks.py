"""Families with a leak that an analyst can find: by route, by task, hidden by restarts, in company."""

from __future__ import annotations

from dataclasses import replace

from floodmark.testing.incidents.families.base import (
    decoy_comover,
    decoy_level,
    decoy_newcomer,
    deploy,
    leak_in,
    onset,
    rate_between,
)
from floodmark.testing.incidents.plan import REP, WEB, WORKER, Culprit, Leak, Plan, Session, Slowdown, Surge
from floodmark.testing.incidents.theme import pick


def slow_route(plan: Plan) -> None:
    """The slowest route leaks, harvesters sweep it, a busy route co-moves; an innocent deploy hours before."""
    since = onset(plan, 0.3, 0.5)
    plan.sessions.append(Session(("slow1",), 0.5, 12, 25.0, since))
    leak_in(plan, "slow1", rate_between(plan, 90, 420), since)
    decoy_comover(plan, "typeahead", since)
    deploy(plan, since * float(plan.random.uniform(0.4, 0.75)))
    plan.expect.deploy = "innocent"


def two_services(plan: Plan) -> None:
    """A leak in the reports and another in the web service, which the first route never reaches."""
    since = onset(plan, 0.3, 0.5)
    plan.expect.focus = plan.theme.rep
    plan.surges.append(Surge(("rep_pdf",), since, 1e9, 4.0))
    leak_in(plan, "rep_pdf", rate_between(plan, 120, 450), since)
    leak_in(plan, "slow1", rate_between(plan, 60, 180), since)
    plan.expect.others[plan.theme.web] = (("leak",), ("leak",))
    plan.expect.sibling = "leak"
    deploy(plan, max(since - 10.0, 1.0))
    plan.expect.deploy = "innocent"


def rare_route(plan: Plan) -> None:
    """A few requests an hour, several MB each; the slow and the busy are innocent."""
    since = onset(plan, 0.3, 0.45)
    key = str(pick(plan.random, ("rare1", "rare2", "rare4", "rare6")))
    leak_in(plan, key, rate_between(plan, 22, 70), since)
    decoy_comover(plan, "slow1", since)
    decoy_comover(plan, "typeahead", since, 2.0)
    deploy(plan, since)
    deploy(plan, since + (plan.hours - since) * 0.6, "rollout", (WEB,))
    plan.expect.deploy, plan.expect.sibling = "guilty", "plateau"


def busy_route(plan: Plan) -> None:
    """A little at every request of one of the busiest routes, which all move together with the day."""
    since = onset(plan)
    key = str(pick(plan.random, ("list", "detail", "page", "search")))
    plan.change_route(key, wave=0.25)
    leak_in(plan, key, rate_between(plan, 60, 250), since)
    decoy_level(plan, "slow2")


def two_culprits(plan: Plan) -> None:
    """Two routes of one service leak, one about twice as much as the other."""
    since = onset(plan)
    total = rate_between(plan, 150, 420)
    leak_in(plan, "slow2", total * 0.64, since, 0.64)
    leak_in(plan, "rare6", total * 0.36, since, 0.36)
    decoy_newcomer(plan, "rare2", since)


def guilty_deploy(plan: Plan) -> None:
    """A release brings the leak; before it, the same route did no harm."""
    since = onset(plan)
    deploy(plan, since)
    plan.expect.deploy = "guilty"
    leak_in(plan, str(pick(plan.random, ("bulk", "slow2", "mine"))), rate_between(plan, 60, 350), since)
    decoy_comover(plan, "slow3", since)


def harvester(plan: Plan) -> None:
    """The route has leaked all along; it shows when a harvester comes. The deploy just before is innocent."""
    since = onset(plan)
    plan.change_route("slow2", per_hour=0.4)
    plan.sessions.append(Session(("slow2",), 0.8, 15, 12.0, since))
    leak_in(plan, "slow2", rate_between(plan, 80, 350), since)
    plan.leaks[-1] = Leak(plan.theme.web, ("slow2",), plan.leaks[-1].mb, 0.0, spread=0.2)
    deploy(plan, since - 1.2)
    decoy_newcomer(plan, "rare4", since - 1.2)
    plan.expect.deploy = "innocent"


def slow_victim(plan: Plan) -> None:
    """As memory leaks everything slows down, the slow export most; its clients ask again. It is blamed by its level."""
    since = onset(plan)
    key = str(pick(plan.random, ("parts", "mine", "comments")))
    leak_in(plan, key, rate_between(plan, 90, 300), since)
    decoy_level(plan, "slow1")
    plan.slowdowns.append(Slowdown(plan.theme.web, since, plan.hours, 2.6))
    plan.retries = 0.7


def newcomer(plan: Plan) -> None:
    """A route that begins on the day of the leak, and a cron that runs with it: both innocent."""
    since = onset(plan)
    leak_in(plan, "rare1", rate_between(plan, 40, 120), since)
    decoy_newcomer(plan, "rare5", since)
    plan.change_route("cron", every_minutes=20.0)
    decoy_newcomer(plan, "cron", since)


def cron_co_moves(plan: Plan) -> None:
    """A cron calls one route every half hour, the leaking one comes mostly with it but also alone."""
    since = onset(plan, 0.15, 0.3)
    plan.change_route("cron", every_minutes=30.0)
    plan.expect.decoys.append(plan.route("cron").template)
    plan.sessions.append(Session(("rare6",), 2.0, 3, 20.0, since))
    leak_in(plan, "rare6", rate_between(plan, 60, 160), since)
    decoy_comover(plan, "slow3", since)


def worker_task(plan: Plan) -> None:
    """A task of the worker leaks; the web services, which are watched most, are well."""
    since = onset(plan)
    plan.expect.focus = plan.theme.worker
    plan.change_service(WORKER, max_requests=0)
    _named_tasks(plan)
    leak_in(plan, str(pick(plan.random, ("task:export", "task:render", "task:aggregate"))),
            rate_between(plan, 40, 220), since)  # fmt: skip
    decoy_comover(plan, "slow1", since)


def heartbeat_task(plan: Plan) -> None:
    """The long export leaks in a worker whose log names no function; only the heartbeat around it does."""
    since = onset(plan)
    plan.expect.focus = plan.theme.worker
    plan.evidence = replace(plan.evidence, task_names=False)
    plan.change_service(WORKER, max_requests=0)
    plan.change_route("task:export", per_hour=7.0)
    leak_in(plan, "task:export", rate_between(plan, 40, 90), since)
    decoy_comover(plan, "slow1", since)


def route_and_task(plan: Plan) -> None:
    """A route leaks in the web service and a task in the worker, from different hours on."""
    since = onset(plan)
    leak_in(plan, "slow3", rate_between(plan, 70, 220), since)
    plan.change_service(WORKER, max_requests=0)
    plan.evidence = replace(plan.evidence, task_names=True)
    leak_in(plan, "task:refresh", rate_between(plan, 40, 110), since * 0.5)
    plan.expect.others[plan.theme.worker] = (("leak",), ("leak",))
    plan.expect.sibling = "leak"


def surge_over_a_leak(plan: Plan) -> None:
    """A leak of days, and in the middle of it a busy day: the surge is blamed, and is not it."""
    since = onset(plan, 0.15, 0.25)
    everything = tuple(one.key for one in plan.routes if one.service == plan.theme.web and one.key != "rare6")
    plan.surges.append(Surge(everything, since + 0.3 * plan.hours, since + 0.45 * plan.hours, 2.5, 1.5))
    leak_in(plan, "rare6", rate_between(plan, 60, 180), since)


def rolled_back(plan: Plan) -> None:
    """A release leaks, the next day it is rolled back: the leak has an end, and the old memory comes back."""
    since = onset(plan, 0.25, 0.35)
    end = since + 0.4 * plan.hours
    deploy(plan, since)
    deploy(plan, end)
    plan.incident_end_hour = end
    leak_in(plan, str(pick(plan.random, ("slow2", "bulk", "rare4"))), rate_between(plan, 90, 300), since)
    plan.leaks[-1] = replace(plan.leaks[-1], until_hour=end)
    plan.expect.deploy = "guilty"


def recycled_leak(plan: Plan) -> None:
    """Each worker leaks and is recycled after so many requests: a sawtooth that never climbs."""
    since = onset(plan, 0.02, 0.05)
    plan.evidence = replace(plan.evidence, psutil=True)
    requests = sum(one.per_hour for one in plan.routes if one.service == plan.theme.web)
    service = plan.service(WEB)
    limit = int(requests / service.workers * float(plan.random.uniform(2.5, 5.0)))
    jitter = int(limit * 0.3) if plan.random.random() < 0.6 else 0
    plan.change_service(WEB, max_requests=max(limit, 20), max_requests_jitter=jitter)
    leak_in(plan, str(pick(plan.random, ("bulk", "page", "slow2"))), rate_between(plan, 150, 400), since)
    plan.expect.verdicts, plan.expect.patterns = ("no-leak", "leak"), ("sawtooth",)


def out_of_memory(plan: Plan) -> None:
    """The leak meets the limit of the container again and again; each kill hides what came before."""
    since = onset(plan, 0.1, 0.2)
    rate = rate_between(plan, 150, 450)
    service = plan.service(WEB)
    size = 90.0 + service.shared_mb + service.workers * (service.base_mb + service.warm_mb + 10.0)
    plan.change_service(WEB, limit_mb=size + rate * float(plan.random.uniform(4, 8)))
    leak_in(plan, str(pick(plan.random, ("slow2", "bulk", "rare6"))), rate, since)
    decoy_level(plan, "slow3")
    plan.expect.patterns = ("leak", "restart-loop")


def native(plan: Plan) -> None:
    """A C library leaks in one route: RSS rises, the Python heap stays flat."""
    since = onset(plan)
    for role in (WEB, REP):
        plan.change_service(role, heap_share=0.0)
    plan.expect.focus = plan.theme.rep
    culprit = leak_in(plan, "rep_word", rate_between(plan, 60, 250), since)
    plan.expect.culprits = [Culprit(culprit.service, ("endpoint", "native"), culprit.name, culprit.names, 1.0,
                                    culprit.mb_per_event, culprit.key)]  # fmt: skip
    decoy_comover(plan, "rep_pdf", since)


def connections(plan: Plan) -> None:
    """Some requests of every route never close their database connection, and each keeps its buffers."""
    since = onset(plan)
    share = float(plan.random.uniform(0.03, 0.10))
    requests = sum(one.per_hour for one in plan.routes if one.service == plan.theme.web)
    mb = rate_between(plan, 60, 220) / (requests * share)
    plan.connections_kept = (since, share)
    plan.leaks.append(Leak(plan.theme.web, (), mb, since, source="connection", spread=0.1))
    plan.expect.culprits = [Culprit(plan.theme.web, ("connections",), "connections", (), 1.0, mb)]
    decoy_comover(plan, "slow1", since)


def monitoring(plan: Plan) -> None:
    """A release adds a monitor that snapshots the heap in some requests of all routes: slow, and it leaks."""
    since = onset(plan)
    deploy(plan, since)
    plan.expect.deploy = "guilty"
    share = float(plan.random.uniform(0.08, 0.2))
    requests = sum(one.per_hour for one in plan.routes if one.service == plan.theme.web)
    mb = rate_between(plan, 60, 220) / requests
    plan.profiling = (since, share, float(plan.random.uniform(6, 14)))
    plan.leaks.append(Leak(plan.theme.web, (), mb, since, source="any", spread=0.3))
    plan.change_service(WEB, workers=12)
    plan.expect.culprits = [Culprit(plan.theme.web, ("monitoring",), "monitoring")]
    plan.expect.victims += [one.template for one in plan.routes if one.service == plan.theme.web]
    plan.expect.victims = sorted(set(plan.expect.victims))


def slow_leak(plan: Plan) -> None:
    """A leak below every threshold that only days of evidence show."""
    since = onset(plan, 0.1, 0.2)
    leak_in(plan, str(pick(plan.random, ("bulk", "rare6", "slow2"))), rate_between(plan, 9, 22), since)
    decoy_comover(plan, "slow1", since)


def short_and_steep(plan: Plan) -> None:
    """Hours of evidence, a leak that needs no more."""
    since = onset(plan, 0.2, 0.3)
    leak_in(plan, str(pick(plan.random, ("bulk", "slow2", "page"))), rate_between(plan, 480, 1100), since)


def _named_tasks(plan: Plan) -> None:
    plan.evidence = replace(plan.evidence, task_names=True)
