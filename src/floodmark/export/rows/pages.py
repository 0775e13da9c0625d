"""The projects of an export, page by page, with all that hangs on them ready to be taken in order.

A page is one short read-only transaction (REPEATABLE READ): what it reads fits together. Pages are separate
transactions, so that no snapshot is held while output is written, and a pooler may give each another session. A project
that is deleted between two pages is missing from the file, one that is added to the export below the last page's ids is
in it, one added above is in the next build. Of an activity too large for a page the rest follows in transactions of its
own: rows deleted meanwhile are missing, rows added meanwhile may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, TypeVar

from floodmark.errors import SourceError
from floodmark.export.rows import activity, finance, results
from floodmark.export.rows.activity import PROJECT, Project
from floodmark.export.rows.database import Database, Fetch, numbers
from floodmark.export.rows.reader import Limits, Reader
from floodmark.export.rows.table import Table

R = TypeVar("R", bound=tuple[Any, ...])

FIRST_PAGE_PROJECTS = 20
ABOVE_ALL = (1 << 31) - 1

SLICE_CHARS = 500_000
"""Of a long text that are in memory at once."""

_LENGTH = " + ".join(
    f"CASE WHEN octet_length(t.{column}) <= {activity.LONG_BYTES} THEN octet_length(t.{column}) ELSE 0 END"
    for column in activity.DESCRIPTIONS
)

# The next projects of an export, ids descending, with the length of the texts that are read with them. Not as stored,
# compressed: words repeated a thousand times are stored in a hundredth, and a page of them would be a hundred times what
# it may be.
NEXT_PROJECTS = f"""
    WITH next AS MATERIALIZED (
        SELECT e.project_id FROM rsr_iatiexport_projects e
        WHERE e.iatiexport_id = %s AND e.project_id < %s ORDER BY e.project_id DESC LIMIT %s)
    SELECT t.id, {_LENGTH} FROM next JOIN rsr_project t ON t.id = next.project_id
    ORDER BY next.project_id DESC"""  # noqa: S608 - own words


class ActivityRows:
    """A reader for each table of an activity file, filled a page of projects at a time."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self.database, self.limits = database, limits
        self.project_pages = 0
        self.roots: list[Reader[Any]] = []
        self._page_projects = FIRST_PAGE_PROJECTS
        self.participating_orgs = self._root(activity.PARTICIPATING_ORG)
        self.other_identifiers = self._root(activity.OTHER_IDENTIFIER)
        self.contacts = self._root(activity.CONTACT)
        self.recipient_countries = self._root(activity.RECIPIENT_COUNTRY)
        self.recipient_regions = self._root(activity.RECIPIENT_REGION)
        self.locations = self._root(activity.LOCATION)
        self.administratives = self.locations.child(activity.ADMINISTRATIVE)
        self.sectors = self._root(activity.SECTOR)
        self.country_budget_items = self._root(activity.COUNTRY_BUDGET_ITEM)
        self.humanitarian_scopes = self._root(activity.HUMANITARIAN_SCOPE)
        self.policy_markers = self._root(activity.POLICY_MARKER)
        self.budgets = self._root(finance.BUDGET)
        self.planned_disbursements = self._root(finance.PLANNED_DISBURSEMENT)
        self.transactions = self._root(finance.TRANSACTION)
        self.transaction_sectors = self.transactions.child(finance.TRANSACTION_SECTOR)
        self.links = self._root(finance.LINK)
        self.documents = self._root(finance.DOCUMENT)
        self.categories = self.documents.child(finance.CATEGORY)
        self.updates = self._root(finance.UPDATE)
        self.related_activities = self._root(activity.RELATED_ACTIVITY)
        self.legacy_data = self._root(activity.LEGACY_DATA)
        self.conditions = self._root(activity.CONDITION)
        self.results = self._root(results.RESULT)
        self.indicators = self.results.child(results.INDICATOR)
        self.references = self.indicators.child(results.REFERENCE)
        self.periods = self.indicators.child(results.PERIOD)
        self.target_locations = self.periods.child(results.TARGET_LOCATION)
        self.actual_locations = self.periods.child(results.ACTUAL_LOCATION)
        self.disaggregations = self.periods.child(results.DISAGGREGATION)
        self.crs_adds = self._root(activity.CRS_ADD)
        self.other_flags = self.crs_adds.child(activity.OTHER_FLAG)
        self.fss = self._root(activity.FSS)
        self.forecasts = self.fss.child(activity.FORECAST)

    def projects(self, export_id: int) -> Iterator[Project]:
        """The projects of an export, ids descending; take what hangs on one before asking for the next."""
        # By the last id and not by OFFSET: that would read all rows before it again, for each page.
        below = ABOVE_ALL
        while page := self.database.snapshot(partial(self._page, export_id, below)):
            self.project_pages += 1
            self._adapt(len(page))
            yield from page
            below = page[-1].id

    def project(self, project_id: int) -> Project | None:
        """One project, whether in an export or not."""
        page = self.database.snapshot(partial(self.read, [project_id]))
        self.project_pages += 1
        return page[0] if page else None

    def long_text(self, table: str, column: str, row: int) -> Iterator[str]:
        """A text that is too long for its row, `SLICE_CHARS` at a time; nothing where it is empty or gone.

        Each slice is a transaction of its own. Raises SourceError where the text was given another length meanwhile: what
        stands in the file already cannot be taken back, and half of each is neither.
        """
        statement = (
            f"SELECT substr(t.{column}, %s, {SLICE_CHARS}), octet_length(t.{column}) FROM {table} t WHERE t.id = %s"  # noqa: S608
        )
        start, known = 1, None
        while True:
            found = self.database.snapshot(partial(_fetched, statement, [start, row]))
            text, size = found[0] if found else ("", None)
            if known not in (None, size):
                raise SourceError(f"{table}.{column} of row {row} was changed while it was read; try again")
            if text:
                yield text
            if len(text or "") < SLICE_CHARS:
                return
            start, known = start + SLICE_CHARS, size

    @property
    def pages(self) -> int:
        """Pages of projects, and pages of one table where a project had more rows of it than fit."""
        return self.project_pages + sum(reader.refills for reader in self._readers())

    @property
    def rows_read(self) -> int:
        """Rows read so far, those of the projects not counted."""
        return sum(reader.rows_read for reader in self._readers())

    def _root(self, table: Table[R]) -> Reader[R]:
        reader = Reader(table, self.database, self.limits)
        self.roots.append(reader)
        return reader

    def _readers(self) -> Iterator[Reader[Any]]:
        waiting = list(self.roots)
        while waiting:
            reader = waiting.pop()
            waiting.extend(reader.children)
            yield reader

    def _page(self, export_id: int, below: int, fetch: Fetch) -> list[Project]:
        ids: list[int] = []
        held_bytes = 0
        for project_id, size in fetch(NEXT_PROJECTS, [export_id, below, self._page_projects]):
            held_bytes += size
            if ids and held_bytes > self.limits.page_text_chars:
                break
            ids.append(project_id)
        return self.read(ids, fetch) if ids else []

    def read(self, ids: list[int], fetch: Fetch) -> list[Project]:
        """The projects of these ids, with the readers ready for what hangs on them, within a snapshot."""
        page = [Project._make(row) for row in fetch(PROJECT.by_id, [numbers(ids)])]
        for reader in self.roots:
            reader.start(fetch, [project.id for project in page])
        return page

    def _adapt(self, projects: int) -> None:
        """Aim the next page at the rows and the text it may hold, from what this one held."""
        readers = list(self._readers())
        held = [reader.held for reader in readers]
        chars = sum(reader.held * reader.row_chars for reader in readers)
        fit = min(
            self.limits.page_rows / max(1, sum(held)),
            0.8 * self.limits.table_rows / max(1, *held),
            self.limits.page_text_chars / max(1.0, chars),
        )
        self._page_projects = max(1, min(int(projects * min(fit, 2.0)), self.limits.page_projects))


def _fetched(statement: str, parameters: list[Any], fetch: Fetch) -> list[tuple[Any, ...]]:
    return fetch(statement, parameters)
