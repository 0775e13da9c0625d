"""Real parts for the tests: a private PostgreSQL server a session, a fresh database a test.

The server is started by the project's own `floodmark.export.postgres`, in a folder of its own (not pytest's, which a
second pytest run closes to the account that PostgreSQL runs as under root), without fsync.
"""

from __future__ import annotations

import gzip
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright

from floodmark.settings import ENV_PREFIX, Settings

SHARED = Path(__file__).resolve().parents[2] / "shared"
WHOLE_RUN_MB = 100_000
"""Memory above which a worker is replaced where it runs inside pytest, whose memory tells of all tests before."""

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


@dataclass(frozen=True)
class Database:
    """A database of the tests' server, with settings by which Floodmark uses it."""

    url: str
    settings: Settings

    def connect(self) -> psycopg.Connection:
        """A connection beside Django's, in autocommit; use it in a `with`."""
        return psycopg.connect(self.url, autocommit=True)


@pytest.fixture(autouse=True, scope="session")
def _no_settings_of_the_shell() -> None:
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        del os.environ[name]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[object]:
    """The tests' own PostgreSQL server: `.url(database)`."""
    from floodmark.export import postgres

    folder = Path(tempfile.mkdtemp(prefix="floodmark-tests-"))
    try:
        server = postgres.join(folder / "postgres", configuration=FAST)
        yield server
        server.leave()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _new_database(server, template: str | None = None, name: str | None = None) -> Iterator[str]:
    """The URL of a new database, dropped afterwards."""
    name = name or f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        copy = f"TEMPLATE {template} STRATEGY file_copy" if template else ""
        connection.execute(f"CREATE DATABASE {name} {copy}")
    try:
        yield server.url(name)
    finally:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _in_use(settings: Settings) -> Iterator[None]:
    from floodmark.export import bootstrap

    bootstrap.setup(settings)
    try:
        yield
    finally:
        bootstrap.leave()


@pytest.fixture(scope="session")
def _migrated(postgres_server) -> Iterator[str]:
    from floodmark.export import bootstrap

    with _new_database(postgres_server, name="migrated") as url:
        with _in_use(Settings(database_url=url)):
            bootstrap.migrate()
        yield "migrated"


@pytest.fixture
def empty_url(postgres_server) -> Iterator[str]:
    """The URL of a database without a single table."""
    with _new_database(postgres_server) as url:
        yield url


@pytest.fixture
def database(postgres_server, _migrated, tmp_path) -> Iterator[Database]:
    """A fresh migrated database, and Django set up on it as `default`."""
    with _new_database(postgres_server, template=_migrated) as url:
        settings = Settings(database_url=url, data_dir=tmp_path / "var", worker_max_mb=WHOLE_RUN_MB)
        with _in_use(settings):
            yield Database(url, settings)


@pytest.fixture(scope="session")
def _sampled(postgres_server, _migrated) -> Iterator[str]:
    from floodmark.export.sample import Plan, generate

    with _new_database(postgres_server, template=_migrated, name="sampled") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            generate(Plan(organisations=2, projects=100), connection)
        yield "sampled"


@pytest.fixture
def sample_database(postgres_server, _sampled, tmp_path) -> Iterator[Database]:
    """As `database`, filled: organisations 1 and 2 with 100 projects each, every kind of flaw once (flaws.py)."""
    with _new_database(postgres_server, template=_sampled) as url:
        settings = Settings(database_url=url, data_dir=tmp_path / "var", worker_max_mb=WHOLE_RUN_MB)
        with _in_use(settings):
            yield Database(url, settings)


@pytest.fixture(scope="session")
def rsr_url(postgres_server) -> Iterator[str]:
    """The URL of the database of ../shared/rsr, restored once a session; do not write to it."""
    dump = SHARED / "rsr" / "rsr.sql.gz"
    if not dump.exists():
        pytest.skip(f"{dump} is not here")
    with _new_database(postgres_server, name="rsr") as url:
        _restore(dump, url)
        yield url


def _restore(dump: Path, url: str) -> None:
    from floodmark.export.postgres_account import binaries

    psql = [str(binaries() / "psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", "-d", url]
    with gzip.open(dump) as text, tempfile.TemporaryFile() as said:
        with subprocess.Popen(psql, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said) as process:
            shutil.copyfileobj(text, process.stdin)
        said.seek(0)
        assert process.returncode == 0, said.read().decode()


@pytest.fixture
def rsr_source(database, rsr_url) -> Database:
    """Floodmark on its own fresh database with RSR's as its source, as a running installation has it."""
    from floodmark.export import bootstrap

    settings = Settings(database_url=database.url, source_url=rsr_url, data_dir=database.settings.data_dir)
    bootstrap.setup(settings)
    return Database(rsr_url, settings)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, for the tests of one file."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "no chromium on the path: apt-get install chromium"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()
