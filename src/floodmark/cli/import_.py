"""`floodmark import`: IATI files into the tables."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from floodmark import cli
from floodmark.errors import CannotWrite, NothingUsable, UsageError
from floodmark.settings import Settings

if TYPE_CHECKING:
    from floodmark.export.importer.losses import LossReport
    from floodmark.export.importer.summary import Summary

SHOWN_KINDS = 15
SHOWN_PROBLEMS = 50


def register(app: typer.Typer) -> None:
    """Add the command `import`."""
    app.command("import")(import_)


def import_(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        # One that cannot be read costs itself, not the others.
        typer.Argument(metavar="FILE|DIR...", help="IATI files, or folders of them.", readable=False),
    ],
    report: Annotated[Path | None, typer.Option(help="Write every loss there, one JSON line each.")] = None,
    stats: Annotated[Path | None, typer.Option(help="File for what the run cost, JSON.")] = None,
) -> None:
    """Read IATI 2.01 to 2.03 activity and organisation files into the tables; what finds no place is reported.

    Idempotent by identifier: an activity that is there already is replaced. Exit status 1 where something could not be
    imported, 3 where nothing could.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise UsageError(f"{', '.join(missing)}: no such file or folder")
    settings = cli.settings_of(context)
    try:
        with ExitStack() as files:
            out = files.enter_context(_opened(report)) if report else None
            costs = files.enter_context(_opened(stats)) if stats else None
            _set_up(settings)
            _run(settings, paths, out, costs)
    except OSError as error:
        # Files to be read that cannot are problems, not errors: what is left is what we write.
        raise CannotWrite(f"the report cannot be written: {error.strerror or error}") from None


def _opened(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"{path}: {error.strerror}") from None


def _set_up(settings: Settings) -> None:
    from floodmark.export import bootstrap

    bootstrap.setup(settings)
    bootstrap.migrate()


def _run(settings: Settings, paths: list[Path], out: TextIO | None, costs: TextIO | None) -> None:
    # Models can only be imported when Django is set up.
    from floodmark.export.importer.losses import LossReport
    from floodmark.export.importer.run import Importer, Options
    from floodmark.export.measure import Meter

    losses, meter = LossReport(out), Meter()
    with cli.terminal().status("reading") as status:
        importer = Importer(
            "default",
            losses,
            lambda path, items, files: status.update(f"{path.name}: {items} items, {files} files done"),
            Options.of(settings),
        )
        try:
            importer.run(paths)
        finally:
            # Said even where the run ends early: what was imported stays.
            _say(importer.summary, losses)
    if costs is not None:
        items = {"activities": importer.summary.activities, "organisations": importer.summary.organisations}
        costs.write(json.dumps({**items, "losses": losses.total(), **meter.read()}) + "\n")
    if not importer.summary.activities + importer.summary.organisations:
        raise NothingUsable("nothing was imported")
    if importer.summary.refused:
        raise typer.Exit(1)


def _say(summary: Summary, losses: LossReport) -> None:
    for problem in summary.problems[:SHOWN_PROBLEMS]:
        print(f"floodmark: {problem}", file=sys.stderr)
    if summary.refused > SHOWN_PROBLEMS:
        print(f"floodmark: and {summary.refused - SHOWN_PROBLEMS} more; --report lists all", file=sys.stderr)
    print(
        f"{summary.activities} activities and {summary.organisations} organisations from {summary.files} files;"
        f" {losses.total()} losses, {summary.refused} not imported"
    )
    for (problem, element), count in losses.counts.most_common(SHOWN_KINDS):
        print(f"  {count:6}  {element}: {problem}")
