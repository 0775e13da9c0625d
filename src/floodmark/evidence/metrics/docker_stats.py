"""The output of `docker stats`, as its table or as JSON lines, kept with the time of each.

    CONTAINER ID   NAME       CPU %   MEM USAGE / LIMIT     MEM %   NET I/O   BLOCK I/O   PIDS
    1f2e3d4c5b6a   web        1.20%   461.2MiB / 1.944GiB   23.1%   1kB / 0B  0B / 0B     12

The command leaves inactive file pages out, so its memory is a working set (docker CLI, `calculateMemUsageUnixNoCache`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import numpy as np

from floodmark.evidence.readers import Head, SeriesKey, Sink, Source

from .moments import parse
from .naming import service_of_container
from .snapshots import Held, Timed, time_of_file, timed, unstamped
from .units import cell

_HEADER = re.compile(r"(CONTAINER( ID)?\s+)?.*\bMEM USAGE / LIMIT\b")
_BYTES = r"\d[\d.]*\s?[kKMGT]?i?B"
_USAGE = re.compile(rf"(?P<used>{_BYTES})\s*/\s*(?P<limit>{_BYTES})")
_WHOLE = re.compile(rf"(?:[0-9a-f]{{10,64}}\s+)?(?P<name>\S+)\s+[\d.]+%\s+(?P<usage>{_BYTES} / {_BYTES})\s+[\d.]+%")
"""A row of the table; the name is the cell before the CPU."""

_SHORT = re.compile(
    rf"(?:[0-9a-f]{{12,64}}\s+(?=[^\d\s]))?(?P<name>[^\s:]\S*?)[:,]?\s+(?:[\d.]+%\s+)?(?P<usage>{_BYTES} / {_BYTES})"
)
"""A row of `--format` with the memory straight after the name."""

_STOPPED = re.compile(r"--\s+-- / --")
"""A container that does not run has no memory: that is no fault of the line."""


class DockerStats:
    """Reader of both forms."""

    kind = "docker-stats"

    def recognise(self, head: Head) -> float:
        """By the heading of the table or by `MemUsage` in JSON lines."""
        for line in head.lines[:40]:
            text = unstamped(line.decode("utf-8", "replace")).strip()
            if _HEADER.match(text) or (text.startswith("{") and '"MemUsage"' in text) or _WHOLE.match(text):
                return 0.97
        return 0.0

    def read(self, source: Source, sink: Sink) -> None:
        """Every table or line in the file."""
        stats = _Stats(source, sink, Held(sink))
        for one in timed(source, sink):
            stats.take(one)
        stats.held.flush()
        if stats.without_time:
            sink.remark(
                f"{stats.without_time:,} lines have no time and were left out: write the time before each output "
                "(date -u +%FT%TZ), or into the JSON with --format"
            )


@dataclass(slots=True)
class _Stats:
    """The outputs of one file while they are read."""

    source: Source
    sink: Sink
    held: Held
    without_time: int = 0
    seen: set[str] = field(default_factory=set)
    limits: dict[str, float] = field(default_factory=dict)

    def take(self, one: Timed) -> None:
        """One line: a heading, or a container."""
        text = one.text.strip()
        if _HEADER.match(text) or _STOPPED.search(text):
            return
        row = _json_row(text) if text.startswith("{") else _table_row(text)
        match = _USAGE.search(row.get("MemUsage", "")) if row else None
        if row is None or match is None:
            self.sink.reject(one.line.number, "no container with its memory", one.line.data)
            return
        name = row.get("Name") or row.get("Container") or row.get("ID") or ""
        at = self._time(row, name, one.at)
        if at is None:
            self.without_time += 1
            return
        self._hold(name, "working_set", "MEM USAGE", at, cell(match.group("used"))[0], one.line.number)
        if row.get("PIDs", "").isdigit():
            self._hold(name, "processes", "PIDS", at, float(row["PIDs"]), one.line.number)
        self._limit(name, cell(match.group("limit"))[0], one.line.number)
        self.sink.record()

    def _time(self, row: dict[str, str], name: str, said: float | None) -> float | None:
        for key in ("time", "timestamp", "Time", "Timestamp", "ts", "@timestamp", "date"):
            if key in row and np.isfinite(at := float(parse([row[key]]).at[0])):
                return at
        if said is not None or name in self.seen:
            return said
        self.seen.add(name)
        return time_of_file(self.source, self.sink)

    def _hold(self, name: str, measure: str, metric: str, at: float, value: float, line: int) -> None:
        key = SeriesKey(service_of_container(name), measure, metric, name, labels=(("container", name),), unit="B")
        self.held.add(key, at, value, line)

    def _limit(self, name: str, value: float, line: int) -> None:
        if self.limits.get(name) != value:
            self.limits[name] = value
            self.sink.limit("memory", value, line, service=service_of_container(name))


def _json_row(text: str) -> dict[str, str] | None:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return {str(key): str(value) for key, value in row.items()} if isinstance(row, dict) else None


def _table_row(text: str) -> dict[str, str] | None:
    """Cells of the table: in its usual form, or of a `--format` that has at least the name and the memory."""
    match = _WHOLE.match(text) or _SHORT.match(text)
    if not match:
        return None
    last = text.split()[-1]
    return {"Name": match["name"], "MemUsage": match["usage"], "PIDs": last if last.isdigit() else ""}
