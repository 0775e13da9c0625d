"""The worker as a process of its own: `python -m floodmark.export.jobs.process FAMILY NUMBER PARENT`."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from floodmark.errors import FloodmarkError
from floodmark.export import bootstrap, metrics_files
from floodmark.export.process import die_with_parent
from floodmark.settings import Settings, load

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def main(family: str, number: str, parent: str) -> int:
    """Set up and work; returns the exit status."""
    die_with_parent()
    if os.getppid() != int(parent):
        return 0  # it died before it could be told on
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=FORMAT)
    path = os.environ.get("FLOODMARK_SETTINGS")
    try:
        return work(load(Path(path) if path else None), f"{family}/{number}", family)
    except FloodmarkError as error:
        logging.getLogger("floodmark.jobs").error("%s", error)
        return error.exit_status


def work(settings: Settings, worker_id: str, family: str, *, until_empty: bool = False) -> int:
    """One worker in this process, until it is asked to stop by SIGTERM or SIGINT."""
    bootstrap.setup(settings)
    bootstrap.migrate()
    from floodmark.export.jobs.assembly import assemble  # its models need Django set up

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


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
