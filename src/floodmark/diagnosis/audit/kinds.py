"""Is a series what its name says it is: a size, a rate, a count?"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import numpy as np

from floodmark.evidence.nouns import Floats, Series

from .case import (
    Case,
    Finding,
    Use,
    accuses,
    claims_growth,
    distinct,
    figure,
    highest,
    listed,
    moment,
    peak,
    services,
    words,
)
from .rates import is_query_of_rate

FASTEST_COLLECTIONS = 500.0
"""Collections a second of one generation that no web worker does: at some 100 us each they would fill its time."""


def event_count_read_as_rate(case: Case) -> Iterator[Finding]:
    """Counts of growth events: whole numbers, or `increase()` of a counter, under a name that speaks of memory.

    Wrong when a panel rounds a true rate to whole MB: then the name says MB/h, and the growth is read from the sizes
    all the same.
    """
    for metric, group in case.by_metric("events", "rate", "unknown"):
        counts = [one for one in group if _counts_growth(one)] or _nested_thresholds(group)
        if not counts:
            continue
        top = highest(counts)
        value, at = peak(top)
        window = _span_words(top)
        thresholds = listed(
            distinct(one.labels["threshold"] for one in sorted(counts, key=_threshold) if _threshold(one))
        )
        what = f"how often memory was found to have grown by more than {thresholds}" if thresholds else "growth events"
        text = (
            f"The values of {metric!r} ({services(counts)}) count {what}{window}; they are not sizes and hold no MB/h. "
            f"The largest, {figure(value)} at {moment(at)}, is that many events, not {figure(value)} MB/h."
        )
        yield Finding(tuple(counts), Use.REFUSE, text)


def _counts_growth(series: Series) -> bool:
    if series.measure == "events":
        return accuses(series)
    return claims_growth(series) and not is_query_of_rate(series) and looks_counted(series.value)


def looks_counted(value: Floats) -> bool:
    """Never negative, whole numbers only, and enough different ones that this is no accident."""
    positive = value[value > 0]
    whole = bool(np.all(value >= 0)) and bool(np.all(value == np.round(value)))
    return whole and len(np.unique(positive)) >= 4


def _nested_thresholds(group: list[Series]) -> list[Series]:
    """Series of one service of which the one with the higher threshold is never above the other: nested counts."""
    ordered = sorted((one for one in group if _threshold(one)), key=lambda one: (one.service, _threshold(one)))
    nested = [
        (low, high)
        for low, high in itertools.pairwise(ordered)
        if low.service == high.service and _never_above(high, low)
    ]
    return [one for one in ordered if any(one in pair for pair in nested)]


def _threshold(series: Series) -> float:
    match = re.match(r"\s*(\d+(?:\.\d+)?)\s*[kmg]?i?b", series.labels.get("threshold", ""), re.IGNORECASE)
    return float(match.group(1)) if match else 0.0


def _never_above(high: Series, low: Series) -> bool:
    common, left, right = np.intersect1d(high.at, low.at, assume_unique=True, return_indices=True)
    return len(common) >= 4 and bool(np.all(high.value[left] <= low.value[right]))


def _span_words(series: Series) -> str:
    window = series.labels.get("window")
    if not window:
        return ""
    seconds = float(window)
    return f" in {seconds / 3600:g} h" if seconds >= 3600 else f" in {seconds / 60:g} min"


def self_counting_counter(case: Case) -> Iterator[Finding]:
    """A counter to which its own cumulative count is added each time, so that it grows with the square of the requests.

    Seen at garbage collections: more a second than a process can do, or a counter that only ever speeds up.
    Wrong when many processes are summed under one name; then the rate is still not that of one process.
    """
    for metric, group in case.by_metric("rate", "events", "unknown"):
        wrong = [one for one in group if re.search(r"\bgc\b|garbage|collections?\b", words(one)) and _runs_away(one)]
        if not wrong:
            continue
        value, at = peak(highest(wrong))
        text = (
            f"{metric!r} ({services(wrong)}) reaches {figure(value)} at {moment(at)}: more collections than a process "
            f"can do. A count that is cumulative already was added again at each request, so it grows with the square "
            f"of their number and says nothing on garbage collection."
        )
        yield Finding(tuple(wrong), Use.REFUSE, text)


def _runs_away(series: Series) -> bool:
    if series.labels.get("kind") != "counter":
        return bool(len(series.value)) and float(series.value.max()) > FASTEST_COLLECTIONS
    steps = np.diff(series.value)
    last_reset = int(np.max(np.nonzero(steps < 0)[0], initial=-1)) + 1
    life = steps[last_reset:] / np.diff(series.at)[last_reset:]
    third = len(life) // 3
    if third < 7 or life[:third].mean() <= 0:
        return False
    steady = float(np.corrcoef(life, np.arange(len(life)))[0, 1])
    return bool(life[-third:].mean() > 3 * life[:third].mean()) and steady > 0.9


def extrapolated_counts(case: Case) -> Iterator[Finding]:
    """Counts with fractions: `increase()` stretches what it saw to the edges of its window, 7 restarts read as 7.24.

    Wrong for an average over several series, which has fractions of its own.
    """
    for metric, group in case.by_metric("restarts", "events"):
        wrong = [
            one
            for one in group
            if one.labels.get("kind") != "counter" and not _counts_growth(one) and _fractional(one.value)
        ]
        if not wrong:
            continue
        top = highest(wrong)
        value, at = peak(top)
        text = (
            f"{metric!r} ({services(wrong)}) counts, yet holds fractions: {value:,.2f} at {moment(at)} stands for "
            f"{int(value):,}. `increase()` stretches a count to the edges of its window; round down before use."
            f"{_per_hour_words(top)}"
        )
        yield Finding(tuple(wrong), Use.CAUTION, text)


def _fractional(value: Floats) -> bool:
    counted = value[value > 0]
    return len(counted) >= 3 and float(np.mean(np.abs(counted - np.round(counted)) > 1e-6)) > 0.3


def _per_hour_words(series: Series) -> str:
    window = float(series.labels.get("window", 0))
    if series.measure != "restarts" or not window:
        return ""
    rate = float(np.floor(series.value).mean()) * 3600 / window
    return f" On average {figure(round(rate, 1))} an hour ({series.instance or series.service})."


def censored_values(case: Case) -> Iterator[Finding]:
    """A fifth or more of the values lie exactly at the largest one: an upper bound of the instrument, read "at least".

    Seen at latencies in the top bucket of a histogram. Wrong when a service really answers always in the same time.
    """
    for metric, group in case.by_metric("latency"):
        values = np.concatenate([one.value for one in group])
        top = float(values.max())
        share = float(np.mean(values == top))
        if len(values) >= 10 and share >= 0.2 and top > 0:
            text = (
                f"{round(share * len(values)):,} of {len(values):,} values of {metric!r} are exactly "
                f"{figure(top)}, the top bucket of the histogram: read them as at least {figure(top)}; means and "
                f"trends are not known."
            )
            yield Finding(tuple(group), Use.CAUTION, text)
