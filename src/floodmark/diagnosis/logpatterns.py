"""Patterns in the logs, each with how it must be read: churn is not a leak, a slow neighbour's timeouts are not guilt.

`PATTERNS` has one finder a pattern; each returns what it met with first and last time, count and examples with file and
line. The names are stable; docs/incident.md has a heading for each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from floodmark.diagnosis import logconnections, logtraffic
from floodmark.diagnosis.incident import LogPattern, Time
from floodmark.diagnosis.logquotes import event_quotes, sources_of, tally_quotes
from floodmark.diagnosis.signals import HOUR, RESTART_KINDS, summed, tallies
from floodmark.diagnosis.wording import counted, listed, span
from floodmark.evidence.nouns import Event, Evidence, Tally

CASCADE_ROUTES = 2
"""Routes that time out within a minute before it is a cascade."""

CASCADE_QUIET_SECONDS = 600.0
"""Timeouts further apart are two cascades."""

AFTER_TIMEOUT_SECONDS = 5.0
"""gunicorn kills a worker one second after its own timeout: a SIGKILL this soon after one was not the kernel's."""

HEARTBEAT_GAP_FACTOR = 5.0
HEARTBEAT_GAP_SECONDS = 120.0
"""A heartbeat is missed where it is absent for that many times its usual distance, and at least that long."""

HEARTBEAT_IRREGULAR = 0.02
"""Share of gaps above which it is no beat: something that comes when it has work cannot be missed."""

ENOUGH_BEATS = 10
"""Bins with a beat in them, below which nothing is usual."""

STARTS = ("start", "stop", "restart", "deploy", "oom-kill", "evicted")

LOOP_RESTARTS = 3
"""Restarts of one service within an hour, above which it is in a loop."""

MAX_EPISODES = 20
"""Of one pattern and service; what is beyond is counted in the last."""


def find(evidence: Evidence) -> tuple[LogPattern, ...]:
    """Every pattern in the evidence, in the order of their first time."""
    found = [pattern for finder in PATTERNS for pattern in finder(evidence)]
    return tuple(sorted(found, key=lambda one: (one.start.seconds, one.name, one.service or "")))


def timeout_cascades(evidence: Evidence) -> Iterator[LogPattern]:
    """`timeout-cascade`: several routes of an upstream time out within a minute; `upstream-timeouts`: one does."""
    by_service: dict[str | None, list[Tally]] = defaultdict(list)
    for one in tallies(evidence, "upstream-timeout"):
        if len(one.bin):
            by_service[one.service].append(one)
    for service, ones in sorted(by_service.items(), key=lambda item: item[0] or ""):
        stretches = _stretches(ones, evidence.bin_seconds)
        cascades = [one for one in stretches if _routes_at_once(ones, *one) >= CASCADE_ROUTES]
        for bins in _limited(cascades):
            yield _timeouts("timeout-cascade", service, ones, [bins], evidence.bin_seconds)
        if rest := [one for one in stretches if one not in cascades]:
            yield _timeouts("upstream-timeouts", service, ones, rest, evidence.bin_seconds)


def _stretches(ones: list[Tally], bin_seconds: float) -> list[tuple[int, int]]:
    """[first, last] bins of timeouts that follow one another closely."""
    bins, _ = summed((one.bin, one.count) for one in ones)
    cuts = np.flatnonzero(np.diff(bins) * bin_seconds > CASCADE_QUIET_SECONDS) + 1
    return [(int(part[0]), int(part[-1])) for part in np.split(bins, cuts)]


def _limited(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    if len(stretches) <= MAX_EPISODES:
        return stretches
    return [*stretches[: MAX_EPISODES - 1], (stretches[MAX_EPISODES - 1][0], stretches[-1][1])]


def _timeouts(
    name: str, service: str | None, ones: list[Tally], stretches: list[tuple[int, int]], bin_seconds: float
) -> LogPattern:
    start, end = stretches[0][0] * bin_seconds, (stretches[-1][1] + 1) * bin_seconds
    counts: dict[str, float] = defaultdict(float)
    for one in ones:
        counts[one.name or "(no route)"] += _within(one, stretches)
    routes = [route for route, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count]
    count = round(sum(counts.values()))
    where = f"{counted(count, 'request')} to {counted(len(routes), 'route')} timed out at the proxy"
    how = (
        "Requests that queue behind a slow one time out as its victims; the first in time is not the cause by that."
        if name == "timeout-cascade"
        else "The worker was busy; that says nothing about memory by itself."
    )
    quotes = tally_quotes(ones, start, end)
    return LogPattern(
        name,
        service,
        Time(start),
        Time(end),
        count,
        quotes,
        sources_of(ones),
        f"{where} within {span(end - start)}: {listed(routes)}. {how}",
    )


def _within(one: Tally, stretches: list[tuple[int, int]]) -> float:
    return sum(float(one.count[(one.bin >= first) & (one.bin <= last)].sum()) for first, last in stretches)


def _routes_at_once(ones: list[Tally], first: int, last: int) -> int:
    """The most routes that timed out in one bin."""
    bins = np.concatenate([one.bin[(one.bin >= first) & (one.bin <= last)] for one in ones])
    return int(np.unique(bins, return_counts=True)[1].max()) if len(bins) else 0


def heartbeat_gaps(evidence: Evidence) -> Iterator[LogPattern]:
    """`heartbeat-gap`: a heartbeat that came regularly stayed away while the log went on."""
    for one in tallies(evidence, "heartbeat"):
        if len(one.bin) < ENOUGH_BEATS:
            continue
        apart = np.diff(one.bin) * evidence.bin_seconds
        long = np.flatnonzero(apart > max(HEARTBEAT_GAP_FACTOR * float(np.median(apart)), HEARTBEAT_GAP_SECONDS))
        if len(long) > HEARTBEAT_IRREGULAR * len(apart):
            continue
        missed = np.array([i for i in long.tolist() if not _begun_anew(evidence, one, i)], np.int64)
        if not len(missed):
            continue
        starts, ends = one.bin[missed] * evidence.bin_seconds, one.bin[missed + 1] * evidence.bin_seconds
        yield LogPattern(
            "heartbeat-gap", one.service, Time(float(starts[0])), Time(float(ends[-1])), len(missed),
            tally_quotes([one], float(starts[0]), float(ends[-1])), sources_of([one]),
            f"{counted(len(missed), 'gap')} in a heartbeat that comes every {span(float(np.median(apart)))}, the "
            f"longest of {span(float(apart[missed].max()))}. The processor or the interpreter lock was held, or the "
            "key was evicted: not a leak by itself.",
        )  # fmt: skip


def _begun_anew(evidence: Evidence, one: Tally, gap: int) -> bool:
    """True where the service was started in the gap: then nobody was there to beat."""
    start, end = float(one.bin[gap]) * evidence.bin_seconds, float(one.bin[gap + 1] + 1) * evidence.bin_seconds
    return any(
        event.kind in STARTS and event.service == one.service and start <= event.at <= end for event in evidence.events
    )


EVENT_PATTERNS: tuple[tuple[str, str, str], ...] = (
    ("reincarnated", "reincarnated-workers",
     "{count} of task workers begun again after a timeout or death; tasks they had not saved run again."),
    ("worker-timeout", "worker-timeouts",
     "{count} of workers silent for longer than gunicorn waits: blocked or overloaded, not out of memory by that."),
    ("oom-kill", "oom-kills",
     "{count} for memory, as the kernel, the cgroup or Kubernetes says."),
    ("evicted", "evictions",
     "{count}: the node ran short and the pod was put off it."),
    ("deploy", "deploys",
     "{count}: what changed is the first thing to ask where something begins soon after."),
    ("request-lost", "lost-requests",
     "{count} of requests in flight when their worker was killed: the best witness of what it was doing."),
)  # fmt: skip
"""(kind of event, name of the pattern, how to read it)."""

NOUNS = {
    "reincarnated": "time", "worker-timeout": "time", "oom-kill": "kill", "evicted": "eviction", "deploy": "deploy",
    "request-lost": "line",
}  # fmt: skip


def event_patterns(evidence: Evidence) -> Iterator[LogPattern]:
    """The patterns that are a kind of event, by service."""
    for kind, name, text in EVENT_PATTERNS:
        for service, ones in _events(evidence, kind):
            yield _of_events(name, service, ones, text.format(count=counted(_count(ones), NOUNS[kind])))


def killed_workers(evidence: Evidence) -> Iterator[LogPattern]:
    """`workers-killed`: a worker ended by SIGKILL, told apart by whether gunicorn's own timeout came just before."""
    timeouts = defaultdict(list)
    for one in evidence.events:
        if one.kind == "worker-timeout":
            timeouts[one.service].append(one.at)
    for service, ones in _events(evidence, "worker-killed"):
        explained = sum(one.count for one in ones if any(0 <= one.at - at <= AFTER_TIMEOUT_SECONDS
                                                         for at in timeouts[service]))  # fmt: skip
        rest = _count(ones) - explained
        why = (
            f"{explained} of them within seconds of gunicorn's own timeout: gunicorn killed them. " if explained else ""
        ) + ("For the rest the log does not say who did." if rest and explained else
             "The log does not say who did." if rest else "")  # fmt: skip
        text = f'{counted(_count(ones), "worker")} ended by a signal. {why} "Perhaps out of memory?" is no evidence.'
        yield _of_events("workers-killed", service, ones, " ".join(text.split()))


def restart_loops(evidence: Evidence) -> Iterator[LogPattern]:
    """`restart-loop`: more than three restarts of one service within an hour."""
    found: dict[str, list[Event]] = defaultdict(list)
    for one in evidence.events:
        if one.kind in RESTART_KINDS and one.service:
            found[one.service].append(one)
    for service, ones in sorted(found.items()):
        at = np.array([one.at for one in ones for _ in range(min(one.count, 1000))])
        at.sort()
        most = int((np.arange(1, len(at) + 1) - np.searchsorted(at, at - HOUR, side="right")).max())
        if most > LOOP_RESTARTS:
            yield _of_events(
                "restart-loop", service, ones,
                f"{counted(len(at), 'restart')}, up to {most} within an hour: each life is too short to measure "
                "growth in, and what memory it had is gone.",
            )  # fmt: skip


def _events(evidence: Evidence, kind: str) -> list[tuple[str | None, list[Event]]]:
    found: dict[str | None, list[Event]] = defaultdict(list)
    for one in evidence.events:
        if one.kind == kind:
            found[one.service].append(one)
    return sorted(found.items(), key=lambda item: item[0] or "")


def _count(ones: Iterable[Event]) -> int:
    return sum(one.count for one in ones)


def _of_events(name: str, service: str | None, ones: list[Event], text: str) -> LogPattern:
    ones = sorted(ones, key=lambda one: one.at)
    sources = tuple(dict.fromkeys(one.place.source for one in ones))
    return LogPattern(
        name, service, Time(ones[0].at), Time(ones[-1].at), _count(ones), event_quotes(ones), sources, text
    )


PATTERNS: tuple[Callable[[Evidence], Iterable[LogPattern]], ...] = (
    logtraffic.bulk_loads, timeout_cascades, logconnections.connection_patterns, logtraffic.volume_anomalies,
    logtraffic.traffic_surges, heartbeat_gaps, event_patterns, killed_workers, restart_loops,
)  # fmt: skip
