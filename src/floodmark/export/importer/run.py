"""Import of files: each activity or organisation in one transaction, so that a bad one costs only itself."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, transaction

from floodmark.errors import InputError, SourceError
from floodmark.export.formats.base import Links
from floodmark.export.importer.activity import ActivityImport
from floodmark.export.importer.losses import HeldLosses, LossReport, Reporter
from floodmark.export.importer.nodes import Node, written
from floodmark.export.importer.organisation_file import OrganisationImport
from floodmark.export.importer.organisations import Organisations
from floodmark.export.importer.publication import Publication, known_project
from floodmark.export.importer.reading import UNIT_MAX_MB, Item, steps
from floodmark.export.importer.rows import BUFFER_MB, Rows
from floodmark.export.importer.summary import Seen, Summary
from floodmark.export.interruption import raise_interruption
from floodmark.settings import Settings

HELD_PIECES = 100
"""Pieces that may stand before the identifier; in valid files it comes first."""

IDENTIFIERS = {"iati-activity": "iati-identifier", "iati-organisation": "organisation-identifier"}
MAX_IDENTIFIER = {"iati-activity": 100, "iati-organisation": 75}
"""Characters of the columns."""

GONE = ("08", "53", "57P", "58")
"""Classes of SQLSTATE after which nothing more can be done: connection, resources, shutdown, system."""

Progress = Callable[[Path, int, int], None]
"""Called with the file, how many items of it are done, and how many files are done."""

Taken = ActivityImport | OrganisationImport


class SkipItem(Exception):
    """This item cannot be imported; the message says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """How much is in memory at once beside the parser, and where the export's own links point to."""

    unit_max_mb: float = UNIT_MAX_MB
    buffer_mb: float = BUFFER_MB
    links: Links = field(default_factory=Links)

    @classmethod
    def of(cls, settings: Settings) -> Options:
        """From the settings."""
        return cls(settings.import_unit_max_mb, settings.import_buffer_mb, Links.of(settings))


def files_in(paths: Sequence[Path], refuse: Callable[[str], None]) -> Iterator[Path]:
    """Every file named, and every `*.xml` below a folder named, in order; links to folders are not followed."""
    for path in paths:
        if path.is_dir():
            yield from _files_below(path, refuse)
        else:
            yield path


def _files_below(folder: Path, refuse: Callable[[str], None]) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        refuse(f"{folder}: cannot be read: {error.strerror or error}")
        return
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            yield from _files_below(entry, refuse)
        elif entry.suffix.lower() == ".xml" and not entry.is_dir():
            yield entry


class Importer:
    """One run over files into the database `alias`."""

    def __init__(
        self, alias: str, report: LossReport, progress: Progress | None = None, options: Options | None = None
    ) -> None:
        self.alias, self.report, self.progress, self.options = alias, report, progress, options or Options()
        self.rows = Rows(alias, self.options.buffer_mb)
        self.organisations = Organisations(alias, self.rows)
        self.publication = Publication(alias, self.rows)
        self.summary = Summary(report)
        self._seen = Seen()

    def run(self, paths: Sequence[Path]) -> Summary:
        """Import every file; what cannot be imported stands in the summary, and the rest goes on.

        Raises SourceError where the database goes away; what was imported before stays.
        """
        for path in files_in(paths, self.summary.refuse):
            try:
                self._file(path)
            except InputError as error:
                self.summary.refuse(str(error))
            self.summary.files += 1
        return self.summary

    def close(self) -> None:
        """Let the temporary file of identifiers go."""
        self._seen.close()

    def _file(self, path: Path) -> None:
        stream, done = steps(path, unit_max_mb=self.options.unit_max_mb), 0
        for step in stream:
            if step.what == "item-begin":
                try:
                    self._item(path, step.element, stream)
                except SkipItem as error:
                    self.summary.refuse(str(error))
                    _to_the_end(stream)
                done += 1
                if self.progress:
                    self.progress(path, done, self.summary.files)
            elif step.what == "root-attribute":
                Reporter(self.report, str(path)).lost(
                    written(step.path), step.element.sourceline, "IATI has no place for it", "left out", step.text
                )
            elif step.what == "stranger":
                line = step.element.sourceline
                self.summary.refuse(f"{path}:{line}: <{written(step.path)}> is no activity or organisation: left out")

    def _item(self, path: Path, element: Any, stream: Iterator[Item]) -> None:
        held = HeldLosses(self.report)
        reporter, line = Reporter(held, str(path)), element.sourceline
        try:
            with transaction.atomic(using=self.alias):
                taken = self._take(path, element, stream, reporter)
        except (DatabaseError, InterfaceError) as error:
            self._failed(held)
            raise_interruption(error)
            raise self._refusal(error, f"{path}:{line}: {reporter.identifier}") from None
        except BaseException:
            self._failed(held)
            raise
        # After the commit: losses of an item that was rolled back would speak of what is not there.
        held.release()
        self.organisations.settled()
        self._seen.add(_key(taken, reporter.identifier), f"{path}:{line}")
        if isinstance(taken, ActivityImport):
            self.summary.activities += 1
        else:
            self.summary.organisations += 1

    def _failed(self, held: HeldLosses) -> None:
        held.forget()
        self.rows.reset()
        self.organisations.failed()
        self.publication.failed()

    def _refusal(self, error: Exception, where: str) -> Exception:
        """What a database's refusal means: the end of the run, or of one item."""
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        state = getattr(error.__cause__, "sqlstate", None) or "08"
        if not isinstance(error, DataError | IntegrityError) and state.startswith(GONE):
            return SourceError(f"{where}: the database has gone: {said}; what was imported before stays")
        return SkipItem(f"{where}: the database refused it, so it is not imported: {said}")

    def _take(self, path: Path, element: Any, stream: Iterator[Item], reporter: Reporter) -> Taken:
        """Take an item from its start tag to its end. Raises SkipItem."""
        name, here = str(element.tag), f"{path}:{element.sourceline}"
        taken: Taken
        if name == "iati-activity":
            taken = ActivityImport(self.rows, self.organisations, reporter, element, self.options.links)
        else:
            taken = OrganisationImport(self.rows, self.organisations, reporter, element, self.options.links)
        held: list[tuple[str, Any]] = []
        for step in stream:
            if step.what == "too-large":
                most = self.options.unit_max_mb
                raise SkipItem(f"{here}: a <{step.path}> of more than {most:g} MB: not imported")
            if reporter.identifier:
                if step.what == "item-end":
                    self._finish(taken)
                    return taken
                _pass_on(taken, step)
            elif step.what == "piece" and step.path == IDENTIFIERS[name]:
                self._begin(here, step.element, taken, reporter)
                for early, piece in [*held, (step.path, step.element)]:
                    taken.piece(early, piece)
            elif step.what == "item-end":
                raise SkipItem(f"{here}: {name} has no identifier: not imported")
            elif step.what != "piece" or len(held) >= HELD_PIECES:
                raise SkipItem(f"{here}: {name} has its identifier too late: not imported")
            else:
                # A copy: the reader empties the element at its next step.
                held.append((step.path, copy.deepcopy(step.element)))
        raise AssertionError("an item without an end")

    def _begin(self, here: str, element: Any, taken: Taken, reporter: Reporter) -> None:
        identifier = Node(element, "").text().strip()
        name = str(taken.start.element.tag)
        if not identifier:
            raise SkipItem(f"{here}: the identifier is empty: not imported")
        if len(identifier) > MAX_IDENTIFIER[name]:
            most = MAX_IDENTIFIER[name]
            raise SkipItem(f"{here}: the identifier is longer than {most} characters: not imported")
        before = self._seen.where(_key(taken, identifier))
        if before:
            raise SkipItem(f"{here}: {identifier} stood already at {before}: this one is not imported")
        reporter.identifier = identifier
        taken.begin(identifier, self._known(taken, identifier))

    def _known(self, taken: Taken, identifier: str) -> int | None:
        if isinstance(taken, OrganisationImport):
            return self.organisations.by_identifier(identifier)
        return known_project(self.alias, identifier)

    def _finish(self, taken: Taken) -> None:
        taken.finish()
        # Before what follows, which asks the tables and refers to the project's row.
        self.rows.flush()
        if isinstance(taken, ActivityImport):
            taken.written()
        if isinstance(taken, ActivityImport) and taken.reporting is not None:
            self.publication.publish(taken.id, taken.reporting.id, is_known=taken.is_known)


def _key(taken: Taken, identifier: str) -> str:
    return f"{taken.start.element.tag} {identifier}"


def _pass_on(taken: Taken, step: Item) -> None:
    if step.what == "piece":
        taken.piece(step.path, step.element)
    elif step.what == "text":
        line = step.element.sourceline
        taken.reporter.lost(step.path, line, "a text where IATI has none", "left out", step.text)
    elif isinstance(taken, ActivityImport):
        if step.what == "begin":
            taken.results.begin(step.path, step.element)
        else:
            taken.results.end(step.path)
    elif step.what == "begin":
        taken.piece(step.path, step.element)


def _to_the_end(stream: Iterator[Item]) -> None:
    """Skip what is left of an item."""
    for step in stream:
        if step.what == "item-end":
            return
