"""uWSGI. With --memory-report every request line is a sample of its process's memory, tied to a request.

    {address space usage: 312475648 bytes/298MB} {rss usage: 96468992 bytes/92MB} [pid: 51|app: 0|req: 12/40] 10.0.3.9 ()
    {38 vars in 611 bytes} [Tue Sep  2 08:14:09 2025] GET /project/7/iati/ => generated 910 bytes in 41 msecs
    (HTTP/1.1 200) 4 headers in 120 bytes (1 switches on core 0)

The time is the start, in the worker's zone. Lines that uWSGI could not parse itself have `- -` for a request.
"""

from __future__ import annotations

import re

import numpy as np

from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import Entry, Unreadable
from floodmark.evidence.logs.requests import UWSGI, Request
from floodmark.evidence.nouns import EventKind
from floodmark.evidence.readers import SeriesKey
from floodmark.evidence.sinks import Moment
from floodmark.evidence.sinks_lines import LineSink

_REQUEST = re.compile(
    rb"(?:\{address space usage: \d+ bytes/\d+MB\} )?(?:\{rss usage: (\d+) bytes/\d+MB\} )?"
    rb"\[pid: (\d+)\|app: [^|]*\|req: [^\]]*\] (\S*) \((.*?)\) \{\d+ vars in \d+ bytes\} "
    rb"\[([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})\] (.*) => generated (\d+) bytes in (\d+) (msecs|micros)"
    rb"(?: via \w+\(\))? \((\S*) (\d{3})\)(.*)\Z",
    re.DOTALL,
)
_PREFIX = re.compile(rb"(?:\{address space usage: |\{rss usage: |\[pid: \d+\|app: )")
_STAMP = re.compile(rb"([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}) - ")
_TARGET = re.compile(rb"[A-Z]{1,16} ([^?]*)")

EVENTS: tuple[tuple[re.Pattern[bytes], EventKind], ...] = (
    (re.compile(rb"\*\*\* HARAKIRI ON WORKER \d+ \(pid: (\d+)"), "worker-timeout"),
    (re.compile(rb"DAMN ! worker \d+ \(pid: (\d+)\) died, killed by signal 9"), "worker-killed"),
    (re.compile(rb"DAMN ! worker \d+ \(pid: (\d+)\) (?:MYSTERIOUSLY )?died"), "worker-killed"),
    (re.compile(rb"worker \d+ killed successfully \(pid: (\d+)\)"), "worker-exit"),
    (re.compile(rb"(?:spawned uWSGI worker \d+|Respawned uWSGI worker \d+) .*?pid: (\d+)"), "worker-boot"),
    (re.compile(rb"worker \d+ lifetime reached"), "recycled"),
    (re.compile(rb"\.\.\.The work of process (\d+) is done\. Seeya!"), "recycled"),
    (re.compile(rb"\*\*\* Starting uWSGI "), "start"),
    (re.compile(rb"(?:SIGINT|SIGTERM|SIGQUIT) received\.\.\.|goodbye to uWSGI"), "stop"),
    (re.compile(rb"\.\.\.gracefully killing workers|binary reloading uWSGI"), "restart"),
)
SAMPLES_HELD = 2000


class Uwsgi:
    """Requests with the memory of the process that served them."""

    kind = "uwsgi"

    def __init__(self) -> None:
        self._samples: dict[bytes, tuple[list[float], list[float], int]] = {}
        self._latest: Moment | None = None

    @staticmethod
    def matches(data: bytes) -> bool:
        """A request line, or one of the messages about workers."""
        return _REQUEST.match(data) is not None or any(pattern.search(data) for pattern, _ in EVENTS)

    def feed(self, entry: Entry, sink: LineSink) -> bool:
        """Read one line."""
        match = _REQUEST.match(entry.data)
        if match:
            self._request(match, entry, sink)
            return True
        if _PREFIX.match(entry.data):
            raise Unreadable("a request line that is cut or broken")
        return self._event(entry, sink)

    def _request(self, match: re.Match[bytes], entry: Entry, sink: LineSink) -> None:
        rss, pid, address, _, stamp, target, sent, took, unit, _, status, _ = match.groups()
        try:
            start = times.ctime(stamp)
        except ValueError:
            raise Unreadable("no such time") from None
        seconds = int(took) / (1000 if unit == b"msecs" else 1_000_000)
        # a wrapper's time is that of the line, written at the end of the request
        moment = sink.local(entry, start + (seconds if entry.at is not None else 0))
        began = moment.at - (seconds if entry.at is not None else 0)
        found = _TARGET.match(target)
        path = found[1] if found else b""
        sink.request(
            Request(
                entry.line, entry.data, began + seconds, seconds, int(status), float(sent), path, address
            ),
            moment.lane, UWSGI,
        )  # fmt: skip
        self._latest = moment
        if rss:
            at, value, line = self._samples.setdefault(pid, ([], [], entry.line))
            at.append(began + seconds)
            value.append(float(rss))
            if len(at) >= SAMPLES_HELD:
                self._write(sink, pid, at, value, line)
                del self._samples[pid]

    def _event(self, entry: Entry, sink: LineSink) -> bool:
        stamp = _STAMP.match(entry.data)
        if stamp:
            self._latest = sink.local(entry, times.ctime(stamp[1]))
        elif entry.at is not None:
            self._latest = sink.local(entry, entry.at)
        for pattern, kind in EVENTS:
            found = pattern.search(entry.data)
            if found and self._latest is not None:
                # few of these lines carry a time: then it is that of the line before
                sink.happened(kind, self._latest, entry, process=found[1].decode() if found.re.groups else None)
            if found:
                return True
        return False

    def follow(self, entry: Entry, sink: LineSink) -> None:
        """Nothing to add."""

    def finish(self, sink: LineSink) -> None:
        """Write the samples held back."""
        for pid, (at, value, line) in sorted(self._samples.items()):
            self._write(sink, pid, at, value, line)
        self._samples.clear()

    def _write(self, sink: LineSink, pid: bytes, at: list[float], value: list[float], line: int) -> None:
        key = SeriesKey(sink.service or "", "rss", "uwsgi rss usage", sink.instance, pid.decode(), unit="bytes")
        lane = self._latest.lane if self._latest else sink.zoned_lane()
        order = np.argsort(np.array(at), kind="stable")
        sink.process_samples(key, lane, np.array(at)[order], np.array(value)[order], line)
