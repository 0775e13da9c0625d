"""The alert rules as data, for the analysis and for the live watch alike, and the one way in which a rule fires.

A rule watches a signal (`signals.py`: a figure over time for one service or for all). It fires once the signal has been
above the threshold for `for_seconds`, and is over once the signal is at or below `clear_at_or_below`, or gone for
`FORGOTTEN_AFTER` steps. docs/alerts.md has a paragraph on each rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from floodmark.diagnosis.incident import SeverityWord
from floodmark.evidence.nouns import Floats, Place

SignalName = Literal[
    "growth", "iati-growth", "leaking-services", "iati-request-seconds", "log-volume", "connections-opened",
    "restarts", "processes",
]  # fmt: skip

FORGOTTEN_AFTER = 3
"""Steps of a signal without a value after which an episode is taken to be over."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table. Threshold and `clear_at_or_below` are in `unit`.

    setting         the setting that holds another threshold
    condition       what is said when it fires, with a place for the threshold; "surely": by the lower bound
    for_seconds     how long the signal must be above the threshold before it fires
    repeat_seconds  what comes back within this time is the same alert
    """

    name: str
    signal: SignalName
    condition: str
    threshold: float
    unit: str
    severity: SeverityWord
    clear_at_or_below: float
    setting: str
    for_seconds: float = 0.0
    repeat_seconds: float = 6 * 3600.0


HOUR = 3600.0
DAY = 24 * HOUR

GROWTH = "growth surely above {} MB/h"

RULES = (
    Rule("growth-warning", "growth", GROWTH, 50, "MB/h", "warning", 40, "alert_growth_warning_mb_per_hour"),
    Rule("growth-critical", "growth", GROWTH, 200, "MB/h", "critical", 160, "alert_growth_critical_mb_per_hour"),
    Rule("growth-emergency", "growth", GROWTH, 500, "MB/h", "emergency", 400, "alert_growth_emergency_mb_per_hour"),
    Rule("iati-growth", "iati-growth", GROWTH + " in quarter hours with IATI work",
         100, "MB/h", "warning", 50, "alert_iati_growth_mb_per_hour", repeat_seconds=DAY),
    Rule("leaking-together", "leaking-services", "more than {} service leaking at the same time",
         1, "services", "critical", 1, "alert_leaking_services"),
    Rule("iati-request-duration", "iati-request-seconds", "IATI requests that took more than {} s",
         30, "s", "warning", 10, "alert_iati_request_seconds", repeat_seconds=DAY),
    Rule("log-volume", "log-volume", "more than {} MB of log in an hour",
         15, "MB", "warning", 8, "alert_log_volume_mb", repeat_seconds=DAY),
    Rule("connections", "connections-opened", "more than {} new database connections a minute",
         50, "per minute", "warning", 40, "alert_connections_per_minute", for_seconds=120, repeat_seconds=DAY),
    Rule("restart-loop", "restarts", "more than {} restarts within an hour",
         3, "per hour", "critical", 1, "alert_restarts_per_hour"),
    Rule("processes", "processes", "more than {} processes at one instant",
         49, "processes", "warning", 45, "alert_max_processes", for_seconds=300),
)  # fmt: skip
"""Thresholds of the origin report (50, 200, 500 MB/h; 100 MB/h; 30 s; 15 MB; 50 a minute; fewer than 50 processes)."""

RULE_NAMES = tuple(rule.name for rule in RULES)


def with_thresholds(thresholds: Mapping[str, float], rules: tuple[Rule, ...] = RULES) -> tuple[Rule, ...]:
    """The rules with some thresholds replaced; the level at which a rule clears keeps its ratio to the threshold."""
    return tuple(_with_threshold(rule, thresholds.get(rule.name, rule.threshold)) for rule in rules)


def _with_threshold(rule: Rule, threshold: float) -> Rule:
    ratio = rule.clear_at_or_below / rule.threshold
    return replace(rule, threshold=threshold, clear_at_or_below=threshold * ratio)


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """A figure over time. `at` is where each value's stretch of `step_seconds` begins; `low`, `high` its 90% interval.

    A growth rule compares `low`: what is certain, not what is likely. `ends` is when the last of it ended, where a value
    stands for a longer stretch than `step_seconds`: growth over three hours, looked at every 15 minutes, goes on to the
    end of the window although no stretch begins in its last three hours.
    """

    name: SignalName
    service: str | None
    at: Floats
    value: Floats
    step_seconds: float
    low: Floats | None = None
    high: Floats | None = None
    place: Place | None = None
    ends: float | None = None

    @property
    def last(self) -> float:
        """When the last value's stretch ended."""
        return float(self.at[-1]) + self.step_seconds if self.ends is None else self.ends

    @property
    def compared(self) -> Floats:
        """What a rule compares with its threshold."""
        return self.value if self.low is None else self.low


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch in which a rule fired: [start, end] in seconds, and the index of its worst value in the signal."""

    start: float
    end: float
    worst: int
    open: bool
    """True where the rule had not cleared when the signal, and with it the window, ended."""


def episodes(rule: Rule, signal: Signal, until: float | None = None) -> Iterator[Episode]:
    """The stretches of `signal` in which `rule` fired, in order of time.

    `until` is the end of the window: a signal that ended long before it is gone, and so is what fired on it.
    """
    figures, patience = signal.compared, FORGOTTEN_AFTER * signal.step_seconds
    begun: int | None = None
    for i in range(len(figures)):
        gone = i > 0 and signal.at[i] - signal.at[i - 1] > patience
        if begun is not None and (gone or figures[i] <= rule.clear_at_or_below):
            yield from _episode(rule, signal, begun, i - 1, None if gone else float(signal.at[i]))
            begun = None
        if begun is None and figures[i] > rule.threshold:
            begun = i
    if begun is not None:
        lasts = until is None or until - signal.last <= patience
        yield from _episode(rule, signal, begun, len(figures) - 1, signal.last, lasts=lasts)


def _episode(
    rule: Rule, signal: Signal, first: int, last: int, cleared: float | None, *, lasts: bool = False
) -> Iterator[Episode]:
    end = float(signal.at[last]) + signal.step_seconds if cleared is None else cleared
    if _longest_above(rule, signal, first, last) >= rule.for_seconds:
        worst = first + int(np.argmax(signal.compared[first : last + 1]))
        yield Episode(float(signal.at[first]), end, worst, open=lasts)


def _longest_above(rule: Rule, signal: Signal, first: int, last: int) -> float:
    """Seconds of the longest run of values above the threshold in [first, last]."""
    longest = run = 0
    for above in signal.compared[first : last + 1] > rule.threshold:
        run = run + 1 if above else 0
        longest = max(longest, run)
    return longest * signal.step_seconds
