"""Is a growth per hour a growth, and per hour? `rate()` of a size is neither."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from floodmark.evidence.nouns import Series

from .case import (
    LEVELS,
    MB,
    MIB,
    Case,
    Finding,
    Use,
    claims_growth,
    claims_per_hour,
    distinct,
    figure,
    highest,
    moment,
    peak,
    services,
)  # fmt: skip

MOST_SIZES = 20
"""Sizes of one service that are rated as a check: by view they are all the same."""


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
    values = np.concatenate([one.value for one in claims]) if claims else np.empty(0)
    if len(values) < 12 or bool(np.any(values < 0)) or float(np.mean(values > 0)) < 0.25:
        return []
    names = distinct(one.service for one in claims)
    fell = any(_falls(size) for name in names for size in case.of(name, *LEVELS, "heap"))
    return claims if fell or len(values) >= 24 else []


def _falls(size: Series) -> int:
    """How often a size was more than 1% smaller than one sample before."""
    return int(np.count_nonzero(np.diff(size.value) < -0.01 * size.value[:-1]))


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
        by_query = [one for one in named if is_query_of_rate(one) and not _times_3600(one.expr)]
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
        falls = _falls(size)
        if falls >= 3 and len(size.value) >= 8:
            least = max(least, falls / float(size.at[-1] - size.at[0]) * 3600 * float(size.value.min()))
    return least


def is_query_of_rate(series: Series) -> bool:
    """Does the query ask for a rate or a slope?"""
    return bool(re.search(r"\b(rate|irate|deriv|delta|idelta)\s*\(", series.expr))
