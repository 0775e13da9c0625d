"""The watch's memory: DuckDB in one file, bounded on disk and in memory, downsampled as it ages.

Every round is one transaction: kill -9 loses the round that was being written and no other. Samples are kept as they
came for `raw_seconds`, then as medians of five minutes for `keep_seconds`; counts likewise. A file that DuckDB cannot
read is moved aside, said, and begun anew.

What DuckDB read it keeps in memory up to its limit, and what it knows of the parts of a file grows with every change of
these and is only let go when the file is closed (measured with a hundred processes: about 1 MB a day, 0.1 with
`reopen`). So the watch opens the file anew from time to time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np

from floodmark.errors import CannotWrite
from floodmark.evidence.nouns import Dose, Event, Tally, Volume
from floodmark.watch.ageing import COARSE_SECONDS, coarsen_oldest, drop, halve, used_mb
from floodmark.watch.collect.base import Sample
from floodmark.watch.store_columns import (
    dose_columns,
    event_columns,
    sample_columns,
    stacked,
    tally_columns,
    volume_columns,
)
from floodmark.watch.tables import Columns

Answer = TypeVar("Answer")

MOST_HALVINGS = 10

SCHEMA = """
create table if not exists series (
    id integer primary key, service varchar not null, instance varchar, process varchar, measure varchar not null,
    started double, last double);
create table if not exists sample (series integer, moment double, value double);
create table if not exists sample_coarse (series integer, moment double, value double, low double, high double);
create table if not exists dose (
    bin bigint, service varchar, kind varchar, name varchar, instance varchar, monitoring boolean, starts double,
    seconds double, bytes_out double, failed double);
create table if not exists tally (
    bin bigint, kind varchar, service varchar, name varchar, count double, moment double, source varchar, line bigint,
    text varchar);
create table if not exists event (
    moment double, kind varchar, service varchar, instance varchar, process varchar, text varchar, source varchar,
    line bigint, count bigint);
create table if not exists volume (hour bigint, name varchar, service varchar, bytes double, lines double);
"""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much is kept, for how long, and how coarse."""

    raw_seconds: float = 86_400.0
    keep_seconds: float = 30 * 86_400.0
    max_disk_mb: float = 2_000.0
    memory_mb: float = 48.0
    max_series: int = 5_000


class WatchStore:
    """The file. One thread writes; any thread may read."""

    def __init__(self, path: Path, retention: Retention) -> None:
        self.path, self.retention = path, retention
        self.moved_aside: Path | None = None
        self.left_out = 0
        """Samples of series beyond `max_series` since the store was last aged."""
        self._dead = False
        self._reading = threading.Lock()
        """One question at a time: two share the memory limit, and the second would fail for want of it."""
        try:
            self.connection = self._open()
        except (duckdb.Error, RuntimeError) as error:
            if not path.exists() or "lock" in str(error).lower():
                raise CannotWrite(f"{path}: cannot be opened: {str(error).splitlines()[0]}") from None
            self.moved_aside = _move_aside(path)
            self.connection = self._open()
        self._ids = self._read_ids()

    def _open(self) -> Any:
        config: dict[str, Any] = {"memory_limit": f"{self.retention.memory_mb:g}MB", "threads": 1}
        connection = duckdb.connect(str(self.path), config=config)
        try:
            connection.execute(SCHEMA)
            connection.execute("select count(*), max(moment) from sample").fetchall()
        except duckdb.Error:
            connection.close()
            raise
        return connection

    def _read_ids(self) -> dict[tuple[Any, ...], int]:
        rows = self.connection.execute("select service, instance, process, measure, started, id from series").fetchall()
        return {tuple(row[:5]): row[5] for row in rows}

    def close(self) -> None:
        """Write what is in the journal into the file, and close it."""
        self.connection.close()

    def reopen(self) -> None:
        """Close the file and open it again, which lets go of what DuckDB keeps of it; put off while somebody reads.

        Raises CannotWrite where the file cannot be opened again; the next round tries again.
        """
        if not self._reading.acquire(blocking=False):
            return
        try:
            self.connection.close()
            self.connection = self._open()
        except duckdb.Error as error:
            self._dead = True
            raise self._problem(error) from None
        finally:
            self._reading.release()

    # ------------------------------------------------------------------ writing

    def add(
        self,
        samples: Sequence[Sample] = (),
        doses: Iterable[Dose] = (),
        tallies: Iterable[Tally] = (),
        events: Iterable[Event] = (),
        volumes: Iterable[Volume] = (),
    ) -> None:
        """One round, whole or not at all. Raises CannotWrite where the disk is full; the round is lost then."""
        try:
            self._revive()
            self.connection.execute("begin")
            self._add_samples(samples)
            self._insert("dose", stacked([dose_columns(one) for one in doses]))
            self._insert("tally", stacked([tally_columns(one) for one in tallies]))
            self._insert("volume", stacked([volume_columns(one) for one in volumes]))
            self._insert("event", event_columns(list(events)))
            self.connection.execute("commit")
        except duckdb.Error as error:
            self._roll_back()
            raise self._problem(error) from None

    def _roll_back(self) -> None:
        # Ids that were given out in the round that failed are in no table.
        self._ids.clear()
        with suppress(duckdb.Error):
            # After some errors DuckDB has rolled back already, and says so by another.
            self.connection.execute("rollback")
        with suppress(duckdb.Error):
            self._ids = self._read_ids()

    def _problem(self, error: duckdb.Error) -> CannotWrite:
        """What to raise instead. After a fatal error DuckDB refuses everything until the file is opened again."""
        self._dead = self._dead or isinstance(error, duckdb.FatalException)
        text = str(error).splitlines()[0]
        if isinstance(error, duckdb.OutOfMemoryException):
            text = f"watch_store_memory_mb = {self.retention.memory_mb:g} is too little here, raise it ({text})"
        return CannotWrite(f"{self.path}: {text}")

    def _revive(self) -> None:
        """Open the file again after a fatal error (a disk that was full at a checkpoint is one); nothing is lost.

        Raises duckdb.Error where that is still impossible: then the next round tries again.
        """
        if self._dead:
            with self._reading:
                self.connection.close()
                self.connection = self._open()
            self._ids, self._dead = self._read_ids(), False

    def _add_samples(self, samples: Sequence[Sample]) -> None:
        known = [(self._id_of(one), one) for one in samples]
        self._insert("sample", sample_columns([(number, one) for number, one in known if number is not None]))

    def _id_of(self, sample: Sample) -> int | None:
        key = (sample.service, sample.instance, sample.process, sample.measure, sample.started)
        number = self._ids.get(key)
        if number is None and len(self._ids) >= self.retention.max_series:
            self.left_out += 1
        elif number is None:
            number = self._ids[key] = max(self._ids.values(), default=0) + 1
            self.connection.execute("insert into series values (?, ?, ?, ?, ?, ?, ?)", [number, *key, sample.at])
        return number

    def _insert(self, table: str, columns: Columns) -> None:
        if not columns or not len(next(iter(columns.values()))):
            return
        self.connection.register("gathered", dict(columns))
        names = ", ".join(columns)
        self.connection.execute(f"insert into {table} ({names}) select {names} from gathered")  # noqa: S608
        self.connection.unregister("gathered")

    # ------------------------------------------------------------------ ageing

    def age(self, now: float) -> None:
        """Coarsen what is older than `raw_seconds`, drop what is older than `keep_seconds`, keep the file in bounds.

        Raises CannotWrite where the disk is full.
        """
        coarse_before = float(np.floor((now - self.retention.raw_seconds) / COARSE_SECONDS) * COARSE_SECONDS)
        try:
            self._revive()
            while coarsen_oldest(self.connection, coarse_before):
                pass
            self.connection.execute("begin")
            drop(self.connection, now - self.retention.keep_seconds)
            self.connection.execute("commit")
            self.connection.execute("checkpoint")
        except duckdb.Error as error:
            self._roll_back()
            raise self._problem(error) from None
        self._ids, self.left_out = self._read_ids(), 0
        for _ in range(MOST_HALVINGS):
            if used_mb(self.connection) <= self.retention.max_disk_mb or not halve(self.connection, now):
                break

    def drop_counts_before(self, first_bin: int) -> None:
        """Forget doses and tallies of bins before `first_bin`."""
        for table in ("dose", "tally"):
            self._rows(f"delete from {table} where bin < ?", first_bin)  # noqa: S608

    def disk_mb(self) -> float:
        """Size of the file and its journal."""
        files = (self.path, self.path.with_name(self.path.name + ".wal"))
        return sum(one.stat().st_size for one in files if one.exists()) / 1e6

    # ------------------------------------------------------------------ reading (the protocol `Tables`)

    def series(self) -> Columns:
        """Every series, by id."""
        return self._columns("select id, service, instance, process, measure, started from series order by id")

    def samples(self, since: float, until: float) -> Columns:
        """Samples in order of series, then time; coarse ones where the raw ones are gone.

        They are put into order here: DuckDB's own sort took 44 MB for two days of a hundred processes, this takes 18.
        """
        columns = self._columns(
            "select series, moment, value from sample where moment >= $1 and moment < $2"
            " union all select series, moment, value from sample_coarse where moment >= $1 and moment < $2",
            since,
            until,
        )
        order = np.lexsort((columns["moment"], columns["series"]))
        return {name: values[order] for name, values in columns.items()}

    def doses(self, first_bin: int, end_bin: int) -> Columns:
        """Doses in order of service, kind, name, instance, bin; one row a bin."""
        return self._columns(
            "select bin, service, kind, name, instance, bool_and(monitoring) as monitoring, sum(starts) as starts,"
            " sum(seconds) as seconds, sum(bytes_out) as bytes_out, sum(failed) as failed from dose"
            " where bin >= ? and bin < ? group by bin, service, kind, name, instance"
            " order by service, kind, name, instance, bin",
            first_bin,
            end_bin,
        )

    def tallies(self, first_bin: int, end_bin: int) -> Columns:
        """Tallies in order of kind, service, name, bin; one row a bin, with its first example."""
        return self._columns(
            "select bin, kind, service, name, sum(count) as count, min(moment) as moment,"
            " min_by(source, moment) as source, min_by(line, moment) as line, min_by(text, moment) as text from tally"
            " where bin >= ? and bin < ? group by bin, kind, service, name order by kind, service, name, bin",
            first_bin,
            end_bin,
        )

    def events(self, since: float, until: float) -> Columns:
        """Events in order of time."""
        return self._columns(
            "select moment, kind, service, instance, process, text, source, line, count from event"
            " where moment >= ? and moment < ? order by moment, kind, text",
            since,
            until,
        )

    def volumes(self, first_hour: int, end_hour: int) -> Columns:
        """Volumes in order of name, hour."""
        return self._columns(
            "select hour, name, service, sum(bytes) as bytes, sum(lines) as lines from volume"
            " where hour >= ? and hour < ? group by hour, name, service order by name, service, hour",
            first_hour,
            end_hour,
        )

    def slopes(self, since: float, until: float) -> dict[str, float]:
        """Service -> growth in MB/h by plain lines through the samples of its processes: the screen, no verdict.

        Of several measures of one process the largest slope counts, so that none hides another.
        """
        rows = self._rows(
            "with line as (select series, regr_slope(value, moment) * 3600 / 1e6 as mb_per_hour from sample"
            " where moment >= ? and moment < ? group by series having count(*) >= 4),"
            " one as (select service, instance, process, started, max(mb_per_hour) as mb_per_hour from line"
            " join series on series.id = line.series where measure in ('pss', 'rss', 'working_set', 'usage')"
            " group by all) select service, sum(greatest(mb_per_hour, 0)) from one group by service",
            since,
            until,
        )
        return {str(service): float(slope or 0.0) for service, slope in rows}

    def totals(self, service: str | None, since: float, until: float, step: float, interval: float = 0.0) -> Columns:
        """Memory of a service (of each, for None) in bytes: the last value of each process in `step` seconds, added up.

        A process that was not seen in the last `interval` seconds of a step has ended within it: with it, every worker
        that is replaced would be a peak of its size.

        By steps and not by moments: what two collectors measure at different moments would be added only where these
        meet. Processes count where there are any, else containers: the two hold the same memory. Of each one measure:
        a process's RSS, a container's working set (what its limit is held against: in shared memory it may grow, and
        its RSS does not), else the other of the two, else usage.
        """
        return self._columns(
            "with taken as (select series, moment, value from sample where moment >= $2 and moment < $3 union all"
            " select series, moment, value from sample_coarse where moment >= $2 and moment < $3),"
            " ranked as (select id, service, started, dense_rank() over (partition by service order by process is null,"
            " case when measure = 'usage' then 2 when (measure = 'rss') = (process is null) then 1 else 0 end) as rank from series"
            " where ($1 is null or service = $1) and measure in ('rss', 'working_set', 'usage')"
            " and id in (select series from taken)),"
            " last as (select service, series, started, floor(moment / $4) * $4 as slot, max(moment) as seen,"
            " max_by(value, moment) as value from taken join ranked on ranked.id = series where rank = 1"
            " group by service, series, started, slot),"
            " alive as (select service, slot, value from last"
            " qualify started is null or $5 = 0 or seen > max(seen) over (partition by service, slot) - $5)"
            " select service, slot as moment, sum(value) as value from alive group by service, slot"
            " order by service, slot",
            service, since, until, step, interval,
        )  # fmt: skip

    def routes(self, service: str, first_bin: int, end_bin: int, most: int) -> Columns:
        """The routes of a service that were asked most: name, starts, seconds, failed."""
        return self._columns(
            "select name, sum(starts) as starts, sum(seconds) as seconds, sum(failed) as failed from dose"
            " where service = ? and kind in ('endpoint', 'task') and bin >= ? and bin < ? group by name"
            " order by starts desc, name limit ?",
            service, first_bin, end_bin, most,
        )  # fmt: skip

    def asked(self, service: str, name: str, first_bin: int, end_bin: int, bins: int) -> Columns:
        """How often a route was asked in each run of `bins` bins: first bin of the run, starts."""
        return self._columns(
            "select bin // $5 * $5 as bin, sum(starts) as starts from dose where service = $1 and name = $2"
            " and bin >= $3 and bin < $4 group by 1 order by 1",
            service, name, first_bin, end_bin, bins,
        )  # fmt: skip

    def latest(self, since: float, until: float) -> Columns:
        """The last sample of every series in [since, until], with the columns of the series.

        `until` is there for a clock that was set back: what lies in its future is not the latest.
        """
        return self._columns(
            "select service, instance, process, measure, started, max(moment) as moment,"
            " max_by(value, moment) as value from sample join series on series.id = sample.series where moment >= ?"
            " and moment <= ? group by all order by service, instance, process, measure",
            since,
            until,
        )

    def _columns(self, query: str, *values: Any) -> Columns:
        return self._ask(lambda answer: dict(answer.fetchnumpy()), query, values)

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._ask(lambda answer: list(answer.fetchall()), query, values)

    def _ask(self, fetch: Callable[[Any], Answer], query: str, values: Sequence[Any]) -> Answer:
        """The answer to a query, for any thread: by a cursor of its own. Raises CannotWrite where the store is damaged."""
        try:
            with self._reading, self.connection.cursor() as cursor:
                return fetch(cursor.execute(query, list(values)))
        except duckdb.Error as error:
            raise self._problem(error) from None


def _move_aside(path: Path) -> Path:
    number = next(n for n in range(1, 10_000) if not path.with_name(f"{path.name}.damaged-{n}").exists())
    aside = path.with_name(f"{path.name}.damaged-{number}")
    for suffix in ("", ".wal"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(aside.name + suffix))
    return aside
