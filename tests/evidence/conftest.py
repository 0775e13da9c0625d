"""Evidence from files written for one test."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from floodmark.evidence.intake import IntakeOptions, gather
from floodmark.evidence.nouns import Dose, Evidence, SourceHealth, Tally

# a shared machine may stop for longer than any deadline
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

Gather = Callable[..., Evidence]


@pytest.fixture
def gathered(tmp_path: Path) -> Gather:
    """Write files (path -> text or bytes; the text of a `.gz` is packed) into a folder and gather it."""

    def run(files: Mapping[str, str | bytes], **options: Any) -> Evidence:
        folder = tmp_path / "evidence"
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            packed = name.endswith(".gz") and isinstance(content, str)
            target.write_bytes(gzip.compress(data, mtime=0) if packed else data)
        return gather([folder], IntakeOptions(**options))

    return run


class Look:
    """Short ways to what a test wants to know of an evidence."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def source(self, path: str) -> SourceHealth:
        """The only health row of a path."""
        (row,) = [row for row in self.evidence.sources if row.path == path]
        return row

    def dose(self, name: str, **fields: object) -> Dose:
        """The only dose of a name."""
        found = [one for one in self.evidence.doses if one.name == name]
        (dose,) = [one for one in found if all(getattr(one, key) == value for key, value in fields.items())]
        return dose

    def starts(self) -> dict[tuple[str | None, str], float]:
        """(service, name) -> how many began."""
        found: dict[tuple[str | None, str], float] = {}
        for one in self.evidence.doses:
            found[one.service, one.name] = found.get((one.service, one.name), 0.0) + float(one.starts.sum())
        return found

    def tally(self, kind: str) -> dict[str, float]:
        """name -> count, of one kind."""
        found: dict[str, float] = {}
        for one in self.evidence.tallies:
            if one.kind == kind:
                found[one.name] = found.get(one.name, 0.0) + float(one.count.sum())
        return found

    def tallies(self, kind: str) -> list[Tally]:
        """All tallies of one kind."""
        return [one for one in self.evidence.tallies if one.kind == kind]

    def events(self) -> list[tuple[float, str, str | None]]:
        """(time, kind, process) of every event."""
        return [(one.at, one.kind, one.process) for one in self.evidence.events]


@pytest.fixture
def look() -> Callable[[Evidence], Look]:
    """Short ways to what a test wants to know of an evidence."""
    return Look
