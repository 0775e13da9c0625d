"""What is true now: the open alerts of a diagnosed window, and the watch's own troubles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from floodmark.diagnosis.incident import Alert, Cause, Incident, Service, SeverityWord
from floodmark.diagnosis.rules import RULES
from floodmark.watch.alerting import Condition
from floodmark.watch.collect.base import Health
from floodmark.watch.remedy.guard import Finding

FAMILY = {rule.name: rule.signal for rule in RULES}

BLIND = "watch-blind"
"""The rule about the watch itself: it has no metric in the evidence, so it is not one of `diagnosis.rules`."""


def of_incident(incident: Incident) -> Iterator[Condition]:
    """The alerts that have not ended when the window ends."""
    for alert in incident.alerts:
        if alert.end is None:
            yield Condition(
                family=FAMILY.get(alert.rule, alert.rule),
                rule=alert.rule,
                service=alert.service,
                severity=alert.severity,
                since=alert.start.seconds,
                value=alert.value,
                unit=alert.unit,
                threshold=alert.threshold,
                text=_text(alert, incident),
            )


def of_collectors(healths: Iterable[Health], now: float, started: float, blind_seconds: float) -> Iterator[Condition]:
    """A collector that has brought nothing for `blind_seconds`: what it watches may burn unseen."""
    for health in healths:
        since = max(health.last_good_at or 0.0, started)
        severity: SeverityWord = "warning"
        if now - since >= blind_seconds:
            yield Condition(
                family=f"{BLIND} {health.name}", rule=BLIND, service=None, severity=severity, since=since,
                value=now - since, unit="s", threshold=blind_seconds,
                text=f"The watch sees nothing: {health.problem or health.name}.",
            )  # fmt: skip


def findings(incident: Incident, now: float, youngest: dict[str, float], numbers: dict[str, str]) -> Iterator[Finding]:
    """What acting needs to know of each service that has an open incident (`numbers`: service -> its id)."""
    for service in incident.services:
        if service.service in numbers:
            yield _finding(service, incident.causes, now, youngest.get(service.service), numbers[service.service])


def _finding(service: Service, causes: tuple[Cause, ...], now: float, youngest: float | None, number: str) -> Finding:
    culprits = [
        one for one in causes if one.service == service.service and one.role == "culprit" and one.kind != "unknown"
    ]
    culprit = max(culprits, key=lambda one: one.confidence, default=None)
    growth, begun = service.growth, service.onset or (service.growth and service.growth.start)
    return Finding(
        service=service.service,
        incident=number,
        verdict=service.verdict,
        severity=service.severity,
        mb_per_hour=growth.mb_per_hour if growth else None,
        low_mb_per_hour=growth.low if growth else None,
        memory_mb=_last_mb(service),
        grown_for_seconds=now - begun.seconds if begun and service.end is None else 0.0,
        youngest_process_seconds=youngest,
        culprit=culprit.name if culprit else None,
        culprit_kind=culprit.kind if culprit else None,
        culprit_confidence=culprit.confidence if culprit else 0.0,
        reason=service.reason,
    )


def _last_mb(service: Service) -> float | None:
    lines = service.chart.lines if service.chart else ()
    ends = [points[-1].mb for _, points in lines if points]
    return max(ends, default=None)


def _text(alert: Alert, incident: Incident) -> str:
    causes = [
        f"{one.role} {one.name} ({one.confidence:.0%})"
        for one in incident.causes
        if one.service == alert.service and one.role == "culprit" and one.kind != "unknown"
    ]
    reason = next((one.reason for one in incident.services if one.service == alert.service), "")
    said = alert.text or f"{alert.rule}: {alert.value:.3g} {alert.unit}, threshold {alert.threshold:g}."
    return " ".join(part for part in (said, reason, f"Cause: {', '.join(causes)}." if causes else "") if part)
