"""`floodmark export`: an organisation's IATI files, written to a file or a pipe."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from floodmark import cli
from floodmark.errors import CannotWrite, FloodmarkError, NothingUsable, SourceError, UsageError

export = typer.Typer(no_args_is_help=True, help="Write IATI files; memory does not depend on their size.")

Org = Annotated[str, typer.Argument(metavar="ORG", help="Id or IATI identifier of the organisation.")]
Out = Annotated[str, typer.Option("--out", "-o", help="File to write, replaced when complete; - is standard output.")]
Report = Annotated[str | None, typer.Option(help="File for the build report, JSON lines.")]
Stats = Annotated[str | None, typer.Option(help="File for what the run cost, JSON.")]
Generated = Annotated[
    str | None,
    typer.Option(help="generated-datetime, ISO 8601. Without it the newest last_modified_at of what is published."),
]
Check = Annotated[bool, typer.Option("--check", help="Hold the file against the XSD before it replaces the old one.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(export, name="export")


@export.command()
def activities(
    context: typer.Context,
    org: Org,
    out: Out = "-",
    report: Report = None,
    stats: Stats = None,
    generated: Generated = None,
    check: Check = False,
) -> None:
    """Write the activity file of an organisation: the projects of its newest IATI export."""
    _one(context, "activities", org, out, report, stats, generated, check)


@export.command()
def organisation(
    context: typer.Context,
    org: Org,
    out: Out = "-",
    report: Report = None,
    stats: Stats = None,
    generated: Generated = None,
    check: Check = False,
) -> None:
    """Write the organisation file of an organisation: its budgets, expenditure and documents."""
    _one(context, "organisation", org, out, report, stats, generated, check)


@export.command("all")
def every(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files; made where it is not there.")],
    stats: Stats = None,
    generated: Generated = None,
    check: Check = False,
) -> None:
    """Write every file of every organisation to a folder: 41-activities.xml, 41-organisation.xml and their reports."""
    run = _run(context, generated, check)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"{out}: {error.strerror}") from error
    costs: list[dict[str, Any]] = []
    empty = 0
    failed: list[str] = []
    for dataset in run.every():
        stem = out / f"{dataset.organisation_id}-{dataset.kind}"
        try:
            costs.append(_write(run, dataset, f"{stem}.xml", f"{stem}.report.jsonl"))
        except NothingUsable as nothing:
            empty += 1
            print(f"floodmark: {dataset}: {nothing}", file=sys.stderr)
        except (CannotWrite, SourceError):
            raise  # the next file would fail of the same
        except FloodmarkError as error:
            failed.append(dataset.slug)
            print(f"floodmark: {dataset}: {error}", file=sys.stderr)
    _write_stats(stats, {"datasets": costs, "nothing_to_publish": empty, "failed": failed})
    if failed:
        raise FloodmarkError(f"{len(failed)} of {len(failed) + len(costs) + empty} files failed: {', '.join(failed)}")
    if not costs:
        raise NothingUsable("there is nothing to publish in this database; `floodmark source check` says what is there")


def _one(
    context: typer.Context,
    kind: Literal["activities", "organisation"],
    org: str,
    out: str,
    report: str | None,
    stats: str | None,
    generated: str | None,
    check: bool,
) -> None:
    targets = [target for target in (out, report, stats) if target is not None]
    if len(set(targets)) < len(targets):
        raise UsageError("--out, --report and --stats need files of their own; --out alone is standard output")
    run = _run(context, generated, check)
    _write_stats(stats, _write(run, run.dataset(kind, org), out, report))


def _run(context: typer.Context, generated: str | None, check: bool) -> Any:
    """A floodmark.export.run.Run; the export half is imported when a command runs."""
    from floodmark.export import bootstrap
    from floodmark.export.run import Run

    moment = _moment(generated)
    settings = cli.settings_of(context)
    bootstrap.setup(settings, own=False)
    return Run(settings, moment, check)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--generated {text}: not a date and time; expected 2025-08-27T07:30:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _write(run: Any, dataset: Any, out: str, report: str | None) -> dict[str, Any]:
    from floodmark.export.output import whole_file

    with ExitStack() as stack:
        lines = stack.enter_context(_report_lines(report))
        advance = stack.enter_context(_progress(dataset.slug, run.size(dataset)))
        file = stack.enter_context(whole_file(out))
        cost: dict[str, Any] = run.write(dataset, file, lines, advance)
        return cost


@contextmanager
def _report_lines(report: str | None) -> Iterator[io.TextIOWrapper | None]:
    """Where the report goes; it stays also where nothing could be published, for it says why."""
    from floodmark.export.output import whole_file

    if report is None:
        yield None
        return
    nothing: NothingUsable | None = None
    with whole_file(report) as file:
        lines = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
        try:
            yield lines
        except NothingUsable as error:
            nothing = error
        lines.flush()
        lines.detach()
    if nothing is not None:
        raise nothing


@contextmanager
def _progress(name: str, total: int | None) -> Iterator[Any]:
    """A bar on a terminal, nothing in a pipe."""
    console = cli.terminal()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=total)
        yield lambda count: progress.advance(task, count)


def _write_stats(target: str | None, found: dict[str, Any]) -> None:
    from floodmark.export.output import whole_file

    if target is not None:
        with whole_file(target) as file:
            file.write(json.dumps(found, indent=2).encode() + b"\n")
