"""The zone of a panel that states none, from where it begins and ends.

A panel is exported with the browser's times, mostly for the window that the logs beside it cover. Where both of its
ends lie from those of a log by one and the same number of quarter hours, that is its zone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

QUARTER = 900
FURTHEST = 14 * 3600
LEAST_HOURS = 6.0
EDGE_SECONDS = 400.0
"""How far from a whole quarter an end may lie: a step of a panel, and the first line of a log after it began."""

Span = tuple[float, float]


def east_by_edges(mine: Span, theirs: Span) -> int | None:
    """Seconds east of UTC by which both ends of `mine` lie from those of `theirs` (UTC), where that is the same.

    None for less than six hours, or for a panel of another window.

    >>> east_by_edges((7200, 93_600), (3, 86_380))
    7200
    """
    if mine[1] - mine[0] < LEAST_HOURS * 3600:
        return None
    begin, end = mine[0] - theirs[0], mine[1] - theirs[1]
    east = round((begin + end) / 2 / QUARTER) * QUARTER
    fits = max(abs(begin - east), abs(end - east)) <= EDGE_SECONDS
    return east if fits and abs(east) <= FURTHEST else None


def by_edges(mine: Span, others: Iterable[Span]) -> int | None:
    """The offset at which a panel begins and ends with logs of known clocks; None where none fits, or several do.

    `others` are logs whole, their rotated files put together (`whole_spans`).
    """
    votes = Counter(east for other in others if (east := east_by_edges(mine, other)) is not None)
    ranked = votes.most_common(2)
    return ranked[0][0] if ranked and (len(ranked) == 1 or ranked[0][1] > 2 * ranked[1][1]) else None


def whole_spans(parts: Iterable[tuple[int, float | None, float | None]]) -> list[Span]:
    """(first, last) of each log from the (log, first, last) of its files, in order of the logs' numbers."""
    spans: dict[int, Span] = {}
    for log, first, last in parts:
        if first is not None and last is not None:
            known = spans.get(log, (first, last))
            spans[log] = (min(known[0], first), max(known[1], last))
    return [spans[log] for log in sorted(spans)]
