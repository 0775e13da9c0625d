"""`floodmark source check`: every gap by name, needed or not, and the verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from django.db import connections, transaction

from floodmark.errors import SourceError
from floodmark.export import bootstrap, build, catalogue, source_check
from floodmark.export.postgres_account import binaries
from floodmark.export.report import BuildReport
from floodmark.export.rows.database import Database
from floodmark.export.sample import Plan, generate, open_for_load
from floodmark.export.sample.loader import rsr_models
from floodmark.export.source_check import Activities, Gap
from floodmark.settings import Settings


def floodmark(*words: str, **settings: object) -> subprocess.CompletedProcess:
    """The command, with these settings and no others."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOODMARK_")}
    environment |= {f"FLOODMARK_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "floodmark", *words], env=environment, capture_output=True, text=True, cwd="/"
    )


def check_after(database, *statements: str) -> source_check.Check:
    with database.connect() as connection:
        for statement in statements:
            connection.execute(statement)
    return source_check.check()


def test_a_whole_database_serves(sample_database):
    found = source_check.check()
    assert found.serves
    assert found.gaps == ()
    assert (found.organisations, found.projects, found.exports) == (26, 200, 4)
    assert found.activities == (Activities(1, "Amberwell", 100), Activities(2, "Brisaluna", 100))
    assert {"1/activities", "1/organisation", "2/activities", "2/organisation"} <= set(found.datasets)
    assert "2 activity files" in str(found)


def test_the_newest_export_of_an_organisation_counts_unless_it_is_empty_and_given_up(sample_database):
    for status, projects in ((4, 100), (1, 0)):
        found = check_after(
            sample_database,
            "INSERT INTO rsr_iatiexport (version, status, iati_file, reporting_organisation_id, user_id, latest) "
            f"VALUES ('2.03', {status}, '', 1, 0, false)",
        )
        assert found.activities[0] == Activities(1, "Amberwell", projects)


def test_a_missing_table_is_one_gap_by_name(sample_database):
    found = check_after(sample_database, "DROP TABLE rsr_sector")
    assert found.gaps == (Gap("rsr_sector", None, "missing", needed=True),)
    assert not found.serves
    assert "MISSING    table rsr_sector is missing" in str(found)


def test_a_missing_column_is_a_gap_by_name(sample_database):
    found = check_after(sample_database, "ALTER TABLE rsr_indicator DROP COLUMN export_to_iati")
    assert found.gaps == (Gap("rsr_indicator", "export_to_iati", "missing", needed=True),)
    assert not found.serves


def test_what_no_file_needs_may_be_missing(sample_database):
    found = check_after(
        sample_database,
        "DROP TABLE rsr_keyword CASCADE",
        "ALTER TABLE rsr_project DROP COLUMN targets_at, DROP COLUMN donations",
    )
    assert [str(gap) for gap in found.gaps] == [
        "table rsr_keyword is missing",
        "column rsr_project.donations is missing",
        "column rsr_project.targets_at is missing",
    ]
    assert found.serves
    assert found.projects == 200


class Undo(Exception):
    """Ends a transaction whose changes were for a look only."""


def renamed(table: str, column: str | None) -> str:
    words = "RENAME TO gone" if column is None else f'RENAME COLUMN "{column}" TO gone'
    return f"ALTER TABLE {table} {words}"


def bytes_of_all_files() -> int | None:
    """How many bytes the files of organisation 1 have; None where one of them cannot be built."""
    database, options, moment = Database(), build.Options(patience_s=0), datetime(2026, 1, 1, tzinfo=UTC)
    try:
        size = 0
        for dataset in catalogue.every(database):
            catalogue.changed(database, dataset)
            size += sum(
                len(piece.data) for piece in build.pieces(dataset, BuildReport(), generated=moment, options=options)
            )
        pieces = build.project_pieces(1, BuildReport(), generated=moment, options=options)
        return size + sum(len(piece.data) for piece in pieces)
    except SourceError:
        return None


def all_columns() -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for model in rsr_models():
        table = model._meta.db_table
        found.append((table, None))
        if table not in source_check.USEFUL_TABLES:
            found += [(table, field.column) for field in model._meta.concrete_fields]
    return found


def is_needed(table: str, column: str | None) -> bool:
    return table not in source_check.USEFUL_TABLES and column not in source_check.USEFUL_COLUMNS.get(table, ())


@pytest.mark.slow
def test_exactly_what_is_called_needed_is_needed_to_build_every_file(database):
    with open_for_load() as connection:
        generate(Plan(organisations=1, projects=2, rich=True), connection)
    whole = bytes_of_all_files()
    assert whole > 100_000
    wrong = []
    for table, column in all_columns():
        with suppress(Undo), transaction.atomic():
            with connections["default"].cursor() as cursor:
                cursor.execute(renamed(table, column))
            built = bytes_of_all_files()
            # Whether a project is public is asked where it is served, not where it is built.
            if (built is None) != is_needed(table, column) and column != "is_public":
                wrong.append((table, column))
            if built not in (None, whole):
                wrong.append((table, column, "other bytes"))
            raise Undo
    assert wrong == []


def test_counts_that_cannot_be_made_are_unknown_not_zero(sample_database):
    found = check_after(sample_database, "DROP TABLE rsr_iatiexport CASCADE")
    assert found.exports is None
    assert found.activities == ()
    assert found.datasets is None
    assert "exports        unknown" in str(found)
    assert "datasets       unknown" in str(found)


def test_a_table_that_the_role_may_not_read_is_said_as_such(sample_database):
    with sample_database.connect() as connection:
        connection.execute("CREATE ROLE reader LOGIN")
        try:
            sql = source_check.grants("reader").splitlines()
            for line in sql:
                if "rsr_sector" not in line and "rsr_country " not in line:
                    connection.execute(line)
            connection.execute("GRANT SELECT (id, project_id) ON rsr_sector TO reader")
            bootstrap.setup(Settings(source_url=sample_database.url.replace("postgres@", "reader@")), own=False)
            found = source_check.check()
        finally:
            bootstrap.leave()
            connection.execute("DROP OWNED BY reader")
            connection.execute("DROP ROLE reader")
    assert Gap("rsr_sector", "sector_code", "not readable", needed=True) in found.gaps
    assert Gap("rsr_country", None, "not readable", needed=False) in found.gaps
    assert "GRANT SELECT on it" in str(found.gaps[0])
    assert not found.serves


def test_the_grants_of_the_documents_are_enough_and_no_more(rsr_url):
    granted = floodmark("source", "grants", "granted")
    assert granted.returncode == 0, granted.stderr
    psql = [str(binaries() / "psql"), "-q", "-v", "ON_ERROR_STOP=1", "-d", rsr_url]
    with psycopg.connect(rsr_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE granted LOGIN")
        try:
            subprocess.run(psql, input=granted.stdout, text=True, check=True)
            url = rsr_url.replace("postgres@", "granted@")
            checked = floodmark("source", "check", source_url=url)
            with psycopg.connect(url) as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute("SELECT password FROM rsr_user")
        finally:
            connection.execute("DROP OWNED BY granted")
            connection.execute("DROP ROLE granted")
    assert checked.returncode == 0, checked.stdout
    assert "read-only" in checked.stdout


def test_the_grants_stand_in_the_documents():
    text = (Path(__file__).parents[2] / "docs" / "source.md").read_text()
    assert "floodmark source grants floodmark | psql rsr" in text


def test_rsrs_own_database_serves(rsr_url):
    checked = floodmark("source", "check", "--json", source_url=rsr_url)
    found = json.loads(checked.stdout)
    assert checked.returncode == 0
    assert found["serves"]
    assert found["gaps"] == []
    assert found["read_only"]
    assert (found["organisations"], found["projects"], found["exports"]) == (46, 3785, 5)
    assert {one["organisation_id"]: one["projects"] for one in found["activities"]} == {
        41: 630, 42: 50, 44: 3000, 45: 5, 46: 100
    }  # fmt: skip


def test_a_database_without_the_tables_exits_with_2_and_one_line(empty_url):
    checked = floodmark("source", "check", source_url=empty_url)
    assert checked.returncode == 2
    assert checked.stderr == (
        "floodmark: source_url: not an RSR database; `floodmark import` or `floodmark sample` fills Floodmark's own\n"
    )
    assert "MISSING    table rsr_project is missing" in checked.stdout


def test_an_unreachable_database_exits_with_2_and_one_line_without_the_password(tmp_path):
    checked = floodmark("source", "check", source_url="postgresql://u:secret@127.0.0.1:1/rsr", data_dir=tmp_path)
    assert checked.returncode == 2
    assert checked.stderr.startswith("floodmark: source_url: ")
    assert checked.stderr.count("\n") == 1
    assert "secret" not in checked.stderr
    assert list(tmp_path.iterdir()) == [], "no private server was started for it"
