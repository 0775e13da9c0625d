"""Short read-only transactions on RSR's database, and what becomes of their errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from django.db import Error, InterfaceError, OperationalError, ProgrammingError, connections, transaction

from floodmark.errors import SourceError
from floodmark.export.interruption import raise_interruption
from floodmark.export.source import alias

Fetch = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs one statement and gives all its rows."""

T = TypeVar("T")

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# For this transaction only: through a pooler the next one has another session, with whatever the last user left in it.
# Joins are confined to look-ups in indexes: a page asks for the few rows of some parents, and a planner that scans or
# sorts a whole table for them (after a load without ANALYZE it did) makes the build's work grow with its square.
_STYLE = "SELECT " + ", ".join(
    f"set_config('{name}', '{value}', true)"
    for name, value in {
        "datestyle": "ISO, YMD",
        "extra_float_digits": "1",
        "enable_seqscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "jit": "off",
    }.items()
)


class Database:
    """RSR's rows, in one snapshot at a time. Counts its queries.

    A snapshot that fails because the server went away is taken again until `patience_s` seconds have passed.
    """

    def __init__(self, name: str | None = None, *, patience_s: float = 20.0) -> None:
        self.alias = name or alias()
        self.patience_s = patience_s
        self.queries = 0
        self.snapshots = 0

    def snapshot(self, read: Callable[[Fetch], T]) -> T:
        """What `read` makes of one consistent view of the rows. It may run more than once.

        Raises SourceError where the database cannot be read.
        """
        deadline = time.monotonic() + self.patience_s
        pause_s = 0.1
        while True:
            try:
                return self._once(read)
            except (OperationalError, InterfaceError) as error:
                raise_interruption(error)
                connections[self.alias].close()
                if time.monotonic() + pause_s > deadline:
                    raise SourceError(f"the database cannot be read: {_line(error)}") from error
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, 2.0)
            except ProgrammingError as error:
                raise_interruption(error)
                raise SourceError(
                    f"the database is not as expected: {_line(error)}; `floodmark source check` says what is missing"
                ) from error
            except Error as error:
                raise_interruption(error)
                raise SourceError(f"the database cannot be read: {_line(error)}") from error

    def _once(self, read: Callable[[Fetch], T]) -> T:
        connection = connections[self.alias]
        nested = connection.in_atomic_block
        with transaction.atomic(using=self.alias), connection.cursor() as cursor:

            def run(statement: str, parameters: Sequence[Any] = ()) -> None:
                self.queries += 1
                cursor.execute(statement, parameters or None)

            def fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
                run(statement, parameters)
                rows: list[tuple[Any, ...]] = cursor.fetchall()
                return rows

            if not nested:
                run(_SNAPSHOT)
            run(_STYLE)
            self.snapshots += 1
            return read(fetch)


def numbers(ids: Iterable[int]) -> str:
    """A parameter for an SQL array of numbers. As text: psycopg takes ten times as long over a list."""
    return "{" + ",".join(map(str, ids)) + "}"


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
