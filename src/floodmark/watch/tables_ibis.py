"""The watch's tables in any engine that Ibis knows: ClickHouse, BigQuery, Spark, DuckDB. Needs the extra `ibis`.

Parsing and collecting stay where they are; what they found lies in these tables, and the same six questions are asked
of the engine. Costs about twice DuckDB's own SQL, and brings pandas along: the watch imports this only when told to.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from typing import Any

import numpy as np

try:
    import ibis
    import pyarrow
    from pyarrow import parquet
except ImportError:
    from floodmark.errors import SettingsError

    raise SettingsError("tables in another engine need the extra: pip install 'floodmark[ibis]'") from None

from floodmark.watch.tables import COLUMNS, Columns, Tables


class IbisTables:
    """The protocol `Tables` over an Ibis connection. `prefix` stands before every table's name."""

    def __init__(self, connection: Any, prefix: str = "floodmark_") -> None:
        self.connection, self.prefix = connection, prefix

    def series(self) -> Columns:
        """Every series, by id."""
        return _columns(self._table("series").order_by(_ascending(["id"])))

    def samples(self, since: float, until: float) -> Columns:
        """Samples in order of series, then time."""
        table = self._table("sample")
        return _columns(_between(table, "moment", since, until).order_by(_ascending(["series", "moment"])))

    def doses(self, first_bin: int, end_bin: int) -> Columns:
        """Doses in order of service, kind, name, instance, bin; one row a bin."""
        table = _between(self._table("dose"), "bin", first_bin, end_bin)
        keys = ["service", "kind", "name", "instance"]
        sums = {name: table[name].sum() for name in ("starts", "seconds", "bytes_out", "failed")}
        folded = table.group_by([*keys, "bin"]).aggregate(monitoring=table.monitoring.all(), **sums)
        return _columns(folded.order_by(_ascending([*keys, "bin"])))

    def tallies(self, first_bin: int, end_bin: int) -> Columns:
        """Tallies in order of kind, service, name, bin; one row a bin, with its first example."""
        table = _between(self._table("tally"), "bin", first_bin, end_bin)
        keys = ["kind", "service", "name"]
        firsts = {name: table[name].argmin(table.moment) for name in ("source", "line", "text")}
        folded = table.group_by([*keys, "bin"]).aggregate(
            count=table["count"].sum(), moment=table.moment.min(), **firsts
        )
        return _columns(folded.order_by(_ascending([*keys, "bin"])))

    def events(self, since: float, until: float) -> Columns:
        """Events in order of time."""
        table = _between(self._table("event"), "moment", since, until)
        return _columns(table.order_by(_ascending(["moment", "kind", "text"])))

    def volumes(self, first_hour: int, end_hour: int) -> Columns:
        """Volumes in order of name, hour."""
        table = _between(self._table("volume"), "hour", first_hour, end_hour)
        folded = table.group_by(["hour", "name", "service"]).aggregate(bytes=table.bytes.sum(), lines=table.lines.sum())
        return _columns(folded.order_by(_ascending(["name", "service", "hour"])))

    def copy(self, tables: Tables, since: float, until: float, bin_seconds: float) -> None:
        """Put what `tables` holds of a window into this connection, replacing what stands there under our names."""
        first, end = int(since // bin_seconds), int(until // bin_seconds) + 1
        columns = {
            "series": tables.series(),
            "sample": tables.samples(since, until),
            "dose": tables.doses(first, end),
            "tally": tables.tallies(first, end),
            "event": tables.events(since, until),
            "volume": tables.volumes(int(since // 3600), int(until // 3600) + 1),
        }
        # By way of Parquet: engines that take tables through pandas turn a missing text into the text "NaN".
        with tempfile.TemporaryDirectory(prefix="floodmark-copy-") as folder:
            for name, found in columns.items():
                path = f"{folder}/{name}.parquet"
                parquet.write_table(_arrow(name, found), path)
                rows = self.connection.read_parquet(path, table_name=f"{self.prefix}{name}_copy")
                self.connection.create_table(self.prefix + name, rows, overwrite=True)

    def _table(self, name: str) -> Any:
        return self.connection.table(self.prefix + name).select(*COLUMNS[name])


def _ascending(names: Iterable[str]) -> list[Any]:
    """NULL last, as DuckDB has it; engines differ."""
    return [ibis.asc(name, nulls_first=False) for name in names]


def _between(table: Any, column: str, low: float, high: float) -> Any:
    return table.filter(table[column] >= low, table[column] < high)


def _columns(expression: Any) -> Columns:
    """A result as masked numpy columns: NULL is masked, whatever the engine calls it."""
    table = expression.to_pyarrow()
    return {name: _masked(table.column(name)) for name in table.column_names}


def _masked(column: pyarrow.ChunkedArray) -> Any:
    text = pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type)
    missing = column.is_null().to_numpy()
    filled = column.fill_null("" if text else pyarrow.scalar(0).cast(column.type))
    values = np.array(filled.to_pylist(), dtype=object) if text else filled.to_numpy()
    return np.ma.masked_array(values, mask=missing)


def _arrow(name: str, columns: Columns) -> pyarrow.Table:
    return pyarrow.table({one: _array(columns[one], TYPES[one]) for one in COLUMNS[name]})


def _array(values: Any, kind: pyarrow.DataType) -> pyarrow.Array:
    mask = np.ma.getmaskarray(np.ma.asarray(values))
    plain = np.ma.getdata(values)
    rows = [None if gone or value is None else value for gone, value in zip(mask.tolist(), plain.tolist(), strict=True)]
    return pyarrow.array(rows, type=kind)


TEXT, NUMBER, WHOLE = pyarrow.string(), pyarrow.float64(), pyarrow.int64()
TYPES = {
    "id": WHOLE, "series": WHOLE, "bin": WHOLE, "hour": WHOLE, "line": WHOLE, "monitoring": pyarrow.bool_(),
    "started": NUMBER, "moment": NUMBER, "value": NUMBER, "starts": NUMBER, "seconds": NUMBER, "bytes_out": NUMBER,
    "failed": NUMBER, "count": NUMBER, "bytes": NUMBER, "lines": NUMBER, "service": TEXT, "instance": TEXT,
    "process": TEXT, "measure": TEXT, "kind": TEXT, "name": TEXT, "source": TEXT, "text": TEXT,
}  # fmt: skip
"""The type of every column, by its name; a count may be a fraction (extrapolated), so it is a float."""
