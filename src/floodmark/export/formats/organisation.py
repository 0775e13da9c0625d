"""IATI organisation 2.03: the organisation itself, its budgets, its documents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from floodmark.export.formats.activity_classification import closed
from floodmark.export.formats.activity_documents import WEB_PAGE, document_start
from floodmark.export.formats.activity_identity import ReportingOrg, reporting_org_xml
from floodmark.export.formats.base import Links, Part, Pieces, Remarks, stamp
from floodmark.export.formats.values import is_uri
from floodmark.export.formats.xml import attribute, code, narrative, plain, quoted
from floodmark.export.report import BuildReport
from floodmark.export.rows.finance import Document
from floodmark.export.rows.organisation import (
    BUDGETS,
    Budget,
    DocumentCountry,
    Line,
    Organisation,
    OrganisationRows,
)

ORGANISATION = "rsr_organisation"


class Organisations:
    """The format of an organisation file; its one item is an organisation."""

    def __init__(self, rows: OrganisationRows, report: BuildReport, links: Links, piece_chars: int) -> None:
        self.rows, self.report, self.links, self.piece_chars = rows, report, links, piece_chars

    def begin(self, generated: datetime) -> bytes:
        """The declaration and the open root."""
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<iati-organisations generated-datetime="{stamp(generated)}"'
            ' version="2.03">'
        ).encode()

    def item(self, item: Organisation) -> Iterator[bytes]:
        """The organisation; nothing where it has no IATI identifier, for nothing can stand in for that."""
        remarks = Remarks(self.report)
        if not item.iati_org_id:
            remarks.add("organisation-identifier", ORGANISATION, item.id, "organisation-identifier")
            self.report.left_out += 1
            return iter(())
        # In the order of the schema, which knows no other.
        parts = chain(
            ((opening(item, remarks), ORGANISATION, item.id),),
            chain.from_iterable(budgets(item, self.rows, element, remarks) for element in BUDGETS),
            logo(item, self.links, remarks),
            documents(item, self.rows, self.links, remarks),
            (("</iati-organisation>", ORGANISATION, item.id),),
        )
        return Pieces(remarks, self.piece_chars).of(parts)

    def end(self) -> bytes:
        """The closed root."""
        return b"</iati-organisations>\n"


def opening(row: Organisation, remarks: Remarks) -> str:
    """From the start tag to reporting-org."""
    language = remarks.language(row.language, ORGANISATION, row.id, "iati-organisation/@xml:lang")
    stamped = remarks.stamp(row.last_modified_at, ORGANISATION, row.id, "iati-organisation/@last-updated-datetime")
    if not row.new_organisation_type:
        remarks.add("reporting-org-type", ORGANISATION, row.id, "reporting-org/@type")
    reporting = ReportingOrg(row.iati_org_id, row.new_organisation_type or 0, row.published_name or "")
    return (
        f"<iati-organisation{attribute('last-updated-datetime', stamped)}{attribute('xml:lang', language)}"
        f"{attribute('default-currency', row.currency)}>{plain('organisation-identifier', row.iati_org_id)}"
        f"<name>{narrative(row.published_name)}</name>{reporting_org_xml(reporting)}"
    )


def value_xml(remarks: Remarks, table: str, row: Budget | Line, of: str, element: str) -> str | None:
    """A value, None (with a remark) where there is none; the date `of` what it belongs to may stand in for its own."""
    amount = remarks.number(row.value, table, row.id, f"{element}/value")
    if not amount:
        remarks.add("value", table, row.id, element)
        return None
    when = remarks.date(row.value_date, table, row.id, f"{element}/value/@value-date")
    if not when:
        remarks.add("value-date", table, row.id, f"{element}/value/@value-date")
    return f'<value{attribute("currency", row.currency)} value-date="{when or of}">{amount}</value>'


def budgets(row: Organisation, rows: OrganisationRows, element: str, remarks: Remarks) -> Iterator[Part]:
    """The budgets of one kind, which need both ends of their period and a value."""
    table = BUDGETS[element][0].name
    reader, _ = rows.budgets[element]
    for budget in reader.take(row.id):
        if not (any(budget[2:6]) or budget.status or budget.recipient or budget.code):
            continue
        start = remarks.date(budget.period_start, table, budget.id, f"{element}/period-start")
        end = remarks.date(budget.period_end, table, budget.id, f"{element}/period-end")
        if not (start and end):
            remarks.add("period", table, budget.id, element)
            continue
        value = value_xml(remarks, table, budget, start, element)
        for_whom = recipient(budget, element, remarks)
        if value is None or for_whom is None:
            continue
        yield (
            f'<{element}{attribute("status", budget.status)}>{for_whom}<period-start iso-date="{start}"/>'
            f'<period-end iso-date="{end}"/>{value}',
            table,
            budget.id,
        )
        yield from lines(rows, element, budget, start, remarks)
        yield f"</{element}>", table, budget.id


def recipient(budget: Budget, element: str, remarks: Remarks) -> str | None:
    """Whom a budget is for, '' where its kind says nobody; None, with a remark, where it cannot do without."""
    table = BUDGETS[element][0].name
    if element == "recipient-org-budget":
        return f"<recipient-org{attribute('ref', budget.code)}>{narrative(budget.text)}</recipient-org>"
    if element == "recipient-country-budget":
        if not budget.code:
            remarks.add("recipient-country", table, budget.id, f"{element}/recipient-country")
            return None
        return closed(f'<recipient-country code="{quoted(budget.code)}"', "recipient-country", budget.text)
    if element == "recipient-region-budget":
        where = f"{element}/recipient-region/@vocabulary-uri"
        address = remarks.uri(budget.vocabulary_uri, table, budget.id, where)
        if not budget.code:
            remarks.add("recipient-region", table, budget.id, f"{element}/recipient-region")
        attributes = (
            f"{attribute('code', budget.code)}{attribute('vocabulary', budget.vocabulary)}"
            f"{attribute('vocabulary-uri', address)}"
        )
        return closed(f"<recipient-region{attributes}", "recipient-region", budget.text)
    return ""


def lines(rows: OrganisationRows, element: str, budget: Budget, start: str, remarks: Remarks) -> Iterator[Part]:
    """The lines of a budget, which need a value."""
    table = BUDGETS[element][1].name
    name = "expense-line" if element == "total-expenditure" else "budget-line"
    for line in rows.budgets[element][1].take(budget.id):
        if not any(line[2:]):
            continue
        value = value_xml(remarks, table, line, start, f"{element}/{name}")
        if value is None:
            continue
        if not line.text:
            remarks.add("text", table, line.id, f"{element}/{name}")
        yield f"<{name}{attribute('ref', line.reference)}>{value}{narrative(line.text)}</{name}>", table, line.id


def logo(row: Organisation, links: Links, remarks: Remarks) -> Iterator[Part]:
    """The logo as a document-link."""
    if not row.logo:
        return
    address = links.media(row.logo)
    if not is_uri(address):
        remarks.add("document-url", ORGANISATION, row.id, "document-link/@url")
        return
    xml = f'<document-link url="{quoted(address)}" format="image/jpeg"><title>{narrative("Organisation logo")}</title>'
    yield f"{xml}{WEB_PAGE}</document-link>", ORGANISATION, row.id


def documents(row: Organisation, rows: OrganisationRows, links: Links, remarks: Remarks) -> Iterator[Part]:
    """The documents, each with its categories and the countries it is about."""
    table = "rsr_organisationdocument"
    document: Document
    for document in rows.documents.take(row.id):
        address = document.url or (links.media(document.document) if document.document else "")
        categories = [category.category for category in rows.categories.take(document.id) if category.category]
        countries = [country for country in rows.countries.take(document.id) if country.country or country.text]
        if not (any(document._replace(title_language="")[2:]) or categories or countries):
            continue
        start = document_start(remarks, document, address, table)
        if start is not None:
            start += document_middle(document, categories, remarks, table)
            yield start, table, document.id
            yield from document_countries(countries, remarks)
            yield "</document-link>", table, document.id


def document_middle(document: Document, categories: list[str], remarks: Remarks, table: str) -> str:
    """The categories, the language and the date of a document."""
    if not categories:
        remarks.add("document-category", table, document.id, "document-link/category")
    when = remarks.date(document.document_date, table, document.id, "document-link/document-date")
    document_date = f'<document-date iso-date="{when}"/>' if when else ""
    chosen = "".join(code("category", category) for category in categories) or WEB_PAGE
    return f"{chosen}{code('language', document.language)}{document_date}"


def document_countries(countries: list[DocumentCountry], remarks: Remarks) -> Iterator[Part]:
    """The countries that a document is about."""
    table = "rsr_organisationdocumentcountry"
    for country in countries:
        if country.country:
            xml = f'<recipient-country code="{quoted(country.country)}"'
            yield closed(xml, "recipient-country", country.text), table, country.id
        else:
            remarks.add("code", table, country.id, "document-link/recipient-country")
