"""The collectors that a configuration names. Those of an extra are imported here, when they are named."""

from __future__ import annotations

from importlib import import_module

from floodmark.settings import Settings
from floodmark.watch.collect.base import Collector
from floodmark.watch.collect.cgroup import CgroupCollector
from floodmark.watch.collect.processes import ProcessCollector
from floodmark.watch.collect.prometheus import PrometheusCollector
from floodmark.watch.config import WatchConfig

MAX_ANSWER_BYTES = 64_000_000


def collectors(config: WatchConfig, settings: Settings) -> list[Collector]:
    """Every collector of figures, in the order of the configuration. Raises SettingsError for a missing extra."""
    made: list[Collector] = [
        ProcessCollector(one, pss_every_seconds=settings.watch_pss_seconds, max_processes=settings.watch_max_processes)
        for one in config.processes
    ]
    made += [CgroupCollector(one) for one in config.cgroup]
    made += [
        PrometheusCollector(
            one,
            screen_mb_per_hour=settings.watch_screen_mb_per_hour,
            window_seconds=settings.watch_window_seconds,
            step_seconds=settings.watch_interval_seconds,
            max_suspects=settings.watch_max_suspects,
            max_answer_bytes=MAX_ANSWER_BYTES,
            timeout_seconds=settings.watch_timeout_seconds,
        )
        for one in config.prometheus
    ]
    bounds = {"timeout_seconds": settings.watch_timeout_seconds}
    for table, module, kind, bound in (
        (config.docker, "docker", "DockerCollector", "max_containers"),
        (config.kubernetes, "kubernetes", "KubernetesCollector", "max_pods"),
    ):
        if table:
            collector = getattr(import_module(f"floodmark.watch.collect.{module}"), kind)
            made += [collector(one, **bounds, **{bound: settings.watch_max_processes}) for one in table]
    return made
