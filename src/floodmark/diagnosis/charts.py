"""What a chart needs beside its lines: round values for the axes and the events to draw in."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from floodmark.diagnosis.incident import Alert, Axes, Chart, Mark, Service, Time, TimelineEntry, Window

MB_LABELS = 5
"""Labels wanted on the axis of memory; there are between three and eight."""

TIME_LABELS = 7
"""Labels at most on the axis of time."""

TIME_STEPS = tuple(60 * minutes for minutes in (1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 40320))

ZERO_BELOW = 0.5
"""The axis begins at zero unless the lowest value is above this share of the highest."""

LEAST_SPAN = 0.2
"""The axis covers at least this share of the highest value: a service that is flat must look flat, not its noise large."""

LIMIT_UP_TO = 2.0
"""The limit is drawn where it is at most this many times the highest value: else the growth would not be seen."""

DRAWN = ("restart", "deploy", "oom-kill", "evicted", "onset", "end", "peak")
"""Kinds of the timeline that become marks."""

MAX_MARKS = 200


def dressed(
    service: Service, window: Window | None, timeline: Iterable[TimelineEntry], alerts: Iterable[Alert],
    marks: Iterable[Mark] = (),
) -> Service:  # fmt: skip
    """The service with axes and marks in its chart; as it was where it has no chart or no point in it."""
    chart = service.chart
    if chart is None or not any(points for _name, points in chart.lines):
        return service
    found = [*marks, *_from_timeline(service, timeline), *_from_alerts(service, alerts)]
    found = sorted(set(found), key=lambda mark: (mark.at.seconds, mark.kind, mark.text))[:MAX_MARKS]
    return replace(service, chart=replace(chart, axes=axes(chart, window, service.limit_mb), marks=tuple(found)))


def _from_timeline(service: Service, timeline: Iterable[TimelineEntry]) -> Iterable[Mark]:
    for entry in timeline:
        if entry.kind in DRAWN and entry.service in (service.service, None):
            yield Mark(entry.at, entry.kind, entry.text)


def _from_alerts(service: Service, alerts: Iterable[Alert]) -> Iterable[Mark]:
    for alert in alerts:
        if alert.service == service.service:
            yield Mark(alert.start, f"alert-{alert.severity}", alert.rule, alert.end)


def axes(chart: Chart, window: Window | None, limit_mb: float | None = None) -> Axes:
    """Round labels around the points of `chart`; time runs over the window of the incident, where there is one."""
    points = [point for _name, line in chart.lines for point in line]
    lowest, highest = min(point.mb for point in points), max(point.mb for point in points)
    if limit_mb is not None and highest < limit_mb <= LIMIT_UP_TO * highest:
        highest = limit_mb
    lowest = min(lowest, (1 - LEAST_SPAN) * highest)
    start = min([point.at.seconds for point in points] + ([window.start.seconds] if window else []))
    end = max([point.at.seconds for point in points] + ([window.end.seconds] if window else []))
    end = max(end, start + TIME_STEPS[0])
    return Axes(mb=mb_labels(lowest, highest), start=Time(start), end=Time(end), at=time_labels(start, end))


def mb_labels(lowest: float, highest: float) -> tuple[float, ...]:
    """Round values that enclose both, in steps of 1, 2, 2.5 or 5 times a power of ten."""
    if lowest <= ZERO_BELOW * highest:
        lowest = 0.0
    step = _round_step(max(highest - lowest, 1e-3 * abs(highest), 1e-6) / MB_LABELS)
    first, last = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
    return tuple(round(k * step, 9) for k in range(first, max(last, first + 1) + 1))


def _round_step(rough: float) -> float:
    power = float(10.0 ** math.floor(math.log10(rough)))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))


def time_labels(start: float, end: float) -> tuple[Time, ...]:
    """Round moments (UTC) inside [start, end], at most `TIME_LABELS` of them where a step of the table allows."""
    step = next((one for one in TIME_STEPS if (end - start) / one <= TIME_LABELS), TIME_STEPS[-1])
    first = math.ceil(start / step) * step
    return tuple(Time(float(at)) for at in range(first, math.floor(end) + 1, step))
