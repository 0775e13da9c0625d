"""The output of `kubectl top pods`, with or without `--containers` and `-A`, kept with the time of each.

    POD                       NAME          CPU(cores)   MEMORY(bytes)
    rsr-web-6f7d9c8b5-x2x4z   rsr-backend   250m         812Mi

Its memory is the working set (metrics-server takes it from the kubelet), in whole MiB. The numbers are those of the last
15 to 60 seconds, so two outputs within a minute may repeat them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from floodmark.evidence.readers import Head, SeriesKey, Sink, Source

from .naming import from_labels, pod_base
from .snapshots import Held, Timed, time_of_file, timed, unstamped

_HEADER = re.compile(
    r"(?P<names>(?:(?:NAMESPACE|POD|NAME)\s+){1,3})CPU\(cores\)\s+(?P<node>CPU%\s+|CPU\(%\)\s+)?MEMORY\(bytes\)"
)
_ROW = re.compile(
    r"(?P<names>\S+(?:\s+\S+){0,2}?)\s+(?P<cpu>\d+[munk]?|<unknown>)\s+(?:(?:\d+%|<unknown>)\s+)?"
    r"(?P<memory>\d+(?:[KMGT]i|[kMGT])?|<unknown>)(?:\s+(?:\d+%|<unknown>))?"
)
_BARE = re.compile(r"[a-z0-9][a-z0-9.-]*(?:\s+[a-z0-9][a-z0-9.-]*){0,2}\s+\d+m\s+\d+[KMGT]i")
"""A row of `--no-headers`: nothing else has millicores before mebibytes."""

_SUM = re.compile(r"_{4,}\s+_{4,}|\d+m\s+\d+[KMGT]i")
"""Of `--sum`: the rule, and below it the sum without a name."""

_QUANTITY = {
    "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip

NODES = "the memory of nodes was left out, as it does not say whose it is: kubectl top pods --containers does"


class KubectlTop:
    """Reader of tables of pods and of containers."""

    kind = "kubectl-top"

    def recognise(self, head: Head) -> float:
        """By its heading, or by most lines being rows without one."""
        lines = [unstamped(line.decode("utf-8", "replace")).strip() for line in head.lines[:60]]
        if any(_HEADER.match(line) for line in lines):
            return 0.97
        rows = sum(_BARE.fullmatch(line) is not None for line in lines)
        return 0.9 if rows and 2 * rows >= len([line for line in lines if line]) else 0.0

    def read(self, source: Source, sink: Sink) -> None:
        """Every table in the file."""
        tables = _Tables(source, Held(sink))
        for one in timed(source, sink):
            tables.take(one)
        tables.held.flush()
        if tables.without_time:
            sink.remark(
                f"{tables.without_time:,} lines have no time and were left out: write the time before each output "
                "(date -u +%FT%TZ)"
            )


@dataclass(slots=True)
class _Tables:
    """The tables of one file while they are read."""

    source: Source
    held: Held
    columns: tuple[str, ...] = ()
    nodes: bool = False
    without_time: int = 0
    seen: set[tuple[str, ...]] = field(default_factory=set)

    def take(self, one: Timed) -> None:
        """One line: a heading, or a pod or container."""
        text = one.text.strip()
        if header := _HEADER.match(text):
            self.columns, self.nodes = tuple(header["names"].split()), header["node"] is not None
        elif _SUM.fullmatch(text):
            return
        elif match := _ROW.fullmatch(text):
            self._row(tuple(match["names"].split()), match["memory"], one)
        else:
            self.held.sink.reject(one.line.number, "no pod or container with its memory", one.line.data)

    def _row(self, names: tuple[str, ...], memory: str, one: Timed) -> None:
        if self.nodes:
            self.held.sink.remark(NODES)
            return
        columns = self.columns or _columns_of(names)
        if len(columns) != len(names):
            self.held.sink.reject(one.line.number, f"{len(names)} names under {len(columns)} headings", one.line.data)
            return
        used = memory_bytes(memory)
        if used is None:  # `<unknown>`: a pod that was only just started has no figure, which is no fault of the file
            return
        at = one.at if one.at is not None or names in self.seen else time_of_file(self.source, self.held.sink)
        self.seen.add(names)
        if at is None:
            self.without_time += 1
            return
        self.held.add(_key(dict(zip(columns, names, strict=True))), at, used, one.line.number)
        self.held.sink.record()


def _columns_of(names: Sequence[str]) -> tuple[str, ...]:
    """The headings of a row without them: two names are pod and container if the first is a pod's, else -A was given."""
    if len(names) == 3:
        return ("NAMESPACE", "POD", "NAME")
    if len(names) == 1:
        return ("NAME",)
    return ("POD", "NAME") if pod_base(names[0]) and not pod_base(names[1]) else ("NAMESPACE", "NAME")


def _key(cells: dict[str, str]) -> SeriesKey:
    """`NAME` is a container where there is a column of pods, else the pod."""
    labels = {"namespace": cells["NAMESPACE"]} if "NAMESPACE" in cells else {}
    labels |= {"pod": cells["POD"], "container": cells["NAME"]} if "POD" in cells else {"pod": cells["NAME"]}
    who = from_labels(labels)
    return SeriesKey(
        who.service, "working_set", "MEMORY(bytes)", who.instance, labels=SeriesKey.sorted_labels(labels), unit="B"
    )


def memory_bytes(quantity: str) -> float | None:
    """Bytes of a quantity of Kubernetes (`812Mi`, `831488Ki`, `851443712`), None for what is none."""
    match = re.fullmatch(r"(\d+)([KMGT]i|[kMGT])?", quantity)
    return float(match[1]) * _QUANTITY[match[2] or ""] if match else None
