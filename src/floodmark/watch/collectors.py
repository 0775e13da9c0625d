"""The collectors that a configuration names. Those of an extra are imported here, when they are named."""

from __future__ import annotations

from importlib import import_module

from floodmark.settings import Settings
from floodmark.watch.collect.base import Collector
from floodmark.watch.collect.cgroup import CgroupCollector
from floodmark.watch.collect.processes import ProcessCollector
from floodmark.watch.collect.prometheus import PrometheusCollector
from floodmark.watch.config import WatchConfig


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
            max_answer_bytes=int(settings.watch_max_answer_mb * 1e6),
            timeout_seconds=settings.watch_timeout_seconds,
        )
        for one in config.prometheus
    ]
    bounds: dict[str, float] = {"timeout_seconds": settings.watch_timeout_seconds}
    if config.docker:
        docker = import_module("floodmark.watch.collect.docker").DockerCollector
        bounds_of_docker = {
            "max_containers": settings.watch_max_processes, "max_events": settings.watch_max_events,
            "parallel": settings.watch_parallel,
        }  # fmt: skip
        made += [docker(one, **bounds, **bounds_of_docker) for one in config.docker]
    if config.kubernetes:
        kubernetes = import_module("floodmark.watch.collect.kubernetes").KubernetesCollector
        made += [kubernetes(one, **bounds, max_pods=settings.watch_max_processes) for one in config.kubernetes]
    return made
