"""Can a size be true, and is it in the unit that its name says?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from floodmark.evidence.nouns import MEMORY_MEASURES, Series

from .case import (
    LEVELS,
    MB,
    MIB,
    Case,
    Finding,
    Use,
    distinct,
    figure,
    hours,
    listed,
    megabytes,
    moment,
    peak,
    services,
)

LARGEST_BYTES = 24e12
"""No machine that runs containers has more memory (the largest on offer in 2025 have 24 to 32 TB)."""

SMALLEST_BYTES = 65_536.0
"""No process with an interpreter in it fits in 64 KiB."""

PREFIXES = {"MB against MiB": MIB / MB, "kB against KiB": 1.024, "k": 1000.0, "Ki": 1024.0, "M": MB, "Mi": MIB}
"""Ratios by which two readings of one thing differ when a unit was misread. 1.024 and 1.0486 are exact, not slopes."""


def impossible_size(case: Case) -> Iterator[Finding]:
    """More memory than the machine, the container's limit or any machine has, less than a process can have, or below 0.

    Wrong when the limit was raised during the window and only the old one is known.
    """
    for metric, group in case.by_metric(*MEMORY_MEASURES):
        reasons = {id(one): _impossible(case, one) for one in group}
        wrong = [one for one in group if reasons[id(one)]]
        if wrong:
            why = listed(distinct(f"{one.service} {reasons[id(one)]}" for one in wrong), 3)
            yield Finding(tuple(wrong), Use.REFUSE, f"{metric!r} cannot be memory in the unit read: {why}.")


def _impossible(case: Case, series: Series) -> str | None:
    value, at = peak(series)
    if float(series.value.min()) < 0:
        return f"goes below zero ({figure(float(series.value.min()))} bytes)"
    limit = case.limit("memory", series.service) if series.measure != "heap" else None
    node = case.limit("node-memory")
    for name, bound in (("its limit", limit and 1.1 * limit), ("the machine", node), ("any machine", LARGEST_BYTES)):
        if bound and value > bound:
            return f"reads {megabytes(value)} at {moment(at)}, more than {name} has ({megabytes(bound)})"
    if series.measure in LEVELS and 0 < value < SMALLEST_BYTES:
        return f"never exceeds {figure(value)} bytes"
    return None


def unit_prefix(case: Case) -> Iterator[Finding]:
    """A name says MB (10**6) and the values are MiB (2**20), or two readings of one size differ by such a factor.

    Sizes of processes and containers are whole pages of 4,096 bytes: the unit in which they are is the unit meant; the
    reader has converted those already. Wrong when the true size differs by that very factor, to 1 in 500.
    """
    same: dict[tuple[str, ...], list[Series]] = defaultdict(list)
    for one in case.series:
        same[_what(one)].append(one)
    for metric, group in case.by_metric(*MEMORY_MEASURES):
        relabelled = [one for one in group if _says_mb_means_mib(one)]
        if relabelled:
            text = (
                f"{metric!r} ({services(relabelled)}) says MB, its values are MiB (2**20 bytes), 4.9% more; they were "
                f"converted."
            )
            yield Finding(tuple(relabelled), Use.CAUTION, text)
        for one in group:
            other, factor = _differs_by_prefix(one, same[_what(one)])
            if other is not None:
                text = (
                    f"{metric!r} of {one.service} is {other.metric!r} times {factor}: one of the two was read in a "
                    f"wrong unit. {other.metric!r} is used."
                )
                yield Finding((one,), Use.CORROBORATE, text)


def _what(series: Series) -> tuple[str, ...]:
    """What a series is of: two of the same should have the same values."""
    return series.service, series.measure, series.instance or "", series.process or ""


def _says_mb_means_mib(series: Series) -> bool:
    name = series.metric.lower()
    return series.unit == "MiB" and ("(mb)" in name or "_mb" in name or " mb" in name)


def _differs_by_prefix(series: Series, same: list[Series]) -> tuple[Series | None, str]:
    """(the series with the surer unit, the factor) where another reading of the same size differs by a unit prefix."""
    for other in same:
        if other.metric == series.metric or _sure(other) <= _sure(series):
            continue
        _, here, there = np.intersect1d(series.at, other.at, assume_unique=True, return_indices=True)
        if len(here) < 4 or not np.all(other.value[there] > 0):
            continue
        ratio = float(np.median(series.value[here] / other.value[there]))
        for name, factor in PREFIXES.items():
            if any(abs(ratio / exact - 1) < 0.002 for exact in (factor, 1 / factor)):
                return other, f"{figure(ratio)} ({name})"
    return None, ""


def _sure(series: Series) -> int:
    """How sure the unit is: metric names with `_bytes` are surest, then units that the source states."""
    return 2 if "bytes" in series.metric else 1 if series.unit in ("B", "bytes") else 0


def page_cache_included(case: Case) -> Iterator[Finding]:
    """Usage holds the page cache: files that were read count as memory, and the kernel takes them back at need.

    With a better measure beside it, usage only speaks for the page cache; alone it is read with this caution.
    Wrong never about the name; that the growth is cache is shown only where RSS or the working set is there too.
    """
    for metric, group in case.by_metric("usage"):
        alone: list[Series] = []
        beside: list[Series] = []
        for one in group:
            (beside if _better(case, one) else alone).append(one)
        if beside:
            yield from _grew_beside(case, metric, beside)
        if alone:
            text = (
                f"{metric!r} ({services(alone)}) includes the page cache, and nothing better is in the evidence: "
                f"growth read from it is an upper bound of what the processes hold."
            )
            yield Finding(tuple(alone), Use.CAUTION, text)


def _better(case: Case, series: Series) -> list[Series]:
    """Series of the same container without page cache that cover most of the same time."""
    return [
        one
        for one in case.of(series.service, "rss", "working_set")
        if one.process is None and one.instance == series.instance and len(one.at) > 0.5 * len(series.at)
    ]


def _grew_beside(case: Case, metric: str, beside: list[Series]) -> Iterator[Finding]:
    """Usage gives way to the better measure; the finding names where the cache grew and the processes did not."""
    grown: dict[str, tuple[float, str]] = {}
    for one in beside:
        best = min(_better(case, one), key=lambda other: ("rss", "working_set").index(other.measure))
        rise, held = _rise(one), _rise(best)
        if min(rise, rise - held) > max(0.05 * float(np.median(one.value)), 20 * MB):
            span = hours(float(one.at[-1] - one.at[0]))
            words = f"{one.service} {megabytes(rise)} in {span}, its {best.measure} {megabytes(held)}"
            grown[one.service] = max(grown.get(one.service, (0.0, "")), (rise - held, words))
    names = [words for _, words in sorted(grown.values(), reverse=True)]
    where = f" It rose beyond what the processes hold: {listed(names, 3)}." if names else ""
    text = f"{metric!r} includes the page cache; RSS or working set of the same containers is read instead.{where}"
    yield Finding(tuple(beside), Use.CORROBORATE, text)


def _rise(series: Series) -> float:
    """Difference of the medians of the last and the first tenth."""
    tenth = max(1, len(series.value) // 10)
    return float(np.median(series.value[-tenth:]) - np.median(series.value[:tenth]))
