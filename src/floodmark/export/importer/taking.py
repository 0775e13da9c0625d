"""What the takers of an activity's money and results need of it; `activity.ActivityImport` is one."""

from __future__ import annotations

from typing import Any, Protocol

from floodmark.export.importer.losses import Reporter
from floodmark.export.importer.organisations import Organisations
from floodmark.export.importer.rows import Row, Rows


class Taking(Protocol):
    """An activity that rows can be added to."""

    rows: Rows
    organisations: Organisations
    reporter: Reporter
    language: str
    id: int

    def add(self, model: Any, row: Row | None = None, **values: Any) -> int:
        """A row that belongs to this project."""

    def row(self, model: Any, **given: Any) -> Row:
        """A row to fill."""
