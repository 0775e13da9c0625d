"""cloud_sql_proxy, versions 1 and 2, as text and as JSON.

    2025/09/02 06:15:12 New connection for "proj:region:db"
    2025/09/02 06:15:12 Client closed local connection on 127.0.0.1:5432
    {"timestamp":"2025-09-02T06:15:12Z","severity":"INFO","message":"[proj:region:db] Accepted connection from ..."}

Version 1 writes everything to stderr, so a severity of ERROR says nothing. Opened and closed connections carry no common
name: they can be counted, not matched.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import msgspec

from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import BAD_JSON, Entry, Unreadable
from floodmark.evidence.logs.formats import Stateless
from floodmark.evidence.nouns import EventKind
from floodmark.evidence.sinks import Moment
from floodmark.evidence.sinks_lines import LineSink

_TEXT = re.compile(
    rb"(?:[IWEF] )?(\d{4}[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)[: ]"
    rb"(?:\[?(?:DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL)\]?:? )?(.*)\Z",
    re.DOTALL,
)
_POOL = rb"\[?([a-z][\w.:-]+:[\w-]+:[\w.-]+)\]?"
_OPEN = re.compile(rb'New connection for "([^"]+)"|' + _POOL + rb" Accepted connection from ")
_CLOSE = re.compile(
    rb"Client closed local connection on|"
    + _POOL
    + rb' (?:client|instance) closed the connection|Instance "?([\w.:-]+)"? closed connection'
)
_BROKEN = re.compile(
    _POOL + rb" (?:connection aborted|failed to connect to instance)|couldn't connect to \"?([\w.:-]+)"
    rb"|(?:Reading data from|Writing data to) .* had error"
)
_REFUSED = re.compile(rb"(?:.*[:\]] )?(?:too many open connections \(max \d+\)|max connections \(\d+\) exceeded)")
_COUNTED = ((_OPEN, "connection-open"), (_CLOSE, "connection-close"), (_REFUSED, "connection-refused"),
            (_BROKEN, "connection-error"))  # fmt: skip
_LIFE: tuple[tuple[re.Pattern[bytes], EventKind], ...] = (
    (re.compile(rb"Ready for new connections|The proxy has started successfully"), "start"),
    (re.compile(rb"Received TERM signal|The proxy has encountered a terminal error|SIGTERM signal received"), "stop"),
)
_OTHER = re.compile(
    rb"Listening on \S+ for |Throttling refreshCfg|TCP keepalive|Rlimits for file|using credential|Using gcloud"
    rb"|refreshing ephemeral certificate|Cloud SQL Auth proxy|cloud_sql_proxy|Authorizing with|current FDs rlimit"
    rb"|\[[a-z][\w.:-]+:[\w-]+:[\w.-]+\] |Ephemeral certificate|failed to refresh|Not retrying|Scheduling refresh"
)


class Structured(msgspec.Struct):
    """A line as JSON."""

    timestamp: str
    message: str
    severity: str = ""


_DECODE = msgspec.json.Decoder(Structured)


class CloudSql(Stateless):
    """Connections opened, closed, refused and broken."""

    kind = "cloudsql-proxy"

    def __init__(self) -> None:
        self._mine = False

    @staticmethod
    def matches(data: bytes) -> bool:
        """One of the proxy's own messages after a time."""
        split = _split(data)
        return split is not None and _meaning(split[1]) is not None

    def feed(self, entry: Entry, sink: LineSink) -> bool:
        """Read one line."""
        split = _split(entry.data)
        if split is None:
            # an entry of Cloud Logging made of a line of JSON has lost its time to the entry
            return self._untimed(entry, sink)
        stamp, message = split
        meaning = _meaning(message)
        if meaning is None and (not self._mine or message.startswith(b"[")):
            return False
        try:
            at, east = times.stamp(stamp)
        except ValueError:
            raise Unreadable("no such time") from None
        self._mine = True
        moment = sink.local(entry, at) if east is None else sink.zoned(at, east)
        if meaning is not None:
            _tell(meaning, moment, entry, sink)
        return True

    def _untimed(self, entry: Entry, sink: LineSink) -> bool:
        meaning = _meaning(entry.data) if entry.at is not None or entry.wall is not None else None
        moment = sink.told(entry) if meaning is not None else None
        if meaning is None or moment is None:
            return False
        self._mine = True
        _tell(meaning, moment, entry, sink)
        return True


class Meaning(NamedTuple):
    """What a message says: a kind of tally about a pool, or an event, or nothing that is counted."""

    kind: str = ""
    pool: str = ""
    event: EventKind | None = None


def _tell(meaning: Meaning, moment: Moment, entry: Entry, sink: LineSink) -> None:
    if meaning.event:
        sink.happened(meaning.event, moment, entry)
    elif meaning.kind:
        sink.count(meaning.kind, moment, entry, meaning.pool)
        if meaning.kind == "connection-open":
            sink.start("connections", meaning.pool, moment, entry.line)


@lru_cache(4096)
def _meaning(message: bytes) -> Meaning | None:
    """None for what the proxy does not write."""
    for pattern, kind in _COUNTED:
        found = pattern.match(message)
        if found:
            pool = next((group for group in found.groups() if group), b"")
            return Meaning(kind, pool.decode("utf-8", "backslashreplace"))
    for pattern, event in _LIFE:
        if pattern.search(message):
            return Meaning(event=event)
    return Meaning() if _OTHER.match(message) else None


def _split(data: bytes) -> tuple[bytes, bytes] | None:
    if data.startswith(b"{"):
        try:
            line = _DECODE.decode(data)
        except BAD_JSON:
            return None
        return line.timestamp.encode(), line.message.encode()
    match = _TEXT.match(data)
    return (match[1], match[2]) if match else None
