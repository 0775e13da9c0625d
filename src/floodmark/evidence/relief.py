"""What is given up where neither memory nor the disk of the spill has room: the largest source, and it is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from floodmark.errors import CannotWrite
from floodmark.evidence.ledger import Ledger

Result = TypeVar("Result")

LEFT_OUT = "left out, as the evidence fits neither into memory nor onto the disk of the spill"


def with_relief(ledger: Ledger, work: Callable[[], Result]) -> Result:
    """Do the work; where there is no room for it, give up the largest source and try again.

    Raises CannotWrite once nothing is left to give up.
    """
    while True:
        try:
            return work()
        except CannotWrite:
            if not relieve(ledger):
                raise


def relieve(ledger: Ledger) -> bool:
    """Give up the rows of the source that has most of them; False if there are none."""
    store = ledger.store
    by_series = store.query("SELECT series AS number, count(*) AS n FROM samples GROUP BY 1")
    by_lane = store.query("SELECT lane AS number, count(*) AS n FROM cells GROUP BY 1")
    rows: dict[tuple[str, int], float] = {}
    held: dict[tuple[str, int], list[int]] = {}
    for table, column, found in (("samples", "series", by_series), ("cells", "lane", by_lane)):
        for number, count in zip(found["number"].tolist(), found["n"].tolist(), strict=True):
            source = ledger.series_rows[number].source if column == "series" else ledger.lanes[number].source
            rows[table, source] = rows.get((table, source), 0.0) + count
            held.setdefault((table, source), []).append(number)
    if not rows:
        return False
    table, source = max(sorted(rows), key=lambda key: rows[key])
    store.forget(table, held[table, source])
    what = "its samples" if table == "samples" else "its counts"
    ledger.sources[source].remark(f"{what} were {LEFT_OUT}")
    return True
