"""Restarts that only a series tells of, as events: a counter that steps, or a count for each half hour.

A pod's counter does not say which of its containers restarted. Where the columns of exactly one of them are several
lives of one name, it was that one; else the restarts stay with the pod.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from floodmark.diagnosis.wording import counted
from floodmark.evidence.nouns import MEMORY_MEASURES, Event, Evidence, Series

WINDOW = re.compile(r"\[(\d+)(s|m|h|d)\]")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

MAX_RESTARTS = 5000
"""Of one series: a counter that is none must not fill the memory."""

ROUNDED = 0.05
"""increase() stretches a count to the edges of its window: 7.24 are 7, and 6.99 are 7 too."""


def with_told_restarts(evidence: Evidence) -> Evidence:
    """The evidence with an event for each restart that a series of restarts tells of and no event does."""
    found = [event for series in evidence.series if series.measure == "restarts" for event in _events(evidence, series)]
    return replace(evidence, events=(*evidence.events, *found)) if found else evidence


def _events(evidence: Evidence, series: Series) -> Iterator[Event]:
    service = _service(evidence, series)
    known = {one.instance for one in evidence.events if one.kind == "restart" and one.service == service}
    if series.instance in known and None not in known:
        return
    for start, end, count in _counts(series):
        text = f"{series.metric}: {counted(count, 'restart')}"
        for k in range(count):
            at = start + (k + 0.5) * (end - start) / count
            yield Event(at, "restart", service, series.instance, None, text, series.place)


def _counts(series: Series) -> Iterator[tuple[float, float, int]]:
    """(start, end, restarts) of each stretch with restarts in it."""
    window = _window_seconds(series)
    left, last = MAX_RESTARTS, -np.inf
    for k, (at, value) in enumerate(zip(series.at.tolist(), series.value.tolist(), strict=True)):
        if window is None:
            start, risen = (series.at[k - 1], value - series.value[k - 1]) if k else (at, 0.0)
        else:
            start, risen = at - window, value
            if start < last - window / 10:  # windows that overlap tell of the same restarts again
                continue
            last = at
        count = min(int(risen + ROUNDED), left)
        if count > 0:
            left -= count
            yield float(start), float(at), count


def _window_seconds(series: Series) -> float | None:
    """The window that each value counts in; None for a counter that goes on."""
    if (stated := series.labels.get("window", "")).replace(".", "", 1).isdigit():
        return float(stated)
    if match := WINDOW.search(series.expr):
        return float(match[1]) * SECONDS[match[2]]
    falls = bool(np.any(np.diff(series.value) < 0))
    fractions = bool(np.any(np.abs(series.value - np.round(series.value)) > 1e-6))
    return float(np.median(np.diff(series.at))) if (falls or fractions) and len(series.at) > 1 else None


def _service(evidence: Evidence, series: Series) -> str:
    """The container's service where the series has it, or where one container of the pod alone has several lives."""
    memory = [one for one in evidence.series if one.measure in MEMORY_MEASURES]
    if series.instance is None or any(one.service == series.service for one in memory):
        return series.service
    several = {one.service for one in memory if one.instance == series.instance and one.copies > 1}
    return several.pop() if len(several) == 1 else series.service
