"""What pages need from the store and from the incidents' folders, bounded to what a page can show."""

from __future__ import annotations

import json
import resource
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from floodmark.diagnosis.targets import GOALS
from floodmark.evidence.nouns import Floats
from floodmark.watch.ageing import COARSE_SECONDS
from floodmark.watch.collect.base import PRESSURE
from floodmark.watch.collect.proc import Proc
from floodmark.watch.live import Watch
from floodmark.watch.state import State
from floodmark.watch.tables import Columns

CHART_POINTS = 600
GAP_STEPS = 3
REPORT = "report.html"
MEASURES = {True: ("rss", "working_set", "usage"), False: ("working_set", "rss", "usage")}
"""Whether of a process -> the measures of memory, the one that counts first, as in `WatchStore.totals`."""

MARKED = ("restart", "deploy", "oom-kill", "worker-timeout", "start")
MAX_MARKS = 60
TOP_ROUTES = 8
DRAWN_ROUTES = 3
MAX_ROUTES = 200
DAYS = 30


@dataclass(frozen=True, slots=True)
class Latest:
    """The last figures by service: memory in MB, number of processes, share of time that waited for memory."""

    memory_mb: dict[str, float]
    processes: dict[str, int]
    pressure: dict[str, float]


@dataclass(frozen=True, slots=True)
class Line:
    """Memory of a service from `since` to `until`, a value every `step` seconds where there was one. NaN is a gap."""

    since: float
    until: float
    step: float
    at: Floats
    mb: Floats


RANGES = {"window": None, "day": 86_400.0, "week": 7 * 86_400.0, "month": 30 * 86_400.0}
"""What a chart may show, in seconds; the window is as long as the setting says."""


def latest(watch: Watch) -> Latest:
    """What was measured in the last rounds: of each service one measure, its processes before its containers."""
    columns = watch.store.latest(watch.view.at - 4 * watch.settings.watch_interval_seconds, watch.view.at)
    sums: dict[str, dict[tuple[bool, int], float]] = {}
    processes: dict[str, int] = {}
    pressure: dict[str, float] = {}
    names = ("service", "measure", "process", "value")
    for name, measure, process, value in zip(*(columns[one] for one in names), strict=True):
        if measure == "processes":
            processes[name] = processes.get(name, 0) + int(value)
        elif measure == PRESSURE:
            pressure[name] = max(pressure.get(name, 0.0), float(value))
        elif measure in MEASURES[True]:
            of_process = isinstance(process, str)
            rank = not of_process, MEASURES[of_process].index(measure)
            known = sums.setdefault(name, {})
            known[rank] = known.get(rank, 0.0) + float(value) / 1e6
    return Latest({name: known[min(known)] for name, known in sums.items()}, processes, pressure)


def totals(watch: Watch, name: str, seconds: float | None = None) -> Line:
    """Memory of a service over the window, or over as many seconds until now."""
    until = watch.view.at + 1
    length = seconds or watch.settings.watch_window_seconds
    # Two rounds a step at least: with one, a round that came late would leave a hole.
    coarse = COARSE_SECONDS if length > watch.settings.watch_raw_hours * 3600 else 0.0
    step = max(2 * watch.settings.watch_interval_seconds, length / CHART_POINTS, coarse)
    columns = watch.store.totals(name, until - length, until, step, watch.settings.watch_interval_seconds)
    return _line(columns, slice(None), until - length, until, step)


def all_totals(watch: Watch, points: int) -> dict[str, Line]:
    """Memory of every service over the window, for lines as small as a word: one question for all of them."""
    until, length = watch.view.at + 1, watch.settings.watch_window_seconds
    step = max(2 * watch.settings.watch_interval_seconds, length / points)
    columns = watch.store.totals(None, until - length, until, step, watch.settings.watch_interval_seconds)
    names = np.asarray(columns["service"], dtype=object)
    edges = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)]
    parts = [slice(begin, end) for begin, end in pairwise(edges) if end > begin]
    return {str(names[part.start]): _line(columns, part, until - length, until, step) for part in parts}


def _line(columns: Columns, part: slice, since: float, until: float, step: float) -> Line:
    at, mb = np.asarray(columns["moment"], float)[part], np.asarray(columns["value"], float)[part] / 1e6
    # From the first value on: a watch that began a minute ago would show hours of nothing and a sliver at the right.
    begin = max(since, float(at[0])) if len(at) else since
    return Line(begin, until, step, *_with_gaps(at, mb, step))


def _with_gaps(at: Floats, mb: Floats, step: float) -> tuple[Floats, Floats]:
    """A NaN between two values that are further apart than `GAP_STEPS`: nothing was measured, and no line is drawn."""
    after = np.flatnonzero(np.diff(at) > GAP_STEPS * step) + 1
    return np.insert(at, after, at[after - 1] + step), np.insert(mb, after, np.nan)


def marks(watch: Watch, state: State, name: str, line: Line) -> list[dict[str, Any]]:
    """What happened to a service, its alerts, and what the watch did to it: time, kind and words."""
    since, until = line.since, line.until
    events = watch.store.events(since, until)
    found: list[dict[str, Any]] = [
        {"at": float(at), "kind": str(kind), "text": str(text)}
        for at, kind, service, text in zip(
            events["moment"], events["kind"], events["service"], events["text"], strict=True
        )
        if service == name and kind in MARKED
    ]
    alerts = watch.view.incident.alerts if watch.view.incident else ()
    found += [
        {"at": one.start.seconds, "kind": "alert", "text": one.text or one.rule}
        for one in alerts
        if one.service == name and since <= one.start.seconds < until
    ]
    done = state.rows(
        "select at, action, done, outcome from action where service = ? and not dry and status != 'withheld' and at >= ?"
        " and at < ? order by id desc limit ?", name, since, until, MAX_MARKS,
    )  # fmt: skip
    found += [
        {"at": row["at"], "kind": row["action"], "text": f"by the watch: {row['outcome'] or row['done']}"}
        for row in done
    ]
    return sorted(found, key=lambda mark: mark["at"])[-MAX_MARKS:]


def top_routes(watch: Watch, name: str, line: Line) -> list[dict[str, Any]]:
    """The culprits among its routes, then the most asked: name, requests, mean seconds, failed, requests a minute."""
    bin_seconds = watch.settings.watch_bin_seconds
    first, end = int(line.since // bin_seconds), int(line.until // bin_seconds) + 1
    table = watch.store.routes(name, first, end, MAX_ROUTES)
    found = [dict(zip(table, row, strict=True)) for row in zip(*(table[one].tolist() for one in table), strict=True)]
    causes = watch.view.incident.causes if watch.view.incident else ()
    culprits = {one.name for one in causes if one.service == name and one.role == "culprit"}
    found.sort(key=lambda row: row["name"] not in culprits)
    bins = max(round(line.step / bin_seconds), 1)
    for row in found[:DRAWN_ROUTES]:
        counts = watch.store.asked(name, row["name"], first, end, bins)
        row["per_minute"] = _per_minute(counts, line.at, bins, bin_seconds)
    return [
        row | {"culprit": row["name"] in culprits, "mean": _mean(row["seconds"], row["starts"])}
        for row in found[:TOP_ROUTES]
    ]


def _per_minute(counts: Columns, at: Floats, bins: int, bin_seconds: float) -> list[float]:
    """Requests a minute at each time of a chart, of the run of `bins` bins that it lies in; 0 where none was counted."""
    seconds = bins * bin_seconds
    known = dict(zip(counts["bin"].tolist(), counts["starts"].tolist(), strict=True))
    return [known.get(int(moment // seconds) * bins, 0.0) * 60 / seconds for moment in at.tolist()]


def _mean(seconds: float | None, starts: float) -> float | None:
    """NaN where a log has no durations."""
    return seconds / starts if starts and seconds is not None and seconds == seconds else None


def timeline(folder: Path, most: int) -> list[dict[str, Any]]:
    """The last `most` lines of an incident's own timeline; a line that was cut by a kill is left out."""
    try:
        lines = (folder / "timeline.jsonl").read_text(encoding="utf-8").splitlines()[-most:]
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def files(folder: Path) -> list[str]:
    """The files of an incident that can be read on their own, the report first."""
    names = [one.name for one in folder.glob("*.*") if one.suffix in (".html", ".md", ".json") and one.is_file()]
    return sorted(names, key=lambda name: (name != REPORT, name))


def causes(folder: Path, service: str | None) -> list[dict[str, Any]]:
    """The causes that the incident's own report names for its service: what is known now may be of another time."""
    try:
        found = json.loads((folder / "incident.json").read_text(encoding="utf-8"))["causes"]
        return [one for one in found if one["service"] == service]
    except (OSError, ValueError, KeyError, TypeError):
        # Not written yet, or half of it by a disk that was full: the page has the rest.
        return []


@dataclass(frozen=True, slots=True)
class Kept:
    """One target over 30 days: share of the hours in which it was met, of those in which it could be judged."""

    name: str
    target: str
    unit: str
    judged_hours: int
    met_share: float | None
    lowest: float | None
    highest: float | None


def targets(state: State, now: float) -> list[Kept]:
    """Every target over the last 30 days, in the order of the diagnosis.

    Both ends of what was measured: the worst of "> 95 %" is its lowest, of "< 10 s" its highest.
    """
    rows = state.rows(
        "select name, target, unit, count(met) as judged, avg(met) as share, min(value) as lowest, max(value) as highest"
        " from target where hour > ? group by name",
        int(now // 3600) - 24 * DAYS,
    )
    order = [one.name for one in GOALS]
    rows.sort(key=lambda row: (order.index(row["name"]) if row["name"] in order else len(order), row["name"]))
    names = ("name", "target", "unit", "judged", "share", "lowest", "highest")
    return [Kept(*(row[name] for name in names)) for row in rows]


def own_cost(watch: Watch) -> dict[str, float | None]:
    """What the watch itself uses: memory in MB, share of one core since it began, size of its store."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    rss = Proc().rss_bytes(_own_pid())
    elapsed = max(watch.view.at - watch.started, 1.0)
    return {
        "rss_mb": rss / 1e6 if rss else None,
        "peak_mb": usage.ru_maxrss / 1e3 * 1.024,
        "core_share": (usage.ru_utime + usage.ru_stime) / elapsed,
        "disk_mb": watch.view.disk_mb,
    }


def _own_pid() -> int:
    return int(Path("/proc/self").resolve().name)
