"""All rows of the evidence in one DuckDB in memory, which spills to disk: counts in cells, samples in series.

A cell is (key, lane, second): how often something happened, and the sums that go with it. Logs of any length become at
most names x seconds cells (names x bins where the lines state their zone), so neither memory nor the answer grows with
the number of lines. What a key means is kept here in Python; there are at most `max_keys` of them.

Where memory and the disk of the spill are full, all samples can be thinned alike and all counts put together in longer
steps (`thin`, `coarsen`; relief.py says when): what comes later is then kept as thinly, so that no part of the time and
no source is worse off than another.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import duckdb
import numpy as np

from floodmark.errors import CannotWrite
from floodmark.evidence.nouns import Floats, Ints

BUFFERED_ROWS = 200_000
BUFFERED_PARTS = 500
"""Pieces that are joined into one: 100,000 small files bring a few rows each, and seven arrays of them took 1 kB."""

COMPACT_ROWS = 2_000_000


WORKING_SHARE = 2 / 3
"""Of the disk for the spill: the rest is for a thinner copy of what is there, made before that goes."""

LOTS = 1 << 32
SPARED_SAMPLES = 100
"""Series of no more samples are not thinned: there would be nothing left to see."""

TABLES = {
    "cells": "key INTEGER, lane INTEGER, second BIGINT, n DOUBLE, seconds DOUBLE, bytes DOUBLE, failed DOUBLE",
    "samples": "series INTEGER, lane INTEGER, moment DOUBLE, value DOUBLE",
}


class Key(NamedTuple):
    """What a cell counts. `shape` is a path's number in the RouteBook, -1 where `name` is the name.

    what     "dose", "tally" or "volume"
    kind     the kind of dose or tally
    service  as far as the lines say it; `port` and `origin` (the family of files) help to find it otherwise
    rank     how good a source of requests this is, 0 best: of several that saw the same requests one is used
    probe    1 for requests of probes and scrapers
    """

    what: str
    kind: str
    service: str | None
    instance: str | None
    origin: int
    name: str
    shape: int = -1
    port: str = ""
    rank: int = 0
    probe: int = 0


@dataclass(slots=True)
class Seen:
    """Where a key was met first, and a few examples: (time, source, line, text) with the lane's own time."""

    source: int
    line: int | None
    examples: tuple[tuple[float, int, int, int | None, bytes], ...] = ()


class Columns:
    """Parallel numpy columns gathered until they are worth an INSERT."""

    def __init__(self, table: str, names: tuple[str, ...]) -> None:
        self.table, self.names = table, names
        self.parts: list[tuple[Any, ...]] = []
        self.small: list[tuple[Any, ...]] = []
        self.rows = 0

    def add(self, *columns: Any) -> None:
        """Append columns of equal length, in the order of `names`."""
        self.small.append(columns)
        self.rows += len(columns[0])
        if len(self.small) >= BUFFERED_PARTS:
            self._join()

    def _join(self) -> None:
        if self.small:
            self.parts.append(tuple(np.concatenate(column) for column in zip(*self.small, strict=True)))
            self.small = []

    def clear(self) -> None:
        """Forget what was gathered."""
        self.parts, self.small, self.rows = [], [], 0

    def filter(self, keep: Callable[..., Any]) -> None:
        """Keep the rows for which a function of the columns is true."""
        self._join()
        if self.rows:
            columns = [np.concatenate([part[index] for part in self.parts]) for index in range(len(self.names))]
            kept = keep(*columns)
            self.parts, self.rows = [tuple(column[kept] for column in columns)], int(kept.sum())

    def flush(self, connection: Any) -> None:
        """Write what was gathered; it stays gathered where that fails."""
        if not self.rows:
            return
        self._join()
        gathered = {  # scanned by DuckDB by this name
            name: np.concatenate([part[index] for part in self.parts]) for index, name in enumerate(self.names)
        }
        # DuckDB scans numpy columns in place, 30 million rows a second; executemany was measured at 3,600
        connection.register("gathered", gathered)
        connection.execute(f"INSERT INTO {self.table} SELECT {', '.join(self.names)} FROM gathered")  # noqa: S608
        connection.unregister("gathered")
        self.clear()


def lots(moment: Floats) -> Any:
    """A number below LOTS for each second, as good as random: by it samples are kept or not. `lot` in SQL is the same.

    By the second and not by the sample, so that what was sampled together is kept together and can be added up.
    """
    mixed = np.abs(np.floor(moment)).astype(np.int64).astype(np.uint64) * np.uint64(2_654_435_761) % np.uint64(LOTS)
    mixed = (mixed ^ (mixed >> np.uint64(15))) * np.uint64(2_246_822_519) % np.uint64(LOTS)
    return mixed ^ (mixed >> np.uint64(13))


_LOT = (
    "CREATE MACRO lot_begun(second) AS (CAST(abs(floor(second)) AS UBIGINT) * 2654435761::UBIGINT) % 4294967296::UBIGINT",
    "CREATE MACRO lot_mixed(a) AS (xor(a, a >> 15) * 2246822519::UBIGINT) % 4294967296::UBIGINT",
    "CREATE MACRO lot_done(b) AS xor(b, b >> 13)",
    "CREATE MACRO lot(second) AS lot_done(lot_mixed(lot_begun(second)))",
)


class Store:
    """Cells and samples. A context manager: the spill folder goes when it closes.

    Raises CannotWrite where the rows fit neither into `memory_mb` nor onto the disk of `spill_dir`.
    """

    def __init__(self, memory_mb: int, spill_dir: Path | None = None, max_spill_mb: int = 20_000) -> None:
        self.keys: dict[Key, int] = {}
        self.seen: list[Seen] = []
        self._cells = Columns("cells", ("key", "lane", "second", "n", "seconds", "bytes", "failed"))
        self._samples = Columns("samples", ("series", "lane", "moment", "value"))
        self._single: dict[tuple[int, int, int], list[float]] = {}
        self._since_compaction = 0
        self.relief: Callable[[], bool] | None = None
        """Called where there is no room; True if it made some, and what was to be written is tried again."""

        self.one_in, self.step = 1, 1
        """One in so many samples is kept; counts are put together in steps of so many seconds."""

        self.met: dict[int, int] = {}
        """How many samples of each series were met, kept or not."""

        self.added: dict[str, dict[int, int]] = {"samples": {}, "cells": {}}
        """Rows put in so far, by table and series or lane: known also where a full disk lets no question be answered."""

        try:
            self._folder = tempfile.mkdtemp(prefix="floodmark-spill-", dir=spill_dir)
        except OSError as error:
            raise CannotWrite(f"{spill_dir}: no folder to spill to: {error.strerror or error}") from None
        try:
            self._open(memory_mb, max_spill_mb)
        except BaseException:  # a signal too, before there is anything for `with` to close
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _open(self, memory_mb: int, max_spill_mb: int) -> None:
        self._max_spill_mb, self._raised = max_spill_mb, False
        self.connection = duckdb.connect(":memory:")
        for setting, value in (
            ("memory_limit", f"{memory_mb}MB"), ("temp_directory", self._folder), ("threads", 2),
            # a checkpoint of its own accord that finds no room is fatal, and a database in memory needs none
            ("preserve_insertion_order", False), ("checkpoint_threshold", "1TB"),
        ):  # fmt: skip
            self.connection.execute(f"SET {setting} = '{value}'")
        self._allow(WORKING_SHARE)
        for macro in _LOT:
            self.connection.execute(macro)
        for table, columns in TABLES.items():
            self._create(table, columns)

    def _lower(self) -> None:
        """Keep the spare free again. Refused while more than that is still in use, so it is asked for again later."""
        with suppress(duckdb.OutOfMemoryException):
            self._allow(WORKING_SHARE)

    def _allow(self, share: float) -> None:
        size = int(self._max_spill_mb * share)
        self.connection.execute(f"SET max_temp_directory_size = '{size}MB'")
        self._raised = share > WORKING_SHARE

    def _create(self, table: str, columns: str) -> None:
        self.connection.execute(f"CREATE TABLE {table} ({columns})")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def key(self, key: Key, source: int, line: int | None) -> int:
        """The number of a key; the first sight of it is remembered."""
        number = self.keys.get(key)
        if number is None:
            number = self.keys[key] = len(self.seen)
            self.seen.append(Seen(source, line))
        return number

    def count(
        self,
        key: int,
        lane: int,
        second: int,
        n: float = 1.0,
        seconds: float = 0.0,
        sent: float = 0.0,
        failed: float = 0.0,
    ) -> None:
        """Add to one cell."""
        # single counts gather in a dictionary: an INSERT each was measured at 3,600 a second
        second -= second % self.step
        cell = self._single.get((key, lane, second))
        if cell is None:
            self._single[key, lane, second] = [n, seconds, sent, failed]
            if len(self._single) >= BUFFERED_ROWS:
                self._pour()
        else:
            cell[0] += n
            cell[1] += seconds
            cell[2] += sent
            cell[3] += failed

    def cells(
        self, key: Ints, lane: int, second: Ints, n: Floats, seconds: Floats, sent: Floats, failed: Floats
    ) -> None:
        """Add many cells of one lane."""
        second = second // self.step * self.step
        self._cells.add(key, np.full(len(key), lane, np.int64), second, n, seconds, sent, failed)
        self._account("cells", lane, len(key))
        if self._cells.rows >= BUFFERED_ROWS:
            self._flush(self._cells)

    def samples(self, series: int, lane: int, at: Floats, value: Floats) -> None:
        """Add samples of one series."""
        met = self.met.get(series, 0)
        self.met[series] = met + len(at)
        if self.one_in > 1 and met + len(at) > SPARED_SAMPLES:
            kept = lots(at) < LOTS // self.one_in
            kept[: max(SPARED_SAMPLES - met, 0)] = True
            at, value = at[kept], value[kept]
        size = len(at)
        self._samples.add(np.full(size, series, np.int64), np.full(size, lane, np.int64), at, value)
        self._account("samples", series, size)
        if self._samples.rows >= BUFFERED_ROWS:
            self._flush(self._samples)

    def _account(self, table: str, number: int, rows: int) -> None:
        self.added[table][number] = self.added[table].get(number, 0) + rows

    def rows(self, table: str) -> dict[int, int]:
        """How many rows each series (of samples) or lane (of cells) has; as put in, where there is no room to count."""
        column = {"samples": "series", "cells": "lane"}[table]
        try:
            found = self.query(f"SELECT {column} AS number, count(*) AS n FROM {table} GROUP BY 1")  # noqa: S608
        except CannotWrite:
            return dict(self.added[table])
        return dict(zip(found["number"].tolist(), found["n"].tolist(), strict=True))

    def query(self, sql: str, *values: Any) -> dict[str, Any]:
        """The columns of a result as numpy arrays."""
        with spilling(self._folder):
            return dict(self.connection.execute(sql, list(values)).fetchnumpy())

    def table(self, name: str, columns: dict[str, Any]) -> None:
        """A small table made of numpy columns, for a query to join with."""
        with spilling(self._folder):
            self.connection.register("gathered", columns)
            self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM gathered")  # noqa: S608
            self.connection.unregister("gathered")

    def thin(self, one_in: int) -> bool:
        """Keep one in so many samples of every series, but for short ones; False where there is no room for a copy."""
        spared = [series for series, met in self.met.items() if met <= SPARED_SAMPLES]
        try:
            self.table("spared", {"series": np.array(spared, np.int64)})
            sql = "SELECT * FROM samples WHERE lot(moment) < ? OR series IN (SELECT series FROM spared)"
            self._replace("samples", (sql, (LOTS // one_in,)))
        except CannotWrite:
            return False
        self.one_in = one_in
        self._samples.filter(lambda series, _, at, __: (lots(at) < LOTS // one_in) | np.isin(series, spared))
        self.added["samples"] = self.rows("samples")
        return True

    def coarsen(self, step: int, parts: int = 1) -> bool:
        """Put counts together in steps of so many seconds; False where there is no room for a copy.

        In several parts it takes as many passes and less memory, as the table of sums is held there until it is whole.
        """
        rows = (
            "SELECT key, lane, second - ((second % $1) + $1) % $1 AS second, sum(n) AS n, sum(seconds) AS seconds,"
            " sum(bytes) AS bytes, sum(failed) AS failed FROM cells WHERE hash(key, lane) % $2 = $3 GROUP BY 1, 2, 3"
        )
        try:
            self._replace("cells", *((rows, (step, parts, part)) for part in range(parts)))
        except CannotWrite:
            return False
        self.step = step
        self.added["cells"] = self.rows("cells")
        return True

    def _replace(self, table: str, *rows: tuple[str, tuple[Any, ...]]) -> None:
        """Put what queries answer in the place of a table. Raises CannotWrite, and the table stands as it was."""
        # A copy may fail without harm. DELETE gives no room back before a CHECKPOINT, and one that finds no room itself
        # was seen to be fatal: DuckDB answers nothing after it.
        self._allow(1.0)
        try:
            self._create("kept", TABLES[table])
            for sql, values in rows:
                self.query(f"INSERT INTO kept {sql}", *values)
            self.connection.execute(f"DROP TABLE {table}")
            self.connection.execute(f"ALTER TABLE kept RENAME TO {table}")
        finally:
            self.connection.execute("DROP TABLE IF EXISTS kept")
            self._lower()

    def forget(self, table: str, numbers: Sequence[int]) -> bool:
        """Delete the samples of these series, or the cells of these lanes, and give their room back.

        True where there was not even room to note what goes, so that all of the table went.
        """
        column = {"samples": "series", "cells": "lane"}[table]
        try:
            rest = f"SELECT * FROM {table} WHERE NOT list_contains(?, {column})"  # noqa: S608
            self._replace(table, (rest, (list(numbers),)))
        except CannotWrite:
            self.connection.execute(f"DROP TABLE {table}")
            self._create(table, TABLES[table])
            self.added[table].clear()
            return True
        for number in numbers:
            self.added[table].pop(number, None)
        return False

    def folder(self, name: str) -> Path:
        """A folder of that name beside what spills; it goes with the rest."""
        made = Path(self._folder) / name
        made.mkdir(exist_ok=True)
        return made

    def settle(self) -> None:
        """Write whatever is still buffered: call before `query`."""
        self._pour()
        self._flush(self._cells)
        self._flush(self._samples)

    def _pour(self) -> None:
        if not self._single:
            return
        where = np.array(list(self._single), np.int64)
        sums = np.array(list(self._single.values()), np.float64)
        self._single = {}
        self._cells.add(where[:, 0], where[:, 1], where[:, 2], sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3])
        self._flush(self._cells)

    def _flush(self, columns: Columns) -> None:
        """Raises CannotWrite where there is no room, nor can any be made; what was gathered is then lost."""
        while True:
            try:
                return self._insert(columns)
            except CannotWrite:
                if self.relief is None or not self.relief():
                    columns.clear()
                    raise

    def _insert(self, columns: Columns) -> None:
        rows = columns.rows
        if self._raised:
            self._lower()
        with spilling(self._folder):
            columns.flush(self.connection)
            if columns is self._cells:
                self._since_compaction += rows
                # folding costs a pass over all cells, so it waits until as many rows came as a pass is worth
                if self._since_compaction >= COMPACT_ROWS:
                    self._compact()

    def _compact(self) -> None:
        """Fold cells that were met again; the wait doubles where folding no longer helps."""
        self.connection.execute(
            "CREATE TABLE folded AS SELECT key, lane, second, sum(n) AS n, sum(seconds) AS seconds,"
            " sum(bytes) AS bytes, sum(failed) AS failed FROM cells GROUP BY key, lane, second"
        )
        self.connection.execute("DROP TABLE cells")
        self.connection.execute("ALTER TABLE folded RENAME TO cells")
        kept = int(self.connection.execute("SELECT count(*) AS n FROM cells").fetchnumpy()["n"][0])
        self._since_compaction = -kept if kept > COMPACT_ROWS // 2 else 0


class spilling:
    """Turns DuckDB's "out of memory" and full-disk errors into CannotWrite with the folder in it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (duckdb.OutOfMemoryException, duckdb.IOException)):
            first = str(error).splitlines()[0]
            raise CannotWrite(
                f"{self._folder}: the evidence fits neither into memory nor onto this disk ({first}):"
                " name another folder for the spill or raise the memory limit"
            ) from None


def chunks(size: int, step: int) -> Iterator[slice]:
    """Slices that cover `size` in steps."""
    return (slice(start, start + step) for start in range(0, size, step))
