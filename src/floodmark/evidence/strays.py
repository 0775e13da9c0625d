"""A few moments months away from all others: a clock before its first synchronisation, a line of another year.

They would stretch the window over years of which nothing is known, and every rate and count over it with them.
"""

from __future__ import annotations

import time

import numpy as np

from floodmark.evidence.ledger import Ledger

DAY_SECONDS = 86_400.0

GAP_DAYS = 100
"""Evidence of one incident has no hole of a quarter of a year."""

MOST_SHARE = 0.001
"""Beside it may lie a whole export of last year, which counts; what is fewer than one in a thousand does not."""

# Requests, tasks and samples by day, UTC.
BY_DAY = """
    SELECT floor((second + shift) / 86400) AS day, sum(n) AS n FROM (
        SELECT c.second AS second, s.shift AS shift, c.n AS n FROM cells c
            JOIN shifts s ON s.lane = c.lane AND c.second >= s.low AND c.second < s.high
        UNION ALL SELECT m.moment, s.shift, 1 FROM samples m
            JOIN shifts s ON s.lane = m.lane AND m.moment >= s.low AND m.moment < s.high)
    GROUP BY 1 ORDER BY 1"""


def without_strays(ledger: Ledger) -> tuple[float, float] | None:
    """(first, last) second of the days that hold nearly everything; None where nothing lies far away from them.

    Sources with something outside are told so in their rows.
    """
    rows = ledger.store.query(BY_DAY)
    day, count = np.asarray(rows["day"], np.float64), np.asarray(rows["n"], np.float64)
    kept = _kept(day, count)
    if kept is None:
        return None
    window = float(day[kept[0]]) * DAY_SECONDS, float(day[kept[1]] + 1) * DAY_SECONDS - 1.0
    for row in ledger.sources:
        lanes = [ledger.lanes[number] for number in row.lanes]
        times = [lane.utc(at) for lane in lanes for at in (lane.first, lane.last) if at is not None]
        if far := [at for at in times if not window[0] <= at <= window[1]]:
            date = time.strftime("%Y-%m-%d", time.gmtime(far[0]))
            row.remark(
                f"what it has of {date} lies months from all other evidence and is left out; --start includes it"
            )
    return window


def _kept(day: np.ndarray, count: np.ndarray) -> tuple[int, int] | None:
    """(first, last) index of the days without what lies behind a gap at either end and is next to nothing."""
    gaps = np.flatnonzero(np.diff(day) > GAP_DAYS)
    before = np.cumsum(count)
    few = MOST_SHARE * float(count.sum())
    first = max((int(gap) + 1 for gap in gaps if before[gap] <= few), default=0)
    last = min((int(gap) for gap in gaps if before[-1] - before[gap] <= few), default=len(day) - 1)
    return (first, last) if len(day) and (first, last) != (0, len(day) - 1) else None
