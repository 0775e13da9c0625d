"""The success targets of the origin report, measured over the window. Without evidence: neither met nor missed.

Where a target is about many requests or minutes, 95 of 100 must meet it: the words beside each value say so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.incident import Alert, Service, Target
from floodmark.diagnosis.rules import Signal
from floodmark.diagnosis.signals import (
    OVER_TEN,
    OVER_THIRTY,
    connections_opened,
    endpoints,
    is_iati,
    log_volumes,
    mean_seconds,
    requests,
    tallies,
    total,
)
from floodmark.diagnosis.wording import counted, figure, listed, span
from floodmark.evidence.nouns import Evidence, Floats

QUANTILE = 0.95
DAYS_FOR_STABILITY = 30
DAY = 86_400.0


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """All that a target may be measured on."""

    evidence: Evidence
    services: Sequence[Service]
    alerts: Sequence[Alert]
    signals: Sequence[Signal]


Measured = tuple[float | None, str] | tuple[float | None, str, str | None]
"""The value, None where it is not known; how it was measured or what is missing; the file that it was read from."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One target: `met` says whether a value meets it."""

    name: str
    target: str
    unit: str
    met: Callable[[float], bool]
    measure: Callable[[Given], Measured]


def evaluate(given: Given) -> tuple[Target, ...]:
    """Every target of `GOALS`, in their order."""
    return tuple(_evaluated(goal, given) for goal in GOALS)


def _evaluated(goal: Goal, given: Given) -> Target:
    value, text, *source = goal.measure(given)
    met = None if value is None else goal.met(value)
    return Target(goal.name, goal.target, value, goal.unit, met, text, source[0] if source else None)


def weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """The least value that at least `share` of the weight is at or below."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, share * reached[-1] * (1 - 1e-12))])


def _iati_request_duration(given: Given) -> Measured:
    doses = [one for one in endpoints(given.evidence) if is_iati(one.name) and np.isfinite(one.seconds).any()]
    if not doses:
        return None, "No IATI request with a duration is in the evidence."
    seconds = np.concatenate([mean_seconds(one) for one in doses])
    starts = np.concatenate([one.starts for one in doses])
    over = {kind: sum(total([one]) for one in tallies(given.evidence, kind) if is_iati(one.name))
            for kind in (OVER_TEN, OVER_THIRTY)}  # fmt: skip
    return (
        weighted_quantile(seconds, starts, QUANTILE),
        f"95 of 100 IATI requests took at most this, of {figure(float(starts.sum()))}; {figure(over[OVER_TEN])} took "
        f"more than 10 s, {figure(over[OVER_THIRTY])} more than 30 s. One that the proxy gave up on "
        "counts as long as it waited.",
        doses[0].place.source,
    )


def _new_connections(given: Given) -> Measured:
    signals = list(connections_opened(given.evidence))
    if not signals:
        return None, "No log of database connections is in the evidence."
    value = max(float(np.quantile(one.value, QUANTILE)) for one in signals)
    most = max(float(one.value.max()) for one in signals)
    text = f"95 of 100 minutes had at most this many; the worst had {figure(most)}."
    return value, text, next((one.place.source for one in signals if one.place), None)


def _upstream_timeouts(given: Given) -> Measured:
    asked = float(requests(given.evidence)[1].sum())
    if not asked:
        return None, "No log of requests is in the evidence."
    logged, answered = (total(tallies(given.evidence, kind)) for kind in ("upstream-timeout", "status-504"))
    return 100 * max(logged, answered) / asked, (
        f"{figure(logged)} in the error log of the proxy, {figure(answered)} requests answered 504, of {figure(asked)}."
    )


def _log_volume(given: Given) -> Measured:
    signals = list(log_volumes(given.evidence))
    if not signals:
        return None, "No log file is in the evidence."
    largest = max(signals, key=lambda one: float(np.median(one.value)))
    return float(np.median(largest.value)), (
        f"The middle hour of the largest log, {largest.service}; the worst has {figure(largest.value.max())} MB. "
        "Less than 5 MB/h meets the target too."
    )


def _iati_growth(given: Given) -> Measured:
    signals = [one for one in given.signals if one.name == "iati-growth" and len(one.value)]
    if not signals:
        return None, "No usable memory of a service that served IATI requests is in the evidence."
    worst = max(signals, key=lambda one: float(np.mean(one.value)))
    text = f"The mean of {counted(len(worst.value), 'quarter hour')} with IATI requests in {worst.service}."
    return float(np.mean(worst.value)), text, worst.place.source if worst.place else None


def _processes(given: Given) -> Measured:
    known = [(one.processes_peak, one.service) for one in given.services if one.processes_peak is not None]
    if not known:
        return None, "No count of processes at one instant is in the evidence."
    most, service = max(known)
    return float(most), f"The most at one instant in one service: {service}."


def _export_success(given: Given) -> Measured:
    doses = [one for one in endpoints(given.evidence) if is_iati(one.name)]
    asked, failed = sum(float(one.starts.sum()) for one in doses), sum(float(one.failed.sum()) for one in doses)
    if not asked:
        return None, "No IATI request is in the evidence."
    text = f"Of {figure(asked)} IATI requests {figure(failed)} failed: answered 499, 502, 503 or 504, or lost."
    return 100 * max(asked - failed, 0.0) / asked, text, doses[0].place.source


def _average_growth(given: Given) -> Measured:
    window = given.evidence.window
    grown = [one for one in given.services if one.growth and one.growth.mb_per_hour is not None]
    if not grown or window is None or window[1] <= window[0]:
        return None, "No growth of memory could be measured."
    unknown = sorted({one.service for one in given.services} - {one.service for one in grown})
    mb = sum(_grown_mb(one) for one in grown)
    left_out = f" Not in it: {listed(unknown)}." if unknown else ""
    cached = sorted(one.service for one in grown if one.measure == "usage")
    left_out += " Read with page cache, so at most this." if cached else ""
    return mb * 3600 / (window[1] - window[0]), (
        f"{figure(mb)} MB in {span(window[1] - window[0])}, {counted(len(grown), 'service')} together.{left_out}"
    )


def _grown_mb(service: Service) -> float:
    growth = service.growth
    if growth is None or growth.mb_per_hour is None:
        return 0.0
    return growth.mb_per_hour * (growth.end.seconds - growth.start.seconds) / 3600


def _stability(given: Given) -> Measured:
    window = given.evidence.window
    days = (window[1] - window[0]) / DAY if window else 0.0
    if days < DAYS_FOR_STABILITY:
        return None, f"The window is {span(days * DAY)} long; {DAYS_FOR_STABILITY} days are needed."
    rates = [one.growth.mb_per_hour for one in given.services if one.growth and one.growth.mb_per_hour is not None]
    if not rates:
        return None, "No growth of memory could be measured."
    leaking = [one.service for one in given.services if one.verdict == "leak"]
    return max(rates), f"The fastest growth of a service; {'leaking: ' + listed(leaking) if leaking else 'none leaks'}."


def _emergencies(given: Given) -> Measured:
    if all(one.growth is None for one in given.services):
        return None, "No growth of memory could be measured."
    count = sum(one.count for one in given.alerts if one.severity == "emergency")
    return float(count), "Times that a rule of severity emergency fired."


GOALS = (
    Goal("iati-request-duration", "< 10 s", "s", lambda value: value < 10, _iati_request_duration),
    Goal("new-database-connections", "< 10 per minute", "per minute", lambda value: value < 10, _new_connections),
    Goal("upstream-timeouts", "< 1 % of requests", "%", lambda value: value < 1, _upstream_timeouts),
    Goal("log-volume", "5 to 8 MB/h", "MB/h", lambda value: value <= 8, _log_volume),
    Goal("iati-growth", "< 50 MB/h", "MB/h", lambda value: value < 50, _iati_growth),
    Goal("processes", "< 50", "", lambda value: value < 50, _processes),
    Goal("export-success", "> 95 %", "%", lambda value: value > 95, _export_success),
    Goal("average-growth", "< 10 MB/h", "MB/h", lambda value: value < 10, _average_growth),
    Goal("stability", "stable over 30 days", "MB/h", lambda value: value < 10, _stability),
    Goal("emergency-events", "0", "", lambda value: value == 0, _emergencies),
)

__all__ = ["GOALS", "Given", "Goal", "evaluate", "weighted_quantile"]
