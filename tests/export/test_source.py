"""The source: what is read from where, and that it cannot be written to."""

from __future__ import annotations

import threading

import psycopg
import pytest
from django.db import connections, transaction, utils
from pooler import Pooler, session_of

from floodmark.errors import SettingsError, SourceError
from floodmark.export import bootstrap, source
from floodmark.export.models import Keyword, Project
from floodmark.settings import Settings

WRITES = (
    "DELETE FROM rsr_project",
    "UPDATE rsr_project SET title = ''",
    "INSERT INTO rsr_keyword (label, logo) VALUES ('x', '')",
    "CREATE TABLE mine (a int)",
    "TRUNCATE rsr_sector",
    "DROP TABLE rsr_sector",
)


@pytest.fixture
def as_source(sample_database, empty_url):
    """The sample as source of an installation whose own database is empty."""
    bootstrap.setup(
        Settings(database_url=empty_url, source_url=sample_database.url, data_dir=sample_database.settings.data_dir)
    )
    return sample_database


@pytest.fixture
def pooler(sample_database):
    """The sample behind a transaction pooler with two sessions."""
    made = Pooler(sample_database.url)
    yield made
    bootstrap.leave()
    made.close()


@pytest.fixture
def pooled_source(sample_database, pooler):
    """The sample as source, behind the pooler."""
    bootstrap.setup(Settings(database_url=sample_database.url, source_url=pooler.url))
    return pooler


def test_without_a_source_url_rows_come_from_the_own_database(database):
    assert source.alias() == "default"


def test_with_a_source_url_rows_come_from_there(as_source):
    assert source.alias() == "source"
    assert Project.objects.using(source.alias()).count() == 200


def test_rows_of_an_rsr_database_are_read_as_they_are(rsr_source):
    assert Project.objects.using(source.alias()).count() == 3785
    project = Project.objects.using(source.alias()).get(id=2)
    assert project.path.split(".")[-1] == str(project.uuid).replace("-", "_")
    assert project.descriptions_order[0] == "project_plan_summary"


@pytest.mark.parametrize("statement", WRITES)
def test_the_server_refuses_to_write_to_the_source(as_source, statement):
    with pytest.raises(utils.InternalError, match="in a read-only transaction"):
        connections["source"].cursor().execute(statement)


@pytest.mark.parametrize("statement", WRITES)
def test_the_server_refuses_to_write_behind_a_pooler_too(pooled_source, statement):
    with pytest.raises(utils.InternalError, match="in a read-only transaction"):
        connections["source"].cursor().execute(statement)
    with pytest.raises(utils.InternalError, match="in a read-only transaction"), transaction.atomic(using="source"):
        connections["source"].cursor().execute(statement)


def test_saving_a_row_of_the_source_saves_it_to_the_own_database(as_source):
    bootstrap.migrate()
    keyword = Keyword.objects.using("source").get(id=1)
    keyword.label = "changed"
    keyword.save()
    assert Keyword.objects.using("source").get(id=1).label == "water"
    assert Keyword.objects.using("default").get(id=1).label == "changed"


def test_tables_are_never_made_in_the_source(as_source):
    with as_source.connect() as connection:
        before = connection.execute("SELECT count(*) FROM pg_class").fetchone()
        bootstrap.migrate()
        assert connection.execute("SELECT count(*) FROM pg_class").fetchone() == before


def test_behind_a_pooler_each_statement_may_have_another_session_and_reads_the_same(pooled_source):
    titles = dict(Project.objects.using("source").values_list("id", "title"))
    found: list[dict[int, str]] = []

    def read() -> None:
        seen = {}
        for number in range(0, 200, 20):
            page = Project.objects.using("source").filter(id__gt=number).order_by("id")[:20]
            seen |= dict(page.values_list("id", "title"))
        found.append(seen)
        connections["source"].close()

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert found == [titles] * 6
    assert pooled_source.loans > 60
    assert len({session_of(connections["source"]) for _ in range(4)}) == 2


def test_behind_a_pooler_a_block_keeps_one_session_and_ends_without_an_open_transaction(pooled_source):
    with transaction.atomic(using="source"):
        assert len({session_of(connections["source"]) for _ in range(4)}) == 1
    pooled_source.wait_until_idle()


def test_behind_a_pooler_an_error_leaves_the_connection_usable(pooled_source):
    with pytest.raises(utils.ProgrammingError), connections["source"].cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")
    assert Project.objects.using("source").count() == 200
    pooled_source.wait_until_idle()


def test_behind_a_pooler_no_session_is_left_read_only_for_others(pooled_source, sample_database):
    Project.objects.using("source").count()
    for backend in range(2):
        assert Project.objects.using("source").filter(id=backend + 1).exists()
    bootstrap.setup(Settings(database_url=pooled_source.url))
    for number in (1, 2):
        Project.objects.filter(id=number).update(title="written")
    assert Project.objects.filter(title="written").count() == 2


def test_times_are_utc_whatever_the_zone_of_the_server(sample_database):
    with sample_database.connect() as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET timezone TO 'Asia/Kathmandu'")
    direct = Project.objects.get(id=1).last_modified_at
    bootstrap.setup(Settings(database_url=sample_database.url, source_url=sample_database.url))
    assert Project.objects.using("source").get(id=1).last_modified_at == direct
    assert str(direct.tzinfo) == "UTC"


@pytest.mark.parametrize("url", ["not a url", "mysql://u:secret@h/d", "postgresql://u:secret@h:notaport/d", "http://x"])
def test_a_url_that_is_none_is_refused_without_showing_it(url, tmp_path):
    with pytest.raises((SettingsError, SourceError)) as caught:
        bootstrap.setup(Settings(source_url=url, data_dir=tmp_path), own=False)
    assert "secret" not in str(caught.value)
    assert str(caught.value).startswith("source_url: ")
    assert "\n" not in str(caught.value)


def test_a_wrong_password_is_one_line_without_it(postgres_server, sample_database):
    hba = postgres_server.folder / "cluster" / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text("local all locked scram-sha-256\n" + before)
    with sample_database.connect() as connection:
        connection.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
        connection.execute("SELECT pg_reload_conf()")
    try:
        url = sample_database.url.replace("postgres@", "locked:wrong-secret@")
        with pytest.raises(SourceError) as caught:
            bootstrap.setup(Settings(source_url=url), own=False)
    finally:
        hba.write_text(before)
        with sample_database.connect() as connection:
            connection.execute("DROP ROLE locked")
            connection.execute("SELECT pg_reload_conf()")
    said = str(caught.value)
    assert 'password authentication failed for user "locked"' in said
    assert said.startswith("source_url: ")
    assert "wrong-secret" not in said
    assert "\n" not in said
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u@127.0.0.1:1/d", "Connection refused"),
        ("postgresql://u@no-such-host.invalid/d", "no-such-host.invalid"),
    ],
)
def test_an_unreachable_server_is_one_line(url, words):
    with pytest.raises(SourceError, match=words) as caught:
        bootstrap.setup(Settings(database_url=url))
    assert "\n" not in str(caught.value)


def test_a_missing_database_is_one_line(postgres_server):
    with pytest.raises(SourceError, match=r'database_url: .*database "absent" does not exist'):
        bootstrap.setup(Settings(database_url=postgres_server.url("absent")))


def test_a_server_that_speaks_something_else_is_one_line():
    import socket

    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(100)
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    url = f"postgresql://u@127.0.0.1:{listener.getsockname()[1]}/d?sslmode=disable"
    with pytest.raises(SourceError) as caught:
        bootstrap.setup(Settings(database_url=url))
    thread.join()
    listener.close()
    assert "\n" not in str(caught.value)


def test_an_rsr_database_given_as_own_database_is_refused_before_anything_is_written(empty_url):
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE rsr_project (id int)")
        connection.execute("CREATE TABLE django_migrations (id int, app text, name text)")
        connection.execute("INSERT INTO django_migrations VALUES (1, 'rsr', '0001_initial')")
        bootstrap.setup(Settings(database_url=empty_url))
        with pytest.raises(SourceError, match="give it as source_url"):
            bootstrap.migrate()
        assert connection.execute("SELECT count(*) FROM django_migrations").fetchone() == (1,)
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert tables == (2,)


def test_an_owner_who_may_not_create_the_extension_is_told_who_must(postgres_server, empty_url):
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN")
        connection.execute("GRANT ALL ON SCHEMA public TO guest")
        try:
            bootstrap.setup(Settings(database_url=empty_url.replace("postgres@", "guest@")))
            with pytest.raises(SourceError, match="run CREATE EXTENSION ltree in this database as its superuser"):
                bootstrap.migrate()
            connection.execute("CREATE EXTENSION ltree")
            bootstrap.migrate()
        finally:
            bootstrap.leave()
            connection.execute("DROP OWNED BY guest")
            connection.execute("DROP ROLE guest")


def test_tables_can_be_made_behind_a_pooler_and_twice(postgres_server, empty_url):
    pooler = Pooler(empty_url)
    try:
        bootstrap.setup(Settings(database_url=pooler.url))
        bootstrap.migrate()
        bootstrap.migrate()
        assert Project.objects.count() == 0
    finally:
        bootstrap.leave()
        pooler.close()


def test_several_commands_may_make_the_tables_at_once(empty_url):
    bootstrap.setup(Settings(database_url=empty_url))
    problems: list[Exception] = []

    def make() -> None:
        try:
            bootstrap.migrate()
        except Exception as error:  # noqa: BLE001  # the test shows it
            problems.append(error)
        finally:
            connections.close_all()

    makers = [threading.Thread(target=make) for _ in range(3)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    bootstrap.leave()
    assert problems == []


def test_the_private_server_is_used_without_a_database_url_and_revived_when_it_died(tmp_path_factory):
    import os
    import shutil
    import signal
    import tempfile
    from pathlib import Path

    from floodmark.export import postgres_cluster

    folder = Path(tempfile.mkdtemp(prefix="floodmark-tests-"))
    try:
        bootstrap.setup(Settings(data_dir=folder))
        bootstrap.migrate()
        os.kill(postgres_cluster.find(folder / "postgres").pid, signal.SIGKILL)
        bootstrap.revive()
        connections.close_all()
        assert Project.objects.count() == 0
    finally:
        bootstrap.leave()
        shutil.rmtree(folder)
