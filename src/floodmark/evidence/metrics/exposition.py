"""Scrapes of metrics pages as text: Prometheus exposition and OpenMetrics, one or many put together.

Timestamps of the exposition format are milliseconds, those of OpenMetrics (it ends with `# EOF`) seconds. Lines
without one have the time of a line like `# 2025-09-02T06:15:00Z` before the scrape, else the file's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from floodmark.evidence.nouns import Clock
from floodmark.evidence.readers import Head, Sink, Source

from .snapshots import Timed, time_of_file, timed
from .writing import Named, Writer

SAMPLES_HELD = 200_000
"""Samples gathered before they go to the sink."""

_SAMPLE = re.compile(
    r"([a-zA-Z_:][\w:]*)(?:\{((?:[^\"}]|\"(?:[^\"\\]|\\.)*\")*)\})?[ \t]+([+-]?(?:\d[\d.eE+-]*|\.\d+|NaN|Inf(?:inity)?|nan|inf))"
    r"(?:[ \t]+(-?[\d.]+(?:[eE]\+?\d+)?))?(?:[ \t]+#.*)?[ \t]*"
)
_LABEL = re.compile(r'\s*([a-zA-Z_][\w.]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?')
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


class Exposition:
    """Reader of metrics pages."""

    kind = "prometheus-text"

    def recognise(self, head: Head) -> float:
        """By `# TYPE` and `# HELP`, or by most lines being samples."""
        lines = [line.decode("utf-8", "replace") for line in head.lines[:400] if line.strip()]
        if not lines:
            return 0.0
        comments = sum(bool(re.match(r"# (TYPE|HELP|UNIT|EOF)\b", line)) for line in lines)
        samples = sum(bool(_SAMPLE.fullmatch(line)) for line in lines)
        if comments and samples:
            return 0.97
        return 0.8 if len(lines) >= 2 and samples >= 0.8 * len(lines) else 0.0

    def read(self, source: Source, sink: Sink) -> None:
        """Every scrape in the file."""
        pages = _Pages(source, sink)
        for one in timed(source, sink):
            pages.take(one)
        pages.flush()
        if pages.without_time:
            sink.remark(
                f"{pages.without_time:,} samples of further scrapes have no time and were left out: write the time "
                f"before each scrape (date -u +%FT%TZ)"
            )


@dataclass(slots=True)
class _Pages:
    """The scrapes of one file while they are read; samples are gathered by series and written in pieces."""

    source: Source
    sink: Sink
    without_time: int = 0
    stated: bool = False
    untimed: set[str] = field(default_factory=set)
    held: dict[str, tuple[Named, int, list[float], list[float]]] = field(default_factory=dict)
    count: int = 0
    writer: Writer = field(init=False)

    def __post_init__(self) -> None:
        self.writer = Writer(self.source, self.sink)

    def take(self, one: Timed) -> None:
        """One line: a comment, a sample, or something to reject."""
        if one.text.startswith("#"):
            return
        match = _SAMPLE.fullmatch(one.text)
        if one.line.number == self.source.cut_line and self.held:
            # its last number may be cut, and would be read as another
            self.sink.reject(one.line.number, "cut off at the end of the file", one.line.data)
        elif match is None:
            self.sink.reject(one.line.number, "no sample of a metric", one.line.data)
        else:
            self._sample(one, *match.groups())

    def _sample(self, one: Timed, name: str, labels: str | None, value: str, stamp: str | None) -> None:
        at = self._time(f"{name}{{{labels or ''}", stamp, one.at)
        if at is None:
            self.without_time += 1
        else:
            self._hold(name, labels or "", at, float(value), one.line.number)

    def _time(self, identity: str, stamp: str | None, said: float | None) -> float | None:
        """The sample's own time, else the scrape's, else, for the first scrape only, the file's."""
        if stamp is not None:
            if not self.stated:
                self.stated = True
                self.sink.clock(Clock("+00:00", "stated"))
            number = float(stamp)
            return number / 1000.0 if abs(number) > 1e11 else number
        if said is not None:
            return said
        if identity in self.untimed:
            return None
        self.untimed.add(identity)
        return time_of_file(self.source, self.sink)

    def _hold(self, name: str, text: str, at: float, value: float, line: int) -> None:
        identity = f"{name}{{{text}"
        if identity not in self.held:
            self.held[identity] = Named(name, labels_of(text)), line, [], []
        self.held[identity][2].append(at)
        self.held[identity][3].append(value)
        self.count += 1
        if self.count >= SAMPLES_HELD:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        for named, line, at, value in self.held.values():
            self.writer.write(named, np.array(at), np.array(value), line)
        self.held, self.count = {}, 0


def labels_of(text: str) -> dict[str, str]:
    """`a="x",b="y\\"z"` as a dictionary, with its escapes undone."""
    return {name: re.sub(r"\\.", _unescaped, value) for name, value in _LABEL.findall(text)}


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match.group(), match.group()[1:])
