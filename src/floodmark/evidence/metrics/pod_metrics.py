"""Answers of the metrics API of Kubernetes: `kubectl get --raw /apis/metrics.k8s.io/v1beta1/pods`, or `get podmetrics`.

    {"kind":"PodMetricsList","items":[{"metadata":{"name":"rsr-web-6f7d9c8b5-x2x4z"},"timestamp":"2025-09-02T06:15:00Z",
     "containers":[{"name":"rsr-backend","usage":{"cpu":"12345678n","memory":"831488Ki"}}]}]}

Each pod has its own time, so answers may stand one after another in a file.
"""

from __future__ import annotations

import msgspec
import numpy as np

from floodmark.evidence.logs.entries import BAD_JSON
from floodmark.evidence.logs.json_objects import objects_in
from floodmark.evidence.readers import Head, SeriesKey, Sink, Source

from .kubectl_top import memory_bytes
from .moments import parse
from .naming import from_labels
from .snapshots import Held


class Usage(msgspec.Struct):
    """What one container used."""

    name: str
    usage: dict[str, str] = {}


class PodName(msgspec.Struct):
    """Which pod."""

    name: str = ""
    namespace: str = ""


class Pod(msgspec.Struct):
    """The figures of one pod."""

    timestamp: str
    containers: list[Usage]
    metadata: PodName = msgspec.field(default_factory=PodName)


_DECODE = msgspec.json.Decoder(Pod)


class PodMetrics:
    """Reader of lists and of single answers."""

    kind = "pod-metrics"

    def recognise(self, head: Head) -> float:
        """By the kind of the objects, or what they hold."""
        data = head.data
        if data.lstrip()[:1] not in (b"{", b"["):
            return 0.0
        return 0.97 if b'"PodMetrics' in data or (b"metrics.k8s.io" in data and b'"usage"' in data) else 0.0

    def read(self, source: Source, sink: Sink) -> None:
        """Every pod in the file."""
        held = Held(sink)
        with source.stream() as stream:
            for line, data in objects_in(stream):
                _pod(line, data, held)
        held.flush()


def _pod(line: int, data: bytes, held: Held) -> None:
    try:
        pod = _DECODE.decode(data)
    except BAD_JSON as error:
        held.sink.reject(line, f"no figures of a pod: {error}", data)
        return
    moments = parse([pod.timestamp])
    at = float(moments.at[0])
    if not np.isfinite(at):
        held.sink.reject(line, "no time of a pod's figures", data)
        return
    held.sink.clock(moments.clock())
    for container in pod.containers:
        memory = memory_bytes(container.usage.get("memory", ""))
        if memory is not None:
            held.add(_key(pod.metadata, container.name), at, memory, line)
            held.sink.record()


def _key(pod: PodName, container: str) -> SeriesKey:
    labels = {"namespace": pod.namespace, "pod": pod.name, "container": container}
    labels = {name: text for name, text in labels.items() if text}
    who = from_labels(labels)
    return SeriesKey(
        who.service, "working_set", "usage.memory", who.instance, labels=SeriesKey.sorted_labels(labels), unit="B"
    )
