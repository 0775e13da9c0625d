"""Dumps of control groups and of /proc: `memory.stat`, `memory.current`, `smaps_rollup` and `status`, with times.

    2025-09-02T06:15:00Z
    memory.current:483729408
    memory.stat:anon 412876800
    memory.stat:file 61865984

Of version 2 anon (as `pss`: shared pages counted once), current (usage) and their difference to inactive_file (working
set) are read; of version 1 rss, usage_in_bytes and the same difference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from floodmark.evidence.readers import Head, SeriesKey, Sink, Source

from .naming import service_of_container
from .snapshots import Timed, time_of_file, timed
from .writing import UNLIMITED_BYTES

MEASURES = {
    # name in the dump -> measure
    "anon": "pss", "memory.current": "usage", "memory.usage_in_bytes": "usage", "total_rss": "rss", "rss": "rss",
    "vmrss": "rss", "pss": "pss", "pss_anon": "", "pids.current": "processes",
}  # fmt: skip
LIMITS = {"memory.max", "memory.limit_in_bytes", "hierarchical_memory_limit"}
EVENTS = {"oom_kill"}
KNOWN = {
    *MEASURES, *LIMITS, *EVENTS, "file", "inactive_file", "total_inactive_file", "active_file", "cache", "total_cache",
    "oom", "high", "low", "max", "kernel_stack", "slab", "sock", "shmem", "file_mapped", "file_dirty", "memory.peak",
}  # fmt: skip

_LINE = re.compile(
    r"(?:(?P<path>[\w./@:-]*/)?(?P<file>memory\.[\w.]+|pids\.[\w.]+|smaps_rollup|status)[:=]\s*)?(?P<rest>.*)"
)
_PAIR = re.compile(r"(?P<name>[A-Za-z][\w.]*):?\s+(?P<value>\d+|max)(?P<kb>\s+kB)?")


class CgroupDump:
    """Reader of such dumps."""

    kind = "cgroup-memory"

    def recognise(self, head: Head) -> float:
        """By lines of which most are names known from those files with a number."""
        lines = [line.decode("utf-8", "replace") for line in head.lines[:200] if line.strip()]
        found = [name for line in lines for name, _ in [pair_of(line)[1:]] if name in KNOWN]
        telling = {"anon", "inactive_file", "memory.current", "memory.usage_in_bytes", "total_rss", "vmrss", "pss"}
        return 0.95 if len(found) >= 0.3 * len(lines) and telling & set(found) else 0.0

    def read(self, source: Source, sink: Sink) -> None:
        """Every dump in the file."""
        dumps = _Dumps(source, sink)
        for one in timed(source, sink):
            dumps.take(one)
        dumps.flush()
        if dumps.without_time:
            sink.remark(
                f"{dumps.without_time:,} values of further dumps have no time and were left out: write the time before "
                "each dump (date -u +%FT%TZ)"
            )


def pair_of(text: str) -> tuple[str, str, float | None]:
    """(folder or pid before the name, name, value in bytes) of a line; the value is None where none stands."""
    whole = _LINE.fullmatch(text.strip())
    if whole is None:
        return "", "", None
    rest, file = whole.group("rest").strip(), whole.group("file") or ""
    if pair := _PAIR.fullmatch(rest):
        value = float("inf") if pair.group("value") == "max" else float(pair.group("value"))
        return whole.group("path") or "", pair.group("name").lower(), value * (1024 if pair.group("kb") else 1)
    if file and re.fullmatch(r"\d+|max", rest):
        return whole.group("path") or "", file.lower(), float("inf") if rest == "max" else float(rest)
    return "", "", None


@dataclass(slots=True)
class _Dumps:
    """The dumps of one file while they are read."""

    source: Source
    sink: Sink
    without_time: int = 0
    usage: dict[str, tuple[float, float]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    limits: dict[str, float] = field(default_factory=dict)
    kills: dict[str, float] = field(default_factory=dict)
    held: dict[SeriesKey, tuple[int, list[float], list[float]]] = field(default_factory=dict)

    def take(self, one: Timed) -> None:
        """One line: a name and its value."""
        path, name, value = pair_of(one.text)
        if not name or value is None:
            if not re.match(r"[\w./:@-]+:?$", one.text.strip()):
                self.sink.reject(one.line.number, "no name with a number", one.line.data)
            return
        at = self._time(path + name, one.at)
        if at is None:
            self.without_time += 1
            return
        self.sink.record()
        self._value(path, name, at, value, one.line.number)

    def _value(self, path: str, name: str, at: float, value: float, line: int) -> None:
        if name in LIMITS:
            self._limit(path, value, line)
        elif name == "oom_kill":
            self._kill(path, at, value, line)
        elif measure := MEASURES.get(name):
            self._hold(path, measure, name, at, value, line)
        if measure_of_usage(name):
            self.usage[path] = at, value
        elif name in ("inactive_file", "total_inactive_file") and self.usage.get(path, (None,))[0] == at:
            self._hold(path, "working_set", "working_set", at, self.usage[path][1] - value, line)

    def _time(self, identity: str, said: float | None) -> float | None:
        if said is not None or identity in self.seen:
            return said
        self.seen.add(identity)
        return time_of_file(self.source, self.sink)

    def _hold(self, path: str, measure: str, name: str, at: float, value: float, line: int) -> None:
        pid = re.search(r"/proc/(\d+)/", path)
        service, instance = self._who(path)
        key = SeriesKey(service, measure, name, instance, pid.group(1) if pid else None, unit="B")
        _, times, values = self.held.setdefault(key, (line, [], []))
        if np.isfinite(value):
            times.append(at)
            values.append(value)

    def _who(self, path: str) -> tuple[str, str | None]:
        """The service of a control group: as the folder says, else the last part of its path."""
        part = path.rstrip("/").rsplit("/", 1)[-1] if "/proc/" not in path else ""
        part = re.sub(r"^(docker|cri-containerd|crio)-|\.(scope|service|slice)$", "", part)
        return self.source.service or service_of_container(part) or "", part or None

    def _limit(self, path: str, value: float, line: int) -> None:
        if value < UNLIMITED_BYTES and self.limits.get(path) != value:
            self.limits[path] = value
            self.sink.limit("memory", value, line, service=self._who(path)[0] or None)

    def _kill(self, path: str, at: float, value: float, line: int) -> None:
        """An event for each rise of the count of kills; the first count is no news."""
        before = self.kills.get(path)
        self.kills[path] = value
        if before is not None and value > before:
            service, instance = self._who(path)
            count = int(value - before)
            self.sink.event(
                at, "oom-kill", f"oom_kill {value:.0f}", line, service=service or None, instance=instance, count=count
            )

    def flush(self) -> None:
        """Write what is held."""
        for key, (line, at, value) in self.held.items():
            if at:
                self.sink.samples(key, np.array(at), np.array(value), line)


def measure_of_usage(name: str) -> bool:
    """Is this the figure that inactive file pages are taken from?"""
    return MEASURES.get(name) == "usage"
