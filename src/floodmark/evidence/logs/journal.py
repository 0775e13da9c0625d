"""The journal of systemd as `journalctl -o json` (also json-pretty, json-seq, json-sse), `-o export` or `-o verbose`.

    {"__REALTIME_TIMESTAMP":"1756793711120934","_SYSTEMD_UNIT":"rsr-web.service","_HOSTNAME":"web1","MESSAGE":"…"}

Its time is in microseconds UTC. The unit (or Docker's container) is the service; what kernel and systemd say is nobody's
until it names one. `-o short` and its kin are lines of syslog (wrappers.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from floodmark.evidence.logs.entries import BAD_JSON, Entry
from floodmark.evidence.logs.json_objects import objects_in
from floodmark.evidence.logs.lines import Streams
from floodmark.evidence.metrics.naming import service_of_container
from floodmark.evidence.readers import Head, Line, Sink, Source
from floodmark.evidence.sinks import SourceSink

BATCH_ENTRIES = 10_000
MAX_PARTS = 500
"""Further lines of one message that are looked at: a traceback is one entry."""

NOT_SERVICES = re.compile(r"init\.scope|(?:user@|session-|docker|containerd|systemd-|run-).*|.*\.slice|-")
NOBODY = ("kernel", "systemd")

_DECODE = msgspec.json.Decoder(dict[str, Any])
_FIELD = re.compile(rb" *([A-Z_][A-Z0-9_]*)=(.*)\Z", re.DOTALL)
_VERBOSE = re.compile(
    rb"[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* .* \[(s=[0-9a-f]+;.*\bt=([0-9a-f]{1,16});.*)\]"
)
"""The heading of an entry: the cursor, whose `t` is the time of the entry in microseconds UTC, in hexadecimal."""

_BINARY = re.compile(rb"[A-Z_][A-Z0-9_]*\Z")


class Placed(NamedTuple):
    """An entry, the line at which it begins, and its size in the file."""

    line: int
    size: int
    fields: dict[str, Any]


class Journal:
    """Reader of the structured forms."""

    kind = "journal"

    def recognise(self, head: Head) -> float:
        """By the fields that each entry has."""
        data = head.data.lstrip(b"\x1e\n ")
        if data.startswith((b"{", b"data: {")):
            return 0.98 if b'"__REALTIME_TIMESTAMP"' in head.data else 0.0
        first = next((line for line in head.lines if line.strip() and not line.startswith(b"--")), b"")
        return 0.98 if first.startswith(b"__CURSOR=") or _VERBOSE.match(first) else 0.0

    def read(self, source: Source, sink: Sink) -> None:
        """Read the whole source."""
        assert isinstance(sink, SourceSink)
        streams = Streams(sink)
        data = source.head().data.lstrip()
        if not data.startswith((b"{", b"\x1e", b"data:")):
            entries = _from_fields(source, sink)
        elif re.match(rb"\{\s*\n", data):
            entries = _from_objects(source, sink)
        else:
            entries = _from_lines(source, sink)
        while some := list(islice(entries, BATCH_ENTRIES)):
            _feed_new(some, streams, sink)
        streams.finish()
        sink.remark("entries of systemd's journal")


def _feed_new(some: list[Placed], streams: Streams, sink: SourceSink) -> None:
    """A cursor names an entry for good: what was exported twice counts once."""
    cursors = [hash(_text(one.fields.get("__CURSOR"))) for one in some]
    for one, new in zip(some, sink.ledger.seen.new("journal", cursors), strict=True):
        if new or "__CURSOR" not in one.fields:
            _feed(one, streams)
        else:
            sink.duplicate()


def _from_lines(source: Source, sink: SourceSink) -> Iterator[Placed]:
    for line in source.lines():
        data = line.data.lstrip(b"\x1e").removeprefix(b"data: ")
        if data.strip():
            yield from _decoded(line.number, data, sink)


def _from_objects(source: Source, sink: SourceSink) -> Iterator[Placed]:
    with source.stream() as stream:
        for line, data in objects_in(stream):
            yield from _decoded(line, data, sink)


def _decoded(line: int, data: bytes, sink: SourceSink) -> Iterator[Placed]:
    try:
        yield Placed(line, len(data) + 1, _DECODE.decode(data))
    except BAD_JSON:
        sink.reject(line, "cut or broken JSON", data)


def _from_fields(source: Source, sink: SourceSink) -> Iterator[Placed]:
    """Entries of lines `NAME=value`, divided by empty lines (export) or by headings with a time (verbose)."""
    fields: dict[str, Any] = {}
    began = size = 0
    binary = False
    for line in source.lines():
        size += len(line.data) + 1
        heading = _VERBOSE.match(line.data)
        if heading or not line.data.strip():
            if fields:
                yield Placed(began, size, fields)
            fields, binary, size = {}, False, 0
            if heading:
                began = line.number
                fields = {"__CURSOR": heading[1].decode(), "__REALTIME_TIMESTAMP": str(int(heading[2], 16))}
        elif match := _FIELD.match(line.data):
            began = began if fields else line.number
            fields.setdefault(match[1].decode(), match[2].decode("utf-8", "surrogateescape"))
            binary = False
        elif _BINARY.match(line.data):  # a length in eight bytes and the text follow, and line ends may be in both
            binary = True
            _no_binary(line, sink)
        elif not binary and not line.data.startswith((b"--", b" ")):
            sink.reject(line.number, "no field of the journal", line.data)
    if fields:
        yield Placed(began, size, fields)


def _no_binary(line: Line, sink: SourceSink) -> None:
    if line.data == b"MESSAGE":
        sink.reject(line.number, "a message in binary, as it has line ends or colours: export with -o json", line.data)


def _feed(placed: Placed, streams: Streams) -> None:
    line, size, fields = placed
    text = _text(fields.get("MESSAGE"))
    try:
        at = int(_text(fields.get("__REALTIME_TIMESTAMP") or fields.get("_SOURCE_REALTIME_TIMESTAMP")) or "") / 1e6
    except ValueError:
        streams.sink.reject(line, "an entry without a time", str(fields))
        return
    if text is None:
        streams.sink.reject(line, "an entry without its message: journalctl --all writes long ones too", str(fields))
        return
    program = _text(fields.get("SYSLOG_IDENTIFIER")) or _text(fields.get("_COMM")) or ""
    host = _text(fields.get("_HOSTNAME"))
    outer = Entry(line, b"", at, _service(fields, program), host, program=program)
    first, *more = text.rstrip("\r\n").split("\n")
    streams.feed(outer._replace(data=first.encode("utf-8", "surrogateescape")), size)
    for part in more[:MAX_PARTS]:
        streams.of(outer).feed(outer._replace(data=part.encode("utf-8", "surrogateescape"), part=True))


def _service(fields: dict[str, Any], program: str) -> str | None:
    if program in NOBODY:
        return None
    if container := _text(fields.get("CONTAINER_NAME")):
        return service_of_container(container)
    unit = _text(fields.get("_SYSTEMD_UNIT")) or ""
    if unit and not NOT_SERVICES.fullmatch(unit):
        return re.sub(r"(?:@[^.]*)?\.(?:service|scope)$", "", unit)
    return program or None


def _text(value: Any) -> str | None:
    """A field's text: bytes that are no plain UTF-8 come as a list of numbers, a field met twice as a list."""
    if isinstance(value, list) and value and all(isinstance(one, int) and 0 <= one < 256 for one in value):
        return bytes(value).decode("utf-8", "surrogateescape")
    if isinstance(value, list):
        return _text(value[0]) if value else None
    return value if isinstance(value, str) else None
