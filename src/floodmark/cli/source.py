"""`floodmark source check`: what is there in the database that RSR's rows are read from."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from floodmark import cli
from floodmark.errors import SourceError

source = typer.Typer(no_args_is_help=True, help="The database that RSR's rows are read from.")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(source, name="source")


@source.callback()
def _group() -> None:
    """Keep `check` a word of its own while it is the only one."""


@source.command()
def check(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print the finding as JSON.")] = False
) -> None:
    """Say what is there and what is missing; exit status 2 where IATI files cannot be made from it."""
    from floodmark.export import bootstrap, source_check

    bootstrap.setup(cli.settings_of(context), own=False)
    found = source_check.check()
    print(json.dumps(found.as_dict(), indent=2, ensure_ascii=False) if as_json else found, flush=True)
    if not found.serves:
        raise SourceError(found.reason())


@source.command()
def grants(
    context: typer.Context, role: Annotated[str, typer.Argument(help="The role that Floodmark connects as.")]
) -> None:
    """Print the SQL that lets a role of an RSR database read what Floodmark reads, and nothing else."""
    from floodmark.export import bootstrap, source_check

    cli.settings_of(context)
    bootstrap.configure({})
    print(source_check.grants(role))
