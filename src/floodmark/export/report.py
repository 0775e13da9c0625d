"""The build report: each part of the rows that could not be published as it is, and what was done about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

import msgspec

MAX_LINES = 1_000_000
"""Where no setting (`report_max_lines`) says otherwise: about 200 MB of file, never memory."""


class Lines(Protocol):
    """Where the lines go: any file open for text."""

    def write(self, text: str, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Remark:
    """One line of the report. `rule` is a heading of docs/validity.md; `row` is the id in `table`, if there is one."""

    rule: str
    project: int | None
    table: str
    row: int | None
    element: str
    problem: str
    done: str


class BuildReport:
    """Writes remarks as JSON lines to `out` and counts them; keeps only the counts in memory.

    A report of more than `max_lines` remarks ends with a line that says how many were only counted.
    """

    def __init__(self, out: Lines | None = None, *, max_lines: int = MAX_LINES) -> None:
        self.out, self.max_lines = out, max_lines
        self.counts: Counter[str] = Counter()
        """rule -> how often"""
        self.total = 0
        """all remarks, listed or only counted"""
        self.left_out = 0
        """items (activities) that are missing from the file as a whole"""

    def add(self, remark: Remark) -> None:
        """Count a remark, and list it while there is room."""
        self.counts[remark.rule] += 1
        self.total += 1
        if self.out is not None and self.total <= self.max_lines:
            self._write(remark)

    def close(self) -> None:
        """Say what was only counted. The file stays open: it is its owner's."""
        if self.out is not None and self.total > self.max_lines:
            self._write({"only counted": self.total - self.max_lines})

    def _write(self, line: Remark | dict[str, int]) -> None:
        assert self.out is not None
        self.out.write(msgspec.json.encode(line).decode() + "\n")
