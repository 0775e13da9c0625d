"""Import of files: each activity or organisation in one transaction, so that a bad one costs only itself."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import DatabaseError, OperationalError, transaction

from floodmark.errors import InputError, SourceError
from floodmark.export import models
from floodmark.export.importer.activity import ActivityImport
from floodmark.export.importer.losses import Loss, LossReport, Reporter
from floodmark.export.importer.organisation_file import OrganisationImport
from floodmark.export.importer.organisations import Organisations
from floodmark.export.importer.reading import Item, steps
from floodmark.export.importer.rows import Rows

log = logging.getLogger(__name__)

HELD_PIECES = 1_000
"""Pieces that may stand before the identifier; in valid files it comes first."""

IDENTIFIERS = ("iati-identifier", "organisation-identifier")
MAX_IDENTIFIER = 100
PENDING = 1

Progress = Callable[[Path, int, int], None]
"""Called with the file, how many items of it are done, and how many files are done."""


@dataclass(slots=True)
class Summary:
    """What an import did. `problems` are whole files and items that could not be imported, one line each."""

    files: int = 0
    activities: int = 0
    organisations: int = 0
    problems: list[str] = field(default_factory=list)


class SkipItem(Exception):
    """This item cannot be imported; the message says why."""


def files_in(paths: Sequence[Path]) -> Iterator[Path]:
    """Every file named, and every `*.xml` below a folder named, in order."""
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*.xml") if one.is_file())
        else:
            yield path


class Importer:
    """One run over files into the database `alias`."""

    def __init__(self, alias: str, report: LossReport, progress: Progress | None = None) -> None:
        self.alias, self.report, self.progress = alias, report, progress
        self.rows = Rows(alias)
        self.organisations = Organisations(alias, self.rows)
        self.summary = Summary()
        self._seen: dict[str, str] = {}
        self._exports: dict[int, int] = {}

    def run(self, paths: Sequence[Path]) -> Summary:
        """Import every file; what cannot be imported stands in the summary, and the rest goes on."""
        for path in files_in(paths):
            try:
                self._file(path)
            except InputError as error:
                self.summary.problems.append(str(error))
            self.summary.files += 1
        return self.summary

    def _file(self, path: Path) -> None:
        stream = steps(path)
        for done, step in enumerate(stream, 1):
            assert step.what == "item-begin"
            try:
                self._item(path, step.element, stream)
            except SkipItem as error:
                self.summary.problems.append(str(error))
                _to_the_end(stream)
            if self.progress:
                self.progress(path, done, self.summary.files)

    def _item(self, path: Path, element: Any, stream: Iterator[Item]) -> None:
        reporter = Reporter(_Held(), str(path))  # type: ignore[arg-type]  # the part of a report that is needed
        line = element.sourceline
        try:
            with transaction.atomic(using=self.alias):
                self._take(path, element, stream, reporter)
                self.rows.flush()
            self.organisations.settled()
        except OperationalError as error:
            raise SourceError(f"the database has gone: {str(error).splitlines()[0]}; what was imported stays") from None
        except DatabaseError as error:
            self._failed()
            raise SkipItem(
                f"{path}:{line}: {reporter.identifier}: the database refused it: {str(error).splitlines()[0]}"
            ) from None
        except (SkipItem, InputError):
            self._failed()
            raise
        for loss in reporter.report.losses:  # type: ignore[attr-defined]
            self.report.add(loss)

    def _failed(self) -> None:
        self.rows.reset()
        self.organisations.failed()
        # An export made in the transaction that failed is gone with it.
        self._exports.clear()

    def _take(self, path: Path, element: Any, stream: Iterator[Item], reporter: Reporter) -> None:
        is_activity = element.tag == "iati-activity"
        taken: ActivityImport | OrganisationImport = (
            ActivityImport if is_activity else OrganisationImport
        )(self.rows, self.organisations, reporter, element)  # fmt: skip
        line = element.sourceline
        held: list[tuple[str, Any]] = []
        for step in stream:
            if step.what == "item-end":
                if not reporter.identifier:
                    raise SkipItem(f"{path}:{line}: {element.tag} has no identifier: not imported")
                self._finish(taken)
                return
            if not reporter.identifier and step.what == "piece" and step.path in IDENTIFIERS:
                self._begin(path, line, step.element, taken, reporter)
                for early, piece in held:
                    taken.piece(early, piece)
            if reporter.identifier:
                _pass_on(taken, step)
            elif step.what != "piece" or len(held) >= HELD_PIECES:
                raise SkipItem(f"{path}:{line}: {element.tag} has its identifier too late: not imported")
            else:
                held.append((step.path, copy.deepcopy(step.element)))

    def _begin(
        self, path: Path, line: int, element: Any, taken: ActivityImport | OrganisationImport, reporter: Reporter
    ) -> None:
        identifier = "".join(element.itertext()).strip()
        here = f"{path}:{line}"
        if not identifier:
            raise SkipItem(f"{here}: the identifier is empty: not imported")
        if len(identifier) > MAX_IDENTIFIER:
            raise SkipItem(f"{here}: the identifier is longer than {MAX_IDENTIFIER} characters: not imported")
        key = f"{type(taken).__name__} {identifier}"
        if key in self._seen:
            raise SkipItem(f"{here}: {identifier} stood already at {self._seen[key]}: this one is not imported")
        self._seen[key] = here
        reporter.identifier = identifier
        taken.begin(identifier, self._known(taken, identifier))

    def _known(self, taken: ActivityImport | OrganisationImport, identifier: str) -> int | None:
        if isinstance(taken, OrganisationImport):
            return self.organisations.by_identifier(identifier)
        found = models.Project.objects.using(self.alias).filter(iati_activity_id=identifier)
        return found.values_list("id", flat=True).first()

    def _finish(self, taken: ActivityImport | OrganisationImport) -> None:
        taken.finish()
        if isinstance(taken, OrganisationImport):
            self.summary.organisations += 1
            return
        self.summary.activities += 1
        self.rows.flush()
        if taken.reporting is not None:
            self._publish(taken.id, taken.reporting[0])
        else:
            taken.reporter.lost("reporting-org", taken.start.line, "names no organisation: in no dataset", "stored")

    def _publish(self, project: int, organisation: int) -> None:
        """Put the project into its organisation's newest export: the dataset that it comes out with."""
        export = self._exports.get(organisation)
        if export is None:
            found = models.IatiExport.objects.using(self.alias).filter(reporting_organisation_id=organisation)
            export = found.exclude(status=4).order_by("-id").values_list("id", flat=True).first()
            if export is None:
                export = self.rows.add(
                    models.IatiExport,
                    {"reporting_organisation_id": organisation, "status": PENDING, "version": "2.03", "user_id": 0},
                )
                self.rows.flush()
            self._exports[organisation] = export
        through = models.IatiExport.projects.through
        through._default_manager.using(self.alias).get_or_create(iatiexport_id=export, project_id=project)


class _Held:
    """Losses of an item that is not in yet: they are reported when it is."""

    def __init__(self) -> None:
        self.losses: list[Loss] = []

    def add(self, loss: Loss) -> None:
        """Keep one."""
        self.losses.append(loss)


def _pass_on(taken: ActivityImport | OrganisationImport, step: Item) -> None:
    if step.what == "piece":
        taken.piece(step.path, step.element)
    elif isinstance(taken, ActivityImport):
        if step.what == "begin":
            taken.results.begin(step.path, step.element)
        else:
            taken.results.end(step.path)


def _to_the_end(stream: Iterator[Item]) -> None:
    """Skip what is left of an item."""
    for step in stream:
        if step.what == "item-end":
            return
