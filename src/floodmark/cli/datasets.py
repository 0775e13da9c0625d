"""`floodmark datasets`: how each dataset stands."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from floodmark import cli

WIDE = 240
COLOURS = {
    "ready": "green",
    "building": "cyan",
    "queued": "cyan",
    "failed": "red",
    "damaged": "red",
    "stale": "yellow",
    "kept": "yellow",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(datasets)


def datasets(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a dataset in a list.")] = False,
) -> None:
    """List the datasets: state, size, activities, when built and checked, and why a build failed."""
    from floodmark.export import bootstrap

    settings = cli.settings_of(context)
    bootstrap.setup(settings)
    bootstrap.migrate()
    from floodmark.export.artifacts.shelf import Shelf  # its neighbours need Django set up
    from floodmark.export.jobs.standing import standings
    from floodmark.export.storage import open_storage

    found = standings(settings, Shelf(open_storage(settings.artifacts_url, settings.data_dir / "artifacts")))
    if as_json:
        print(json.dumps([each.as_json() for each in found], indent=1, ensure_ascii=False))
    elif found:
        # In a pipe there is no width to fit: nothing is cut.
        Console(width=None if sys.stdout.isatty() else WIDE).print(_table(found))
    else:
        print("There is no dataset: no organisation has an export. `floodmark sample` or `floodmark import` make some.")


def _table(found: list[Any]) -> Table:
    from floodmark.export.index_page import size

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Dataset", "State"):
        table.add_column(name, no_wrap=True)
    for name in ("Size", "Activities", "Segments", "Remarks"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("Changed", "Checked"):
        table.add_column(name, no_wrap=True)
    table.add_column("Problem", overflow="fold")
    for each in found:
        table.add_row(
            each.dataset,
            Text(each.state, COLOURS.get(each.state, "")),
            "" if each.bytes is None else size(each.bytes),
            _number(each.activities),
            _number(each.segments or None),
            _number(each.remarks),
            _moment(each.built_at),
            _moment(each.checked_at),
            Text(each.problem),
        )
    return table


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}Z"
