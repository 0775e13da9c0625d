"""A message with its variable parts left out, to count messages of one kind under one name."""

from __future__ import annotations

import re

from floodmark.evidence.masks import masked

LONGEST = 100

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|0x[0-9a-f]+", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w.])/[^\s,;:()]+")
_WORD = re.compile(r"[\w.+-]*\d[\w.+-]*")


def template_of(message: bytes | str) -> str:
    """`Task 41 of 'a.b' failed` -> `Task # of * failed`; at most LONGEST characters."""
    text = masked(message, 4 * LONGEST)
    text = _QUOTED.sub("*", text)
    text = _ADDRESS.sub("#", text)
    text = _PATH.sub("*", text)
    text = " ".join(_WORD.sub("#", text).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
