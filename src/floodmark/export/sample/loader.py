"""Rows into PostgreSQL by COPY: a few megabytes at a time, all of it in one transaction.

Foreign keys are taken off for the load and put back (and so checked) at its end: to check them row by row takes longer
than the load. Whatever goes wrong on the way, Ctrl-C included, leaves the database as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import psycopg
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db.models import Field, JSONField, Model
from psycopg import sql

BUFFER_MB = 4
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def rsr_models() -> list[type[Model]]:
    """The models of RSR's tables, those of many-to-many relations included."""
    models = apps.get_app_config("export").get_models(include_auto_created=True)
    return [model for model in models if model._meta.db_table.startswith("rsr_")]


def written(value: object) -> str:
    """A value in COPY's text format."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


class Table:
    """The rows of one table that wait to be copied, and the next id."""

    def __init__(self, model: type[Model]) -> None:
        self.name = model._meta.db_table
        self.blank = {str(field.column): written(_default(field)) for field in model._meta.concrete_fields}
        self.has_own_id = "id" in self.blank
        self.last_id = 0
        self.rows: list[str] = []

    def add(self, values: dict[str, Any]) -> int:
        """Take a row, by column name; what is not given has the model's default. Returns its id."""
        row = self.blank.copy()
        if self.has_own_id:
            self.last_id += 1
            row["id"] = str(self.last_id)
        for column, value in values.items():
            if column not in row:
                raise KeyError(f"{self.name} has no column {column}")
            row[column] = written(value)
        self.rows.append("\t".join(row.values()))
        return self.last_id

    def take(self) -> str:
        """All rows as COPY's text, and forget them."""
        text = "".join(f"{row}\n" for row in self.rows)
        self.rows.clear()
        return text


def _default(field: Field[Any, Any]) -> object:
    if isinstance(field, ArrayField):
        return "{}"
    if isinstance(field, JSONField):
        return None if field.null else json.dumps(field.get_default())
    return None if field.name in ("id", "uuid") else field.get_default()


class Loader:
    """Takes rows table by table and copies them whenever `buffer_mb` have gathered."""

    def __init__(self, connection: psycopg.Connection[Any], buffer_mb: float = BUFFER_MB) -> None:
        self.connection = connection
        self.buffer_bytes = int(buffer_mb * 10**6)
        self.tables = {model: Table(model) for model in rsr_models()}
        self.rows = 0
        self.bytes_sent = 0
        self._waiting_bytes = 0

    def add(self, model: type[Model], **values: Any) -> int:
        """Take a row; returns its id."""
        table = self.tables[model]
        key = table.add(values)
        self.rows += 1
        self._waiting_bytes += len(table.rows[-1])
        if self._waiting_bytes > self.buffer_bytes:
            self.flush()
        return key

    def flush(self) -> None:
        """Copy everything that waits."""
        for table in self.tables.values():
            if table.rows:
                data = table.take().encode()
                columns = sql.SQL(", ").join(sql.Identifier(column) for column in table.blank)
                command = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)
                with self.connection.cursor().copy(command) as copy:
                    copy.write(data)
                self.bytes_sent += len(data)
        self._waiting_bytes = 0

    def finish(self) -> None:
        """Copy the rest and let the sequences go on behind the ids given."""
        self.flush()
        for table in self.tables.values():
            if table.has_own_id:
                self.connection.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)", [table.name, table.last_id + 1]
                )


@contextmanager
def loading(connection: psycopg.Connection[Any], buffer_mb: float = BUFFER_MB) -> Iterator[Loader]:
    """A Loader into emptied tables, in one transaction."""
    tables = [model._meta.db_table for model in rsr_models()]
    with connection.transaction():
        names = sql.SQL(", ").join(sql.Identifier(table) for table in tables)
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(names))
        keys = _take_keys_off(connection, tables)
        loader = Loader(connection, buffer_mb)
        yield loader
        loader.finish()
        for key in keys:
            connection.execute(key)


def _take_keys_off(connection: psycopg.Connection[Any], tables: list[str]) -> list[sql.Composed]:
    """Drop the foreign keys of the tables; returns the commands that put them back."""
    found = connection.execute(
        "SELECT c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k "
        "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE k.contype = 'f' AND n.nspname = current_schema() AND c.relname = ANY(%s) ORDER BY 1, 2",
        [tables],
    ).fetchall()
    for table, name, _ in found:
        drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier(table), sql.Identifier(name))
        connection.execute(drop)
    return [
        sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
            sql.Identifier(table), sql.Identifier(name), sql.SQL(definition)
        )
        for table, name, definition in found
    ]
