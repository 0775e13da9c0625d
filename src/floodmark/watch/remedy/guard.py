"""May it be done? Every condition can be read aloud, and the first that speaks against an action is its reason.

An action is done only on a verdict that is certain enough, never on the fast clock alone, only where the settings
allow it, never twice within its cool-down, never more often than its budget, and never for two services at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from floodmark.watch.config import Remedy
from floodmark.watch.state import State

SEVERITIES = ("none", "warning", "critical", "emergency")


@dataclass(frozen=True, slots=True)
class Finding:
    """What the diagnosis says of one service now, as far as acting needs it. Rates are MB/h, memory is MB."""

    service: str
    incident: str
    verdict: str
    severity: str
    mb_per_hour: float | None
    low_mb_per_hour: float | None
    memory_mb: float | None
    grown_for_seconds: float
    youngest_process_seconds: float | None
    culprit: str | None
    culprit_kind: str | None
    culprit_confidence: float
    reason: str

    def seen(self) -> str:
        """What was seen, in one line of the audit log."""
        growth = "growth unknown" if self.mb_per_hour is None else f"{self.mb_per_hour:.0f} MB/h"
        low = "" if self.low_mb_per_hour is None else f" (at least {self.low_mb_per_hour:.0f})"
        memory = "" if self.memory_mb is None else f", {self.memory_mb:.0f} MB"
        cause = f", culprit {self.culprit}" if self.culprit else ", no culprit named"
        return f"{self.verdict}, {self.severity}, {growth}{low}{memory}{cause}"


@dataclass(frozen=True, slots=True)
class Caution:
    """How certain a finding has to be before anything is done."""

    severity: str = "emergency"
    slow_clock_seconds: float = 3 * 3600.0
    start_up_seconds: float = 300.0
    shed_confidence: float = 0.8


Condition = Callable[[Finding, Remedy, Caution], str | None]


def is_a_leak(finding: Finding, remedy: Remedy, caution: Caution) -> str | None:
    """Nothing is done about growth that may be no leak."""
    return None if finding.verdict == "leak" else f"the verdict is {finding.verdict}"


def is_severe_enough(finding: Finding, remedy: Remedy, caution: Caution) -> str | None:
    """Severity is judged on the lower bound of the growth, so noise does not act."""
    if SEVERITIES.index(finding.severity) >= SEVERITIES.index(caution.severity):
        return None
    return f"severity is {finding.severity}, acting begins at {caution.severity}"


def has_lasted(finding: Finding, remedy: Remedy, caution: Caution) -> str | None:
    """The fast clock may page somebody; it never acts alone."""
    if finding.grown_for_seconds >= caution.slow_clock_seconds:
        return None
    return f"it has grown for {finding.grown_for_seconds:.0f} s, acting wants {caution.slow_clock_seconds:.0f} s"


def has_started_up(finding: Finding, remedy: Remedy, caution: Caution) -> str | None:
    """A process that warms up grows too."""
    youngest = finding.youngest_process_seconds
    if youngest is None or youngest >= caution.start_up_seconds:
        return None
    return f"a process of it is only {youngest:.0f} s old"


def sheds_a_certain_culprit(finding: Finding, remedy: Remedy, caution: Caution) -> str | None:
    """Shedding takes a route away from people: only where the route is certain."""
    if remedy.action != "shed":
        return None
    if finding.culprit is None or finding.culprit_kind != "endpoint":
        return "no endpoint is named as the culprit"
    if finding.culprit_confidence < caution.shed_confidence:
        return f"confidence in {finding.culprit} is {finding.culprit_confidence:.2f}, below {caution.shed_confidence}"
    return None


CONDITIONS: tuple[Condition, ...] = (
    is_a_leak,
    is_severe_enough,
    has_lasted,
    has_started_up,
    sheds_a_certain_culprit,
)
"""In the order in which they are asked. Those about the past (cool-down, budget, others) are asked after them."""


def objection(finding: Finding, remedy: Remedy, caution: Caution, state: State, now: float) -> str | None:
    """Why this must not be done now, or None. Whether it is `allowed` is not asked here: that decides dry or real."""
    for condition in CONDITIONS:
        if reason := condition(finding, remedy, caution):
            return reason
    return _under_way(finding, state) or _cooling_down(finding, remedy, state, now) or _spent(remedy, state, now)


def _under_way(finding: Finding, state: State) -> str | None:
    rows = state.rows("select service, action from action where not dry and status in ('started', 'done')")
    if not rows:
        return None
    return f"{rows[0]['action']} of {rows[0]['service']} is not yet verified; one at a time"


def _cooling_down(finding: Finding, remedy: Remedy, state: State, now: float) -> str | None:
    (row,) = state.rows(
        "select max(at) as at from action where service = ? and action = ? and status != 'withheld'",
        finding.service,
        remedy.action,
    )
    if row["at"] is None or now - row["at"] >= remedy.cool_down_seconds:
        return None
    return f"cooling down: last {remedy.action} {now - row['at']:.0f} s ago, next after {remedy.cool_down_seconds:g} s"


def _spent(remedy: Remedy, state: State, now: float) -> str | None:
    (row,) = state.rows(
        "select count(*) as n from action where service = ? and not dry and status != 'withheld' and at > ?",
        remedy.service,
        now - 3600,
    )
    if row["n"] < remedy.budget_per_hour:
        return None
    return f"budget of {remedy.budget_per_hour} actions an hour is spent"
