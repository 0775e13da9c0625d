"""Series in order: samples sorted, equal samples dropped, the parts of one series from several sources joined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from floodmark.evidence.nouns import Evidence, Floats, Series

from .case import Case

Key = tuple[object, ...]


def tidied(evidence: Evidence) -> Case:
    """The case for the rules: every series once, ascending, no time twice, nothing that is not a number."""
    groups: dict[Key, list[Series]] = {}
    for one in evidence.series:
        groups.setdefault(_key(one), []).append(ordered(one))
    series = tuple(joined(group) for group in groups.values())
    by_service: dict[str, list[Series]] = {}
    for one in series:
        by_service.setdefault(one.service, []).append(one)
    return Case(evidence, series, {service: tuple(group) for service, group in by_service.items()})


def ordered(series: Series) -> Series:
    """The same samples ascending in time; of several at one time the first read stays."""
    at, value = series.at, series.value
    finite = np.isfinite(at) & np.isfinite(value)
    if bool(finite.all()) and bool(np.all(np.diff(at) > 0)):
        return series
    at, first = np.unique(at[finite], return_index=True)
    return replace(series, at=at, value=value[finite][first])


def joined(group: list[Series]) -> Series:
    """One series of the parts that several sources hold of it (rotated exports, one export for each window)."""
    if len(group) == 1:
        return group[0]
    at: Floats = np.concatenate([one.at for one in group])
    value: Floats = np.concatenate([one.value for one in group])
    first = next((one for one in group if len(one.at)), group[0])
    return ordered(replace(first, at=at, value=value, copies=max(one.copies for one in group)))


def _key(series: Series) -> Key:
    """What tells series apart. A process that began at another time is another process, whatever its number."""
    labels = tuple(sorted(series.labels.items()))
    return (series.service, series.instance, series.process, series.measure, series.metric, series.started, labels)
