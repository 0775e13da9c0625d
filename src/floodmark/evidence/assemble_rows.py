"""Series, events, limits and the health of sources out of the ledger."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np

from floodmark.evidence.assemble import Assembly, floats, ints, parts_of
from floodmark.evidence.clock import Lane, offset_name
from floodmark.evidence.ledger import Ledger, SourceRow
from floodmark.evidence.nouns import Clock, ClockBasis, Event, Ints, Limit, Series, SourceHealth
from floodmark.evidence.readers import SeriesKey
from floodmark.evidence.relief import Relieved

BATCH_SAMPLES = 500_000
"""Samples that are asked of the store at once. All at once were measured to take 815 MB for 11 million of them."""

MIN_SAMPLES = 100
"""What a series may keep at least, however many series there are."""

APART_SECONDS = 600.0
"""A log and a metric this far from each other may still tell of one thing."""

CERTAINTY: dict[ClockBasis, int] = {"assumed": 0, "inferred": 1, "given": 2, "stated": 3}


def series(assembly: Assembly) -> tuple[Series, ...]:
    """Every series in the order of its times, equal samples of overlapping sources once.

    Of a series with more samples than there is room for (`room`) only the last sample of each of that many stretches is
    kept: real samples, no averages.
    """
    by_key: dict[SeriesKey, list[int]] = {}
    for number, row in enumerate(assembly.ledger.series_rows):
        by_key.setdefault(row.key, []).append(number)
    order = sorted(by_key, key=_series_order)
    members = [(number, index) for index, key in enumerate(order) for number in by_key[key]]
    kept = _stretches(assembly, members)
    found: list[Series] = []
    for first, last in _batches(kept, len(order)):
        rows = _samples(assembly, first, last)
        parts = dict(parts_of(rows["grp"]))
        for index in range(first, last):
            key = order[index]
            found.append(_one_series(assembly, key, by_key[key], rows, parts.get(index, slice(0, 0))))
    return tuple(found)


def _series_order(key: SeriesKey) -> tuple[Any, ...]:
    return key.service, key.metric, key.measure, key.instance or "", key.process or "", key.labels


def _one_series(
    assembly: Assembly, key: SeriesKey, numbers: Sequence[int], rows: dict[str, Any], part: slice
) -> Series:  # fmt: skip
    told = [assembly.ledger.series_rows[number] for number in numbers]
    started = min((row.started for row in told if row.started is not None), default=None)
    # copies: a slice of a batch would keep all of the batch in memory
    return Series(
        key.service or assembly.service_of_source(told[0].source) or "", key.instance, key.process, key.measure,
        key.metric, assembly.place(told[0].source, told[0].line), floats(rows["moment"][part]).copy(),
        floats(rows["value"][part]).copy(), dict(key.labels), key.expr, key.unit, max(row.copies for row in told), started,
    )  # fmt: skip


def room(counts: Ints, most: int, altogether: int) -> int:
    """How many samples one series may keep so that all together keep at most `altogether`: short ones keep all."""
    level, left, waiting = most, altogether, len(counts)
    for count in np.sort(counts).tolist():
        level = left // waiting
        if count > level:
            return max(min(level, most), min(MIN_SAMPLES, most))
        left, waiting = left - count, waiting - 1
    return most


def _stretches(assembly: Assembly, members: Sequence[tuple[int, int]]) -> Ints:
    """Put beside the samples which series make a group, and how long the stretches are of which one sample is kept.

    Says so in the sources that are thinned. Answers how many samples each group keeps (by number of group, ascending).
    """
    store, ledger = assembly.ledger.store, assembly.ledger
    columns = np.array(members, np.int64).reshape(-1, 2)
    skews = np.array([_skew(ledger, number) for number, _ in members], np.float64)
    store.table("wanted", {"series": columns[:, 0], "grp": columns[:, 1], "skew": skews})
    spans = store.query(
        "SELECT w.grp AS grp, count(*) AS n, max(m.moment) - min(m.moment) AS span FROM samples m"
        " JOIN wanted w ON w.series = m.series GROUP BY 1 ORDER BY 1"
    )
    group, count = ints(spans["grp"]), ints(spans["n"])
    most = room(count, assembly.max_samples, assembly.max_all_samples)
    stretch = np.where(count > most, floats(spans["span"]) / most, 0.0)
    store.table("stretches", {"grp": group, "stretch": stretch})
    thinned = set(group[stretch > 0].tolist())
    numbers = [number for number, index in members if index in thinned]
    for source, many in sorted(Counter(ledger.series_rows[number].source for number in numbers).items()):
        ledger.sources[source].remark(f"{many} series with more than {most} samples: the last of each stretch was kept")
    kept = np.zeros(int(group.max(initial=-1)) + 1, np.int64)
    kept[group] = np.minimum(count, most)
    return kept


def _batches(kept: Ints, groups: int) -> Iterator[tuple[int, int]]:
    """(first, behind the last) group of batches of about BATCH_SAMPLES."""
    first = size = 0
    for index, count in enumerate(kept.tolist()):
        if size and size + count > BATCH_SAMPLES:
            yield first, index
            first, size = index, 0
        size += count
    yield first, groups


def _samples(assembly: Assembly, first: int, last: int) -> dict[str, Any]:
    """Samples of the groups from `first` to before `last`, in the order of groups and times."""
    low, high = assembly.window or (-math.inf, math.inf)
    return assembly.ledger.store.query(
        "WITH placed AS (SELECT w.grp AS grp, m.moment + s.shift + w.skew AS moment, m.value AS value,"
        " m.series AS series, t.stretch AS stretch FROM samples m JOIN wanted w ON w.series = m.series"
        " JOIN stretches t ON t.grp = w.grp"
        " JOIN shifts s ON s.lane = m.lane AND m.moment >= s.low AND m.moment < s.high"
        " WHERE w.grp >= ? AND w.grp < ?)"
        " SELECT grp, max(moment) AS moment, arg_max(value, moment) AS value, min(series) AS origin FROM placed"
        " WHERE moment BETWEEN ? AND ? GROUP BY grp,"
        " CASE WHEN stretch > 0 THEN floor(moment / stretch) ELSE moment END,"
        " CASE WHEN stretch > 0 THEN 0 ELSE value END ORDER BY 1, 2, 4, 3",
        first, last, low, high,
    )  # fmt: skip


def _skew(ledger: Ledger, number: int) -> float:
    """Seconds to add to a series beside what its lane says."""
    row = ledger.series_rows[number]
    lanes = ledger.sources[row.source].lanes
    return sum(ledger.lanes[lane].skews.get(row.key.service, 0.0) for lane in lanes)


def events(assembly: Assembly) -> tuple[Event, ...]:
    """Events in the order of their times, equal ones of overlapping sources once."""
    ledger = assembly.ledger
    found: dict[tuple[Any, ...], Event] = {}
    for each in ledger.happenings:
        at = ledger.lanes[each.lane].utc(each.at)
        if not assembly.inside(at):
            continue
        service = each.service or assembly.service_of_source(each.source)
        place = assembly.place(each.source, each.line)
        event = Event(at, each.kind, service, each.instance, each.process, each.text, place, each.times)
        found.setdefault((at, each.kind, service, each.instance, each.process, each.text), event)
    return tuple(sorted(found.values(), key=lambda e: (e.at, e.kind, e.service or "", e.process or "", e.text)))


def limits(assembly: Assembly) -> tuple[Limit, ...]:
    """Limits as configurations state them, each once."""
    found: dict[tuple[str, str, float], Limit] = {}
    for line in assembly.ledger.limit_lines:
        service = line.service or (None if line.kind == "node-memory" else assembly.serving.of_origin(line.origin))
        limit = Limit(service, cast(Any, line.kind), line.value, assembly.place(line.source, line.line))
        found.setdefault((service or "", line.kind, line.value), limit)
    return tuple(found[key] for key in sorted(found))


def health(assembly: Assembly) -> tuple[SourceHealth, ...]:
    """One row a source that was read."""
    _remark_apart(assembly.ledger)
    relieved = Relieved(assembly.ledger)
    found = []
    for number, row in enumerate(assembly.ledger.sources):
        lanes = [assembly.ledger.lanes[lane] for lane in row.lanes if assembly.ledger.lanes[lane].first is not None]
        times = [lane.utc(at) for lane in lanes for at in (lane.first, lane.last) if at is not None]
        clock = _clock_of(lanes, row)
        found.append(
            SourceHealth(
                row.path, row.kind, assembly.service_of_source(number), row.records, row.rejected,
                min(times, default=None), max(times, default=None), clock, row.duplicates,
                sum(lane.out_of_order for lane in lanes), row.damaged, row.examples,
                "; ".join([*row.remarks, *relieved.remarks(number)]),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda health: health.path))


def _remark_apart(ledger: Ledger) -> None:
    """Say it of metrics during which there is no log at all, and of logs during which there are no metrics."""
    measured = {row.source for row in ledger.series_rows}
    spans = {number: span for number, row in enumerate(ledger.sources) if (span := _span(ledger, row)) is not None}
    sides = {
        "log": {number: span for number, span in spans.items() if number not in measured},
        "metric": {number: span for number, span in spans.items() if number in measured},
    }
    for mine, other in (("log", "metric"), ("metric", "log")):
        if not sides[other]:
            continue
        first, last = (np.array(column) for column in zip(*sorted(sides[other].values()), strict=True))
        reached = np.maximum.accumulate(last)
        for number, (low, high) in sides[mine].items():
            # of those that begin before this one ends, the one that goes on longest
            begun = int(np.searchsorted(first, high + APART_SECONDS, "right"))
            if not begun or reached[begun - 1] < low - APART_SECONDS:
                ledger.sources[number].remark(
                    f"no {other} of the evidence lies in its time, so nothing can be compared"
                )


def _span(ledger: Ledger, row: SourceRow) -> tuple[float, float] | None:
    """The first and the last moment of a source, UTC."""
    lanes = [ledger.lanes[number] for number in row.lanes]
    times = [lane.utc(at) for lane in lanes for at in (lane.first, lane.last) if at is not None]
    return (min(times), max(times)) if times else None


def _clock_of(lanes: Sequence[Lane], row: SourceRow) -> Clock | None:
    """The least certain clock of a source: that is the one to know about."""
    offsets: dict[int, int] = {}
    for lane in lanes:
        for east, count in lane.offsets.items():
            offsets[east] = offsets.get(east, 0) + count
    if len(offsets) > 1:
        told = ", ".join(f"{offset_name(east)} ({offsets[east]} lines)" for east in sorted(offsets))
        row.remark(f"more than one zone in the file: {told}")
    worst = min(lanes, key=lambda lane: (CERTAINTY[lane.clock.basis], lane.number), default=None)
    return worst.clock if worst is not None else None
