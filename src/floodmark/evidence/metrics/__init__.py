"""Metrics from files: one reader a format, each in its own module. `READERS` lists them for `evidence.sniff`."""

from __future__ import annotations

from floodmark.evidence.readers import Reader

from .cgroup import CgroupDump
from .dashboard import Dashboard, attached
from .docker_stats import DockerStats
from .exposition import Exposition
from .grafana_csv import GrafanaCsv
from .kubectl_top import KubectlTop
from .pod_metrics import PodMetrics
from .process_text import ProcessText
from .prometheus import PrometheusRange
from .table_csv import TableCsv

READERS: tuple[Reader, ...] = (
    PrometheusRange(), Exposition(), GrafanaCsv(), Dashboard(), TableCsv(), ProcessText(), KubectlTop(), DockerStats(),
    CgroupDump(), PodMetrics(),
)  # fmt: skip

__all__ = ["READERS", "attached"]
