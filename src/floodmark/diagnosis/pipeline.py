"""From evidence to an incident: the stages in their order. Read this first.

    evidence -> audit -> judge -> attribute -> patterns, alerts, targets -> timeline, actions, summary -> incident

Audit before growth, growth before verdict, verdict before cause; each stage may refuse with a reason, and none looks
back. Nothing here reads a file, a clock or a random number that is not seeded: equal evidence gives an equal incident.
The live watch calls the same `diagnose` on a sliding window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from floodmark.diagnosis import actions, alerts, impact, logpatterns, method, summary, targets, timeline
from floodmark.diagnosis.audit import Audit, audit
from floodmark.diagnosis.cause import attribute
from floodmark.diagnosis.causewords import in_words
from floodmark.diagnosis.charts import dressed
from floodmark.diagnosis.growthclock import with_clocks_by_growth
from floodmark.diagnosis.growthsignals import growth_signals
from floodmark.diagnosis.incident import Incident, Service, Source, SourceClock, Time, Window
from floodmark.diagnosis.options import DEFAULT, Options
from floodmark.diagnosis.restarts import with_told_restarts
from floodmark.diagnosis.rules import RULES, Rule, Signal
from floodmark.diagnosis.services import Judged, judge
from floodmark.diagnosis.signals import connections_opened, iati_request_seconds, log_volumes, processes, restarts
from floodmark.evidence.nouns import Evidence, SourceHealth

MAX_SOURCES = 5
"""Files named for the memory of one service."""

VERDICTS = ("leak", "unknown", "no-leak")
SEVERITIES = ("none", "warning", "critical", "emergency")


def diagnose(evidence: Evidence, options: Options = DEFAULT, rules: tuple[Rule, ...] = RULES) -> Incident:
    """What happened in the window of `evidence`, how sure that is, what causes it, and what is not known."""
    evidence, audited = _on_one_clock(with_told_restarts(evidence), options)
    judged = judge(evidence, audited, options)
    causes = tuple(in_words(one) for one in attribute(evidence, judged, options))
    services = tuple(sorted((_with_sources(one) for one in judged), key=_worst_first))
    patterns = logpatterns.find(evidence)
    signals = watched(evidence, judged)
    fired = alerts.fire(signals, rules, evidence.window[1] if evidence.window else None)
    felt = impact.felt(evidence, services)
    told = timeline.build(services, evidence.events, patterns, fired, _starts(judged))
    window = Window(Time(evidence.window[0]), Time(evidence.window[1])) if evidence.window else None
    return Incident(
        window=window,
        sources=tuple(_source(one) for one in evidence.sources),
        services=tuple(dressed(one, window, told, fired) for one in services),
        causes=causes,
        metric_problems=audited.problems,
        patterns=patterns,
        alerts=fired,
        timeline=told,
        targets=targets.evaluate(targets.Given(evidence, services, fired, signals)),
        actions=actions.recommend(actions.Findings(services, causes, audited.problems, patterns, evidence)),
        summary=summary.summarise(evidence, services, causes, audited.problems, felt, patterns),
        impact=felt,
        method=method.told(options, rules),
    )


def _on_one_clock(evidence: Evidence, options: Options) -> tuple[Evidence, Audit]:
    """The evidence and its audit, anew where growth tells the clock of a log that states none."""
    audited = audit(evidence)
    # The audit first: growth of a figure that it refuses must not tell a clock.
    moved = with_clocks_by_growth(evidence, audited, options)
    return (evidence, audited) if moved is evidence else (moved, audit(moved))


def watched(evidence: Evidence, judged: Sequence[Judged]) -> tuple[Signal, ...]:
    """Every signal that a rule may fire on."""
    return (
        *growth_signals(evidence, judged), *iati_request_seconds(evidence), *log_volumes(evidence),
        *connections_opened(evidence), *restarts(evidence), *processes(evidence.series),
    )  # fmt: skip


def _with_sources(judged: Judged) -> Service:
    """The service with the files that its memory was read from."""
    lives = () if judged.view is None else judged.view.track.lives
    return replace(judged.service, sources=tuple(sorted({life.source for life in lives}))[:MAX_SOURCES])


def _worst_first(service: Service) -> tuple[int, int, float, str]:
    rate = service.growth.mb_per_hour if service.growth else None
    return VERDICTS.index(service.verdict), -SEVERITIES.index(service.severity), -(rate or 0.0), service.service


def _starts(judged: Sequence[Judged]) -> dict[str, tuple[float, ...]]:
    """When each service's container began anew, from events and from its memory."""
    return {one.service.service: one.scene.starts for one in judged}


def _source(health: SourceHealth) -> Source:
    clock = health.clock
    return Source(
        path=health.path, kind=health.kind, service=health.service, records=health.records, rejected=health.rejected,
        first=None if health.first is None else Time(health.first),
        last=None if health.last is None else Time(health.last),
        clock=None if clock is None else SourceClock(clock.zone, clock.basis, clock.offset_seconds),
        duplicates=health.duplicates, out_of_order=health.out_of_order, damaged=health.damaged, remark=health.remark,
        examples=tuple(asdict(one) for one in health.examples),
    )  # fmt: skip
