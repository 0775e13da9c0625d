"""What an import could not keep: one JSON line each, and counts; bounded in memory however much it is."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TextIO

SHOWN = 300


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


class LossReport:
    """Writes losses as they come. `counts` is (problem, element) -> how many; `refused` counts whole items."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out
        self.counts: Counter[tuple[str, str]] = Counter()
        self.refused = 0

    def add(self, loss: Loss) -> None:
        """Take one loss."""
        self.counts[loss.problem, loss.element] += 1
        if self.out is not None:
            self.out.write(json.dumps(asdict(loss), ensure_ascii=False) + "\n")

    def total(self) -> int:
        """How many losses there were."""
        return sum(self.counts.values())


@dataclass(slots=True)
class Reporter:
    """Losses of one activity or organisation."""

    report: LossReport
    file: str
    identifier: str = ""

    def lost(self, element: str, line: int | None, problem: str, done: str, text: str = "") -> None:
        """Report one loss; the text is cut to what a reader needs to recognise it."""
        self.report.add(Loss(self.file, line, self.identifier, element, problem, done, text[:SHOWN]))
