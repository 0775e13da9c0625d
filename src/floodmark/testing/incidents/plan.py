"""The nouns of a case before it is run: what is served, what leaks, what happens when, and what an analyst should say.

Hours are counted from the start of the window. Memory is MB = 10**6 bytes.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from floodmark.testing.incidents.theme import Random, Theme

WEB, REP, WORKER = "web", "rep", "worker"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Route:
    """One kind of work of one service: a route of a web service, or the function of a task."""

    key: str
    template: str
    service: str
    per_hour: float
    seconds: float
    kilobytes: float = 5.0
    method: str = "GET"
    transient_mb: float = 0.0
    peak_hour: float = 13.0
    wave: float = 0.6
    sigma: float = 0.7
    paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    every_minutes: float | None = None
    """Where set, the work comes by the clock, not by chance: a cron."""
    since_hour: float = 0.0


@dataclass(frozen=True)
class Service:
    """A container with processes: a gunicorn master with sync workers, or a cluster of task workers."""

    name: str
    role: str
    workers: int
    port: int
    base_mb: float
    shared_mb: float
    warm_mb: float
    warm_hours: float
    heap_share: float = 0.9
    """How much of what leaks the Python heap counter sees; 0 for native memory."""
    max_requests: int = 0
    max_requests_jitter: int = 0
    limit_mb: float = 0.0
    saw_mb: float = 2.0
    """Garbage that piles up over `saw_requests` requests of a worker and is then collected."""
    saw_requests: int = 41
    read_timeout_seconds: float = 60.0
    retain: float = 0.6
    """How much of what a request held the allocator keeps as its high water, which sinks with `retain_hours`."""
    retain_hours: float = 1.5
    linger_mb: float = 0.02
    """What every request leaves behind for `linger_hours`: memory in step with traffic."""
    linger_hours: float = 0.5


@dataclass(frozen=True)
class Leak:
    """Memory that is never given back: `mb` an event of one of `keys`, or `mb` an hour for the source "time"."""

    service: str
    keys: tuple[str, ...]
    mb: float
    since_hour: float
    until_hour: float = 1e9
    spread: float = 0.25
    source: str = "route"


@dataclass(frozen=True)
class Cache:
    """Memory that fills towards `size_mb` with time constant `hours`, in each life of the container."""

    service: str
    size_mb: float
    hours: float
    since_hour: float = 0.0


@dataclass(frozen=True)
class Surge:
    """Traffic of `keys` times `factor` between two hours, with ramps."""

    keys: tuple[str, ...]
    start_hour: float
    end_hour: float
    factor: float
    ramp_hours: float = 0.5


@dataclass(frozen=True)
class Session:
    """A client that asks for several routes together: a crawler, a harvester that sweeps ids, a page with its parts."""

    keys: tuple[str, ...]
    per_hour: float
    rounds: int
    gap_seconds: float
    since_hour: float = 0.0
    until_hour: float = 1e9


@dataclass(frozen=True)
class Restart:
    """Containers that start anew: a deploy or rollout brings a new pod, a kill does not."""

    hour: float
    services: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Slowdown:
    """Every request of a service takes longer, growing from 1 to `factor` between the hours: the mark of a victim."""

    service: str
    start_hour: float
    end_hour: float
    factor: float


@dataclass(frozen=True)
class Crowd:
    """Processes beyond the configured workers: `per_hour` new ones of constant size from an hour on, `most` in all."""

    service: str
    since_hour: float
    per_hour: float
    mb: float
    most: int = 2000


@dataclass(frozen=True)
class Culprit:
    """What the analyst should name."""

    service: str
    kinds: tuple[str, ...]
    name: str
    names: tuple[str, ...] = ()
    share: float = 1.0
    mb_per_event: float | None = None
    key: str | None = None


@dataclass
class Expectation:
    """What an analyst with this evidence should say, and what it must not."""

    focus: str
    verdicts: tuple[str, ...] = ("leak",)
    patterns: tuple[str, ...] = ("leak",)
    culprits: list[Culprit] = field(default_factory=list)
    decoys: list[str] = field(default_factory=list)
    victims: list[str] = field(default_factory=list)
    inseparable: list[list[str]] = field(default_factory=list)
    abstain: bool = False
    allowed_kinds: tuple[str, ...] = ()
    """Kinds of cause that may be named, of the focus and of the services `allowed_beside`."""
    allowed_beside: tuple[str, ...] = ()
    metric_invalid: bool = False
    deploy: str | None = None
    sibling: str | None = None
    others: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    """service -> (verdicts, patterns) where a service beside the focus has more to say than no-leak."""

    @property
    def no_leak(self) -> bool:
        """Whether nothing in the case may be called a leak."""
        return "leak" not in self.verdicts and not any("leak" in words for words, _ in self.others.values())


@dataclass(frozen=True)
class Evidence:
    """Which files an analyst gets and in what form; the tier names how much there is."""

    tier: str = "full"
    access_format: str = "timed_combined"
    access_zone: str = "UTC"
    psutil: bool = True
    rss: bool = True
    working_set: bool = True
    usage: bool = True
    logs: bool = True
    grafana_memory: bool = True
    bad_panels: bool = True
    application_gauges: bool = True
    step_seconds: int = 60
    gunicorn_access: bool = False
    wrapper: str = "plain"
    proxy_version: int = 1
    task_names: bool = True
    tasks_as: str = "gcs"
    events_as: str = "table"
    layout: str = "a"
    server: str = "gunicorn"
    processes_see_all: bool = False
    """Whether the samples of processes hold what the allocator keeps; some samplers read only what lives."""
    limits_known: bool = True
    damage: bool = True


@dataclass
class Plan:
    """A whole case before it is run."""

    family: str
    seed: int
    random: Random
    theme: Theme
    start: float
    hours: float
    services: list[Service]
    routes: list[Route]
    expect: Expectation
    evidence: Evidence = field(default_factory=Evidence)
    leaks: list[Leak] = field(default_factory=list)
    caches: list[Cache] = field(default_factory=list)
    surges: list[Surge] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    restarts: list[Restart] = field(default_factory=list)
    slowdowns: list[Slowdown] = field(default_factory=list)
    crowds: list[Crowd] = field(default_factory=list)
    follows_memory: tuple[str, ...] = ()
    """Keys whose traffic rises with the leaked level: clients that ask again because it is slow."""
    retries: float = 0.3
    replicas: int = 1
    incident_hour: float = 0.0
    incident_end_hour: float | None = None
    profiling: tuple[float, float, float] | None = None
    """(since hour, share of requests, seconds): a monitor that snapshots the heap in some requests."""
    connections_kept: tuple[float, float] | None = None
    """(since hour, share): requests whose database connection is never closed."""
    page_cache_mb_per_hour: float = 0.0

    def stream(self, name: str) -> Random:
        """A stream of random numbers of its own for each purpose: changing one part of a case leaves the rest alone."""
        return np.random.default_rng([zlib.crc32(self.family.encode()), self.seed, zlib.crc32(name.encode())])

    @property
    def end(self) -> float:
        """The end of the window, seconds since the epoch."""
        return self.start + self.hours * 3600.0

    @property
    def minutes(self) -> Floats:
        """The minutes of the window, seconds since the epoch."""
        return np.asarray(self.start + 60.0 * np.arange(round(self.hours * 60)), dtype=np.float64)

    def at(self, hour: float) -> float:
        """Seconds since the epoch of an hour of the window."""
        return self.start + hour * 3600.0

    def service(self, role: str) -> Service:
        """The service of a role."""
        return next(one for one in self.services if one.role == role)

    def route(self, key: str) -> Route:
        """The route of a key."""
        return next(one for one in self.routes if one.key == key)

    def change_service(self, role: str, **changes: object) -> Service:
        """Replace fields of a service; gives the new one."""
        old = self.service(role)
        new = replace(old, **changes)  # type: ignore[arg-type]
        self.services[self.services.index(old)] = new
        return new

    def change_route(self, key: str, **changes: object) -> Route:
        """Replace fields of a route; gives the new one."""
        old = self.route(key)
        new = replace(old, **changes)  # type: ignore[arg-type]
        self.routes[self.routes.index(old)] = new
        return new
