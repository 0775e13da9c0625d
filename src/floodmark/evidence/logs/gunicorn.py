"""The error log of gunicorn. Arbiter and workers write it in two zones: Django sets TZ in the workers only.

    [2025-09-02 06:15:11 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:23)
    [2025-09-02 08:15:11 +0200] [23] [INFO] Worker exiting (pid: 23)

"Perhaps out of memory?" is also written when gunicorn itself kills a worker a second after its timeout: it is the end of
a worker, no evidence for a lack of memory. `Error handling request /x` followed by SystemExit names the request that was
in flight at a timeout.
"""

from __future__ import annotations

import re

from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import Entry, Unreadable
from floodmark.evidence.logs.templates import template_of
from floodmark.evidence.nouns import EventKind
from floodmark.evidence.sinks import Moment
from floodmark.evidence.sinks_lines import LineSink

_LEVELS = rb"(DEBUG|INFO|WARNING|ERROR|CRITICAL)"
_LINE = re.compile(
    rb"\[?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: [+-]\d{4})?)\]? \[(\d+)\] \[" + _LEVELS + rb"\] (.*)\Z", re.DOTALL
)
_LOST = re.compile(rb"Error handling request (\S*)")
_LISTENING = re.compile(rb"Listening at: https?://[^\s/]*:(\d+)")

EVENTS: tuple[tuple[re.Pattern[bytes], EventKind], ...] = (
    (re.compile(rb"WORKER TIMEOUT \(pid: ?(\d+)\)"), "worker-timeout"),
    (re.compile(rb"Worker \(pid: ?(\d+)\) was sent SIGKILL!"), "worker-killed"),
    (re.compile(rb"Worker with pid (\d+) was terminated due to signal \d+"), "worker-killed"),
    (re.compile(rb"Worker \(pid: ?(\d+)\) (?:was sent code|was sent SIG|exited with code)"), "worker-exit"),
    (re.compile(rb"Booting worker with pid:? ?(\d+)"), "worker-boot"),
    (re.compile(rb"Worker exiting \(pid:? ?(\d+)\)"), "worker-exit"),
    (
        re.compile(rb"Worker failed to boot|Exception in worker process|Reason: (?:App failed|Worker failed)"),
        "worker-exit",
    ),
    (re.compile(rb"Autorestarting worker after current request|Maximum requests? .*(?:reached|exceeded)"), "recycled"),
    (re.compile(rb"Starting gunicorn "), "start"),
    (re.compile(rb"Handling signal: (?:term|int|quit)\b"), "stop"),
    (re.compile(rb"Handling signal: (?:hup|usr2)\b"), "restart"),
    (re.compile(rb"Parent changed, shutting down"), "stop"),
)
"""What a message means, with the pid it names; where it names none, it is about the process that writes it."""

PENDING_SECONDS = 30.0


class GunicornError:
    """Life and death of workers, and requests they died on."""

    kind = "gunicorn-error"

    def __init__(self) -> None:
        self._timed_out: dict[bytes, float] = {}
        self._pending: tuple[bytes, Moment, Entry, bytes] | None = None

    @staticmethod
    def matches(data: bytes) -> bool:
        """Time, pid and level in brackets."""
        return _LINE.match(data) is not None

    def feed(self, entry: Entry, sink: LineSink) -> bool:
        """Read one line."""
        match = _LINE.match(entry.data)
        if match is None:
            return False
        stamp, pid, level, message = match.groups()
        try:
            at, east = times.stamp(stamp)
        except ValueError:
            raise Unreadable("no such time") from None
        moment = sink.local(entry, at) if east is None else sink.zoned(at, east)
        self._settle(sink, lost=False)
        for pattern, kind in EVENTS:
            found = pattern.match(message)
            if found:
                process = found[1] if found.re.groups else pid
                self._event(kind, process, moment, entry, sink)
                return True
        self._other(pid, level, message, moment, entry, sink)
        return True

    def _event(self, kind: EventKind, process: bytes, moment: Moment, entry: Entry, sink: LineSink) -> None:
        sink.happened(kind, moment, entry, process=None if kind in ("start", "stop", "restart") else process.decode())
        if kind == "worker-timeout":
            self._timed_out[process] = moment.at
            if len(self._timed_out) > 1000:
                self._timed_out.pop(next(iter(self._timed_out)))

    def _other(
        self, pid: bytes, level: bytes, message: bytes, moment: Moment, entry: Entry, sink: LineSink
    ) -> None:  # fmt: skip
        lost = _LOST.match(message)
        listening = _LISTENING.match(message)
        if lost:
            self._pending = (pid, moment, entry, lost[1])
            if moment.at - self._timed_out.get(pid, float("-inf")) < PENDING_SECONDS:
                self._settle(sink, lost=True)
        elif listening:
            sink.listens(int(listening[1]), entry.line)
        elif level in (b"ERROR", b"CRITICAL"):
            sink.count("error", moment, entry, template_of(message))

    def follow(self, entry: Entry, sink: LineSink) -> None:
        """`SystemExit` in the traceback: the request was cut off by the arbiter."""
        if self._pending and b"SystemExit" in entry.data:
            self._settle(sink, lost=True)

    def finish(self, sink: LineSink) -> None:
        """Settle a last traceback."""
        self._settle(sink, lost=False)

    def _settle(self, sink: LineSink, lost: bool) -> None:
        if self._pending is None:
            return
        pid, moment, entry, path = self._pending
        self._pending = None
        if lost:
            sink.happened("request-lost", moment, entry, process=pid.decode())
            sink.lost(moment, entry.line, path.partition(b"?")[0])
        else:
            sink.count("error", moment, entry, "Error handling request *")
