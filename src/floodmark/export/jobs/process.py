"""A worker as a process: signals, metrics, and the private server brought back where it has died.

Its models need Django, so `bootstrap.setup` comes before this module is imported.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from floodmark.export import bootstrap, metrics_files
from floodmark.export.jobs.assembly import assemble
from floodmark.settings import Settings


def work(settings: Settings, worker_id: str, family: str, *, until_empty: bool = False) -> int:
    """One worker in this process, until it is asked to stop by SIGTERM or SIGINT; returns its exit status."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        metrics_files.mark(Path(folder), "worker")
    worker = assemble(settings, worker_id, family, revive=_reviver(settings))
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, lambda number, frame: worker.heart.ask_to_stop("the worker has been asked to stop"))
    try:
        return worker.run(until_empty=until_empty)
    finally:
        bootstrap.leave()


def _reviver(settings: Settings) -> Callable[[], None]:
    """Starts the private server again where it has died; a server of somebody else's is waited for."""

    def revive() -> None:
        if settings.database_url is None:
            bootstrap.leave()
            bootstrap.setup(settings, check=False)

    return revive
