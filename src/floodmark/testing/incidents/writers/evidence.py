"""All files of a case, as its evidence says which there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from floodmark.testing.incidents.world import World
from floodmark.testing.incidents.writers.cloudsql import write_cloudsql
from floodmark.testing.incidents.writers.files import Output
from floodmark.testing.incidents.writers.grafana import write_grafana
from floodmark.testing.incidents.writers.gunicorn import write_application_logs
from floodmark.testing.incidents.writers.kubernetes import write_kubernetes
from floodmark.testing.incidents.writers.nginx import write_nginx
from floodmark.testing.incidents.writers.processes import write_processes
from floodmark.testing.incidents.writers.prometheus import write_prometheus
from floodmark.testing.incidents.writers.tasks import write_tasks


def write_evidence(worlds: list[World], folder: Path) -> list[dict[str, Any]]:
    """Write `folder` and give a row a file: path, kind, lines, records."""
    out, evidence = Output(folder), worlds[0].plan.evidence
    folder.mkdir(parents=True, exist_ok=True)
    if evidence.logs:
        write_nginx(worlds, out)
        write_cloudsql(worlds, out)
        write_application_logs(worlds, out)
        write_tasks(worlds, out)
        write_kubernetes(worlds, out)
    write_prometheus(worlds, out)
    write_grafana(worlds, out)
    if evidence.psutil:
        write_processes(worlds, out)
    return out.rows
