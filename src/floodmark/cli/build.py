"""`floodmark build`: build datasets now, or have a worker do it."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from floodmark import cli
from floodmark.errors import Ended, FloodmarkError, UsageError
from floodmark.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(build)


def build(
    context: typer.Context,
    organisations: Annotated[
        list[str] | None, typer.Argument(help="Organisation ids, or datasets such as 41/activities.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dataset that ought to be published.")] = False,
    enqueue: Annotated[bool, typer.Option("--enqueue", help="Put the builds in the queue for a worker.")] = False,
) -> None:
    """Build datasets in this process, now; the files come into force one by one."""
    from floodmark.export import bootstrap

    settings = cli.settings_of(context)
    if everything == bool(organisations):
        raise UsageError("say which organisations to build, or --all")
    bootstrap.setup(settings)
    bootstrap.migrate()
    build_these(settings, organisations or [], enqueue=enqueue)


def build_these(settings: Settings, names: list[str], *, enqueue: bool = False) -> None:
    """Build the named datasets, or all where none is named. Django is set up. Raises FloodmarkError if any failed."""
    from floodmark.export.jobs import command  # its models need Django set up

    wanted = command.datasets_of(names) if names else command.all_datasets()
    if enqueue:
        for dataset, standing in command.enqueue(wanted):
            print(f"{dataset}: {standing}")
        return
    failures = 0
    with _progress() as progress:
        for dataset in wanted:
            failures += not _build_one(settings, dataset, progress)
    if failures:
        raise FloodmarkError(f"{failures} of {len(wanted)} builds failed; what was served before still is")


def _build_one(settings: Settings, dataset: Any, progress: Progress) -> bool:
    """Whether it went well; one line about it is printed."""
    from floodmark.export.jobs import command

    task = progress.add_task(str(dataset), total=command.expected_bytes(settings, dataset))
    try:
        said = command.build_now(settings, dataset, lambda count: progress.advance(task, count))
    except Ended:
        raise  # it was the command that was asked to end, not this dataset
    except FloodmarkError as error:
        progress.console.print(
            f"{dataset}: failed: {error}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        return False
    finally:
        progress.remove_task(task)
    print(said, file=sys.stdout, flush=True)
    return True


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    console = cli.terminal()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
