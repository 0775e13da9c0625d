"""Which database Django writes to and migrates: Floodmark's own, never the source."""

from __future__ import annotations

from typing import Any

OWN = "default"
SOURCE = "source"


class Router:
    """Django's router: rows are written to and tables made in Floodmark's own database only."""

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Floodmark's own database, whatever the row was read from."""
        return OWN

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """False for the source."""
        return db == OWN

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        """The server checks keys; rows of two databases are never joined."""
        return True
