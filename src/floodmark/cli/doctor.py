"""`floodmark doctor`: what is misconfigured in the watch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from floodmark.cli import settings_of


def register(app: typer.Typer) -> None:
    """Add the command `doctor`."""
    app.command()(doctor)


def doctor(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="The watch's configuration.")] = Path("watch.toml"),
) -> None:
    """Look at settings, collectors, logs, messengers and remedies; say what is wrong. Nothing is sent or done.

    Exit status 1 where something is bad.
    """
    from floodmark.watch.config import read
    from floodmark.watch.doctor import examine

    settings, wanted = settings_of(context), read(config)
    worst = 0
    for finding in examine(settings, wanted):
        print(f"{finding.grade:8}{finding.what}")
        worst = max(worst, int(finding.grade == "bad"))
    raise typer.Exit(worst)
