"""Rows of containers and pods: the same memory twice, or several pods under one name."""

from __future__ import annotations

from collections.abc import Iterator

from floodmark.evidence.nouns import Series

from .case import LEVELS, Case, Finding, Use, services, view_of


def duplicate_cadvisor_rows(case: Case) -> Iterator[Finding]:
    """Rows of cAdvisor for the pod's parent cgroup or its pause container beside those of the containers.

    They hold the same memory again. Wrong when only the parent was exported; then it is kept.
    """
    for metric, group in case.by_metric(*LEVELS):
        if not metric.startswith("container_"):
            continue
        real = {_pod(one) for one in group if not _is_parent(one)}
        wrong = [one for one in group if _is_parent(one) and (_pod(one) in real or (_pod(one) is None and real))]
        if wrong:
            text = (
                f"{len(wrong)} rows of {metric!r} are parent control groups or pause containers (no container label, "
                f"or POD): they hold the memory of the containers beside them a second time."
            )
            yield Finding(tuple(wrong), Use.REFUSE, text)


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
