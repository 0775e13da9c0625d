"""Text that is the output of a command, again and again: `date; ps aux`, `watch`, scrapes, dumps of control groups.

What they share is how the time stands: on a line of its own before each output, before every line (`ts`, a loop with
sed), or nowhere. One output without a time was taken when the file was written; several without one cannot be used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from floodmark.evidence.logs.times import YEARLESS, yearless
from floodmark.evidence.nouns import Clock
from floodmark.evidence.readers import Line, SeriesKey, Sink, Source

from .moments import Moments, parse

SAMPLES_HELD = 200_000
"""Samples gathered before they go to the sink."""

_DECORATION = re.compile(r"^[\s#=*>\-\[\]|]+|[\s#=*<\-\[\]|:]+$")
_LABEL = re.compile(
    r"^(?:time(?:stamp)?|date|at|scraped(?: at)?|snapshot|sample|taken(?: at)?|collected(?: at)?|epoch|ts)\s*[:=]?\s*",
    re.IGNORECASE,
)
_DAYS = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_WATCH = re.compile(rf"Every \d+(?:[.,]\d+)?s: .*?({_DAYS},? .*|\d{{4}}-\d\d-\d\d[T ].*)")
"""The heading of watch(1); its time has no zone."""

_STAMP = re.compile(
    r"\[?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)(?![^\s\]:,]))?"
    rf"|{_DAYS},? +(?:[A-Z][a-z]{{2}} +\d\d?|\d\d? +[A-Z][a-z]{{2}}) +(?:\d{{4}} +)?\d\d:\d\d:\d\d(?: [AP]M)?(?: [A-Z]{{2,5}})?"
    r"(?: \d{4})?"
    r"|\d{10}(?:\.\d{1,9})?|\d{13}"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)\]?[:,]?\s+(?=\S)"
)
"""A time before a line. Ten digits are an epoch: no pid, uid or size of any of these tables stands first so long."""

_YEARLESS = re.compile(r"[A-Z][a-z]{2} [ \d]\d \d")


@dataclass(frozen=True, slots=True)
class Timed:
    """A line of an output with the time that stood before it: UTC where a zone is stated, None where no time stood.

    `text` is the line without a time of its own before it.
    """

    line: Line
    text: str
    at: float | None


@dataclass(slots=True)
class Held:
    """Samples by series on their way to the sink, which takes them in arrays."""

    sink: Sink
    waiting: dict[SeriesKey, tuple[int, list[float], list[float]]] = field(default_factory=dict)
    count: int = 0

    def add(self, key: SeriesKey, at: float, value: float, line: int) -> None:
        """One sample."""
        _, times, values = self.waiting.setdefault(key, (line, [], []))
        times.append(at)
        values.append(value)
        self.count += 1
        if self.count >= SAMPLES_HELD:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        for key, (line, at, value) in self.waiting.items():
            self.sink.samples(key, np.array(at), np.array(value), line)
        self.waiting, self.count = {}, 0


def time_line(text: str) -> Moments | None:
    """The time that a line holds, where it holds nothing else: a date, an ISO time, an epoch, the heading of `watch`."""
    watch = _WATCH.match(text)
    bare = watch[1].strip() if watch else _LABEL.sub("", _DECORATION.sub("", text.strip()))
    if not 8 <= len(bare) <= 40 or not bare[:1].isalnum() or sum(char.isdigit() for char in bare) < 6:
        return None
    if bare.isdigit() and len(bare) not in (10, 13, 16, 19):
        return None
    moments = parse([bare])
    return moments if moments.at[0] == moments.at[0] else None


def unstamped(text: str) -> str:
    """A line without the time before it."""
    match = _STAMP.match(text)
    return text[match.end() :] if match else text


def timed(source: Source, sink: Sink) -> Iterator[Timed]:
    """Every line that is neither empty nor a time, with its own time or else the one that was said last."""
    clock = _Clock(source, sink)
    at: float | None = None
    for line in source.lines():
        text = line.data.decode("utf-8", "replace").rstrip("\r")
        if not text.strip():
            continue
        moments = time_line(text)
        if moments is not None:
            clock.of(moments)
            at = float(moments.at[0])
            continue
        own = _STAMP.match(text)
        stamped = clock.stamp(own[1]) if own else None
        if own and stamped is not None:
            yield Timed(line, text[own.end() :], stamped)
        else:
            yield Timed(line, text, at)


@dataclass(slots=True)
class _Clock:
    """The times of one file: the first of them tells the zone of all."""

    source: Source
    sink: Sink
    known: bool = False
    last: tuple[str, float | None] = ("", None)

    def of(self, moments: Moments) -> None:
        if not self.known:
            self.known = True
            self.sink.clock(moments.clock())

    def stamp(self, text: str) -> float | None:
        """A time before a line; the same one stands before all lines of an output."""
        if text != self.last[0]:
            moments = parse([self._with_year(text)])
            readable = bool(np.isfinite(moments.at[0]))
            self.last = (text, float(moments.at[0]) if readable else None)
            if readable:
                self.of(moments)
        return self.last[1]

    def _with_year(self, text: str) -> str:
        """`Sep  2 06:15:00`, as ts(1) writes, with its year: the latest in which the file can have been written."""
        if not _YEARLESS.match(text) or self.source.modified is None:
            return text
        self.sink.remark(YEARLESS)
        try:
            at = yearless(text[:3].encode(), int(text[4:6]), 0, self.source.modified)
        except ValueError:
            return text
        return f"{text} {datetime.fromtimestamp(at, UTC).year}"


def time_of_file(source: Source, sink: Sink) -> float | None:
    """When the file was written, for the one output of a file without any time."""
    if source.modified is not None:
        sink.clock(Clock("+00:00", "assumed"))
        sink.remark("no time in the file: the time at which it was written was taken")
    return source.modified
