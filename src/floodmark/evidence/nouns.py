"""What the evidence says, in the form that the diagnosis reads: plain frozen values and numpy arrays, bounded in size.

Readers write rows into the store; the store hands out one `Evidence`. Times are seconds since the epoch, UTC, as
float64. Memory is in bytes here (the incident file has MB). What is not known is None or NaN, never 0.

Requests and tasks are counted in bins of `Evidence.bin_seconds`, so an `Evidence` is as large as the window and the
number of names, not as the logs: the store caps the names (`max_routes`) and lumps the rest under `OTHER`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OTHER = "(other)"
"""The name under which a cap lumps what it does not keep apart."""

ClockBasis = Literal["stated", "given", "inferred", "assumed"]

MEMORY_MEASURES = ("pss", "rss", "working_set", "usage", "heap")
"""Measures in bytes that growth may be read from, best first (`heap` corroborates only)."""

OTHER_MEASURES = (
    "limit",
    "processes",
    "restarts",
    "objects",
    "events",
    "rate",
    "requests",
    "latency",
    "cpu",
    "unknown",
)
"""What else a series may be; `rate` is a rate of something, `events` a count of events."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A source's zone, how it is known, and the offset found against other sources (added to its times already)."""

    zone: str | None
    basis: ClockBasis
    offset_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a figure was read: a source's path and, where there is one, the line (or row) in it."""

    source: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """One line that could not be read, and why. `text` is cut and masked."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One row a source: what was read from it and what was not.

    `kind` is the reader's name ("nginx-access", "prometheus-range", ...), or "unknown" for a file no reader knows and
    "unreadable" for one that could not be opened; `remark` says what the operator should know (gaps, cuts, guesses).
    """

    path: str
    kind: str
    service: str | None
    records: int
    rejected: int
    first: float | None
    last: float | None
    clock: Clock | None
    duplicates: int = 0
    out_of_order: int = 0
    damaged: int = 0
    examples: tuple[Rejection, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series of samples of one thing. `at` is ascending; `value` has the same length and holds no NaN.

    service, instance, process   what is measured (container or service name; pod or host; pid, or None for a sum)
    measure                      one of MEMORY_MEASURES (then `value` is bytes) or of OTHER_MEASURES
    metric                       the name in the source: metric name, panel title, or column
    expr, unit                   the query and the unit behind it where the source says them ("" if not)
    copies                       how many equal columns or rows were folded into this one (1 if none)
    started                      when the process or container began, where the source says it
    """

    service: str
    instance: str | None
    process: str | None
    measure: str
    metric: str
    place: Place
    at: Floats
    value: Floats
    labels: Mapping[str, str] = field(default_factory=dict)
    expr: str = ""
    unit: str = ""
    copies: int = 1
    started: float | None = None


DoseKind = Literal["endpoint", "task", "connections"]


@dataclass(frozen=True, slots=True, eq=False)
class Dose:
    """How often one route, task or connection began, in bins; only bins with something in them are listed.

    bin        bin number: start of the bin in seconds / bin_seconds, ascending
    starts     how many began in the bin (from end - duration where only the end is logged)
    seconds    sum of the durations of those that began in it (NaN where durations are not logged)
    bytes_out  sum of bytes sent
    failed     how many of them ended as 499, 502, 503, 504 or were killed
    instance   the replica that served them, where the source tells replicas apart
    """

    service: str | None
    kind: DoseKind
    name: str
    place: Place
    bin: Ints
    starts: Floats
    seconds: Floats
    bytes_out: Floats
    failed: Floats
    instance: str | None = None
    monitoring: bool = False
    """True for a route that is only met by probes and scrapers (/metrics, /healthz, kube-probe, Prometheus)."""


EventKind = Literal[
    "start", "stop", "restart", "deploy", "oom-kill", "worker-boot", "worker-exit", "worker-timeout", "worker-killed",
    "recycled", "reincarnated", "unhealthy", "evicted", "scaled", "request-lost",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened once (or `count` times) at a known time."""

    at: float
    kind: EventKind
    service: str | None
    instance: str | None
    process: str | None
    text: str
    place: Place
    count: int = 1


TALLY_KINDS: Mapping[str, str] = {
    # all routes of a service together (name is empty); counted at the start of the request
    "request": "requests",
    # name = the route; counted at the end of the request
    "request-over-10s": "requests that took longer than 10 s",
    "request-over-30s": "requests that took longer than 30 s",
    "status-429": "refused by a rate limit",
    "status-499": "the client gave up",
    "status-500": "the application failed",
    "status-502": "no usable answer from the application",
    "status-503": "refused as overloaded",
    "status-504": "the application took longer than the proxy waits",
    # name = the route; from the error log of nginx
    "upstream-timeout": "upstream timed out (110)",
    "upstream-closed": "upstream prematurely closed the connection (104 too)",
    "upstream-refused": "connection to the upstream refused (111), unreachable (113), or no live upstreams",
    "upstream-buffered": "an answer buffered to a temporary file",
    "rate-limited": "limited by a zone of requests or connections",
    # name = the pool or database
    "connection-open": "a database connection opened",
    "connection-close": "a database connection closed",
    "connection-refused": "no free slots, too many clients, or the proxy's own maximum",
    "connection-error": "a connection that broke or could not be made",
    # name = the task's function, or its key
    "task-failed": "a task ended with an error",
    "task-redelivered": "the same task processed again",
    "task-enqueued": "a task put into the queue",
    "heartbeat": "a heartbeat begun, renewed or ended",
    "heartbeat-skipped": "a run skipped as the heartbeat of another was found",
    # name = the message with its variable parts left out
    "error": "a line of level error or worse in a log of an application, a server or the database",
    "database-slow": "a statement logged for its duration",
    "database-temporary-file": "a statement that spilled to disk",
}


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """How often one kind of line was met, in bins, with a few examples. `kind` is a key of TALLY_KINDS."""

    kind: str
    service: str | None
    name: str
    bin: Ints
    count: Floats
    examples: tuple[tuple[float, Place, str], ...] = ()
    """(time, place, masked text), at most a few: the first and the last among them."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Bytes and lines of log per hour of one group of sources. `hour` is hours since the epoch."""

    name: str
    service: str | None
    hour: Ints
    bytes: Floats
    lines: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Client:
    """One client (name and address) that asked for many different things. `targets` counts distinct paths per bin."""

    name: str
    address: str
    bin: Ints
    requests: Floats
    targets: Floats
    place: Place


@dataclass(frozen=True, slots=True)
class Route:
    """Requests whose path begins with `prefix` (or that go to `port`) are served by `service`; longest prefix wins."""

    prefix: str
    port: int | None
    service: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Limit:
    """A memory limit of a container, a cgroup or a node, in bytes, or a number of configured workers."""

    service: str | None
    kind: Literal["memory", "node-memory", "workers", "request-timeout-seconds"]
    value: float
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that the diagnosis may know. `window` is (first, last) second of what was read, or as the user asked."""

    window: tuple[float, float] | None
    bin_seconds: float
    sources: tuple[SourceHealth, ...] = ()
    series: tuple[Series, ...] = ()
    doses: tuple[Dose, ...] = ()
    events: tuple[Event, ...] = ()
    tallies: tuple[Tally, ...] = ()
    volumes: tuple[Volume, ...] = ()
    clients: tuple[Client, ...] = ()
    routes: tuple[Route, ...] = ()
    limits: tuple[Limit, ...] = ()
