"""The application's own log, as RSR writes it, and its heartbeats.

    INFO 2025-09-02 08:15:13,204 heartbeat Starting cache heartbeat for 'unique_django_q:rsr.jobs.x' with timeout 30

A heartbeat tells that a task holds a key; a missing one means that its process was starved or the key evicted.
"""

from __future__ import annotations

import re

from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import Entry, Unreadable
from floodmark.evidence.logs.formats import Stateless
from floodmark.evidence.logs.tasks import TaskBook
from floodmark.evidence.logs.templates import template_of
from floodmark.evidence.sinks_lines import LineSink

_LEVEL = rb"(?P<level>DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL)"
_STAMP = rb"(?P<stamp>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?(?:Z| ?[+-]\d\d:?\d\d)?)"
_LINES = (
    re.compile(_LEVEL + rb":? +\[?" + _STAMP + rb"\]? +(?P<module>[\w.:-]+):? +(?P<message>.*)\Z", re.DOTALL),
    re.compile(
        rb"\[?"
        + _STAMP
        + rb"\]?:? +\[?"
        + _LEVEL
        + rb"(?:/[\w.:-]+)?\]?:? +\[?(?P<module>[\w.:-]+)\]?:? +(?P<message>.*)\Z",
        re.DOTALL,
    ),
    re.compile(
        rb"\[?" + _STAMP + rb"\]? *- *(?P<module>[\w.:-]+) *- *" + _LEVEL + rb" *- *(?P<message>.*)\Z", re.DOTALL
    ),
)
_BEAT = re.compile(rb"(Starting|Ended|Signaling|Renewing)\b.*?(?:for|of)? ?'([^']+)'")
_SKIPPED = re.compile(rb"(?i).*\b(?:skip|already running|heartbeat (?:found|exists))")
_FUNCTION = re.compile(r"(?:[\w-]*:)?([A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+)\Z")


class Application(Stateless):
    """Heartbeats, and errors by message."""

    kind = "application-log"

    def __init__(self, tasks: TaskBook) -> None:
        self.tasks = tasks

    @staticmethod
    def matches(data: bytes) -> bool:
        """Level, time and module in one of the usual orders."""
        return any(pattern.match(data) for pattern in _LINES)

    def feed(self, entry: Entry, sink: LineSink) -> bool:
        """Read one line."""
        match = next((found for pattern in _LINES if (found := pattern.match(entry.data))), None)
        if match is None:
            return False
        level, stamp, module, message = match["level"], match["stamp"], match["module"], match["message"]
        try:
            at, east = times.stamp(stamp)
        except ValueError:
            raise Unreadable("no such time") from None
        moment = sink.local(entry, at) if east is None else sink.zoned(at, east)
        beat = _BEAT.match(message) if b"heartbeat" in entry.data else None
        if beat:
            key = beat[2].decode("utf-8", "backslashreplace")
            sink.count("heartbeat", moment, entry, key)
            function = _FUNCTION.match(key)
            if function and beat[1] == b"Starting":
                self.tasks.name_latest(function[1], moment)
        elif module == b"heartbeat" and _SKIPPED.match(message):
            sink.count("heartbeat-skipped", moment, entry)
        elif level in (b"ERROR", b"CRITICAL", b"FATAL"):
            sink.count("error", moment, entry, template_of(message))
        return True
