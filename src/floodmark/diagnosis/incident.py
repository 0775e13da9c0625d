"""The noun that everything below the diagnosis passes on, in the shape of `incident.json` (docs/incident.md).

Times are seconds since the epoch here and ISO 8601 with Z in the file; memory is MB (10**6 bytes), rates MB per hour.
Unknown is None, never 0. Equal evidence gives an equal Incident, and `report.document` makes equal bytes of it.

The fields that stand last in a class and have a default are additions to the contract: what the reports need in words
(`text`), what charts are drawn with, and the summary. A figure in a report is a figure of this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

SCHEMA = "floodmark.incident/1"

PatternWord = Literal[
    "leak", "plateau", "sawtooth", "step", "fragmentation", "traffic-bound", "process-count", "restart-loop",
    "page-cache", "steady", "unknown",
]  # fmt: skip
VerdictWord = Literal["leak", "no-leak", "unknown"]
SeverityWord = Literal["none", "warning", "critical", "emergency"]
CauseKind = Literal[
    "endpoint", "task", "connections", "processes", "monitoring", "cache", "fragmentation", "native", "traffic",
    "page-cache", "database", "unknown",
]  # fmt: skip
Role = Literal["culprit", "contributing", "victim"]
Urgency = Literal["immediate", "short-term", "prevention"]


@dataclass(frozen=True, slots=True)
class Time:
    """A moment, in seconds since the epoch, written as ISO 8601 in UTC with Z."""

    seconds: float

    def __str__(self) -> str:
        return datetime.fromtimestamp(round(self.seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Window:
    start: Time
    end: Time


@dataclass(frozen=True, slots=True)
class SourceClock:
    zone: str | None
    basis: str
    offset_seconds: float


@dataclass(frozen=True, slots=True)
class Source:
    path: str
    kind: str
    service: str | None
    records: int
    rejected: int
    first: Time | None
    last: Time | None
    clock: SourceClock | None
    duplicates: int = 0
    out_of_order: int = 0
    damaged: int = 0
    remark: str = ""
    examples: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Growth:
    """Robust slope over `start` to `end` with its 90% interval; the peak is the steepest window inside."""

    mb_per_hour: float | None
    low: float | None
    high: float | None
    start: Time
    end: Time
    peak_mb_per_hour: float | None = None
    peak_at: Time | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a chart: memory in MB at a time."""

    at: Time
    mb: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Something to draw into a chart: `kind` is that of an entry of the timeline (restart, deploy, alert, onset)."""

    at: Time
    kind: str
    text: str = ""
    until: Time | None = None


@dataclass(frozen=True, slots=True)
class Axes:
    """Where a chart has its labels: round values of memory in MB and round times, the first and last its corners."""

    mb: tuple[float, ...]
    start: Time
    end: Time
    at: tuple[Time, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What the report draws for one service: at most a few hundred points a line."""

    measure: str
    lines: tuple[tuple[str, tuple[Point, ...]], ...]
    """(what the line is, its points): an instance, a process, or a floor."""

    axes: Axes | None = None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    service: str
    instances: tuple[str, ...]
    measure: str | None
    growth: Growth | None
    pattern: PatternWord
    verdict: VerdictWord
    severity: SeverityWord
    onset: Time | None
    end: Time | None
    restarts: int | None
    processes_peak: int | None
    reason: str
    hours_to_limit: float | None = None
    limit_mb: float | None = None
    chart: Chart | None = None
    sources: tuple[str, ...] = ()
    """The files that its memory was read from."""


@dataclass(frozen=True, slots=True)
class Interval:
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    text: str
    source: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Rival:
    name: str
    against: str
    would_decide: str


@dataclass(frozen=True, slots=True)
class Cause:
    service: str
    kind: CauseKind
    name: str
    role: Role
    share: float | None
    confidence: float
    mb_per_event: Interval | None
    inseparable_from: tuple[str, ...] = ()
    evidence: tuple[EvidenceItem, ...] = ()
    rivals: tuple[Rival, ...] = ()
    text: str = ""
    """One sentence for a reader who does not know the words above."""


@dataclass(frozen=True, slots=True)
class MetricProblem:
    metric: str
    problem: str
    explanation: str
    source: str | None


@dataclass(frozen=True, slots=True)
class LogPattern:
    name: str
    service: str | None
    start: Time
    end: Time
    count: int
    examples: tuple[str, ...]
    sources: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    rule: str
    service: str | None
    severity: SeverityWord
    start: Time
    end: Time | None
    value: float
    unit: str
    threshold: float
    low: float | None = None
    high: float | None = None
    """The 90% interval of `value`, where it is an estimate."""

    count: int = 1
    """How often the rule fired between `start` and `end`."""

    text: str = ""
    source: str | None = None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    at: Time
    kind: str
    service: str | None
    text: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    target: str
    value: float | None
    unit: str
    met: bool | None
    text: str = ""
    """How the value was measured, or what is missing where it is None."""

    source: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    action: str
    service: str | None
    urgency: Urgency
    reason: str
    how: str = ""
    """What to type or to set."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the impact: what users and operators felt."""

    name: str
    value: float | None
    unit: str
    text: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a reader with one minute reads: a headline, some sentences, and what nobody knows yet."""

    headline: str
    sentences: tuple[str, ...]
    not_known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Incident:
    """One analysed window. The order of the fields is the order in the file."""

    window: Window | None
    sources: tuple[Source, ...]
    services: tuple[Service, ...]
    causes: tuple[Cause, ...]
    metric_problems: tuple[MetricProblem, ...]
    patterns: tuple[LogPattern, ...]
    alerts: tuple[Alert, ...]
    timeline: tuple[TimelineEntry, ...]
    targets: tuple[Target, ...]
    actions: tuple[Action, ...]
    summary: Summary | None = None
    impact: tuple[Figure, ...] = ()
    method: tuple[str, ...] = ()
