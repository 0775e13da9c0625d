"""Each rule of docs/validity.md on rows of its own, from the database to the XML and the report."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from rsr_rows import AKVO, GENERATED, activity, file_of, found, project, reporter, rules

from floodmark.errors import UsageError
from floodmark.export.build import NothingToPublish, Options, generated_span, pieces, project_pieces
from floodmark.export.datasets import Dataset
from floodmark.export.formats.base import Links
from floodmark.export.formats.rules import RULES
from floodmark.export.models import (
    AdministrativeLocation,
    BudgetItem,
    CountryBudgetItem,
    CrsAdd,
    CrsAddOtherFlag,
    Fss,
    FssForecast,
    HumanitarianScope,
    IatiExport,
    Indicator,
    IndicatorPeriod,
    LegacyData,
    Link,
    Organisation,
    Partnership,
    PlannedDisbursement,
    PolicyMarker,
    Project,
    ProjectCondition,
    ProjectContact,
    ProjectDocument,
    ProjectDocumentCategory,
    ProjectLocation,
    ProjectUpdate,
    RecipientCountry,
    RecipientRegion,
    Result,
    Transaction,
)
from floodmark.export.report import BuildReport

HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<iati-activities generated-datetime="2025-08-27T07:30:00Z" version="2.03"'
    b' xmlns:akvo="http://akvo.org/iati-activities">'
)


@pytest.fixture
def bare(database) -> Project:
    """A project that lacks nothing and has nothing more."""
    return project(reporter())


def test_a_bare_project_is_published_as_this(bare):
    data, remarks = file_of("activities")
    assert data.decode() == HEAD.decode() + (
        '<iati-activity xml:lang="en" default-currency="EUR">'
        "<iati-identifier>XM-TEST-1-1</iati-identifier>"
        '<reporting-org ref="XM-TEST-1" secondary-reporter="0" type="21">'
        "<narrative>Organisation 1</narrative></reporting-org>"
        "<title><narrative>Project 1</narrative></title>"
        '<description type="1" akvo:type="4"><narrative>In short</narrative></description>'
        '<participating-org ref="XM-TEST-1" type="21" role="4"><narrative>Organisation 1</narrative>'
        "</participating-org>"
        '<other-identifier ref="1" type="B9"><owner-org ref="NL-KVK-27327087"><narrative>Akvo Foundation</narrative>'
        "</owner-org></other-identifier>"
        '<activity-status code="2"/><activity-date iso-date="2020-01-02" type="1"/><conditions attached="0"/>'
        "</iati-activity></iati-activities>\n"
    )
    assert remarks == []


def test_pieces_are_the_head_then_the_items_descending_then_the_end(bare):
    organisation = Organisation.objects.get()
    for number in (2, 3):
        project(organisation, number)
    made = list(pieces(Dataset("activities", 1), BuildReport(), generated=GENERATED))
    assert made[0].data == HEAD
    assert made[0].data[generated_span(made[0].data)] == b"2025-08-27T07:30:00Z"
    assert [piece.item_id for piece in made] == [None, 3, 2, 1, None]
    assert made[-1].data == b"</iati-activities>\n"


def test_the_file_of_one_project_holds_the_activity_that_the_whole_file_holds(bare):
    whole, _ = file_of("activities")
    alone = b"".join(piece.data for piece in project_pieces(1, BuildReport(), generated=GENERATED))
    assert alone == whole


@pytest.mark.parametrize(
    ("latest", "status", "expected"),
    [
        (True, 1, 2),  # asked for after the one that is served
        (True, 2, 2),  # RSR works at it, or died of it
        (True, 3, 1),  # finished, and then the older one was made current again
        (True, 4, 2),  # RSR's exporter failed at it
        (False, 3, 2),
        (False, 4, 2),
    ],
)
def test_the_export_that_counts_is_the_one_served_unless_a_newer_one_is_still_to_be_made(
    bare, latest, status, expected
):
    organisation = Organisation.objects.get()
    organisation.iati_exports.update(latest=latest, iati_file="db/org/1/iati/1.xml", status=3)
    second = IatiExport.objects.create(reporting_organisation=organisation, status=status)
    IatiExport.objects.create(reporting_organisation=organisation, status=4)
    project(organisation, 2)
    organisation.iati_exports.get(id=second.id).projects.set([2])
    for export in organisation.iati_exports.exclude(id=second.id):
        export.projects.remove(2)
    assert activity()[0].find("other-identifier").get("ref") == str(expected)


def test_an_export_that_holds_no_project_yet_does_not_count(bare):
    organisation = Organisation.objects.get()
    organisation.iati_exports.update(latest=True, iati_file="db/org/1/iati/1.xml", status=3)
    IatiExport.objects.create(reporting_organisation=organisation, status=1)
    assert activity()[0].find("other-identifier").get("ref") == "1"


def test_an_export_that_rsr_gave_up_is_published_and_said_in_the_report(bare):
    IatiExport.objects.update(status=4)
    _, remarks = activity()
    assert rules(remarks) == ["export-given-up"]
    assert (remarks[0]["table"], remarks[0]["row"]) == ("rsr_iatiexport", IatiExport.objects.get().id)


def test_what_cannot_be_published_at_all_is_said_before_the_first_byte(database):
    reporter()
    with pytest.raises(NothingToPublish, match="organisation 1 has nothing to publish: its IATI export holds no proj"):
        next(pieces(Dataset("activities", 1), BuildReport(), generated=GENERATED))
    IatiExport.objects.update(status=4)
    with pytest.raises(NothingToPublish, match="organisation 1 has no IATI export"):
        next(pieces(Dataset("activities", 1), BuildReport(), generated=GENERATED))
    with pytest.raises(UsageError, match="no organisation has the id 9"):
        next(pieces(Dataset("activities", 9), BuildReport(), generated=GENERATED))
    with pytest.raises(UsageError, match="no project has the id 9"):
        next(project_pieces(9, BuildReport(), generated=GENERATED))


def test_an_activity_is_left_out_where_no_date_can_stand_in(bare, database):
    with database.connect() as connection:
        connection.execute("UPDATE rsr_project SET date_start_planned = 'infinity', created_at = NULL")
    report = BuildReport()
    with pytest.raises(NothingToPublish, match="its IATI export holds 1 projects, none with what the schema demands"):
        list(pieces(Dataset("activities", 1), report, generated=GENERATED))
    assert report.counts == {"date": 1, "activity-date-none": 1}
    assert report.left_out == 1


RECORDED = (
    '<activity-date iso-date="2019-05-06" type="1"><narrative xml:lang="en">The activity has no date of its own; this'
    " is the day on which it was recorded.</narrative></activity-date>"
)
OF_ITS_PARTS = (
    '<activity-date iso-date="{}" type="1"><narrative xml:lang="en">The activity has no date of its own; this is the'
    " earliest of its money and results.</narrative></activity-date>"
)


def no_date(database, value: str | None = None) -> None:
    with database.connect() as connection:
        made = "created_at = '2019-05-06 23:59Z'"
        connection.execute(f"UPDATE rsr_project SET date_start_planned = %s, {made}", [value])


@pytest.mark.parametrize("value", [None, "infinity", "0044-03-15 BC"])
def test_an_activity_without_a_date_says_when_it_was_recorded_and_that_this_is_no_plan(bare, database, value):
    no_date(database, value)
    element, remarks = activity()
    assert found(element, "activity-date") == [RECORDED]
    assert set(rules(remarks)) - {"date"} == {"activity-date-recorded"}


def test_before_that_the_earliest_day_of_its_money_and_results_stands_in(bare, database):
    no_date(database)
    result = Result.objects.create(project=bare)
    indicator = Indicator.objects.create(result=result)
    days = []
    for make in (
        lambda day: IndicatorPeriod.objects.create(indicator=indicator, period_start=day),
        lambda day: PlannedDisbursement.objects.create(project=bare, period_start=day),
        lambda day: BudgetItem.objects.create(project=bare, period_start=day),
        lambda day: Transaction.objects.create(project=bare, transaction_date=day),
    ):
        days.append(f"20{18 - len(days)}-03-04")
        make(days[-1])
        element, remarks = activity()
        assert found(element, "activity-date") == [OF_ITS_PARTS.format(days[-1])]
        assert "activity-date" in rules(remarks)
    with database.connect() as connection:
        connection.execute("UPDATE rsr_transaction SET transaction_date = '-infinity'")
    assert found(activity()[0], "activity-date") == [OF_ITS_PARTS.format(days[-2])]


@pytest.mark.parametrize(
    ("status", "values", "code", "rule"),
    [
        ("A", {"date_end_actual": date(2021, 1, 1)}, "2", "activity-status"),
        ("N", {"date_end_actual": date(2021, 1, 1), "date_start_actual": date(2020, 1, 1)}, "4", "activity-status-dates"),
        ("N", {"date_start_actual": date(2020, 1, 1)}, "2", "activity-status-dates"),
        ("R", {"date_end_planned": date(2020, 1, 1)}, "1", "activity-status-none"),
    ],
)  # fmt: skip
def test_a_missing_status_comes_from_rsr_then_from_the_dates(bare, status, values, code, rule):
    Project.objects.update(iati_status="", status=status, **values)
    element, remarks = activity()
    assert element.find("activity-status").get("code") == code
    assert rules(remarks) == [rule]


def test_an_activity_with_transactions_has_begun(bare):
    Project.objects.update(iati_status="", status="N")
    Transaction.objects.create(project=bare, transaction_date=date(2020, 1, 1), value=1, value_date=date(2020, 1, 1),
                               transaction_type="3")  # fmt: skip
    assert activity()[0].find("activity-status").get("code") == "2"


def test_what_the_reporting_organisation_says_stands_in_for_what_is_missing(bare):
    Project.objects.update(iati_activity_id=None, title="", subtitle="", iati_status="", status="C")
    Partnership.objects.all().delete()
    element, remarks = activity()
    assert element.findtext("iati-identifier") == "XM-TEST-1-RSR-1"
    assert found(element, "title") + found(element, "description") == [
        "<title><narrative/></title>", "<description><narrative/></description>",
    ]  # fmt: skip
    assert found(element, "participating-org") == [
        '<participating-org ref="XM-TEST-1" type="21" role="2"><narrative>Organisation 1</narrative>'
        "</participating-org>"
    ]
    assert element.find("activity-status").get("code") == "4"
    assert sorted(rules(remarks)) == [
        "activity-status", "description", "identifier", "participating-org", "reporting-org", "title",
    ]  # fmt: skip


@pytest.mark.parametrize("blank", ["", " ", "\n\t ", "\x0b", " \ufffe "])
def test_an_identifier_of_nothing_that_a_reader_sees_is_none(bare, blank):
    Project.objects.update(iati_activity_id=blank)
    element, remarks = activity()
    assert element.findtext("iati-identifier") == "XM-TEST-1-RSR-1"
    assert rules(remarks) == ["identifier"]


def test_a_secondary_reporter_is_no_partner_and_one_without_identifier_no_reporter(bare):
    Partnership.objects.filter(iati_organisation_role=4).delete()
    Partnership.objects.update(is_secondary_reporter=True)
    element, remarks = activity()
    assert found(element, "participating-org") == ['<participating-org role="4"/>']
    assert rules(remarks) == ["participating-org-none"]
    Organisation.objects.update(iati_org_id=None)
    report = BuildReport()
    with pytest.raises(NothingToPublish):
        list(pieces(Dataset("activities", 1), report, generated=GENERATED))
    assert report.counts == {"reporting-org-ref": 1}


def test_of_several_reporters_the_one_that_is_not_secondary_reports(bare):
    other = reporter(2)
    Partnership.objects.filter(iati_organisation_role=101).update(is_secondary_reporter=True, internal_id="A")
    Partnership.objects.create(project=bare, organisation=other, iati_organisation_role=101, internal_id="B")
    element, _ = activity()
    assert element.find("reporting-org").get("ref") == "XM-TEST-2"
    assert [(one.get("ref"), one.get("type")) for one in element.iterfind("other-identifier")] == [
        ("1", "B9"), ("A", "B9"), ("B", "A1"),
    ]  # fmt: skip


def test_partners_are_named_by_the_organisation_they_are_a_copy_of_and_reporters_are_not(bare):
    original = Organisation.objects.create(id=3, name="Original", long_name="", iati_org_id="XM-ORIGINAL")
    Organisation.objects.filter(id=1).update(original=original)
    element, _ = activity()
    assert element.find("participating-org").get("ref") == "XM-ORIGINAL"
    assert element.findtext("participating-org/narrative") == "Original"
    assert element.find("reporting-org").get("ref") == "XM-TEST-1"


def test_attributes_of_the_activity(bare):
    Project.objects.update(
        last_modified_at="2025-08-01T12:00:00.987+02:00", language="", currency="", hierarchy=2, humanitarian=False
    )
    attributes = dict(activity()[0].attrib)
    assert attributes == {"last-updated-datetime": "2025-08-01T10:00:00+00:00", "hierarchy": "2", "humanitarian": "0"}
    Project.objects.update(language="9", hierarchy=0, humanitarian=None)
    element, remarks = activity()
    assert dict(element.attrib) == {"last-updated-datetime": "2025-08-01T10:00:00+00:00"}
    assert rules(remarks) == ["language"]


def test_text_is_never_rewritten_but_for_what_xml_cannot_hold(bare):
    hostile = " a < b & c ]]> <b> &amp; ns12:type xmlns:akvo=\"x\" 'q' \r\n\t😀\x85\u2028\x7f "
    Project.objects.update(title=hostile, background="vertical\vtab\x01")
    element, remarks = activity()
    assert element.findtext("title/narrative") == hostile
    assert element.findtext(f"description[@{AKVO}type='6']/narrative") == "verticaltab"
    (remark,) = remarks
    assert remark == {
        "rule": "illegal-character", "project": 1, "table": "rsr_project", "row": 1, "element": "description/narrative",
        "problem": "characters that XML cannot hold: U+000B, U+0001", "done": "removed them",
    }  # fmt: skip


def test_contacts_and_scope(bare):
    ProjectContact.objects.create(project=bare, type="1", person_name="P", website="http://a:b:c", telephone="1")
    ProjectContact.objects.create(project=bare)
    Project.objects.update(project_scope="4")
    element, remarks = activity()
    assert found(element, "contact-info") == [
        '<contact-info type="1"><person-name><narrative>P</narrative></person-name><telephone>1</telephone>'
        "</contact-info>"
    ]
    assert rules(remarks) == ["uri"]
    assert found(element, "activity-scope") == ['<activity-scope code="4"/>']


def test_countries_and_regions(bare):
    for country, percentage in (("NL", None), ("KE", Decimal("0.0")), ("GH", Decimal("60.5")), ("", Decimal("5.0"))):
        RecipientCountry.objects.create(project=bare, country=country, percentage=percentage)
    RecipientRegion.objects.create(project=bare, region="298", region_vocabulary="1", region_vocabulary_uri="%")
    RecipientRegion.objects.create(project=bare, region_vocabulary="1")
    RecipientRegion.objects.create(project=bare)
    element, remarks = activity()
    assert found(element, "recipient-country") == [
        '<recipient-country code="NL"/>', '<recipient-country code="GH" percentage="60.5"/>',
        '<recipient-country code="KE"/>',
    ]  # fmt: skip
    assert found(element, "recipient-region") == ['<recipient-region code="298" vocabulary="1"/>']
    assert rules(remarks) == ["code", "uri", "code"]


def test_a_percentage_that_is_no_number_is_left_out(bare, database):
    with database.connect() as connection:
        columns = "sector_code, text, vocabulary, percentage, project_id, vocabulary_uri"
        connection.execute(f"INSERT INTO rsr_sector ({columns}) VALUES ('1', '', '98', 'NaN', 1, '')")
    element, remarks = activity()
    assert found(element, "sector") == ['<sector code="1" vocabulary="98"><narrative/></sector>']
    assert [(remark["rule"], remark["problem"]) for remark in remarks] == [("number", "not a number: NaN")]


def test_locations_with_coordinates_of_zero_and_halves_of_codes(bare):
    ProjectLocation.objects.create(location_target=bare, latitude=0.0, longitude=-0.5, location_code="1")
    ProjectLocation.objects.create(location_target=bare, latitude=1.0, vocabulary="G1")
    divided = ProjectLocation.objects.create(location_target=bare, exactness="1")
    AdministrativeLocation.objects.create(location=divided, code="1", vocabulary="G1", level=0)
    AdministrativeLocation.objects.create(location=divided, code="2")
    AdministrativeLocation.objects.create(location=divided, code="3", vocabulary="G1", level=2)
    element, remarks = activity()
    assert found(element, "location") == [
        '<location><point srsName="http://www.opengis.net/def/crs/EPSG/0/4326"><pos>0.0 -0.5</pos></point></location>',
        '<location><administrative vocabulary="G1" code="1"/><administrative vocabulary="G1" code="3" level="2"/>'
        '<exactness code="1"/></location>',
    ]
    assert rules(remarks) == ["code-vocabulary", "code-vocabulary", "point", "code-vocabulary"]


def test_country_budget_items(bare):
    for code, description in (("1.1", "A"), ("", "lost"), ("1.2", "")):
        CountryBudgetItem.objects.create(project=bare, code=code, description=description)
    assert rules(activity()[1]) == ["country-budget-vocabulary"] * 3
    Project.objects.update(country_budget_vocabulary="2")
    element, remarks = activity()
    assert found(element, "country-budget-items") == [
        '<country-budget-items vocabulary="2"><budget-item code="1.1"><description><narrative>A</narrative>'
        '</description></budget-item><budget-item code="1.2"/></country-budget-items>'
    ]
    assert rules(remarks) == ["code"]


def test_scopes_markers_and_defaults(bare):
    HumanitarianScope.objects.create(project=bare, code="EQ", type="1", vocabulary="1-2", text="T")
    HumanitarianScope.objects.create(project=bare, code="EQ")
    PolicyMarker.objects.create(project=bare, policy_marker="1", significance="2", vocabulary="1")
    PolicyMarker.objects.create(project=bare, vocabulary="1")
    Project.objects.update(default_aid_type="C01", default_aid_type_vocabulary="1", collaboration_type="1")
    element, remarks = activity()
    assert found(element, "humanitarian-scope") == [
        '<humanitarian-scope code="EQ" type="1" vocabulary="1-2"><narrative>T</narrative></humanitarian-scope>'
    ]
    assert found(element, "policy-marker") == ['<policy-marker code="1" significance="2" vocabulary="1"/>']
    assert found(element, "default-aid-type") == ['<default-aid-type code="C01" vocabulary="1"/>']
    assert rules(remarks) == ["humanitarian-scope", "code"]


def test_budgets(bare):
    whole = {"project": bare, "period_start": "2020-01-01", "period_end": "2020-12-31", "currency": ""}
    BudgetItem.objects.create(**whole, amount=Decimal("0.00"), other_extra="Own & label", type="1", status="2")
    BudgetItem.objects.create(**whole)
    BudgetItem.objects.create(project=bare, amount=5, currency="EUR")
    BudgetItem.objects.create(project=bare, currency="")
    element, remarks = activity()
    assert found(element, "budget") == [
        '<budget type="1" status="2"><period-start iso-date="2020-01-01"/><period-end iso-date="2020-12-31"/>'
        '<value value-date="2020-01-01" akvo:label="Own &amp; label">0.00</value></budget>'
    ]
    assert rules(remarks) == ["value-date", "value", "period"]


def test_a_disbursement_keeps_its_own_currency(bare):
    PlannedDisbursement.objects.create(project=bare, period_start="2020-01-01", value=3, currency="KES")
    PlannedDisbursement.objects.create(project=bare, period_start="2020-01-01", currency="USD")
    PlannedDisbursement.objects.create(project=bare, value=3, currency="")
    PlannedDisbursement.objects.create(project=bare, currency="", provider_organisation_activity="alone")
    element, remarks = activity()
    assert found(element, "planned-disbursement") == [
        '<planned-disbursement><period-start iso-date="2020-01-01"/>'
        '<value currency="KES" value-date="2020-01-01">3.00</value></planned-disbursement>'
    ]
    assert rules(remarks) == ["value-date", "value", "period"]


def test_transactions(bare):
    whole = {"project": bare, "transaction_type": "3", "value": 0, "currency": "", "value_date": "2020-02-02"}
    Transaction.objects.create(**whole, recipient_region="298", recipient_region_vocabulary="1")
    Transaction.objects.create(**whole | {"value": None}, transaction_date="2020-01-01")
    Transaction.objects.create(**whole | {"value_date": None})
    Transaction.objects.create(**whole | {"transaction_type": ""}, transaction_date="2020-01-01")
    Transaction.objects.create(project=bare, currency="")
    Transaction.objects.create(project=bare, currency="", humanitarian=False)
    Transaction.objects.create(**whole, transaction_date="2020-01-01", recipient_region_vocabulary="1")
    element, remarks = activity()
    assert found(element, "transaction") == [
        '<transaction><transaction-type code="3"/><transaction-date iso-date="2020-02-02"/>'
        '<value value-date="2020-02-02">0.00</value><recipient-region code="298" vocabulary="1"/></transaction>',
        '<transaction><transaction-type code="3"/><transaction-date iso-date="2020-01-01"/>'
        '<value value-date="2020-02-02">0.00</value></transaction>',
    ]
    assert rules(remarks) == [
        "transaction-date", "value", "transaction-date-none", "transaction-type", "transaction-type",
        "transaction-region",
    ]  # fmt: skip


def test_document_links(bare):
    Project.objects.update(current_image="db/a b.jpg", current_image_credit="C")
    Link.objects.create(project=bare, url="http://x.example/?a=1&b=2")
    Link.objects.create(project=bare, url="http://a:b:c", caption="bad")
    titled = {"url": "http://x.example/y", "title": "T", "title_language": "e1"}
    for values in ({"document": "db/é.PDF"}, titled, {"title": "lost"}):
        ProjectDocument.objects.create(project=bare, **values)
    for category in ("A01", "A02", ""):
        ProjectDocumentCategory.objects.create(document=ProjectDocument.objects.get(title=""), category=category)
    ProjectUpdate.objects.create(id=8, project=bare, user_id=1, event_date=date(2020, 1, 1), language="")
    ProjectUpdate.objects.create(id=7, project=bare, user_id=1, event_date=date(2021, 1, 1), title="New", language="fr")
    element, remarks = activity(1, Options(Links("https://rsr.example", "https://media.example")))
    photo = '<title><narrative>Credit: C</narrative></title><category code="A12"/></document-link>'
    assert found(element, "document-link") == [
        f'<document-link url="https://media.example/db/a%20b.jpg" format="image/jpeg">{photo}',
        '<document-link url="http://x.example/?a=1&amp;b=2" format="application/http"><title><narrative>Project link'
        '</narrative></title><category code="A12"/></document-link>',
        '<document-link url="http://x.example/y" format="application/octet-stream"><title><narrative>T</narrative>'
        '</title><category code="A12"/></document-link>',
        '<document-link url="https://media.example/db/%C3%A9.PDF" format="application/pdf"><title><narrative/></title>'
        '<category code="A02"/><category code="A01"/></document-link>',
        '<document-link url="https://rsr.example/project/1/update/7/" format="application/http"><title><narrative>New'
        '</narrative></title><category code="A12"/><language code="fr"/></document-link>',
        '<document-link url="https://rsr.example/project/1/update/8/" format="application/http"><title><narrative>'
        'Project update</narrative></title><category code="A12"/></document-link>',
    ]
    assert rules(remarks) == [
        "document-url", "document-url", "document-format", "language", "document-category", "document-format", "text",
    ]  # fmt: skip


def test_related_activities_are_the_parent_and_the_direct_children_in_order(bare):
    organisation = Organisation.objects.get()
    Project.objects.filter(id=1).update(path="top.mid")
    for number, path, identifier in (
        (2, "top", "UP"), (3, "top.mid.z", "B"), (4, "top.mid.a", "a"), (5, "top.mid.a.x", "GRANDCHILD"),
        (6, "top.middle", "OTHER"), (7, "top.mid.zz", None), (8, "top.mid.b", "A"),
    ):  # fmt: skip
        made = project(organisation, number, path=path, iati_activity_id=identifier)
        organisation.iati_exports.get().projects.remove(made)
    element, _ = activity()
    assert [(one.get("type"), one.get("ref")) for one in element.iterfind("related-activity")] == [
        ("1", "UP"), ("2", "A"), ("2", "B"), ("2", "a"),
    ]  # fmt: skip


def test_legacy_data_and_conditions(bare):
    LegacyData.objects.create(project=bare, name="N", value='"V"\n', iati_equivalent="two words")
    LegacyData.objects.create(project=bare, name="N", iati_equivalent="title")
    LegacyData.objects.create(project=bare, value="V")
    ProjectCondition.objects.create(project=bare, text="first of all, without a type")
    ProjectCondition.objects.create(project=bare, type="1", text="T")
    ProjectCondition.objects.create(project=bare, text="joins nobody")
    ProjectCondition.objects.create(project=bare, type="2")
    element, remarks = activity()
    assert [dict(one.attrib) for one in element.iterfind("legacy-data")] == [
        {"name": "N", "value": '"V"\n'}, {"name": "N", "value": "", "iati-equivalent": "title"},
    ]  # fmt: skip
    assert found(element, "conditions") == [
        '<conditions attached="1"><condition type="1"><narrative>T</narrative></condition>'
        '<condition type="2"><narrative/></condition></conditions>'
    ]
    assert rules(remarks) == ["token", "legacy-value", "legacy-name", "condition-type", "condition-type", "text"]


def test_conditions_of_which_none_can_be_published_are_still_attached(bare):
    ProjectCondition.objects.create(project=bare, text="T")
    assert found(activity()[0], "conditions") == ['<conditions attached="1"/>']


def test_results(bare):
    hidden = Result.objects.create(project=bare, title="hidden", type="1")
    Indicator.objects.create(result=hidden, title="hidden", export_to_iati=False)
    Result.objects.create(project=bare, title="no indicator", type="1")
    shown = Result.objects.create(project=bare, title="", type="", aggregation_status=True, order=5)
    counted = Indicator.objects.create(result=shown, title="", measure="", type=1, baseline_comment="C", order=2)
    told = Indicator.objects.create(result=shown, title="told", measure="1", type=2, baseline_year=2019, order=1)
    whole = {"period_start": "2020-01-01", "period_end": "2020-12-31"}
    IndicatorPeriod.objects.create(indicator=counted, **whole, target_comment="T", actual_value="4")
    IndicatorPeriod.objects.create(
        indicator=told, **whole, target_comment="T", actual_value="4", narrative="Free & text"
    )
    IndicatorPeriod.objects.create(indicator=told, period_start="2021-01-01", target_value="1")
    element, remarks = activity()
    dates = '<period-start iso-date="2020-01-01"/><period-end iso-date="2020-12-31"/>'
    assert found(element, "result") == [
        '<result type="9" aggregation-status="1"><title><narrative/></title>'
        '<indicator measure="5"><title><narrative>told</narrative></title><baseline year="2019"/>'
        f"<period>{dates}<target><comment><narrative>T</narrative></comment></target>"
        '<actual value="Free &amp; text"/></period></indicator>'
        '<indicator measure="1"><title><narrative/></title>'
        f'<period>{dates}<target value="0"><comment><narrative>T</narrative></comment></target><actual value="4"/>'
        "</period></indicator></result>"
    ]
    assert sorted(rules(remarks)) == ["baseline-year", "measure", "period", "result-type", "text", "text"]


def test_loan_terms_and_loan_status_do_not_depend_on_each_other(bare):
    crs = CrsAdd.objects.create(project=bare, loan_terms_rate1=Decimal("4.00"), loan_status_currency="")
    CrsAddOtherFlag.objects.create(crs=crs, code="1")
    CrsAddOtherFlag.objects.create(crs=crs, code="2", significance=False)
    element, remarks = activity()
    flag = '<other-flags code="2" significance="0"/>'
    assert found(element, "crs-add") == [f'<crs-add>{flag}<loan-terms rate-1="4.00"/></crs-add>']
    assert rules(remarks) == ["other-flags"]
    CrsAdd.objects.update(loan_terms_rate1=None, loan_status_year=2020, interest_received=1)
    element, remarks = activity()
    assert found(element, "crs-add") == [f"<crs-add>{flag}</crs-add>"]
    assert rules(remarks) == ["other-flags", "loan-status"]
    CrsAdd.objects.update(loan_status_value_date="2020-02-02")
    status = (
        '<loan-status year="2020" value-date="2020-02-02"><interest-received>1.00</interest-received></loan-status>'
    )
    assert found(activity()[0], "crs-add") == [f"<crs-add>{flag}{status}</crs-add>"]


def test_fss(bare):
    fss = Fss.objects.create(project=bare, priority=True)
    FssForecast.objects.create(fss=fss, value=0, year=2020, currency="")
    FssForecast.objects.create(fss=fss, value=1, currency="EUR")
    assert rules(activity()[1]) == ["fss"]
    Fss.objects.update(extraction_date="2020-01-01", phaseout_year=2030)
    element, remarks = activity()
    assert found(element, "fss") == [
        '<fss extraction-date="2020-01-01" priority="1" phaseout-year="2030"><forecast year="2020">0.00</forecast>'
        "</fss>"
    ]
    assert rules(remarks) == ["forecast"]


def test_capital_spend_of_zero_is_published(bare):
    Project.objects.update(capital_spend_percentage=Decimal("0.0"))
    assert found(activity()[0], "capital-spend") == ['<capital-spend percentage="0.0"/>']


def test_sample_data_is_valid_and_every_remark_names_a_row_and_a_rule(sample_database):
    with sample_database.connect() as connection:
        for number in (1, 2):
            data, remarks = file_of("activities", number)
            assert data.count(b"<iati-activity ") >= 98
            for remark in remarks:
                assert remark["rule"] in RULES
                key = "project_id" if remark["table"] in ("rsr_crsadd", "rsr_fss") else "id"
                exists = f"SELECT count(*) FROM {remark['table']} WHERE {key} = %s"
                assert connection.execute(exists, [remark["row"]]).fetchone() == (1,)


def test_the_same_rows_give_the_same_bytes(sample_database):
    assert file_of("activities") == file_of("activities")
