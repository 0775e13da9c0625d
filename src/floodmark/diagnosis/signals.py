"""Figures over time, read out of the evidence: one reading for the rules, the targets and the patterns alike."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from floodmark.diagnosis.rules import Signal
from floodmark.evidence.nouns import Dose, Event, Evidence, Floats, Ints, Place, Series, Tally

IATI_ROUTE = re.compile(r"(?:^|/)iati(?:[-./?]|$)", re.IGNORECASE)
"""A route that serves IATI: a part of the path that is `iati`, `iati.xml` or begins with `iati-`."""

OVER_TEN, OVER_THIRTY = "request-over-10s", "request-over-30s"
FAILED_STATUS = ("status-499", "status-502", "status-503", "status-504")
RESTART_KINDS = ("restart", "oom-kill", "evicted")

HOUR = 3600.0
MAX_AT_ONCE = 1000
"""Restarts that one event may stand for: a counter gone wrong must not fill the memory."""

SAMPLE_SECONDS = 60.0
"""Samples of processes this close together are of one instant."""


def is_iati(route: str) -> bool:
    """True for a route that serves IATI data: /organisation/{id}/iati/, /project/{id}/iati.xml, /iati-org/.xml."""
    return IATI_ROUTE.search(route) is not None


def summed(parts: Iterable[tuple[Ints, Floats]]) -> tuple[Ints, Floats]:
    """Sparse (bin, count) rows added up: ascending bins, each once."""
    rows = list(parts)
    if not rows:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    bins, where = np.unique(np.concatenate([row[0] for row in rows]), return_inverse=True)
    counts = np.zeros(len(bins))
    np.add.at(counts, where, np.concatenate([row[1] for row in rows]))
    return bins.astype(np.int64), counts


def tallies(evidence: Evidence, *kinds: str) -> list[Tally]:
    """The tallies of these kinds, in the order of the evidence."""
    return [one for one in evidence.tallies if one.kind in kinds]


def times(bins: Ints, bin_seconds: float) -> Floats:
    """Where bins begin, in seconds."""
    return bins.astype(np.float64) * bin_seconds


def total(found: Iterable[Tally]) -> float:
    """How many lines these tallies count."""
    return float(sum(one.count.sum() for one in found))


def requests(evidence: Evidence) -> tuple[Ints, Floats]:
    """Requests that began in each bin, all routes together, probes left out."""
    return summed((one.bin, one.starts) for one in endpoints(evidence))


def endpoints(evidence: Evidence) -> list[Dose]:
    """The doses that are requests of users: neither tasks, nor connections, nor probes."""
    return [one for one in evidence.doses if one.kind == "endpoint" and not one.monitoring]


def connections_opened(evidence: Evidence) -> Iterator[Signal]:
    """New database connections a minute, for each service that opens them (a proxy, a pool)."""
    for service, rows in sorted(_openings(evidence).items(), key=lambda item: item[0] or ""):
        bins, counts = summed((one.bin, one.count) for one in rows)
        place = next((example[1] for one in rows for example in one.examples), None)
        # Quiet minutes count: without them a burst would seem to last until the next one.
        bins, counts = filled(bins, counts)
        per_minute = counts * 60 / evidence.bin_seconds
        at = times(bins, evidence.bin_seconds)
        yield Signal("connections-opened", service, at, per_minute, evidence.bin_seconds, place=place)


def _openings(evidence: Evidence) -> dict[str | None, list[Tally]]:
    found: dict[str | None, list[Tally]] = defaultdict(list)
    for one in tallies(evidence, "connection-open"):
        if len(one.bin):
            found[one.service].append(one)
    return found


def filled(bins: Ints, counts: Floats) -> tuple[Ints, Floats]:
    """Every bin between the first and the last, those that were left out with a count of nought."""
    if not len(bins):
        return bins, counts
    dense = np.zeros(int(bins[-1] - bins[0]) + 1)
    dense[bins - bins[0]] = counts
    return np.arange(bins[0], bins[-1] + 1, dtype=np.int64), dense


def log_volumes(evidence: Evidence) -> Iterator[Signal]:
    """MB of log an hour, for each group of sources."""
    for one in evidence.volumes:
        if len(one.hour):
            yield Signal("log-volume", one.service or one.name, times(one.hour, HOUR), one.bytes / 1e6, HOUR)


def iati_request_seconds(evidence: Evidence) -> Iterator[Signal]:
    """The longest known duration of the IATI requests that began in each bin, for each service.

    Known is the mean of a route's requests in a bin, which is at most the longest of them; where the log says that one
    took more than 30 s, it is at least that.
    """
    for service, doses in by_service(one for one in endpoints(evidence) if is_iati(one.name)):
        longest: dict[int, float] = defaultdict(float)
        for dose in doses:
            for at, seconds in zip(dose.bin.tolist(), mean_seconds(dose).tolist(), strict=True):
                longest[at] = max(longest[at], seconds)
        for tally in tallies(evidence, OVER_THIRTY):
            if is_iati(tally.name) and tally.service == service:
                for at in tally.bin.tolist():
                    longest[at] = max(longest[at], float(np.nextafter(30.0, 31.0)))
        bins = np.array(sorted(longest), np.int64)
        if len(bins):
            value = np.array([longest[at] for at in bins.tolist()])
            at = times(bins, evidence.bin_seconds)
            yield Signal("iati-request-seconds", service, at, value, evidence.bin_seconds, place=doses[0].place)


def by_service(doses: Iterable[Dose]) -> list[tuple[str | None, list[Dose]]]:
    """Doses by the service that serves them, in the order of the services' names."""
    found: dict[str | None, list[Dose]] = defaultdict(list)
    for one in doses:
        found[one.service].append(one)
    return sorted(found.items(), key=lambda item: item[0] or "")


def mean_seconds(dose: Dose) -> Floats:
    """Mean duration of the requests of each bin; 0 where durations are not logged."""
    return np.nan_to_num(dose.seconds / np.maximum(dose.starts, 1.0), nan=0.0)


def restarts(evidence: Evidence) -> Iterator[Signal]:
    """Restarts of one service within the hour before, at each of them and an hour after each."""
    found: dict[str, list[Event]] = defaultdict(list)
    for one in evidence.events:
        if one.kind in RESTART_KINDS and one.service:
            found[one.service].append(one)
    for service, ones in sorted(found.items()):
        begun = np.sort(np.array([one.at for one in ones for _ in range(min(one.count, MAX_AT_ONCE))]))
        at = np.unique(np.concatenate([begun, begun + HOUR]))
        at = at[at <= max(evidence.window[1] if evidence.window else np.inf, begun[-1])]
        within = np.searchsorted(begun, at, side="right") - np.searchsorted(begun, at - HOUR, side="right")
        yield Signal("restarts", service, at, within.astype(np.float64), HOUR, place=ones[0].place)


def processes(series: Sequence[Series]) -> Iterator[Signal]:
    """How many processes of one service there were at one instant: as reported, else as sampled one by one."""
    services = sorted({one.service for one in series if one.measure == "processes" or one.process is not None})
    for service in services:
        reported = [one for one in series if one.service == service and one.measure == "processes"]
        sampled = [one for one in series if one.service == service and one.process is not None]
        signal = _sampled(service, sampled) if sampled else _reported(service, reported)
        if len(signal.at):
            yield signal


def _reported(service: str, series: Sequence[Series]) -> Signal:
    bins, counts = summed(((one.at // SAMPLE_SECONDS).astype(np.int64), one.value) for one in series)
    return Signal("processes", service, times(bins, SAMPLE_SECONDS), counts, _step(bins), place=series[0].place)


def _sampled(service: str, series: Sequence[Series]) -> Signal:
    seen = (np.unique((one.at // SAMPLE_SECONDS).astype(np.int64)) for one in _one_measure(series))
    bins, counts = summed((bins, np.ones(len(bins))) for bins in seen)
    return Signal("processes", service, times(bins, SAMPLE_SECONDS), counts, _step(bins), place=series[0].place)


def _one_measure(series: Sequence[Series]) -> Iterator[Series]:
    """Each process once, where it was sampled under several measures."""
    met: set[tuple[str | None, str | None]] = set()
    first = series[0].measure
    for one in series:
        if one.measure == first or (one.instance, one.process) not in met:
            met.add((one.instance, one.process))
            yield one


def _step(bins: Ints) -> float:
    return float(np.median(np.diff(bins))) * SAMPLE_SECONDS if len(bins) > 1 else SAMPLE_SECONDS


def place_text(place: Place | None) -> str:
    """A place as "nginx/error.log:204"."""
    if place is None:
        return ""
    return place.source if place.line is None else f"{place.source}:{place.line}"
