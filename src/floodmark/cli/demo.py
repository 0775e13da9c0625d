"""`floodmark demo`: everything at once on a fresh machine."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from floodmark import cli
from floodmark.cli.build import build_these
from floodmark.errors import FloodmarkError
from floodmark.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    context: typer.Context,
    bind: Annotated[str, typer.Option(help="Address and port; instead of the setting `bind`.")] = "",
    organisations: Annotated[int, typer.Option(min=1, max=1000, help="Organisations to invent.")] = 3,
    projects: Annotated[int, typer.Option(min=1, max=100_000, help="Projects to invent for each.")] = 40,
) -> None:
    """Fill an empty database with sample data, build the datasets and serve them until interrupted."""
    from floodmark.export import bootstrap
    from floodmark.export.serving import listen, run_server

    settings = cli.settings_of(context)
    # Before the work: a port that is taken should be known at once.
    listen(bind or settings.bind).close()
    bootstrap.setup(settings)
    bootstrap.migrate()
    if settings.source_url is None:
        _fill_if_empty(organisations, projects)
    _build(settings)
    run_server(settings, context.obj, bind or settings.bind, worker=True, say=_say)
    bootstrap.leave()


def _fill_if_empty(organisations: int, projects: int) -> None:
    from floodmark.export.models import Project
    from floodmark.export.sample import Plan, generate, open_for_load

    if Project.objects.exists():
        _say("the database holds projects already; they are served as they are")
        return
    plan = Plan(organisations=organisations, projects=projects)
    with open_for_load() as connection:
        generate(plan, connection, lambda count: None)
    _say(f"made sample data: {plan.total_projects} projects")


def _build(settings: Settings) -> None:
    try:
        build_these(settings, [])
    except FloodmarkError as error:
        _say(str(error))  # the worker tries again, and what could be built is served


def _say(words: str) -> None:
    print(f"floodmark: {words}", file=sys.stderr, flush=True)
