"""Answers of Prometheus' query API as JSON: matrices and vectors; and VictoriaMetrics' export, a series a line.

Read as a stream: a file of hundreds of MB takes the memory of a block. Values are strings ("NaN", "+Inf"), gaps are
simply absent, and an answer to an aggregating query has lost the metric's name: then the file's name is its title.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np

from floodmark.evidence.nouns import Clock, Floats
from floodmark.evidence.readers import Head, Sink, Source

from .json_stream import BadJson, CutShort, JsonStream
from .titles import title_of
from .writing import Named, Writer

_NUMBERS = bytes.maketrans(b'[]"\n\r\t', b"      ")


class PrometheusRange:
    """Reader of `query_range`, `query` and `export` answers."""

    kind = "prometheus-range"

    def recognise(self, head: Head) -> float:
        """By the keys `metric` and `values` or `value`, and by `resultType`."""
        data = head.data.lstrip()
        if data[:1] not in (b"{", b"["):
            return 0.0
        if b'"resultType"' in data[:4096] or (b'"metric"' in data and b'"timestamps"' in data):
            return 0.98
        if b'"metric"' in data and (b'"values"' in data or b'"value"' in data):
            return 0.95
        return 0.9 if b'"errorType"' in data and b'"status"' in data else 0.0

    def read(self, source: Source, sink: Sink) -> None:
        """Every answer in the file, one after another."""
        sink.clock(Clock("+00:00", "stated"))
        answer = _Answer(title_of(source.path), Writer(source, sink), sink)
        with source.stream() as stream:
            cursor = JsonStream(stream)
            try:
                while cursor.peek():
                    answer.value(cursor)
            except CutShort:
                sink.remark("the file ends inside an answer; what came before was read")
                sink.damaged()
            except BadJson as error:
                sink.reject(cursor.line, str(error))
                sink.remark(f"reading stopped at line {cursor.line}: {error}")
            except RecursionError:
                sink.reject(cursor.line, "nested too deep to be an answer")
                sink.remark(f"reading stopped at line {cursor.line}: nested too deep to be an answer")
        if not answer.series:
            sink.remark("an answer without any series")


@dataclass(slots=True)
class _Part:
    """What is known so far of one series: its keys may come in any order."""

    metric: dict[str, str] | None = None
    at: list[Floats] = field(default_factory=list)
    value: list[Floats] = field(default_factory=list)


@dataclass(slots=True)
class _Answer:
    """One pass over a file: finds the objects that are series, and hands their samples on."""

    title: str
    writer: Writer
    sink: Sink
    query: str = ""
    series: int = 0

    def value(self, cursor: JsonStream) -> None:
        """A value in which series may be: an object, an array of objects, or something to pass."""
        first = cursor.peek()
        if first == b"{":
            self._object(cursor)
        elif first == b"[":
            for _ in cursor.items():
                self.value(cursor)
        else:
            cursor.skip()

    def _object(self, cursor: JsonStream) -> None:
        part, line = _Part(), cursor.line
        for key in cursor.members():
            if key in ("data", "result", "results"):
                self.value(cursor)
            elif key == "metric":
                labels = cursor.value()
                part.metric = (
                    {str(name): str(text) for name, text in labels.items()} if isinstance(labels, dict) else {}
                )
                self.series += 1
            elif key in ("values", "value", "timestamps"):
                self._samples(key, part, cursor, line)
            elif key in ("query", "expr", "error"):
                self._note(key, cursor)
            else:
                cursor.skip()
        if part.metric is not None and part.at and part.value:
            at, value = np.concatenate(part.at), np.concatenate(part.value)
            if len(at) == len(value):
                self._write(part.metric, at, value, line)
            else:
                self.sink.reject(line, f"{len(at)} times for {len(value)} values")

    def _note(self, key: str, cursor: JsonStream) -> None:
        text = cursor.value()
        if key == "error":
            self.sink.remark(f"Prometheus answered with an error: {str(text)[:200]}")
        elif isinstance(text, str):
            self.query = text

    def _samples(self, key: str, part: _Part, cursor: JsonStream, line: int) -> None:
        """Samples under one key: written at once where the labels are known already, kept for later where not."""
        if cursor.peek() != b"[":
            cursor.skip()
            return
        blocks = [json.dumps(cursor.value()).encode()] if key == "value" else cursor.blocks()
        for block in blocks:
            if not block.startswith(b"["):
                self._flat(key, part, block, line)
                continue
            at, value, bad = pairs(block)
            if bad:
                self.sink.reject(line, f"{bad} samples are not a time and a number", block[:200])
            if part.metric is not None:
                self._write(part.metric, at, value, line)
            else:
                part.at.append(at)
                part.value.append(value)

    def _flat(self, key: str, part: _Part, block: bytes, line: int) -> None:
        """A block of one of the two arrays of VictoriaMetrics' export."""
        try:
            numbers = np.array(json.loads(b"[" + block.rstrip(b", \n\r\t") + b"]"), dtype=np.float64)
        except (ValueError, TypeError, RecursionError):
            self.sink.reject(line, f"no numbers in {key!r}", block[:200])
            return
        (part.at if key == "timestamps" else part.value).append(numbers)

    def _write(self, metric: dict[str, str], at: Floats, value: Floats, line: int) -> None:
        seconds = at / 1000.0 if len(at) and float(np.median(at)) > 1e11 else at
        labels = {name: text for name, text in metric.items() if name != "__name__"}
        named = Named(metric.get("__name__", ""), labels, expr=self.query, title=self.title)
        self.writer.write(named, seconds, value, line)


def pairs(block: bytes) -> tuple[Floats, Floats, int]:
    """(times, values, elements that are no pair of numbers) of `[1756793715,"461373440"],[…]`."""
    try:
        # brackets and quotes become blanks and numpy reads the rest: measured six times as fast as json.loads, and no list of lists
        numbers = np.fromstring(block.translate(_NUMBERS), sep=",")
    except ValueError:
        return _careful(block)
    if len(numbers) != 2 * block.count(b"["):
        return _careful(block)
    return numbers[::2].copy(), numbers[1::2].copy(), 0


def _careful(block: bytes) -> tuple[Floats, Floats, int]:
    """The same one by one, for blocks in which something is amiss."""
    at, value, bad = [], [], 0
    for element in json.loads(b"[" + block + b"]"):
        try:
            time, number = float(element[0]), float(element[1])
        except (TypeError, ValueError, IndexError, KeyError):
            bad += 1
            continue
        at.append(time)
        value.append(number)
    return np.array(at, dtype=np.float64), np.array(value, dtype=np.float64), bad
