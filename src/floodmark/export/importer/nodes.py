"""Elements that know what was taken from them: what was not is reported, so nothing drops in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
AKVO = "{http://akvo.org/iati-activities}"


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that was not taken: where it stands (`transaction/@ref`), its line and its text, cut."""

    element: str
    line: int | None
    text: str


@dataclass(slots=True, eq=False)
class Node:
    """One element while it is mapped to rows. `path` is its place below the activity or organisation."""

    element: Any
    path: str
    _attributes: set[str] = field(default_factory=set)
    _children: dict[int, Node] = field(default_factory=dict)
    _text_taken: bool = False

    @property
    def line(self) -> int | None:
        """The line of its start tag in the file."""
        line = self.element.sourceline
        return int(line) if line else None

    def attribute(self, name: str) -> str:
        """Take an attribute; "" where there is none."""
        self._attributes.add(name)
        return str(self.element.get(name, ""))

    def text(self) -> str:
        """Take the text, as it stands."""
        self._text_taken = True
        return self._own_text()

    def child(self, name: str) -> Node | None:
        """Take the first child of that name that was not taken yet."""
        return next(self.children(name), None)

    def children(self, name: str) -> Iterator[Node]:
        """Take the children of that name that were not taken yet, one after the other."""
        for element in self.element.iterchildren(name):
            if id(element) not in self._children:
                node = self._children[id(element)] = Node(element, f"{self.path}/{name}")
                yield node

    def value(self, name: str, attribute: str) -> str:
        """Take one attribute of the first child of that name: `value("period-start", "iso-date")`."""
        node = self.child(name)
        return node.attribute(attribute) if node else ""

    def give_back(self, node: Node) -> None:
        """A child that was taken and cannot be used: all of it is left over again."""
        self._children.pop(id(node.element), None)

    def leftovers(self) -> Iterator[Leftover]:
        """Everything in here that was not taken, in the order of the file."""
        yield from self.attributes_left()
        if not self._text_taken and (text := self._own_text().strip()):
            yield Leftover(self.path, self.line, text)
        for element in self.element.iterchildren(tag="*"):
            node = self._children.get(id(element))
            if node is not None:
                yield from node.leftovers()
            else:
                path = f"{self.path}/{written(element.tag)}"
                yield Leftover(path, element.sourceline, Node(element, path).whole())

    def attributes_left(self) -> Iterator[Leftover]:
        """The attributes that were not taken."""
        for name, value in self.element.attrib.items():
            if name not in self._attributes:
                yield Leftover(f"{self.path}/@{written(name)}", self.line, str(value))

    def whole(self) -> str:
        """All there is to read in it, on one line."""
        return " ".join("".join(self.element.itertext()).split()) or " ".join(self.element.attrib.values())

    def _own_text(self) -> str:
        return (self.element.text or "") + "".join(child.tail or "" for child in self.element)


def narrative_of(node: Node | None, language: str) -> Node | None:
    """Take the narrative of an element that the tables can hold: the one in `language`, else the first.

    One in another language keeps its text and leaves its `xml:lang`; further ones are left over whole.
    """
    if node is None:
        return None
    found = list(node.children("narrative"))
    chosen = next(
        (one for one in found if one.element.get(XML_LANG, language) == language), found[0] if found else None
    )
    for one in found:
        if one is not chosen:
            node.give_back(one)
    if chosen is not None and chosen.element.get(XML_LANG) == language:
        chosen.attribute(XML_LANG)
    return chosen


def narrative(node: Node | None, language: str) -> str:
    """Take the text of that narrative; "" where there is none."""
    chosen = narrative_of(node, language)
    return chosen.text() if chosen else ""


def written(name: Any) -> str:
    """A name as it is written in IATI's documents: `xml:lang`, `akvo:type`."""
    text = str(name)
    if text.startswith("{http://www.w3.org/XML/1998/namespace}"):
        return "xml:" + text.rpartition("}")[2]
    return text.replace(AKVO, "akvo:")
