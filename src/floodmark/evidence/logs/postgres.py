"""PostgreSQL: stderr with the usual prefixes, Cloud SQL's text, csvlog and jsonlog.

    2025-09-02 06:15:14.087 UTC [771] LOG:  disconnection: session time: 0:00:01.178 user=rsr database=rsr host=127.0.0.1

Lines that begin with a TAB and DETAIL, HINT, CONTEXT, STATEMENT belong to the message before them. The zone is an
abbreviation; those that stand for several zones are read as a wall clock of unknown zone.
"""

from __future__ import annotations

import csv
import re

import msgspec

from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import BAD_JSON, Entry, Unreadable
from floodmark.evidence.logs.templates import template_of
from floodmark.evidence.nouns import EventKind
from floodmark.evidence.sinks import Moment
from floodmark.evidence.sinks_lines import LineSink

_SEVERITY = (
    rb"(?P<severity>LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG\d?|DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION)"
)
_STDERR = re.compile(
    rb"(?P<before>(?:\S{1,80} ){0,4}?\S{0,20}?)(?<![\d.])"
    rb"(?:(?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) (?P<zone>[A-Z]{1,5}|[+-]\d\d(?::?\d\d)?)\b"
    rb"|(?P<epoch>1\d{9}\.\d{3})(?!\d))"
    rb"(?P<prefix>.{0,300}?)" + _SEVERITY + rb":  (?P<message>.*)\Z",
    re.DOTALL,
)
"""A time (%m, %t, or %n since the epoch) with the rest of `log_line_prefix` around it."""

_NAMED = re.compile(rb"@|(?<![\w.])(?:app|user|db|usr|u|d|a)=", re.IGNORECASE)
_TIME_AGAIN = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|(?<!\d)1\d{9}\.\d{3}(?!\d)")
_CLOUD = re.compile(rb"(?:\[(\d+)\]: )?\[\d+-\d+\] (.{0,300}?)" + _SEVERITY + rb":  (.*)\Z", re.DOTALL)
_MORE = re.compile(rb"\[\d+-(?:[2-9]|[1-9]\d+)\] ")
"""Syslog numbers the lines of one message: [771-2] goes on with [771-1]."""

_BARE = re.compile(
    rb"(?:\[\d+\]:? |(?:[\w.\[\]-]+@[\w.\[\]-]+ )){1,2}?" + _SEVERITY + rb":  (?P<message>.*)\Z", re.DOTALL
)
_BAREST = re.compile(rb"(?P<severity>LOG|FATAL|PANIC):  (?P<message>.*)\Z", re.DOTALL)
"""Lines without any time: two blanks, and words that loggers of applications do not write."""

TIMELESS = "no time in the line: log_line_prefix needs %m"
_FIELD = rb'(?:"[^"]*"|[^",]*)'
_CSV = re.compile(
    rb"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) ([A-Z]{1,5}|[+-]\d\d(?::?\d\d)?)," + _FIELD + rb"," + _FIELD + rb",\d+,"
)
_DATABASE = re.compile(rb"database=([\w.$-]+)|\bdb=([\w.$-]+)|@([\w.$-]+):")
_CHILDREN = (b"DETAIL", b"HINT", b"CONTEXT", b"STATEMENT", b"QUERY", b"LOCATION")

COUNTED: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"connection authorized:"), "connection-open"),
    (re.compile(rb"disconnection: session time:"), "connection-close"),
    (re.compile(rb"(?:sorry, )?too many clients already|remaining connection slots"), "connection-refused"),
    (
        re.compile(rb"(?:could not (?:receive|send) data|unexpected EOF on client connection|terminating connection)"),
        "connection-error",
    ),
    (re.compile(rb"duration: [\d.]+ ms"), "database-slow"),
    (re.compile(rb"temporary file: path "), "database-temporary-file"),
)
EVENTS: tuple[tuple[re.Pattern[bytes], EventKind], ...] = (
    (re.compile(rb"database system is ready to accept connections"), "start"),
    (re.compile(rb"received (?:fast|smart|immediate) shutdown request"), "stop"),
    (re.compile(rb"server process \(PID (\d+)\) was terminated by signal 9"), "worker-killed"),
    (re.compile(rb"received SIGHUP"), "restart"),
)
CSV_COLUMNS = (23, 24, 26)
MAX_CSV_BYTES = 1 << 20


class JsonLine(msgspec.Struct):
    """A line of jsonlog."""

    timestamp: str
    error_severity: str
    message: str = ""
    dbname: str = ""
    pid: int = 0


_DECODE = msgspec.json.Decoder(JsonLine)


class Postgres:
    """Connections, statements that were logged for what they cost, and errors."""

    kind = "postgres"

    def __init__(self) -> None:
        self._quoted: list[bytes] = []
        self._began: Entry | None = None

    @staticmethod
    def matches(data: bytes) -> bool:
        """One of the prefixes, with a severity and two blanks; or csvlog; or jsonlog."""
        return (
            _STDERR.match(data) is not None
            or _CLOUD.match(data) is not None
            or (_BARE.match(data) or _BAREST.match(data)) is not None
            or _CSV.match(data) is not None
            or (data.startswith(b'{"timestamp"') and b'"error_severity"' in data)
        )

    def feed(self, entry: Entry, sink: LineSink) -> bool:
        """Read one line, or one more line of a record of csvlog."""
        if self._began is not None:
            return self._csv_more(entry, sink)
        data = entry.data
        if data.startswith(b"{"):
            return self._json(entry, sink)
        if match := _STDERR.match(data):
            moment = self._moment_of(match, entry, sink)
            self._message(
                moment, match["severity"], match["message"], match["prefix"] + b" " + match["message"], entry, sink
            )
            return True
        if self._untimed(entry, sink):
            return True
        if _CSV.match(data):
            self._began = entry
            self._quoted = []
            return self._csv_more(entry, sink)
        return False

    def _untimed(self, entry: Entry, sink: LineSink) -> bool:
        """A line whose time is only around it, or nowhere."""
        data = entry.data
        if _MORE.match(data):
            return True
        if cloud := _CLOUD.match(data):
            severity, about, message = cloud["severity"], cloud[2] + b" " + cloud[4], cloud[4]
        elif bare := _BARE.match(data) or _BAREST.match(data):
            severity, about, message = bare["severity"], data, bare["message"]
        else:
            return False
        moment = sink.told(entry)
        if moment is None:
            raise Unreadable(TIMELESS)
        self._message(moment, severity, message, about, entry, sink)
        return True

    def _moment_of(self, match: re.Match[bytes], entry: Entry, sink: LineSink) -> Moment:
        """Raises Unreadable where a client may have written the time: before it stands a name, and behind it a time."""
        if _NAMED.search(match["before"]) and _TIME_AGAIN.search(match["prefix"]):
            raise Unreadable(
                "two times in the prefix after a name that clients choose: log_line_prefix should begin with %m"
            )
        if match["epoch"]:
            return sink.zoned(float(match["epoch"]))
        return self._moment(entry, match["stamp"], match["zone"], sink)

    def _moment(self, entry: Entry, stamp: bytes, zone: bytes, sink: LineSink) -> Moment:
        try:
            at, _ = times.stamp(stamp)
            if zone[:1] in b"+-":
                east = times.offset_seconds(zone)
                return sink.zoned(at - east, east)
        except ValueError:
            raise Unreadable("no such time") from None
        hours = times.ABBREVIATIONS.get(zone)
        if hours is None:
            return sink.local(entry, at)
        return sink.zoned(at - hours * 3600, hours * 3600)

    def _json(self, entry: Entry, sink: LineSink) -> bool:
        try:
            line = _DECODE.decode(entry.data)
        except BAD_JSON:
            return False
        stamp, _, zone = line.timestamp.rpartition(" ")
        moment = self._moment(entry, stamp.encode(), zone.encode(), sink)
        self._message(
            moment, line.error_severity.encode(), line.message.encode(), b"db=" + line.dbname.encode(), entry, sink
        )
        return True

    def _csv_more(self, entry: Entry, sink: LineSink) -> bool:
        """A record of csvlog ends at the line after which its quotes are even."""
        self._quoted.append(entry.data)
        record = b"\n".join(self._quoted)
        if record.count(b'"') % 2 and len(record) < MAX_CSV_BYTES:
            return True
        began, self._began = self._began, None
        text = record.decode("utf-8", "backslashreplace").replace("\n", " ").replace("\r", " ").replace("\0", " ")
        try:
            fields = next(csv.reader([text]), [])
        except csv.Error as error:
            raise Unreadable(f"no row of csvlog: {error}") from None
        if len(fields) not in CSV_COLUMNS or began is None:
            raise Unreadable(f"{len(fields)} columns, where csvlog has {', '.join(map(str, CSV_COLUMNS))}")
        stamp, _, zone = fields[0].rpartition(" ")
        moment = self._moment(began, stamp.encode(), zone.encode(), sink)
        self._message(moment, fields[11].encode(), fields[13].encode(), b"db=" + fields[2].encode(), began, sink)
        return True

    def _message(
        self, moment: Moment, severity: bytes, message: bytes, about: bytes, entry: Entry, sink: LineSink
    ) -> None:  # fmt: skip
        if severity in _CHILDREN:
            return
        for pattern, kind in COUNTED:
            if pattern.match(message):
                found = _DATABASE.search(about)
                name = next((group.decode() for group in found.groups() if group), "") if found else ""
                sink.count(kind, moment, entry, name)
                if kind == "connection-open":
                    sink.start("connections", name, moment, entry.line, rank=1)
                return
        for pattern, event in EVENTS:
            life = pattern.match(message)
            if life:
                sink.happened(event, moment, entry, process=life[1].decode() if life.re.groups else None)
                return
        if severity in (b"ERROR", b"FATAL", b"PANIC"):
            sink.count("error", moment, entry, template_of(message))

    def follow(self, entry: Entry, sink: LineSink) -> None:
        """TAB lines go on with a statement."""

    def finish(self, sink: LineSink) -> None:
        """A record of csvlog that never ended is dropped; its lines were counted."""
        self._began = None
