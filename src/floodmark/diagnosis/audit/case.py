"""What an audit rule sees (`Case`) and what it says (`Finding`); the numbers and times of its sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

import numpy as np

from floodmark.evidence.nouns import MEMORY_MEASURES, Evidence, Floats, Series

VIEW_LABELS = ("view", "view_name", "handler", "endpoint", "route", "path", "url", "method_path", "operation")
"""Labels by which an application splits a metric of its own process by what it served last."""

LEVELS = tuple(measure for measure in MEMORY_MEASURES if measure != "heap")
"""Measures that are a size of memory growth may be read from."""

PAGE_BYTES = 4096
MIB = float(2**20)
MB = 1e6


class Use(IntEnum):
    """What a finding leaves of a series, mildest first."""

    CAUTION = 0
    CORROBORATE = 1
    REFUSE = 2


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One thing that is wrong with some series of one metric, in words for the operator."""

    series: tuple[Series, ...]
    use: Use
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The evidence, with its series joined and in order of time (`tidy.tidied`), for the rules to look at.

    evidence     as it was read; its series may be one for each source, with equal samples and several at one time
    by_service   the tidied series of each service
    """

    evidence: Evidence
    series: tuple[Series, ...]
    by_service: Mapping[str, tuple[Series, ...]]

    def of(self, service: str, *measures: str) -> list[Series]:
        """The series of one service, of some measures or of all."""
        return [one for one in self.by_service.get(service, ()) if not measures or one.measure in measures]

    def by_metric(self, *measures: str) -> Iterator[tuple[str, list[Series]]]:
        """(metric, its series) for the series of these measures (of all where none is named), in order of sight."""
        groups: dict[str, list[Series]] = {}
        for one in self.series:
            if (not measures or one.measure in measures) and len(one.at):
                groups.setdefault(one.metric, []).append(one)
        yield from groups.items()

    def limit(self, kind: str, service: str | None = None) -> float | None:
        """The largest limit of a kind that is known for a service (or for everything)."""
        values = [one.value for one in self.evidence.limits if one.kind == kind and one.service in (service, None)]
        return max(values, default=None)


def words(series: Series) -> str:
    """Name, query and unit of a series in lower case, `_`, `-` and `/` as spaces: what its name claims."""
    return re.sub(r"[\s_\-/.]+", " ", f"{series.metric} {series.expr} {series.unit}".lower())


def title(series: Series) -> str:
    """The name and unit without the query, as `words`."""
    return re.sub(r"[\s_\-/.]+", " ", f"{series.metric} {series.unit}".lower())


def view_of(series: Series) -> str | None:
    """What the process had served when it was measured, where a label says so."""
    return next((series.labels[name] for name in VIEW_LABELS if series.labels.get(name)), None)


def claims_memory(series: Series) -> bool:
    """Does the name speak of memory?"""
    return bool(re.search(r"\b(memory|mem|rss|pss|uss|heap|leak|\d*mi?b|gi?b|bytes)\b", words(series)))


def claims_per_hour(series: Series) -> bool:
    """Does the name (not the query) call the values a rate per hour?"""
    return bool(
        re.search(r"\b(per|an) h(our)?\b|\b[kmgt]i?b ?(h|hr|hour)\b|\bhourly\b|\bbytes h(our)?\b", title(series))
    )


def claims_growth(series: Series) -> bool:
    """Does the name speak of growth, a leak or a rate of memory?"""
    return claims_memory(series) and bool(re.search(r"\b(growth|leaks?|rate|increase|delta|slope)\b", words(series)))


def accuses(series: Series) -> bool:
    """Does the name speak of memory that grows or leaks? A count of OOM kills or page faults does not."""
    return claims_memory(series) and bool(re.search(r"\b(growth|leaks?|leaked|grew)\b", words(series)))


def distinct(names: Iterable[str]) -> list[str]:
    """Names once each, in order of sight."""
    return list(dict.fromkeys(names))


def listed(names: Sequence[str], most: int = 4) -> str:
    """`a, b, c and 5 more`."""
    if len(names) <= most:
        return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)
    return ", ".join(names[:most]) + f" and {len(names) - most} more"


def services(group: Iterable[Series]) -> str:
    """The services of some series, as `listed`; a panel without legends names none."""
    return listed(distinct(one.service for one in group if one.service)) or "no service named"


def figure(value: float) -> str:
    """A number for a sentence: four significant digits, thousands separated."""
    rounded = float(f"{value:.4g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 1000 or rounded == int(rounded) else f"{rounded:,.10g}"


def megabytes(value: float) -> str:
    """Bytes as MB (10**6) with the unit."""
    return f"{figure(value / MB)} MB"


def moment(seconds: float) -> str:
    """A time for a sentence."""
    return datetime.fromtimestamp(round(seconds), UTC).strftime("%Y-%m-%d %H:%M UTC")


def peak(series: Series) -> tuple[float, float]:
    """(largest value, its time)."""
    index = int(np.argmax(series.value))
    return float(series.value[index]), float(series.at[index])


def highest(group: Iterable[Series]) -> Series:
    """The series with the largest value."""
    return max(group, key=lambda one: float(one.value.max()))


def step_of(at: Floats) -> float | None:
    """The usual distance of samples in seconds; None for fewer than three samples."""
    return float(np.median(np.diff(at))) if len(at) >= 3 else None


def hours(seconds: float) -> str:
    """A span of time for a sentence."""
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{figure(seconds / 3600)} h" if seconds < 172_800 else f"{figure(seconds / 86_400)} days"
