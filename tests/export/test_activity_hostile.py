"""Whatever rows a database holds, what is written is valid: rows made by hypothesis, the XSD as judge."""

from __future__ import annotations

import io

import pytest
from hostile import HostileRows, NarrativesOnly, palettes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from rsr_rows import GENERATED

from floodmark.export.formats.activity import Activities
from floodmark.export.formats.activity_identity import ReportingOrg
from floodmark.export.formats.base import Links
from floodmark.export.formats.organisation import Organisations
from floodmark.export.formats.rules import RULES
from floodmark.export.formats.xml import without_illegal
from floodmark.export.report import BuildReport
from floodmark.export.rows import activity as activity_tables
from floodmark.export.rows import finance, results
from floodmark.export.rows import organisation as organisation_tables
from floodmark.export.rows.database import Database
from floodmark.export.rows.organisation import BUDGETS, OrganisationRows
from floodmark.export.rows.pages import ActivityRows
from floodmark.export.rows.reader import Limits
from floodmark.export.rows.table import Table
from floodmark.export.validity import Checker
from floodmark.export.validity_schema import schema_of

MANY = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
PUBLISHER = ReportingOrg("XM-1", 21, "Publisher")
REASONS = {"reporting-org-ref", "activity-date-none"}
ACTIVITY_TABLES = [
    each for module in (activity_tables, finance, results) for each in vars(module).values() if isinstance(each, Table)
]
ORGANISATION_TABLES = [each for each in vars(organisation_tables).values() if isinstance(each, Table)] + [
    table for pair in BUDGETS.values() for table in pair
]


def written(format_, item) -> bytes:
    """A file of one item."""
    return b"".join([format_.begin(GENERATED), *format_.item(item), format_.end()])


def activities_of(hostile: HostileRows, report: BuildReport, publisher: ReportingOrg | None):
    """A project with hostile rows, and the format to write it."""
    rows = ActivityRows(NarrativesOnly("default"), Limits(piece_chars=500))
    (project,) = rows.read([7], hostile.of(ACTIVITY_TABLES).fetch)
    return Activities(rows, report, Links(), publisher, 500), project


@MANY
@given(hostile=palettes(), publisher=st.sampled_from([None, PUBLISHER, ReportingOrg(None, 0, "")]))
def test_an_activity_of_any_rows_is_valid_or_left_out_for_a_stated_reason(hostile, publisher):
    lines = io.StringIO()
    report = BuildReport(lines)
    format_, project = activities_of(hostile, report, publisher)
    file = written(format_, project)
    root = etree.fromstring(file)
    if report.left_out:
        assert len(root) == 0
        assert set(report.counts) & REASONS
    else:
        schema = schema_of("iati-activities")
        assert schema.validate(root), schema.error_log
        checker = Checker()
        checker.feed(file)
        assert checker.close() == []
    assert set(report.counts) <= set(RULES)
    assert len(lines.getvalue().splitlines()) == report.total


@MANY
@given(hostile=palettes(), reporting_id=st.sampled_from([None, 3]))
def test_an_activity_with_a_reporter_and_a_date_is_never_left_out(hostile, reporting_id):
    report = BuildReport()
    format_, project = activities_of(hostile, report, PUBLISHER)
    project = project._replace(reporting_id=reporting_id, reporting_ref="X", recorded="2020-01-01")
    root = etree.fromstring(written(format_, project))
    assert report.left_out == 0
    schema = schema_of("iati-activities")
    assert schema.validate(root), schema.error_log
    texts = [without_illegal(text) for text in (project.title, project.target_group) if text]
    found = {one.text or "" for one in root.iterfind("iati-activity/title/narrative")}
    found |= {one.text or "" for one in root.iterfind("iati-activity/description/narrative")}
    assert set(texts) <= found


@MANY
@given(hostile=palettes())
def test_an_organisation_of_any_rows_is_valid_or_left_out(hostile):
    report = BuildReport()
    rows = OrganisationRows(Database("default"), Limits())
    organisation = rows.read(7, hostile.of(ORGANISATION_TABLES).fetch)
    root = etree.fromstring(written(Organisations(rows, report, Links(), 500), organisation))
    if organisation.iati_org_id:
        schema = schema_of("iati-organisations")
        assert schema.validate(root), schema.error_log
    else:
        assert report.counts == {"organisation-identifier": 1}


@pytest.mark.parametrize("table", ACTIVITY_TABLES + ORGANISATION_TABLES, ids=lambda table: table.name)
def test_a_row_begins_with_its_id_and_its_parent(table):
    assert table.row._fields[:2] == ("id", "parent")
