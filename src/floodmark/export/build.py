"""From rows to the bytes of an IATI file, piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from floodmark.errors import NothingUsable
from floodmark.export import catalogue
from floodmark.export.datasets import Dataset
from floodmark.export.formats.activity import Activities
from floodmark.export.formats.base import Format, Links
from floodmark.export.formats.organisation import Organisations
from floodmark.export.report import BuildReport
from floodmark.export.rows.database import Database
from floodmark.export.rows.organisation import OrganisationRows
from floodmark.export.rows.pages import ActivityRows
from floodmark.export.rows.reader import Limits
from floodmark.settings import Settings


class NothingToPublish(NothingUsable):
    """The dataset would be empty: no export, no project, or none that can be valid. An empty file is not valid IATI."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file. `item_id` is the project whose activity they belong to, None for what stands around."""

    item_id: int | None
    data: bytes


@dataclass(frozen=True)
class Options:
    """How a file is built: where its links point to, and how much is in memory at once."""

    links: Links = field(default_factory=Links)
    limits: Limits = field(default_factory=Limits)
    patience_s: float = 20.0

    @classmethod
    def of(cls, settings: Settings) -> Options:
        """From the settings."""
        limits = Limits(page_rows=settings.page_rows, table_rows=settings.table_rows)
        return cls(Links.of(settings), limits, settings.database_patience_seconds)


@dataclass
class Effort:
    """What a build took; filled while its pieces are taken."""

    queries: int = 0
    pages: int = 0
    rows: int = 0


def pieces(
    dataset: Dataset,
    report: BuildReport,
    *,
    generated: datetime,
    options: Options | None = None,
    effort: Effort | None = None,
) -> Iterator[Piece]:
    """The file of a dataset, valid whatever the database holds.

    First the XML declaration and the opened root (item_id None), then for each activity one or more pieces (at most a
    little over 64 KB each), ids descending, then the closed root (item_id None). What had to be completed or left out
    goes to `report`. Raises NothingToPublish, before the first piece; UsageError for an unknown organisation;
    SourceError where the database cannot be read.
    """
    options = options or Options()
    database = Database(patience_s=options.patience_s)
    publisher = catalogue.organisation(database, dataset.organisation_id)
    if dataset.kind == "organisation":
        yield from _organisation(database, dataset.organisation_id, report, generated, options, effort)
        return
    export_id = catalogue.export_of(database, dataset.organisation_id)
    if export_id is None:
        raise NothingToPublish(
            f"organisation {dataset.organisation_id} has no IATI export that says which projects to publish, so it has"
            " no activity file; make one in RSR"
        )
    rows = ActivityRows(database, options.limits)
    activities = Activities(rows, report, options.links, publisher, options.limits.piece_chars)
    found = False
    for piece in _file(activities, rows.projects(export_id), generated):
        found = True
        yield piece
    _record(effort, database, rows.pages, rows.rows_read)
    if not found:
        raise NothingToPublish(
            f"organisation {dataset.organisation_id} has nothing to publish: its IATI export holds"
            f" {report.left_out or 'no'} projects" + (", none with what the schema demands" if report.left_out else "")
        )


def _organisation(
    database: Database,
    organisation_id: int,
    report: BuildReport,
    generated: datetime,
    options: Options,
    effort: Effort | None,
) -> Iterator[Piece]:
    rows = OrganisationRows(database, options.limits)
    row = rows.organisation(organisation_id)
    organisations = Organisations(rows, report, options.links, options.limits.piece_chars)
    found = False
    for piece in _file(organisations, [row] if row else [], generated):
        found = True
        yield piece
    _record(effort, database, rows.pages, rows.rows_read)
    if not found:
        raise NothingToPublish(
            f"organisation {organisation_id} has no IATI identifier, so it has no organisation file; give it one in RSR"
        )


def project_pieces(
    project_id: int,
    report: BuildReport,
    *,
    generated: datetime,
    options: Options | None = None,
    effort: Effort | None = None,
) -> Iterator[Piece]:
    """The file of one project's activity alone, as `pieces`. Raises UsageError for an unknown project."""
    options = options or Options()
    database = Database(patience_s=options.patience_s)
    publisher = catalogue.publisher(database, project_id)
    rows = ActivityRows(database, options.limits)
    project = rows.project(project_id)
    activities = Activities(rows, report, options.links, publisher, options.limits.piece_chars)
    found = False
    for piece in _file(activities, [project] if project else [], generated):
        found = True
        yield piece
    _record(effort, database, rows.pages, rows.rows_read)
    if not found:
        raise NothingToPublish(f"project {project_id} lacks what the schema demands; the build report says what")


def _file(format_: Format, items: Iterable[Any], generated: datetime) -> Iterator[Piece]:
    """The pieces of a file; none at all where no item has any."""
    begun = False
    for item in items:
        for data in format_.item(item):
            if not begun:
                yield Piece(None, format_.begin(generated))
                begun = True
            yield Piece(item.id, data)
    if begun:
        yield Piece(None, format_.end())


def _record(effort: Effort | None, database: Database, pages: int, rows: int) -> None:
    if effort is not None:
        effort.queries, effort.pages, effort.rows = database.queries, pages, rows


def generated_span(head: bytes) -> slice:
    """Where in the first piece the value of generated-datetime stands: always 20 bytes, `2025-08-27T07:30:00Z`."""
    start = head.index(b' generated-datetime="') + len(b' generated-datetime="')
    return slice(start, start + 20)
