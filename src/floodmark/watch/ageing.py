"""How the store's history grows coarser and shorter with age; every step is a transaction of its own or part of one."""

from __future__ import annotations

from typing import Any

import numpy as np

COARSE_SECONDS = 300
ROWS_AT_ONCE = 100_000
"""Samples that are coarsened in one piece: what fits into the least memory that the setting allows (16 MB)."""


def coarsen_oldest(connection: Any, before: float) -> bool:
    """The oldest raw samples become one row a series and five minutes; False where none is older than `before`.

    A piece at a time: a median holds every value in memory, and two hours of 5,000 series did not fit.
    """
    oldest = connection.execute("select min(moment) from sample where moment < ?", [before]).fetchone()[0]
    if oldest is None:
        return False
    begin = float(np.floor(oldest / COARSE_SECONDS) * COARSE_SECONDS)
    piece = [begin, min(begin + COARSE_SECONDS * _slots_at_once(connection, begin), before)]
    connection.execute("begin")
    connection.execute(
        "insert into sample_coarse select series, floor(moment / $1) * $1 as slot, median(value), min(value),"
        " max(value) from sample where moment >= $2 and moment < $3 group by series, slot",
        [COARSE_SECONDS, *piece],
    )
    connection.execute("delete from sample where moment >= ? and moment < ?", piece)
    connection.execute("commit")
    return True


def _slots_at_once(connection: Any, begin: float) -> int:
    """How many times five minutes hold about `ROWS_AT_ONCE` samples, if all hold as many as the first."""
    query = "select count(*) from sample where moment >= ? and moment < ?"
    rows = connection.execute(query, [begin, begin + COARSE_SECONDS]).fetchone()[0]
    return max(int(ROWS_AT_ONCE // max(rows, 1)), 1)


def drop(connection: Any, before: float) -> None:
    """Forget what is older than `before`, and the series of which nothing is left."""
    for table in ("sample", "sample_coarse", "event"):
        connection.execute(f"delete from {table} where moment < ?", [before])  # noqa: S608
    connection.execute("delete from volume where hour < ?", [int(before // 3600)])
    connection.execute(
        "delete from series where id not in (select series from sample union select series from sample_coarse)"
    )


def halve(connection: Any, now: float) -> bool:
    """The store holds more than it may: half of the history goes, the oldest first. False where none is left."""
    row = connection.execute(
        "select min(moment) from (select min(moment) as moment from sample_coarse union all"
        " select min(moment) from event)"
    ).fetchone()
    if row is None or row[0] is None:
        return False
    for table in ("sample_coarse", "event"):
        connection.execute(f"delete from {table} where moment < ?", [(row[0] + now) / 2])  # noqa: S608
    connection.execute("checkpoint")
    return True


def used_mb(connection: Any) -> float:
    """What is in use within the file. The file itself never shrinks, so its size must not decide what is deleted:
    judged by it, half of the history went every hour for ever after."""
    row = connection.execute(
        "select used_blocks * block_size from pragma_database_size() where database_name = current_database()"
    ).fetchone()
    return float(row[0]) / 1e6 if row else 0.0
