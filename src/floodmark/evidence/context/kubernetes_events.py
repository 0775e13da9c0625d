"""Events of Kubernetes: objects of both APIs, and the table that kubectl prints.

    LAST SEEN   TYPE      REASON      OBJECT        MESSAGE
    44m         Warning   Unhealthy   pod/rsr-abc   Liveness probe failed

A table may print ages, which are relative to the moment of the command. There is no event "OOMKilled": kills by the node
are SystemOOM and OOMKilling; that of a container stands in its last state (kubernetes_describe).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import BAD_JSON
from floodmark.evidence.logs.json_objects import objects_in
from floodmark.evidence.logs.yaml_documents import items_in, nested
from floodmark.evidence.nouns import EventKind
from floodmark.evidence.readers import Head, Sink, Source
from floodmark.evidence.sinks import Moment, SourceSink
from floodmark.evidence.sinks_lines import LineSink

REASONS: dict[str, EventKind] = {
    "Started": "start",
    "Killing": "stop",
    "BackOff": "restart",
    "Unhealthy": "unhealthy",
    "ProbeWarning": "unhealthy",
    "Evicted": "evicted",
    "Preempted": "evicted",
    "Preempting": "evicted",
    "OOMKilling": "oom-kill",
    "SystemOOM": "oom-kill",
    "ScalingReplicaSet": "scaled",
    "SuccessfulRescale": "scaled",
    "Pulled": "deploy",
    "NodeNotReady": "unhealthy",
    "Failed": "unhealthy",
    "FailedMount": "unhealthy",
    "FailedScheduling": "unhealthy",
}
"""Reasons that matter here, and what they are."""

_CONTAINER = re.compile(r"(?:[Cc]ontainer|restarting failed container=?) ?\"?([a-z0-9][\w.-]*)")
_IMAGE = re.compile(r"(?:pulled|pull) image \"([^\"]+)\"|[Cc]ontainer image \"([^\"]+)\"")
_RESTART = re.compile(r"will be restarted|Back-off restarting")
_AGE = re.compile(r"(?:(\d+)y)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?\Z")
_REPEATED = re.compile(r"(\S+) \(x(\d+) over (\S+)\)")
_HEADER = re.compile(r"(LAST SEEN|FIRST SEEN|[A-Z]+)(?:\s{2,}|\s*$)")


def emit_event(item: dict[str, Any], line: int, sink: LineSink, at: float | None = None) -> bool:
    """One event as an object. `at` is the time of what it came in, for one without its own."""
    about = item.get("involvedObject") or item.get("regarding") or {}
    series = item.get("series") or {}
    stamps = (
        item.get("lastTimestamp"), item.get("deprecatedLastTimestamp"), series.get("lastObservedTime"), item.get("eventTime"),
        item.get("firstTimestamp"), (item.get("metadata") or {}).get("creationTimestamp"),
    )  # fmt: skip
    moment = None
    for stamp in stamps:
        try:
            moment = times.stamp(str(stamp).encode())[0]
            break
        except ValueError:
            continue
    moment = at if moment is None else moment
    if moment is None:
        return False
    count = item.get("count") or item.get("deprecatedCount") or series.get("count") or 1
    message = str(item.get("message") or item.get("note") or "")
    container = re.search(r"\{([^}]+)\}", str(about.get("fieldPath", "")))
    _emit(
        str(item.get("reason", "")), str(about.get("kind", "")), str(about.get("name", "")), message, sink.zoned(moment),
        line, int(count) if str(count).isdigit() else 1, sink, container[1] if container else None,
    )  # fmt: skip
    return True


def _emit(
    reason: str, kind: str, name: str, message: str, moment: Moment, line: int, count: int, sink: SourceSink,
    container: str | None = None,
) -> None:  # fmt: skip
    what = REASONS.get(reason)
    if what is None:
        return
    named = _CONTAINER.search(message)
    service = container or (named[1] if named else None)
    if reason in ("Killing", "BackOff") and _RESTART.search(message):
        what = "restart"
    if reason == "Pulled":
        image = _IMAGE.search(message)
        tag = (image[1] or image[2]) if image else message
        if tag in sink.ledger.images or "already present" in message:
            return
        # an image that was not met before: something was deployed
        sink.ledger.images.add(tag)
    if reason == "Failed" and "pull" in message.lower():
        return
    instance = name if kind.lower() in ("pod", "node", "") else None
    text = f"{reason} {kind.lower()}/{name}: {message}"
    sink.happened_at(what, moment, text, line, service, instance, count=count)


class KubernetesEvents:
    """Events as JSON (a list, or one a line), as YAML and as a table."""

    kind = "kubernetes-events"

    def recognise(self, head: Head) -> float:
        """The header of the table, or objects of kind Event."""
        first = head.lines[0].decode("utf-8", "replace") if head.lines else ""
        if "REASON" in first and "OBJECT" in first and "MESSAGE" in first:
            return 0.99
        if head.data.lstrip()[:1] in (b"{", b"[") and (b'"involvedObject"' in head.data or b'"regarding"' in head.data):
            return 0.96
        return 0.96 if b"involvedObject:" in head.data or b"regarding:" in head.data else 0.0

    def read(self, source: Source, sink: Sink) -> None:
        """Read the whole source."""
        assert isinstance(sink, SourceSink)
        head = source.head().data
        if head.lstrip()[:1] in (b"{", b"["):
            self._objects(source, LineSink(sink))
        elif b"involvedObject:" in head or b"regarding:" in head:
            self._documents(source, LineSink(sink))
        else:
            self._table(source, sink)

    def _objects(self, source: Source, sink: LineSink) -> None:
        with source.stream() as stream:
            for line, data in objects_in(stream):
                try:
                    item = msgspec.json.decode(data)
                except BAD_JSON:
                    sink.reject(line, "cut or broken JSON", data)
                    continue
                if isinstance(item, dict) and isinstance(item.get("object"), dict):
                    item = item["object"]  # of `kubectl get events --watch --output-watch-events`
                if isinstance(item, dict) and emit_event(item, line, sink):
                    sink.row.records += 1
                else:
                    sink.reject(line, "an event without a time", data)

    def _documents(self, source: Source, sink: LineSink) -> None:
        """YAML: a list, or documents."""
        for line, _, found in items_in(source.lines()):
            item = nested(found)
            if item.get("kind") == "Event" and emit_event(item, line, sink):
                sink.row.records += 1
            elif item.get("kind") == "Event":
                sink.reject(line, "an event without a time", str(item))

    def _table(self, source: Source, sink: SourceSink) -> None:
        columns: list[tuple[str, int]] = []
        for line in source.lines():
            text = line.data.decode("utf-8", "backslashreplace")
            if "REASON" in text and "OBJECT" in text:
                columns = [(match[1], match.start()) for match in _HEADER.finditer(text)]
                sink.row.continued += 1
                continue
            if not text.strip():
                sink.row.blank += 1
                continue
            self._row(_cells(text, columns), line.number, text, sink)

    def _row(self, cells: dict[str, str], line: int, text: str, sink: SourceSink) -> None:
        seen = cells.get("LAST SEEN", "")
        count = int(cells["COUNT"]) if cells.get("COUNT", "").isdigit() else 1
        repeated = _REPEATED.match(seen)
        if repeated:
            seen, count = repeated[1], int(repeated[2])
        kind, _, name = cells.get("OBJECT", "").partition("/")
        moment = _moment(seen, sink)
        if moment is None or not name:
            sink.reject(line, "no row of a table of events", text)
            return
        moment.lane.saw(moment.at)
        sink.row.records += 1
        _emit(cells.get("REASON", ""), kind, name, cells.get("MESSAGE", ""), moment, line, count, sink)


def _cells(text: str, columns: list[tuple[str, int]]) -> dict[str, str]:
    """The cells of a row by their headers; a cell that is wider than its column pushes the others to the right."""
    words = re.split(r"\s{2,}", text.strip(), maxsplit=len(columns) - 1)
    if len(words) == len(columns):
        return {name: word for (name, _), word in zip(columns, words, strict=True)}
    bounds = [start for _, start in columns] + [len(text)]
    return {name: text[bounds[i] : bounds[i + 1]].strip() for i, (name, _) in enumerate(columns)}


def _moment(seen: str, sink: SourceSink) -> Moment | None:
    """A time, or an age, which lies that far before the end of everything: its lane is settled later."""
    try:
        at, east = times.stamp(seen.encode())
        return Moment(at, sink.lane("wall" if east is None else "zoned"))
    except ValueError:
        pass
    age = age_seconds(seen)
    return None if age is None else Moment(-age, sink.lane("ages"))


def age_seconds(text: str) -> float | None:
    """`44m`, `3h5m`, `2d`, `<unknown>` -> seconds or None."""
    match = _AGE.match(text)
    if not text or match is None:
        return None
    years, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((years * 365 + days) * 24 + hours) * 3600.0 + minutes * 60.0 + seconds
