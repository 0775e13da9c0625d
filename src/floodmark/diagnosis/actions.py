"""What to do, each action with the verdict, pattern or gap that justifies it. Nothing follows from a guess.

A restart needs a leak; limiting a route needs a culprit that is nearly certain; where something is not known the action
is to get the evidence that would decide. Evidence is taken before a restart, as a restart destroys it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from floodmark.diagnosis.incident import Action, Cause, LogPattern, MetricProblem, Service, Urgency
from floodmark.diagnosis.wording import counted, figure, listed, per_cent
from floodmark.evidence.nouns import Evidence

CERTAIN = 0.8
"""Confidence from which on a culprit may be limited."""

SOON_HOURS = 12.0
"""A limit this near is reason enough for a restart below critical growth."""

URGENCIES = ("immediate", "short-term", "prevention")

BEFORE_RESTART = "For each worker keep /proc/PID/smaps_rollup, a census of its objects and its last requests."
REPLAY = (
    "On one worker without other traffic, replay N requests of it and then 2N, and measure memory after each. A leak "
    "grows in both windows; a high-water mark grows in the first only."
)
RECYCLE = (
    "gunicorn: max_requests with max_requests_jitter, so that the workers do not all restart together. It bounds the "
    "growth and does not mend it."
)


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What actions may follow from."""

    services: Sequence[Service]
    causes: Sequence[Cause]
    problems: Sequence[MetricProblem]
    patterns: Sequence[LogPattern]
    evidence: Evidence


def recommend(findings: Findings) -> tuple[Action, ...]:
    """Every justified action once, the urgent ones first."""
    found = [*_for_services(findings), *_for_causes(findings), *_for_patterns(findings.patterns), *_for_gaps(findings)]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: URGENCIES.index(one.urgency)))


def _for_services(findings: Findings) -> Iterator[Action]:
    for service in findings.services:
        if service.verdict == "leak":
            yield from _for_leak(service)
        elif service.verdict == "unknown":
            yield from _for_unknown(service)
        elif service.pattern == "process-count":
            yield Action(
                "bound the processes",
                service.service,
                "short-term",
                "Their number grew, not their size.",
                "Find what starts them and cap their number.",
            )
        elif service.pattern == "sawtooth":
            yield Action(
                "keep recycling",
                service.service,
                "prevention",
                "Recycling takes the growth inside each life back.",
                RECYCLE,
            )


def _for_leak(service: Service) -> Iterator[Action]:
    name = service.service
    rate = service.growth.mb_per_hour if service.growth else None
    grows = "It leaks" if rate is None else f"It leaks {figure(rate)} MB/h"
    if service.end is None:
        yield from _while_it_leaks(service, grows)
    yield Action("recycle workers", name, "prevention", f"{grows}; recycling bounds what one worker can hold.", RECYCLE)
    if service.limit_mb is None:
        yield Action(
            "set a memory limit",
            name,
            "prevention",
            "No limit is in the evidence: without one the node runs short and the kernel chooses whom to kill.",
        )


def _while_it_leaks(service: Service, grows: str) -> Iterator[Action]:
    """Evidence before any restart, which destroys it; the restart now or planned, as it is near its limit."""
    name, near = service.service, service.hours_to_limit is not None and service.hours_to_limit <= SOON_HOURS
    until = f" and reaches its limit in about {figure(service.hours_to_limit)} h" if service.hours_to_limit else ""
    urgent = service.severity in ("critical", "emergency") or near
    reason = f"{grows}{until}. It can be seen while it leaks; a restart destroys what could explain it."
    when: Urgency = "immediate" if urgent or service.severity == "warning" else "short-term"
    yield Action("take evidence", name, when, reason, BEFORE_RESTART)
    if urgent:
        reason = f"{grows}{until}. A restart gives the memory back for a while; it is not the repair."
        yield Action("restart", name, "immediate", reason, "After the evidence is taken, one replica at a time.")
    else:
        yield Action("plan a restart", name, "short-term", f"{grows}{until}; it is not near a limit that is known.")


def _for_unknown(service: Service) -> Iterator[Action]:
    if service.pattern == "restart-loop":
        yield Action(
            "find what ends it",
            service.service,
            "immediate",
            "It restarts in a loop; the evidence does not say why.",
            "kubectl describe pod: last state, reason, exit code; kubectl logs --previous; the kernel's log for "
            "out-of-memory kills; liveness probes and their timeouts.",
        )
    yield Action(
        "get evidence",
        service.service,
        "short-term",
        f"No verdict: {service.reason}",
        "Resident memory of each process with its pid, every minute, over at least six hours without a restart, "
        "and the requests and tasks of that time.",
    )


def _for_causes(findings: Findings) -> Iterator[Action]:
    leaking = {one.service: one for one in findings.services if one.verdict == "leak"}
    culprits = [one for one in findings.causes if one.role == "culprit" and one.kind != "unknown"]
    for cause in culprits:
        yield from _by_kind(cause)
        if _to_be_limited(cause, leaking.get(cause.service)):
            yield Action(
                "limit the route",
                cause.service,
                "immediate",
                f"{cause.name} causes the growth (confidence {figure(round(cause.confidence, 2))}).",
                "Limit how many of its requests run at once and answer the others 503 with Retry-After; do not "
                "limit other routes.",
            )
    for name in sorted(set(leaking) - {one.service for one in culprits}):
        yield Action(
            "get evidence",
            name,
            "short-term",
            "It leaks and the evidence names no cause.",
            "Requests and tasks of each replica with start, duration and pid, memory of each process every "
            "minute, and two censuses of objects an hour apart.",
        )


def _to_be_limited(cause: Cause, leaking: Service | None) -> bool:
    """A route, and no other, that is certain to cause a grave leak which goes on: to limit an innocent one costs users."""
    if leaking is None or leaking.end is not None or leaking.severity not in ("critical", "emergency"):
        return False
    return cause.kind == "endpoint" and cause.confidence >= CERTAIN and not cause.inseparable_from


def _by_kind(cause: Cause) -> Iterator[Action]:
    service, share = cause.service, "" if cause.share is None else f", {per_cent(cause.share)} of the growth"
    if cause.inseparable_from:
        yield Action(
            "tell them apart",
            service,
            "short-term",
            f"{cause.name} and {listed(list(cause.inseparable_from))} came together and cannot be told apart.",
            REPLAY,
        )
    elif cause.kind in ("endpoint", "task"):
        each = "" if cause.mb_per_event is None else f" keeps {figure(cause.mb_per_event.value)} MB each time"
        yield Action("mend", service, "short-term", f"{cause.name}{each or ' causes it'}{share}.", REPLAY)
    elif cause.kind in REMEDIES:
        what, how = REMEDIES[cause.kind]
        yield Action(what, service, "short-term", f"{cause.name or cause.kind}{share}.", how)
    for rival in cause.rivals[:2]:
        if rival.would_decide and cause.confidence < CERTAIN:
            yield Action("rule out", service, "short-term", f"{rival.name}: {rival.against}", rival.would_decide)


REMEDIES = {
    "connections": ("close connections", "Find which code opens them and does not close them; bound the pool."),
    "processes": ("bound the processes", "Find what starts them and cap their number."),
    "monitoring": ("turn the monitoring down", "Switch the memory instrumentation off, or sample one request in a "
                   "thousand, and compare the growth."),
    "cache": ("bound the cache", "Give it a size in bytes or entries; it grows until then and stops."),
    "fragmentation": ("return memory to the system", "Try malloc_trim or MALLOC_ARENA_MAX=2 on one worker and compare; "
                      "the objects are free, the allocator holds the pages."),
    "native": ("trace native memory", "Run one worker under memray with native traces: Python's objects do not grow."),
    "traffic": ("size for the traffic", "Memory follows the requests in flight: bound how many run at once, or give "
                "room for them."),
    "page-cache": ("watch the right figure", "Alert on working set or RSS: page cache is given back when needed."),
    "database": ("look at the database", "Slow statements hold requests, and requests hold memory."),
}  # fmt: skip
"""Kind of a cause -> (action, how)."""


def _for_patterns(patterns: Iterable[LogPattern]) -> Iterator[Action]:
    met = {one.name: one for one in reversed(list(patterns))}
    if one := met.get("connection-leak"):
        yield Action(
            "close connections",
            one.service,
            "short-term",
            one.text,
            "Find which code opens them and does not close them; bound the pool.",
        )
    if one := met.get("connection-flooding"):
        yield Action(
            "keep connections open",
            one.service,
            "prevention",
            "Connections are opened and closed for each request: churn, not a leak.",
            "Django: CONN_MAX_AGE above 0, or a pool; the number of workers bounds the connections.",
        )
    if one := met.get("bulk-load"):
        yield Action(
            "serve bulk clients from files",
            one.service,
            "prevention",
            "A client fetched everything in one sweep, as harvesters do.",
            "Build exports beforehand and bound how many run at once; a short Retry-After is obeyed.",
        )


def _for_gaps(findings: Findings) -> Iterator[Action]:
    panels = list(dict.fromkeys(one.metric for one in findings.problems if one.problem in MISREAD))
    if panels:
        yield Action(
            "mend the dashboard",
            None,
            "prevention",
            f"{counted(len(panels), 'metric')} cannot be read as {'it is' if len(panels) == 1 else 'they are'} "
            f"labelled: {listed(panels)}.",
            "Memory: resident size of each process or the working set of each container; growth: deriv() over "
            "at least three hours, never rate() or increase().",
        )
    if not any(one.measure in ("pss", "rss", "working_set", "usage") for one in findings.evidence.series):
        yield Action(
            "record memory",
            None,
            "prevention",
            "No memory of any service is in the evidence.",
            "Resident memory of each process with its pid, every minute.",
        )
    if not findings.evidence.doses:
        yield Action(
            "keep request logs",
            None,
            "prevention",
            "Without a log of requests and tasks no cause can be told from another.",
            "nginx: log_format with $request_time and $upstream_addr; kept as long as the metrics.",
        )


MISREAD = (
    "event-count-read-as-rate",
    "gauge-under-rate",
    "wrong-time-unit",
    "labels-summed",
    "process-mixture",
    "processes-counted-over-time",
    "self-counting-counter",
    "columns-are-copies",
)
"""Problems of a panel that its owner can mend."""
