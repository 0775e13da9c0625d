"""What an import could not keep: one JSON line each, and counts; bounded in memory however much it is."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from typing import IO, Protocol, TextIO

SHOWN = 300
MAX_KINDS = 2_000
"""Kinds of losses that are counted apart; more can only come of elements that IATI does not have."""
HELD_BYTES = 1 << 20
"""Losses of one item that wait in memory; more of them wait in a temporary file."""
OTHERS = ("of other kinds", "elements")

Kind = tuple[str, str]
"""(problem, element)"""


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing: where it stood, what is wrong with it, and what was done."""

    file: str
    line: int | None
    identifier: str
    element: str
    problem: str
    done: str
    text: str


class Sink(Protocol):
    """What takes losses."""

    def add(self, loss: Loss) -> None:
        """Take one."""


class LossReport:
    """Writes losses as they come, and counts them by kind."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out
        self.counts: Counter[Kind] = Counter()

    def add(self, loss: Loss) -> None:
        """Take one loss."""
        self.count((loss.problem, loss.element), 1)
        self.write(loss)

    def write(self, loss: Loss) -> None:
        """List one without counting it."""
        if self.out is not None:
            self.out.write(encoded(loss))

    def count(self, kind: Kind, number: int) -> None:
        """Count losses of a kind."""
        self.counts[kind if kind in self.counts or len(self.counts) < MAX_KINDS else OTHERS] += number

    def total(self) -> int:
        """How many losses there were."""
        return sum(self.counts.values())


class HeldLosses:
    """Losses of one item that is not in yet: they are reported when it is, and forgotten where it is not."""

    def __init__(self, report: LossReport) -> None:
        self._report, self._counts = report, LossReport()
        self._lines: IO[str] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by `release` and `forget`
            HELD_BYTES, "w+", encoding="utf-8"
        )

    def add(self, loss: Loss) -> None:
        """Keep one."""
        self._counts.add(loss)
        if self._report.out is not None:
            self._lines.write(encoded(loss))

    def release(self) -> None:
        """Report all of them."""
        for kind, number in self._counts.counts.items():
            self._report.count(kind, number)
        self._lines.seek(0)
        if self._report.out is not None:
            for line in self._lines:
                self._report.out.write(line)
        self.forget()

    def forget(self) -> None:
        """Let go of them."""
        self._lines.close()


def encoded(loss: Loss) -> str:
    """A line of the report."""
    return json.dumps(asdict(loss), ensure_ascii=False) + "\n"


@dataclass(slots=True)
class Reporter:
    """Losses of one activity or organisation."""

    report: Sink
    file: str
    identifier: str = ""

    def lost(self, element: str, line: int | None, problem: str, done: str, text: str = "") -> None:
        """Report one loss; the text is cut to what a reader needs to recognise it."""
        self.report.add(Loss(self.file, line, self.identifier, element, problem, done, text[:SHOWN]))
