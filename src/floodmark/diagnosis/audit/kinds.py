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
    accuses,
    claims_growth,
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

MOST_SIZES = 20
"""Sizes of one service that are rated as a check: by view they are all the same."""

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
        wrong = [one for one in group if rated_gauge(one.expr)] or _cannot_be_slopes(case, group)
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
        yield Finding(tuple(group), Use.REFUSE, text)


def rated_gauge(expr: str) -> str | None:
    """The size under `rate()` in a query, or None: a metric that speaks of memory and does not end as counters do."""
    for match in re.finditer(r"\b(?:rate|irate|increase)\s*\(\s*([a-zA-Z_:][\w:]*)", expr):
        name = match.group(1)
        if re.search(r"memory|rss|resident|heap|working_set|bytes", name) and not re.search(
            r"(_total|_count|_sum|_bucket|_created|failcnt|_failures?|_events?)$", name
        ):
            return name
    return None


def _cannot_be_slopes(case: Case, group: list[Series]) -> list[Series]:
    """The growths of a panel, if none was ever negative in a dozen values while a size of the same services fell.

    Where no size is there to compare with, two dozen values are asked for: memory of real services falls at times.
    """
    claims = [one for one in group if claims_growth(one)]
    if not claims:
        return []
    values = np.concatenate([one.value for one in claims])
    if len(values) < 12 or bool(np.any(values < 0)) or float(np.mean(values > 0)) < 0.25:
        return []
    sizes = [size for name in distinct(one.service for one in claims) for size in case.of(name, *LEVELS, "heap")]
    fell = any(bool(np.any(np.diff(one.value) < -0.01 * one.value[:-1])) for one in sizes)
    return claims if fell or len(values) >= 24 else []


def _recomputed_words(case: Case, wrong: list[Series]) -> str:
    """What the sizes in the evidence give when rated in this way, beside what a line through them gives."""
    for service in distinct(one.service for one in wrong):
        rated = _rated(case, service)
        for series in (one for one in wrong if one.service == service):
            for size, rate in rated:
                if rated_as(series, size, rate):
                    return (
                        f" Checked with {size.metric} of {service}: rated like this its samples give "
                        f"{figure(rate / MB)} MB a second, a line through them {figure(slope(size) / MB * 3600)} MB "
                        f"an hour."
                    )
    return ""


def _rated(case: Case, service: str) -> list[tuple[Series, float]]:
    """(size, what rating it gives per second) for sizes that an application reports of itself, a few of them."""
    sizes = [
        one
        for one in case.of(service, "rss")
        if one.process is None and not one.metric.startswith("container_") and len(one.at) >= 30
    ]
    return [(one, reset_rate(one)) for one in sizes[:MOST_SIZES]]


def rated_as(series: Series, size: Series, rate: float) -> str | None:
    """ "second" or "hour" where the values of the series fit the rate of the size in MB per that time, else None.

    A mixture gives more the finer it is sampled: an export a minute apart of scrapes 15 s apart gives a quarter. So the
    series may show up to eight times what the samples give.
    """
    if rate <= 0 or not len(series.value) or (series.expr and size.metric not in series.expr):
        return None
    shown = float(np.median(series.value)) * MB
    for name, seconds in (("second", 1.0), ("hour", 3600.0)):
        if 0.8 < shown / seconds / rate < 8:
            return name
    return None


def slope(size: Series) -> float:
    """Difference of the medians of the last and the first third, per second: a line that jumps do not bend."""
    third = max(1, len(size.value) // 3)
    change = float(np.median(size.value[-third:]) - np.median(size.value[:third]))
    return change / float(np.median(size.at[-third:]) - np.median(size.at[:third]))


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
        named = [one for one in group if claims_per_hour(one)]
        by_query = [one for one in named if _query_of_rate(one) and not _times_3600(one.expr)]
        by_size = [] if any(one.expr for one in named) else _per_second_by_size(case, named)
        wrong = by_query or by_size
        if wrong:
            why = (
                "its query gives units per second" if by_query else "the falls of the memory alone would give far more"
            )
            text = (
                f"{metric!r} ({services(wrong)}) is called a rate per hour, but {why}: the values are per second, "
                f"3,600 times smaller than their name says."
            )
            yield Finding(tuple(group), Use.REFUSE, text)


def _times_3600(expr: str) -> bool:
    return bool(re.search(r"\*\s*(3600|60\s*\*\s*60)\b|\b(3600|60\s*\*\s*60)\s*\*", expr))


def _per_second_by_size(case: Case, named: list[Series]) -> list[Series]:
    """Growths that cannot be slopes and fit the sizes of their service as rates per second."""
    found = []
    claims = _cannot_be_slopes(case, named)
    for service in distinct(one.service for one in claims):
        rated, least = _rated(case, service), _least_per_hour(case, service)
        for one in claims:
            if one.service == service and len(one.value):
                fits = any(rated_as(one, size, rate) == "second" for size, rate in rated)
                unit = MIB if "MiB" in one.unit else MB
                if fits or least > 10 * float(one.value.max()) * unit:
                    found.append(one)
    return found


def _least_per_hour(case: Case, service: str) -> float:
    """Bytes an hour that rating a size of the service gives at least: each fall adds what is left after it."""
    least = 0.0
    for size in case.of(service, *LEVELS):
        falls = int(np.count_nonzero(np.diff(size.value) < -0.01 * size.value[:-1])) if len(size.value) >= 8 else 0
        if falls >= 3:
            least = max(least, falls / float(size.at[-1] - size.at[0]) * 3600 * float(size.value.min()))
    return least


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
