"""RSR's tables: as RSR has them, by its own schema where that is at hand."""

from __future__ import annotations

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connections, transaction

from floodmark.export.models import IatiExport, Organisation, Project, Sector

COLUMNS = """
SELECT table_name, column_name, udt_name, character_maximum_length, numeric_precision, numeric_scale, is_nullable
FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ANY(%s) ORDER BY 1, 2
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, contype, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid::regclass::text = ANY(%s) AND contype IN ('u', 'p', 'c')
"""
NOT_MODELLED = {
    # tables that RSR's columns point to and Floodmark does not read
    "rsr_organisationcodelist", "password_policy_policyconfig", "rsr_user", "rsr_projectupdatelocation",
    "rsr_indicatorperiodlabel",
}  # fmt: skip


def tables() -> list[str]:
    models = apps.get_app_config("export").get_models(include_auto_created=True)
    return sorted(model._meta.db_table for model in models if model._meta.db_table.startswith("rsr_"))


def ask(url: str, query: str) -> set[tuple]:
    with psycopg.connect(url) as connection:
        return set(connection.execute(query, [tables()]).fetchall())


def test_no_migration_is_missing(database):
    call_command("makemigrations", "export", check=True, dry_run=True, verbosity=0)


def test_every_column_is_rsrs_own_in_name_type_length_and_nullability(database, rsr_url):
    assert ask(database.url, COLUMNS) == ask(rsr_url, COLUMNS)


def test_keys_uniqueness_and_checks_are_rsrs_own(database, rsr_url):
    assert ask(database.url, CONSTRAINTS) == ask(rsr_url, CONSTRAINTS)


def test_foreign_keys_are_rsrs_own_but_to_tables_that_are_not_modelled(database, rsr_url):
    query = CONSTRAINTS.replace("IN ('u', 'p', 'c')", "= 'f'")
    missing = ask(rsr_url, query) - ask(database.url, query)
    targets = {definition.split("REFERENCES ")[1].split("(")[0] for _, _, definition in missing}
    assert targets == NOT_MODELLED
    assert ask(database.url, query) <= ask(rsr_url, query)


def test_some_columns_that_a_reader_relies_on_are_there_without_rsr_at_hand(database):
    columns = {(table, column): rest for table, column, *rest in ask(database.url, COLUMNS)}
    assert len(tables()) == 64
    assert columns["rsr_project", "path"] == ["ltree", None, None, None, "NO"]
    assert columns["rsr_project", "iati_activity_id"] == ["varchar", 100, None, None, "YES"]
    assert columns["rsr_indicatorperiod", "score_indices"] == ["_int2", None, None, None, "NO"]
    assert columns["rsr_transaction", "value"] == ["numeric", None, 14, 2, "YES"]
    assert columns["rsr_iatiexport_projects", "iatiexport_id"] == ["int4", None, 32, 0, "NO"]


def test_every_foreign_key_has_an_index_that_begins_with_it(database):
    query = """
        SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND NOT EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1]
        )
    """
    with psycopg.connect(database.url) as connection:
        assert connection.execute(query).fetchall() == []


def test_a_path_is_text_here_and_a_path_of_labels_in_the_database(database):
    parent = Project.objects.create(title="parent", path="a_1")
    child = Project.objects.create(title="child", path="a_1.b_2")
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT id FROM rsr_project WHERE path <@ %s::ltree ORDER BY nlevel(path)", [parent.path])
        assert cursor.fetchall() == [(parent.id,), (child.id,)]
    assert Project.objects.get(path="a_1.b_2").path == "a_1.b_2"


def test_a_new_row_needs_no_more_than_its_meaning(database):
    organisation = Organisation.objects.create(name="Org", long_name="Organisation")
    project = Project.objects.create(path="x")
    Sector.objects.create(project=project, sector_code="14030")
    export = IatiExport.objects.create(reporting_organisation=organisation)
    export.projects.add(project)
    assert (project.language, project.currency, project.is_public, project.iati_activity_id) == (
        "en",
        "EUR",
        True,
        None,
    )
    assert (export.version, export.status, export.latest) == ("2.03", 1, False)


def test_an_identifier_is_unique_and_none_is_not_one(database):
    Project.objects.create(path="a")
    Project.objects.create(path="b")
    Project.objects.create(path="c", iati_activity_id="XM-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.create(path="d", iati_activity_id="XM-1")
