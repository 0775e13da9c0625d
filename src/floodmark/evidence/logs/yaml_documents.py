"""The little of YAML that `gcloud logging read` and `kubectl get -o yaml` print: nested names with text, quoted or in blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
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
    held: list[str] = []
    first, size, dash = 1, 0, -1
    for number, data in lines:
        text = data.decode("utf-8", "backslashreplace")
        indent = len(text) - len(text.lstrip())
        is_first = dash < 0 and bool(held) and held[-1].strip() == "items:"
        begins = text.startswith("- ", indent) and (is_first or indent == dash)
        ends = text.rstrip() == "---" or (dash >= 0 and bool(text.strip()) and indent <= dash and not begins)
        if begins or ends:
            if held and (dash >= 0 or ends):
                yield first, size, values_of(held)
            held, first, size, dash = [], number, 0, indent if begins else -1
        if len(held) < MAX_DOCUMENT_LINES:
            held.append(text.replace("- ", "  ", 1) if begins else text)
            size += len(data) + 1
    if any(line.strip() for line in held):
        yield first, size, values_of(held)


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
    found: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    block: tuple[str, int, str] | None = None
    latest = ""
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if block is not None:
            name, outer, joint = block
            if not line.strip() or indent > outer:
                found[name] += (joint if found[name] else "") + line.strip()
                continue
            block = None
        match = _PAIR.match(line)
        if match is None or _open(found.get(latest, "")):
            if latest in found:
                found[latest] += " " + line.strip()
            continue
        while path and path[-1][0] >= indent:
            path.pop()
        path.append((indent, match[2].strip("'\"")))
        latest = ".".join(name for _, name in path)
        text = match[3] or ""
        if _BLOCK.match(text):
            found[latest] = ""
            block = (latest, indent, "\n" if text[0] == "|" else " ")
        elif text:
            found[latest] = text
    return {name: unquoted(text) for name, text in found.items()}


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
