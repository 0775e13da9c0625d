"""Django, configured from Floodmark's settings: the one place where the two meet.

`setup` reaches the databases before anything else does, so that what is wrong with them is one clear line.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any

import django
import psycopg
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connections, transaction
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from floodmark.errors import SettingsError, SourceError
from floodmark.export import postgres
from floodmark.export.router import OWN, SOURCE
from floodmark.settings import Settings

MIGRATION_LOCK = 0x666C6F6F  # the advisory lock under which tables are made: "floo"

_in_force: Settings | None = None
_server: postgres.PrivateServer | None = None


def setup(settings: Settings, *, check: bool = True) -> None:
    """Configure Django for `settings`; called again with equal settings it does nothing, with others it moves over.

    Without database_url the private server is started or joined. With `check` each database must answer.
    Raises SettingsError for a URL that is none, SourceError for a database that cannot be reached.
    """
    global _in_force
    if _in_force == settings:
        return
    databases = _databases(settings)
    if check:
        for alias, name in ((OWN, "database_url"), (SOURCE, "source_url")):
            if alias in databases:
                _reach(databases[alias], name)
    if django_settings.configured:
        _move(databases)
    else:
        configure(databases)
    _in_force = settings


def configure(databases: dict[str, Any]) -> None:
    """Configure Django for these databases without reaching any; models can be imported from then on."""
    django_settings.configure(**configuration(databases))
    django.setup()


def migrate() -> None:
    """Create what is missing of the tables in Floodmark's own database; several commands at once take turns."""
    with transaction.atomic(using=OWN), connections[OWN].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        call_command("migrate", database=OWN, verbosity=0, interactive=False)


def leave() -> None:
    """Close the connections of this thread and let go of the private server."""
    global _in_force, _server
    if django_settings.configured:
        connections.close_all()
    if _server:
        _server.leave()
    _in_force = _server = None


def configuration(databases: dict[str, Any]) -> dict[str, Any]:
    """Django's settings for these databases."""
    return {
        "DATABASES": databases,
        "DATABASE_ROUTERS": ["floodmark.export.router.Router"],
        "INSTALLED_APPS": ["floodmark.export"],
        "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
        "SECRET_KEY": secrets.token_urlsafe(32),  # signs nothing that outlives the process
        "TIME_ZONE": "UTC",
        "USE_TZ": True,
        "USE_I18N": False,
        "LOGGING_CONFIG": None,
    }


def database(url: str, name: str, *, read_only: bool = False) -> dict[str, Any]:
    """Django's entry for a PostgreSQL URL; `name` is the setting it came from. Raises SettingsError."""
    try:
        parts: dict[str, Any] = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise SettingsError(
            f"{name}: not a PostgreSQL URL; expected postgresql://user:password@host:5432/name"
        ) from None
    options = {"connect_timeout": 10, "application_name": "floodmark", "prepare_threshold": None}
    entry = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", None) or parts.get("user") or "",
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "OPTIONS": {**options, **parts},
        "DISABLE_SERVER_SIDE_CURSORS": True,  # a transaction pooler gives each transaction another session
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 600,
    }
    if read_only:
        entry["OPTIONS"]["options"] = f"{parts.get('options', '')} -c default_transaction_read_only=on".strip()
    return entry


def _databases(settings: Settings) -> dict[str, Any]:
    global _server
    if settings.database_url is None:
        _server = postgres.join(settings.data_dir / "postgres")
        own = _server.url()
    else:
        own = settings.database_url.get_secret_value()
    databases = {OWN: database(own, "database_url")}
    if isinstance(settings.source_url, SecretStr):
        databases[SOURCE] = database(settings.source_url.get_secret_value(), "source_url", read_only=True)
    return databases


def _reach(entry: dict[str, Any], name: str) -> None:
    where = {"dbname": entry["NAME"], "user": entry["USER"], "password": entry["PASSWORD"], "host": entry["HOST"]}
    given = {key: value for key, value in {**where, "port": entry["PORT"]}.items() if value}
    try:
        psycopg.connect(**given, **entry["OPTIONS"]).close()
    except psycopg.OperationalError as error:
        raise SourceError(f"{name}: {_one_line(error, entry['PASSWORD'])}") from None


def _one_line(error: Exception, password: str) -> str:
    said = " ".join(str(error).split())
    return said.replace(password, "***") if password else said


def _move(databases: dict[str, Any]) -> None:
    """Point Django's connections of this thread at other databases."""
    connections.close_all()
    for alias in (OWN, SOURCE):
        with suppress(AttributeError):
            del connections[alias]
    django_settings.DATABASES = databases
    connections._settings = None  # type: ignore[attr-defined]  # else it keeps what it read first
    connections.__dict__.pop("settings", None)
