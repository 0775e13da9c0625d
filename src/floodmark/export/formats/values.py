"""Which values the schema's types allow, each with a quick test for what databases usually hold.

What the quick test does not know is put to the XSD engine itself, so nothing valid is left out.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lxml import etree

from floodmark.export.formats.xml import without_illegal

_NOT_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})
_DATE = re.compile(r"[0-9]{5,}-[0-9]{2}-[0-9]{2}")
_URI = re.compile(r"(?:https?://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~/=&?,;+-]*)?)")


def is_number(text: str) -> bool:
    """Whether what PostgreSQL writes for a numeric is an xsd:decimal: anything but NaN and the infinities."""
    return text not in _NOT_NUMBERS


def is_date(text: str) -> bool:
    """Whether what PostgreSQL writes for a date (ISO style) is an xsd:date: not infinity, not before year 1."""
    return len(text) == 10 or _DATE.fullmatch(text) is not None


def is_uri(text: str) -> bool:
    """Whether the text is an xsd:anyURI."""
    return _URI.fullmatch(text) is not None or _by_schema("anyURI", text)


def is_language(text: str) -> bool:
    """Whether the text is an xsd:language."""
    return _by_schema("language", text)


def is_token(text: str) -> bool:
    """Whether the text is an xsd:NMTOKEN."""
    return _by_schema("NMTOKEN", text)


@lru_cache(maxsize=4)
def _schema(kind: str) -> etree.XMLSchema:
    element = f'<xs:element name="v" type="xs:{kind}"/>'
    return etree.XMLSchema(
        etree.fromstring(f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{element}</xs:schema>')
    )


@lru_cache(maxsize=512)
def _by_schema(kind: str, text: str) -> bool:
    element = etree.Element("v")
    element.text = without_illegal(text)  # as it will be published
    return bool(_schema(kind).validate(element))
