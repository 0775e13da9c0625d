"""What users and operators felt, as figures with how each was counted. Unknown where no log says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from floodmark.diagnosis.incident import Figure, Service
from floodmark.diagnosis.signals import (
    FAILED_STATUS,
    OVER_TEN,
    OVER_THIRTY,
    RESTART_KINDS,
    endpoints,
    mean_seconds,
    requests,
    tallies,
    total,
)
from floodmark.diagnosis.wording import figure, listed, per_cent, span
from floodmark.evidence.nouns import Evidence

WORKER_KINDS = ("worker-timeout", "worker-killed", "request-lost", "oom-kill")


def felt(evidence: Evidence, services: Sequence[Service]) -> tuple[Figure, ...]:
    """The rows of the impact, what users felt first."""
    return (*_users(evidence), *_operators(evidence, services))


def _users(evidence: Evidence) -> Iterator[Figure]:
    asked = _asked(evidence)
    if not asked:
        yield Figure("Requests", None, "", "No log of requests is in the evidence: what users felt is not known.")
        return
    statuses = [(kind.removeprefix("status-"), total(tallies(evidence, kind))) for kind in FAILED_STATUS]
    # The log counts each answer once; doses are kept only for what reached a service.
    failed = sum(count for _, count in statuses) or sum(float(one.failed.sum()) for one in endpoints(evidence))
    detail = listed([f"{figure(count)} answered {status}" for status, count in statuses if count])
    source = next((one.place.source for one in endpoints(evidence)), None)
    yield Figure("Requests", asked, "", "In the window; probes and scrapes are left out.", source)
    yield Figure(
        "Failed requests", failed, "",
        f"{per_cent(failed / asked)} of all: given up, refused or timed out{'; ' + detail if detail else ''}.", source,
    )  # fmt: skip
    yield from _slow(evidence, asked, source)


def _asked(evidence: Evidence) -> float:
    """Requests answered or begun, whichever is more, probes and scrapes left out."""
    probes = sum(float(one.starts.sum()) for one in evidence.doses if one.kind == "endpoint" and one.monitoring)
    return max(total(tallies(evidence, "request")) - probes, float(requests(evidence)[1].sum()))


def _slow(evidence: Evidence, asked: float, source: str | None) -> Iterator[Figure]:
    timed = [one for one in endpoints(evidence) if np.isfinite(one.seconds).any()]
    if not timed:
        yield Figure("Slow requests", None, "", "The log has no durations.")
        return
    ten, thirty = (total(tallies(evidence, kind)) for kind in (OVER_TEN, OVER_THIRTY))
    yield Figure(
        "Requests over 10 s", ten, "", f"{per_cent(ten / asked)} of all; {figure(thirty)} took more than 30 s.", source
    )
    slowest = max(timed, key=lambda one: (float(mean_seconds(one).max()), one.name))
    yield Figure(
        "Slowest route", float(mean_seconds(slowest).max()), "s",
        f"{slowest.name}: the mean of its worst {span(evidence.bin_seconds)}. Slow is not guilty: see the causes.",
        slowest.place.source,
    )  # fmt: skip


def _operators(evidence: Evidence, services: Sequence[Service]) -> Iterator[Figure]:
    yield _restarts(evidence, services)
    counts = {kind: sum(one.count for one in evidence.events if one.kind == kind) for kind in WORKER_KINDS}
    if any(counts.values()):
        yield Figure(
            "Workers lost", float(counts["worker-timeout"] + counts["worker-killed"] + counts["oom-kill"]), "",
            f"{counts['worker-timeout']} timed out, {counts['worker-killed']} ended by a signal, {counts['oom-kill']} "
            f"killed for memory; {counts['request-lost']} requests are known to have been lost with them.",
        )  # fmt: skip
    leaking = [one for one in services if one.verdict == "leak" and one.growth and one.growth.mb_per_hour is not None]
    if leaking:
        yield Figure("Memory that did not come back", sum(_mb(one) for one in leaking), "MB", _leaked_text(leaking))


def _restarts(evidence: Evidence, services: Sequence[Service]) -> Figure:
    restarts = sorted(((one.restarts, one.service) for one in services if one.restarts), reverse=True)
    if restarts:
        source = next((one.place.source for one in evidence.events if one.kind in RESTART_KINDS), None)
        text = listed([f"{service} {count}" for count, service in restarts]) + "."
        return Figure("Restarts", float(sum(count for count, _ in restarts)), "", text, source)
    if any(one.restarts is not None for one in services):
        return Figure("Restarts", 0.0, "", "None was met.", None)
    return Figure("Restarts", None, "", "The evidence does not say.", None)


def _leaked_text(leaking: Sequence[Service]) -> str:
    parts = listed([f"{one.service} {figure(_mb(one))} MB" for one in leaking])
    return f"Growth times its length, restarts in between left out of account: {parts}."


def _mb(service: Service) -> float:
    growth = service.growth
    if growth is None or growth.mb_per_hour is None:
        return 0.0
    return growth.mb_per_hour * (growth.end.seconds - growth.start.seconds) / 3600
