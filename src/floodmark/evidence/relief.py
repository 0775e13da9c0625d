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
    held: dict[tuple[str, int], list[int]] = {}
    rows: dict[tuple[str, int], int] = {}
    for table, source_of in (("samples", _source_of_series), ("cells", _source_of_lane)):
        for number, count in ledger.store.rows(table).items():
            place = table, source_of(ledger, number)
            rows[place] = rows.get(place, 0) + count
            held.setdefault(place, []).append(number)
    if not rows:
        return False
    table, source = max(sorted(rows), key=lambda place: rows[place])
    all_went = ledger.store.forget(table, held[table, source])
    what = "its samples" if table == "samples" else "its counts"
    for one in sorted(other for kind, other in rows if kind == table) if all_went else [source]:
        ledger.sources[one].remark(f"{what} were {LEFT_OUT}")
    return True


def _source_of_series(ledger: Ledger, number: int) -> int:
    return ledger.series_rows[number].source


def _source_of_lane(ledger: Ledger, number: int) -> int:
    return ledger.lanes[number].source
