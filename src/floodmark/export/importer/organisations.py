"""Organisations that files speak of: found by their IATI identifier, else by name, else made."""

from __future__ import annotations

from typing import Any, NamedTuple

from floodmark.export.importer.fitting import Fitting
from floodmark.export.importer.losses import Reporter
from floodmark.export.importer.nodes import Node, narrative_of
from floodmark.export.importer.rows import Row, Rows
from floodmark.export.models import Organisation

NAME_CHARACTERS, LONG_NAME_CHARACTERS = 40, 100
UNKNOWN_TYPE = 0
"""Written by the export as no type. RSR's own default, 22, is no code of IATI's."""
MAX_KNOWN = 50_000
"""Organisations that are remembered between look-ups, about 20 MB."""

Key = tuple[str, str]


class Known(NamedTuple):
    """An organisation: its id, the name under which it is exported, its type and its IATI identifier."""

    id: int
    name: str
    type: int
    ref: str


class Organisations:
    """The organisations of a database, looked up as they are met; what a failed transaction made is forgotten."""

    def __init__(self, alias: str, rows: Rows, max_known: int = MAX_KNOWN) -> None:
        self.alias, self.rows, self.max_known = alias, rows, max_known
        self._known: dict[Key, Known] = {}
        self._fresh: list[Key] = []

    def of(self, node: Node, reporter: Reporter, language: str, ref: str | None = None) -> Known | None:
        """The organisation an element names by ref, type and narrative; None where it names none."""
        ref = self._fitting_ref(node, reporter) if ref is None else ref
        text = narrative_of(node, language)
        name, kind = text.text() if text else "", self._kind(node, reporter)
        if not ref and not name.strip():
            return None
        known = self._lookup(ref, name)
        if known is None:
            known = self._make(ref, kind, name, reporter)
            self._remember(ref, name, known, is_fresh=True)
        else:
            known = self._learn(known, ref, kind, name)
        if text is not None and name and name != known.name:
            done = f"the name it is known by is kept: {known.name}"
            reporter.lost(text.path, text.line, "an organisation has one name", done, name)
        if kind and kind != known.type:
            problem, done = "an organisation has one type", f"the type it is known by is kept: {known.type}"
            reporter.lost(f"{node.path}/@type", node.line, problem, done, str(kind))
        return known

    def find(self, node: Node, language: str) -> Known | None:
        """The organisation an element names, None where it is not known; nothing is taken of the element."""
        look = Node(node.element, node.path)
        text = narrative_of(look, language)
        return self._lookup(node.element.get("ref", "").strip(), text.text() if text else "")

    def by_identifier(self, ref: str) -> int | None:
        """The id of the organisation with that IATI identifier."""
        known = self._lookup(ref, "")
        return known.id if known else None

    def settled(self) -> None:
        """The transaction is in: what it made stays known."""
        self._fresh.clear()
        if len(self._known) > self.max_known:
            self._known.clear()

    def failed(self) -> None:
        """The transaction is gone, and with it what it made."""
        for key in self._fresh:
            self._known.pop(key, None)
        self._fresh.clear()

    def _fitting_ref(self, node: Node, reporter: Reporter) -> str:
        text = node.attribute("ref")
        ref = text.strip()
        if ref != text and ref:
            reporter.lost(f"{node.path}/@ref", node.line, "white space around it", "kept without it", text)
        fitted: str = Fitting(reporter).fit(_field("iati_org_id"), ref, f"{node.path}/@ref", node.line)
        return fitted

    def _kind(self, node: Node, reporter: Reporter) -> int:
        text = node.attribute("type").strip()
        if text.isascii() and text.isdigit() and len(text) < 9:
            return int(text)
        if text:
            reporter.lost(f"{node.path}/@type", node.line, "not a number", "left out", text)
        return UNKNOWN_TYPE

    def _lookup(self, ref: str, name: str) -> Known | None:
        if not ref and not name.strip():
            return None
        key = _key(ref, name)
        if key not in self._known:
            known = self._find(ref, name)
            if known is None:
                return None
            self._remember(ref, name, known, is_fresh=False)
        return self._known[key]

    def _remember(self, ref: str, name: str, known: Known, *, is_fresh: bool) -> None:
        key = _key(ref, name)
        self._known[key] = known
        if is_fresh:
            self._fresh.append(key)

    def _find(self, ref: str, name: str) -> Known | None:
        found = Organisation.objects.using(self.alias)
        wanted = found.filter(iati_org_id=ref) if ref else found.filter(long_name=name[:LONG_NAME_CHARACTERS])
        columns = ("id", "name", "long_name", "new_organisation_type", "iati_org_id")
        row = next(iter(wanted.values_list(*columns)[:1]), None)
        if row is None and ref and name.strip():
            # One that was met without an identifier so far.
            nameless = found.filter(long_name=name[:LONG_NAME_CHARACTERS], iati_org_id__isnull=True)
            row = next(iter(nameless.values_list(*columns)[:1]), None)
        return Known(row[0], row[2] or row[1], row[3], row[4] or "") if row else None

    def _learn(self, known: Known, ref: str, kind: int, name: str) -> Known:
        """What was not known of an organisation so far: its identifier, its type, a name that is not its identifier."""
        more: dict[str, Any] = {}
        if ref and not known.ref:
            more["iati_org_id"] = ref
        if kind and not known.type:
            more["new_organisation_type"] = kind
        if name.strip() and known.name == known.ref:
            more |= self._names(name, known.id)
        if not more:
            return known
        Organisation.objects.using(self.alias).filter(id=known.id).update(**more)
        learnt = Known(known.id, more.get("long_name", known.name), known.type or kind, known.ref or ref)
        self._remember(ref, name, learnt, is_fresh=True)
        # Under its other key it may be remembered as it was.
        for key in (("ref", known.ref), ("name", known.name)):
            self._known.pop(key, None) if key != _key(ref, name) else None
        return learnt

    def _make(self, ref: str, kind: int, name: str, reporter: Reporter) -> Known:
        number = self.rows.number(Organisation)
        row = Row(Organisation, Fitting(reporter), id=number, iati_org_id=ref or None, language="", currency="")
        row.values |= self._names(name if name.strip() else ref, number) | {"new_organisation_type": kind}
        self.rows.add(Organisation, row.values)
        # It has to be seen by the next search for a free name.
        self.rows.flush()
        return Known(number, str(row.values["long_name"]), kind, ref)

    def _names(self, name: str, number: int) -> dict[str, str]:
        """RSR's two names, cut, and with the id behind them where another organisation has them: they are unique."""
        # RSR demands both to be unique, and IATI files name different organisations alike.
        names, behind = {}, f" ({number})"
        for column, limit in (("long_name", LONG_NAME_CHARACTERS), ("name", NAME_CHARACTERS)):
            others = Organisation.objects.using(self.alias).filter(**{column: name[:limit]}).exclude(id=number)
            names[column] = name[: limit - len(behind)] + behind if others.exists() else name[:limit]
        return names


def _key(ref: str, name: str) -> Key:
    return ("ref", ref) if ref else ("name", name[:LONG_NAME_CHARACTERS])


def _field(name: str) -> Any:
    return Organisation._meta.get_field(name)
