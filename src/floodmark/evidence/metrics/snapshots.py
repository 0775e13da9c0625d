"""Text that is the output of a command, again and again: `date; ps aux`, scrapes, dumps of control groups.

What they share is how the time stands: on a line of its own before each output, or nowhere. One output without a
time was taken when the file was written; several without one cannot be used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from floodmark.evidence.nouns import Clock
from floodmark.evidence.readers import Line, Sink, Source

from .moments import Moments, parse

_DECORATION = re.compile(r"^[\s#=*>\-\[\]|]+|[\s#=*<\-\[\]|:]+$")
_LABEL = re.compile(
    r"^(?:time(?:stamp)?|date|at|scraped(?: at)?|snapshot|sample|taken(?: at)?|collected(?: at)?|epoch|ts)\s*[:=]?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Timed:
    """A line of an output with the time that stood before it: UTC where a zone is stated, None where no time stood."""

    line: Line
    text: str
    at: float | None


def time_line(text: str) -> Moments | None:
    """The time that a line holds, where it holds nothing else: a date, an ISO time, an epoch, `# scraped at …`."""
    bare = _LABEL.sub("", _DECORATION.sub("", text.strip()))
    if not 8 <= len(bare) <= 40 or not bare[:1].isalnum() or sum(char.isdigit() for char in bare) < 6:
        return None
    if bare.isdigit() and len(bare) not in (10, 13, 16, 19):
        return None
    moments = parse([bare])
    return moments if moments.at[0] == moments.at[0] else None


def timed(source: Source, sink: Sink) -> Iterator[Timed]:
    """Every line that is neither empty nor a time, with the time that was said last."""
    at: float | None = None
    for line in source.lines():
        text = line.data.decode("utf-8", "replace").rstrip("\r")
        if not text.strip():
            continue
        moments = time_line(text)
        if moments is None:
            yield Timed(line, text, at)
            continue
        if at is None:
            sink.clock(moments.clock())
        at = float(moments.at[0])


def time_of_file(source: Source, sink: Sink) -> float | None:
    """When the file was written, for the one output of a file without any time."""
    if source.modified is not None:
        sink.clock(Clock("+00:00", "assumed"))
        sink.remark("no time in the file: the time at which it was written was taken")
    return source.modified
