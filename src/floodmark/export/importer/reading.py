"""IATI files as a stream of events, bounded by element: an activity of 80 MB is never in memory as a whole.

Refused with one line each: what is not well-formed, any DOCTYPE (and so every entity), a root that is not IATI's, a
version that is not 2.01 to 2.03, texts above libxml2's 10 MB. What stood before the place of a mistake is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from lxml import etree

from floodmark.errors import InputError

VERSIONS = ("2.01", "2.02", "2.03")
ROOTS = {"iati-activities": "iati-activity", "iati-organisations": "iati-organisation"}
HEAD_BYTES = 1 << 16
MAX_UNIT_ELEMENTS = 200_000
"""Elements of one unit (a transaction, a period, a description): a bound, far above anything real."""

LARGE = ("result", "result/indicator")
"""Elements that are read piece by piece, as they may hold a hundred thousand others."""


class Item(NamedTuple):
    """One step through a file: an activity or organisation begins, one piece of it is complete, it ends.

    `path` is the piece's place below the item (`transaction`, `result/indicator/period`); for `begin` and `end` of a
    large element its own. The element may be read until the next step, then it is emptied.
    """

    what: Literal["item-begin", "item-end", "begin", "end", "piece"]
    path: str
    element: Any


def steps(path: Path) -> Iterator[Item]:
    """Every step through one file. Raises InputError with file and line where it cannot be read on."""
    try:
        with path.open("rb") as file:
            _refuse_doctype(path, file.read(HEAD_BYTES))
            file.seek(0)
            yield from _steps(path, file)
    except etree.XMLSyntaxError as error:
        problem = str(error.msg or error).split(", line ")[0]
        raise InputError(f"not well-formed XML: {problem}", path, error.lineno or None) from None
    except (OSError, LookupError) as error:
        raise InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}", path) from None


def _refuse_doctype(path: Path, head: bytes) -> None:
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1", errors="replace")
    if not text.strip():
        raise InputError("is empty", path)
    at = text.find("<!DOCTYPE")
    if at >= 0:
        line = text.count("\n", 0, at) + 1
        raise InputError("has a DOCTYPE, which IATI files have not: remove it; entities are never expanded", path, line)


def _steps(path: Path, file: Any) -> Iterator[Item]:
    events = etree.iterparse(
        file, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    place: list[str] = []
    depth_of_unit, elements = 0, 0
    item_name = ""
    for event, element in events:
        if event == "start":
            depth = len(place)
            if depth == 0:
                item_name = _check_root(path, element)
            place.append(_name(element))
            elements += 1
            if depth == 1:
                _check_item(path, element, item_name)
                yield Item("item-begin", "", element)
            elif depth >= 2 and not depth_of_unit:
                below = "/".join(place[2:])
                if below in LARGE:
                    yield Item("begin", below, element)
                else:
                    depth_of_unit, elements = depth + 1, 0
            if depth_of_unit and elements > MAX_UNIT_ELEMENTS:
                raise InputError(
                    f"one {place[depth_of_unit - 1]} has more than {elements - 1} elements", path, element.sourceline
                )
            continue
        depth, below = len(place), "/".join(place[2:])
        place.pop()
        if depth_of_unit:
            if depth == depth_of_unit:
                depth_of_unit = 0
                yield Item("piece", below, element)
                _empty(element)
        elif depth == 2:
            yield Item("item-end", "", element)
            _empty(element)
        elif depth > 2:
            yield Item("end", below, element)
            _empty(element)


def _check_root(path: Path, root: Any) -> str:
    if root.getroottree().docinfo.doctype:
        raise InputError("has a DOCTYPE, which IATI files have not: remove it", path, root.sourceline)
    if root.tag not in ROOTS:
        wanted = " or ".join(ROOTS)
        raise InputError(f"begins with <{_name(root)}>, not with {wanted}: not an IATI file", path, root.sourceline)
    version = root.get("version", "")
    if version not in VERSIONS:
        raise InputError(
            f"says version {version!r}; {VERSIONS[0]} to {VERSIONS[-1]} can be read", path, root.sourceline
        )
    return ROOTS[str(root.tag)]


def _check_item(path: Path, element: Any, item_name: str) -> None:
    if element.tag != item_name:
        raise InputError(f"<{_name(element)}> where {item_name} was expected", path, element.sourceline)


def _name(element: Any) -> str:
    return str(element.tag)


def _empty(element: Any) -> None:
    """Let go of an element that was read, and of those before it: lxml keeps the tree that it builds."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
