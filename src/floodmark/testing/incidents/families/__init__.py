"""The families of cases: what goes wrong, what an analyst should say of it, and how long the window is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from floodmark.testing.incidents.families import benign, leaks, thin
from floodmark.testing.incidents.families.base import base
from floodmark.testing.incidents.plan import Plan


@dataclass(frozen=True)
class Family:
    """A name, what is put into a quiet week, the lengths of the window in hours, and the tier where it is fixed."""

    name: str
    spoil: Callable[[Plan], None]
    hours: tuple[float, ...] = (36.0, 48.0, 72.0)
    tier: str | None = None

    def plan(self, seed: int) -> Plan:
        """The plan of one seed."""
        plan = base(self.name, seed, self.hours[seed % len(self.hours)], self.tier)
        self.spoil(plan)
        return plan


_ALL = (
    Family("slow-route", leaks.slow_route),
    Family("two-services", leaks.two_services, (72.0, 120.0)),
    Family("rare-route", leaks.rare_route, (72.0, 120.0)),
    Family("busy-route", leaks.busy_route),
    Family("two-culprits", leaks.two_culprits),
    Family("guilty-deploy", leaks.guilty_deploy),
    Family("harvester", leaks.harvester),
    Family("slow-victim", leaks.slow_victim),
    Family("newcomer", leaks.newcomer),
    Family("cron-co-moves", leaks.cron_co_moves),
    Family("worker-task", leaks.worker_task),
    Family("heartbeat-task", leaks.heartbeat_task),
    Family("route-and-task", leaks.route_and_task),
    Family("surge-over-a-leak", leaks.surge_over_a_leak, (48.0, 72.0)),
    Family("rolled-back", leaks.rolled_back, (48.0, 72.0)),
    Family("recycled-leak", leaks.recycled_leak),
    Family("out-of-memory", leaks.out_of_memory),
    Family("native", leaks.native),
    Family("connections", leaks.connections),
    Family("monitoring", leaks.monitoring),
    Family("slow-leak", leaks.slow_leak, (120.0,)),
    Family("short-and-steep", leaks.short_and_steep, (6.0, 8.0)),
    Family("cache-fill", benign.cache_fill),
    Family("surge", benign.surge),
    Family("high-water", benign.high_water),
    Family("page-cache", benign.page_cache),
    Family("collector-saw", benign.collector_saw),
    Family("step", benign.step),
    Family("quiet", benign.quiet, (48.0, 120.0)),
    Family("quiet-with-deploys", benign.quiet_with_deploys, (72.0,)),
    Family("processes", benign.processes),
    Family("nightly-batch", benign.nightly_batch),
    Family("timeout-cascade", benign.timeout_cascade),
    Family("restart-loop", benign.restart_loop, (12.0, 30.0)),
    Family("sibling-only", benign.sibling_only),
    Family("more-workers", benign.more_workers),
    Family("background", thin.background),
    Family("inseparable-pair", thin.inseparable_pair),
    Family("crawler", thin.crawler),
    Family("short-and-unclear", thin.short_and_unclear, (4.5,)),
    Family("metrics-only", thin.metrics_only, tier="metrics"),
    Family("logs-only", thin.logs_only, tier="logs"),
    Family("invalid-metrics", thin.invalid_metrics, tier="invalid"),
    Family("invalid-metrics-of-a-leak", thin.invalid_metrics_of_a_leak, tier="invalid"),
    Family("coarse", thin.coarse, tier="coarse"),
    Family("panels", thin.panels, tier="grafana"),
)
FAMILIES = {family.name: family for family in _ALL}
"""Every family by its name."""
