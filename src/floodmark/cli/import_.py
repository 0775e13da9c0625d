"""`floodmark import`: IATI files into the tables."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, TextIO

import typer

from floodmark.cli import settings_of, terminal
from floodmark.errors import CannotWrite, NothingUsable, UsageError

SHOWN_KINDS = 15
SHOWN_PROBLEMS = 50


def register(app: typer.Typer) -> None:
    """Add the command `import`."""
    app.command("import")(import_)


def import_(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|DIR...", help="IATI files, or folders of them.")],
    report: Annotated[Path | None, typer.Option(help="Write every loss there, one JSON line each.")] = None,
) -> None:
    """Read IATI 2.01 to 2.03 activity and organisation files into the tables; what finds no place is reported.

    Idempotent by identifier: an activity that is there already is replaced. Exit status 1 where something could not be
    imported, 3 where nothing could.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise UsageError(f"{', '.join(missing)}: no such file or folder")

    from floodmark.export import bootstrap

    bootstrap.setup(settings_of(context))
    bootstrap.migrate()
    if report is None:
        _import(paths, None)
        return
    try:
        out = report.open("w", encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"{report}: {error.strerror}") from None
    with out:
        _import(paths, out)


def _import(paths: list[Path], out: TextIO | None) -> None:
    from floodmark.export.importer.losses import LossReport
    from floodmark.export.importer.run import Importer

    losses = LossReport(out)
    with terminal().status("reading") as status:
        importer = Importer(
            "default",
            losses,
            lambda path, items, files: status.update(f"{path.name}: {items} items, {files} files done"),
        )
        summary = importer.run(paths)
    for problem in summary.problems[:SHOWN_PROBLEMS]:
        print(f"floodmark: {problem}", file=sys.stderr)
    if len(summary.problems) > SHOWN_PROBLEMS:
        print(f"floodmark: and {len(summary.problems) - SHOWN_PROBLEMS} more", file=sys.stderr)
    print(
        f"{summary.activities} activities and {summary.organisations} organisations from {summary.files} files;"
        f" {losses.total()} losses, {len(summary.problems)} not imported"
    )
    for (problem, element), count in losses.counts.most_common(SHOWN_KINDS):
        print(f"  {count:6}  {element}: {problem}")
    if not summary.activities + summary.organisations:
        raise NothingUsable("nothing was imported")
    if summary.problems:
        raise typer.Exit(1)
