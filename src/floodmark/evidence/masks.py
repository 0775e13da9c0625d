"""Secrets out of the few lines that are kept as examples: tokens in addresses, mail addresses, basic-auth names."""

from __future__ import annotations

import re

KEPT_CHARACTERS = 240

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # key=value and "key": "value" with a name that says it is a secret; `exit code: 137` is none, and is what is looked for
    (
        re.compile(
            r"(?i)([\"']?(?:[\w.-]*(?:token|secret|passw(?:or)?d|pwd|api[_-]?key|apikey|access[_-]?key|auth|signature|sig"
            r"|session(?:id)?|sid|credential|jwt|code|key))[\"']?\s*[=:]\s*[\"']?)(?!\s|\d{1,3}(?![\w-]))[^\s&\"',;)}\]]+"
        ),
        r"\1***",
    ),
    (re.compile(r"(?i)\b(bearer|basic|token|digest)\s+[A-Za-z0-9._~+/=-]{6,}"), r"\1 ***"),
    (re.compile(r"\b(\w[\w+.-]*://)[^\s/@\"']*:[^\s@\"']*@"), r"\1***@"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"), "***"),
    (re.compile(r"\b(?:gh[pousr]_|sk-|xox[abpr]-|AKIA|ya29\.)[\w.-]{8,}"), "***"),
    (re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"), "***@***"),
    # the name of basic authentication in an access line: address - name [
    (re.compile(r"^(\S+ - )(?!- \[)(.{1,256}?)( \[\d\d/[A-Z][a-z]{2}/\d{4}:)"), r"\1***\3"),
    # what remains of long random words: password-reset links and signed addresses
    (re.compile(r"(?<=[/=])(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{32,}"), "***"),
)


def masked(text: bytes | str, kept: int = KEPT_CHARACTERS) -> str:
    """`text` on one line, without secrets, with control characters as escapes, cut at `kept` characters."""
    if isinstance(text, bytes):
        text = text[: kept * 8].decode("utf-8", "backslashreplace")
    text = text[: kept * 8]
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = "".join(letter if letter.isprintable() else escaped(letter) for letter in text[: kept + 1])
    return text if len(text) <= kept else text[: kept - 1] + "…"


def escaped(letter: str) -> str:
    """A control character as `\\n` or `\\x1b`."""
    return letter.encode("unicode_escape").decode("ascii")
