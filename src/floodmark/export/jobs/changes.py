"""Have rows changed? Without reading them: by the transaction that wrote each row last.

PostgreSQL keeps in every row the number of the transaction that wrote it (`xmin`). A dataset's fingerprint is, for each
table that the file is made of, the count of its rows and the sum of a hash of (id, xmin): any insert, update or delete
changes it. RSR itself stamps only four of these tables with a time, so stamps would miss most changes.

What it does not see, and the regular rebuild (setting `rebuild_hours`) catches: a change in a project outside the
dataset that is named as a related activity, and in settings that shape the files. What it sees needlessly: a write that
changes nothing that is exported, and a restored dump. Equal content keeps its bytes, so that costs one build.

`activity_stamp` is the cheap question before it: the server's own counters of rows written in all these tables, one
query. A standby does not count, there every fingerprint is taken.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connections
from django.db.models import ForeignKey, Model

from floodmark.export import catalogue
from floodmark.export.datasets import Dataset
from floodmark.export.models import Organisation, Project
from floodmark.export.source import alias

_NEWEST_EXPORT = catalogue.EXPORT_OF.replace("%s", "%(organisation)s")
_PROJECTS = f"SELECT project_id FROM rsr_iatiexport_projects WHERE iatiexport_id = ({_NEWEST_EXPORT})"  # noqa: S608
_LABELS = ("rsr_budgetitemlabel", "rsr_projecteditorvalidationset")
"""Small tables that all projects share."""

_HASH = "sum(hashint8extended(t0.{key}::bigint, t0.xmin::text::bigint))"


@dataclass(frozen=True, slots=True)
class Hanging:
    """A table whose rows hang on a root's: by `column` on the rows of `above`, None for the root's own table."""

    model: type[Model]
    column: str = ""
    above: Hanging | None = None

    @property
    def table(self) -> str:
        """The table's name."""
        return self.model._meta.db_table

    @property
    def key(self) -> str:
        """The column of its primary key."""
        column: str = self.model._meta.pk.column  # type: ignore[assignment]  # a primary key has one
        return column

    @property
    def organisations(self) -> list[str]:
        """Its columns that name organisations, whose rows are published too."""
        keys: Iterable[Any] = self.model._meta.concrete_fields
        named = [
            field.column for field in keys if isinstance(field, ForeignKey) and field.related_model is Organisation
        ]
        return ["original_id"] if self.model is Organisation else named

    def owned(self, roots: str, depth: int = 0) -> str:
        """The SQL condition for `t<depth>` to hang on one of the root ids that the query `roots` gives."""
        if self.above is None:
            return f"t{depth}.{self.key} IN ({roots})"
        if self.above.above is None:
            return f"t{depth}.{self.column} IN ({roots})"
        above, inner = self.above, f"t{depth + 1}"
        rows = f"SELECT {inner}.{above.key} FROM {above.table} {inner} WHERE {above.owned(roots, depth + 1)}"  # noqa: S608
        return f"t{depth}.{self.column} IN ({rows})"


def fingerprint(dataset: Dataset) -> str:
    """Of all rows that the dataset is made of, as hexadecimal digits."""
    with connections[alias()].cursor() as cursor:
        cursor.execute(_question(dataset.kind), {"organisation": dataset.organisation_id})
        # UNION ALL promises no order.
        rows = sorted(map(str, cursor.fetchall()))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def activity_stamp() -> str | None:
    """Of the server's counters of rows written; None on a standby, which keeps none."""
    names = sorted({each.table for root in (Project, Organisation) for each in _hanging(root)})
    with connections[alias()].cursor() as cursor:
        # With the start of the server: after a crash it counts from 0 again, and might come by the same figures.
        cursor.execute("SELECT pg_is_in_recovery(), pg_postmaster_start_time()::text, current_database()")
        standby, *server = cursor.fetchone()
        if standby:
            return None
        cursor.execute(
            "SELECT relid, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables"
            " WHERE relname = ANY(%s) OR relname LIKE 'rsr\\_iatiexport%%' ORDER BY relid",
            [names],
        )
        return hashlib.sha256(repr((server, cursor.fetchall())).encode()).hexdigest()


@cache
def _question(kind: str) -> str:
    """One statement for all tables: name, count, sum."""
    root, roots = (Project, _PROJECTS) if kind == "activities" else (Organisation, "SELECT %(organisation)s::int")
    found = _hanging(root)
    parts = [
        f"SELECT '{each.table}', count(*), {_HASH.format(key=each.key)} FROM {each.table} t0 WHERE {each.owned(roots)}"  # noqa: S608
        for each in found
    ]
    named = " UNION ".join(
        f"SELECT t0.{column} FROM {each.table} t0 WHERE {each.owned(roots)}"  # noqa: S608
        for each in found
        for column in each.organisations
    )
    parts.append(
        f"SELECT 'named', count(*), {_HASH.format(key='id')} FROM rsr_organisation t0 WHERE id IN (SELECT * FROM named)"  # noqa: S608
        " OR id IN (SELECT original_id FROM rsr_organisation WHERE id IN (SELECT * FROM named))"
    )
    if kind == "activities":
        parts += [
            f"SELECT '{table}', count(*), {_HASH.format(key='id')} FROM {table} t0"  # noqa: S608
            for table in _LABELS
        ]
        members = f"rsr_iatiexport_projects t0 WHERE iatiexport_id = ({_NEWEST_EXPORT})"
        parts.append(f"SELECT 'projects', count(*), sum(hashint8extended(project_id, 0)) FROM {members}")  # noqa: S608
    return f"WITH named AS ({named}) " + " UNION ALL ".join(parts)


@cache
def _hanging(root: type[Model]) -> tuple[Hanging, ...]:
    """The root's table and all that hang on it, found by following foreign keys towards it."""
    found = {root: Hanging(root)}
    queue = deque([root])
    while queue:
        above = queue.popleft()
        for model, column in _pointing_at(above, root):
            if model not in found:
                found[model] = Hanging(model, column, found[above])
                queue.append(model)
    return tuple(found.values())


def _pointing_at(above: type[Model], root: type[Model]) -> Iterator[tuple[type[Model], str]]:
    for relation in above._meta.get_fields(include_hidden=True):
        field: Any = getattr(relation, "remote_field", None)
        if relation.auto_created and not relation.concrete and isinstance(field, ForeignKey):
            model: type[Model] = field.model
            if _belongs(model, root):
                yield model, field.column


def _belongs(model: type[Model], root: type[Model]) -> bool:
    """Organisations have many projects' rows pointing at them; those are not the organisation's own."""
    table = model._meta.db_table
    if root is Organisation:
        return table.startswith("rsr_organisation") and model is not Organisation
    return not table.startswith(("rsr_organisation", "rsr_iati")) and model is not Project
