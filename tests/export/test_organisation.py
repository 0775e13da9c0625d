"""The organisation file on rows of its own."""

from __future__ import annotations

import pytest
from lxml import etree
from rsr_rows import GENERATED, file_of, found, reporter, rules

from floodmark.export.build import NothingToPublish, Options, pieces
from floodmark.export.datasets import Dataset
from floodmark.export.formats.base import Links
from floodmark.export.models import (
    Organisation,
    OrganisationCountryBudget,
    OrganisationCountryBudgetLine,
    OrganisationDocument,
    OrganisationDocumentCategory,
    OrganisationDocumentCountry,
    OrganisationExpenseLine,
    OrganisationRecipientOrgBudget,
    OrganisationRegionBudget,
    OrganisationTotalBudget,
    OrganisationTotalBudgetLine,
    OrganisationTotalExpenditure,
)
from floodmark.export.report import BuildReport
from floodmark.export.rows.reader import Limits

WHOLE = {"period_start": "2020-01-01", "period_end": "2020-12-31", "value": 0, "currency": ""}
PERIOD = '<period-start iso-date="2020-01-01"/><period-end iso-date="2020-12-31"/>'
VALUE = '<value value-date="2020-01-01">0.00</value>'


def organisation_file(options: Options | None = None):
    """The organisation of the file, and the report."""
    data, remarks = file_of("organisation", 1, options)
    return etree.fromstring(data)[0], remarks


@pytest.fixture
def bare(database) -> Organisation:
    """An organisation that has nothing but its name."""
    return reporter()


def test_a_bare_organisation_is_published_as_this(bare):
    data, remarks = file_of("organisation")
    assert data.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<iati-organisations generated-datetime="2025-08-27T07:30:00Z" version="2.03">'
        '<iati-organisation xml:lang="en" default-currency="EUR">'
        "<organisation-identifier>XM-TEST-1</organisation-identifier><name><narrative>Organisation 1</narrative></name>"
        '<reporting-org ref="XM-TEST-1" secondary-reporter="0" type="21"><narrative>Organisation 1</narrative>'
        "</reporting-org></iati-organisation></iati-organisations>\n"
    )
    assert remarks == []


def test_without_an_identifier_there_is_no_organisation_file(bare):
    Organisation.objects.update(iati_org_id=None)
    report = BuildReport()
    with pytest.raises(NothingToPublish):
        list(pieces(Dataset("organisation", 1), report, generated=GENERATED))
    assert report.counts == {"organisation-identifier": 1}


def test_budgets_stand_in_the_order_of_the_schema_and_each_kind_by_id(bare):
    other = Organisation.objects.create(id=2, name="Other", long_name="", iati_org_id="XM-2", original=bare)
    for status in ("2", "1"):
        OrganisationTotalBudget.objects.create(organisation=bare, status=status, **WHOLE)
    OrganisationTotalExpenditure.objects.create(organisation=bare, **WHOLE)
    OrganisationCountryBudget.objects.create(organisation=bare, country="KE", text="T", **WHOLE)
    OrganisationRegionBudget.objects.create(
        organisation=bare, region="298", region_vocabulary="1", region_vocabulary_uri="%", **WHOLE
    )
    OrganisationRecipientOrgBudget.objects.create(organisation=bare, recipient_organisation=other, **WHOLE)
    element, remarks = organisation_file()
    inner = PERIOD + VALUE
    assert found(element, "*")[3:] == [
        f'<total-budget status="2">{inner}</total-budget>',
        f'<total-budget status="1">{inner}</total-budget>',
        '<recipient-org-budget><recipient-org ref="XM-2"><narrative>Other</narrative></recipient-org>'
        f"{inner}</recipient-org-budget>",
        f'<recipient-region-budget><recipient-region code="298" vocabulary="1"/>{inner}</recipient-region-budget>',
        '<recipient-country-budget><recipient-country code="KE"><narrative>T</narrative></recipient-country>'
        f"{inner}</recipient-country-budget>",
        f"<total-expenditure>{inner}</total-expenditure>",
    ]
    assert sorted(rules(remarks)) == ["uri"] + ["value-date"] * 6


def test_budgets_that_lack_something_are_left_out_or_completed(bare):
    OrganisationTotalBudget.objects.create(organisation=bare, value=5, currency="")
    OrganisationTotalBudget.objects.create(organisation=bare, **WHOLE | {"value": None})
    OrganisationTotalBudget.objects.create(organisation=bare, currency="EUR")
    OrganisationCountryBudget.objects.create(organisation=bare, **WHOLE)
    OrganisationRegionBudget.objects.create(organisation=bare, **WHOLE)
    element, remarks = organisation_file()
    assert found(element, "recipient-region-budget") == [
        f"<recipient-region-budget><recipient-region/>{PERIOD}{VALUE}</recipient-region-budget>"
    ]
    assert len(element) == 4
    assert sorted(rules(remarks)) == [
        "period", "recipient-country", "recipient-region", "value", "value-date", "value-date",
    ]  # fmt: skip


def test_lines_need_a_value_and_have_a_narrative(bare):
    budget = OrganisationTotalBudget.objects.create(organisation=bare, **WHOLE)
    for values in ({"reference": "r", "value": 3}, {"text": "no value"}, {}):
        OrganisationTotalBudgetLine.objects.create(budget=budget, currency="", **values)
    expenditure = OrganisationTotalExpenditure.objects.create(organisation=bare, **WHOLE)
    OrganisationExpenseLine.objects.create(
        expenditure=expenditure, value=1, text="T", value_date="2020-03-03", currency=""
    )
    element, remarks = organisation_file()
    assert found(element, "total-budget/budget-line") == [
        '<budget-line ref="r"><value value-date="2020-01-01">3.00</value><narrative/></budget-line>'
    ]
    assert found(element, "total-expenditure/expense-line") == [
        '<expense-line><value value-date="2020-03-03">1.00</value><narrative>T</narrative></expense-line>'
    ]
    assert sorted(rules(remarks)) == ["text", "value", "value-date", "value-date", "value-date"]


def test_logo_and_documents(bare):
    Organisation.objects.update(logo="db/org/1/logo é.png")
    document = OrganisationDocument.objects.create(organisation=bare, url="http://x.example/a.odt", title="T")
    for category in ("B01", "B02"):
        OrganisationDocumentCategory.objects.create(document=document, category=category)
    for country, text in (("NL", ""), ("", "nowhere"), ("KE", "T")):
        OrganisationDocumentCountry.objects.create(document=document, country=country, text=text)
    OrganisationDocument.objects.create(organisation=bare, title="lost")
    element, remarks = organisation_file(Options(Links(media_url="https://m.example")))
    assert found(element, "document-link") == [
        '<document-link url="https://m.example/db/org/1/logo%20%C3%A9.png" format="image/jpeg"><title><narrative>'
        'Organisation logo</narrative></title><category code="A12"/></document-link>',
        '<document-link url="http://x.example/a.odt" format="application/vnd.oasis.opendocument.text"><title>'
        '<narrative>T</narrative></title><category code="B02"/><category code="B01"/><recipient-country code="KE">'
        '<narrative>T</narrative></recipient-country><recipient-country code="NL"/></document-link>',
    ]
    assert sorted(rules(remarks)) == ["code", "document-format", "document-url"]


def test_many_lines_are_read_in_pages(bare):
    budget = OrganisationCountryBudget.objects.create(organisation=bare, country="NL", **WHOLE)
    OrganisationCountryBudgetLine.objects.bulk_create(
        OrganisationCountryBudgetLine(budget=budget, value=number, text="T", value_date="2020-01-01", currency="")
        for number in range(120)
    )
    element, _ = organisation_file(Options(limits=Limits(table_rows=7, index_rows=20, piece_chars=500)))
    assert [float(value.text) for value in element.iterfind("*/budget-line/value")] == list(range(120))
