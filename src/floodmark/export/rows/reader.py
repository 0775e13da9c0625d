"""The rows of one table for a run of parents, handed out parent by parent.

What fits a page is read at once. Of a longer run the ids are read, `index_rows` at a time, and the rows by their ids,
`table_rows` at a time: the work grows with the rows, whether one parent has them all or many share them, and no more
than a page is ever in memory. The index pages are keyset pages; the rows of an id that has gone meanwhile are skipped.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from floodmark.export.rows.database import Database, Fetch, numbers
from floodmark.export.rows.table import Table

R = TypeVar("R", bound=tuple[Any, ...])
C = TypeVar("C", bound=tuple[Any, ...])


SAMPLE_ROWS = 16
LEAST_ROWS = 10


@dataclass(frozen=True)
class Limits:
    """How much is in memory at once."""

    page_rows: int = 4000
    """Rows of all tables that a page of projects is aimed at."""
    table_rows: int = 1000
    """Rows of one table in a page; what is beyond is read when its turn comes."""
    index_rows: int = 10_000
    """Ids read at once of a table that has more."""
    page_projects: int = 200
    page_text_chars: int = 2_000_000
    """Text of a page of projects, or of one table: where rows are long, fewer are read at once. How long the next rows are
    is judged by the last, so it is an aim; the bound is `table_rows` times the longest row, and texts that RSR does not
    limit are read alone."""
    piece_chars: int = 64_000
    """Length of a piece of output, but for a single row that is longer."""


class Reader(Generic[R]):
    """Hands out the rows of `table`; `child` makes readers of what hangs on those rows."""

    def __init__(self, table: Table[R], database: Database, limits: Limits) -> None:
        self.table, self.database, self.limits = table, database, limits
        self.children: list[Reader[Any]] = []
        self.rows_read = 0
        self.held = 0
        """Rows in memory when they were last read."""
        self.row_chars = float(table.first_chars)
        """Mean length of the text of a row, judged by a few of those read last; falls slowly."""
        self.refills = 0
        """How often a page of this table alone was read, because a parent had more rows than fit."""
        self._parents: list[int] = []
        self._rank: dict[int, int] = {}
        self._groups: dict[int, list[R]] = {}
        self._open = END  # parents of this rank and above may have more rows than are held
        self._index = _Index()

    def child(self, table: Table[C]) -> Reader[C]:
        """A reader of the rows that hang on this reader's rows."""
        reader = Reader(table, self.database, self.limits)
        self.children.append(reader)
        return reader

    def start(self, fetch: Fetch, parents: Sequence[int]) -> None:
        """Read the first rows of these parents, and what hangs on them, within the caller's snapshot."""
        self._parents = list(parents)
        self._rank = {parent: number for number, parent in enumerate(self._parents)}
        self._index, self._open = _Index(), END
        asked, limit = numbers(parents), self._limit()
        found = fetch(self.table.first, [asked, limit]) if self._parents else []
        if len(found) == limit:
            ids = fetch(self.table.rest, [asked, self.limits.index_rows, limit])
            self._index = _Index.of(ids, 0, self.limits.index_rows)
            self._open = self._rank[found[-1][1]] if self._index else END
        self._hold(fetch, found, 0, END)

    def take(self, parent: int) -> Iterable[R]:
        """The rows of a parent, in order. Parents are asked for in the order they were given; each is asked for once.

        Rows of parents that were passed over are dropped.
        """
        if self._open > self._rank[parent]:
            return self._groups.pop(parent, [])
        return self._stream(parent)

    def _stream(self, parent: int) -> Iterator[R]:
        rank = self._rank[parent]
        yield from self._groups.pop(parent, [])
        while self._open <= rank:
            self._index.drop_below(rank)
            self.database.snapshot(self._refill)
            self.refills += 1
            yield from self._groups.pop(parent, [])

    def _refill(self, fetch: Fetch) -> None:
        """The next rows by their ids; where those are used up, the next ids first."""
        index = self._index
        if not index.ids and index.after is not None:
            base, keys = index.after
            parents = numbers(self._parents[base:])
            index = _Index.of(
                fetch(self.table.after, [parents, *keys, self.limits.index_rows]), base, self.limits.index_rows
            )
        ids, low, high, rest = index.split(self._limit())
        found = fetch(self.table.by_id, [numbers(ids)]) if ids else []
        # Nothing of the reader changes before all is read: the snapshot may be taken again.
        self._hold(fetch, found, low, high)
        self._index, self._open = rest, high if rest else END

    def _limit(self) -> int:
        """How many rows to read at once."""
        return min(self.limits.table_rows, max(LEAST_ROWS, int(self.limits.page_text_chars / (self.row_chars + 1))))

    def _hold(self, fetch: Fetch, found: list[tuple[Any, ...]], low: int, high: int) -> None:
        """Group by parent the rows whose parents' ranks are in `low` to `high`, and read what hangs on them.

        A row of another rank was given another parent since its id was read.
        """
        rows = list(map(self.table.row._make, found))  # type: ignore[attr-defined]
        groups: dict[int, list[R]] = {}
        for row in rows:
            parent = row[1]
            if parent in groups:
                groups[parent].append(row)
            elif low <= self._rank.get(parent, -1) <= high:
                groups[parent] = [row]
        for reader in self.children:
            reader.start(fetch, [row[0] for row in rows])
        sample = rows[:: len(rows) // SAMPLE_ROWS + 1]
        if sample:
            chars = sum(len(value) for row in sample for value in row if isinstance(value, str)) / len(sample)
            self.row_chars = max(chars, self.row_chars / 8)
        self.held = len(rows)
        self.rows_read += len(rows)
        self._groups = groups


END = 1 << 62
"""A rank above all."""


@dataclass(frozen=True)
class _Index:
    """Ids of rows still to be read with the ranks of their parents, and after which keys there may be more."""

    ids: array[int] = field(default_factory=lambda: array("q"))
    ranks: array[int] = field(default_factory=lambda: array("q"))
    after: tuple[int, tuple[str, ...]] | None = None

    def __bool__(self) -> bool:
        return bool(self.ids) or self.after is not None

    @classmethod
    def of(cls, found: list[tuple[Any, ...]], base: int, limit: int) -> _Index:
        """From the rows of `Table.rest` or `Table.after`; `base` is the rank of the first parent asked for."""
        ids = array("q", [row[1] for row in found])
        ranks = array("q", [base + row[0] - 1 for row in found])
        return cls(ids, ranks, (ranks[-1], found[-1][2:]) if len(found) == limit else None)

    def split(self, count: int) -> tuple[list[int], int, int, _Index]:
        """The first ids, the ranks of the first and the last of them, and what remains."""
        ids, ranks = self.ids[:count].tolist(), self.ranks[:count]
        low, high = (ranks[0], ranks[-1]) if ids else (0, END)
        return ids, low, high, _Index(self.ids[count:], self.ranks[count:], self.after)

    def drop_below(self, rank: int) -> None:
        """Forget ids of parents that were passed over."""
        passed = bisect_left(self.ranks, rank)
        del self.ids[:passed], self.ranks[:passed]
