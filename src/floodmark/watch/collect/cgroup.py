"""A control group, v1 or v2: anonymous memory, working set, usage, limit, OOM kills, pressure.

`anon` (v2) and `rss` (v1) of memory.stat are the container's own memory without page cache; working set is usage
without inactive file pages, as the kubelet counts it.
"""

from __future__ import annotations

from pathlib import Path

from floodmark.evidence.nouns import Event, Limit, Place
from floodmark.watch.collect.base import PRESSURE, Collected, Sample
from floodmark.watch.config import Cgroup

NO_LIMIT_BYTES = 2**60
"""v1 writes "no limit" as the largest multiple of the page size; nothing real is near it."""


class CgroupCollector:
    """One group. OOM kills become events when their counter moves."""

    def __init__(self, config: Cgroup) -> None:
        self.config = config
        self.name = f"cgroup {config.service}"
        self._oom_kills: int | None = None

    def collect(self, now: float) -> Collected:
        """One round; a group that has gone is a problem said, and a counter that fell is a new group."""
        path = self.config.path
        if not path.is_dir():
            return Collected(problem=f"{self.name}: {path} is gone")
        v2 = (path / "memory.current").exists()
        usage = _number(path / ("memory.current" if v2 else "memory.usage_in_bytes"))
        if usage is None:
            return Collected(problem=f"{self.name}: {path} has neither memory.current nor memory.usage_in_bytes")
        stat = _table(path / "memory.stat")
        values = {
            "rss": stat.get("anon", stat.get("total_rss")),
            "working_set": usage - stat.get("inactive_file", 0) if v2 else usage - stat.get("total_inactive_file", 0),
            "usage": usage,
            "processes": _number(path / "pids.current"),
            PRESSURE: pressure(path / "memory.pressure"),
        }
        samples = tuple(
            Sample(self.config.service, path.name, None, measure, now, float(value))
            for measure, value in values.items()
            if value is not None
        )
        return Collected(samples, self._ooms(now, path, v2=v2), self._limit(path, v2=v2))

    def close(self) -> None:
        """Nothing is held open."""

    def _ooms(self, now: float, path: Path, *, v2: bool) -> tuple[Event, ...]:
        kills = _table(path / ("memory.events" if v2 else "memory.oom_control")).get("oom_kill")
        before, self._oom_kills = self._oom_kills, kills
        if kills is None or before is None or kills <= before:
            return ()
        text = f"the kernel killed {kills - before} process(es) of {path.name} for lack of memory"
        return (Event(now, "oom-kill", self.config.service, path.name, None, text, Place(str(path)), kills - before),)

    def _limit(self, path: Path, *, v2: bool) -> tuple[Limit, ...]:
        value = _number(path / ("memory.max" if v2 else "memory.limit_in_bytes"))
        if value is None or value >= NO_LIMIT_BYTES:
            return ()
        return (Limit(self.config.service, "memory", float(value), Place(str(path))),)


def pressure(path: Path = Path("/proc/pressure/memory")) -> float | None:
    """Share of the last ten seconds in which some task waited for memory (PSI `some avg10`), or None without PSI."""
    try:
        words = path.read_text().split()
    except OSError:
        return None
    try:
        return next((float(word[6:]) / 100 for word in words if word.startswith("avg10=")), None)
    except ValueError:
        return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _table(path: Path) -> dict[str, int]:
    try:
        rows = (line.split() for line in path.read_text().splitlines())
        return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
    except OSError:
        return {}
