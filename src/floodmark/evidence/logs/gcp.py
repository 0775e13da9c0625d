"""Exports of Google Cloud Logging: JSON lines of a storage sink, arrays of `gcloud logging read`, CSV of the explorer.

An entry is an envelope: its time is UTC (and may be the collector's), its labels name container and pod, its payload is
a line in any of the other formats. Severity says nothing where a container writes to stderr. Entries come in any order,
an hour may be exported twice, and late shards (`_A1`) repeat some: an entry is known by (logName, timestamp, insertId).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from floodmark.evidence.context.kubernetes_events import emit_event
from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import BAD_JSON, Entry
from floodmark.evidence.logs.json_objects import objects_in
from floodmark.evidence.logs.lines import Streams
from floodmark.evidence.logs.requests import BALANCER, Request
from floodmark.evidence.logs.yaml_documents import documents_in
from floodmark.evidence.readers import Head, Sink, Source
from floodmark.evidence.seen import SeenBook
from floodmark.evidence.sinks import SourceSink

SORTED_ENTRIES = 20_000
"""How many entries are put in the order of their times at once."""

MAX_CELL_CHARACTERS = 1 << 20

_MARKS = (b'"insertId"', b'"logName"', b'"textPayload"', b'"jsonPayload"', b'"protoPayload"', b'"receiveTimestamp"')
_COLUMNS = ("textPayload", "timestamp", "insertId", "logName", "receiveTimestamp")


class Resource(msgspec.Struct):
    """What wrote an entry."""

    type: str = ""
    labels: dict[str, str] = {}


class LogEntry(msgspec.Struct, rename="camel"):
    """The fields of an entry that are read here."""

    insert_id: str = ""
    log_name: str = ""
    timestamp: str = ""
    receive_timestamp: str = ""
    severity: str = ""
    text_payload: str | None = None
    json_payload: dict[str, Any] | None = None
    proto_payload: dict[str, Any] | None = None
    http_request: dict[str, Any] | None = None
    resource: Resource = msgspec.field(default_factory=Resource)
    labels: dict[str, Any] | None = None


class Placed(NamedTuple):
    """An entry, its line in the file and its size there."""

    at: float
    line: int
    size: int
    entry: LogEntry


_DECODE = msgspec.json.Decoder(LogEntry)


class CloudLogging:
    """Entries in whatever shape they were exported, handed to the formats of what they hold."""

    kind = "cloud-logging"

    def recognise(self, head: Head) -> float:
        """Entries have some of a few keys of their own."""
        data = head.data.lstrip()
        if data[:1] in b"{[" and sum(mark in head.data for mark in _MARKS) >= 2:
            return 0.97
        first = head.lines[0].decode("utf-8", "replace") if head.lines else ""
        if sum(name in first.split(",") for name in _COLUMNS) >= 3:
            return 0.97
        names = {line.partition(b":")[0].decode("utf-8", "replace") for line in head.lines[:60]}
        return 0.97 if len(names & set(_COLUMNS)) >= 3 else 0.0

    def read(self, source: Source, sink: Sink) -> None:
        """Read the whole source."""
        assert isinstance(sink, SourceSink)
        streams = Streams(sink)
        head = source.head()
        begin = head.data.lstrip()[:1]
        if begin == b"{" and _one_a_line(head):
            entries = _from_lines(source, sink)
        elif begin in b"{[" and begin:
            entries = _from_text(source, sink)
        elif _COLUMNS[0] in head.lines[0].decode("utf-8", "replace").split(","):
            entries = _from_csv(source, sink)
        else:
            entries = _from_yaml(source, sink)
        waiting: list[Placed] = []
        for placed in entries:
            waiting.append(placed)
            if len(waiting) >= SORTED_ENTRIES:
                _feed(waiting, streams, sink)
                waiting = []
        _feed(waiting, streams, sink)
        streams.finish()
        sink.remark("entries of Cloud Logging")


def _one_a_line(head: Head) -> bool:
    lines = [line for line in head.lines if line.strip()]
    return bool(lines) and lines[0].rstrip().endswith(b"}")


def _from_lines(source: Source, sink: SourceSink) -> Iterator[Placed]:
    for line in source.lines():
        if line.data.strip():
            placed = _decoded(line.data, line.number, sink)
            if placed is not None:
                yield placed
        else:
            sink.row.blank += 1


def _decoded(data: bytes, line: int, sink: SourceSink) -> Placed | None:
    try:
        entry = _DECODE.decode(data)
        at = times.stamp((entry.timestamp or entry.receive_timestamp).encode())[0]
    except msgspec.ValidationError as error:
        sink.reject(line, f"no entry of Cloud Logging: {error}", data)
    except BAD_JSON:
        sink.reject(line, "cut or broken JSON", data)
    except ValueError:
        sink.reject(line, "an entry without a time", data)
    else:
        return Placed(at, line, len(data) + 1, entry)
    return None


def _from_text(source: Source, sink: SourceSink) -> Iterator[Placed]:
    """Objects inside an array, or one after the other over many lines; only one is held at a time."""
    with source.stream() as stream:
        for line, data in objects_in(stream):
            placed = _decoded(data, line, sink)
            if placed is not None:
                yield placed


def _from_csv(source: Source, sink: SourceSink) -> Iterator[Placed]:
    """Dotted columns of the explorer: `resource.labels.container_name`."""
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    with io.TextIOWrapper(source.stream(), "utf-8", "backslashreplace", newline="") as text:
        rows = csv.DictReader(text)
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                sink.reject(rows.line_num, f"no row of CSV: {error}")
                continue
            placed = _from_row(
                {str(key): value or "" for key, value in row.items() if isinstance(value, str)}, rows.line_num, sink
            )
            if placed is not None:
                yield placed


def _from_row(row: dict[str, str], line: int, sink: SourceSink) -> Placed | None:
    labels = {name[16:]: value for name, value in row.items() if name.startswith("resource.labels.") and value}
    payload = {name[12:]: value for name, value in row.items() if name.startswith("jsonPayload.") and value}
    request = {name[12:]: value for name, value in row.items() if name.startswith("httpRequest.") and value}
    entry = LogEntry(
        row.get("insertId", ""), row.get("logName", ""), row.get("timestamp", ""), row.get("receiveTimestamp", ""),
        row.get("severity", ""), row.get("textPayload") or None, payload or None, None, request or None,
        Resource(row.get("resource.type", ""), labels),
    )  # fmt: skip
    try:
        at = times.stamp((entry.timestamp or entry.receive_timestamp).encode())[0]
    except ValueError:
        sink.reject(line, "an entry without a time", ",".join(row.values()))
        return None
    return Placed(at, line, sum(map(len, row.values())) + len(row), entry)


def _from_yaml(source: Source, sink: SourceSink) -> Iterator[Placed]:
    """What `gcloud logging read` prints by default."""
    for line, size, found in documents_in(source.lines()):
        labels = {name[16:]: value for name, value in found.items() if name.startswith("resource.labels.")}
        entry = LogEntry(
            found.get("insertId", ""), found.get("logName", ""), found.get("timestamp", ""),
            found.get("receiveTimestamp", ""), found.get("severity", ""), found.get("textPayload"),
            {name[12:]: value for name, value in found.items() if name.startswith("jsonPayload.")} or None,
            resource=Resource(found.get("resource.type", ""), labels),
        )  # fmt: skip
        try:
            at = times.stamp((entry.timestamp or entry.receive_timestamp).encode())[0]
        except ValueError:
            sink.reject(line, "an entry without a time", str(found))
            continue
        yield Placed(at, line, size, entry)


def _feed(waiting: list[Placed], streams: Streams, sink: SourceSink) -> None:
    """Entries in the order of their times, each once."""
    seen: SeenBook = sink.ledger.seen
    # gcloud prints the newest first: turned round, equal times keep the order in which they happened
    if len(waiting) > 1 and waiting[0].at > waiting[-1].at:
        waiting.reverse()
    # within a second the order of the file is kept: fractions come from collectors as often as from the process
    waiting.sort(key=lambda placed: placed.at // 1)
    new = seen.new("cloud-logging", [hash((p.entry.log_name, p.entry.timestamp, p.entry.insert_id)) for p in waiting])
    for placed, fresh in zip(waiting, new, strict=True):
        if fresh or not placed.entry.insert_id:
            _feed_one(placed, streams)
        else:
            sink.duplicate()


def _feed_one(placed: Placed, streams: Streams) -> None:
    at, line, size, entry = placed
    labels = entry.resource.labels
    service = labels.get("container_name") or labels.get("service_name") or labels.get("module_id")
    instance = labels.get("pod_name") or labels.get("revision_name") or labels.get("instance_id")
    outer = Entry(line, b"", at, service, instance, "")
    if entry.http_request and entry.text_payload is None:
        # a container named here is the balancer's; a service of Cloud Run or App Engine serves the request itself
        outer = outer._replace(service=labels.get("service_name") or labels.get("module_id"))
        _request(outer, entry, streams)
        streams.of(outer).sink.volume(size)
        return
    text = _text_of(entry)
    if text is None:
        _payload(outer, entry, streams)
        streams.of(outer).sink.volume(size)
        return
    first, *more = text.rstrip("\r\n").split("\n")
    streams.feed(outer._replace(data=first.encode("utf-8", "surrogateescape")), size)
    for part in more[:500]:
        streams.of(outer).feed(outer._replace(data=part.encode("utf-8", "surrogateescape"), part=True))


def _text_of(entry: LogEntry) -> str | None:
    if entry.text_payload is not None:
        return entry.text_payload
    if entry.json_payload is not None:
        for name in ("message", "msg", "log", "MESSAGE"):
            text = entry.json_payload.get(name)
            if isinstance(text, str) and entry.json_payload.get("kind") != "Event":
                return text
    return None


def _payload(outer: Entry, entry: LogEntry, streams: Streams) -> None:
    """A payload without a line of text in it: an event of Kubernetes, or only counted."""
    stream = streams.of(outer)
    payload = entry.json_payload or {}
    if payload.get("kind") == "Event" and emit_event(payload, outer.line, stream.sink, outer.at):
        stream.kinds["kubernetes-events"] += 1
    stream.sink.row.records += 1
    stream.sink.zoned(outer.at or 0.0)


def _request(outer: Entry, entry: LogEntry, streams: Streams) -> None:
    """A request as a load balancer tells it. Its latency is text (`0.123s`), its sizes too."""
    request = entry.http_request or {}
    stream = streams.of(outer)
    url = str(request.get("requestUrl", ""))
    path = re.sub(r"\A[a-z]+://[^/]*", "", url).partition("?")[0]
    moment = stream.sink.zoned(outer.at or 0.0)
    took = _number(str(request.get("latency", "")).removesuffix("s"))
    end = moment.at + (0.0 if took != took else took)  # the timestamp is that of the request's arrival
    status = _number(str(request.get("status", "")))
    sent = _number(str(request.get("responseSize", "")))
    stream.sink.request(
        Request(
            outer.line, f"{request.get('requestMethod', '')} {url}".encode(), end, took, int(status) if status == status else 0,
            sent if sent == sent else 0.0, path.encode(), str(request.get("remoteIp", "")).encode(),
            str(request.get("userAgent", "")).encode(),
        ),
        moment.lane, BALANCER,
    )  # fmt: skip
    stream.kinds["http-request"] += 1
    stream.sink.row.records += 1


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
