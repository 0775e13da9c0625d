# ruff: noqa: S608 - see the last sentence of the docstring
"""A table as the export reads it: which columns, in which order, and the three statements that follow from that.

A row is a NamedTuple whose fields say in their annotation where the value comes from:

    class Sector(NamedTuple):
        id: int
        parent: Annotated[int, "t.project_id"]
        sector_code: str                # t.sector_code
        percentage: NonZero             # NULLIF(t.percentage, 0)::text

`id` and `parent` always stand first. Numbers and dates come as PostgreSQL's text: that is how they are published, and
it reads what Python's types cannot hold (infinity, NaN, the year 12000).

The statements are made of the words of the table classes only; values always go as parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, get_type_hints

Iso = Annotated[str | None, "t.{}::text", "date"]
"""A date as `2025-08-27`; pages are read with datestyle ISO."""
Number = Annotated[str | None, "t.{}::text", "number"]
"""A numeric with all its digits."""
NonZero = Annotated[str | None, "NULLIF(t.{}, 0)::text"]
"""A numeric; NULL for 0, which RSR does not publish there."""
Stamp = Annotated[str | None, """to_char(t.{} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')"""]
"""A time stamp as RSR writes it: UTC, whole seconds."""


class Row(NamedTuple):
    """What every row has."""

    id: int
    parent: int


R = TypeVar("R", bound=tuple[Any, ...])


@dataclass(frozen=True)
class Table(Generic[R]):
    """One table (or join) whose rows hang on parents.

    `source` is the FROM clause with the table itself as `t`. `order` are expressions that are never NULL and sort
    ascending, so that keyset pages can compare them; `t.id` always comes last and makes the order total.
    """

    row: type[R]
    name: str
    """RSR's table, for the build report."""
    order: tuple[str, ...] = ()
    joins: str = ""
    where: str = "true"
    key: str = "t.id"
    first_chars: int = 0
    """Length of the text of a row to reckon with before any was seen, where a column may hold any length."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Expressions for fields that come from elsewhere than their annotation says: one row class, several tables."""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """An SQL expression for each field of the row."""
        hints = get_type_hints(self.row, include_extras=True)
        fields: tuple[str, ...] = self.row._fields  # type: ignore[attr-defined]
        return tuple(self.values.get(name) or _column(name, hints[name]) for name in fields)

    @property
    def parent(self) -> str:
        """The expression that says which parent a row hangs on."""
        return self.columns[1]

    @property
    def source(self) -> str:
        """The FROM clause without the parents."""
        return f"{self.name} t {self.joins}"

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The order within a parent, total."""
        return (*self.order, self.key)

    @cached_property
    def first(self) -> str:
        """The first rows of some parents, in the order of the parents. Parameters: parents, limit."""
        return (
            f"SELECT {', '.join(self.columns)} FROM {self.source} {self._parents} WHERE {self._belongs}"
            f" ORDER BY {self._sorted} LIMIT %s"
        )

    @cached_property
    def rest(self) -> str:
        """Ids after the first rows, read in the same snapshot. Parameters: parents, limit, offset."""
        return (
            f"SELECT wanted.n, {self.key}, {self._texts} FROM {self.source} {self._parents}"
            f" WHERE {self._belongs} ORDER BY {self._sorted} LIMIT %s OFFSET %s"
        )

    @cached_property
    def after(self) -> str:
        """Ids after a key. Parameters: parents (from that key's parent on), the keys, limit."""
        marks = ", ".join(["%s"] * len(self.keys))
        return (
            f"SELECT wanted.n, {self.key}, {self._texts} FROM {self.source} {self._parents}"
            f" WHERE {self._belongs} AND (wanted.n > 1 OR ({', '.join(self.keys)}) > ({marks}))"
            f" ORDER BY {self._sorted} LIMIT %s"
        )

    @cached_property
    def by_id(self) -> str:
        """Rows by their ids, in the order of the ids. Parameter: ids."""
        return (
            f"SELECT {', '.join(self.columns)} FROM {self.source}"
            f" JOIN unnest(%s::bigint[]) WITH ORDINALITY wanted (id, n) ON {self.key} = wanted.id"
            f" WHERE {self.where} ORDER BY wanted.n"
        )

    @property
    def _parents(self) -> str:
        return f"JOIN unnest(%s::bigint[]) WITH ORDINALITY wanted (id, n) ON {self.parent} = wanted.id"

    @property
    def _belongs(self) -> str:
        return self.where

    @property
    def _texts(self) -> str:
        # Keys come and go as text, which the server turns back: a date may be infinite, a numeric NaN.
        return ", ".join(f"({key})::text" for key in self.keys)

    @property
    def _sorted(self) -> str:
        return ", ".join(("wanted.n", *self.keys))


def _column(name: str, hint: Any) -> str:
    template: str = getattr(hint, "__metadata__", ("t.{}",))[0]
    return template.replace("{}", name)
