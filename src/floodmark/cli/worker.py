"""`floodmark worker`: builds what is asked for and what is due."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from floodmark import cli
from floodmark.settings import Settings

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(worker)


def worker(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Do the jobs that are due now, then end.")] = False,
    child: Annotated[
        str, typer.Option(hidden=True, help="Family, number and parent, as the supervisor names its child.")
    ] = "",
) -> None:
    """Run a build worker until interrupted; it is replaced when it dies or its memory has grown."""
    from floodmark.export import serving

    settings = cli.settings_of(context)
    if child:
        raise typer.Exit(_work_as_child(settings, *child.split(" ")))
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="floodmark: %(message)s")
    if once:
        family = serving.family()
        _work(settings, f"{family}/1", family, until_empty=True)
    else:
        serving.run_worker(settings, context.obj, say=_say)


def _work_as_child(settings: Settings, family: str, number: str, parent: str) -> int:
    from floodmark.export.process import die_with_parent

    die_with_parent()
    if os.getppid() != int(parent):
        return 0  # it died before it could be told on
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=FORMAT)
    return _work(settings, f"{family}/{number}", family)


def _work(settings: Settings, worker_id: str, family: str, *, until_empty: bool = False) -> int:
    from floodmark.export import bootstrap

    bootstrap.setup(settings)
    bootstrap.migrate()
    from floodmark.export.jobs.process import work  # its models need Django set up

    return work(settings, worker_id, family, until_empty=until_empty)


def _say(words: str) -> None:
    print(f"floodmark: {words}", file=sys.stderr, flush=True)
