"""IATI files as facts, for comparing what went in with what came out: where, which value, and on which line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
AKVO = "{http://akvo.org/iati-activities}"
IDENTIFIERS = ("iati-identifier", "organisation-identifier")
NUMBERS = {
    "@percentage", "value", "forecast", "@rate-1", "@rate-2", "@level", "@year", "@phaseout-year",
    "interest-received", "principal-outstanding", "principal-arrears", "interest-arrears", "@hierarchy",
}  # fmt: skip
FLAGS = {"@humanitarian", "@secondary-reporter", "@attached", "@ascending", "@aggregation-status", "@priority"}

WRITTEN_ANYWAY = {
    ("activity-date/@type", "1"), ("activity-date/narrative/@xml:lang", "en"), ("activity-status/@code", "1"),
}  # fmt: skip
"""What an export puts in where there is nothing, so that it comes out although it was lost."""

Key = tuple[str, str]
"""(path below the item, value)"""


@dataclass(frozen=True)
class Fact:
    """An attribute or a text; `places` are (path, line) of it and of everything around it."""

    path: str
    value: str
    places: frozenset[tuple[str, int]]

    @property
    def key(self) -> Key:
        return self.path, self.value


def items(data: bytes) -> Iterator[Any]:
    """The activities or organisations of a file."""
    root = etree.fromstring(data, etree.XMLParser(huge_tree=True, remove_comments=True, remove_pis=True))
    yield from root.iterchildren("iati-activity", "iati-organisation")


def identifier(item: Any) -> str:
    return next((_text(one).strip() for one in item.iterchildren(*IDENTIFIERS)), "")


def _text(element: Any) -> str:
    return (element.text or "") + "".join(child.tail or "" for child in element)


def facts(item: Any) -> list[Fact]:
    """All facts of an item."""
    language = item.get(XML_LANG, "")
    found = list(_attributes(item, item.tag, frozenset(), language))
    for child in item.iterchildren(tag="*"):
        found += _facts(child, child.tag, frozenset(), language)
    return found


def piece_facts(item: Any) -> list[tuple[Any, list[Fact]]]:
    """The facts of an item, apart for each of its children."""
    language = item.get(XML_LANG, "")
    return [(child, list(_facts(child, child.tag, frozenset(), language))) for child in item.iterchildren(tag="*")]


def _facts(element: Any, path: str, around: frozenset[tuple[str, int]], language: str) -> Iterator[Fact]:
    places = around | {(path, element.sourceline)}
    yield from _attributes(element, path, places, language)
    text = _text(element)
    if text.strip():
        yield Fact(path, _normal(path.rpartition("/")[2], text), places)
    for child in element.iterchildren(tag="*"):
        yield from _facts(child, f"{path}/{child.tag}", places, language)


def _attributes(element: Any, path: str, around: frozenset[tuple[str, int]], language: str) -> Iterator[Fact]:
    for name, value in element.attrib.items():
        if not value or (name == XML_LANG and value == language and element.tag == "narrative"):
            continue  # says nothing, or what holds without it
        written = "@xml:lang" if name == XML_LANG else "@" + name.replace(AKVO, "akvo:")
        yield Fact(f"{path}/{written}", _normal(written, value), around | {(f"{path}/{written}", element.sourceline)})


def _normal(name: str, value: str) -> str:
    """The same figure however it is written."""
    if name in FLAGS:
        return {"true": "1", "false": "0"}.get(value.strip(), value.strip())
    if name == "pos":
        return " ".join(_plain(word) for word in value.split())
    if name == "@last-updated-datetime":
        return value.replace("Z", "+00:00")
    return _plain(value) if name in NUMBERS else value


def _plain(text: str) -> str:
    try:
        return format(Decimal(text.strip()).normalize(), "f")
    except InvalidOperation:
        return text


def count(found: Iterable[Fact]) -> Counter[Key]:
    return Counter(fact.key for fact in found)


@dataclass(frozen=True)
class Lost:
    """A line of the import's report."""

    element: str
    line: int
    done: str

    def covers(self, fact: Fact) -> bool:
        return (self.element, self.line) in fact.places


def silent(before: list[Fact], after: list[Fact], losses: list[Lost]) -> list[str]:
    """Facts of `before` that are neither in `after` nor covered by a loss."""
    missing = count(before) - count(after)
    covered = Counter(fact.key for fact in before if any(loss.covers(fact) for loss in losses))
    return [
        f"{path} = {value!r} (x{number})" for (path, value), number in missing.items() if covered[path, value] < number
    ]


def false(before: list[Fact], after: list[Fact], losses: list[Lost]) -> list[str]:
    """Losses that cover facts of `before`, all of which came out."""
    missing = count(before) - count(after)
    wrong = []
    for loss in losses:
        covered = [fact for fact in before if loss.covers(fact) and fact.key not in WRITTEN_ANYWAY]
        if loss.done.startswith("the name it is known by"):
            continue  # of two names that swapped their places neither is missing
        if covered and not any(fact.key in missing for fact in covered):
            wrong.append(f"{loss.element}:{loss.line} ({loss.done}), yet {covered[0].key} came out")
    return wrong


def torn(before: Any, after: Any, losses: list[Lost]) -> list[str]:
    """Children of the item `before` with all they hold and no loss, of which no child of `after` holds all."""
    places = {(loss.element, loss.line) for loss in losses}
    came: dict[str, list[Counter[Key]]] = {}
    for child, found in piece_facts(after):
        came.setdefault(child.tag, []).append(count(found))
    wrong = []
    for child, found in piece_facts(before):
        if any(place in places for fact in found for place in fact.places):
            continue
        wanted = count(found)
        if wanted and not any(
            all(one[key] >= number for key, number in wanted.items()) for one in came.get(child.tag, [])
        ):
            wrong.append(f"{child.tag}:{child.sourceline} did not come out in one piece")
    return wrong


def invented(before: list[Fact], after: list[Fact]) -> Counter[Key]:
    """Facts that nobody put in."""
    return count(after) - count(before)
