"""The incident in words: a headline, a few sentences for a reader with one minute, and what nobody knows yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from floodmark.diagnosis.incident import Cause, Figure, LogPattern, MetricProblem, Service, Summary
from floodmark.diagnosis.wording import counted, figure, listed, moment, per_cent, span
from floodmark.evidence.nouns import Evidence

MAX_OPEN = 12
"""Open questions that are listed one by one."""

REJECTED_SHARE = 0.01
"""A source of which more lines than this could not be read leaves a question open."""

GRAVE = ("traffic-surge", "timeout-cascade", "connection-leak", "oom-kills")
"""Patterns in logs that belong into the summary."""

OBJECT_SAMPLES = 3
OBJECTS_FLAT = 0.05
"""Counts of objects that rose by less than this share from the first third of their samples to the last are flat."""

WHOLE = 0.75
"""Share of the growth that is explained from which on nobody asks for the rest."""

MEMORY = ("pss", "rss", "working_set", "usage")


def summarise(
    evidence: Evidence,
    services: Sequence[Service],
    causes: Sequence[Cause],
    problems: Sequence[MetricProblem],
    impact: Sequence[Figure],
    patterns: Sequence[LogPattern] = (),
) -> Summary:
    """What the report says first, and what it says it does not know."""
    sentences = [
        *_verdicts(services), *_causes(services, causes), *_objects(evidence), *_felt(impact), *_grave(patterns),
        *_refused(problems),
    ]  # fmt: skip
    questions = list(dict.fromkeys(_open(evidence, services, causes)))
    if len(questions) > MAX_OPEN:
        questions = [*questions[: MAX_OPEN - 1], f"{len(questions) - MAX_OPEN + 1} more: see the services and sources."]
    return Summary(_headline(evidence, services), tuple(sentences), tuple(questions))


def _headline(evidence: Evidence, services: Sequence[Service]) -> str:
    if not any((evidence.series, evidence.doses, evidence.events, evidence.tallies)):
        return "Nothing in the evidence could be used"
    leaking = [f"{one.service}{_rate(one)}" for one in _with(services, "leak")]
    if leaking:
        return f"{listed(leaking, 3)} {'leaks' if len(leaking) == 1 else 'leak'} memory"
    if all(one.measure is None and one.pattern == "unknown" for one in services):
        return "No verdict on memory: the evidence has no memory that could be used"
    if all(one.verdict == "unknown" for one in services):
        return "No verdict: the evidence does not say whether memory leaks"
    return _quiet(services)


def _quiet(services: Sequence[Service]) -> str:
    """The headline where no service leaks and at least one is cleared."""
    open_ones = _with(services, "unknown")
    rest = f", no verdict on {listed([one.service for one in open_ones], 3)}" if open_ones else ""
    quiet = f"o leak found in {counted(len(services) - len(open_ones), 'service')}{rest}"
    loops = [one.service for one in services if one.pattern == "restart-loop"]
    return f"{listed(loops, 3)} in a restart loop; n{quiet}" if loops else f"N{quiet}"


def _rate(service: Service) -> str:
    rate = service.growth.mb_per_hour if service.growth else None
    return "" if rate is None else f" ({figure(rate)} MB/h)"


def _with(services: Iterable[Service], verdict: str) -> list[Service]:
    """Services with that verdict, the fastest growth first."""
    found = [one for one in services if one.verdict == verdict]
    return sorted(found, key=lambda one: -((one.growth.mb_per_hour or 0.0) if one.growth else 0.0))


def _verdicts(services: Sequence[Service]) -> Iterator[str]:
    for one in _with(services, "leak"):
        yield f"{one.service} leaks{_since(one)}{_limit(one)}."
    for one in services:
        if one.pattern == "restart-loop" and one.restarts:
            yield f"{one.service} restarts in a loop: {counted(one.restarts, 'restart')} in the window."
    quiet = _with(services, "no-leak")
    moving = [one for one in quiet if one.pattern not in ("steady", "unknown")]
    if moving:
        shapes = listed([f"{one.service} ({one.pattern})" for one in moving])
        yield f"Memory moved without a leak in {shapes}."
    if len(quiet) > len(moving):
        yield f"{counted(len(quiet) - len(moving), 'other service' if moving else 'service')} did not grow."


def _since(service: Service) -> str:
    growth = service.growth
    since = f" since {moment(service.onset.seconds)}" if service.onset else ""
    until = f" until {moment(service.end.seconds)}" if service.end else ""
    if growth is None or growth.mb_per_hour is None:
        return since + until
    rate = f"{since}{until}, {figure(growth.mb_per_hour)} MB/h"
    if growth.low is None or growth.high is None:
        return rate
    return f"{rate} (90% interval {figure(growth.low)} to {figure(growth.high)})"


def _limit(service: Service) -> str:
    if service.hours_to_limit is None or service.limit_mb is None:
        return ""
    return (
        f"; at this rate it reaches its limit of {figure(service.limit_mb)} MB in {span(service.hours_to_limit * 3600)}"
    )


def _causes(services: Sequence[Service], causes: Sequence[Cause]) -> Iterator[str]:
    for service in _with(services, "leak"):
        named = [one for one in causes if one.service == service.service and one.role == "culprit"]
        known = [one for one in named if one.kind != "unknown"]
        if not known:
            yield f"What makes {service.service} grow is not known; the evidence singles out no cause."
        elif any(one.inseparable_from for one in known):
            yield (f"In {service.service} the growth comes with {listed([one.name for one in known])}, which came "
                   "together and cannot be told apart.")  # fmt: skip
        else:
            yield from (_cause(one) for one in known)


def _cause(cause: Cause) -> str:
    share = "the growth" if cause.share is None else f"{per_cent(cause.share)} of the growth"
    each = "" if cause.mb_per_event is None else f", {figure(cause.mb_per_event.value)} MB each time"
    verb = "causes" if cause.confidence >= 0.8 else "probably causes"
    sure = f"(confidence {figure(cause.confidence)})"
    return f"{cause.name or cause.kind} {verb} {share} of {cause.service}{each} {sure}."


def _objects(evidence: Evidence) -> Iterator[str]:
    """Whether the counts of Python objects rose: where memory grows and they do not, Python did not keep it."""
    for service in sorted({one.service for one in evidence.series if one.measure == "objects"}):
        counts = [one for one in evidence.series if one.service == service and one.measure == "objects"]
        counts = [one for one in counts if len(one.value) >= OBJECT_SAMPLES]
        if not counts:
            continue
        third = max(min(len(one.value) for one in counts) // 3, 1)
        rises = [float(np.median(one.value[-third:]) / max(np.median(one.value[:third]), 1.0)) - 1 for one in counts]
        most = counts[int(np.argmax([float(np.median(one.value)) for one in counts]))].value
        between = f"the largest count lies between {figure(float(most.min()))} and {figure(float(most.max()))}"
        if max(rises) <= OBJECTS_FLAT:
            yield f"The Python objects of {service} did not grow: {between}."


def _felt(impact: Sequence[Figure]) -> Iterator[str]:
    found = {one.name: one for one in impact}
    failed, asked = found.get("Failed requests"), found.get("Requests")
    if failed and asked and failed.value is not None and asked.value:
        share = per_cent(failed.value / asked.value)
        yield f"{figure(failed.value)} of {figure(asked.value)} requests failed ({share})."
    restarts = found.get("Restarts")
    if restarts and restarts.value:
        yield f"Containers restarted {counted(restarts.value, 'time')}: {restarts.text}"


def _grave(patterns: Sequence[LogPattern]) -> Iterator[str]:
    """The first sentence of the largest pattern of each kind that a reader with one minute must know."""
    for name in GRAVE:
        if ones := [one for one in patterns if one.name == name]:
            worst = max(ones, key=lambda one: one.count)
            of = f" of {worst.service}" if worst.service else ""
            said = worst.text.split(". ")[0].rstrip(".")
            yield f"{name.replace('-', ' ').capitalize()}{of} from {moment(worst.start.seconds)}: {said}."


def _refused(problems: Sequence[MetricProblem]) -> Iterator[str]:
    metrics = list(dict.fromkeys(one.metric for one in problems))
    if metrics:
        yield f"{counted(len(metrics), 'metric')} could not be taken at face value; the report says which and why."


def _open(evidence: Evidence, services: Sequence[Service], causes: Sequence[Cause]) -> Iterator[str]:
    for one in _with(services, "unknown"):
        yield f"Whether {one.service} leaks. {one.reason}"
    if not any(one.measure in MEMORY for one in evidence.series):
        yield "How memory grew: no memory of any service is in the evidence."
    elif not services:
        yield "How memory grew: no series of memory could be used; see the refused figures."
    yield from _open_causes(evidence, services, causes)
    unlimited = [one.service for one in _with(services, "leak") if one.limit_mb is None]
    if unlimited:
        yield f"When {listed(unlimited)} would run out of memory: no limit is in the evidence."
    yield from _open_sources(evidence)


def _open_causes(evidence: Evidence, services: Sequence[Service], causes: Sequence[Cause]) -> Iterator[str]:
    if not evidence.doses:
        yield "What caused growth, and what users felt: no log of requests or tasks is in the evidence."
    for service in _with(services, "leak"):
        named = [one for one in causes if one.service == service.service and one.role == "culprit"]
        if all(one.kind == "unknown" for one in named) and evidence.doses:
            yield f"What makes {service.service} grow."
        yield from _open_shares(service, named)


def _open_shares(service: Service, named: Sequence[Cause]) -> Iterator[str]:
    """Which of several it is, or what the rest of the growth comes from."""
    names = listed([one.name for one in named])
    explained = [one.share for one in named if one.share is not None]
    if any(one.inseparable_from for one in named):
        yield f"Which of {names} it is: they came together."
    elif explained and sum(explained) < WHOLE:
        rest = f"What the rest of the growth of {service.service} comes from"
        yield f"{rest}: {names} {'explains' if len(named) == 1 else 'explain'} {per_cent(sum(explained))}."


def _open_sources(evidence: Evidence) -> Iterator[str]:
    assumed = [one.path for one in evidence.sources if one.clock and one.clock.basis == "assumed" and one.records]
    if assumed:
        yield f"Whether the times of {listed(assumed, 3)} are right: the lines carry no zone and one was assumed."
    unread = [one.path for one in evidence.sources if one.kind in ("unknown", "unreadable")]
    if unread:
        yield f"What {listed(unread, 3)} would say: it could not be read."
    for one in evidence.sources:
        if one.rejected > REJECTED_SHARE * max(one.records + one.rejected, 1):
            yield f"What {counted(one.rejected, 'line')} of {one.path} say: they could not be read."
