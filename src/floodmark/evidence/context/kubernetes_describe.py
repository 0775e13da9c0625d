"""What `kubectl describe` and `kubectl get pod -o json` say of pods and nodes: ports, workers, limits, last states.

Only the last termination of a container is kept by Kubernetes; it alone says OOMKilled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from floodmark.evidence.ledger import Container
from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import BAD_JSON
from floodmark.evidence.logs.json_objects import objects_in
from floodmark.evidence.readers import Head, Sink, Source
from floodmark.evidence.sinks import SourceSink

_FIELD = re.compile(r"( *)([A-Za-z][\w .()/-]*?):(?:\s+(.*))?\Z")
_PORT = re.compile(r"(\d{1,5})/(?:TCP|UDP|SCTP)")
_WORKERS = re.compile(r"(?:--workers|-w|--processes|--max-workers|--concurrency)[ =](\d{1,4})\b")
_TIMEOUT = re.compile(r"(?:--timeout|-t|--harakiri)[ =](\d{1,6})\b")
_BIND = re.compile(r"(?:--bind|-b|--http|--http-socket|--socket)[ =]\S*?:(\d{2,5})\b")
_FORMAT = re.compile(r"--access-logformat[ =](?:'([^']*)'|\"([^\"]*)\"|(\S+))")
_DATE = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) ([+-]\d{4})")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([EPTGMK]i?|m|k)?\Z")
_UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
          "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60}  # fmt: skip

ROLES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bnginx\b"), "proxy"),
    (re.compile(r"cloud[_-]sql[_-]proxy|cloudsql-proxy|cloud-sql-proxy"), "database-proxy"),
    (re.compile(r"\bqcluster\b|celery\b.*\bworker\b|\brqworker\b|db_worker|dramatiq|huey"), "worker"),
    (re.compile(r"gunicorn|uwsgi|uvicorn|daphne|hypercorn|runserver|waitress"), "web"),
)
"""What a container does, told by its command."""


def quantity(text: str) -> float | None:
    """`2Gi` -> 2147483648.0; None for what is no quantity."""
    match = _QUANTITY.match(text.strip())
    return float(match[1]) * _UNITS[match[2] or ""] if match else None


def role_of(command: str) -> str:
    """proxy, database-proxy, worker, web, or other."""
    return next((role for pattern, role in ROLES if pattern.search(command)), "other")


@dataclass(slots=True)
class Described:
    """One container as it is put together while its lines are read."""

    name: str
    line: int
    ports: list[int] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    memory: float | None = None
    restarts: int | None = None
    ended: dict[str, str] = field(default_factory=dict)


def emit_container(found: Described, pod: str | None, sink: SourceSink) -> None:
    """Write what is known of a container."""
    command = " ".join(found.command)
    bound = _BIND.search(command)
    ports = tuple(dict.fromkeys([*found.ports, *([int(bound[1])] if bound else [])]))
    role = role_of(command)
    sink.ledger.containers.append(Container(found.name, role, ports, sink.number, found.line))
    sink.row.records += 1
    if found.memory is not None:
        sink.limit("memory", found.memory, found.line, service=found.name)
    for pattern, kind in ((_WORKERS, "workers"), (_TIMEOUT, "request-timeout-seconds")):
        match = pattern.search(command)
        if match and role in ("web", "worker"):
            sink.limit(kind, float(match[1]), found.line, service=found.name)
    formatted = _FORMAT.search(command)
    if formatted:
        sink.ledger.access_formats.append(next(group for group in formatted.groups() if group))
    if found.ended.get("Reason") == "OOMKilled" or found.ended.get("Exit Code") == "137":
        _emit_end(found, pod, sink)


def _emit_end(found: Described, pod: str | None, sink: SourceSink) -> None:
    reason, code = found.ended.get("Reason", "?"), found.ended.get("Exit Code", "?")
    try:
        at = date_of(found.ended.get("Finished", ""))
    except ValueError:
        return
    text = f"last state of container {found.name}: {reason}, exit code {code}"
    kind = "oom-kill" if reason == "OOMKilled" else "worker-killed"
    sink.event(
        at, "oom-kill" if kind == "oom-kill" else "worker-killed", text, found.line, service=found.name, instance=pod
    )


def date_of(text: str) -> float:
    """`Thu, 28 Aug 2025 15:00:00 +0000` or RFC 3339, as UTC. Raises ValueError."""
    match = _DATE.match(text)
    if match:
        return times.common(f"{match[1]}/{match[2]}/{match[3]}:{match[4]} {match[5]}".encode())[0]
    return times.stamp(text.encode())[0]


class KubernetesDescribe:
    """Text of `kubectl describe pod` or `node`, one or more."""

    kind = "kubernetes-describe"

    def recognise(self, head: Head) -> float:
        """The fields such a text begins with."""
        names = {line.partition(b":")[0] for line in head.lines[:200] if line[:1].isalpha()}
        if b"Name" in names and (b"Containers" in names or b"Capacity" in names) and len(names) > 2:
            return 0.98
        return 0.0

    def read(self, source: Source, sink: Sink) -> None:
        """Read the whole source."""
        assert isinstance(sink, SourceSink)
        _Describing(sink).run(source)


class _Describing:
    """The state of reading one text: which pod, which container, and the fields that lines are indented under."""

    def __init__(self, sink: SourceSink) -> None:
        self.sink = sink
        self.name: str | None = None
        self.found: Described | None = None
        self.path: list[tuple[int, str]] = []

    def run(self, source: Source) -> None:
        for line in source.lines():
            text = line.data.decode("utf-8", "backslashreplace").rstrip()
            if not text.strip():
                self.sink.row.blank += 1
                continue
            self.sink.row.continued += 1
            match = _FIELD.match(text)
            indent = len(text) - len(text.lstrip())
            while self.path and self.path[-1][0] >= indent:
                self.path.pop()
            if match:
                self._field(indent, match[2], match[3] or "", line.number)
            elif self.found is not None and self.path and self.path[-1][1] in ("Command", "Args"):
                self.found.command.append(text.strip())
        self._close()

    def _field(self, indent: int, name: str, value: str, line: int) -> None:
        above = [word for _, word in self.path]
        self.path.append((indent, name))
        if indent == 0:
            self._close()
            if name == "Name":
                self.name = value
        elif above[:1] in (["Containers"], ["Init Containers"]) and len(above) == 1 and not value:
            self._close()
            self.found = Described(name, line)
        elif above[:1] == ["Capacity"] and name == "memory":
            size = quantity(value)
            if size is not None:
                self.sink.limit("node-memory", size, line)
                self.sink.row.records += 1
        elif self.found is not None:
            self._of_container(self.found, above[2:], name, value)

    def _of_container(self, found: Described, above: list[str], name: str, value: str) -> None:
        if name in ("Port", "Ports", "Host Port"):
            found.ports.extend(int(port) for port in _PORT.findall(value) if name != "Host Port")
        elif name in ("Command", "Args") and value:
            found.command.append(value)
        elif name == "memory" and above[-1:] == ["Limits"]:
            found.memory = quantity(value)
        elif name == "Restart Count" and value.isdigit():
            found.restarts = int(value)
        elif above[-1:] == ["Last State"] or name == "Last State":
            found.ended[name] = value

    def _close(self) -> None:
        if self.found is not None:
            emit_container(self.found, self.name, self.sink)
            self.found = None


class KubernetesPods:
    """Pods as JSON: `kubectl get pod -o json`."""

    kind = "kubernetes-pods"

    def recognise(self, head: Head) -> float:
        """Objects with container states or specifications."""
        data = head.data
        if (
            data.lstrip()[:1] in (b"{", b"[")
            and b'"containers"' in data
            and b'"PodMetrics' not in data
            and (b'"kind": "Pod' in data or b'"kind":"Pod' in data)
        ):
            return 0.95
        return 0.95 if data.lstrip()[:1] == b"{" and b'"containerStatuses"' in data else 0.0

    def read(self, source: Source, sink: Sink) -> None:
        """Read the whole source."""
        assert isinstance(sink, SourceSink)
        with source.stream() as stream:
            for line, data in objects_in(stream):
                try:
                    pod = msgspec.json.decode(data)
                except BAD_JSON:
                    sink.reject(line, "cut or broken JSON", data)
                    continue
                if isinstance(pod, dict) and isinstance(pod.get("spec"), dict):
                    _pod(pod, line, sink)


def below(found: Any, *names: Any) -> Any:
    """What stands below these names, one in the other; None where any is missing, null or no object."""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _pod(pod: dict[str, Any], line: int, sink: SourceSink) -> None:
    """The containers of a pod as `kubectl get pod -o json` prints it."""
    name = below(pod, "metadata", "name")
    states = {each.get("name"): each for each in below(pod, "status", "containerStatuses") or []}
    for each in pod["spec"].get("containers") or []:
        found = Described(str(each.get("name", "")), line)
        found.ports = [int(port["containerPort"]) for port in each.get("ports") or [] if "containerPort" in port]
        found.command = [*map(str, each.get("command") or []), *map(str, each.get("args") or [])]
        limit = below(each, "resources", "limits", "memory")
        found.memory = quantity(str(limit)) if limit else None
        ended = below(states, each.get("name"), "lastState", "terminated") or {}
        found.ended = {
            "Reason": str(ended.get("reason", "")), "Exit Code": str(ended.get("exitCode", "")),
            "Finished": str(ended.get("finishedAt", "")),
        }  # fmt: skip
        emit_container(found, name, sink)
