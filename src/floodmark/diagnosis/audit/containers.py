"""Rows of containers and pods: the same memory twice, or several pods under one name."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from floodmark.evidence.nouns import Series

from .case import LEVELS, Case, Finding, Use, services, view_of


def duplicate_cadvisor_rows(case: Case) -> Iterator[Finding]:
    """The same memory in several rows: parent cgroups and pause containers beside containers, one row for each scraper.

    Wrong when only the parent was exported; then it is kept.
    """
    for metric, group in case.by_metric(*LEVELS):
        real = {_pod(one) for one in group if not _is_parent(one)} if metric.startswith("container_") else set()
        parents = [one for one in group if _is_parent(one) and (_pod(one) in real or (_pod(one) is None and real))]
        if parents:
            text = (
                f"{len(parents)} rows of {metric!r} are parent control groups or pause containers (no container "
                f"label, or POD): they hold the memory of the containers beside them a second time."
            )
            yield Finding(tuple(parents), Use.REFUSE, text)
        twins = [one for one in _twins(group) if one not in parents]
        if twins:
            text = (
                f"{len(twins)} rows of {metric!r} ({services(twins)}) repeat another row of the same container under "
                f"other labels, as when two scrapers collect it; one of each is used."
            )
            yield Finding(tuple(twins), Use.REFUSE, text)


def _twins(group: list[Series]) -> Iterator[Series]:
    """Series whose values another one before them has too, at the same times, though labels differ."""
    same: dict[tuple[str | None, ...], list[Series]] = {}
    for one in group:
        if view_of(one) is None:
            same.setdefault((one.service, one.measure, one.instance, one.process), []).append(one)
    for series in same.values():
        kept: list[Series] = []
        for one in series:
            if any(_repeats(one, other) for other in kept):
                yield one
            else:
                kept.append(one)


def _repeats(one: Series, other: Series) -> bool:
    """Do two series have the same values wherever both are known, for most of the shorter one?"""
    first, last = max(one.at[0], other.at[0]), min(one.at[-1], other.at[-1])
    common = (one.at >= first) & (one.at <= last)
    if np.count_nonzero(common) < max(20.0, 0.5 * min(len(one.at), len(other.at))):
        return False
    value = one.value[common]
    return bool(np.median(np.abs(np.interp(one.at[common], other.at, other.value) - value)) < 0.001 * np.median(value))


def _is_parent(series: Series) -> bool:
    name = series.labels.get("container", series.labels.get("container_name", ""))
    if name in ("", "POD"):
        return "pod" in series.labels or "pod_name" in series.labels or "id" in series.labels
    return False


def _pod(series: Series) -> str | None:
    return series.labels.get("pod", series.labels.get("pod_name")) or None


def several_pods_under_one_name(case: Case) -> Iterator[Finding]:
    """A line for a service without telling its pods apart, where the evidence has several of them.

    Jumps in it are changes of pods. It gives way to the series by pod. Wrong when the line sums all pods and none of
    them is there on its own.
    """
    for metric, group in case.by_metric(*LEVELS):
        wrong, pods = [], 0
        for one in group:
            if one.instance is None and one.process is None and view_of(one) is None:
                parts = {other.instance for other in case.of(one.service, *LEVELS) if other.instance and len(other.at)}
                if len(parts) >= 2 and _overlaps(case, one):
                    wrong.append(one)
                    pods = max(pods, len(parts))
        if wrong:
            text = (
                f"{metric!r} has one line for each of {services(wrong)}, the evidence up to {pods} pods: its jumps are "
                f"changes of pods. The series by pod are read instead."
            )
            yield Finding(tuple(wrong), Use.CORROBORATE, text)


def _overlaps(case: Case, series: Series) -> bool:
    """Do the series by instance cover at least half of the time of this one?"""
    others = [one for one in case.of(series.service, *LEVELS) if one.instance and len(one.at) >= 2]
    if not others or len(series.at) < 2:
        return False
    first, last = min(one.at[0] for one in others), max(one.at[-1] for one in others)
    common = min(last, series.at[-1]) - max(first, series.at[0])
    return bool(common >= 0.5 * (series.at[-1] - series.at[0]))
