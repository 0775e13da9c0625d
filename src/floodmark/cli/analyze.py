"""`floodmark analyze`: evidence in; `incident.json`, `report.html`, `report.md` out; the gist on the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from floodmark import cli
from floodmark.errors import NothingUsable, UsageError

if TYPE_CHECKING:
    from floodmark.diagnosis.incident import Incident, Service
    from floodmark.diagnosis.options import Options
    from floodmark.diagnosis.rules import Rule
    from floodmark.evidence.intake import IntakeOptions
    from floodmark.evidence.nouns import Evidence
    from floodmark.settings import Settings

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
"""What a name in a log may not do to a terminal."""

MAX_SERVICES_SAID = 25
"""Lines of services on the terminal, the gravest first: a cluster has hundreds, and the headline must stay in sight."""

EARLIEST, LATEST = 0.0, 4_102_444_800.0
"""1970 and 2100: the ends of a window of which only one was given, until the evidence is read."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(analyze)


def analyze(
    context: typer.Context,
    evidence: Annotated[
        list[Path],
        # A file that cannot be read is a row of the report, not the end of the work.
        typer.Argument(help="Files and folders: logs, metrics, archives, packed or not.", readable=False),
    ],
    out: Annotated[Path, typer.Option(help="Folder for incident.json, report.html and report.md.")],
    start: Annotated[str, typer.Option(help="Leave out what is before: 2025-08-27T02:30:00Z, UTC without zone.")] = "",
    end: Annotated[str, typer.Option(help="Leave out what is after.")] = "",
    zone: Annotated[
        list[str] | None, typer.Option(help="GLOB=ZONE of sources that state none: 'worker/*=Europe/Stockholm'.")
    ] = None,
    service: Annotated[list[str] | None, typer.Option(help="GLOB=SERVICE: the service that files belong to.")] = None,
    route: Annotated[list[str] | None, typer.Option(help="PREFIX=SERVICE: who serves the paths below it.")] = None,
    access_format: Annotated[
        list[str] | None, typer.Option(help="Format of access lines: a log_format of nginx or gunicorn's own.")
    ] = None,
    threshold: Annotated[
        list[str] | None, typer.Option(help="RULE=VALUE: another threshold for a rule (docs/alerts.md).")
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="TOML file of settings, as before the command.")] = None,
) -> None:
    """Say what happened: which services leak, how fast, what causes it, how sure that is, and what is not known."""
    from floodmark.diagnosis.pipeline import diagnose
    from floodmark.evidence.intake import gather
    from floodmark.report.write import write

    if settings is not None:
        context.obj = settings
    values = cli.settings_of(context)
    rules = _rules(values, _pairs(threshold, "--threshold"))
    options = _intake(values, _window(start, end), _pairs(zone, "--zone"), _pairs(service, "--service"),
                      _pairs(route, "--route"), tuple(access_format or ()))  # fmt: skip
    _must_exist(evidence, options.zones)
    with _progress() as tell:
        found = _closed(_without_own(gather(evidence, options, tell), evidence, out))
        incident = diagnose(found, _options(rules), rules)
        usable = _usable(found)
        del found  # the report is made of the incident alone, and takes as much memory where there are many sources
        write(incident, out)
    _say(incident, out)
    if not usable:
        raise NothingUsable(
            f"none of {len(incident.sources)} sources could be used; {out / 'incident.json'} says what is wrong with each"
        )


# ---------------------------------------------------------------- what the user said


def _pairs(words: Sequence[str] | None, option: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for word in words or ():
        left, equals, right = word.rpartition("=")
        if not equals or not left or not right:
            raise UsageError(f"{option} {word}: write it as LEFT=RIGHT")
        pairs.append((left, right))
    return tuple(pairs)


def _window(start: str, end: str) -> tuple[float, float] | None:
    if not start and not end:
        return None
    first = _moment(start, "--start") if start else EARLIEST
    last = _moment(end, "--end") if end else LATEST
    if last <= first:
        raise UsageError(f"--end {end} is not after --start {start}")
    return first, last


def _moment(word: str, option: str) -> float:
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        raise UsageError(f"{option} {word}: not a time; write it as 2025-08-27T02:30:00Z") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _rules(settings: Settings, thresholds: Sequence[tuple[str, str]]) -> tuple[Rule, ...]:
    """The rules with the thresholds of the settings, and of the command line where it says so."""
    from floodmark.diagnosis.rules import RULES, with_thresholds

    wanted = {rule.name: float(getattr(settings, rule.setting)) for rule in RULES}
    for name, word in thresholds:
        if name not in wanted:
            raise UsageError(f"--threshold {name}: no such rule; there are {', '.join(wanted)}")
        wanted[name] = _positive(word, f"--threshold {name}")
    growth = [wanted[f"growth-{severity}"] for severity in ("warning", "critical", "emergency")]
    if growth != sorted(growth):
        raise UsageError("the growth thresholds must rise from warning over critical to emergency")
    return with_thresholds(wanted)


def _positive(word: str, option: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(f"{option}={word}: not a number above 0")
    return value


def _options(rules: Sequence[Rule]) -> Options:
    from floodmark.diagnosis.options import DEFAULT

    levels = {rule.name: rule.threshold for rule in rules}
    return replace(
        DEFAULT,
        warning_mb_per_hour=levels["growth-warning"],
        critical_mb_per_hour=levels["growth-critical"],
        emergency_mb_per_hour=levels["growth-emergency"],
    )


def _intake(
    settings: Settings,
    window: tuple[float, float] | None,
    zones: tuple[tuple[str, str], ...],
    services: tuple[tuple[str, str], ...],
    routing: tuple[tuple[str, str], ...],
    formats: tuple[str, ...],
) -> IntakeOptions:
    from floodmark.evidence.intake import IntakeOptions

    return IntakeOptions(
        window=window,
        zones=zones,
        services=services,
        routing=routing,
        access_formats=formats,
        bin_seconds=settings.analyze_bin_seconds,
        max_all_samples=settings.analyze_max_samples,
        memory_mb=settings.analyze_memory_mb,
        max_spill_mb=settings.analyze_max_spill_mb,
        spill_dir=settings.analyze_spill_dir,
    )


def _must_exist(paths: Sequence[Path], zones: Sequence[tuple[str, str]]) -> None:
    from floodmark.evidence.clock import zone_of

    for pattern, name in zones:
        try:
            zone_of(name)
        except ValueError as error:
            raise UsageError(f"--zone {pattern}={name}: {error}") from None
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise UsageError(f"{path}: no such file or folder")


# ---------------------------------------------------------------- what was found


def _without_own(found: Evidence, paths: Sequence[Path], out: Path) -> Evidence:
    """The evidence without the rows of an earlier report, where the report lies among the evidence."""
    from floodmark.report.write import NAMES

    own: set[str] = set()
    for path in paths:
        if out.resolve().is_relative_to(path.resolve()):
            below = out.resolve().relative_to(path.resolve()).as_posix()
            for label in ("", path.name, path.as_posix().strip("/")):
                folder = "/".join(part for part in (label, below) if part not in ("", "."))
                own |= {folder or ".", *(f"{folder}/{name}" if folder else name for name in NAMES)}
    kept = tuple(one for one in found.sources if one.path not in own or one.records)
    return replace(found, sources=kept)


def _closed(found: Evidence) -> Evidence:
    """The evidence with the open end of its window at the last (or first) second that it tells of."""
    if found.window is None or (found.window[0] > EARLIEST and found.window[1] < LATEST):
        return found
    edges = [float(edge) for one in found.series if len(one.at) for edge in (one.at[0], one.at[-1])]
    edges += [
        float(edge) * found.bin_seconds for one in found.doses if len(one.bin) for edge in (one.bin[0], one.bin[-1] + 1)
    ]
    if not edges:
        return replace(found, window=None)
    first = found.window[0] if found.window[0] > EARLIEST else min(edges)
    last = found.window[1] if found.window[1] < LATEST else max(edges)
    return replace(found, window=(min(first, last), max(first, last)))


def _usable(found: Evidence) -> bool:
    return bool(found.series or found.doses or found.events or found.tallies)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A line that says which file is being read; nothing where nobody looks."""
    console = cli.terminal()
    if not console.is_terminal:
        yield lambda path, done, count: None
        return
    with console.status("Looking for evidence") as status:

        def tell(path: str, done: int, count: int) -> None:
            """Show which file is read, or that reading is over."""
            reading = f"Reading {done + 1} of {count}: {_plain(path)}" if path else "Working out what happened"
            status.update(reading.replace("[", r"\["))

        yield tell


def _say(incident: Incident, out: Path) -> None:
    """The gist on standard output: headline, a line a service, what to do now, where the rest is."""
    if incident.summary is not None:
        print(_plain(incident.summary.headline))
    shown = incident.services[:MAX_SERVICES_SAID]
    rows = [_row(one, incident) for one in shown]
    widths = [max((len(row[k]) for row in rows), default=0) for k in range(4)]
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if len(incident.services) > len(shown):
        print(
            f"  and {len(incident.services) - len(shown)} more, the gravest of them {incident.services[len(shown)].verdict}"
        )
    for action in incident.actions:
        if action.urgency == "immediate":
            where = f"{_plain(action.service)}: " if action.service else ""
            print(f"Now: {where}{_plain(action.action)}. {_plain(action.reason)}")
    if incident.summary is not None and incident.summary.not_known:
        print(f"Not known: {len(incident.summary.not_known)}; the report lists them.")
    print(f"Report: {out / 'report.html'}")


def _row(service: Service, incident: Incident) -> tuple[str, str, str, str]:
    from floodmark.diagnosis.wording import figure

    severity = "" if service.severity == "none" else f", {service.severity}"
    growth = service.growth
    rate = (
        "not known" if growth is None or growth.mb_per_hour is None else f"{figure(round(growth.mb_per_hour, 2))} MB/h"
    )
    named = [
        one.name for one in incident.causes if one.service == service.service and one.role == "culprit" and one.name
    ]
    return _plain(service.service), f"{service.verdict}{severity}", rate, _plain(", ".join(named))


def _plain(text: str) -> str:
    return CONTROLS.sub(" ", text)
