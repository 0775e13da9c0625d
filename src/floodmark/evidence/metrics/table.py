"""Delimited text with a header, in blocks of columns: the shape below every CSV of metrics."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from floodmark.evidence.nouns import Floats
from floodmark.evidence.readers import Head, Sink, Source

from .moments import looks_like_times, parse
from .units import column

CELLS_IN_BLOCK = 400_000
"""Cells that are held as text at a time; some 40 MB."""

BLOCK_BYTES = 1 << 20

TIME_NAMES = re.compile(
    r"(time ?stamp|time|ts|date ?time|date|at|when|epoch|unix ?time|t|moment|sampled at|collected at|recorded at|zeit"
    r"|tid|heure|fecha|created at)( \(?(utc|s|ms|us|ns|sec\w*|local)\)?)?",
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of a table divide, and where its times are.

    header   names of the columns, as they stand
    times    index of the column of times; with `clock` a column of dates that goes before it
    """

    delimiter: str
    decimal_comma: bool
    header: tuple[str, ...]
    times: int | None
    clock: int | None = None

    def moments(self, columns: Sequence[Sequence[str]]) -> Sequence[str]:
        """The cells from which times are parsed, dates and clocks put together."""
        if self.times is None:
            return ()
        if self.clock is None:
            return columns[self.times]
        return [f"{day} {clock}" for day, clock in zip(columns[self.times], columns[self.clock], strict=True)]

    def others(self) -> list[int]:
        """Indices of the columns that are no times."""
        return [index for index in range(len(self.header)) if index not in (self.times, self.clock)]


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a table: the line of each, and the cells by column."""

    lines: tuple[int, ...]
    columns: tuple[tuple[str, ...], ...]


def plain_name(name: str) -> str:
    """A column's name for comparing: lower case, words with single spaces."""
    return re.sub(r"[\s_\-@.]+", " ", name.strip().strip('"').lower()).strip()


def layout_of(head: Head) -> Layout | None:
    """The layout of a table that begins like this, or None where this is no table with a header."""
    lines = [line.decode("utf-8", "replace") for line in head.lines[:200] if line.strip()]
    if lines and lines[0].startswith("sep=") and len(lines[0]) <= 6:
        lines = lines[1:]
    if len(lines) < 2:
        return None
    for delimiter in _delimiters(lines[0]):
        rows = list(_parsed(lines, delimiter))
        header = tuple(rows[0])
        # of a head that was cut in its first lines there may be no whole second row
        body = [row for row in rows[1:] if len(row) == len(header)]
        if not body or len(body) < 0.6 * len(rows[1:]) or any(_is_number(name) for name in header if name.strip()):
            continue
        times, clock = _times_of(header, body)
        decimal = _decimal_comma(body, r"\d{1,2}|\d{4,}" if delimiter == "," else r"\d+")
        return Layout(delimiter, decimal, header, times, clock)
    return None


def only_numbers(head: Head, layout: Layout) -> bool:
    """Do the columns beside the times hold numbers, or nothing, in the first rows?"""
    lines = [line.decode("utf-8", "replace") for line in head.lines[1:50] if line.strip()]
    rows = [row for row in csv.reader(lines, delimiter=layout.delimiter) if len(row) == len(layout.header)]
    cells = [row[index] for row in rows for index in layout.others()]
    bad = column(cells, layout.decimal_comma)[2]
    return bool(cells) and len(bad) <= 0.02 * len(cells) and any(text.strip() for text in cells)


def _delimiters(line: str) -> list[str]:
    return sorted((one for one in (",", ";", "\t", "|") if one in line), key=lambda one: -line.count(one))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _decimal_comma(body: list[list[str]], decimals: str) -> bool:
    """Whether commas stand before decimals. Where they also divide the cells, 400,000 in quotes is more likely a number
    with thousands, so `decimals` may be other than three digits only.
    """
    cells = [text for row in body for text in row]
    commas = sum(
        bool(re.fullmatch(rf"[+-]?\d+(\.\d{{3}})*,({decimals})(\s*[^\s\d]+)?", text.strip())) for text in cells
    )
    points = sum(bool(re.fullmatch(r"[+-]?\d+\.\d+(\s*\S+)?", text.strip())) for text in cells)
    return commas > points


def _times_of(header: tuple[str, ...], body: list[list[str]]) -> tuple[int | None, int | None]:
    """(column of times, column of the clock where the first has only dates): by name first, else by what it holds."""
    named = [index for index, name in enumerate(header) if TIME_NAMES.fullmatch(plain_name(name))]
    for index in [*named, *(one for one in range(min(len(header), 8)) if one not in named)]:
        cells = [row[index] for row in body]
        if looks_like_times(cells):
            clocks = [one for one in range(len(header)) if one != index and _only_clock([row[one] for row in body])]
            only_date = all(re.fullmatch(r"[\d./-]{8,10}", text.strip()) for text in cells if text.strip())
            return index, clocks[0] if clocks and only_date else None
    return None, None


def _only_clock(cells: list[str]) -> bool:
    filled = [text for text in cells if text.strip()]
    return bool(filled) and all(re.fullmatch(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?", text.strip()) for text in filled[:20])


def blocks(source: Source, layout: Layout, sink: Sink, cells_in_block: int | None = None) -> Iterator[Block]:
    """The rows below the header in blocks of whole columns. Rows of another width are rejected.

    A quoted cell may not hold a line's end: exports of metrics have none, and a lost quote must not eat the file.
    """
    header = list(layout.header)
    most = max(1, (cells_in_block or CELLS_IN_BLOCK) // max(1, len(header)))
    rows: list[list[str]] = []
    numbers: list[int] = []
    for first, data in source.blocks(BLOCK_BYTES):
        text = data.decode("utf-8", "replace")
        cut = None if data.endswith(b"\n") else first + text.count("\n")
        for number, row in enumerate(_split(text, layout.delimiter), first):
            if not row or row == header or (number == 1 and row[0].startswith("sep=")):
                continue
            wrong = _wrong(row, len(header), rows[-1] if number == cut and rows else None)
            if wrong:
                sink.reject(number, wrong, layout.delimiter.join(row))
                continue
            rows.append(row)
            numbers.append(number)
            if len(rows) >= most:
                yield Block(tuple(numbers), tuple(zip(*rows, strict=True)))
                rows, numbers = [], []
    if rows:
        yield Block(tuple(numbers), tuple(zip(*rows, strict=True)))


def _wrong(row: list[str], width: int, above: list[str] | None) -> str:
    """Why a row is not read, "" for a good one. `above` is the row above that of a last line without a line end."""
    if len(row) != width:
        return f"{len(row)} cells where the header has {width}"
    # exports often have no last line end, but here a number may have been cut: 400 of 400000012 bytes
    return "cut off at the end of the file" if above is not None and len(row[-1]) < len(above[-1]) else ""


def _split(text: str, delimiter: str) -> Iterable[list[str]]:
    """The cells of each line; an empty line has none. Blocks without quotes are divided without the csv module."""
    lines = text.split("\n")
    if '"' not in text:
        return (line.rstrip("\r").split(delimiter) if line.strip() else [] for line in lines)
    if all(line.count('"') % 2 == 0 for line in lines):
        return _parsed(lines, delimiter)
    return (next(_parsed([line], delimiter), []) for line in lines)


def _parsed(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    """The cells of each line. One that is no CSV (a stray carriage return, NUL, a giant cell) is a single cell."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield [f"no CSV: {error}"]


def times_of(block: Block, layout: Layout, sink: Sink) -> Floats:
    """The time of each row, NaN for rows rejected without one; the sink learns the zone and how far the rows reach."""
    moments = parse(layout.moments(block.columns))
    for row in np.nonzero(~np.isfinite(moments.at))[0]:
        sink.reject(block.lines[row], "no time in the column of times", block.columns[layout.times or 0][row])
    if moments.remark:
        sink.remark(moments.remark)
    read = moments.at[np.isfinite(moments.at)]
    if len(read):
        sink.clock(moments.clock())
        sink.record(len(read), float(read.min()))
        sink.record(0, float(read.max()))
    return moments.at
