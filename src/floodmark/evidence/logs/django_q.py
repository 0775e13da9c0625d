"""The log of a Django-Q cluster, 1.x and django-q2.

    08:15:13 [Q] INFO Process-1:2 processing [lion-nine-red-oscar]
    08:15:13 [Q] INFO Process-a28e processing lion-nine-red-oscar 'reports.tasks.build'

There is no date in it: that comes from the wrapper, or from other lines of the same stream, or at last from the file.
"""

from __future__ import annotations

import re

from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import Entry, Unreadable
from floodmark.evidence.logs.tasks import TaskBook
from floodmark.evidence.logs.templates import template_of
from floodmark.evidence.nouns import EventKind
from floodmark.evidence.sinks import Moment
from floodmark.evidence.sinks_lines import LineSink

_LINE = re.compile(rb"(\d\d:\d\d:\d\d) \[(?:Q|[\w.-]{1,40})\] (DEBUG|INFO|WARNING|ERROR|CRITICAL) (.*)\Z", re.DOTALL)
_Q = re.compile(rb"\d\d:\d\d:\d\d \[Q\] [A-Z]+ ")
_KEY = rb"(?:\[([^\]]+)\]|(\S+) '([^']*)'|(\S+))"
_PROCESSING = re.compile(rb"(\S+) processing " + _KEY)
_DONE = re.compile(rb"(Processed|Failed) (?:\[([^\]]+)\]|'([^']*)' \(([^)]*)\)|(\S+))")

EVENTS: tuple[tuple[re.Pattern[bytes], EventKind], ...] = (
    (re.compile(rb"(?:(?P<at>\S+) )?recycled worker (?P<process>\S+)"), "recycled"),
    (re.compile(rb"reincarnated (?:worker|pusher|monitor) (?P<process>\S+)"), "reincarnated"),
    (re.compile(rb"\S+ ready for work at (?P<process>\d+)"), "worker-boot"),
    (re.compile(rb"Q Cluster \S+ (?:\[[^\]]*\] )?(?:running|starting)\b"), "start"),
    (re.compile(rb"Q Cluster \S+ (?:\[[^\]]*\] )?(?:has stopped|stopp(?:ing|ed))\b"), "stop"),
    (re.compile(rb"(?P<process>\S+) stopped (?:doing work|monitoring|pushing)"), "worker-exit"),
)
_ENQUEUED = re.compile(rb"Enqueued (?:\[([^\]]+)\] )?(\d+)?")


class DjangoQ:
    """Tasks with their durations, and the lives of workers."""

    kind = "django-q"

    def __init__(self, tasks: TaskBook) -> None:
        self.tasks = tasks

    @staticmethod
    def matches(data: bytes) -> bool:
        """A time of day and [Q]."""
        return _Q.match(data) is not None

    def feed(self, entry: Entry, sink: LineSink) -> bool:
        """Read one line."""
        match = _LINE.match(entry.data)
        if match is None:
            return False
        stamp, level, message = match.groups()
        try:
            moment = sink.time_of_day(entry, times.time_of_day(stamp))
        except ValueError:
            raise Unreadable("no such time") from None
        if not (self._task(message, moment, entry, sink) or self._event(message, moment, entry, sink)):
            enqueued = _ENQUEUED.match(message)
            if enqueued:
                sink.count("task-enqueued", moment, entry)
            elif level in (b"ERROR", b"CRITICAL"):
                sink.count("error", moment, entry, template_of(message))
        return True

    def _task(self, message: bytes, moment: Moment, entry: Entry, sink: LineSink) -> bool:
        begun = _PROCESSING.match(message)
        if begun:
            _, old, new, function, bare = begun.groups()
            self.tasks.begin(_text(old or new or bare), _text(function), moment, entry, sink)
            return True
        done = _DONE.match(message)
        if done:
            word, old, function, new, bare = done.groups()
            key = _text(old or new or bare)
            self.tasks.end(key, _text(function), moment, entry, sink, failed=word == b"Failed")
            return True
        return False

    def _event(self, message: bytes, moment: Moment, entry: Entry, sink: LineSink) -> bool:
        for pattern, kind in EVENTS:
            found = pattern.match(message)
            if found:
                sink.happened(kind, moment, entry, process=_text(found.groupdict().get("process")) or None)
                return True
        return False

    def follow(self, entry: Entry, sink: LineSink) -> None:
        """The traceback of a failed task says no more than the line before it."""

    def finish(self, sink: LineSink) -> None:
        """Count the tasks that were still running."""
        self.tasks.finish(sink)


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "backslashreplace")
