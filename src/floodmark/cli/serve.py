"""`floodmark serve`: the web server, and a worker beside it."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from floodmark import cli


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    context: typer.Context,
    bind: Annotated[str, typer.Option(help="Address and port; instead of the setting `bind`.")] = "",
    worker: Annotated[bool, typer.Option(help="Whether to run a build worker beside the web server.")] = True,
) -> None:
    """Serve the datasets over HTTP until interrupted, and build them."""
    from floodmark.export.serving import run_server

    settings = cli.settings_of(context)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="floodmark: %(message)s")
    run_server(settings, context.obj, bind or settings.bind, worker=worker, say=_say)


def _say(words: str) -> None:
    print(f"floodmark: {words}", file=sys.stderr, flush=True)
