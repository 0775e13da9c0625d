"""Can the times of a series be trusted, and is there enough of it?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from floodmark.evidence.nouns import Series

from .case import LEVELS, Case, Finding, Use, distinct, figure, hours, listed, moment, services, step_of, view_of

Span = tuple[float, float]
"""(first, last) second."""

LONGEST_GAP_STEPS = 5
LEAST_GAP_SECONDS = 600.0
"""A gap is worth a word from five missing samples on, and never below ten minutes."""

TOGETHER_SECONDS = 600.0
"""Gaps whose ends are this close are one gap, seen with different steps."""

LEAST_BETWEEN_SECONDS = 7200.0
LEAST_WINDOW_SECONDS = 1800.0
"""Windows of half an hour and more are told apart by two hours without anything between them."""

WINDOWED = (*LEVELS, "events", "rate")

MOST_GAPS = 5
"""Gaps that are named one by one; the longest first."""


def gaps(case: Case) -> Iterator[Finding]:
    """Stretches without samples: nothing is known of the memory in them.

    Wrong when a series only exists while something runs (a job): then its absence is an answer.
    """
    spans = windows(case)
    between = _between(spans) if _picked(spans) else []
    for begin, end, series in sorted(_all_gaps(case, between), key=lambda gap: (gap[0] - gap[1], gap[0]))[:MOST_GAPS]:
        hour = _zone_less(case, series) and abs(end - begin - 3600) <= 600
        text = (
            f"No samples for {hours(end - begin)} from {moment(begin)} in {len(series)} series ({services(series)})"
            f"{'; the source has no zone, so this may be a change of the clock' if hour else ''}."
        )
        yield Finding(tuple(series), Use.CAUTION, text)


def _all_gaps(case: Case, between: list[Span]) -> list[tuple[float, float, list[Series]]]:
    """(begin, end, series) of the gaps of containers; those that begin and end together are one."""
    met: list[tuple[float, float, list[Series]]] = []
    for one in case.series:
        if one.measure not in LEVELS or one.process is not None:
            continue
        for gap in _gaps_of(one):
            if any(_spans(gap, other) for other in between):
                continue
            same = next((known for known in met if _together(gap, (known[0], known[1]))), None)
            if same is None:
                met.append((*gap, [one]))
            else:
                same[2].append(one)
    return met


def _spans(gap: Span, other: Span) -> bool:
    """Is a gap the time between two windows, or more than it?"""
    return gap[0] <= other[0] + TOGETHER_SECONDS and gap[1] >= other[1] - TOGETHER_SECONDS


def _together(one: Span, other: Span) -> bool:
    return abs(one[0] - other[0]) <= TOGETHER_SECONDS and abs(one[1] - other[1]) <= TOGETHER_SECONDS


def _gaps_of(series: Series) -> Iterator[Span]:
    step = step_of(series.at)
    if step is None:
        return
    for index in np.nonzero(np.diff(series.at) > max(LONGEST_GAP_STEPS * step, LEAST_GAP_SECONDS))[0]:
        yield float(series.at[index]), float(series.at[index + 1])


def _zone_less(case: Case, series: list[Series]) -> bool:
    paths = {one.place.source for one in series}
    clocks = [source.clock for source in case.evidence.sources if source.path in paths]
    return any(clock is not None and clock.basis in ("assumed", "inferred") for clock in clocks)


def duplicate_samples(case: Case) -> Iterator[Finding]:
    """Several different values at one time under one name: two things are written into one series.

    Equal values at one time are dropped without a word. Wrong when the times are rounded to more than the step.
    """
    for metric, group in _twice(case).items():
        count = sum(len(times) for _, times in group)
        wrong = tuple(series for series, times in group if not _one_hour(times))
        if wrong:
            text = (
                f"{metric!r} has {count:,} times with several different values ({services(wrong)}): two things share "
                f"one name. The first value of each time was kept."
            )
            yield Finding(_clean(case, wrong), Use.CORROBORATE, text)


def clock_jump(case: Case) -> Iterator[Finding]:
    """An hour that is there twice: the clock went back, or two exports with different zones were put together.

    Wrong when two things share one name for just that hour.
    """
    for metric, group in _twice(case).items():
        wrong = [(series, times) for series, times in group if _one_hour(times)]
        if wrong:
            begin, end = min(times[0] for _, times in wrong), max(times[-1] for _, times in wrong)
            text = (
                f"{metric!r}: the time from {moment(begin)} to {moment(end)} is there twice, as when clocks go back. "
                f"The first reading was kept; slopes across it are not sure."
            )
            yield Finding(_clean(case, tuple(series for series, _ in wrong)), Use.CAUTION, text)


def _twice(case: Case) -> dict[str, list[tuple[Series, list[float]]]]:
    """metric -> (series as read, times that it has with different values), for series in which that is above 1%."""
    found: dict[str, list[tuple[Series, list[float]]]] = defaultdict(list)
    for one in case.evidence.series:
        if len(one.at) < 4:
            continue
        order = np.lexsort((one.value, one.at))
        at, value = one.at[order], one.value[order]
        conflict = (np.diff(at) == 0) & (np.diff(value) != 0)
        times = np.unique(at[1:][conflict])
        if len(times) > 0.01 * len(at):
            found[one.metric].append((one, [float(time) for time in times]))
    return found


def _one_hour(times: list[float]) -> bool:
    """Do the times fill one stretch of about an hour, as they do when clocks go back?"""
    if len(times) < 3:
        return False
    step = float(np.median(np.diff(times)))
    return abs(times[-1] - times[0] + step - 3600) <= 2 * step and bool(np.max(np.diff(times)) <= 2 * step)


def _clean(case: Case, raw: tuple[Series, ...]) -> tuple[Series, ...]:
    """The tidied series that these were made into."""
    names = {(one.service, one.instance, one.process, one.measure, one.metric) for one in raw}
    return tuple(
        one for one in case.series if (one.service, one.instance, one.process, one.measure, one.metric) in names
    )


def mostly_empty(case: Case) -> Iterator[Finding]:
    """A column of a table with almost nothing in it: one or two values, or a tenth of the rows of its panel.

    Wrong for things that lived for a moment: their few values are all there is.
    """
    for metric, group in case.by_metric(*LEVELS):
        rows = np.unique(np.concatenate([one.at for one in group]))
        wrong = [one for one in group if one.process is None and view_of(one) is None and _sparse(one, len(rows))]
        if len(rows) >= 10 and wrong:
            fullest = max(wrong, key=lambda one: len(one.at))
            text = (
                f"{metric!r}: {listed(distinct(_name(one) for one in wrong), 3)} "
                f"{'have' if len(wrong) > 1 else 'has'} at most {figure(len(fullest.at))} of {figure(len(rows))} "
                f"values; no growth can be read from so few."
            )
            yield Finding(tuple(wrong), Use.CORROBORATE, text)


def _sparse(series: Series, rows: int) -> bool:
    if len(series.at) <= 2:
        return True
    span = float(series.at[-1] - series.at[0])
    step = step_of(series.at) or 1.0
    return len(series.at) < 0.1 * rows and span > 10 * step * len(series.at)


def _name(series: Series) -> str:
    return " of ".join(name for name in (series.service, series.instance) if name)


def picked_windows(case: Case) -> Iterator[Finding]:
    """Several short windows with nothing known between them: slopes in them may differ by chance.

    Wrong when the windows were drawn at random or cover the whole by turns; they still say nothing of the time between.
    """
    spans = windows(case)
    if _picked(spans):
        series = [one for one in case.series if one.measure in WINDOWED and len(one.at)]
        text = (
            f"{listed(distinct(repr(one.metric) for one in series), 3)} are there in {len(spans)} windows that cover "
            f"{hours(_covered(spans))} of {hours(spans[-1][1] - spans[0][0])}; nothing is known of the rest. Different "
            f"slopes in them are not an acceleration unless their intervals say so."
        )
        yield Finding(tuple(series), Use.CAUTION, text)


def windows(case: Case) -> list[Span]:
    """The stretches in which anything about memory was sampled, divided where nothing was for two hours or four steps.

    Several panels together show a window; a single one may be empty in it.
    """
    series = [one for one in case.series if one.measure in WINDOWED and len(one.at)]
    longest = max((step for one in series if (step := step_of(one.at)) and step <= 3600), default=0.0)
    limit = max(LEAST_BETWEEN_SECONDS, 4 * longest)
    spans: list[Span] = []
    for first, last in sorted(span for one in series for span in _stretches(one, limit)):
        if spans and first <= spans[-1][1] + limit:
            spans[-1] = (spans[-1][0], max(last, spans[-1][1]))
        else:
            spans.append((first, last))
    return [span for span in spans if span[1] - span[0] >= LEAST_WINDOW_SECONDS]


def _stretches(series: Series, limit: float) -> Iterator[Span]:
    """The stretches of one series between gaps of more than `limit` seconds."""
    edges = np.nonzero(np.diff(series.at) > limit)[0]
    starts, ends = np.append(0, edges + 1), np.append(edges, len(series.at) - 1)
    yield from zip(series.at[starts].tolist(), series.at[ends].tolist(), strict=True)


def _covered(spans: list[Span]) -> float:
    return sum(last - first for first, last in spans)


def _picked(spans: list[Span]) -> bool:
    """Do these windows leave half of the time between the first and the last uncovered?"""
    return len(spans) >= 2 and _covered(spans) < 0.5 * (spans[-1][1] - spans[0][0])


def _between(spans: list[Span]) -> list[Span]:
    return [(before[1], after[0]) for before, after in pairwise(spans)]
