"""Changes: every write to a row of a dataset is seen, and no write to another's."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from floodmark.export.catalogue import export_of
from floodmark.export.datasets import Dataset
from floodmark.export.jobs import changes
from floodmark.export.models import IatiExport, Organisation, Partnership, Project, Result
from floodmark.export.rows.database import Database

ONE, TWO = Dataset("activities", 1), Dataset("activities", 2)
ORGANISATION = Dataset("organisation", 1)


def prints() -> dict[Dataset, str]:
    return {dataset: changes.fingerprint(dataset) for dataset in (ONE, TWO, ORGANISATION)}


def changed(before: dict[Dataset, str]) -> set[Dataset]:
    return {dataset for dataset, print_ in prints().items() if print_ != before[dataset]}


def one_owned_row(hanging: changes.Hanging, roots: str) -> object:
    """The key of some row of the table that hangs on the roots; None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t0.{hanging.key} FROM {hanging.table} t0 WHERE {hanging.owned(roots)} ORDER BY 1 LIMIT 1",
            {"organisation": 1},
        )
        found = cursor.fetchone()
    return found[0] if found else None


def touch(hanging: changes.Hanging, key: object) -> None:
    """Write a row as it is: no value changes, and still it has been written."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {hanging.table} SET {hanging.key} = {hanging.key} WHERE {hanging.key} = %s", [key])


@pytest.mark.parametrize(
    ("root", "roots", "dataset"),
    [(Project, changes._PROJECTS, ONE), (Organisation, "SELECT %(organisation)s::int", ORGANISATION)],
)
def test_a_write_to_any_table_of_the_dataset_is_seen(
    sample_database, root: type[Model], roots: str, dataset: Dataset
) -> None:
    seen = []
    for hanging in changes._hanging(root):
        key = one_owned_row(hanging, roots)
        if key is not None:
            before = prints()
            touch(hanging, key)
            assert dataset in changed(before), hanging.table
            if root is Project:
                assert TWO not in changed(before), hanging.table
            seen.append(hanging.table)
    assert len(seen) >= (35 if root is Project else 10), "the sample has rows in nearly every table"


def test_nothing_written_is_nothing_changed(sample_database) -> None:
    before = prints()
    assert changed(before) == set()


def test_a_row_added_deleted_or_moved_is_seen(sample_database) -> None:
    before = prints()
    export = IatiExport.objects.get(pk=export_of(Database(), 1))
    project = export.projects.order_by("id").first()
    result = Result.objects.create(project=project, title="New", type="1")
    assert changed(before) == {ONE}
    before = prints()
    result.delete()
    assert changed(before) == {ONE}
    before = prints()
    export.projects.remove(project)
    assert changed(before) == {ONE}
    before = prints()
    export.projects.add(project)
    assert changed(before) == {ONE}


def test_an_organisation_that_is_named_in_the_projects_is_part_of_them(sample_database) -> None:
    named = Partnership.objects.filter(project__iati_exports__reporting_organisation_id=1).exclude(organisation_id=1)
    other = named.values_list("organisation_id", flat=True).first()
    before = prints()
    Organisation.objects.filter(pk=other).update(long_name="Another name")
    assert ONE in changed(before)


def test_an_organisation_that_nothing_of_the_dataset_names_is_not_part_of_it(sample_database) -> None:
    with connection.cursor() as cursor:
        # Its id is that of a result, a location and much else of organisation 1's projects.
        cursor.execute("INSERT INTO rsr_organisation SELECT (jsonb_populate_record(o, %s)).* FROM rsr_organisation o"
                       " WHERE id = 3", ['{"id": 40, "name": "None", "long_name": "None", "iati_org_id": "XM-40"}'])  # fmt: skip
    assert Result.objects.filter(id=40).exists()
    before = prints()
    Organisation.objects.filter(pk=40).update(long_name="Another name")
    assert changed(before) == set()


def test_a_newer_export_is_another_content(sample_database) -> None:
    before = prints()
    IatiExport.objects.create(reporting_organisation_id=1)
    assert changed(before) == {ONE}


def test_the_cheap_question_sees_writes_and_is_still_without_them(sample_database) -> None:
    def settled() -> str | None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
        return changes.activity_stamp()

    before = settled()
    assert before is not None
    assert settled() == before
    Organisation.objects.filter(pk=1).update(long_name="Another name")
    assert settled() != before


def test_a_fingerprint_is_one_statement(sample_database) -> None:
    with CaptureQueriesContext(connection) as queries:
        changes.fingerprint(ONE)
    assert len(queries) == 1
