"""Rows by pages: the same rows in the same order whatever the page, in a bounded number of queries."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from pooler import Pooler
from rsr_rows import AKVO, GENERATED, activity, file_of, project, reporter

from floodmark.errors import SourceError
from floodmark.export import bootstrap
from floodmark.export.build import Effort, Options, pieces
from floodmark.export.datasets import Dataset
from floodmark.export.models import (
    Indicator,
    IndicatorDimensionName,
    IndicatorDimensionValue,
    IndicatorPeriod,
    IndicatorPeriodDisaggregation,
    Organisation,
    Project,
    Result,
    Sector,
    Transaction,
    TransactionSector,
)
from floodmark.export.report import BuildReport
from floodmark.export.rows import activity as activity_tables
from floodmark.export.rows import finance, organisation, results
from floodmark.export.rows.database import Database
from floodmark.export.rows.pages import ActivityRows
from floodmark.export.rows.reader import Limits, Reader
from floodmark.export.rows.table import Table
from floodmark.export.validity_schema import schema_of
from floodmark.settings import Settings

TABLES = [
    each
    for module in (activity_tables, finance, results, organisation)
    for each in vars(module).values()
    if isinstance(each, Table)
] + [table for pair in organisation.BUDGETS.values() for table in pair]

SMALL = Limits(page_rows=60, table_rows=10, index_rows=25, page_projects=7, piece_chars=3000)


def keyset(table: Table, parents: list[int], limits: Limits) -> list[tuple[int, int]]:
    """Parent and id of the rows that a reader hands out."""
    database = Database()
    reader = Reader(table, database, limits)
    database.snapshot(lambda fetch: reader.start(fetch, parents))
    return [(row[1], row[0]) for parent in parents for row in reader.take(parent)]


def straight(table: Table, parents: list[int]) -> list[tuple[int, int]]:
    """The same by one query."""
    with connections["default"].cursor() as cursor:
        cursor.execute(table.first, ["{" + ",".join(map(str, parents)) + "}", 10**9])
        return [(row[1], row[0]) for row in cursor.fetchall()]


def test_every_table_hands_out_each_row_once_in_order(sample_database):
    parents = list(range(200, 0, -1))
    for table in TABLES:
        expected = straight(table, parents)
        assert keyset(table, parents, Limits()) == expected, table
        assert keyset(table, parents, Limits(table_rows=40, index_rows=70)) == expected, table


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table_rows=st.integers(1, 40), index_rows=st.integers(1, 40), data=st.data())
def test_any_limits_and_any_parents_give_the_same_rows(sample_database, table_rows, index_rows, data):
    table = data.draw(st.sampled_from([results.RESULT, finance.TRANSACTION, activity_tables.SECTOR, finance.UPDATE]))
    parents = data.draw(st.lists(st.integers(1, 210), unique=True, max_size=60))
    assert keyset(table, parents, Limits(table_rows=table_rows, index_rows=index_rows)) == straight(table, parents)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table_rows=st.integers(3, 60), index_rows=st.integers(3, 60), page_projects=st.integers(1, 60))
def test_a_file_has_the_same_bytes_whatever_the_pages(sample_database, table_rows, index_rows, page_projects):
    limits = Limits(page_rows=50, table_rows=table_rows, index_rows=index_rows, page_projects=page_projects)
    options = Options(limits=limits)
    whole, small = (
        b"".join(
            piece.data for piece in pieces(Dataset("activities", 1), BuildReport(), generated=GENERATED, options=way)
        )
        for way in (None, options)
    )
    assert small == whole


def test_a_page_takes_at_most_sixty_queries_and_no_project_takes_one(sample_database):
    effort = Effort()
    made = pieces(Dataset("activities", 1), BuildReport(), generated=GENERATED, effort=effort)
    projects = len({piece.item_id for piece in made} - {None})
    assert effort.queries <= 60 * effort.pages
    assert effort.pages <= 5
    assert projects > 90


def test_one_giant_parent_costs_queries_by_rows_and_not_by_rows_times_rows(database):
    number = giant(periods=2500)
    effort = Effort()
    limits = Limits(table_rows=100, index_rows=500)
    made = pieces(
        Dataset("activities", 1), BuildReport(), generated=GENERATED, options=Options(limits=limits), effort=effort
    )
    assert b"".join(piece.data for piece in made).count(b"<period>") == number
    assert effort.queries < 40 + number / 100 * 8


def giant(periods: int) -> int:
    """One project with one indicator that has all the periods."""
    made = project(reporter())
    result = Result.objects.create(project=made, title="R", type="1")
    indicator = Indicator.objects.create(result=result, title="I", measure="1", type=1, export_to_iati=True)
    IndicatorPeriod.objects.bulk_create(
        IndicatorPeriod(indicator=indicator, period_start="2020-01-01", period_end="2020-12-31", actual_value=str(n))
        for n in range(periods)
    )
    return periods


def test_where_rows_are_long_fewer_are_read_at_once(database):
    giant(periods=300)
    IndicatorPeriod.objects.update(narrative="x" * 1000)
    Indicator.objects.update(type=2)
    rows = ActivityRows(Database(), Limits(page_text_chars=30_000))
    assert rows.project(1) is not None
    (result,) = rows.results.take(1)
    (indicator,) = rows.indicators.take(result.id)
    held = [rows.periods.held for _ in rows.periods.take(indicator.id)]
    assert len(held) == 300
    assert max(held) < 35


def test_a_text_that_rsr_does_not_limit_is_read_alone_and_published_whole(database):
    giant(periods=30)
    Indicator.objects.update(type=2)
    long = "long < text " * 20_000  # stored in a hundredth of it
    IndicatorPeriod.objects.update(narrative=long)
    rows = ActivityRows(Database(), Limits())
    rows.project(1)
    (result,) = rows.results.take(1)
    (indicator,) = rows.indicators.take(result.id)
    assert {period.narrative for period in rows.periods.take(indicator.id)} == {None}
    element, _ = activity()
    assert [one.get("value") for one in element.iterfind("result/indicator/period/actual")] == [long] * 30


LONG = "water <& \u00e9\r\n" * 100_000
"""1.2 million characters: three slices, none of which begins where a word does."""


def test_a_long_text_of_a_project_is_read_in_slices_and_published_whole(database):
    project(reporter(), background=LONG, target_group="short")
    rows = ActivityRows(Database(), Limits())
    row = rows.project(1)
    assert (row.background, row.target_group) == (None, "short")
    assert [len(piece) for piece in rows.long_text("rsr_project", "background", 1)] == [500_000, 500_000, 200_000]
    element, _ = activity()
    assert element.findtext(f"description[@{AKVO}type='6']/narrative") == LONG
    assert len(element.findall("description")) == 3


def test_a_character_that_xml_cannot_hold_is_found_in_any_slice(database):
    project(reporter(), background="x" * 600_000 + "\x0b" + "y")
    element, remarks = activity()
    assert element.findtext(f"description[@{AKVO}type='6']/narrative") == "x" * 600_000 + "y"
    assert [(one["rule"], one["element"], one["row"]) for one in remarks] == [
        ("illegal-character", "description/narrative", 1)
    ]


def test_a_text_that_changes_while_it_is_read_ends_the_build_and_is_no_mixture(database):
    project(reporter(), background=LONG)
    pieces = ActivityRows(Database(), Limits()).long_text("rsr_project", "background", 1)
    next(pieces)
    Project.objects.update(background=LONG[:-1])
    with pytest.raises(SourceError, match=r"rsr_project.background of row 1 was changed while it was read"):
        next(pieces)


def test_a_page_of_projects_is_bounded_by_the_length_of_their_texts_not_by_what_they_take_in_storage(database):
    organisation = reporter()
    for number in range(1, 9):
        project(organisation, number, background="words " * 25_000)
    rows = ActivityRows(Database(), Limits(page_text_chars=350_000))
    seen = [row.id for row in rows.projects(organisation.iati_exports.get().id)]
    assert seen == list(range(8, 0, -1))
    assert rows.project_pages == 4  # two of 150,000 bytes each


def test_reading_keeps_no_cursor_and_no_transaction_open_between_pages(sample_database):
    made = pieces(Dataset("activities", 1), BuildReport(), generated=GENERATED, options=Options(limits=SMALL))
    with sample_database.connect() as other:
        for piece in made:
            assert not connections["default"].in_atomic_block
            if piece.item_id and piece.item_id % 10 == 0:
                open_now = (
                    "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%%' AND datname = %s"
                )
                name = psycopg.conninfo.conninfo_to_dict(sample_database.url)["dbname"]
                assert other.execute(open_now, [name]).fetchone() == (0,)


def test_behind_a_transaction_pooler_the_file_has_the_same_bytes(sample_database):
    straight_on = file_of("activities", 1)
    pooler = Pooler(sample_database.url)
    try:
        bootstrap.setup(Settings(database_url=sample_database.url, source_url=pooler.url))
        assert file_of("activities", 1, Options(limits=SMALL)) == straight_on
        assert pooler.loans > 30
    finally:
        bootstrap.leave()
        pooler.close()


def test_text_keys_sort_by_code_point_whatever_the_collation_of_the_database(database):
    made = project(reporter())
    codes = ["b", "B", "a", "é", "Z", "_", "10", "9", "a b", "ab"]
    for code in codes:
        Sector.objects.create(project=made, sector_code=code)
    element, _ = activity()
    assert [sector.get("code") for sector in element.iterfind("sector")] == sorted(codes)
    texts = []
    with connections["default"].cursor() as cursor:
        for table in TABLES:
            for key in table.keys:
                cursor.execute(f"SELECT {key} FROM {table.source} LIMIT 0")
                if cursor.description[0].type_code in (25, 1043):  # text, varchar
                    texts.append(key)
    assert len(texts) == 3
    assert all(key.endswith('COLLATE "C"') for key in texts)


def test_a_project_deleted_between_pages_is_missing_and_the_rest_is_there(sample_database):
    seen: list[int] = []
    options = Options(limits=Limits(page_rows=10, page_projects=5))
    for piece in pieces(Dataset("activities", 1), BuildReport(), generated=GENERATED, options=options):
        if piece.item_id is not None and piece.item_id not in seen:
            seen.append(piece.item_id)
            if len(seen) == 1:
                with sample_database.connect() as other:
                    other.execute("DELETE FROM rsr_iatiexport_projects WHERE project_id = 40")
                    other.execute("SET session_replication_role = replica")
                    other.execute("DELETE FROM rsr_project WHERE id = 40")
    assert 40 not in seen
    assert {39, 41} <= set(seen)


def test_rows_that_change_while_one_activity_is_written_never_break_the_file(database):
    """Periods are deleted, moved to another project and added while the one before is being written."""
    giant(periods=60)
    other_project = project(reporter(2, iati_org_id="XM-TEST-2"), 2)
    dimension = IndicatorDimensionValue.objects.create(
        name=IndicatorDimensionName.objects.create(name="Sex", project_id=1), value="F"
    )
    for period in IndicatorPeriod.objects.all():
        IndicatorPeriodDisaggregation.objects.create(period=period, dimension_value=dimension, value=3)
    elsewhere = Result.objects.create(project=other_project, title="R", type="1")
    indicator = Indicator.objects.create(result=elsewhere, title="I", measure="1", type=1, export_to_iati=True)
    options = Options(limits=Limits(table_rows=7, index_rows=11, piece_chars=100))
    parts: list[bytes] = []
    first = IndicatorPeriod.objects.order_by("id")[0].id
    with database.connect() as other:
        for count, piece in enumerate(
            pieces(Dataset("activities", 1), BuildReport(), generated=GENERATED, options=options)
        ):
            parts.append(piece.data)
            if count == 20:
                other.execute("DELETE FROM rsr_indicatorperioddisaggregation WHERE period_id > %s", [first + 30])
                other.execute("DELETE FROM rsr_indicatorperiod WHERE id > %s", [first + 40])
                other.execute(
                    "UPDATE rsr_indicatorperiod SET indicator_id = %s WHERE id = %s", [indicator.id, first + 35]
                )
    root = etree.fromstring(b"".join(parts))
    assert schema_of(root.tag).validate(root)
    assert 30 < len(root.findall(".//period")) < 60
    values = [
        int(one.get("value")) for one in root.iterfind(".//period/actual[@value]") if one.find("dimension") is None
    ]
    assert values == sorted(set(values))
    assert 35 not in values


def test_a_connection_that_is_lost_between_pages_is_made_anew(sample_database):
    expected = file_of("activities", 1)[0]
    parts = []
    for piece in pieces(Dataset("activities", 1), BuildReport(), generated=GENERATED, options=Options(limits=SMALL)):
        parts.append(piece.data)
        if len(parts) == 3:
            with sample_database.connect() as other:
                other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert b"".join(parts) == expected


def test_a_database_that_stays_away_is_one_clear_line(sample_database):
    options = Options(limits=SMALL, patience_s=0.3)
    made = pieces(Dataset("activities", 1), BuildReport(), generated=GENERATED, options=options)
    next(made)
    name = psycopg.conninfo.conninfo_to_dict(sample_database.url)["dbname"]
    with psycopg.connect(sample_database.url.replace(name, "postgres"), autocommit=True) as other:
        other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    with pytest.raises(SourceError, match=r"the database cannot be read: .*not currently accepting connections"):
        list(made)


def test_a_table_that_is_not_there_is_named(database):
    project(reporter())
    with database.connect() as connection:
        connection.execute("DROP TABLE rsr_fss CASCADE")
    with pytest.raises(SourceError, match=r'"rsr_fss" does not exist.*floodmark source check'):
        file_of("activities")


def test_what_date_style_the_session_was_left_in_does_not_matter(database):
    project(reporter(), date_start_actual="2021-03-04")
    with database.connect() as connection:
        name = psycopg.conninfo.conninfo_to_dict(database.url)["dbname"]
        connection.execute(f"ALTER DATABASE {name} SET datestyle = 'German, DMY'")
    connections["default"].close()
    element, _ = activity()
    assert [one.get("iso-date") for one in element.iterfind("activity-date")] == ["2020-01-02", "2021-03-04"]


def test_a_left_out_giant_is_passed_over(database):
    giant(periods=50)
    Organisation.objects.update(iati_org_id=None)
    project(reporter(2, iati_org_id="XM-TEST-2"), 2)
    Project.objects.get(id=1).iati_exports.get().projects.add(2)
    for number in range(30):
        made = Transaction.objects.create(project_id=1, transaction_type="1", reference=str(number))
        TransactionSector.objects.create(transaction=made, code="1")
    Transaction.objects.create(project_id=1, transaction_type="1", transaction_date="2020-01-01", value=1)
    element, remarks = activity(1, Options(limits=Limits(table_rows=5, index_rows=9)))
    assert element.findtext("iati-identifier") == "XM-TEST-1-2"
    assert [remark["rule"] for remark in remarks] == ["reporting-org-ref"]
