"""Texts of a file into columns of a table: what does not fit is cut, rounded or left out, and reported."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from math import isfinite
from typing import Any

from django.db import models

from floodmark.export.formats.values import is_language, is_token, is_uri
from floodmark.export.importer.losses import Reporter
from floodmark.export.importer.nodes import Node

Field = models.Field[Any, Any]

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?(?:T.*)?")
_TRUE, _FALSE = ("1", "true"), ("0", "false")

_TESTS: dict[str, tuple[Callable[[str], bool], str]] = {
    "url": (is_uri, "not a URI"),
    "website": (is_uri, "not a URI"),
    "vocabulary_uri": (is_uri, "not a URI"),
    "region_vocabulary_uri": (is_uri, "not a URI"),
    "recipient_region_vocabulary_uri": (is_uri, "not a URI"),
    "title_language": (is_language, "not a language code"),
    "iati_equivalent": (is_token, "not a single token"),
}
"""Columns whose text the export leaves out where it is not what the schema wants."""


class Fitting:
    """Fits values into the columns of one model; knows where they came from, for the report."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter

    def fit(self, field: Field, value: str, element: str, line: int | None) -> Any:
        """The value for the column, None (or "") where it cannot be held at all."""
        if isinstance(field, models.DecimalField):
            return self._decimal(field, value, element, line)
        if isinstance(field, models.DateField):
            return self._date(value, element, line)
        if isinstance(field, models.BooleanField):
            return self._boolean(value, element, line)
        if isinstance(field, models.IntegerField):
            return self._integer(field, value, element, line)
        if isinstance(field, models.FloatField):
            return self._float(value, element, line)
        return self._text(field, value, element, line)

    def _text(self, field: Field, value: str, element: str, line: int | None) -> str:
        limit = getattr(field, "max_length", None)
        if value and field.column in _TESTS and not _TESTS[field.column][0](value):
            self.reporter.lost(element, line, _TESTS[field.column][1], "stored, does not come out", value)
        if limit is None or len(value) <= limit:
            return value
        # A code, a number or an address that is cut is another one; a narrative that is cut is still its beginning.
        is_prose = element.endswith("narrative")
        problem = f"longer than the {limit} characters of {field.column}"
        self.reporter.lost(element, line, problem, "cut" if is_prose else "left out", value)
        return value[:limit] if is_prose else ""

    def _decimal(
        self, field: models.DecimalField[Any, Any], text: str, element: str, line: int | None
    ) -> Decimal | None:
        if not text.strip():
            return None
        try:
            value = Decimal(_plain(text))
        except InvalidOperation:
            value = Decimal("NaN")
        places = field.decimal_places or 0
        if not value.is_finite() or abs(value) >= Decimal(10) ** ((field.max_digits or 28) - places):
            self.reporter.lost(element, line, f"not a number that {field.column} can hold", "left out", text)
            return None
        rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
        if rounded != value:
            self.reporter.lost(element, line, f"more than the {places} decimals of {field.column}", "rounded", text)
        return rounded

    def _date(self, text: str, element: str, line: int | None) -> date | None:
        if not text.strip():
            return None
        match = _DATE.fullmatch(text.strip())
        try:
            value = date.fromisoformat(match[1]) if match else None
        except ValueError:
            value = None
        if value is None:
            self.reporter.lost(element, line, "not a date", "left out", text)
        elif text.strip() != match[1]:  # type: ignore[index]  # there is a value, so there was a match
            self.reporter.lost(element, line, "a date with a time or a zone", "kept without it", text)
        return value

    def _boolean(self, text: str, element: str, line: int | None) -> bool | None:
        word = text.strip()
        if word in _TRUE:
            return True
        if word and word not in _FALSE:
            self.reporter.lost(element, line, "neither true nor false", "left out", text)
            return None
        return False if word else None

    def _integer(self, field: Field, text: str, element: str, line: int | None) -> int | None:
        if not text.strip():
            return None
        limit = 32_767 if "Small" in type(field).__name__ else 2_147_483_647
        try:
            value = int(_plain(text))
        except ValueError:
            value = -1
        if not 0 <= value <= limit:
            self.reporter.lost(element, line, f"not a whole number that {field.column} can hold", "left out", text)
            return None
        return value

    def _float(self, text: str, element: str, line: int | None) -> float | None:
        try:
            value = float(_plain(text))
        except ValueError:
            value = float("nan")
        if isfinite(value):
            return value
        if text.strip():
            self.reporter.lost(element, line, "not a number", "left out", text)
        return None


def _plain(text: str) -> str:
    """A number without the white space around it; "" for what is one to Python alone."""
    # Python reads 1_000 and the digits of other scripts; XML Schema knows neither, and who wrote them meant we know not what.
    return "" if "_" in text or not text.strip().isascii() else text.strip()


def moment(node: Node, name: str, reporter: Reporter) -> datetime | None:
    """An xsd:dateTime of an attribute in whole seconds and UTC, as it is published; None where it is none."""
    text = node.attribute(name)
    if not text.strip():
        return None
    place = f"{node.path}/@{name}"
    try:
        value = datetime.fromisoformat(text.strip())
        at = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        reporter.lost(place, node.line, "not a date and time", "left out", text)
        return None
    if text.strip() not in (f"{at:%Y-%m-%dT%H:%M:%S}Z", f"{at:%Y-%m-%dT%H:%M:%S}+00:00"):
        reporter.lost(place, node.line, "not whole seconds in UTC", "kept so", text)
    return at
