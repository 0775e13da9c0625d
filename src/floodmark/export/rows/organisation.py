"""The tables of an organisation file."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, NamedTuple

from floodmark.export.rows.activity import NAME
from floodmark.export.rows.database import Database, Fetch, numbers
from floodmark.export.rows.finance import Category, Document
from floodmark.export.rows.reader import Limits, Reader
from floodmark.export.rows.table import Iso, Number, Stamp, Table


class Organisation(NamedTuple):
    """An organisation; `published_name` is never empty in RSR."""

    id: int
    parent: Annotated[int, "t.id"]
    last_modified_at: Stamp
    language: str
    currency: str
    iati_org_id: str | None
    new_organisation_type: int
    published_name: Annotated[str, NAME.format("t")]
    logo: str


ORGANISATION = Table(Organisation, "rsr_organisation")


class Budget(NamedTuple):
    """Any of the five kinds of budget. `code`, `vocabulary`, `vocabulary_uri` and `text` say for whom it is."""

    id: int
    parent: Annotated[int, "t.organisation_id"]
    period_start: Iso
    period_end: Iso
    value: Number
    value_date: Iso
    currency: str
    status: str
    recipient: Annotated[int | None, "NULL::int"]
    code: Annotated[str | None, "''"]
    vocabulary: Annotated[str, "''"]
    vocabulary_uri: Annotated[str, "''"]
    text: Annotated[str | None, "''"]


class Line(NamedTuple):
    """A budget-line or expense-line."""

    id: int
    parent: Annotated[int, "t.budget_id"]
    reference: str
    value: Number
    value_date: Iso
    currency: str
    text: str


BUDGETS: dict[str, tuple[Table[Budget], Table[Line]]] = {
    "total-budget": (
        Table(Budget, "rsr_organisationtotalbudget"),
        Table(Line, "rsr_organisationtotalbudgetline"),
    ),
    "recipient-org-budget": (
        Table(
            Budget,
            "rsr_organisationrecipientorgbudget",
            # Not resolved to the organisation it is a copy of, as RSR does not here.
            joins=" LEFT JOIN rsr_organisation o ON o.id = t.recipient_organisation_id",
            values={"recipient": "o.id", "code": "o.iati_org_id", "text": NAME.format("o")},
        ),
        Table(Line, "rsr_organisationrecipientorgbudgetline"),
    ),
    "recipient-region-budget": (
        Table(
            Budget,
            "rsr_organisationregionbudget",
            values={
                "code": "t.region",
                "vocabulary": "t.region_vocabulary",
                "vocabulary_uri": "t.region_vocabulary_uri",
                "text": "t.text",
            },
        ),
        Table(Line, "rsr_organisationregionbudgetline"),
    ),
    "recipient-country-budget": (
        Table(Budget, "rsr_organisationcountrybudget", values={"code": "t.country", "text": "t.text"}),
        Table(Line, "rsr_organisationcountrybudgetline"),
    ),
    "total-expenditure": (
        Table(Budget, "rsr_organisationtotalexpenditure", values={"status": "''"}),
        Table(Line, "rsr_organisationexpenseline", values={"parent": "t.expenditure_id"}),
    ),
}
"""By element, in the order of the schema: the table of budgets and that of their lines."""

DOCUMENT = Table(Document, "rsr_organisationdocument", order=("-t.id",), values={"parent": "t.organisation_id"})
CATEGORY = Table(Category, "rsr_organisationdocumentcategory", order=("-t.id",))


class DocumentCountry(NamedTuple):
    """A recipient-country of a document."""

    id: int
    parent: Annotated[int, "t.document_id"]
    country: str
    text: str


COUNTRY = Table(DocumentCountry, "rsr_organisationdocumentcountry", order=("-t.id",))


class OrganisationRows:
    """A reader for each table of an organisation file."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self.database = database
        self.budgets: dict[str, tuple[Reader[Budget], Reader[Line]]] = {}
        for element, (table, lines) in BUDGETS.items():
            reader = Reader(table, database, limits)
            self.budgets[element] = (reader, reader.child(lines))
        self.documents = Reader(DOCUMENT, database, limits)
        self.categories = self.documents.child(CATEGORY)
        self.countries = self.documents.child(COUNTRY)

    def organisation(self, organisation_id: int) -> Organisation | None:
        """An organisation, with the readers ready for what hangs on it; None where there is none of that id."""
        return self.database.snapshot(partial(self.read, organisation_id))

    @property
    def pages(self) -> int:
        """Pages read: the first, and one for each time that a table had more rows than fit."""
        return 1 + sum(reader.refills for reader in self._readers())

    @property
    def rows_read(self) -> int:
        """Rows read so far, that of the organisation not counted."""
        return sum(reader.rows_read for reader in self._readers())

    def _readers(self) -> list[Reader[Any]]:
        pairs = [reader for pair in self.budgets.values() for reader in pair]
        return [*pairs, self.documents, self.categories, self.countries]

    def read(self, organisation_id: int, fetch: Fetch) -> Organisation | None:
        """The same, within a snapshot."""
        found = fetch(ORGANISATION.by_id, [numbers([organisation_id])])
        for reader, _ in self.budgets.values():
            reader.start(fetch, [organisation_id])
        self.documents.start(fetch, [organisation_id])
        return Organisation._make(found[0]) if found else None
