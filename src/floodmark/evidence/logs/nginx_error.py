"""The error log of nginx.

    2025/09/02 06:15:09 [error] 31#31: *8841 upstream timed out (110: Operation timed out) while reading response header
    from upstream, client: 10.0.3.9, server: _, request: "GET /x HTTP/1.1", upstream: "http://127.0.0.1:8000/x", host: "h"

Nothing in it is escaped, and clients choose much of it. The messages that count here hold no client's text before
`, client: `, so there the first such place is nginx's own; and no accepted request holds a blank in its target, so no
target can fake the field after it. The text of errno differs between C libraries: only its number is read.
"""

from __future__ import annotations

import re

from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import Entry, Unreadable
from floodmark.evidence.logs.formats import Stateless
from floodmark.evidence.logs.nginx_access import port_of
from floodmark.evidence.logs.templates import template_of
from floodmark.evidence.sinks_lines import LineSink

_LINE = re.compile(
    rb"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(debug|info|notice|warn|error|crit|alert|emerg)\] (\d+)#\d+: (?:\*\d+ )?(.*)\Z",
    re.DOTALL,
)
_REQUEST = re.compile(rb', request: "[A-Z]+ ([^\s?"]*)[^\s]*(?: HTTP/[\d.]+)?"')
_CUT_REQUEST = re.compile(rb', request: "[A-Z]+ ([^\s?"]*)')
_UPSTREAM = re.compile(rb', upstream: "[a-z+]+://(?:unix:[^"\s]*|([^/"\s]*))')
_EXITED = re.compile(rb"worker process (\d+) exited on signal (\d+)")
_CLIENT = b", client: "

KINDS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"upstream timed out \(110:"), "upstream-timeout"),
    (re.compile(rb"upstream prematurely closed connection|\(104: .* (?:upstream|response)"), "upstream-closed"),
    (re.compile(rb"connect\(\) (?:to \S+ )?failed \((?:111|113|110|2|11):|no live upstreams"), "upstream-refused"),
    (re.compile(rb"an upstream response is buffered to a temporary file"), "upstream-buffered"),
    (re.compile(rb"(?:limiting|delaying) (?:requests?|connections?)"), "rate-limited"),
)
"""Messages that are counted by route; each begins with words of nginx and ends before the client's."""

ENDED = ("upstream-timeout", "upstream-closed", "upstream-refused", "upstream-buffered")
"""Kinds written when a request ends, or soon before: the access log has about the same moment."""

LOST = ("upstream-timeout", "upstream-closed")
"""Kinds after which an application's own access log lacks the request."""


class NginxError(Stateless):
    """Counts what nginx says about its upstreams, by route."""

    kind = "nginx-error"

    @staticmethod
    def matches(data: bytes) -> bool:
        """A date with slashes, a level in brackets, process and thread."""
        return _LINE.match(data) is not None

    def feed(self, entry: Entry, sink: LineSink) -> bool:
        """Read one line."""
        match = _LINE.match(entry.data)
        if match is None:
            return False
        stamp, level, _, text = match.groups()
        try:
            moment = sink.local(entry, times.stamp(stamp)[0])
        except ValueError:
            raise Unreadable("no such time") from None
        message = text.partition(_CLIENT)[0]
        kind = next((kind for pattern, kind in KINDS if pattern.search(message)), None)
        if kind is not None:
            path, port = request_of(text[len(message) :])
            sink.count_route(kind, moment, entry, path, port)
            if kind in ENDED:
                sink.anchor(path, moment)
            if kind in LOST and path:
                sink.lost(moment, entry.line, path, port)
        elif level in (b"error", b"crit", b"alert", b"emerg"):
            sink.count("error", moment, entry, template_of(message))
        exited = _EXITED.search(message)
        if exited:
            sink.happened("worker-killed", moment, entry, process=exited[1].decode())
        return True


def request_of(fields: bytes) -> tuple[bytes, str]:
    """(path without query, port of the upstream) from `, client: ..., request: "...", upstream: "..."`.

    A line is cut at 2,048 bytes, so any of them may be missing.
    """
    request = _REQUEST.search(fields) or _CUT_REQUEST.search(fields)
    upstream = _UPSTREAM.search(fields, request.end() if request else 0)
    return request[1] if request else b"", port_of(upstream[1]) if upstream and upstream[1] else ""
