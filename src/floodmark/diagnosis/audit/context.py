"""Does a series fit what else is known: routes, companions, the monitoring itself?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from floodmark.evidence.nouns import MEMORY_MEASURES, Route, Series

from .case import LEVELS, Case, Finding, Use, accuses, distinct, figure, listed, services, view_of

MONITORING = re.compile(r"prometheus|\bmetrics?\b|health|liveness|readiness|/?probe\b|ping$", re.IGNORECASE)
"""Views that only probes and scrapers ask for."""

FLAT = 0.03
"""Objects do not grow if the middle three fifths of their counts lie within 3% of each other."""

LEAST_REQUESTS = 50

STREAMED_BYTES = 1e6
"""Answers above this size are streamed, or should be."""


def monitored_by_itself(case: Case) -> Iterator[Finding]:
    """All that a service was seen doing is answering the scrapes that measure it.

    Its memory then shows the work of the monitoring. Wrong when its real work passes by the instrumented code (tasks,
    another port).
    """
    for service in distinct(one.service for one in case.series):
        by_metric: dict[str, list[Series]] = {}
        for one in case.of(service):
            if view_of(one) is not None and len(one.at):
                by_metric.setdefault(one.metric, []).append(one)
        for metric, views in by_metric.items():
            yield from _only_monitoring(service, metric, views)
        yield from _only_probes(case, service)


def _only_monitoring(service: str, metric: str, views: list[Series]) -> Iterator[Finding]:
    own = [one for one in views if MONITORING.search(_view(one).replace("_", " "))]
    seen, scraped = sum(len(one.at) for one in views), sum(len(one.at) for one in own)
    if own and scraped >= 0.9 * seen:
        names = listed(distinct(_view(one) for one in own))
        text = (
            f"{scraped:,} of {seen:,} values of {metric!r} for {service} are of {names}, the page that the monitoring "
            f"itself asks for: what grows there may be the monitoring."
        )
        yield Finding(tuple(own), Use.CAUTION, text)


def _only_probes(case: Case, service: str) -> Iterator[Finding]:
    doses = [one for one in case.evidence.doses if one.service == service and one.kind == "endpoint"]
    total = sum(float(one.starts.sum()) for one in doses)
    probes = sum(float(one.starts.sum()) for one in doses if one.monitoring)
    sizes = tuple(case.of(service, *LEVELS))
    if total >= LEAST_REQUESTS and probes >= 0.95 * total and sizes:
        text = f"{figure(probes)} of {figure(total)} requests that {service} got are scrapes and probes."
        yield Finding(sizes, Use.CAUTION, text)


def _view(series: Series) -> str:
    return view_of(series) or ""


def contradicted_by_companion(case: Case) -> Iterator[Finding]:
    """A growth is claimed for a service whose Python objects stay flat.

    What grows, if anything, is then outside Python's objects: native memory, fragmentation, page cache.
    Wrong when large objects grow in place (a bytearray, an array): the count stays, the bytes grow.
    """
    for service in distinct(one.service for one in case.series):
        objects = [one for one in case.of(service, "objects") if len(one.value) >= 8]
        claims = [one for one in case.of(service, "events", "rate") if accuses(one) and bool(np.any(one.value > 0))]
        if claims and objects and all(is_flat(one) for one in objects):
            counts = listed([_flat_words(one) for one in objects], 2)
            text = (
                f"{listed(distinct(one.metric for one in claims), 3)} claim growth of {service}, while its Python "
                f"objects do not grow: {counts}. A leak of Python objects is ruled out for that time; what grows is "
                f"elsewhere."
            )
            yield Finding(tuple(claims), Use.CAUTION, text)


def is_flat(series: Series) -> bool:
    """Do the middle three fifths of the values stay within 3% of each other, and do the ends agree within 1%?"""
    low, middle, high = np.quantile(series.value, [0.2, 0.5, 0.8])
    third = max(1, len(series.value) // 3)
    drift = abs(float(np.median(series.value[-third:]) - np.median(series.value[:third])))
    return bool(middle > 0 and high - low <= FLAT * middle and drift <= 0.01 * middle)


def _flat_words(series: Series) -> str:
    kind = series.labels.get("type") or series.labels.get("legend") or series.metric
    middle = float(np.median(series.value))
    spread = float(np.quantile(np.abs(series.value - middle), 0.9))
    return f"{middle:,.0f} {kind}, nine of ten values within {spread:,.0f} of it"


def impossible_routing(case: Case) -> Iterator[Finding]:
    """Memory is put down to a path that, by the routing, another service answers.

    Wrong when the routing changed in the window, or requests reach the service past the proxy.
    """
    for metric, group in case.by_metric():
        wrong, told = [], []
        for one in group:
            path = view_of(one) or ""
            target = routed(path, case.evidence.routes) if path.startswith("/") else None
            if target is not None and target.service not in (None, one.service):
                wrong.append(one)
                told.append(f"{path} is served by {target.service}, not by {one.service}")
        if wrong:
            text = f"{metric!r} blames paths that never reach the service: {listed(distinct(told), 3)}."
            yield Finding(tuple(wrong), Use.REFUSE, text)


def routed(path: str, routes: tuple[Route, ...]) -> Route | None:
    """The route with the longest prefix of `path`."""
    return max((one for one in routes if path.startswith(one.prefix)), key=lambda one: len(one.prefix), default=None)


def measured_too_early(case: Case) -> Iterator[Finding]:
    """Growth by request, measured before the body of a streamed answer is made: the growth goes to the next request.

    Wrong when the instrument waits for the end of the body.
    """
    for metric, group in case.by_metric("events", "rate", "unknown", *MEMORY_MEASURES):
        wrong = [one for one in group if _by_request(one) and _streamed(case, one.service)]
        if wrong:
            text = (
                f"{metric!r} ({services(wrong)}) is taken when the view returns, before the body of a streamed answer "
                f"is made: large answers ({listed(_streamed(case, wrong[0].service), 3)}) seem free, and the requests "
                f"after them seem guilty."
            )
            yield Finding(tuple(wrong), Use.CAUTION, text)


def _by_request(series: Series) -> bool:
    """Is it a difference of memory around a request?"""
    text = f"{series.metric} {series.expr}".lower()
    return bool(re.search(r"growth_events|request_memory|(memory|rss)_(delta|diff|increase|per_request)", text))


def _streamed(case: Case, service: str) -> list[str]:
    """Routes of a service whose answers are large enough to be streamed, on average."""
    large = []
    for one in case.evidence.doses:
        if one.kind == "endpoint" and one.service == service and one.starts.sum() > 0:
            sent = float(np.nansum(one.bytes_out)) / float(one.starts.sum())
            if sent >= STREAMED_BYTES:
                large.append(one.name)
    return distinct(large)
