"""Families without a leak, each of which some rule in use calls one."""

from __future__ import annotations

from dataclasses import replace

from floodmark.testing.incidents.families.base import decoy_comover, deploy, leak_in, onset, rate_between
from floodmark.testing.incidents.plan import (
    REP,
    WEB,
    WORKER,
    Cache,
    Crowd,
    Culprit,
    Plan,
    Restart,
    Service,
    Slowdown,
    Surge,
)
from floodmark.testing.incidents.traffic import local_offset


def _expect(plan: Plan, pattern: str, *patterns: str, kinds: tuple[str, ...] = ()) -> None:
    """No leak in the focus, and a cause of one of `kinds` where there is one to name."""
    plan.expect.verdicts, plan.expect.patterns = ("no-leak",), (pattern, *patterns)
    plan.expect.allowed_kinds = kinds
    if kinds:
        plan.expect.culprits = [Culprit(plan.expect.focus, kinds, kinds[0])]


def cache_fill(plan: Plan) -> None:
    """A cache fills after a deploy, for hours, in step with the requests; then it is full."""
    since = onset(plan, 0.2, 0.35)
    deploy(plan, since)
    plan.caches.append(Cache(plan.theme.web, rate_between(plan, 300, 1100), float(plan.random.uniform(1.5, 3.5))))
    decoy_comover(plan, "slow1", since)
    _expect(plan, "plateau", kinds=("cache",))


def surge(plan: Plan) -> None:
    """Traffic rises for hours, memory follows and returns."""
    onset(plan, 0.3, 0.55)
    start = plan.incident_hour = _next_morning(plan, plan.incident_hour)
    plan.incident_end_hour = min(start + float(plan.random.uniform(6, 12)), plan.hours)
    everything = tuple(one.key for one in plan.routes if one.service != plan.theme.worker)
    plan.surges.append(Surge(everything, start, plan.incident_end_hour, float(plan.random.uniform(3.0, 4.5)), 2.0))
    requests = sum(one.per_hour for one in plan.routes if one.service == plan.theme.web)
    piled = float(plan.random.uniform(100, 250))
    plan.change_service(WEB, workers=6, linger_mb=piled / requests / 0.7, linger_hours=0.7)
    _expect(plan, "traffic-bound", kinds=("traffic",))


def _next_morning(plan: Plan, hour: float) -> float:
    """The next hour of the window at which the users of the service come to work."""
    local = (plan.at(hour) + local_offset(plan.theme.application_zone, plan.start)) / 3600.0 % 24.0
    return hour + (float(plan.random.uniform(7, 10)) - local) % 24.0


def high_water(plan: Plan) -> None:
    """Big exports raise the allocator's high water; it never comes down, and nothing is held."""
    since = onset(plan, 0.2, 0.35)
    for role in (WEB, REP):
        plan.change_service(role, retain=0.75, retain_hours=1e6)
    plan.change_route("slow1", transient_mb=0.0, since_hour=0.0)
    plan.change_route("slow3", transient_mb=float(plan.random.uniform(90, 170)), since_hour=since)
    _expect(plan, "fragmentation", "plateau", "step", kinds=("fragmentation",))
    plan.expect.allowed_beside = (plan.theme.rep,)


def page_cache(plan: Plan) -> None:
    """A log or media volume fills the file cache: usage and working set rise, anonymous memory does not."""
    onset(plan, 0.1, 0.3)
    plan.evidence = replace(plan.evidence, usage=True, working_set=True, rss=True)
    plan.page_cache_mb_per_hour = rate_between(plan, 60, 300)
    _expect(plan, "page-cache", "steady", kinds=("page-cache",))


def collector_saw(plan: Plan) -> None:
    """The collector lets garbage pile up and clears it: a saw with a flat trough."""
    onset(plan, 0.02, 0.05)
    plan.change_service(
        WEB, saw_mb=float(plan.random.uniform(45, 120)), saw_requests=int(plan.random.integers(150, 900))
    )
    _expect(plan, "sawtooth", "steady")


def step(plan: Plan) -> None:
    """A release needs more memory from its first minute on, and no more after that."""
    since = onset(plan, 0.35, 0.55)
    deploy(plan, since)
    plan.change_service(WEB, warm_mb=8.0, warm_hours=0.4)
    plan.caches.append(Cache(plan.theme.web, float(plan.random.uniform(200, 600)), 0.03, since))
    _expect(plan, "step", "plateau", "steady")
    plan.expect.deploy = "guilty"


def quiet(plan: Plan) -> None:
    """Nothing happens. The day has its wave, the panels have their titles."""
    _expect(plan, "steady", "traffic-bound", "sawtooth")


def quiet_with_deploys(plan: Plan) -> None:
    """Releases every day, each with a warm-up of hours: the first hours of each look like a leak."""
    onset(plan, 0.1, 0.2)
    for number in range(int(plan.hours // 16)):
        deploy(plan, plan.incident_hour + 16.0 * number, "deploy" if number % 2 else "rollout")
    for role in (WEB, REP):
        plan.change_service(role, warm_mb=55.0, warm_hours=float(plan.random.uniform(2.0, 4.0)))
    _expect(plan, "plateau", "steady", "traffic-bound")


def processes(plan: Plan) -> None:
    """Helpers are started and never collected: each stays as it is, there are only ever more of them."""
    since = onset(plan, 0.2, 0.4)
    each = float(plan.random.uniform(8, 20))
    plan.crowds.append(Crowd(plan.theme.web, since, rate_between(plan, 40, 180) / each, each))
    _expect(plan, "process-count", kinds=("processes",))


def nightly_batch(plan: Plan) -> None:
    """A batch in the worker takes hundreds of MB every few hours and gives them back."""
    plan.expect.focus = plan.theme.worker
    plan.change_route("task:export", every_minutes=240.0, seconds=1500.0, sigma=0.1, transient_mb=420.0)
    plan.change_service(WORKER, retain=0.9, retain_hours=0.4, max_requests=0)
    _expect(plan, "sawtooth", "steady", "traffic-bound")


def timeout_cascade(plan: Plan) -> None:
    """The database is slow for hours: requests queue, time out, come again; memory follows what is in flight."""
    onset(plan, 0.3, 0.55)
    start = plan.incident_hour = _next_morning(plan, plan.incident_hour)
    plan.incident_end_hour = min(start + 5.0, plan.hours)
    plan.change_service(WEB, workers=4, retain_hours=0.5)
    load = sum(one.per_hour * one.seconds for one in plan.routes if one.service == plan.theme.web) / 3600.0
    plan.slowdowns.append(Slowdown(plan.theme.web, start, plan.incident_end_hour, 4 * 0.55 / load))
    plan.retries = 0.8
    _expect(plan, "traffic-bound", "steady", "sawtooth", kinds=("database", "traffic"))


def restart_loop(plan: Plan) -> None:
    """A container that dies every few minutes for reasons of its own: no life is long enough to judge its memory."""
    since = onset(plan, 0.1, 0.25)
    every = float(plan.random.uniform(5, 9)) / 60.0
    hour, name = since, plan.theme.rep
    while hour < plan.hours:
        plan.restarts.append(Restart(hour, (name,), "crash"))
        hour += every * float(plan.random.uniform(0.8, 1.2))
    plan.expect.focus = name
    plan.change_service(REP, warm_hours=0.8)
    plan.expect.verdicts, plan.expect.patterns = ("unknown", "no-leak"), ("restart-loop",)
    plan.expect.abstain = True


def sibling_only(plan: Plan) -> None:
    """The watched service fills a cache; the one beside it leaks."""
    since = onset(plan, 0.2, 0.35)
    deploy(plan, since)
    plan.caches.append(Cache(plan.theme.web, rate_between(plan, 300, 900), 2.5))
    leak_in(plan, "rep_xlsx", rate_between(plan, 60, 200), since)
    plan.expect.others[plan.theme.rep] = (("leak",), ("leak",))
    plan.expect.verdicts, plan.expect.patterns = ("no-leak",), ("plateau",)
    plan.expect.allowed_kinds, plan.expect.sibling = ("cache",), "leak"


def more_workers(plan: Plan) -> None:
    """A rollout with twice the workers: twice the memory, at once."""
    since = onset(plan, 0.35, 0.55)
    deploy(plan, since, "rollout")
    service: Service = plan.change_service(WEB, workers=5)
    plan.crowds.append(Crowd(service.name, since, 3600.0, service.base_mb, most=5))
    _expect(plan, "step", "process-count", "plateau")
    plan.expect.allowed_kinds = ("processes",)
