"""Django, configured from Floodmark's settings: the one place where the two meet.

`setup` reaches the databases before anything else does, so that what is wrong with them is one clear line.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import django
import psycopg
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connections
from django.db.utils import Error as DatabaseError
from psycopg.conninfo import conninfo_to_dict

from floodmark.errors import SettingsError, SourceError
from floodmark.export import postgres, web
from floodmark.export.readonly.base import open_read_only
from floodmark.export.router import OWN, SOURCE
from floodmark.settings import Settings

MIGRATION_LOCK = 0x666C6F6F  # the advisory lock under which tables are made: "floo"

_in_force: tuple[Settings, bool] | None = None
_server: postgres.PrivateServer | None = None


def setup(settings: Settings, *, own: bool = True, check: bool = True) -> None:
    """Configure Django for `settings`; called again with equal settings it does nothing, with others it moves over.

    Without database_url the private server is started or joined. With `own` false and a source_url, Floodmark's own
    database is left alone, and `default` is the source. With `check` each database must answer.
    Raises SettingsError for a URL that is none, SourceError for a database that cannot be reached.
    """
    global _in_force
    if _in_force == (settings, own):
        return
    if _in_force:
        leave()
    databases = _databases(settings, own)
    if check:
        _reach(databases)
    if django_settings.configured:
        _move(databases)
    else:
        configure(databases)
    _in_force = settings, own


def configure(databases: dict[str, Any]) -> None:
    """Configure Django for these databases without reaching any; models can be imported from then on."""
    django_settings.configure(**configuration(databases))
    django.setup()


def migrate() -> None:
    """Create what is missing of the tables in Floodmark's own database; several commands at once take turns.

    Raises SourceError where the tables are RSR's own, or cannot be created.
    """
    with _turn():
        _refuse_foreign_tables()
        try:
            call_command("migrate", database=OWN, verbosity=0, interactive=False)
        except DatabaseError as error:
            raise _explained(error) from None


def leave() -> None:
    """Close the connections of this thread and let go of the private server."""
    global _in_force, _server
    if _in_force:
        connections.close_all()
    if _server:
        _server.leave()
    _in_force = _server = None


def configuration(databases: dict[str, Any]) -> dict[str, Any]:
    """Django's settings for these databases."""
    return {
        "DATABASES": databases,
        "DATABASE_ROUTERS": ["floodmark.export.router.Router"],
        "INSTALLED_APPS": ["floodmark.export", *web.APPS],
        "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
        "SECRET_KEY": secrets.token_urlsafe(32),  # signs nothing that outlives the process
        "TIME_ZONE": "UTC",
        "USE_TZ": True,
        "USE_I18N": False,
        "LOGGING_CONFIG": None,
        **web.DJANGO,
    }


def database(url: str, name: str, *, read_only: bool = False, connect_seconds: int = 10) -> dict[str, Any]:
    """Django's entry for a PostgreSQL URL; `name` is the setting it came from. Raises SettingsError."""
    try:
        parts: dict[str, Any] = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # What psycopg says may quote the URL, and with it the password.
        raise SettingsError(
            f"{name}: not a PostgreSQL URL; expected postgresql://user:password@host:5432/name"
        ) from None
    return {
        "ENGINE": "floodmark.export.readonly" if read_only else "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", None) or parts.get("user") or "postgres",
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "OPTIONS": {"connect_timeout": connect_seconds, "application_name": "floodmark", **parts},
        "DISABLE_SERVER_SIDE_CURSORS": True,  # a transaction pooler gives each transaction another session
    }


def _databases(settings: Settings, own: bool) -> dict[str, Any]:
    seconds = settings.database_connect_seconds
    databases = {}
    if settings.source_url is not None:
        url = settings.source_url.get_secret_value()
        databases[SOURCE] = database(url, "source_url", read_only=True, connect_seconds=seconds)
        if not own:
            return {OWN: databases[SOURCE], **databases}
    if settings.database_url is None:
        databases[OWN] = database(_join(settings).url(), "data_dir", connect_seconds=seconds)
    else:
        databases[OWN] = database(settings.database_url.get_secret_value(), "database_url", connect_seconds=seconds)
    return databases


def _join(settings: Settings) -> postgres.PrivateServer:
    global _server
    _server = postgres.join_for(settings)
    return _server


def revive() -> None:
    """Start the private server again where it has died; nothing where database_url is set."""
    if _server:
        _server.revive()


def _reach(databases: dict[str, Any]) -> None:
    for alias, name in ((SOURCE, "source_url"), (OWN, "database_url")):
        if alias not in databases:
            continue
        entry = databases[alias]
        where = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
        given = {word: entry[key] for word, key in where.items() if entry[key]}
        try:
            open_read_only({**given, **entry["OPTIONS"]})[0].close()
        except psycopg.Error as error:
            raise SourceError(f"{name}: {_one_line(error, entry['PASSWORD'])}") from None


def _one_line(error: Exception, password: str = "") -> str:
    said = " ".join(str(error).split())
    return said.replace(password, "***") if password else said


@contextmanager
def _turn() -> Iterator[None]:
    """Hold the migration lock on a connection of its own; a transaction holds it, so that it works behind a pooler."""
    lock = connections[OWN].copy()
    try:
        lock.set_autocommit(False)
        with lock.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        yield
    finally:
        lock.close()


def _refuse_foreign_tables() -> None:
    with connections[OWN].cursor() as cursor:
        tables = set(connections[OWN].introspection.table_names(cursor))
        ours = False
        if "django_migrations" in tables:
            cursor.execute("SELECT 1 FROM django_migrations WHERE app = 'export' LIMIT 1")
            ours = cursor.fetchone() is not None
    if not ours and "rsr_project" in tables:
        raise SourceError(
            "database_url: this database holds RSR's own tables, and Floodmark would write to them; "
            "give it as source_url, and an empty database (or none) as database_url"
        )


def _explained(error: Exception) -> SourceError:
    said = _one_line(error)
    if "extension" in said and ("permission denied" in said or "not available" in said):
        return SourceError(
            f"database_url: the extension ltree cannot be created ({said}); "
            "install PostgreSQL's contrib modules, and run CREATE EXTENSION ltree in this database as its superuser"
        )
    return SourceError(f"database_url: the tables cannot be created: {said}")


def _move(databases: dict[str, Any]) -> None:
    """Point Django's connections of this thread at other databases."""
    connections.close_all()
    for alias in (OWN, SOURCE):
        with suppress(AttributeError):
            del connections[alias]
    django_settings.DATABASES = databases
    connections._settings = None  # type: ignore[attr-defined]  # else it keeps what it read first
    connections.__dict__.pop("settings", None)
