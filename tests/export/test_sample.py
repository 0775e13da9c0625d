"""Sample data: what `generate` puts into the tables, how, and that it leaves alone what it was not asked to touch."""

from __future__ import annotations

import hashlib
import os
import pty
import re
import signal
import subprocess
import sys
import tracemalloc
from random import Random

import pytest

from floodmark.errors import CannotWrite, SourceError, UsageError
from floodmark.export.models import IatiExport, IndicatorPeriod, Organisation, Project, ProjectCondition, Sector
from floodmark.export.sample import Plan, generate, open_for_load, refuse_rows
from floodmark.export.sample.flaws import FLAWS, flaw_of
from floodmark.export.sample.loader import Loader, Table, loading, rsr_models, written
from floodmark.export.sample.plan import uuid_of
from floodmark.export.sample.words import LANGUAGES, organisation_name


def make(plan: Plan) -> Loader:
    with open_for_load() as connection:
        return generate(plan, connection)


def content(database) -> dict[str, str]:
    """table -> a hash of all its rows."""
    found = {}
    with database.connect() as connection:
        for model in rsr_models():
            table = model._meta.db_table
            columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
            digest = hashlib.sha256()
            with connection.cursor().copy(f"COPY (SELECT {columns} FROM {table} ORDER BY 1) TO STDOUT") as rows:
                for row in rows:
                    digest.update(row)
            found[table] = digest.hexdigest()
    return found


def test_every_reporter_has_a_newest_export_with_all_its_projects(sample_database):
    newest = IatiExport.objects.filter(latest=True).order_by("reporting_organisation_id")
    assert [(export.reporting_organisation_id, export.projects.count()) for export in newest] == [(1, 100), (2, 100)]
    assert Project.objects.count() == 200


def test_every_table_has_rows(sample_database):
    empty = [model._meta.db_table for model in rsr_models() if not model._default_manager.exists()]
    assert empty == []


def test_equal_plans_give_equal_rows(database):
    plan = Plan(organisations=1, projects=30, seed=5)
    make(plan)
    first = content(database)
    make(plan)
    assert content(database) == first


def test_another_seed_gives_other_rows(database):
    make(Plan(organisations=1, projects=30, seed=5))
    first = content(database)
    make(Plan(organisations=1, projects=30, seed=6))
    second = content(database)
    assert second["rsr_project"] != first["rsr_project"]
    assert second["rsr_country"] == first["rsr_country"]


def test_a_larger_plan_of_one_organisation_begins_with_the_projects_of_a_smaller_one(database):
    make(Plan(organisations=1, projects=10))
    small = list(Project.objects.order_by("id").values_list("id", "uuid", "title", "background"))
    make(Plan(organisations=1, projects=20))
    assert list(Project.objects.order_by("id").values_list("id", "uuid", "title", "background"))[:10] == small


def test_rich_projects_have_every_kind_of_row(database):
    make(Plan(organisations=1, projects=4, rich=True, flawed=False))
    for model in rsr_models():
        if "project_id" in {field.column for field in model._meta.concrete_fields}:
            if model._meta.db_table == "rsr_relatedproject":
                continue  # of children only
            having = set(model._default_manager.values_list("project_id", flat=True))
            assert having == {1, 2, 3, 4}, model


def test_a_giant_project_has_exactly_the_periods_asked_for(database):
    make(Plan(organisations=1, projects=2, giant_periods=2345))
    giant = IatiExport.objects.filter(latest=True).order_by("id").last().projects.get()
    assert IndicatorPeriod.objects.filter(indicator__result__project=giant).count() == 2345
    assert giant.results.count() == 2


def test_keys_hold_and_ids_go_on_behind_the_loaded_ones(sample_database):
    with sample_database.connect() as connection:
        unchecked = connection.execute("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated")
        assert unchecked.fetchone() == (0,)
        keys = connection.execute("SELECT count(*) FROM pg_constraint WHERE contype = 'f'").fetchone()[0]
    assert keys > 80
    assert Organisation.objects.create(name="new", long_name="new").id == 27
    assert Sector.objects.create(project_id=1, sector_code="1").id == Sector.objects.count()


def test_children_lie_below_their_parents_in_the_tree(sample_database):
    child = Project.objects.get(id=12)
    assert child.contributes_to_project_id == 11
    assert child.path == f"{Project.objects.get(id=11).path}.{str(child.uuid).replace('-', '_')}"


def test_names_of_organisations_are_unique_and_fit_for_a_thousand_of_them():
    names = [organisation_name(number)[:2] for number in range(1000)]
    assert len({short for short, _ in names}) == len({long for _, long in names}) == 1000
    assert max(len(short) for short, _ in names) <= 40


def test_texts_are_in_several_scripts(sample_database):
    titles = "".join(Project.objects.values_list("title", flat=True))
    for script in ("[a-z]", "[\u0600-\u06ff]", "[\u0900-\u097f]", "[\u1200-\u137f]", "[\u4e00-\u9fff]"):
        assert re.search(script, titles), script


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_a_language_has_no_word_twice(language):
    for words in (language.works, language.places, language.sentences, language.bodies):
        assert len(set(words)) == len(words)
    assert len(language.title(Random(1))) <= 120


def test_every_kind_of_flaw_is_in_two_hundred_projects_and_none_in_clean_ones(sample_database):
    assert {flaw_of(number).name for number in range(1, 201) if flaw_of(number)} == {flaw.name for flaw in FLAWS}
    assert Project.objects.filter(background__contains="\v").exists()
    assert ProjectCondition.objects.filter(type="").exclude(text="").exists()
    make(Plan(organisations=1, projects=200, flawed=False))
    assert not Project.objects.filter(background__contains="\v").exists()
    assert not ProjectCondition.objects.filter(type="").exists()
    assert not Project.objects.filter(iati_activity_id=None).exists()


@pytest.mark.parametrize("seed", range(3))
def test_no_text_is_longer_than_its_column(database, seed):
    # PostgreSQL refuses the COPY otherwise.
    assert make(Plan(organisations=2, projects=60, seed=seed, rich=seed == 0)).rows > 1000


def test_a_value_is_written_as_copy_reads_it(database):
    texts = ["back\\slash", "tab\tnew\nline\rreturn", "\\N", "\v\f\x01", "quote'\"", "水 😀", "", "\\."]
    with database.connect() as connection:
        connection.execute("CREATE TABLE texts (number int, text text)")
        with connection.cursor().copy("COPY texts FROM STDIN") as copy:
            for number, text in enumerate([*texts, None]):
                copy.write(f"{number}\t{written(text)}\n")
        rows = connection.execute("SELECT text FROM texts ORDER BY number").fetchall()
    assert [text for (text,) in rows] == [*texts, None]


def test_a_column_that_is_none_is_an_error_of_the_author():
    with pytest.raises(KeyError, match="rsr_sector has no column colour"):
        Table(Sector).add({"colour": "red"})


def test_the_same_words_give_the_same_uuid():
    assert uuid_of(1, "project", 7) == uuid_of("1", "project", "7") != uuid_of(1, "project", 8)


def test_a_database_with_rows_is_refused(sample_database):
    with open_for_load() as connection, pytest.raises(UsageError, match=r"already holds rows, in rsr_.* --replace"):
        refuse_rows(connection)


def test_whatever_goes_wrong_leaves_the_database_as_it_was(sample_database):
    before = content(sample_database)
    with pytest.raises(KeyboardInterrupt), open_for_load() as connection, loading(connection) as load:  # noqa: PT012
        load.add(Organisation, name="half", long_name="half")
        load.flush()
        raise KeyboardInterrupt
    with pytest.raises(SourceError, match=r"refused: .* foreign key"), open_for_load() as connection:  # noqa: SIM117
        with loading(connection) as load:
            load.add(Sector, project_id=77)
    assert content(sample_database) == before


def test_a_lost_connection_is_one_line_and_leaves_the_database_as_it_was(sample_database):
    def cut(projects: int) -> None:
        with sample_database.connect() as beside:
            beside.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])

    with pytest.raises(SourceError, match="nothing was changed") as caught, open_for_load() as connection:
        generate(Plan(organisations=1, projects=3), connection, cut)
    assert "\n" not in str(caught.value)
    assert Project.objects.count() == 200


def test_a_full_disk_of_the_database_is_one_line(sample_database):
    with sample_database.connect() as connection:
        connection.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$"
        )
        connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON rsr_sector EXECUTE FUNCTION full_disk()")
    with pytest.raises(CannotWrite, match="no space left on its disk; nothing was changed"):
        make(Plan(organisations=1, projects=3))
    assert Project.objects.count() == 200


def test_what_waits_in_memory_does_not_grow_with_the_number_of_projects(database):
    def peak_mb(projects: int) -> float:
        tracemalloc.reset_peak()
        with open_for_load() as connection:
            generate(Plan(organisations=1, projects=projects), connection, buffer_mb=0.5)
        return tracemalloc.get_traced_memory()[1] / 10**6

    tracemalloc.start()
    try:
        peak_mb(10)
        small, large = peak_mb(150), peak_mb(450)
    finally:
        tracemalloc.stop()
    assert large < small + 0.5


def environment(database) -> dict[str, str]:
    names = {name: value for name, value in os.environ.items() if not name.startswith("FLOODMARK_")}
    return names | {"FLOODMARK_DATABASE_URL": database.url, "TERM": "xterm", "COLUMNS": "100"}


def run(database, *words: str, **settings: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "floodmark", "sample", *words]
    return subprocess.run(
        command, env=environment(database) | settings, capture_output=True, text=True, cwd="/", timeout=60
    )


def test_the_command_fills_refuses_and_replaces(database):
    filled = run(database, "--organisations", "1", "--projects", "7")
    assert (filled.returncode, filled.stdout) == (0, "")
    assert (
        filled.stderr
        == f"7 projects of 1 organisations, {sum(m._default_manager.count() for m in rsr_models())} rows\n"
    )
    refused = run(database)
    assert refused.returncode == 2
    assert refused.stderr.startswith("floodmark: the database already holds rows")
    assert Project.objects.count() == 7
    assert run(database, "--organisations", "1", "--projects", "3", "--replace").returncode == 0
    assert Project.objects.count() == 3


def test_the_command_refuses_to_fill_what_nobody_would_see(sample_database):
    refused = run(sample_database, FLOODMARK_SOURCE_URL=sample_database.url)
    assert refused.returncode == 2
    assert "source_url is set" in refused.stderr


def on_a_terminal(database, *words: str) -> tuple[subprocess.Popen, int]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "floodmark", "sample", *words],
        env=environment(database), stderr=theirs, stdout=theirs, stdin=theirs, cwd="/", start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    return process, ours


def read_until(terminal: int, words: bytes) -> bytes:
    seen = b""
    while words not in seen:
        try:
            seen += os.read(terminal, 4096)
        except OSError:  # the other end has closed
            break
    return seen


def test_a_terminal_shows_progress(database):
    process, terminal = on_a_terminal(database, "--organisations", "1", "--projects", "50")
    with process:
        seen = read_until(terminal, b"rows")
    os.close(terminal)
    assert process.returncode == 0
    assert b"/50" in seen


def test_an_interrupt_is_one_line_and_leaves_the_database_as_it_was(database):
    process, terminal = on_a_terminal(database, "--organisations", "1", "--projects", "1000000")
    with process:
        read_until(terminal, b"/1000000")
        process.send_signal(signal.SIGINT)
        seen = read_until(terminal, b"floodmark: interrupted")
    os.close(terminal)
    assert process.returncode == 130
    assert b"Traceback" not in seen
    assert not Project.objects.exists()
