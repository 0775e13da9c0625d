"""IATI files as a stream of steps, bounded by element: an activity of 80 MB is never in memory as a whole.

Refused with one line each: what is not well-formed, any DOCTYPE (and so every entity), a root that is not IATI's, a
version that is not 2.01 to 2.03, texts above libxml2's 10 MB. What stood before the place of a mistake is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from lxml import etree

from floodmark.errors import InputError

VERSIONS = ("2.01", "2.02", "2.03")
ROOTS = {"iati-activities": "iati-activity", "iati-organisations": "iati-organisation"}
ROOT_ATTRIBUTES = ("version", "generated-datetime")
"""What a file's root says that the export writes anew."""
READ_BYTES = 1 << 16
UNIT_MAX_MB = 20.0
"""One transaction, one period, one description: a bound, far above anything real."""

LARGE = ("result", "result/indicator")
"""Elements that are read piece by piece, as they may hold a hundred thousand others."""

# Atomic throughout: no prolog may cost more than one pass.
_PROLOG = re.compile(r"(?:\s++|(?><\?.*?\?>)|(?><!--.*?-->))*+<!DOCTYPE", re.DOTALL)
_ENCODINGS = {
    b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16",
    b"<\0": "utf-16-le", b"\0<": "utf-16-be", b"\xef\xbb\xbf": "utf-8-sig",
}  # fmt: skip
"""By the first bytes, the longer ones first."""


class Item(NamedTuple):
    """One step through a file: an activity or organisation begins, one piece of it is complete, it ends.

    `path` is the piece's place below the item (`transaction`, `result/indicator/period`); for `begin` and `end` of a
    large element its own. The element may be read until the next step, then it is emptied. `text` stands where none
    may be; `stranger` is an element beside the items; `too-large` is a piece above the bound: after it only the end of its
    item comes.
    """

    what: Literal["item-begin", "item-end", "begin", "end", "piece", "text", "stranger", "root-attribute", "too-large"]
    path: str
    element: Any
    text: str = ""


def steps(path: Path, *, unit_max_mb: float = UNIT_MAX_MB) -> Iterator[Item]:
    """Every step through one file. Raises InputError with file and line where it cannot be read on."""
    try:
        with path.open("rb") as file:
            yield from _Reader(path, file, int(unit_max_mb * 10**6)).steps()
    except etree.XMLSyntaxError as error:
        problem = str(error.msg or error).split(", line ")[0].strip()
        raise InputError(f"not well-formed XML: {problem}", path, error.lineno or None) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path) from None


class _Reader:
    """Where one file is being read: the open elements' names, and the piece that is gathering."""

    def __init__(self, path: Path, file: Any, unit_max_bytes: int) -> None:
        self.path, self.file, self.unit_max_bytes = path, file, unit_max_bytes
        self.place: list[str] = []
        self.item_name = ""
        self.piece_depth = 0
        """How deep the piece stands that is gathering; 0 between pieces."""
        self.bytes_read = self.piece_began = 0
        self.is_skipping = False
        self.parser = etree.XMLPullParser(
            events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
            remove_comments=True, remove_pis=True,
        )  # fmt: skip

    def steps(self) -> Iterator[Item]:
        """The steps; what was complete before a mistake comes before the error is raised."""
        error: etree.XMLSyntaxError | None = None
        while error is None:
            data = self.file.read(READ_BYTES)
            if not self.bytes_read:
                _refuse_doctype(self.path, data)
            self.bytes_read += len(data)
            try:
                if data:
                    self.parser.feed(data)
                else:
                    self.parser.close()
            except etree.XMLSyntaxError as caught:
                error = caught
            event: str
            for event, element in self.parser.read_events():
                yield from self._started(element) if event == "start" else self._ended(element)
            if not data:
                break
        if error is not None:
            raise error

    def _started(self, element: Any) -> Iterator[Item]:
        depth = len(self.place)
        self.place.append(str(element.tag))
        if depth == 0:
            yield from self._root(element)
        elif depth == 1:
            self.piece_depth, self.piece_began = 0, self.bytes_read
            if element.tag == self.item_name:
                yield Item("item-begin", "", element)
            else:
                self.is_skipping = True
        elif not self.piece_depth and not self.is_skipping:
            below = "/".join(self.place[2:])
            if below in LARGE:
                yield Item("begin", below, element)
            else:
                self.piece_depth, self.piece_began = depth + 1, self.bytes_read
        if self.piece_depth and self.bytes_read - self.piece_began > self.unit_max_bytes:
            yield Item("too-large", "/".join(self.place[2 : self.piece_depth]), element)
            self.piece_depth, self.is_skipping = 0, True

    def _ended(self, element: Any) -> Iterator[Item]:
        depth, below = len(self.place), "/".join(self.place[2:])
        self.place.pop()
        if self.is_skipping:
            if depth == 2:
                self.is_skipping = False
                yield Item("item-end" if element.tag == self.item_name else "stranger", str(element.tag), element)
        elif self.piece_depth:
            if depth != self.piece_depth:
                return
            self.piece_depth = 0
            yield from _stray(element, "/".join(self.place[2:]) or self.item_name)
            yield Item("piece", below, element)
        elif depth >= 2:
            if depth == 2:
                yield from _stray(element, self.place[0])
            yield from _stray_inside(element, below or self.item_name)
            yield Item("item-end" if depth == 2 else "end", below, element)
        if depth >= 2:
            _empty(element)

    def _root(self, root: Any) -> Iterator[Item]:
        path, line = self.path, root.sourceline
        if root.getroottree().docinfo.doctype:
            raise InputError("has a DOCTYPE, which IATI files have not: remove it", path, line)
        if root.tag not in ROOTS:
            raise InputError(f"begins with <{root.tag}>, not with {' or '.join(ROOTS)}: not an IATI file", path, line)
        version = root.get("version", "")
        if version not in VERSIONS:
            raise InputError(f"says version {version!r}; {VERSIONS[0]} to {VERSIONS[-1]} can be read", path, line)
        self.item_name = ROOTS[str(root.tag)]
        for name, value in root.attrib.items():
            if name not in ROOT_ATTRIBUTES:
                yield Item("root-attribute", f"{root.tag}/@{name}", root, str(value))


def _refuse_doctype(path: Path, head: bytes) -> None:
    """Before the parser sees any of it: what a DOCTYPE defines is never even read."""
    encoding = next((name for mark, name in _ENCODINGS.items() if head.startswith(mark)), "latin-1")
    text = head.decode(encoding, errors="replace")
    if not text.strip():
        raise InputError("is empty", path)
    found = _PROLOG.match(text)
    if found:
        line = text.count("\n", 0, found.end()) + 1
        raise InputError("has a DOCTYPE, which IATI files have not: remove it; entities are never expanded", path, line)


def _stray(element: Any, around: str) -> Iterator[Item]:
    """Text between this piece and the one before, where no IATI element has any."""
    before = element.getprevious()
    text = (before.tail if before is not None else element.getparent().text) or ""
    if text.strip():
        yield Item("text", around, element, text.strip())


def _stray_inside(element: Any, below: str) -> Iterator[Item]:
    """The same, after the last piece of an element (or in one without any)."""
    text = (element[-1].tail if len(element) else element.text) or ""
    if text.strip():
        yield Item("text", below, element, text.strip())


def _empty(element: Any) -> None:
    """Let go of an element that was read, and of those before it: lxml keeps the tree that it builds."""
    element.clear(keep_tail=True)  # the tail goes with the element, after the next one has looked at it
    parent = element.getparent()
    if parent is not None:
        parent.text = None
        while element.getprevious() is not None:
            del parent[0]
