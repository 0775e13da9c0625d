"""`floodmark worker`: builds what is asked for and what is due."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from floodmark import cli


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(worker)


def worker(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Do the jobs that are due now, then end.")] = False,
) -> None:
    """Run a build worker until interrupted; it is replaced when it dies or its memory has grown."""
    from floodmark.export import serving

    settings = cli.settings_of(context)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="floodmark: %(message)s")
    if not once:
        serving.run_worker(settings, context.obj, say=_say)
        return
    from floodmark.export.jobs.process import work

    family = serving.family()
    work(settings, f"{family}/1", family, until_empty=True)


def _say(words: str) -> None:
    print(f"floodmark: {words}", file=sys.stderr, flush=True)
