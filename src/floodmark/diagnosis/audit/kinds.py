"""Is a series what its name says it is: a size, a rate, a count?"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import numpy as np

from floodmark.evidence.nouns import Floats, Series

from .case import (
    LEVELS,
    MB,
    MIB,
    Case,
    Finding,
    Use,
    claims_growth,
    claims_memory,
    claims_per_hour,
    distinct,
    figure,
    highest,
    listed,
    moment,
    peak,
    services,
    words,
)

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
        thresholds = listed(distinct(one.labels["threshold"] for one in counts if "threshold" in one.labels))
        what = f"how often memory was found to have grown by more than {thresholds}" if thresholds else "growth events"
        text = (
            f"The values of {metric!r} ({services(counts)}) count {what}{window}; they are not sizes and hold no MB/h. "
            f"The largest, {figure(value)} at {moment(at)}, is that many events, not {figure(value)} MB/h."
        )
        yield Finding(tuple(counts), Use.REFUSE, text)


def _counts_growth(series: Series) -> bool:
    if series.measure == "events":
        return claims_memory(series)
    return claims_growth(series) and not _query_of_rate(series) and looks_counted(series.value)


def _query_of_rate(series: Series) -> bool:
    return bool(re.search(r"\b(rate|irate|deriv|delta|idelta)\s*\(", series.expr))


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


def gauge_under_rate(case: Case) -> Iterator[Finding]:
    """`rate()`, `irate()` or `increase()` of a size: each fall is taken for a reset and adds the whole value.

    Seen in the query, or, without one, in a "growth" that never is negative while the size itself falls.
    Wrong when the size never falls, and for a growth that a panel cuts off at zero.
    """
    for metric, group in case.by_metric("rate"):
        in_query = [one for one in group if rated_gauge(one.expr)]
        wrong = in_query or [one for one in group if claims_growth(one) and _cannot_be_slope(case, one)]
        if not wrong:
            continue
        top = highest(wrong)
        value, at = peak(top)
        gauge = rated_gauge(top.expr)
        what = f"is `rate()` of {gauge}, a size" if gauge else "never is negative although the memory itself falls"
        text = (
            f"{metric!r} ({services(wrong)}) {what}: every fall counts as a reset and adds the whole value, so "
            f"workers of constant size give a high rate. Its largest value, {figure(value)} at {moment(at)}, is no "
            f"growth.{_recomputed_words(case, wrong)}"
        )
        yield Finding(tuple(wrong), Use.REFUSE, text)


def rated_gauge(expr: str) -> str | None:
    """The size under `rate()` in a query, or None: a metric that speaks of memory and does not end as counters do."""
    for match in re.finditer(r"\b(?:rate|irate|increase)\s*\(\s*([a-zA-Z_:][\w:]*)", expr):
        name = match.group(1)
        if re.search(r"memory|rss|resident|heap|working_set|bytes", name) and not re.search(
            r"(_total|_count|_sum|_bucket|_created|failcnt|_failures?|_events?)$", name
        ):
            return name
    return None


def _cannot_be_slope(case: Case, series: Series) -> bool:
    """Not once negative in many samples, while a size of the same service goes down, or nothing shows the size."""
    value = series.value
    if len(value) < 6 or bool(np.any(value < 0)) or not bool(np.any(value > 0)):
        return False
    sizes = [one for one in case.of(series.service, *LEVELS, "heap") if len(one.value) >= 3]
    falls = any(bool(np.any(np.diff(one.value) < -0.01 * one.value[:-1])) for one in sizes)
    return falls or (not sizes and len(value) >= 24 and float(np.mean(value > 0)) > 0.25)


def _recomputed_words(case: Case, wrong: list[Series]) -> str:
    for series in wrong:
        for gauge in case.of(series.service, *LEVELS):
            match = matching_unit(series, gauge)
            if match:
                return (
                    f" Checked: rises and whole values after falls of {gauge.metric} ({gauge.service}), summed over an "
                    f"hour, give the same {match[0]} per {match[1]}."
                )
    return ""


def matching_unit(series: Series, gauge: Series) -> tuple[str, str] | None:
    """("MB", "second") where `rate()` of the gauge in that unit gives the values of the series within a sixth."""
    if gauge.process is not None or len(gauge.at) < 30 or not len(series.value):
        return None
    rate, shown = reset_rate(gauge), float(np.median(series.value))
    if rate <= 0 or shown <= 0:
        return None
    units = {
        ("MiB", "second"): shown * MIB, ("MB", "second"): shown * MB, ("bytes", "second"): shown,
        ("MiB", "hour"): shown * MIB / 3600, ("MB", "hour"): shown * MB / 3600,
    }  # fmt: skip
    best = min(units, key=lambda unit: abs(np.log(units[unit] / rate)))
    return best if abs(np.log(units[best] / rate)) < 0.15 else None


def reset_rate(gauge: Series, window_seconds: float = 3600.0) -> float:
    """Median over the series of what `rate(gauge[1h])` gives, in units per second: falls are taken for resets."""
    steps = np.diff(gauge.value)
    rises = np.concatenate([[0.0], np.cumsum(np.where(steps >= 0, steps, gauge.value[1:]))])
    begin = np.searchsorted(gauge.at, gauge.at - window_seconds)
    whole = gauge.at - gauge.at[0] >= window_seconds
    if not whole.any():
        return 0.0
    return float(np.median((rises - rises[begin])[whole])) / window_seconds


def wrong_time_unit(case: Case) -> Iterator[Finding]:
    """A name says per hour, the values are per second: 3,600 times smaller.

    Seen in the query (`rate` and `deriv` give units per second, nothing multiplies by 3600), or from the sizes of the
    same service. Wrong when the multiplication happens outside the query (a transformation in the panel).
    """
    for metric, group in case.by_metric("rate"):
        wrong = [one for one in group if claims_per_hour(one) and _is_per_second(case, one)]
        if wrong:
            text = (
                f"{metric!r} ({services(wrong)}) is called a rate per hour, but its query gives units per second: the "
                f"values are 3,600 times too small for their name."
            )
            yield Finding(tuple(wrong), Use.REFUSE, text)


def _is_per_second(case: Case, series: Series) -> bool:
    if _query_of_rate(series):
        return not re.search(r"\*\s*(3600|60\s*\*\s*60)\b|\b(3600|60\s*\*\s*60)\s*\*", series.expr)
    if series.expr or not _cannot_be_slope(case, series):
        return False
    matches = (matching_unit(series, gauge) for gauge in case.of(series.service, *LEVELS))
    return any(match is not None and match[1] == "second" for match in matches)


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
        wrong = [one for one in group if one.labels.get("kind") != "counter" and _fractional(one.value)]
        if not wrong:
            continue
        top = highest(wrong)
        value, at = peak(top)
        text = (
            f"{metric!r} ({services(wrong)}) counts, yet holds fractions: {figure(value)} at {moment(at)} stands for "
            f"{int(value)}. `increase()` stretches a count to the edges of its window; round down before use."
            f"{_per_hour_words(top)}"
        )
        yield Finding(tuple(wrong), Use.CAUTION, text)


def _fractional(value: Floats) -> bool:
    counted = value[value > 0]
    return len(counted) >= 3 and float(np.mean(np.abs(counted - np.round(counted)) > 1e-6)) > 0.3


def _per_hour_words(series: Series) -> str:
    if series.measure != "restarts" or len(series.at) < 3:
        return ""
    span = float(series.at[-1] - series.at[0]) + float(np.median(np.diff(series.at)))
    return f" {series.instance or series.service}: about {figure(round(series.value.sum() / span * 3600, 1))} an hour."


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
