"""What happened, in order of time: onsets and peaks of growth, restarts, deploys, kills, patterns and alerts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from floodmark.diagnosis.incident import Alert, LogPattern, Service, Time, TimelineEntry
from floodmark.diagnosis.signals import HOUR
from floodmark.diagnosis.wording import counted, figure, moment, span
from floodmark.evidence.nouns import Event, EventKind, Place

TOGETHER_SECONDS = 600.0
"""Events of one kind and service closer than this are one entry."""

ONE_MOMENT_SECONDS = 60.0
"""Lines of several sources so close together are about one event."""

MANY = 8
"""Entries of one kind and service above which they become stretches."""

MAX_ENTRIES = 200

SEEN_IN_MEMORY = Place("")
"""The place of a restart that no event tells of."""

SHOWN: dict[EventKind, str] = {
    "deploy": "deploy", "restart": "restart", "start": "restart", "oom-kill": "oom-kill", "evicted": "evicted",
    "scaled": "scaled", "unhealthy": "unhealthy",
}  # fmt: skip
"""Kind of an event -> kind of the entry. A start in the middle of the window is a restart."""

EVENT_PATTERNS = (
    "deploys", "oom-kills", "evictions", "restart-loop", "reincarnated-workers", "worker-timeouts", "lost-requests",
    "workers-killed", "connection-churn",
)  # fmt: skip
"""Patterns that are events already, or the normal state of things."""

KNOWN_BY = ("restart", "deploy", "oom-kill", "evicted")


def build(
    services: Sequence[Service],
    events: Sequence[Event],
    patterns: Iterable[LogPattern],
    alerts: Iterable[Alert],
    starts: Mapping[str, Sequence[float]] = MappingProxyType({}),
) -> tuple[TimelineEntry, ...]:
    """Every entry in order of time; where there are too many, those of events give way first.

    `starts` are the times at which the memory of a service began anew: a restart that no event tells of is among them.
    """
    growth = [entry for service in services for entry in _growth(service)]
    said = [*_patterns(patterns), *_alerts(alerts)]
    room = max(MAX_ENTRIES - len(growth) - len(said), 0)
    found = [*growth, *said, *list(_events([*events, *_untold(events, starts)]))[:room]]
    return tuple(sorted(found, key=lambda one: (one.at.seconds, one.kind, one.service or "", one.text)))[:MAX_ENTRIES]


def _growth(service: Service) -> Iterator[TimelineEntry]:
    growth = service.growth
    if service.verdict != "leak" and service.pattern in ("steady", "unknown", "page-cache"):
        return
    if service.onset is not None:
        what = "begins to grow" if service.verdict == "leak" else f"begins to change ({service.pattern}, no leak)"
        yield TimelineEntry(service.onset, "onset", service.service, f"Memory {what}.", None)
    if growth and growth.peak_at and growth.peak_mb_per_hour is not None and service.verdict == "leak":
        text = f"Memory grows fastest: {figure(growth.peak_mb_per_hour)} MB/h."
        yield TimelineEntry(growth.peak_at, "peak", service.service, text, None)
    if service.end is not None:
        yield TimelineEntry(service.end, "end", service.service, "Memory stops growing.", None)


def _untold(events: Sequence[Event], starts: Mapping[str, Sequence[float]]) -> Iterator[Event]:
    """Restarts seen in a service's memory alone."""
    for service, times in starts.items():
        told = [one.at for one in events if one.kind in SHOWN and one.service in (service, None)]
        for at in times:
            if not any(abs(at - other) <= TOGETHER_SECONDS for other in told):
                yield Event(at, "restart", service, None, None, "Its memory began anew.", SEEN_IN_MEMORY)


def _events(events: Sequence[Event]) -> Iterator[TimelineEntry]:
    groups: dict[tuple[str, str | None], list[Event]] = defaultdict(list)
    for one in sorted(events, key=lambda one: one.at):
        kind = SHOWN.get(one.kind)
        if kind is not None and not _explained(one, events):
            groups[kind, one.service].append(one)
    for (kind, service), ones in groups.items():
        stretches = list(_stretches(ones, TOGETHER_SECONDS))
        if len(stretches) > MANY:
            stretches = list(_stretches(ones, 6 * HOUR))
        for stretch in stretches:
            yield TimelineEntry(
                Time(stretch[0].at), kind, service, _event_text(stretch), stretch[0].place.source or None
            )


def _explained(one: Event, events: Iterable[Event]) -> bool:
    """True for the start of a container of which a restart, a deploy or a kill just before tells more."""
    return one.kind == "start" and any(
        other.kind in KNOWN_BY and other.service == one.service and abs(other.at - one.at) <= TOGETHER_SECONDS
        for other in events
    )


def _stretches(ones: Sequence[Event], apart: float) -> Iterator[list[Event]]:
    stretch: list[Event] = []
    for one in ones:
        if stretch and one.at - stretch[-1].at > apart:
            yield stretch
            stretch = []
        stretch.append(one)
    if stretch:
        yield stretch


def _event_text(ones: Sequence[Event]) -> str:
    """The first line, where one source or several tell of the same moment; else how often, and in what time."""
    count, lasting = sum(one.count for one in ones), ones[-1].at - ones[0].at
    first = f"{ones[0].text.rstrip('.')}."
    if count == 1 or (count == len(ones) and lasting <= ONE_MOMENT_SECONDS):
        return first
    often = counted(count, "time")
    return f"{often} within {span(lasting)}: {first}" if lasting else f"{often}: {first}"


def _patterns(patterns: Iterable[LogPattern]) -> Iterator[TimelineEntry]:
    for one in patterns:
        if one.name not in EVENT_PATTERNS:
            source = one.sources[0] if one.sources else None
            yield TimelineEntry(
                one.start, one.name, one.service, f"{one.text} Until {moment(one.end.seconds)}.", source
            )


def _alerts(alerts: Iterable[Alert]) -> Iterator[TimelineEntry]:
    for one in alerts:
        if one.severity in ("critical", "emergency"):
            yield TimelineEntry(one.start, "alert", one.service, one.text, one.source)
