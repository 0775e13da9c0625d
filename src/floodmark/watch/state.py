"""What the watch must not forget when it is killed: alerts, incidents, silences, actions, messages not yet delivered.

One SQLite file. The samples are DuckDB's; these are a few rows that change one by one, are read by other commands
while the watch runs, and must survive kill -9 between any two statements.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from floodmark.errors import CannotWrite

SCHEMA = """
create table if not exists alert (
    fingerprint text primary key, rule text not null, service text, severity text not null, state text not null,
    since real not null, changed real not null, cleared real, value real, unit text not null, threshold real,
    told real, told_rule text, told_severity text, told_count integer not null default 0, reason text not null, incident text);
create table if not exists decision (
    id integer primary key, at real not null, fingerprint text not null, told integer not null, reason text not null);
create table if not exists silence (
    id integer primary key, service text, rule text, until real not null, author text not null, reason text not null,
    created real not null);
create table if not exists incident (
    id text primary key, service text, opened real not null, updated real not null, closed real, severity text not null,
    title text not null, folder text not null, outcome text);
create table if not exists action (
    id integer primary key, at real not null, service text not null, action text not null, way text not null,
    dry integer not null, status text not null, seen text not null, done text not null, outcome text,
    finished real, checked real, incident text);
create table if not exists outbox (
    id integer primary key, key text not null, messenger text not null, message text not null, created real not null,
    attempts integer not null default 0, due real not null, delivered real, failed text, problem text,
    unique (key, messenger));
create table if not exists position (
    path text primary key, device integer not null, inode integer not null, offset integer not null,
    line integer not null);
create table if not exists target (
    hour integer not null, name text not null, target text not null, unit text not null, value real, met integer,
    primary key (hour, name));
create table if not exists fact (name text primary key, value text not null);
create table if not exists audit (
    id integer primary key, at real not null, action integer not null, kind text not null, text text not null);
create trigger if not exists audit_is_not_rewritten before update on audit
    begin select raise(abort, 'the audit log is only appended to'); end;
create trigger if not exists audit_is_not_shortened before delete on audit
    begin select raise(abort, 'the audit log is only appended to'); end;
create index if not exists outbox_due on outbox (due) where delivered is null and failed is null;
create index if not exists decision_at on decision (at);
"""


ADDED = (("alert", "told_rule", "text"), ("outbox", "problem", "text"))
"""Columns that a file of an earlier version has not got."""


class State:
    """The file, opened by one thread each (`State` objects are cheap; give every thread its own)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.moved_aside: Path | None = None
        try:
            self.database = self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise CannotWrite(f"{path}: cannot be opened: {error}") from None
            self.moved_aside = _move_aside(path)
            self.database = self._open()

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=20, isolation_level=None)
        try:
            database.row_factory = sqlite3.Row
            database.execute("pragma journal_mode = wal")
            database.execute("pragma synchronous = normal")
            database.executescript(SCHEMA)
            _add_columns(database)
        except sqlite3.DatabaseError:
            database.close()
            raise
        return database

    @contextmanager
    def changes(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing. Raises CannotWrite where the disk is full."""
        try:
            self.database.execute("begin immediate")
            yield self.database
            self.database.execute("commit")
        except sqlite3.OperationalError as error:
            self._roll_back()
            raise CannotWrite(f"{self.path}: {error}") from None
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self.database.in_transaction:
            self.database.execute("rollback")

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """The rows of a query; values are bound, never pasted."""
        return self.database.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def _add_columns(database: sqlite3.Connection) -> None:
    for table, column, kind in ADDED:
        if column not in {row["name"] for row in database.execute(f"pragma table_info({table})")}:
            database.execute(f"alter table {table} add column {column} {kind}")


def _move_aside(path: Path) -> Path:
    """Keep a damaged file under another name, with its journal, so that nothing is lost that can be saved."""
    number = next(n for n in range(1, 10_000) if not path.with_name(f"{path.name}.damaged-{n}").exists())
    aside = path.with_name(f"{path.name}.damaged-{number}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(f"{aside.name}{suffix}"))
    return aside
