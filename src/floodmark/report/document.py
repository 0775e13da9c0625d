"""Incident -> the document of `incident.json`: the one form that every report is rendered from.

A report never sees an Incident, only this document with its rounded figures, so that what it shows stands in the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from floodmark.diagnosis.incident import SCHEMA, Chart, Growth, Incident, Point, Time

TIME_LENGTH = len("2025-08-27T02:30:00Z")

DIGITS = 4
"""Significant digits of a figure in the file."""

ESTIMATE_DIGITS = {"Growth": 3, "Interval": 3, "Cause": 3, "Alert": 3, "Target": 3}
"""Fewer for what is estimated: its interval is wider than the digits left out."""

FINEST_DECIMALS = 2
"""No rate is known more finely than 0.01 MB/h: 0.00665 would only look precise."""

Document = dict[str, Any]


def to_json(incident: Incident) -> str:
    """The text of `incident.json`: fields in order, figures rounded, a row of figures or words on one line."""
    return "".join(json_pieces(plain(incident)))


def json_pieces(document: Document) -> Iterator[str]:
    """The same in pieces, to be written as they come: the rows of 100,000 sources are 44 MB of text."""
    yield from _text(document, "\n")
    yield "\n"


def plain(incident: Incident) -> Document:
    """The document: dicts, lists, texts and rounded figures, for `json` and for templates."""
    return {"schema": SCHEMA, **_plain(incident, DIGITS)}


def significant(value: float, digits: int = DIGITS) -> float | None:
    """`value` with that many significant digits but no whole unit lost; None for what is not a finite number."""
    if not math.isfinite(value):
        return None
    if value.is_integer() or abs(value) >= 10 ** (digits - 1):
        return float(round(value))
    return float(f"{value:.{digits}g}")


def _plain(value: Any, digits: int) -> Any:
    if isinstance(value, Time):
        return str(value)
    if isinstance(value, Chart):
        return {**_fields(value, digits), "lines": [_line(name, points) for name, points in value.lines]}
    if isinstance(value, Growth):
        return {name: _coarse(one) for name, one in _fields(value, ESTIMATE_DIGITS["Growth"]).items()}
    if is_dataclass(value):
        return _fields(value, ESTIMATE_DIGITS.get(type(value).__name__, DIGITS))
    if isinstance(value, dict):
        return {key: _plain(one, digits) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one, digits) for one in value]
    if isinstance(value, float):
        return significant(value, digits)
    return value


def _coarse(value: Any) -> Any:
    """A rate no finer than that, and never a minus before nought."""
    return round(value, FINEST_DECIMALS) + 0.0 if isinstance(value, float) and abs(value) < 1 else value


def _fields(value: Any, digits: int) -> dict[str, Any]:
    return {field.name: _plain(getattr(value, field.name), digits) for field in fields(value)}


def _line(name: str, points: tuple[Point, ...]) -> dict[str, Any]:
    """A line of a chart as two rows of equal length: shorter than an object a point, and it reads well in a diff."""
    return {"name": name, "at": [str(one.at) for one in points], "mb": [significant(one.mb) for one in points]}


def _text(value: Any, line_end: str) -> Iterator[str]:
    if not isinstance(value, dict | list) or not value or _fits_one_line(value):
        yield json.dumps(value, ensure_ascii=False, allow_nan=False)
        return
    brackets = "{}" if isinstance(value, dict) else "[]"
    deeper = line_end + "  "
    for position, (key, one) in enumerate(value.items() if isinstance(value, dict) else enumerate(value)):
        yield ("," if position else brackets[0]) + deeper
        if isinstance(value, dict):
            yield json.dumps(key, ensure_ascii=False) + ": "
        yield from _text(one, deeper)
    yield line_end + brackets[1]


def _fits_one_line(value: dict[str, Any] | list[Any]) -> bool:
    ones = value.values() if isinstance(value, dict) else value
    figures = all(one is None or isinstance(one, bool | int | float) for one in ones)
    return figures or (
        isinstance(value, list) and all(isinstance(one, str) and len(one) == TIME_LENGTH for one in ones)
    )
