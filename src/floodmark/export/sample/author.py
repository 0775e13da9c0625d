"""The author of one project's rows: what it knows, and how it adds a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from floodmark.export.sample.loader import Loader
from floodmark.export.sample.plan import Draw


@dataclass(frozen=True)
class Cast:
    """Ids of the rows that projects share."""

    partners: tuple[int, ...]
    countries: dict[str, int]
    """ISO code -> id."""
    labels: tuple[int, ...]
    keywords: tuple[int, ...]
    categories: tuple[int, ...]
    validation_sets: dict[str, int]
    """Name -> id."""


@dataclass(frozen=True)
class Reporter:
    """An organisation that publishes."""

    id: int
    identifier: str
    name: str


@dataclass(frozen=True)
class Author:
    """Writes the rows of one project. `number` counts the projects of all organisations from 1; it is the id."""

    load: Loader
    draw: Draw
    cast: Cast
    reporter: Reporter
    number: int
    currency: str
    without: frozenset[str] = frozenset()
    """Parts that a flaw of this project leaves out."""

    def add(self, model: type[Model], **values: Any) -> int:
        """A row of this project; returns its id."""
        return self.load.add(model, project_id=self.number, **values)

    def partner(self) -> int:
        """One of the partners' ids."""
        return self.draw.random.choice(self.cast.partners)

    def amount(self) -> dict[str, Any]:
        """Value, currency and value date."""
        return {"value": self.draw.money(), "currency": self.currency, "value_date": self.draw.day()}
