"""Is a file valid IATI 2.03? Asked of the XSD, with memory that does not depend on the file's size.

lxml's validator wants a whole tree. The items of a file are checked one by one and then dropped. Of an item that grows
beyond `LARGE_BYTES` the runs of elements that the schema lets repeat (transactions, periods, actual values, ...) are
taken out while it is being read, checked by themselves a few hundred at a time, and dropped but for the first and the
last of each run: what remains is valid exactly if the whole item's order and the rest of its content is.

Costs 10 to 25 ms of CPU per MB, about a third of what building costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from floodmark.export.validity_schema import SCHEMAS, Route, repeats_of, run_schema, schema_of

LARGE_BYTES = 256_000
"""An item beyond this is checked in parts; a tree takes about ten times the bytes."""
RUN_ELEMENTS = 200
"""Elements of one run that are kept before they are checked."""
MAX_PROBLEMS = 20
READ_BYTES = 65_536

ITEMS = {"iati-activities": "iati-activity", "iati-organisations": "iati-organisation"}


class Checker:
    """Fed with a file in order; `close` says what is wrong with it. Never raises for bad XML.

    Keeps at most `max_problems`, each one line with the line of the file.
    """

    def __init__(self, *, max_problems: int = MAX_PROBLEMS) -> None:
        self.problems: list[str] = []
        self.max_problems = max_problems
        self._root: Any = None
        self._name = ""
        self._item_bytes = 0
        self._runs: dict[Route, Any] = {}
        self._is_broken = False
        self._parser = etree.XMLPullParser(
            events=("end",), tag=_tags(), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True
        )

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        for start in range(0, len(data), READ_BYTES):  # the parser builds its tree before it gives an event
            if self._is_broken:
                return
            part = data[start : start + READ_BYTES]
            self._item_bytes += len(part)
            try:
                self._parser.feed(part)
                self._look()
            except etree.XMLSyntaxError as error:
                self._break(f"not well-formed: {error}")

    def close(self) -> list[str]:
        """What is wrong with the file; empty for a valid one."""
        if not self._is_broken:
            try:
                self._begin(self._parser.close())
                self._look()
            except etree.XMLSyntaxError as error:
                self._break(f"not well-formed: {error}")
        if not self._is_broken:
            self._check_runs()
            if self._root.getroottree().docinfo.doctype:
                self._say("it has a DOCTYPE")
            self._ask(schema_of(self._name), self._root)
        return self.problems

    def _look(self) -> None:
        is_large = self._item_bytes > LARGE_BYTES
        element: Any
        for _, element in self._parser.read_events():
            if self._root is None:
                self._begin(element.getroottree().getroot())
            if self._is_broken:
                return
            if element.tag == ITEMS[self._name]:
                self._end_item(element)
                is_large = False
            elif is_large:
                self._fold(element)

    def _begin(self, root: Any) -> None:
        self._root, self._name = root, root.tag
        if self._name not in SCHEMAS:
            self._break(f"the root element is {self._name}, not {' or '.join(SCHEMAS)}")

    def _end_item(self, item: Any) -> None:
        """Check an item. The one before goes; this one stays as long as the parser may still look at it."""
        # The runs first: their elements were in this item, and the next one must not find them.
        self._check_runs()
        self._ask(schema_of(self._name), item)
        before = item.getprevious()
        if before is not None and before.tag == item.tag:
            before.getparent().remove(before)
        self._item_bytes = 0

    def _fold(self, element: Any) -> None:
        """Move the element before this one to its run, if it stands between two of its kind."""
        before = element.getprevious()
        first = None if before is None else before.getprevious()
        if first is None or not element.tag == before.tag == first.tag:
            return
        route = _route(element)
        if route not in repeats_of(self._name):
            return
        run = self._runs.get(route)
        if run is None:
            run = self._runs[route] = etree.Element("run")
        run.append(before)
        if len(run) >= RUN_ELEMENTS:
            self._check_run(route)

    def _check_runs(self) -> None:
        for route in list(self._runs):
            self._check_run(route)

    def _check_run(self, route: Route) -> None:
        self._ask(run_schema(self._name, route), self._runs.pop(route))

    def _ask(self, schema: Any, element: Any) -> None:
        if not schema.validate(element):
            for error in schema.error_log:
                self._say(f"line {error.line}: {error.message}")

    def _break(self, problem: str) -> None:
        self._is_broken = True
        self._say(problem)

    def _say(self, problem: str) -> None:
        if len(self.problems) < self.max_problems and problem not in self.problems:
            self.problems.append(problem)


@lru_cache(maxsize=1)
def _tags() -> list[str]:
    """The elements whose ends are looked at."""
    return sorted({route[-1] for root in ITEMS for route in repeats_of(root)} | set(ITEMS) | set(ITEMS.values()))


def _route(element: Any) -> Route:
    """Where an element stands, from its item down."""
    names = [element.tag, *(ancestor.tag for ancestor in element.iterancestors())]
    return tuple(names[-2::-1])


def check(source: Path | BinaryIO | Iterable[bytes], *, max_problems: int = MAX_PROBLEMS) -> list[str]:
    """What is wrong with a file, given as a path, an open file or its bytes in order; empty for a valid one."""
    checker = Checker(max_problems=max_problems)
    if isinstance(source, Path):
        with source.open("rb") as file:
            return check(file, max_problems=max_problems)
    read = getattr(source, "read", None)
    chunks: Iterable[bytes] = iter(lambda: read(READ_BYTES), b"") if read else source
    for chunk in chunks:
        checker.feed(chunk)
    return checker.close()
