"""CSV with a header: processes as psutil or a script writes them, and any table of times, names and numbers.

Columns are times, names (pod, container, pid, command) or values; every combination of names is a series for each
column of values. A block of rows is in memory at a time, so a table of any length can be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from floodmark.errors import InputError
from floodmark.evidence.nouns import MEMORY_MEASURES, Floats, Ints
from floodmark.evidence.readers import Head, SeriesKey, Sink, Source

from .meaning import Meaning, of_name, of_title, weighed
from .moments import parse
from .naming import from_labels
from .table import Block, Layout, blocks, layout_of, plain_name, times_of
from .titles import title_of
from .units import column
from .writing import UNLIMITED_BYTES, series_key

Name = tuple[tuple[str, ...], float | None]
"""The cells of a row that name what it is of, and when that began."""

MAX_SERIES = 100_000
"""Series of one table; rows of further ones are counted as rejected."""

WORDS_LOOKED_AT, MAX_WORDS = 2000, 200
"""A column of so few different words in its first rows names things; one of more is free text."""

NAME_COLUMNS = {
    "pod": "pod", "pod name": "pod", "container": "container", "container name": "container", "service": "service",
    "service name": "service", "app": "app", "application": "app", "job": "job", "deployment": "deployment",
    "pid": "pid", "process id": "pid", "host": "host", "hostname": "host", "node": "node", "instance": "instance",
    "replica": "replica", "machine": "machine", "worker": "worker", "worker id": "worker", "comm": "comm",
    "command": "comm", "cmd": "comm", "cmdline": "comm", "process": "comm", "process name": "comm", "name": "name",
    "program": "comm", "namespace": "namespace", "cluster": "cluster", "image": "image", "view": "view",
    "path": "path", "route": "route", "endpoint": "endpoint", "type": "type", "metric": "metric", "series": "legend",
}  # fmt: skip
"""Columns that name what a row is of, and the label they become."""

NOT_VALUES = {
    "ppid", "uid", "gid", "user", "username", "tty", "stat", "state", "s", "status", "nice", "ni", "pr", "pri",
    "priority", "index", "", "unnamed: 0", "id", "container id", "tgid", "psr", "start", "started", "start time",
    "create time", "created", "uptime", "elapsed", "etime", "etimes", "time+", "cputime",
}  # fmt: skip
STARTS = {"create time", "created", "start time", "started"}


class TableCsv:
    """Reader of tables with a header: `process-csv` where it has processes, else any metrics."""

    kind = "metrics-csv"

    def recognise(self, head: Head) -> float:
        """A header with a column of memory, processes or another known measure, and rows of the same width."""
        layout = layout_of(head)
        if layout is None:
            return 0.0
        names = {plain_name(layout.header[index]) for index in layout.others()}
        memory = any(of_name(name) in MEMORY_MEASURES for name in names)
        if memory and names & {"pid", "process id", "container", "pod"}:
            return 0.9
        if layout.times is None:
            return 0.4 if memory else 0.0
        return 0.75 if memory else 0.5 if any(of_title(name).measure != "unknown" for name in names) else 0.3

    def read(self, source: Source, sink: Sink) -> None:
        """Raises InputError where there is no column of times, or none of numbers."""
        layout = layout_of(source.head())
        if layout is None or layout.times is None:
            names = ", ".join(layout.header[:12]) if layout else ""
            raise InputError(f"no column of times among {names}: add one (epoch seconds or ISO 8601)", source.path, 1)
        table = _Table(layout, source, sink, title_of(source.path))
        for block in blocks(source, layout, sink):
            table.take(block)
        if not table.keys:
            sink.remark("a table without any value")


@dataclass(slots=True)
class _Table:
    """One table while it is read."""

    layout: Layout
    source: Source
    sink: Sink
    title: str
    keys: dict[tuple[str, Name], tuple[SeriesKey, Meaning]] = field(default_factory=dict)
    meanings: dict[int, Meaning] = field(default_factory=dict)
    limits: set[tuple[str, float]] = field(default_factory=set)
    values: list[int] = field(default_factory=list)
    words: list[int] = field(default_factory=list)

    def take(self, block: Block) -> None:
        """Samples of one block of rows."""
        if not self.values:
            self.values = self._value_columns(block)
        at = times_of(block, self.layout, self.sink)
        names, group, lines = self._groups(block)
        order = np.argsort(group, kind="stable")
        edges = np.searchsorted(group[order], np.arange(len(names) + 1))
        for index in self.values:
            value, unit = self._numbers(block, index, at)
            meaning = self._meaning(index, value, unit)
            for number, name in enumerate(names):
                rows = order[edges[number] : edges[number + 1]]
                rows = rows[np.isfinite(value[rows]) & np.isfinite(at[rows])]
                if len(rows):
                    self._put(index, name, meaning, at[rows], value[rows], lines[number])

    def _value_columns(self, block: Block) -> list[int]:
        """Columns of numbers that are no names and no bookkeeping; a word in a column makes it a name."""
        found = []
        for index in self.layout.others():
            name = plain_name(self.layout.header[index])
            if name in NAME_COLUMNS or name in NOT_VALUES:
                continue
            _, _, bad = column(block.columns[index][:200], self.layout.decimal_comma)
            if len(bad) <= 0.2 * min(200, len(block.lines)):
                found.append(index)
            elif 1 < len({text.strip() for text in block.columns[index][:WORDS_LOOKED_AT]}) <= MAX_WORDS:
                self.words.append(index)
        if not found:
            names = ", ".join(self.layout.header)
            raise InputError(f"no column of numbers among {names}", self.source.path, 1)
        return found

    def _groups(self, block: Block) -> tuple[list[Name], Ints, list[int]]:
        """(distinct names, the group of each row, first line of each group)."""
        naming = [index for index in self.layout.others() if self._label(index) is not None]
        names = list(zip(*(block.columns[index] for index in naming), strict=True)) or [()] * len(block.lines)
        number: dict[Name, int] = {}
        rows = zip(names, self._started(block), strict=True)
        group = np.array([number.setdefault(row, len(number)) for row in rows], dtype=np.int64)
        first = np.unique(group, return_index=True)[1]
        return list(number), group, [block.lines[index] for index in first]

    def _label(self, index: int) -> str | None:
        name = plain_name(self.layout.header[index])
        label = NAME_COLUMNS.get(name)
        if label is None and index in self.words:
            # of columns that nobody knows: rows of different things must not become one series
            known = any(plain_name(other) in NAME_COLUMNS for other in self.layout.header)
            return name if known or index != self.words[0] else "service"
        return "comm" if label == "name" and self._has_pids else label

    @property
    def _has_pids(self) -> bool:
        """In a list of processes the column "name" is the command, elsewhere it may be the container."""
        return any(NAME_COLUMNS.get(plain_name(name)) == "pid" for name in self.layout.header)

    def _started(self, block: Block) -> list[float | None]:
        """When each row's process began, where a column says it in a form that is a time."""
        for index in self.layout.others():
            if plain_name(self.layout.header[index]) in STARTS:
                return [float(at) if np.isfinite(at) else None for at in parse(block.columns[index]).at]
        return [None] * len(block.lines)

    def _numbers(self, block: Block, index: int, at: Floats) -> tuple[Floats, str]:
        value, unit, bad = column(block.columns[index], self.layout.decimal_comma)
        for row in bad:
            if np.isfinite(at[row]):
                name = self.layout.header[index]
                self.sink.reject(block.lines[row], f"no number in column {name!r}", block.columns[index][row])
        return value, unit

    def _meaning(self, index: int, value: Floats, unit: str) -> Meaning:
        """By the column's name, or by the file's where the column is only called "value"; settled by its first "
        "block."""
        if index not in self.meanings:
            name = self.layout.header[index]
            meaning = of_title(name)
            if meaning.measure == "unknown":
                meaning = of_title(self.title) if _says_nothing(name) else meaning
            if not meaning.unit and meaning.measure in MEMORY_MEASURES and "kb" in plain_name(self.title):
                meaning = of_title(f"{name} (KiB)")
            self.meanings[index] = weighed(meaning, value, unit)
        return self.meanings[index]

    def _put(self, index: int, name: Name, meaning: Meaning, at: Floats, value: Floats, line: int) -> None:
        identity = (self.layout.header[index], name)
        if identity not in self.keys:
            if len(self.keys) >= MAX_SERIES:
                self.sink.remark(f"more than {MAX_SERIES:,} series: the others were left out")
                return
            self.keys[identity] = self._key(index, name, meaning), meaning
            if name[1] is not None:
                self.sink.describe(self.keys[identity][0], started=name[1])
        key, meaning = self.keys[identity]
        self.sink.samples(key, at, value * meaning.scale, line)
        if meaning.measure == "limit":
            self._limit(key, float(value.max() * meaning.scale), line)

    def _key(self, index: int, name: Name, meaning: Meaning) -> SeriesKey:
        naming = [column for column in self.layout.others() if self._label(column) is not None]
        labels = {str(self._label(column)): text.strip() for column, text in zip(naming, name[0], strict=True)}
        labels = {label: text for label, text in labels.items() if text and text != "-"}
        who = from_labels(labels, self.source.service or command_name(labels.get("comm", "")))
        if name[1] is not None:
            labels["started"] = f"{name[1]:.0f}"
        metric = self.title if _says_nothing(self.layout.header[index]) else self.layout.header[index].strip()
        return series_key(metric, who, meaning, labels)

    def _limit(self, key: SeriesKey, value: float, line: int) -> None:
        if 0 < value < UNLIMITED_BYTES and (key.service, value) not in self.limits:
            self.limits.add((key.service, value))
            self.sink.limit("memory", value, line, service=key.service)


def _says_nothing(name: str) -> bool:
    return plain_name(name) in (
        "value",
        "values",
        "val",
        "v",
        "y",
        "count",
        "total",
        "sum",
        "avg",
        "max",
        "min",
        "mean",
    )


def command_name(command: str) -> str:
    """What a command line runs: `gunicorn: worker [rsr.wsgi]` is gunicorn, `python manage.py qcluster` is qcluster."""
    text = command.strip()
    if match := re.match(r"(?:\S*/)?python[\d.]*\s+(?:-\S+\s+)*(\S+)(?:\s+([a-z]\S*))?", text):
        script, verb = match.groups()
        return verb if script.endswith("manage.py") and verb else script.rsplit("/", 1)[-1].removesuffix(".py")
    return re.split(r"[\s:]", text, maxsplit=1)[0].rsplit("/", 1)[-1] if text else ""
