"""One organisation of an organisation file into the tables: budgets, expenditure, documents."""

from __future__ import annotations

from typing import Any

from lxml import etree

from floodmark.export import models
from floodmark.export.formats.base import Links
from floodmark.export.importer.documents import HELD, document_columns
from floodmark.export.importer.fitting import Fitting, moment
from floodmark.export.importer.losses import Reporter
from floodmark.export.importer.nodes import XML_LANG, Node
from floodmark.export.importer.organisations import Organisations
from floodmark.export.importer.own import pages_of_organisation
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

    def __init__(
        self, rows: Rows, organisations: Organisations, reporter: Reporter, element: Any, links: Links
    ) -> None:
        self.rows, self.organisations, self.reporter = rows, organisations, reporter
        self.links = links
        self.own_pages: set[str] = set()
        self.fitting = Fitting(reporter)
        self.start = Node(element, "iati-organisation")
        self.language = self.start.attribute(XML_LANG)
        self.own = Row(models.Organisation, self.fitting)
        self.identifier = self.name = ""
        self.id = self.type = 0
        self.has_name = self.has_content = False
        self.documents: list[tuple[Row, list[Row]]] = []

    def begin(self, identifier: str, known_id: int | None) -> None:
        """The identifier is known: what an earlier import brought goes."""
        self.identifier, self.id = identifier, known_id or 0
        if self.id:
            clear_organisation(self.rows.connection, self.id)
            self.own_pages = pages_of_organisation(self.rows.connection.alias, self.id, self.links)
        self.own.put("language", self.language, self.start, "@xml:lang")
        self.own.attributes(self.start, currency="default-currency")
        at = moment(self.start, "last-updated-datetime", self.reporter)
        if at is not None:
            self.own.values["last_modified_at"] = at

    def piece(self, path: str, element: Any) -> None:
        """Take one complete piece."""
        node = Node(element, path)
        if path == "organisation-identifier":
            node.text()
        elif path == "name":
            self._name(node)
        elif path in ("reporting-org", "document-link", *BUDGETS):
            if not self.id:
                self._name(Node(etree.Element("name"), "name"))
            self.has_content = self.has_content or path != "reporting-org"
            take = {"reporting-org": self._reporting, "document-link": self._document}.get(path)
            if take:
                take(node)
            else:
                self._budget(path, node)
        else:
            self.reporter.lost(path, node.line, NO_PLACE, "left out", node.whole())
            return
        report_leftovers(node.leftovers(), self.reporter)

    def finish(self) -> None:
        """Complete the organisation's own row."""
        report_leftovers(self.start.attributes_left(), self.reporter)
        if not self.id:
            self._name(Node(etree.Element("name"), "name"))
        self._add_documents()
        self.rows.flush()
        if not (self.has_content or self._is_published()):
            problem = "nothing but its name: it is kept, but no organisation file is made of it"
            self.reporter.lost("iati-organisation", self.start.line, problem, "stored")
        values = {name: value for name, value in self.own.values.items() if value is not None}
        models.Organisation.objects.using(self.rows.connection.alias).filter(id=self.id).update(**values)

    def _is_published(self) -> bool:
        """Whether the organisation has a file for another reason."""
        alias = self.rows.connection.alias
        exports = models.IatiExport.objects.using(alias).filter(reporting_organisation_id=self.id)
        logo = models.Organisation.objects.using(alias).filter(id=self.id).exclude(logo="")
        return exports.exists() or logo.exists()

    def _name(self, node: Node) -> None:
        # The organisation is found by its identifier, and made by its name where it is not there yet.
        if self.has_name:
            self.reporter.lost(node.path, node.line, "the tables hold only one", "left out", node.whole())
            node.element.clear()
            return
        known = self.organisations.of(node, self.reporter, self.language, ref=self.identifier)
        assert known is not None  # there is an identifier
        self.id, self.name, self.type, self.has_name = known.id, known.name, known.type, True

    def _reporting(self, node: Node) -> None:
        """The file comes out as the organisation's own report; another reporter finds no place."""
        if node.element.get("ref", "") != self.identifier:
            problem = "the file comes out as the organisation's own"
            self.reporter.lost(node.path, node.line, problem, "left out", node.whole())
            node.element.clear()
            return
        if node.element.get("secondary-reporter", "0") in ("0", "false"):
            node.attribute("secondary-reporter")
        known = self.organisations.of(node, self.reporter, self.language)
        self.name = known.name if known else self.name

    def _budget(self, path: str, node: Node) -> None:
        model, line_model, column = BUDGETS[path]
        row = Row(model, self.fitting, organisation_id=self.id)
        if path != "total-expenditure":
            row.attributes(node, status="status")
        if not self._recipient(path, row, node):
            self.reporter.lost(node.path, node.line, "says nobody whom it is for", "left out", node.whole())
            node.element.clear()
            return
        row.date(node, "period-start", "period_start")
        row.date(node, "period-end", "period_end")
        row.money(node)
        row.needs(node, "period_start", "period_end", "value")
        number = self.rows.add(model, row.values)
        for line in node.children("expense-line" if path == "total-expenditure" else "budget-line"):
            inner = Row(line_model, self.fitting, **{column: number})
            inner.attributes(line, reference="ref")
            inner.money(line)
            inner.narrative("text", line, self.language)
            inner.needs(line, "value")
            self.rows.add(line_model, inner.values)

    def _recipient(self, path: str, row: Row, node: Node) -> bool:
        """Whether it says whom it is for, or need not."""
        if path == "recipient-org-budget":
            recipient = node.child("recipient-org")
            known = self.organisations.of(recipient, self.reporter, self.language) if recipient else None
            row.values["recipient_organisation_id"] = known.id if known else None
            return known is not None
        if path == "recipient-region-budget":
            region = node.child("recipient-region")
            row.attributes(
                region, region="code", region_vocabulary="vocabulary", region_vocabulary_uri="vocabulary-uri"
            )
            row.narrative("text", region, self.language)
        elif path == "recipient-country-budget":
            country = node.child("recipient-country")
            row.attributes(country, country="code")
            row.narrative("text", country, self.language)
            row.needs(node, "country")
        return True

    def _document(self, node: Node) -> None:
        if node.element.get("url") in self.own_pages:
            node.element.clear()
            return
        row = Row(models.OrganisationDocument, self.fitting, organisation_id=self.id)
        document_columns(row, node)
        parts = []
        for category in node.children("category"):
            inner = Row(models.OrganisationDocumentCategory, self.fitting)
            inner.attributes(category, category="code")
            parts.append(inner)
        for country in node.children("recipient-country"):
            inner = Row(models.OrganisationDocumentCountry, self.fitting)
            inner.attributes(country, country="code")
            inner.narrative("text", country, self.language)
            inner.needs(country, "country")
            parts.append(inner)
        self.documents.append((row, parts))
        if len(self.documents) >= HELD:
            self._add_documents()

    def _add_documents(self) -> None:
        """The export writes the newest row first, so the last one goes in first."""
        for row, parts in reversed(self.documents):
            number = self.rows.add(models.OrganisationDocument, row.values)
            for part in reversed(parts):
                self.rows.add(part.model, {**part.values, "document_id": number})
        self.documents.clear()
