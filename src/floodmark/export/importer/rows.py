"""Rows on their way into the tables: fitted, numbered in blocks, copied table by table, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connections, models
from django.utils import timezone

from floodmark.export.importer.fitting import Fitting
from floodmark.export.importer.losses import Reporter
from floodmark.export.importer.nodes import Leftover, Node, narrative_of
from floodmark.export.sample.loader import Table

BLOCK = 100
"""Ids taken from a sequence at once."""

BUFFER_MB = 4.0
"""Rows that wait before they are copied: what one giant activity holds in memory."""


ROW_BYTES = 100


class Rows:
    """Tables that rows are added to. One for an import; `reset` after a transaction that failed."""

    def __init__(self, alias: str, buffer_mb: float = BUFFER_MB) -> None:
        self.connection = connections[alias]
        self.buffer_bytes = int(buffer_mb * 10**6)
        self._tables: dict[type[models.Model], Table] = {}
        self._ids: dict[str, list[int]] = {}
        self.waiting = 0

    def number(self, model: type[models.Model]) -> int:
        """A fresh id for a model, from its sequence."""
        table = model._meta.db_table
        block = self._ids.setdefault(table, [])
        if not block:
            with self.connection.cursor() as cursor:
                cursor.execute(
                    "select nextval(pg_get_serial_sequence(%s, 'id')) from generate_series(1, %s)", [table, BLOCK]
                )
                block.extend(reversed([row[0] for row in cursor.fetchall()]))
        return block.pop()

    def add(self, model: type[models.Model], values: dict[str, Any]) -> int:
        """A row by column name, with its defaults; returns its id (0 where the key is not `id`)."""
        table = self._tables.get(model)
        if table is None:
            table = self._tables[model] = Table(model)
        number = 0
        if table.has_own_id:
            number = values.get("id") or self.number(model)
            table.last_id = number - 1
            values = {name: value for name, value in values.items() if name != "id"}
        if "created_at" in table.blank:
            values = {"created_at": timezone.now(), "last_modified_at": timezone.now()} | values
        table.add(values)
        # An empty list and a string object weigh more than the characters of most rows.
        self.waiting += len(table.rows[-1]) + ROW_BYTES
        if self.waiting >= self.buffer_bytes:
            self.flush()
        return number

    def flush(self) -> None:
        """Copy what waits; foreign keys are checked when the transaction ends."""
        # COPY goes past Django's cursor, and so past its translation of errors.
        with self.connection.cursor() as cursor, self.connection.wrap_database_errors:
            for table in self._tables.values():
                if table.rows:
                    columns = ", ".join(f'"{name}"' for name in table.blank)
                    with cursor.cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:
                        copy.write(table.take())
        self.waiting = 0

    def reset(self) -> None:
        """Forget what waits."""
        for table in self._tables.values():
            table.rows.clear()
        self.waiting = 0


class Row:
    """One row being filled from nodes: every value goes through the fitting of its column."""

    def __init__(self, model: type[models.Model], fitting: Fitting, **given: Any) -> None:
        self.model, self.fitting = model, fitting
        self.values: dict[str, Any] = dict(given)

    def put(self, column: str, value: str, node: Node | None, name: str = "") -> None:
        """A text of `node` (its attribute, or `name` below it) into a column."""
        path = "" if node is None else f"{node.path}/{name}" if name else node.path
        field = self.model._meta.get_field(column)
        self.values[column] = self.fitting.fit(field, value, path, node.line if node else None)  # type: ignore[arg-type]

    def attributes(self, node: Node | None, **columns: str) -> None:
        """Attributes into columns: `attributes(node, sector_code="code")`."""
        for column, name in columns.items():
            self.put(column, node.attribute(name) if node else "", node, f"@{name}")

    def narrative(self, column: str, node: Node | None, language: str) -> None:
        """The narrative of an element into a column."""
        chosen = narrative_of(node, language)
        self.put(column, chosen.text() if chosen else "", chosen)

    def text(self, column: str, parent: Node, name: str) -> None:
        """The text of a child element into a column."""
        node = parent.child(name)
        self.put(column, node.text() if node else "", node)
        if node is not None:
            self.needs(node, column)

    def needs(self, node: Node, *columns: str) -> bool:
        """Whether all of these columns hold something: without them the export leaves the whole row out; reported."""
        missing = [column for column in columns if self.values.get(column) in (None, "")]
        if missing:
            self.fitting.reporter.lost(node.path, node.line, f"cannot come out without {', '.join(missing)}", "stored")
        return not missing

    def code(self, parent: Node, name: str, column: str) -> None:
        """The code of a child element into a column."""
        node = parent.child(name)
        if node is not None:
            self.put(column, node.attribute("code"), node, "@code")
            self.needs(node, column)

    def date(self, parent: Node, name: str, column: str) -> None:
        """The iso-date of a child element into a column."""
        node = parent.child(name)
        if node is not None:
            self.put(column, node.attribute("iso-date"), node, "@iso-date")
            self.needs(node, column)

    def money(self, parent: Node, column: str = "value") -> None:
        """The value element of a parent: amount, currency and date."""
        node = parent.child("value")
        if node is not None:
            self.put(column, node.text(), node)
            self.attributes(node, currency="currency", value_date="value-date")

    def needs_any(self, node: Node) -> None:
        """An element in which nothing is does not come out; reported."""
        if all(value in (None, "") for value in self.values.values()):
            self.fitting.reporter.lost(node.path, node.line, "holds nothing that can be kept", "left out")


NO_PLACE = "the tables have no place for it"


def report_leftovers(leftovers: Iterable[Leftover], reporter: Reporter, problem: str = NO_PLACE) -> None:
    """Report what was not taken."""
    for one in leftovers:
        reporter.lost(one.element, one.line, problem, "left out", one.text)
