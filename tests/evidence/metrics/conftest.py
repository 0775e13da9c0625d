"""Reads a text with the reader that claims it, through a real file, into a sink that keeps all it is told."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from floodmark.evidence.metrics import READERS
from floodmark.evidence.nouns import Clock, Floats, Place, Series
from floodmark.evidence.readers import Reader, SeriesKey
from floodmark.evidence.sources import FileSource


@dataclass
class Reading:
    """A sink (readers.Sink) that keeps everything."""

    path: str = ""
    kind: str = ""
    rows: dict[SeriesKey, list[tuple[Floats, Floats]]] = field(default_factory=dict)
    told: dict[SeriesKey, dict[str, Any]] = field(default_factory=dict)
    records: int = 0
    damages: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    limits: list[tuple[str, str | None, float]] = field(default_factory=list)
    events: list[tuple[float, str, str | None, int]] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)

    def samples(self, key: SeriesKey, at: Floats, value: Floats, line: int | None = None) -> None:
        kept = np.isfinite(at) & np.isfinite(value)
        self.rows.setdefault(key, []).append((np.asarray(at)[kept], np.asarray(value)[kept]))

    def describe(self, key: SeriesKey, *, copies: int | None = None, started: float | None = None) -> None:
        more = {"copies": copies, "started": started}
        self.told.setdefault(key, {}).update({name: value for name, value in more.items() if value is not None})

    def record(self, count: int = 1, at: float | None = None) -> None:
        self.records += count

    def reject(self, line: int, reason: str, text: bytes | str = b"") -> None:
        self.rejected.append((line, reason))

    def damaged(self, count: int = 1) -> None:
        self.damages += count

    def remark(self, text: str) -> None:
        self.remarks = list(dict.fromkeys([*self.remarks, text]))

    def clock(self, clock: Clock) -> None:
        self.clocks = list(dict.fromkeys([*self.clocks, clock]))

    def limit(self, kind: str, value: float, line: int | None = None, *, service: str | None = None) -> None:
        self.limits.append((kind, service, value))

    def event(self, at: float, kind: str, text: str, line: int | None = None, **more: Any) -> None:
        self.events.append((at, kind, more.get("service"), more.get("count", 1)))

    @property
    def series(self) -> list[Series]:
        """What was read, as the evidence will have it."""
        return [
            Series(
                key.service,
                key.instance,
                key.process,
                key.measure,
                key.metric,
                Place(self.path),
                np.concatenate([at for at, _ in rows]),
                np.concatenate([value for _, value in rows]),
                dict(key.labels),
                key.expr,
                key.unit,
                **self.told.get(key, {}),
            )
            for key, rows in self.rows.items()
        ]

    def one(self, measure: str | None = None, service: str | None = None) -> Series:
        """The only series of a measure and service."""
        found = [one for one in self.series if measure in (None, one.measure) and service in (None, one.service)]
        assert len(found) == 1, [(one.service, one.measure, one.metric) for one in self.series]
        return found[0]


def claimed(source: FileSource) -> Reader:
    """The reader that is surest of a file."""
    head = source.head()
    best = max(READERS, key=lambda reader: reader.recognise(head))
    assert best.recognise(head) > 0, f"no reader knows {source.path}"
    return best


@pytest.fixture
def read_file() -> Callable[..., Reading]:
    def read(file: Path, path: str | None = None, **more: Any) -> Reading:
        source = FileSource(file, path or file.name, modified=file.stat().st_mtime, **more)
        reader = claimed(source)
        reading = Reading(path or file.name, reader.kind)
        reader.read(source, reading)  # type: ignore[arg-type]
        return reading

    return read


@pytest.fixture
def read(tmp_path: Path, read_file: Callable[..., Reading]) -> Callable[..., Reading]:
    """Read a text as a file of that name, gzipped where the name says so."""

    def written(text: str | bytes, name: str = "metrics", **more: Any) -> Reading:
        data = text.encode() if isinstance(text, str) else text
        file = tmp_path / name
        file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return read_file(file, **more)

    return written


@pytest.fixture
def nobody_claims(tmp_path: Path) -> Callable[[str], bool]:
    def asked(text: str) -> bool:
        file = tmp_path / "unknown"
        file.write_text(text)
        head = FileSource(file, "unknown").head()
        return not any(reader.recognise(head) > 0.2 for reader in READERS)

    return asked
