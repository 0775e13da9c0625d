"""The document of an incident: the contract, its figures, and equal bytes for equal incidents."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given as with_any
from hypothesis import strategies as st

from floodmark.diagnosis.incident import Growth, Incident, Time
from floodmark.report.document import plain, significant, to_json

SCHEMA = json.loads((files("floodmark.report") / "incident.schema.json").read_text(encoding="utf-8"))

KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


WORDS = {
    "$schema", "$id", "$defs", "$ref", "title", "description", "type", "enum", "const", "pattern", "minimum", "maximum",
    "properties", "required", "items", "additionalProperties",
}  # fmt: skip
"""The words of JSON Schema that our schema may use: those that are checked here."""


def problems(value: Any, schema: dict[str, Any], where: str = "$") -> list[str]:
    """What in `value` is not as the schema says."""
    assert set(schema) <= WORDS, set(schema) - WORDS
    if "$ref" in schema:
        return problems(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], where)
    types = schema.get("type", [*KINDS, "number", "integer"])
    if not any(_is(value, one) for one in ([types] if isinstance(types, str) else types)):
        return [f"{where}: {value!r} is not {types}"]
    return [*_wrong_value(value, schema, where), *_wrong_parts(value, schema, where)]


def _wrong_value(value: Any, schema: dict[str, Any], where: str) -> list[str]:
    found = []
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        found.append(f"{where}: {value!r} is not among the words")
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        found.append(f"{where}: {value!r} does not match {schema['pattern']}")
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        found.append(f"{where}: {value!r} is out of bounds")
    return found


def _wrong_parts(value: Any, schema: dict[str, Any], where: str) -> list[str]:
    if isinstance(value, list) and "items" in schema:
        return [line for k, one in enumerate(value) for line in problems(one, schema["items"], f"{where}[{k}]")]
    if not isinstance(value, dict):
        return []
    found = [f"{where}: {name} is missing" for name in schema.get("required", ()) if name not in value]
    for name, one in value.items():
        if name in schema.get("properties", {}):
            found += problems(one, schema["properties"][name], f"{where}.{name}")
        elif schema.get("additionalProperties") is False:
            found.append(f"{where}: {name} is not known")
    return found


def _is(value: Any, kind: str) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, KINDS[kind])


def test_the_document_is_as_the_schema_says(incident: Incident) -> None:
    assert problems(json.loads(to_json(incident)), SCHEMA) == []


def test_a_hostile_incident_is_as_the_schema_says(hostile: Incident) -> None:
    assert problems(json.loads(to_json(hostile)), SCHEMA) == []


def test_an_empty_incident_is_as_the_schema_says() -> None:
    empty = Incident(None, (), (), (), (), (), (), (), (), ())
    assert problems(json.loads(to_json(empty)), SCHEMA) == []


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("services", 0, "verdict"), "maybe"), (("services", 0, "restarts"), "4"), (("causes", 0, "role"), "guilty"),
        (("window", "start"), "2025-08-27 02:30"), (("targets", 0, "met"), 1), (("alerts", 0, "value"), None),
        (("causes", 0, "confidence"), 1.2), (("schema",), "floodmark.incident/2"),
    ],
)  # fmt: skip
def test_the_schema_refuses_what_the_contract_does_not_allow(incident: Incident, path: tuple, wrong: object) -> None:
    document = plain(incident)
    place = document
    for one in path[:-1]:
        place = place[one]
    place[path[-1]] = wrong
    assert problems(document, SCHEMA)


def test_the_contract_keys_are_all_required(incident: Incident) -> None:
    document = plain(incident)
    for key in list(document)[: len(document)]:
        if key in SCHEMA["required"]:
            assert problems({name: one for name, one in document.items() if name != key}, SCHEMA)
    assert SCHEMA["required"] == [
        "schema", "window", "sources", "services", "causes", "metric_problems", "patterns", "alerts", "timeline",
        "targets", "actions",
    ]  # fmt: skip


def test_the_text_is_json_with_times_in_utc_and_ends_with_a_line_end(incident: Incident) -> None:
    text = to_json(incident)
    assert json.loads(text) == plain(incident)
    assert text.endswith("}\n")
    assert json.loads(text)["window"] == {"start": "2025-08-25T02:00:00Z", "end": "2025-08-28T14:00:00Z"}


def test_equal_incidents_give_equal_bytes_and_a_chart_is_two_rows_a_line(incident: Incident) -> None:
    assert to_json(incident) == to_json(replace(incident))
    line = next(row for row in to_json(incident).splitlines() if row.strip().startswith('"mb": ['))
    assert line.count(",") > 5
    for drawn in (one["chart"]["lines"] for one in plain(incident)["services"] if one["chart"]):
        assert all(len(one["at"]) == len(one["mb"]) for one in drawn)


@with_any(st.floats(allow_nan=True, allow_infinity=True), st.integers(2, 6))
def test_a_figure_keeps_its_digits_and_its_whole_units(value: float, digits: int) -> None:
    rounded = significant(value, digits)
    if not math.isfinite(value):
        assert rounded is None
    else:
        assert rounded is not None
        assert abs(rounded - value) <= max(abs(value) * 10.0 ** (1 - digits), 0.0) + 1e-300
        assert abs(rounded - value) <= 0.5 or abs(value) < 10 ** (digits - 1)


def test_a_rate_is_no_finer_than_a_hundredth_and_never_minus_nought(incident: Incident) -> None:
    growth = Growth(-0.00065, -0.2049, 0.0449, Time(0), Time(9))
    services = (replace(incident.services[0], growth=growth),)
    shown = plain(replace(incident, services=services))["services"][0]["growth"]
    assert json.dumps([shown[name] for name in ("mb_per_hour", "low", "high")]) == "[0.0, -0.2, 0.04]"
