"""One organisation of an organisation file into the tables: budgets, expenditure, documents."""

from __future__ import annotations

from typing import Any

from floodmark.export import models
from floodmark.export.importer.activity import document_columns
from floodmark.export.importer.fitting import Fitting, moment
from floodmark.export.importer.losses import Reporter
from floodmark.export.importer.nodes import XML_LANG, Node, narrative
from floodmark.export.importer.organisations import Organisations
from floodmark.export.importer.rows import NO_PLACE, Row, Rows, report_leftovers
from floodmark.export.importer.tables import clear_organisation

BUDGETS: dict[str, tuple[Any, Any, str]] = {
    "total-budget": (models.OrganisationTotalBudget, models.OrganisationTotalBudgetLine, "budget_id"),
    "recipient-org-budget": (
        models.OrganisationRecipientOrgBudget,
        models.OrganisationRecipientOrgBudgetLine,
        "budget_id",
    ),
    "recipient-region-budget": (models.OrganisationRegionBudget, models.OrganisationRegionBudgetLine, "budget_id"),
    "recipient-country-budget": (models.OrganisationCountryBudget, models.OrganisationCountryBudgetLine, "budget_id"),
    "total-expenditure": (models.OrganisationTotalExpenditure, models.OrganisationExpenseLine, "expenditure_id"),
}
"""Element -> table, table of its lines, and the column that joins them."""


class OrganisationImport:
    """Takes the pieces of one organisation and adds rows; `finish` completes the organisation's own row."""

    def __init__(self, rows: Rows, organisations: Organisations, reporter: Reporter, element: Any) -> None:
        self.rows, self.organisations, self.reporter = rows, organisations, reporter
        self.fitting = Fitting(reporter)
        self.start = Node(element, "iati-organisation")
        self.language = self.start.attribute(XML_LANG)
        self.own = Row(models.Organisation, self.fitting)
        self.identifier = ""
        self.id = 0

    def begin(self, identifier: str, known_id: int | None) -> None:
        """The identifier is known: what an earlier import brought goes."""
        self.identifier, self.id = identifier, known_id or 0
        if self.id:
            clear_organisation(self.rows.connection, self.id)
        self.own.put("language", self.language, self.start, "@xml:lang")
        self.own.attributes(self.start, currency="default-currency")
        text = self.start.attribute("last-updated-datetime")
        at = moment(text)
        if at is not None:
            self.own.values["last_modified_at"] = at.replace(microsecond=0)
        elif text:
            where = "iati-organisation/@last-updated-datetime"
            self.reporter.lost(where, self.start.line, "not a date and time", "left out", text)

    def piece(self, path: str, element: Any) -> None:
        """Take one complete piece."""
        node = Node(element, path)
        if path == "organisation-identifier":
            node.text()
        elif path == "name":
            self._name(node)
        elif path == "reporting-org":
            self._reporting(node)
        elif path in BUDGETS and self.id:
            self._budget(path, node)
        elif path == "document-link" and self.id:
            self._document(node)
        else:
            self.reporter.lost(path, node.line, NO_PLACE, "left out", node.whole())
            return
        report_leftovers(node.leftovers(), self.reporter)

    def finish(self) -> None:
        """Complete the organisation's own row."""
        report_leftovers(self.start.attributes_left(), self.reporter)
        self.rows.flush()
        values = {name: value for name, value in self.own.values.items() if value is not None}
        models.Organisation.objects.using(self.rows.connection.alias).filter(id=self.id).update(**values)

    def _name(self, node: Node) -> None:
        # The organisation is found by its identifier, and made by its name where it is not there yet.
        number = self.organisations.of(node, self.reporter, self.language, ref=self.identifier)
        if not self.id and number:
            self.id = number

    def _reporting(self, node: Node) -> None:
        ref = node.element.get("ref", "")
        node.attribute("secondary-reporter")
        if ref != self.identifier:
            self.reporter.lost(
                "reporting-org/@ref", node.line, "the file is written as the organisation's own", "left out", ref
            )
        node.attribute("ref")
        kind = node.attribute("type")
        if kind:
            self.own.put("new_organisation_type", kind, node, "@type")
        name = narrative(node, self.language)
        known = models.Organisation.objects.using(self.rows.connection.alias).filter(id=self.id).first()
        if known and name and name != (known.long_name or known.name):
            problem = f"known by the name {known.long_name or known.name!r}"
            self.reporter.lost("reporting-org/narrative", node.line, problem, "that name kept", name)

    def _budget(self, path: str, node: Node) -> None:
        model, line_model, column = BUDGETS[path]
        row = Row(model, self.fitting, organisation_id=self.id)
        if path != "total-expenditure":
            row.attributes(node, status="status")
        self._recipient(path, row, node)
        row.date(node, "period-start", "period_start")
        row.date(node, "period-end", "period_end")
        row.money(node)
        number = self.rows.add(model, row.values)
        for line in node.children("expense-line" if path == "total-expenditure" else "budget-line"):
            inner = Row(line_model, self.fitting, **{column: number})
            inner.attributes(line, reference="ref")
            inner.money(line)
            inner.put("text", narrative(line, self.language), line, "narrative")
            self.rows.add(line_model, inner.values)

    def _recipient(self, path: str, row: Row, node: Node) -> None:
        if path == "recipient-org-budget":
            recipient = node.child("recipient-org")
            number = self.organisations.of(recipient, self.reporter, self.language) if recipient else None
            row.values["recipient_organisation_id"] = number or self.id
        elif path == "recipient-region-budget":
            region = node.child("recipient-region")
            row.attributes(
                region, region="code", region_vocabulary="vocabulary", region_vocabulary_uri="vocabulary-uri"
            )
            row.put("text", narrative(region, self.language), region, "narrative")
        elif path == "recipient-country-budget":
            country = node.child("recipient-country")
            row.attributes(country, country="code")
            row.put("text", narrative(country, self.language), country, "narrative")

    def _document(self, node: Node) -> None:
        row = Row(models.OrganisationDocument, self.fitting, organisation_id=self.id)
        document_columns(row, node)
        number = self.rows.add(models.OrganisationDocument, row.values)
        for category in node.children("category"):
            inner = Row(models.OrganisationDocumentCategory, self.fitting, document_id=number)
            inner.attributes(category, category="code")
            self.rows.add(models.OrganisationDocumentCategory, inner.values)
        for country in node.children("recipient-country"):
            inner = Row(models.OrganisationDocumentCountry, self.fitting, document_id=number)
            inner.attributes(country, country="code")
            inner.put("text", narrative(country, self.language), country, "narrative")
            self.rows.add(models.OrganisationDocumentCountry, inner.values)
