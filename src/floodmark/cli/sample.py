"""`floodmark sample`: fill Floodmark's own database with data that it makes itself."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from floodmark import cli
from floodmark.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(sample)


def sample(
    context: typer.Context,
    organisations: Annotated[int, typer.Option(min=0, max=10_000, help="Organisations that report.")] = 3,
    projects: Annotated[int, typer.Option(min=0, max=1_000_000, help="Projects of each.")] = 40,
    seed: Annotated[int, typer.Option(help="Another seed, other data; the same seed, the same data.")] = 1,
    rich: Annotated[bool, typer.Option("--rich", help="Give every project every kind of row.")] = False,
    giant_periods: Annotated[
        int, typer.Option(min=0, max=10_000_000, help="One more organisation, whose one project has so many periods.")
    ] = 0,
    clean: Annotated[bool, typer.Option("--clean", help="Leave out the rows that are bad on purpose.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Delete the rows that are there first.")] = False,
) -> None:
    """Make sample organisations, projects and exports; refuses a database that holds rows."""
    from floodmark.export import bootstrap

    settings = cli.settings_of(context)
    if settings.source_url is not None:
        raise UsageError(
            "source_url is set, so RSR's rows are read from there: sample data would not be seen; unset it"
        )
    bootstrap.setup(settings)
    bootstrap.migrate()
    from floodmark.export.sample import Plan, generate, open_for_load, refuse_rows  # models need Django set up

    plan = Plan(organisations, projects, seed, rich, giant_periods, not clean)
    with open_for_load() as connection:
        if not replace:
            refuse_rows(connection)
        with _progress() as progress:
            task = progress.add_task("projects", total=plan.total_projects)
            loaded = generate(plan, connection, lambda count: progress.advance(task, count))
    print(
        f"{plan.total_projects:,} projects of {plan.reporters:,} organisations, {loaded.rows:,} rows", file=sys.stderr
    )


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = cli.terminal()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
