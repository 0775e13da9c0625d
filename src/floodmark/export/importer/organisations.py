"""Organisations that files speak of: found by their IATI identifier, else by name, else made."""

from __future__ import annotations

from typing import Any

from floodmark.export.importer.fitting import Fitting
from floodmark.export.importer.losses import Reporter
from floodmark.export.importer.nodes import Node, narrative
from floodmark.export.importer.rows import Row, Rows
from floodmark.export.models import Organisation

NAME_CHARACTERS, LONG_NAME_CHARACTERS = 40, 100
UNKNOWN_TYPE = 22
"""RSR's own default of `new_organisation_type`; IATI's OrganisationType has no 22, so it is only written if given."""

Known = tuple[int, str, int]
"""(id, name that is exported, type)."""


class Organisations:
    """The organisations of a database, looked up as they are met; what a failed transaction made is forgotten."""

    def __init__(self, alias: str, rows: Rows) -> None:
        self.alias, self.rows = alias, rows
        self._known: dict[tuple[str, str], Known] = {}
        self._fresh: list[tuple[str, str]] = []

    def of(self, node: Node, reporter: Reporter, language: str, ref: str | None = None) -> int | None:
        """The id of the organisation an element names by ref, type and narrative; None where it names none."""
        if ref is None:
            ref = node.attribute("ref").strip()
        kind, name = node.attribute("type").strip(), narrative(node, language)
        if not ref and not name.strip():
            return None
        ref = self._fitting_ref(ref, node, reporter)
        key = ("ref", ref) if ref else ("name", name[:LONG_NAME_CHARACTERS])
        known = self._known.get(key) or self._find(ref, name)
        if known is None:
            known = self._make(ref, kind, name, node, reporter)
            self._fresh.append(key)
        self._known[key] = known
        self._compare(known, ref, kind, name, node, reporter)
        return known[0]

    def by_identifier(self, ref: str) -> int | None:
        """The id of the organisation with that IATI identifier."""
        known = self._known.get(("ref", ref)) or self._find(ref, "")
        return known[0] if known else None

    def settled(self) -> None:
        """The transaction is in: what it made stays known."""
        self._fresh.clear()

    def failed(self) -> None:
        """The transaction is gone, and with it what it made."""
        for key in self._fresh:
            self._known.pop(key, None)
        self._fresh.clear()

    def _fitting_ref(self, ref: str, node: Node, reporter: Reporter) -> str:
        fitted: str = Fitting(reporter).fit(_field("iati_org_id"), ref, f"{node.path}/@ref", node.line)
        return fitted

    def _find(self, ref: str, name: str) -> Known | None:
        found = Organisation.objects.using(self.alias)
        wanted = found.filter(iati_org_id=ref) if ref else found.filter(long_name=name[:LONG_NAME_CHARACTERS])
        row = wanted.values_list("id", "name", "long_name", "new_organisation_type").first()
        return (row[0], row[2] or row[1], row[3]) if row else None

    def _make(self, ref: str, kind: str, name: str, node: Node, reporter: Reporter) -> Known:
        row = Row(Organisation, Fitting(reporter), iati_org_id=ref or None, language="", currency="")
        row.values["new_organisation_type"] = int(kind) if kind.isascii() and kind.isdigit() else UNKNOWN_TYPE
        whole = name or ref
        row.values["long_name"] = self._free("long_name", whole, LONG_NAME_CHARACTERS)
        row.values["name"] = self._free("name", whole, NAME_CHARACTERS)
        number = self.rows.add(Organisation, row.values)
        # The name has to be seen by the next search for a free one.
        self.rows.flush()
        return number, str(row.values["long_name"]), int(row.values["new_organisation_type"])

    def _free(self, column: str, name: str, limit: int) -> str:
        """The name, cut, and with a number behind it where another organisation has it: RSR's names are unique."""
        found = Organisation.objects.using(self.alias)
        for number in range(1, 100_000):
            behind = f" ({number})" if number > 1 else ""
            candidate = name[: limit - len(behind)] + behind
            if not found.filter(**{column: candidate}).exists():
                return candidate
        raise AssertionError("a hundred thousand organisations of one name")

    def _compare(self, known: Known, ref: str, kind: str, name: str, node: Node, reporter: Reporter) -> None:
        """An organisation has one name and one type in these tables; a file may give it others elsewhere."""
        if name and name != known[1]:
            reporter.lost(
                f"{node.path}/narrative", node.line, f"known by the name {known[1]!r}", "that name kept", name
            )
        if kind and kind != str(known[2]):
            reporter.lost(f"{node.path}/@type", node.line, f"known by the type {known[2]}", "that type kept", kind)


def _field(name: str) -> Any:
    return Organisation._meta.get_field(name)
