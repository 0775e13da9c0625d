"""The watch's tables as the diagnosis reads them, wherever they live: six small queries and what they become.

`Tables` is what an engine has to answer. DuckDB answers by SQL (`store.py`); any engine that Ibis knows answers through
`tables_ibis.py`. Both hand over columns, and `evidence` makes the same `Evidence` of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise, starmap
from typing import Any, Protocol

import numpy as np

from floodmark.evidence.nouns import (
    Dose,
    Event,
    Evidence,
    Floats,
    Ints,
    Limit,
    Place,
    Series,
    SourceHealth,
    Tally,
    Volume,
)
from floodmark.watch.collect.base import PRESSURE

Columns = Mapping[str, Any]
"""Name -> numpy array, all of one length."""

COLUMNS = {
    "series": ("id", "service", "instance", "process", "measure", "started"),
    "sample": ("series", "moment", "value"),
    "dose": ("bin", "service", "kind", "name", "instance", "monitoring", "starts", "seconds", "bytes_out", "failed"),
    "tally": ("bin", "kind", "service", "name", "count", "moment", "source", "line", "text"),
    "event": ("moment", "kind", "service", "instance", "process", "text", "source", "line", "count"),
    "volume": ("hour", "name", "service", "bytes", "lines"),
}
"""The tables and their columns."""


class Tables(Protocol):
    """The queries. Times are seconds since the epoch; `since` is included, `until` is not."""

    def series(self) -> Columns:
        """Every series, by id."""

    def samples(self, since: float, until: float) -> Columns:
        """Samples in order of series, then time."""

    def doses(self, first_bin: int, end_bin: int) -> Columns:
        """Doses in order of service, kind, name, instance, bin; one row a bin."""

    def tallies(self, first_bin: int, end_bin: int) -> Columns:
        """Tallies in order of kind, service, name, bin; one row a bin."""

    def events(self, since: float, until: float) -> Columns:
        """Events in order of time."""

    def volumes(self, first_hour: int, end_hour: int) -> Columns:
        """Volumes in order of name, hour."""


def evidence(
    tables: Tables,
    window: tuple[float, float],
    bin_seconds: float,
    *,
    limits: Iterable[Limit] = (),
    sources: Iterable[SourceHealth] = (),
) -> Evidence:
    """What the diagnosis reads, over `window`."""
    since, until = window
    first, end = int(since // bin_seconds), int(until // bin_seconds) + 1
    return Evidence(
        window=window,
        bin_seconds=bin_seconds,
        sources=tuple(sources),
        series=tuple(_series(tables.series(), tables.samples(since, until))),
        doses=tuple(_doses(tables.doses(first, end))),
        events=tuple(_events(tables.events(since, until))),
        tallies=tuple(_tallies(tables.tallies(first, end))),
        volumes=tuple(_volumes(tables.volumes(int(since // 3600), int(until // 3600) + 1))),
        limits=tuple(limits),
    )


def _series(series: Columns, samples: Columns) -> Iterator[Series]:
    known = {int(number): index for index, number in enumerate(series["id"])}
    for part in _runs(samples["series"]):
        index = known.get(int(samples["series"][part.start]))
        if index is None:
            continue
        measure = str(series["measure"][index])
        if measure == PRESSURE:
            continue
        yield Series(
            service=str(series["service"][index]),
            instance=_text(series["instance"][index]),
            process=_text(series["process"][index]),
            measure=measure,
            metric=measure,
            place=Place("watch"),
            at=_floats(samples["moment"][part]),
            value=_floats(samples["value"][part]),
            started=_number(series["started"][index]),
        )


def _doses(doses: Columns) -> Iterator[Dose]:
    for part in _runs(doses["service"], doses["kind"], doses["name"], doses["instance"]):
        here = part.start
        yield Dose(
            service=_text(doses["service"][here]),
            kind=str(doses["kind"][here]),  # type: ignore[arg-type]  # what was stored is a DoseKind
            name=str(doses["name"][here]),
            place=Place("watch"),
            bin=_ints(doses["bin"][part]),
            starts=_floats(doses["starts"][part]),
            seconds=_floats(doses["seconds"][part]),
            bytes_out=_floats(doses["bytes_out"][part]),
            failed=_floats(doses["failed"][part]),
            instance=_text(doses["instance"][here]),
            monitoring=bool(doses["monitoring"][here]),
        )


def _tallies(tallies: Columns) -> Iterator[Tally]:
    for part in _runs(tallies["kind"], tallies["service"], tallies["name"]):
        here = part.start
        examples = [
            (float(tallies["moment"][row]), _place(tallies, row), str(tallies["text"][row]))
            for row in dict.fromkeys((part.start, part.stop - 1))
            if _text(tallies["text"][row])
        ]
        yield Tally(
            kind=str(tallies["kind"][here]),
            service=_text(tallies["service"][here]),
            name=_text(tallies["name"][here]) or "",
            bin=_ints(tallies["bin"][part]),
            count=_floats(tallies["count"][part]),
            examples=tuple(examples),
        )


def _events(events: Columns) -> Iterator[Event]:
    for row in range(len(events["moment"])):
        yield Event(
            at=float(events["moment"][row]),
            kind=str(events["kind"][row]),  # type: ignore[arg-type]  # what was stored is an EventKind
            service=_text(events["service"][row]),
            instance=_text(events["instance"][row]),
            process=_text(events["process"][row]),
            text=str(events["text"][row]),
            place=_place(events, row),
            count=int(events["count"][row]),
        )


def _volumes(volumes: Columns) -> Iterator[Volume]:
    for part in _runs(volumes["name"]):
        yield Volume(
            name=str(volumes["name"][part.start]),
            service=_text(volumes["service"][part.start]),
            hour=_ints(volumes["hour"][part]),
            bytes=_floats(volumes["bytes"][part]),
            lines=_floats(volumes["lines"][part]),
        )


def _runs(*keys: Any) -> Iterator[slice]:
    """The stretches of equal keys in sorted columns.

    By whole columns: row by row it was half of what a diagnosis of a hundred processes costs.
    """
    size = len(keys[0])
    if size:
        plain = [_comparable(key) for key in keys]
        changed = np.logical_or.reduce([key[1:] != key[:-1] for key in plain])
        yield from starmap(slice, pairwise([0, *(np.flatnonzero(changed) + 1).tolist(), size]))


def _comparable(column: Any) -> Any:
    """A column in which equal values compare as equal: NULL in an engine's answer may be a NaN, which equals nothing."""
    return column if np.asarray(column).dtype.kind in "iub" else np.array([_text(one) for one in column], dtype=object)


def _place(columns: Columns, row: int) -> Place:
    line = _number(columns["line"][row])
    return Place(str(columns["source"][row]), None if line is None else int(line))


def _text(value: Any) -> str | None:
    """A text of a column, None for the several ways in which engines say NULL."""
    if value is None or value is np.ma.masked or (isinstance(value, float) and np.isnan(value)):
        return None
    return str(value)


def _number(value: Any) -> float | None:
    if value is None or value is np.ma.masked or value != value:
        return None
    return float(value)


def _floats(values: Any) -> Floats:
    return np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan).astype(np.float64, copy=False)


def _ints(values: Any) -> Ints:
    return np.asarray(values, dtype=np.int64)
