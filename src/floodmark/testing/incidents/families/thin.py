"""Families in which the evidence is short, unusable or cannot tell: an analyst abstains, and says why."""

from __future__ import annotations

from dataclasses import replace

from floodmark.testing.incidents.families.base import decoy_comover, deploy, leak_in, onset, rate_between
from floodmark.testing.incidents.plan import WEB, Cache, Leak, Plan, Session


def background(plan: Plan) -> None:
    """A thread leaks by the clock: no route has anything to do with it."""
    since = onset(plan)
    plan.leaks.append(Leak(plan.theme.web, (), rate_between(plan, 60, 260), since, source="time"))
    decoy_comover(plan, "slow1", since)
    decoy_comover(plan, "bulk", since)
    _abstain(plan, "native", "monitoring")


def inseparable_pair(plan: Plan) -> None:
    """A page always asks for its part a second later: two routes, one dose."""
    since = onset(plan, 0.2, 0.35)
    for key in ("rare1", "rare2"):
        plan.change_route(key, per_hour=0.0)
    plan.sessions.append(Session(("rare1", "rare2"), float(plan.random.uniform(8, 16)), 1, 1.5))
    culprit = leak_in(plan, "rare1", rate_between(plan, 60, 160), since)
    plan.expect.inseparable = [[culprit.name, plan.route("rare2").template]]


def crawler(plan: Plan) -> None:
    """A crawler asks for four routes round and round; people ask for them too, each by itself, but seldom."""
    since = onset(plan, 0.2, 0.35)
    keys = ("rare1", "rare4", "rare6", "slow3")
    plan.sessions.append(Session(keys, 1.2, 4, 4.0, since))
    leak_in(plan, "rare4", rate_between(plan, 60, 180), since)
    plan.expect.decoys += [plan.route(key).template for key in keys if key != "rare4"]


def short_and_unclear(plan: Plan) -> None:
    """Four hours of a filling cache with a time constant of 2.5: nobody can tell it from a leak."""
    deploy(plan, 0.3)
    plan.incident_hour = 0.3
    plan.caches.append(Cache(plan.theme.web, rate_between(plan, 500, 1000), 2.5))
    plan.expect.verdicts, plan.expect.patterns = ("unknown", "no-leak"), ("unknown", "plateau")
    _abstain(plan, "cache")


def metrics_only(plan: Plan) -> None:
    """Graphs of a leak and not one line of log: a leak, of unknown cause."""
    since = onset(plan)
    leak_in(plan, "slow2", rate_between(plan, 60, 300), since)
    _abstain(plan)


def logs_only(plan: Plan) -> None:
    """Logs and no memory: somebody says there is a leak."""
    since = onset(plan)
    plan.evidence = replace(plan.evidence, server="gunicorn")  # uWSGI's log holds the memory of its workers
    leak_in(plan, "slow1", rate_between(plan, 60, 300), since)
    decoy_comover(plan, "typeahead", since)
    plan.expect.verdicts, plan.expect.patterns = ("unknown",), ("unknown",)
    plan.expect.culprits = []
    _abstain(plan)


def invalid_metrics(plan: Plan) -> None:
    """The only figures are a count of events and the rate of a gauge, under titles that say MB/h. Nothing leaks."""
    onset(plan)
    plan.expect.verdicts, plan.expect.patterns = ("unknown", "no-leak"), ("unknown", "steady")
    plan.expect.metric_invalid = True
    _abstain(plan)


def invalid_metrics_of_a_leak(plan: Plan) -> None:
    """The same panels over a service that does leak: still nothing that a figure could be read from."""
    since = onset(plan)
    leak_in(plan, "slow2", rate_between(plan, 60, 300), since)
    plan.expect.verdicts, plan.expect.patterns = ("unknown",), ("unknown",)
    plan.expect.culprits = []
    plan.expect.metric_invalid = True
    plan.evidence = replace(plan.evidence, application_gauges=False, server="gunicorn")  # uWSGI's log holds memory
    _abstain(plan)


def coarse(plan: Plan) -> None:
    """Working set every five minutes, access lines without durations: the leak is plain, the cause still findable."""
    since = onset(plan)
    leak_in(plan, "rare6", rate_between(plan, 90, 220), since)
    plan.surges.clear()
    decoy_comover(plan, "slow1", since)


def panels(plan: Plan) -> None:
    """Memory as a panel export only, in the browser's zone, cells with units; logs beside it."""
    since = onset(plan)
    leak_in(plan, "slow2", rate_between(plan, 90, 300), since)
    plan.change_service(WEB, warm_hours=2.0)


def _abstain(plan: Plan, *allowed: str) -> None:
    plan.expect.abstain, plan.expect.allowed_kinds = True, allowed
