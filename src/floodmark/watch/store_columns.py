"""What was gathered in a round, as columns that DuckDB inserts in one statement a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from floodmark.evidence.nouns import Dose, Event, Tally, Volume
from floodmark.watch.collect.base import Sample
from floodmark.watch.tables import Columns


def sample_columns(numbered: Sequence[tuple[int, Sample]]) -> Columns:
    """A row a sample, with the id of its series."""
    return {
        "series": np.array([number for number, _ in numbered], np.int32),
        "moment": np.array([one.at for _, one in numbered], np.float64),
        "value": np.array([one.value for _, one in numbered], np.float64),
    }


def stacked(parts: list[Columns]) -> Columns:
    """One INSERT costs a millisecond or two whatever its size: many small tables become one."""
    joined: Any = np.ma.concatenate
    return {name: joined([part[name] for part in parts]) for name in parts[0]} if parts else {}


def dose_columns(dose: Dose) -> Columns:
    """A row a bin."""
    size = len(dose.bin)
    return {
        "bin": dose.bin, "service": _same(dose.service, size), "kind": _same(dose.kind, size),
        "name": _same(dose.name, size), "instance": _same(dose.instance, size),
        "monitoring": np.full(size, dose.monitoring), "starts": dose.starts, "seconds": dose.seconds,
        "bytes_out": dose.bytes_out, "failed": dose.failed,
    }  # fmt: skip


def tally_columns(tally: Tally) -> Columns:
    """A row a bin, each with the first example."""
    size = len(tally.bin)
    at, place, text = tally.examples[0] if tally.examples else (np.nan, None, None)
    return {
        "bin": tally.bin, "kind": _same(tally.kind, size), "service": _same(tally.service, size),
        "name": _same(tally.name, size), "count": tally.count, "moment": np.full(size, at),
        "source": _same(place.source if place else None, size), "line": _lines([place.line if place else None] * size),
        "text": _same(text, size),
    }  # fmt: skip


def volume_columns(volume: Volume) -> Columns:
    """A row an hour."""
    size = len(volume.hour)
    return {
        "hour": volume.hour, "name": _same(volume.name, size), "service": _same(volume.service, size),
        "bytes": volume.bytes, "lines": volume.lines,
    }  # fmt: skip


def event_columns(events: list[Event]) -> Columns:
    """A row an event."""
    return {
        "moment": np.array([one.at for one in events], np.float64),
        "kind": _texts([one.kind for one in events]),
        "service": _texts([one.service for one in events]),
        "instance": _texts([one.instance for one in events]),
        "process": _texts([one.process for one in events]),
        "text": _texts([one.text for one in events]),
        "source": _texts([one.place.source for one in events]),
        "line": _lines([one.place.line for one in events]),
        "count": np.array([one.count for one in events], np.int64),
    }


def _same(text: str | None, size: int) -> Any:
    return _texts([text] * size)


def _texts(values: Sequence[str | None]) -> Any:
    return np.array(values, dtype=object)


def _lines(values: Sequence[int | None]) -> Any:
    missing = [value is None for value in values]
    return np.ma.masked_array([value or 0 for value in values], mask=missing, dtype=np.int64)
