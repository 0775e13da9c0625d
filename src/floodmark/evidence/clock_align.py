"""Putting the clocks of all sources side by side: which zone a wall clock is in, and how that is known.

In this order: what the user gave; events that a source with a known clock tells of as well (a request that nginx's error
log and its access log both end, a worker's 504); the shape of activity over time (each request opens a connection); for
an application's own log the zone its other lines show; and at last UTC, as an assumption that the report prints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from floodmark.evidence.clock import Lane, fixed, offset_name, zone_of
from floodmark.evidence.clock_series import by_series, skews_by_births
from floodmark.evidence.ledger import Ledger, SourceRow
from floodmark.evidence.metrics.alignment import by_edges, whole_spans
from floodmark.evidence.nouns import Clock, Floats

QUARTER = 900
MAX_EAST = 14 * 3600
MIN_VOTES = 3
MAX_TWINS = 12
"""An anchor met more often than this in a source is too common to tell one moment from another."""

TOLERANCE_SECONDS = 90.0
ASSUMED = "no zone stated or found: taken as UTC"
PROFILE_HOURS = 6.0
PROFILE_BIN = 300
PANEL_KINDS = ("grafana-csv", "metrics-csv")
APPLICATION_KINDS = ("django-q", "application-log", "uwsgi", "gunicorn-error", "gunicorn-access")


@dataclass(frozen=True, slots=True)
class GivenZone:
    """A zone the user gave for sources whose path matches a pattern."""

    pattern: str
    zone: str


def align(
    ledger: Ledger, given: Sequence[GivenZone], window_end: float | None, services: Mapping[int, str]
) -> None:  # fmt: skip
    """Settle the clock of every lane; `services` by family of files. Raises ValueError for a zone that does not exist."""
    for lane in ledger.lanes:
        if lane.sort == "zoned":
            _state(lane)
    known = [lane for lane in ledger.lanes if lane.sort == "zoned"]
    latest = max((lane.last for lane in known if lane.last is not None), default=window_end)
    for lane in sorted(ledger.lanes, key=lambda lane: (lane.sort, lane.number)):
        if lane.sort in ("wall", "undated"):
            _settle_wall(lane, ledger, known, given, latest)
        elif lane.sort == "ages":
            _settle_ages(lane, ledger, latest)
    _like_their_kind(ledger)
    for lane in known:
        lane.skews = skews_by_births(lane, ledger, services)
        for service, skew in lane.skews.items():
            lane.clock = Clock(lane.clock.zone, "inferred", skew)
            ledger.sources[lane.source].remark(
                f"clock of {service} {skew:+.0f} s: its processes were seen before its log says that they began"
            )


def _like_their_kind(ledger: Ledger) -> None:
    """Sources of one kind in one folder were written by one program: a clock found for one is taken for all."""
    found: dict[tuple[str, str], Lane] = {}
    for lane in ledger.lanes:
        if lane.sort == "wall" and lane.clock.basis == "inferred":
            found.setdefault(_kin(ledger, lane), lane)
    for lane in ledger.lanes:
        model = found.get(_kin(ledger, lane))
        if lane.sort == "wall" and lane.clock.basis == "assumed" and model is not None and model.clock.zone:
            row = ledger.sources[lane.source]
            lane.settle(zone_of(model.clock.zone), model.clock.zone, "inferred")
            row.remarks = [text for text in row.remarks if text != ASSUMED]
            row.remark(f"clock {model.clock.zone}: that of {ledger.sources[model.source].path}")


def _kin(ledger: Ledger, lane: Lane) -> tuple[str, str]:
    row = ledger.sources[lane.source]
    return row.kind, row.path.rpartition("/")[0]


def _state(lane: Lane) -> None:
    """A lane of times that state their zone, or of a source that says what its clock is."""
    if lane.clock.zone is None and lane.clock.basis == "assumed":
        name = offset_name(max(sorted(lane.offsets), key=lambda east: lane.offsets[east])) if lane.offsets else "+00:00"
        lane.clock = Clock(name, "stated")


@dataclass(frozen=True, slots=True)
class Asked:
    """A wall clock whose zone is looked for: its lane, `days` to its date, and what there is to find it with."""

    lane: Lane
    ledger: Ledger
    known: list[Lane]
    days: float

    @property
    def kind(self) -> str:
        """What its source is."""
        return self.ledger.sources[self.lane.source].kind


def _settle_wall(
    lane: Lane, ledger: Ledger, known: list[Lane], given: Sequence[GivenZone], latest: float | None
) -> None:  # fmt: skip
    row = ledger.sources[lane.source]
    asked = Asked(lane, ledger, known, _days(lane, ledger, latest) if lane.sort == "undated" else 0.0)
    rule = next((rule for rule in given if fnmatchcase(row.path, rule.pattern)), None)
    if rule is not None:
        lane.settle(zone_of(rule.zone), rule.zone, "given", days=asked.days)
        _doubt(rule.zone, asked, row)
        return
    for find, why in FINDERS:
        found = find(asked)
        if found is not None:
            east = round(found / QUARTER) * QUARTER
            lane.settle(fixed(east), offset_name(east), "inferred", 0.0, asked.days)
            row.remark(f"clock {offset_name(east)}: {why}")
            return
    lane.settle(fixed(0), "+00:00", "assumed", 0.0, asked.days)
    row.remark(ASSUMED)


def _doubt(zone: str, asked: Asked, row: SourceRow) -> None:
    """Say so where events that other sources tell of too speak against the zone that was given."""
    anchored = _by_anchors(asked)
    if anchored is not None and abs(_middle_shift(asked.lane) - asked.days + anchored) > TOLERANCE_SECONDS + 60:
        row.remark(
            f"the zone given ({zone}) contradicts events that other sources tell of too: they fit {offset_name(anchored)}"
        )


def _by_edges(asked: Asked) -> int | None:
    """Seconds east of UTC at which a panel begins and ends with the logs beside it."""
    lane, ledger = asked.lane, asked.ledger
    if asked.kind not in PANEL_KINDS or lane.first is None or lane.last is None:
        return None
    parts = ((ledger.sources[other.source].origin, other.first, other.last) for other in asked.known)
    return by_edges((lane.first, lane.last), whole_spans(parts))


def _middle_shift(lane: Lane) -> float:
    middle = ((lane.first or 0.0) + (lane.last or 0.0)) / 2
    return lane.utc(middle) - middle


def _days(lane: Lane, ledger: Ledger, latest: float | None) -> float:
    """Seconds to the date of an undated lane: dated lines beside it, else the file's time, else the end of all else."""
    row = ledger.sources[lane.source]
    if lane.day_votes:
        return float(max(sorted(lane.day_votes), key=lambda days: lane.day_votes[days]))
    # wall clocks are compared with wall clocks: what is known in UTC is moved to the application's zone
    east = _application_zone(ledger) or 0
    last = (lane.last or 0.0) - east
    modified = row.modified
    if modified is not None and (latest is None or abs(modified - latest) < 2 * 86_400):
        row.remark("the lines have no date: the last one was put before the time at which the file was written")
        return float((modified + 3600 - last) // 86_400 * 86_400)
    if latest is not None:
        row.remark("the lines have no date: the last one was put on the day on which all other sources end")
        return float((latest + 3600 - last) // 86_400 * 86_400)
    row.remark("the lines have no date, and nothing tells it: they count from the day of the file")
    return float(((modified or last) - last) // 86_400 * 86_400)


def _settle_ages(lane: Lane, ledger: Ledger, latest: float | None) -> None:
    """Ages are relative to the moment of the command: the file's time if that fits the rest, else the end of the rest."""
    row = ledger.sources[lane.source]
    at = row.modified
    if latest is not None and (at is None or not latest - 3600 <= at <= latest + 7 * 86_400):
        at = latest
        row.remark("ages were counted back from the end of all other sources")
    else:
        row.remark("ages were counted back from the time at which the file was written")
    lane.settle(fixed(0), "+00:00", "assumed", 0.0, at or 0.0)


def _by_anchors(asked: Asked) -> float | None:
    """Seconds east of UTC by which most events of this lane fit those of lanes with a known clock."""
    ledger, days = asked.ledger, asked.days
    mine = _rare(ledger.anchors.get(asked.lane.number, ()))
    theirs: dict[str, list[float]] = {}
    for other in asked.known:
        for key, at in ledger.anchors.get(other.number, ()):
            if key in mine:
                theirs.setdefault(key, []).append(at)
    exact: dict[int, list[float]] = {}
    for key, moments in mine.items():
        others = theirs.get(key, [])
        # a path asked for all day long fits every offset
        if len(others) <= MAX_TWINS:
            for at in moments:
                for quarter, east in _fits(at + days, others).items():
                    exact.setdefault(quarter, []).append(east)
    ranked = sorted(exact, key=lambda quarter: (-len(exact[quarter]), abs(quarter)))
    if not ranked or len(exact[ranked[0]]) < MIN_VOTES:
        return None
    # two offsets with like votes: requests that repeat every hour fit both, so neither is known
    if len(ranked) > 1 and len(exact[ranked[0]]) < 2 * len(exact[ranked[1]]):
        return None
    return float(np.median(exact[ranked[0]]))


def _fits(at: float, others: Iterable[float]) -> dict[int, float]:
    """Offset to the quarter of an hour -> the exact one that is nearest to it, of the moments that fit any."""
    fits: dict[int, float] = {}
    for other in others:
        east = at - other
        quarter = round(east / QUARTER) * QUARTER
        near = abs(east - quarter)
        better = near < abs(fits.get(quarter, float("inf")) - quarter)
        if abs(quarter) <= MAX_EAST and near <= TOLERANCE_SECONDS and better:
            fits[quarter] = east
    return fits


def _rare(anchors: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for key, at in anchors:
        found.setdefault(key, []).append(at)
    return {key: moments for key, moments in found.items() if len(moments) <= MAX_TWINS}


def _by_profile(asked: Asked) -> int | None:
    """The offset at which this lane's activity follows that of the requests, if one fits far better than the others."""
    lane, ledger, known, days = asked.lane, asked.ledger, asked.known, asked.days
    if lane.first is None or lane.last is None or lane.last - lane.first < PROFILE_HOURS * 3600:
        return None
    mine = _activity(ledger, [lane.number], "connections", days)
    theirs = _activity(ledger, [other.number for other in known], "endpoint", 0.0)
    if mine is None or theirs is None:
        return None
    scores = {}
    for east in range(-12 * 3600, MAX_EAST + 1, 1800):
        score = _agreement(mine, theirs, east // PROFILE_BIN)
        if score is not None:
            scores[east] = score
    if len(scores) < 3:
        return None
    # days look alike: the offset must fit far better than all others, or it is not taken
    best = max(scores, key=lambda east: (scores[east], -abs(east)))
    rest = [score for east, score in scores.items() if abs(east - best) > 1800]
    return best if scores[best] > 0.5 and scores[best] > max(rest, default=0.0) + 0.1 else None


def _activity(ledger: Ledger, lanes: list[int], kind: str, days: float) -> tuple[int, Floats] | None:
    """(first bin, counts) of doses of one kind."""
    keys = [
        number for key, number in ledger.store.keys.items() if key.what == "dose" and key.kind == kind and key.rank < 5
    ]
    if not keys or not lanes:
        return None
    rows = ledger.store.query(
        "SELECT second // ? AS b, sum(n) AS n FROM cells WHERE list_contains(?, lane) AND list_contains(?, key)"
        " GROUP BY 1 ORDER BY 1",
        PROFILE_BIN, lanes, keys,
    )  # fmt: skip
    if len(rows["b"]) < 12:
        return None
    bins = np.asarray(rows["b"], np.int64) + int(days // PROFILE_BIN)
    counts = np.zeros(int(bins[-1] - bins[0]) + 1)
    counts[bins - bins[0]] = np.asarray(rows["n"], np.float64)
    return int(bins[0]), counts


def _agreement(mine: tuple[int, Floats], theirs: tuple[int, Floats], shift: int) -> float | None:
    """Correlation of the changes from bin to bin, where both are known; of the changes, as all days look alike."""
    start = mine[0] - shift
    low, high = max(start, theirs[0]), min(start + len(mine[1]), theirs[0] + len(theirs[1]))
    if high - low < 24 or high - low < 0.5 * min(len(mine[1]), len(theirs[1])):
        return None
    a = np.diff(np.sqrt(mine[1][low - start : high - start]))
    b = np.diff(np.sqrt(theirs[1][low - theirs[0] : high - theirs[0]]))
    if a.std() == 0 or b.std() == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _by_measures(asked: Asked) -> int | None:
    """The offset at which its series are those of a source whose clock is known."""
    return by_series(asked.lane, asked.ledger, asked.known)


def _by_application(asked: Asked) -> int | None:
    """The offset of the application's other lines, for one of its own logs."""
    return _application_zone(asked.ledger) if asked.kind in APPLICATION_KINDS else None


def _application_zone(ledger: Ledger) -> int | None:
    """The offset most of the application's lines show: inside wrappers that state UTC, or stated by workers."""
    votes: Counter[int] = Counter()
    for (_, east), count in ledger.inner_offsets.items():
        votes[east] += count
    for lane in ledger.lanes:
        if lane.sort == "zoned" and ledger.sources[lane.source].kind in APPLICATION_KINDS:
            for east, count in lane.offsets.items():
                # the arbiter writes +00:00 whatever the workers' zone
                if east:
                    votes[east] += count
    return max(sorted(votes), key=lambda east: votes[east]) if votes else None


FINDERS: tuple[tuple[Callable[[Asked], float | None], str], ...] = (
    (_by_anchors, "found by events that other sources tell of too"),
    (_by_profile, "activity rises and falls with the requests only if it is this"),
    (_by_measures, "the same series stand in a source whose clock is known"),
    (_by_edges, "it begins and ends with other sources only if it is this"),
    (_by_application, "that of the application's other lines"),
)
"""Ways to find how many seconds east of UTC a wall clock is, the surest first, and what is said of each."""
