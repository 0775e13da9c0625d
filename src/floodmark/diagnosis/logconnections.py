"""Database connections in the logs: churn (one for each request), flooding (many a minute) or a leak (never closed).

Opening one connection for each request is the normal state of Django with CONN_MAX_AGE 0. Only connections that are
opened and not closed are a leak, and only where the log shows closings at all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from floodmark.diagnosis.incident import LogPattern, Time
from floodmark.diagnosis.logquotes import sources_of, tally_quotes
from floodmark.diagnosis.rules import RULES, episodes
from floodmark.diagnosis.signals import connections_opened, requests, summed, tallies, times
from floodmark.diagnosis.wording import counted, figure
from floodmark.evidence.nouns import Evidence, Floats, Tally

ENOUGH_OPENED = 200
"""Connections below which nothing is said of them."""

CHURN_PER_REQUEST = 0.5
"""Connections for each request from which on it is churn."""

LEAK_SHARE = 0.02
LEAK_CONNECTIONS = 20
"""A leak is more connections left open than both: a share of those opened, and a number."""

LEAK_RISING = 0.6
"""...and the number left open at the end of a tenth of the window is higher than before in this share of the tenths."""

CONNECTION_RULE = next(rule for rule in RULES if rule.signal == "connections-opened")


def connection_patterns(evidence: Evidence) -> Iterator[LogPattern]:
    """`connection-leak`, `connection-flooding` or `connection-churn`, at most one for each service that opens them."""
    asked_bins, asked = requests(evidence)
    for signal in connections_opened(evidence):
        opened = [one for one in tallies(evidence, "connection-open") if one.service == signal.service]
        closed = [one for one in tallies(evidence, "connection-close") if one.service == signal.service]
        bins, counts = summed((one.bin, one.count) for one in opened)
        if counts.sum() < ENOUGH_OPENED:
            continue
        asked_then = (asked_bins >= bins[0]) & (asked_bins <= bins[-1])
        per_request = counts.sum() / asked[asked_then].sum() if asked[asked_then].sum() else None
        left_open = _left_open(opened, closed)
        floods = list(episodes(CONNECTION_RULE, signal))
        name = _name(bool(floods), per_request, left_open, float(counts.sum()))
        if name:
            start, end = float(signal.at[0]), float(signal.at[-1]) + evidence.bin_seconds
            if name == "connection-flooding":
                start, end = floods[0].start, floods[-1].end
            inside = _within(times(bins, evidence.bin_seconds), counts, start, end)
            yield LogPattern(
                name, signal.service, Time(start), Time(end), inside,
                tally_quotes(opened, start, end), sources_of([*opened, *closed]),
                _text(name, float(signal.value.max()), float(np.median(signal.value)), per_request, left_open),
            )  # fmt: skip


def _within(at: Floats, counts: Floats, start: float, end: float) -> int:
    return round(float(counts[(at >= start) & (at < end)].sum()))


def _left_open(opened: list[Tally], closed: list[Tally]) -> Floats | None:
    """Opened less closed since the start, at the end of each tenth of the window; None where no closing is logged."""
    if not closed:
        return None
    bins, change = summed([*((one.bin, one.count) for one in opened), *((one.bin, -one.count) for one in closed)])
    ends = np.linspace(bins[0], bins[-1], 11)[1:]
    return np.cumsum(change)[np.searchsorted(bins, ends, side="right") - 1]


def _name(flooding: bool, per_request: float | None, left_open: Floats | None, opened: float) -> str:
    if left_open is not None and _leaks(left_open, opened):
        return "connection-leak"
    if flooding:
        return "connection-flooding"
    return "connection-churn" if per_request is not None and per_request >= CHURN_PER_REQUEST else ""


def _leaks(left_open: Floats, opened: float) -> bool:
    rising = float(np.mean(np.diff(left_open, prepend=0.0) > 0))
    return bool(left_open[-1] > max(LEAK_CONNECTIONS, LEAK_SHARE * opened) and rising >= LEAK_RISING)


def _text(name: str, peak: float, middle: float, per_request: float | None, left_open: Floats | None) -> str:
    rate = f"Up to {figure(peak)} new connections a minute, {figure(middle)} in the middle"
    each = "" if per_request is None else f"; {figure(per_request)} for each request"
    if left_open is None:
        return f"{rate}{each}. The log shows no closings: whether connections are left open is not known."
    if name == "connection-leak":
        return (
            f"{rate}{each}. {counted(round(float(left_open[-1])), 'connection')} more were opened than closed, and the "
            "number rises through the window: a leak of connections."
        )
    churn = "Each is closed again: churn, not a leak. "
    return f"{rate}{each}. {churn}With CONN_MAX_AGE 0, its default, Django opens one for each request."
