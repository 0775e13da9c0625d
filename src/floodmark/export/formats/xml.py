"""XML as strings: escaping, attributes, narratives, and which characters XML 1.0 cannot hold.

Written by hand because it is three to four times as fast as lxml's writers; tests/export/test_formats_xml.py holds it
against lxml on hostile text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

Escape = Callable[[str], str]
_fast_escape: Escape | None = None
with suppress(ImportError):  # no wheel with the C part, or a version that has moved it
    from markupsafe._speedups import _escape_inner as _fast_escape

HOSTILE = "<&>\"' ]]> \u00e9"


def escape_slowly(text: str) -> str:
    """The five characters of markup as references, by `str.replace` where they occur."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&#34;")
    if "'" in text:
        text = text.replace("'", "&#39;")
    return text


def choose_escape(fast: Escape | None) -> Escape:
    """`fast` if it does what `escape_slowly` does, else that. markupsafe's inner function is private and may change."""
    try:
        if fast is not None and fast(HOSTILE) == escape_slowly(HOSTILE) and type(fast("a")) is str:
            return fast
    except Exception:  # noqa: BLE001 - whatever a changed private function raises, there is a way without it
        return escape_slowly
    return escape_slowly


escape: Escape = choose_escape(_fast_escape)
"""Text to element content. Carriage returns and illegal characters are dealt with a piece at a time (`writer`)."""

_WHITE = str.maketrans({"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})


def quoted(text: str) -> str:
    """Text to the inside of a double-quoted attribute value, so that a parser gives back the same characters."""
    return escape(text) if text.isprintable() else escape(text).translate(_WHITE)


def attribute(name: str, value: str | None) -> str:
    """` name="value"`, or nothing for NULL and ''."""
    return f' {name}="{quoted(value)}"' if value else ""


def flag(name: str, value: bool | None) -> str:
    """` name="1"` or ` name="0"`, or nothing for NULL."""
    return "" if value is None else f' {name}="{value:d}"'


def narrative(text: str | None) -> str:
    """One narrative, empty for NULL and ''."""
    return f"<narrative>{escape(text)}</narrative>" if text else "<narrative/>"


def texts(name: str, text: str | None) -> str:
    """An element with one narrative, or nothing for NULL and ''."""
    return f"<{name}><narrative>{escape(text)}</narrative></{name}>" if text else ""


def plain(name: str, text: str | None) -> str:
    """An element with text in it, or nothing for NULL and ''."""
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def code(name: str, value: str | None) -> str:
    """`<name code="value"/>`, or nothing for NULL and ''."""
    return f'<{name} code="{quoted(value)}"/>' if value else ""


# What a UTF-8 encoded XML 1.0 document cannot hold: the C0 controls but tab, line feed and carriage return, U+FFFE and
# U+FFFF. PostgreSQL stores no NUL and no surrogates, yet they cost nothing to list.
_CONTROLS = bytes(number for number in range(32) if number not in (9, 10, 13))
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def is_legal(data: bytes) -> bool:
    """Whether XML 1.0 can hold every character of this UTF-8."""
    return (
        len(data.translate(None, _CONTROLS)) == len(data)
        and b"\xef\xbf\xbe" not in data
        and b"\xef\xbf\xbf" not in data
    )


def illegal(text: str) -> list[tuple[int, str]]:
    """Where in `text` which characters stand that XML 1.0 cannot hold."""
    return [(match.start(), match.group()) for match in _ILLEGAL.finditer(text)]


def without_illegal(text: str) -> str:
    """`text` without the characters that XML 1.0 cannot hold."""
    return _ILLEGAL.sub("", text)


def is_blank(text: str | None) -> bool:
    """Whether nothing is left that a reader would see: NULL, white space, and characters that XML 1.0 cannot hold."""
    return not text or not without_illegal(text).strip()
