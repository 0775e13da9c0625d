"""Tasks between the line that begins one and the line that ends it; shared by the formats of one stream of lines."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from floodmark.evidence.logs.entries import Entry
from floodmark.evidence.sinks import Moment
from floodmark.evidence.sinks_lines import LineSink

UNNAMED = "(unnamed)"
"""The name of tasks whose lines do not tell the function."""

MAX_OPEN = 10_000
NAMING_SECONDS = 5.0
"""How long after the beginning of a task its heartbeat may tell what it does."""

REDELIVERY_SECONDS = 24 * 3600.0
DAY = 86_400.0


@dataclass(slots=True)
class Running:
    """A task that has begun."""

    moment: Moment
    line: int
    function: str


def _between(first: Moment, second: Moment) -> float:
    """Seconds from one moment to another; by the time of day where one of them has no date."""
    apart = second.at - first.at
    return apart if first.lane.sort == second.lane.sort else (apart + DAY / 2) % DAY - DAY / 2


@dataclass(slots=True)
class TaskBook:
    """The running tasks of one stream, by the key a broker gave them."""

    running: dict[str, Running] = field(default_factory=dict)
    latest: str = ""

    def begin(self, key: str, function: str, moment: Moment, entry: Entry, sink: LineSink) -> None:
        """A worker took a task. The same key again, not yet done, is the same task delivered once more."""
        before = self.running.get(key)
        again = before is not None and 0 <= moment.at - before.moment.at < REDELIVERY_SECONDS
        if before is not None and again and function in ("", before.function):
            sink.count("task-redelivered", moment, entry, function or before.function)
            return
        if before is not None:
            self._start(self.running.pop(key), sink)
        if len(self.running) >= MAX_OPEN:
            oldest = next(iter(self.running))
            self._start(self.running.pop(oldest), sink)
        self.running[key] = Running(moment, entry.line, function)
        self.latest = key

    def end(self, key: str, function: str, moment: Moment, entry: Entry, sink: LineSink, failed: bool = False) -> None:
        """A task is done."""
        task = self.running.pop(key, None)
        if task is not None:
            task.function = task.function or function
            self._start(task, sink, moment.at - task.moment.at, failed)
        if failed:
            sink.count("task-failed", moment, entry, function or (task.function if task else ""))

    def name_latest(self, function: str, moment: Moment) -> None:
        """A heartbeat tells what the task that has just begun does."""
        task = self.running.get(self.latest)
        if task is not None and not task.function and -1.5 < _between(task.moment, moment) < NAMING_SECONDS:
            task.function = function

    def finish(self, sink: LineSink) -> None:
        """Tasks whose end was not seen."""
        for task in self.running.values():
            self._start(task, sink)
        self.running.clear()

    def _start(self, task: Running, sink: LineSink, seconds: float = math.nan, failed: bool = False) -> None:
        sink.start("task", task.function or UNNAMED, task.moment, task.line, max(seconds, 0.0), float(failed))
