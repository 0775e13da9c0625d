"""Panels of Grafana exported as CSV: series to columns, or a row for each time and series; tables like them.

The header is the legend, so what the legend left out is lost, and series with equal legends become `name`, `name.1`,
... `name.609`. Columns with equal values in every row are folded into one series, and their number is told
(`copies`): a count of columns is never a count of processes. Times have no zone: they are the browser's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from floodmark.errors import InputError
from floodmark.evidence.nouns import Floats
from floodmark.evidence.readers import Head, Sink, Source

from .meaning import Meaning, of_title, weighed
from .naming import from_legend
from .table import Block, Layout, blocks, layout_of, only_numbers, plain_name, times_of
from .table_csv import NAME_COLUMNS
from .titles import title_of
from .units import column
from .writing import series_key

MAX_SAMPLES_HELD = 8_000_000
"""Samples held until the panel is read whole; beyond that, equal columns are no longer told apart."""

LONG = ({"series", "value"}, {"metric", "value"}, {"legend", "value"}, {"name", "value"})
INDEX_NAMES = {"", "unnamed: 0", "index"}


class GrafanaCsv:
    """Reader of both shapes, as exported or as written again by pandas."""

    kind = "grafana-csv"

    def recognise(self, head: Head) -> float:
        """A table of times and numbers whose columns are legends: no names of metrics, processes or pods."""
        layout = layout_of(head)
        if layout is None or layout.times is None or layout.times > 1:
            return 0.0
        names = [plain_name(layout.header[index]) for index in layout.others()]
        names = [name for name in names if name not in INDEX_NAMES]
        if "pid" in names:
            return 0.0
        if layout.header[layout.times].strip().strip('"') == "Time":
            return 0.9
        known = sum(name in NAME_COLUMNS or of_title(name).measure != "unknown" for name in names)
        return 0.5 if known <= 0.5 * len(names) and only_numbers(head, layout) else 0.0

    def read(self, source: Source, sink: Sink) -> None:
        """Raises InputError where no column holds times."""
        layout = layout_of(source.head())
        if layout is None or layout.times is None:
            raise InputError("no column of times in this panel", source.path, 1)
        panel = _Panel(title_of(source.path), layout, source, sink)
        if {plain_name(layout.header[index]) for index in layout.others()} - INDEX_NAMES in LONG:
            panel.read_long()
        else:
            panel.read_wide()


@dataclass(slots=True)
class Column:
    """Columns (by index) that were equal in every row so far, and the samples they share."""

    legend: str
    members: list[int]
    line: int = 2
    at: list[Floats] = field(default_factory=list)
    value: list[Floats] = field(default_factory=list)
    unit: str = ""

    def add(self, at: Floats, value: Floats, unit: str) -> None:
        """Samples of one block; empty cells are left out."""
        filled = np.isfinite(value) & np.isfinite(at)
        if filled.any():
            self.at.append(at[filled])
            self.value.append(value[filled])
        self.unit = unit or self.unit

    def part(self, legend: str, members: list[int]) -> Column:
        """Some of the members with the same past: the samples are shared, not copied."""
        return Column(legend, members, self.line, list(self.at), list(self.value), self.unit)

    def emptied(self, line: int) -> Column:
        """The same members without their past, once it is written."""
        return Column(self.legend, self.members, line, unit=self.unit)


@dataclass(slots=True)
class _Panel:
    """One panel while it is read."""

    title: str
    layout: Layout
    source: Source
    sink: Sink
    meaning: Meaning | None = None

    def read_wide(self) -> None:
        """A column for each legend."""
        columns = by_base(self.layout)
        for block in blocks(self.source, self.layout, self.sink):
            at = times_of(block, self.layout, self.sink)
            parsed = _Parsed(block, self.layout, self.sink)
            columns = [part for one in columns for part in self._told_apart(one, parsed, at)]
            if sum(len(piece) for one in columns for piece in one.value) > MAX_SAMPLES_HELD:
                self._write(columns)
                columns = [one.emptied(block.lines[-1]) for one in columns]
        self._write(columns)

    def _told_apart(self, one: Column, parsed: _Parsed, at: Floats) -> Iterator[Column]:
        """A column of equals after one more block: still one, or as many as differ now."""
        groups: dict[int, list[int]] = {}
        for index in one.members:
            groups.setdefault(id(parsed.column(index)[0]), []).append(index)
        for members in groups.values():
            part = one if len(groups) == 1 else one.part(self.layout.header[members[0]], members)
            part.add(at, *parsed.column(members[0]))
            yield part

    def read_long(self) -> None:
        """A row for each time and series."""
        names = [plain_name(name) for name in self.layout.header]
        legend = next(names.index(name) for name in ("series", "metric", "legend", "name") if name in names)
        columns: dict[str, Column] = {}
        for block in blocks(self.source, self.layout, self.sink):
            at = times_of(block, self.layout, self.sink)
            values, unit = _Parsed(block, self.layout, self.sink).column(names.index("value"))
            legends = np.array(block.columns[legend])
            for name in dict.fromkeys(block.columns[legend]):
                one = columns.setdefault(name, Column(name, [0], block.lines[0]))
                one.add(at[legends == name], values[legends == name], unit)
        self._write(list(columns.values()))

    def _write(self, columns: list[Column]) -> None:
        """All columns to the sink. What the panel measures is settled by its first part, if it comes in several."""
        if self.meaning is None:
            unit = next((one.unit for one in columns if one.unit), "")
            self.meaning = weighed(of_title(self.title), _values(columns), unit)
        if not any(one.value for one in columns):
            self.sink.remark("a panel without any value")
        for one in columns:
            if one.value or len(one.members) > 1:
                self._write_column(one)

    def _write_column(self, one: Column) -> None:
        meaning = self.meaning or Meaning("unknown")
        if meaning.measure == "unknown":
            meaning = weighed(of_title(one.legend), _values([one]), one.unit)
        who = from_legend(one.legend, self.source.service)
        key = series_key(self.title, who, meaning, {"legend": one.legend.strip(), "panel": self.title})
        at = np.concatenate(one.at) if one.at else np.empty(0)
        self.sink.samples(key, at, _values([one]) * meaning.scale, one.line)
        if len(one.members) > 1:
            self.sink.describe(key, copies=len(one.members))


def _values(columns: list[Column]) -> Floats:
    pieces = [piece for one in columns for piece in one.value]
    return np.concatenate(pieces) if pieces else np.empty(0)


class _Parsed:
    """The numbers of a block; columns with equal cells are parsed once."""

    def __init__(self, block: Block, layout: Layout, sink: Sink) -> None:
        self._block, self._layout, self._sink = block, layout, sink
        self._known: dict[tuple[str, ...], tuple[Floats, str]] = {}

    def column(self, index: int) -> tuple[Floats, str]:
        """(values, unit) of one column; cells that hold no number are rejected."""
        cells = self._block.columns[index]
        if cells not in self._known:
            value, unit, bad = column(cells, self._layout.decimal_comma)
            for row in bad:
                self._sink.reject(
                    self._block.lines[row], f"no number in column {self._layout.header[index]!r}", cells[row]
                )
            self._known[cells] = value, unit
        return self._known[cells]


def by_base(layout: Layout) -> list[Column]:
    """Columns that a join may have multiplied, together: equal legends, and `name.1`, `name.2` where `name` is too."""
    header = layout.header
    names, groups = set(header), dict[str, Column]()
    for index in layout.others():
        if plain_name(header[index]) in INDEX_NAMES:
            continue
        match = re.fullmatch(r"(.*)\.(\d+)", header[index], re.DOTALL)
        base = match.group(1) if match and match.group(1) in names else header[index]
        groups.setdefault(base, Column(header[index], [])).members.append(index)
    return list(groups.values())
