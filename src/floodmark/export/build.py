"""From rows to the bytes of an IATI file, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from floodmark.errors import NothingUsable
from floodmark.export import catalogue
from floodmark.export.datasets import Dataset
from floodmark.export.formats.activity import Activities
from floodmark.export.formats.activity_identity import ReportingOrg
from floodmark.export.formats.base import Format, Links
from floodmark.export.formats.organisation import Organisations
from floodmark.export.formats.rules import RULES
from floodmark.export.report import MAX_LINES, BuildReport, Remark
from floodmark.export.rows.database import Database
from floodmark.export.rows.organisation import OrganisationRows
from floodmark.export.rows.pages import ActivityRows
from floodmark.export.rows.reader import Limits
from floodmark.settings import Settings

GIVEN_UP = "export-given-up"


class NothingToPublish(NothingUsable):
    """The dataset would be empty: no export, no project, or none that can be valid. An empty file is not valid IATI."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file. `item_id` is the project whose activity they belong to, None for what stands around."""

    item_id: int | None
    data: bytes


@dataclass(frozen=True)
class Options:
    """How a file is built: where its links point to, how much is in memory at once, how long a report is."""

    links: Links = field(default_factory=Links)
    limits: Limits = field(default_factory=Limits)
    patience_s: float = 20.0
    report_lines: int = MAX_LINES

    @classmethod
    def of(cls, settings: Settings) -> Options:
        """From the settings."""
        limits = Limits(page_rows=settings.page_rows, table_rows=settings.table_rows)
        return cls(Links.of(settings), limits, settings.database_patience_seconds, settings.report_max_lines)


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
    build = _Build(report, generated, options or Options(), effort or Effort())
    publisher = catalogue.organisation(build.database, dataset.organisation_id)
    if dataset.kind == "organisation":
        return build.organisation(dataset.organisation_id)
    return build.activities(dataset.organisation_id, publisher)


def project_pieces(
    project_id: int,
    report: BuildReport,
    *,
    generated: datetime,
    options: Options | None = None,
    effort: Effort | None = None,
) -> Iterator[Piece]:
    """The file of one project's activity alone, as `pieces`. Raises UsageError for an unknown project."""
    build = _Build(report, generated, options or Options(), effort or Effort())
    return build.project(project_id, catalogue.publisher(build.database, project_id))


class _Build:
    """One build on its way."""

    def __init__(self, report: BuildReport, generated: datetime, options: Options, effort: Effort) -> None:
        self.report, self.generated, self.options, self.effort = report, generated, options, effort
        self.database = Database(patience_s=options.patience_s)

    def activities(self, organisation_id: int, publisher: ReportingOrg) -> Iterator[Piece]:
        """The activity file of an organisation."""
        export_id = catalogue.export_of(self.database, organisation_id)
        if export_id is None:
            raise NothingToPublish(
                f"organisation {organisation_id} has no IATI export that says which projects to publish, so it has no"
                " activity file; make one in RSR"
            )
        if catalogue.was_given_up(self.database, export_id):
            self.report.add(Remark(GIVEN_UP, None, "rsr_iatiexport", export_id, "iati-activities", *RULES[GIVEN_UP]))
        rows = ActivityRows(self.database, self.options.limits)

        def nothing(left_out: int) -> str:
            holds = f"{left_out} projects, none with what the schema demands" if left_out else "no projects"
            return f"organisation {organisation_id} has nothing to publish: its IATI export holds {holds}"

        yield from self._file(self._activities(rows, publisher), rows.projects(export_id), rows, nothing)

    def project(self, project_id: int, publisher: ReportingOrg | None) -> Iterator[Piece]:
        """The activity of one project."""
        rows = ActivityRows(self.database, self.options.limits)
        row = rows.project(project_id)
        nothing = f"project {project_id} lacks what the schema demands; the build report says what"
        yield from self._file(self._activities(rows, publisher), [row] if row else [], rows, lambda count: nothing)

    def organisation(self, organisation_id: int) -> Iterator[Piece]:
        """The organisation file of an organisation."""
        rows = OrganisationRows(self.database, self.options.limits)
        row = rows.organisation(organisation_id)
        format_ = Organisations(rows, self.report, self.options.links, self.options.limits.piece_chars)
        nothing = f"organisation {organisation_id} has no IATI identifier, so it has no organisation file"
        yield from self._file(format_, [row] if row else [], rows, lambda count: f"{nothing}; give it one in RSR")

    def _activities(self, rows: ActivityRows, publisher: ReportingOrg | None) -> Activities:
        return Activities(rows, self.report, self.options.links, publisher, self.options.limits.piece_chars)

    def _file(
        self,
        format_: Format,
        items: Iterable[Any],
        rows: ActivityRows | OrganisationRows,
        nothing: Callable[[int], str],
    ) -> Iterator[Piece]:
        """The pieces of a file; where no item has any, NothingToPublish with what `nothing` says of those left out."""
        begun = False
        for item in items:
            for data in format_.item(item):
                # The head waits for the first item: a root without activities is not valid, and nothing is undone then.
                if not begun:
                    yield Piece(None, format_.begin(self.generated))
                    begun = True
                yield Piece(item.id, data)
        self.effort.queries, self.effort.pages, self.effort.rows = self.database.queries, rows.pages, rows.rows_read
        if not begun:
            raise NothingToPublish(nothing(self.report.left_out))
        yield Piece(None, format_.end())


def generated_span(head: bytes) -> slice:
    """Where in the first piece the value of generated-datetime stands: always 20 bytes, `2025-08-27T07:30:00Z`."""
    start = head.index(b' generated-datetime="') + len(b' generated-datetime="')
    return slice(start, start + 20)
