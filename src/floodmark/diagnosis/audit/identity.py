"""Does a series stand for one thing: one process, one container, once?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from floodmark.evidence.nouns import MEMORY_MEASURES, Floats, Series

from .case import (
    LEVELS,
    MIB,
    Case,
    Finding,
    Use,
    distinct,
    figure,
    highest,
    listed,
    megabytes,
    moment,
    peak,
    services,
    view_of,
)

RETURNS_OF_A_MIXTURE = 0.25
"""Share of jumps that land exactly on an earlier value. Measured: mixtures of workers 0.48 to 0.95, containers and
single processes at most 0.04."""

SEVERAL_PROCESSES = 1.6
"""A container this much larger than the size its application reports holds more than one process."""


def process_mixture(case: Case) -> Iterator[Finding]:
    """One name, several processes: each scrape met another worker, so steps between scrapes are steps between workers.

    Seen in jumps that land exactly on earlier values, in a size far below that of its container, and in a size that an
    application with several processes reports by view. Wrong when there is one process only; one that is known to be
    alone is left in peace.
    """
    around: dict[str, tuple[float | None, float | None]] = {}
    for metric, group in case.by_metric(*MEMORY_MEASURES):
        reasons = {id(one): _mixture(case, one, around) for one in group}
        wrong = [one for one in group if reasons[id(one)]]
        for use in (Use.REFUSE, Use.CORROBORATE):
            same = [one for one in wrong if (one.measure == "heap") == (use is Use.CORROBORATE)]
            if same:
                first = {one.service: reasons[id(one)] for one in reversed(same)}
                why = listed([f"of {name} {first[name]}" for name in distinct(one.service for one in same)], 3)
                text = (
                    f"{metric!r} has no label for the process, and each scrape met one of several: {why}. A slope "
                    f"through these values is no growth of any process; read sizes by process (psutil, pid label) or "
                    f"container."
                )
                yield Finding(tuple(same), use, text)


def _mixture(case: Case, series: Series, around: dict[str, tuple[float | None, float | None]]) -> str | None:
    """Why a series must be a mixture, or None. `around` keeps (processes, container size) of each service."""
    if series.process is not None:
        return None
    if returns(series.value) >= RETURNS_OF_A_MIXTURE:
        return "the size jumps between levels and lands on earlier ones again"
    if is_of_container(series):
        return None
    if series.service not in around:
        around[series.service] = most_processes(case, series.service), _container_size(case, series.service)
    processes, container = around[series.service]
    shown = float(np.median(series.value))
    if series.measure != "heap" and container is not None and shown > 0:
        ratio = container / shown
        return f"the container holds {figure(round(ratio, 1))} times the size" if ratio >= SEVERAL_PROCESSES else None
    if view_of(series) is not None and not (processes is not None and processes <= 2):
        return "one size stands under every view that the process served"
    return None


def returns(value: Floats, window: int = 12) -> float:
    """Share of jumps that land exactly on one of the values 2 to `window` samples before, beyond chance.

    A jump is more than 0.2% and three of the smallest units. Values rounded to a tenth of a MiB meet again by chance:
    then they land as often beside an earlier value, and that share is taken off.
    """
    if len(value) < 5 * window:
        return 0.0
    unit = unit_of(value)
    steps = np.round(value / unit)
    past = np.lib.stride_tricks.sliding_window_view(steps, window)[:-1, :-1]
    now, before = steps[window:], steps[window - 1 : -1]
    jumped = np.abs(now - before) > max(0.002 * float(np.median(np.abs(steps))), 2.5)
    if np.count_nonzero(jumped) < max(10.0, 0.1 * len(jumped)):
        return 0.0
    away = past[jumped] - now[jumped, None]
    landed = float(np.mean(np.any(away == 0, axis=1)))
    beside = float(np.mean([np.mean(np.any(away == shift, axis=1)) for shift in (-2, -1, 1, 2)]))
    return landed - beside


def unit_of(value: Floats) -> float:
    """The coarsest unit in which all values are whole: a page, a tenth of a MiB, a byte."""
    size = np.abs(value[value != 0])
    units = sorted(
        whole * part for whole in (1e9, 1e6, 1e3, 1.0, 2.0**30, MIB, 2.0**10) for part in (1.0, 0.1, 0.01, 0.001)
    )
    for unit in reversed(units):
        whole = size / unit
        if unit <= size.min(initial=np.inf) and bool(np.all(np.abs(whole - np.round(whole)) < 1e-6 * np.sqrt(whole))):
            return unit
    return float(np.median(np.abs(value))) * 1e-5 or 1.0


def is_of_container(series: Series) -> bool:
    """Is it measured from outside the application, by the kernel or the cluster, for a whole container?"""
    if view_of(series) is not None:
        return False
    return series.measure in ("working_set", "usage") or series.metric.startswith(("container_", "kube_", "pod_"))


def most_processes(case: Case, service: str) -> float | None:
    """The most processes of a service at one instant: from a count, from series with a pid, or as configured."""
    counts = [float(one.value.max()) for one in case.of(service, "processes") if len(one.value)]
    pids = processes_at_once([one for one in case.of(service, *LEVELS) if one.process is not None])
    configured = case.limit("workers", service)
    return max([*counts, *([float(pids)] if pids else []), *([configured] if configured else [])], default=None)


def processes_at_once(series: list[Series]) -> int:
    """How many distinct (instance, process) lived at one instant, at most, by first and last sample."""
    lives: dict[tuple[str | None, str | None, float | None], tuple[float, float]] = {}
    for one in series:
        if len(one.at):
            key = (one.instance, one.process, one.started)
            first, last = lives.get(key, (np.inf, -np.inf))
            lives[key] = (min(first, float(one.at[0])), max(last, float(one.at[-1])))
    edges = sorted([(first, 0, 1) for first, _ in lives.values()] + [(last, 1, -1) for _, last in lives.values()])
    return int(np.max(np.cumsum([change for _, _, change in edges]), initial=0))


def _container_size(case: Case, service: str) -> float | None:
    """Median size of the containers of a service, in the best measure there is."""
    whole = [one for one in case.of(service, "rss", "working_set", "usage") if is_of_container(one) and len(one.value)]
    if not whole:
        return None
    best = min((one.measure for one in whole), key=("rss", "working_set", "usage").index)
    return float(np.median(np.concatenate([one.value for one in whole if one.measure == best])))


def columns_are_copies(case: Case) -> Iterator[Finding]:
    """Columns (or rows) with equal values everywhere are one series, not as many things.

    Written by a join of series with equal legends (`name`, `name.1`, ... `name.609`). Wrong when several processes
    really hold exactly equal memory at every sample, which does not happen.
    """
    for one in case.series:
        if one.copies < 2 or not (one.measure in MEMORY_MEASURES or one.copies >= 10):
            continue
        where = f"{one.labels.get('legend') or one.instance or one.service} in {one.metric!r}"
        if not len(one.value):
            text = (
                f"{one.copies:,} columns named {where} are all empty: nothing was measured, and they count no "
                f"processes."
            )
        else:
            value, at = peak(one)
            size = megabytes(value) if one.measure in MEMORY_MEASURES else figure(value)
            summed = megabytes(value * one.copies) if one.measure in MEMORY_MEASURES else figure(value * one.copies)
            text = (
                f"{one.copies:,} columns named {where} hold equal values in every row (the largest {size}, "
                f"{moment(at)}): one series that a join of equal legends wrote {one.copies:,} times. They are not "
                f"{one.copies:,} processes, and their sum of {summed} never existed."
            )
        yield Finding((one,), Use.CAUTION, text)


def labels_summed(case: Case) -> Iterator[Finding]:
    """The size of a process summed over the views it served: the same memory counted once for each view.

    Seen in the query, or where the values are the sum of the series by view. Wrong when each label is a process of its
    own.
    """
    views: dict[tuple[str, ...], list[Series]] = defaultdict(list)
    for one in case.series:
        if view_of(one) is not None and one.measure in MEMORY_MEASURES:
            views[_whose(one)].append(one)
    by_view = {one.metric for group in views.values() for one in group}
    for metric, group in case.by_metric(*MEMORY_MEASURES):
        wrong = [one for one in group if _sums_views(one, by_view) or _is_sum_of(one, views.get(_whose(one), []))]
        if wrong:
            value, at = peak(highest(wrong))
            text = (
                f"{metric!r} ({services(wrong)}) sums one size of a process over its labels: the same memory once for "
                f"each view. Its {megabytes(value)} at {moment(at)} never existed."
            )
            yield Finding(tuple(wrong), Use.REFUSE, text)


def _sums_views(series: Series, by_view: set[str]) -> bool:
    if re.search(r"\bby\s*\([^)]*\b(pid|process|worker|view\w*)\b", series.expr):
        return False
    match = re.search(r"\bsum\s*\(\s*([a-zA-Z_:][\w:]*)", re.sub(r"\b(by|without)\s*\([^)]*\)", "", series.expr))
    if not match:
        return False
    name = match.group(1)
    return name in by_view or bool(re.match(r"(django|flask|fastapi|app|wsgi)\w*(memory|rss|resident|heap)\w*", name))


def _whose(series: Series) -> tuple[str, ...]:
    return series.service, series.measure, series.instance or ""


def _is_sum_of(series: Series, views: list[Series]) -> bool:
    if view_of(series) is not None or len(views) < 2 or len(series.at) < 4:
        return False
    total, seen = np.zeros(len(series.at)), np.zeros(len(series.at), dtype=np.int64)
    for one in views:
        _, here, there = np.intersect1d(series.at, one.at, assume_unique=True, return_indices=True)
        total[here] += one.value[there]
        seen[here] += 1
    several = seen >= 2
    if np.count_nonzero(several) < 4:
        return False
    return bool(np.median(np.abs(series.value[several] / total[several] - 1)) < 0.01)


def processes_counted_over_time(case: Case) -> Iterator[Finding]:
    """Processes counted over a stretch of time, or from columns, instead of at one instant.

    Seen in the query (a count over a range), and where the count is far above the processes alive at any instant.
    Wrong when the process list is incomplete.
    """
    for metric, group in case.by_metric("processes"):
        wrong = [one for one in group if re.search(r"\bcount\w*\s*\(.*\[\d+\w", one.expr) or _too_many(case, one)]
        if wrong:
            value, at = peak(highest(wrong))
            text = (
                f"{metric!r} ({services(wrong)}) shows {figure(value)} processes at {moment(at)}: counted over a "
                f"stretch of time, in which recycled workers count again. Count distinct (pod, container, pid) at one "
                f"instant."
            )
            yield Finding(tuple(wrong), Use.REFUSE, text)


def _too_many(case: Case, series: Series) -> bool:
    listed_series = [one for one in case.of(series.service, *LEVELS) if one.process is not None]
    alive = processes_at_once(listed_series)
    return alive > 0 and float(series.value.max()) > 3 * alive + 10
