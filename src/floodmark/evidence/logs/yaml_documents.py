"""The little of YAML that `gcloud logging read` and `kubectl get -o yaml` print: nested names with text, quoted or in blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from floodmark.evidence.readers import Line

MAX_DOCUMENT_LINES = 5_000

_PAIR = re.compile(r"( *)(?:- )?([\w./@-]+|'[^']*'|\"[^\"]*\"):(?: (.*))?\Z")
_BLOCK = re.compile(r"[|>][-+]?\d?\Z")


def documents_in(lines: Iterable[Line]) -> Iterator[tuple[int, int, dict[str, str]]]:
    """(first line, bytes, dotted name -> text) of each document; they are divided by `---`."""
    held: list[str] = []
    first, size = 1, 0
    for number, data in lines:
        if data.rstrip() == b"---":
            if held:
                yield first, size, values_of(held)
            held, first, size = [], number + 1, 0
        elif len(held) < MAX_DOCUMENT_LINES:
            held.append(data.decode("utf-8", "backslashreplace"))
            size += len(data) + 1
    if any(line.strip() for line in held):
        yield first, size, values_of(held)


def items_in(lines: Iterable[Line]) -> Iterator[tuple[int, int, dict[str, str]]]:
    """The same of the members of a list `items:`, and of documents without one."""
    part = _Part(1)
    for number, data in lines:
        text = data.decode("utf-8", "backslashreplace")
        begins = part.member_begins(text)
        if begins or part.ends(text):
            if part.is_whole(text):
                yield part.first, part.size, values_of(part.lines)
            part = _Part(number, _indent(text) if begins else NO_LIST)
            text = text.replace("- ", "  ", 1) if begins else text
        part.add(text, len(data) + 1)
    if any(line.strip() for line in part.lines):
        yield part.first, part.size, values_of(part.lines)


NO_LIST = -1


@dataclass(slots=True)
class _Part:
    """One member or document while it is read; `dash` is how far its dash is from the left, NO_LIST outside a list."""

    first: int
    dash: int = NO_LIST
    size: int = 0
    lines: list[str] = field(default_factory=list)

    def member_begins(self, text: str) -> bool:
        """The dash of the next member, or of the first one below `items:`."""
        is_first = self.dash == NO_LIST and bool(self.lines) and self.lines[-1].strip() == "items:"
        return text.lstrip().startswith("- ") and (is_first or _indent(text) == self.dash)

    def ends(self, text: str) -> bool:
        """A divider, or something that stands as far left as the list."""
        return text.rstrip() == "---" or (self.dash != NO_LIST and bool(text.strip()) and _indent(text) <= self.dash)

    def is_whole(self, text: str) -> bool:
        """Whether this was a member or a document, not what stands before a list."""
        return bool(self.lines) and (self.dash != NO_LIST or text.rstrip() == "---")

    def add(self, text: str, size: int) -> None:
        """One more line, as far as there is room."""
        if text.rstrip() != "---" and len(self.lines) < MAX_DOCUMENT_LINES:
            self.lines.append(text)
            self.size += size


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def nested(found: Mapping[str, str]) -> dict[str, Any]:
    """Dotted names as objects in objects; what is null is left out."""
    whole: dict[str, Any] = {}
    for name, text in found.items():
        if text in ("null", "~", "{}", "[]"):
            continue
        *parents, last = name.split(".")
        place = whole
        for parent in parents:
            below = place.setdefault(parent, {})
            place = below if isinstance(below, dict) else {}
        place[last] = text
    return whole


def values_of(lines: list[str]) -> dict[str, str]:
    """Dotted name -> text of one document. What is no pair of a name and a text goes on with the text before it."""
    document = _Document()
    for line in lines:
        document.take(line)
    return {name: unquoted(text) for name, text in document.found.items()}


@dataclass(slots=True)
class _Document:
    """What is known of a document so far. `path` is where its last line stands; `joint` joins the lines of a block."""

    found: dict[str, str] = field(default_factory=dict)
    path: list[tuple[int, str]] = field(default_factory=list)
    latest: str = ""
    joint: str | None = None

    def take(self, line: str) -> None:
        """One more line: a pair, or more of the text before it."""
        if self.joint is not None and (not line.strip() or _indent(line) > self.path[-1][0]):
            self.found[self.latest] += (self.joint if self.found[self.latest] else "") + line.strip()
            return
        self.joint = None
        match = _PAIR.match(line)
        if match and not _open(self.found.get(self.latest, "")):
            self._pair(_indent(line), match[2].strip("'\""), match[3] or "")
        elif self.latest in self.found:
            self.found[self.latest] += " " + line.strip()

    def _pair(self, indent: int, name: str, text: str) -> None:
        while self.path and self.path[-1][0] >= indent:
            self.path.pop()
        self.path.append((indent, name))
        self.latest = ".".join(name for _, name in self.path)
        if _BLOCK.match(text):
            self.found[self.latest], self.joint = "", "\n" if text[0] == "|" else " "
        elif text:
            self.found[self.latest] = text


def _open(text: str) -> bool:
    """Whether a text in quotes goes on in the next line."""
    if text.startswith("'"):
        return not text[1:].replace("''", "").endswith("'")
    return text.startswith('"') and not re.sub(r"\\.", "", text[1:]).endswith('"')


def unquoted(text: str) -> str:
    """A scalar without its quotes."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return text
