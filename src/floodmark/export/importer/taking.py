"""What the takers of an activity's parts need of it; `activity.ActivityImport` is one."""

from __future__ import annotations

from typing import Any, Protocol

from floodmark.export.importer.losses import Reporter
from floodmark.export.importer.nodes import Node
from floodmark.export.importer.organisations import Organisations
from floodmark.export.importer.own import OwnPages
from floodmark.export.importer.rows import Row, Rows


class Taking(Protocol):
    """An activity that rows can be added to."""

    rows: Rows
    organisations: Organisations
    reporter: Reporter
    language: str
    project: Row
    own: OwnPages
    documents: list[tuple[Row, list[Row]]]
    id: int

    def add(self, model: Any, row: Row | None = None, **values: Any) -> int:
        """A row that belongs to this project."""

    def once(self, column: str, node: Node) -> bool:
        """Whether this is the first of its kind; a further one is reported."""

    def row(self, model: Any, **given: Any) -> Row:
        """A row to fill."""
