"""One run of `floodmark export`: a dataset to an open file, with what it cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from floodmark.errors import FloodmarkError
from floodmark.export import catalogue
from floodmark.export.build import Effort, Options, pieces
from floodmark.export.datasets import Dataset, Kind
from floodmark.export.measure import Meter
from floodmark.export.report import BuildReport, Lines
from floodmark.export.rows.database import Database
from floodmark.export.validity import Checker
from floodmark.settings import Settings


@dataclass
class Run:
    """What is common to the files of a run. `generated` None takes each file's from its content."""

    settings: Settings
    generated: datetime | None = None
    check: bool = False
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        self.database = Database(patience_s=self.settings.database_patience_seconds)

    def dataset(self, kind: Kind, word: str) -> Dataset:
        """The dataset of the organisation that a word names. Raises UsageError."""
        return Dataset(kind, catalogue.find(self.database, word))

    def every(self) -> Iterator[Dataset]:
        """All datasets of the database."""
        yield from catalogue.every(self.database)

    def size(self, dataset: Dataset) -> int | None:
        """How many items the file may have, for a progress bar."""
        return catalogue.count(self.database, dataset)

    def write(
        self, dataset: Dataset, file: BinaryIO, lines: Lines | None, advance: Callable[[int], object]
    ) -> dict[str, Any]:
        """Write the file; `advance` hears of each item. Returns what it cost.

        Raises FloodmarkError where the file is asked to be checked and is not valid, and what `pieces` raises.
        """
        moment = self.generated or catalogue.changed(self.database, dataset)
        checker = Checker() if self.check else None
        meter, effort, options = Meter(), Effort(), Options.of(self.settings)
        report = BuildReport(lines, max_lines=options.report_lines)
        written = items = 0
        last: int | None = None
        for piece in pieces(dataset, report, generated=moment, options=options, effort=effort):
            file.write(piece.data)
            written += len(piece.data)
            if checker:
                checker.feed(piece.data)
            if piece.item_id not in (None, last):
                last, items = piece.item_id, items + 1
                advance(1)
        file.flush()
        report.close()
        if checker and (problems := checker.close()):
            raise FloodmarkError(f"{dataset}: the file is not valid, this is an error of ours: {'; '.join(problems)}")
        return {
            "dataset": dataset.slug,
            "activities": items if dataset.kind == "activities" else 0,
            "bytes": written,
            **meter.read(),
            "queries": effort.queries,
            "pages": effort.pages,
            "rows": effort.rows,
            "remarks": report.total,
            "left_out": report.left_out,
        }
