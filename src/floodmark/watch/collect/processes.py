"""Processes of this machine: by command, by a gunicorn master with its workers, by a pid file with its descendants."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable
from pathlib import Path

from floodmark.watch.collect.base import Collected, Sample
from floodmark.watch.collect.proc import Identity, Proc
from floodmark.watch.config import Processes


class ProcessCollector:
    """RSS of every process each round, PSS every `pss_every_seconds`, at most `max_processes` processes."""

    def __init__(
        self,
        config: Processes,
        *,
        pss_every_seconds: float,
        max_processes: int,
        proc: Proc | None = None,
    ) -> None:
        self.config = config
        self.name = f"processes {config.service}"
        self.instance = socket.gethostname()
        self._proc = proc or Proc()
        self._pattern = re.compile(config.command) if config.command else None
        self._pss_every_seconds, self._max_processes = pss_every_seconds, max_processes
        self._pss_at = float("-inf")
        self._matches: dict[Identity, bool] = {}

    def collect(self, now: float) -> Collected:
        """One round. A process that ends between two readings is left out; none at all is a problem worth saying."""
        found = self._find()
        with_pss = now - self._pss_at >= self._pss_every_seconds
        if with_pss:
            self._pss_at = now
        samples = [
            sample for one in found[: self._max_processes] for sample in self._measure(one, now, with_pss=with_pss)
        ]
        samples.append(self._sample("processes", None, now, float(len(found)), None))
        return Collected(tuple(samples), problem=self._problem(found))

    def close(self) -> None:
        """Nothing is held open."""

    def _measure(self, one: Identity, now: float, *, with_pss: bool) -> Iterable[Sample]:
        process, rss = str(one.pid), self._proc.rss_bytes(one.pid)
        if rss:
            yield self._sample("rss", process, now, float(rss), one.started)
        pss = self._proc.pss_bytes(one.pid) if with_pss and rss else None
        if pss:
            yield self._sample("pss", process, now, float(pss), one.started)

    def _sample(self, measure: str, process: str | None, now: float, value: float, started: float | None) -> Sample:
        return Sample(self.config.service, self.instance, process, measure, now, value, started)

    def _problem(self, found: list[Identity]) -> str | None:
        if not found:
            return f"{self.name}: no process found by {self._how()}"
        if len(found) > self._max_processes:
            return f"{self.name}: {len(found)} processes, only the first {self._max_processes} are measured"
        return None

    def _how(self) -> str:
        if self._pattern:
            return f"command {self._pattern.pattern!r}"
        return f"pid file {self.config.gunicorn or self.config.pid_file}"

    def _find(self) -> list[Identity]:
        alive = [one for pid in self._proc.pids() if (one := self._proc.identity(pid))]
        if self._pattern:
            return self._by_command(alive)
        root = _pid_in(self.config.gunicorn or self.config.pid_file)
        return _with_descendants(alive, root) if root else []

    def _by_command(self, alive: list[Identity]) -> list[Identity]:
        assert self._pattern
        # A command line is read once a process, not once a round: it is most of what a round would cost.
        known = self._matches
        self._matches = {
            one: known[one] if one in known else bool(self._pattern.search(self._proc.command(one.pid)))
            for one in alive
        }
        return [one for one, matches in self._matches.items() if matches and one.pid != os.getpid()]


def _pid_in(path: Path | None) -> int | None:
    try:
        return int(path.read_text().split()[0]) if path else None
    except (OSError, ValueError, IndexError):
        return None


def _with_descendants(alive: list[Identity], root: int) -> list[Identity]:
    children: dict[int, list[Identity]] = {}
    for one in alive:
        children.setdefault(one.parent, []).append(one)
    found = [one for one in alive if one.pid == root]
    for one in found:
        found.extend(child for child in children.get(one.pid, ()) if child not in found)
    return found
