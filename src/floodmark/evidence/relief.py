"""What is done where neither memory nor the disk of the spill has room, so that every source keeps something.

Samples: half of them go, of all series alike, and again half where that is not enough. Counts: they are put together in
longer steps. Only where no copy finds room is the largest source given up. Whatever is done, the sources say so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from floodmark.errors import CannotWrite
from floodmark.evidence.ledger import Ledger
from floodmark.evidence.store import SPARED_SAMPLES

Result = TypeVar("Result")

LEFT_OUT = "left out, as the evidence fits neither into memory nor onto the disk of the spill"
STEPS = (60, 300, 900, 3600)
"""Seconds in which counts are put together, one after the other."""

PARTS = (1, 16)
"""In how many parts counts are put together: in many only where it does not work at once."""

THINNINGS = (2, 8, 64)
"""By how much samples are thinned at once: by more only where a copy of half of them finds no room."""

MOST_THINNED = 1 << 16
WORTH_IT = 0.9
"""Of the rows at most so many may be left, or it would have to be done for ever."""


def with_relief(ledger: Ledger, work: Callable[[], Result]) -> Result:
    """Do the work; where there is no room for it, make some and try again.

    Raises CannotWrite once nothing is left to give up.
    """
    while True:
        try:
            return work()
        except CannotWrite:
            if not relieve(ledger):
                raise


def relieve(ledger: Ledger) -> bool:
    """Make room; False if there is nothing left that takes any."""
    rows = {table: sum(ledger.store.rows(table).values()) for table in ("samples", "cells")}
    table = max(sorted(rows), key=lambda name: rows[name])
    if not rows[table]:
        return False
    made = _thinned(ledger, rows[table]) if table == "samples" else _coarsened(ledger, rows[table])
    return made or _given_up(ledger)


def _thinned(ledger: Ledger, before: int) -> bool:
    store = ledger.store
    for much in THINNINGS:
        if store.one_in * much <= MOST_THINNED and store.thin(store.one_in * much):
            return sum(store.rows("samples").values()) <= WORTH_IT * before
    return False


def _coarsened(ledger: Ledger, before: int) -> bool:
    """At the step there is first: what came since is not put together yet."""
    store = ledger.store
    steps = [store.step, *(longer for longer in STEPS if longer > store.step)]
    return any(
        store.coarsen(step, parts) and sum(store.rows("cells").values()) <= WORTH_IT * before
        for parts in PARTS
        for step in steps
    )


class Relieved:
    """Which sources had to give something, and how they say it."""

    def __init__(self, ledger: Ledger) -> None:
        store = ledger.store
        self.one_in, self.step = store.one_in, store.step
        long = (number for number, met in store.met.items() if met > SPARED_SAMPLES) if self.one_in > 1 else ()
        self.thinned = {ledger.series_rows[number].source for number in long}
        self.counted = {ledger.lanes[lane].source for lane in store.rows("cells")} if self.step > 1 else set()

    def remarks(self, source: int) -> list[str]:
        """What one source has to say."""
        told = []
        if source in self.thinned:
            told.append(f"one in {self.one_in} of its samples was kept, the others were {LEFT_OUT}")
        if source in self.counted:
            told.append(f"its counts were put together in steps of {self.step} s: finer ones were {LEFT_OUT}")
        return told


def _given_up(ledger: Ledger) -> bool:
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
