"""What a run of the import did, and which identifiers it has met; both bounded in memory."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from floodmark.export.importer.losses import Loss, LossReport

KEPT_PROBLEMS = 1_000


@dataclass(slots=True)
class Summary:
    """`problems` are the first files and items that could not be imported, one line each; the report has all."""

    report: LossReport
    files: int = 0
    activities: int = 0
    organisations: int = 0
    refused: int = 0
    problems: list[str] = field(default_factory=list)

    def refuse(self, problem: str) -> None:
        """Something could not be imported."""
        self.refused += 1
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(problem)
        if self.report.out is not None:
            self.report.write(Loss("", None, "", "", problem, "not imported", ""))


class Seen:
    """Where each identifier of a run stood: in a temporary file, of which SQLite keeps 2 MB in memory."""

    def __init__(self) -> None:
        self._table = sqlite3.connect("", isolation_level=None)
        self._table.execute("PRAGMA journal_mode=OFF")
        self._table.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, place TEXT) WITHOUT ROWID")

    def where(self, key: str) -> str | None:
        """The place of that key, None where it was not met."""
        row = self._table.execute("SELECT place FROM seen WHERE key = ?", [key]).fetchone()
        return str(row[0]) if row else None

    def add(self, key: str, place: str) -> None:
        """Note a key and its place."""
        self._table.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", [key, place])

    def close(self) -> None:
        """Let the file go."""
        self._table.close()
