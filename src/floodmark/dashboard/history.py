"""What pages need from the store and from the incidents' folders, bounded to what a page can show."""

from __future__ import annotations

import json
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from floodmark.evidence.nouns import Floats
from floodmark.watch.collect.proc import Proc
from floodmark.watch.live import Watch
from floodmark.watch.state import State

CHART_POINTS = 600
MARKED = ("restart", "deploy", "oom-kill", "worker-timeout", "start")
MAX_MARKS = 60
TOP_ROUTES = 6
TIMELINE_LINES = 300
DAYS = 30


@dataclass(frozen=True, slots=True)
class Latest:
    """The last figures: memory in MB and number of processes by service."""

    memory_mb: dict[str, float]
    processes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Line:
    """Memory of a service over the window, thinned to what a chart can show."""

    at: Floats
    mb: Floats


def latest(watch: Watch) -> Latest:
    """What was measured in the last rounds, one measure a service: RSS before working set before usage."""
    columns = watch.store.latest(watch.view.at - 4 * watch.settings.watch_interval_seconds, watch.view.at)
    memory: dict[str, dict[str, float]] = {}
    processes: dict[str, int] = {}
    for name, measure, value in zip(columns["service"], columns["measure"], columns["value"], strict=True):
        if measure == "processes":
            processes[name] = processes.get(name, 0) + int(value)
        elif measure in ("rss", "working_set", "usage"):
            sums = memory.setdefault(name, {})
            sums[measure] = sums.get(measure, 0.0) + float(value) / 1e6
    best = {
        name: next(sums[one] for one in ("rss", "working_set", "usage") if one in sums) for name, sums in memory.items()
    }
    return Latest(best, processes)


def totals(watch: Watch, name: str) -> Line:
    """Memory of a service over the window; of points that fall together the highest stays."""
    until = watch.view.at + 1
    columns = watch.store.totals(name, until - watch.settings.watch_window_seconds, until)
    at, mb = np.asarray(columns["moment"], float), np.asarray(columns["value"], float) / 1e6
    if len(at) > CHART_POINTS:
        starts = np.unique(np.linspace(0, len(at), CHART_POINTS, endpoint=False).astype(int))
        at, mb = at[starts], np.maximum.reduceat(mb, starts)
    return Line(at, mb)


def marks(watch: Watch, name: str) -> list[dict[str, Any]]:
    """What happened to a service in the window, and its alerts: time, kind and words."""
    until = watch.view.at + 1
    since = until - watch.settings.watch_window_seconds
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
        if one.service == name
    ]
    return sorted(found, key=lambda mark: mark["at"])[-MAX_MARKS:]


def top_routes(watch: Watch, name: str) -> list[dict[str, Any]]:
    """The culprits among its routes, then the most asked: name, requests, mean seconds, failed, starts a bin."""
    bin_seconds = watch.settings.watch_bin_seconds
    until = watch.view.at + 1
    first, end = int((until - watch.settings.watch_window_seconds) // bin_seconds), int(until // bin_seconds) + 1
    doses = watch.store.doses(first, end)
    rows: dict[str, dict[str, Any]] = {}
    for index in np.flatnonzero(np.asarray(doses["service"] == name)):
        row = rows.setdefault(
            str(doses["name"][index]),
            {"name": str(doses["name"][index]), "starts": 0.0, "seconds": 0.0, "failed": 0.0, "at": [], "count": []},
        )
        row["starts"] += float(doses["starts"][index])
        row["seconds"] += float(np.nan_to_num(doses["seconds"][index]))
        row["failed"] += float(doses["failed"][index])
        row["at"].append(int(doses["bin"][index]) * bin_seconds)
        row["count"].append(float(doses["starts"][index]))
    causes = watch.view.incident.causes if watch.view.incident else ()
    culprits = {one.name for one in causes if one.service == name and one.role == "culprit"}
    ranked = sorted(rows.values(), key=lambda row: (row["name"] not in culprits, -float(row["starts"])))
    top = ranked[:TOP_ROUTES]
    return [row | {"mean": row["seconds"] / row["starts"] if row["starts"] else None} for row in top]


def timeline(folder: Path) -> list[dict[str, Any]]:
    """The last lines of an incident's own timeline; a line that was cut by a kill is left out."""
    try:
        lines = (folder / "timeline.jsonl").read_text(encoding="utf-8").splitlines()[-TIMELINE_LINES:]
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
    """The files of an incident that can be read on their own."""
    return sorted(one.name for one in folder.glob("*.*") if one.suffix in (".html", ".md", ".json") and one.is_file())


@dataclass(frozen=True, slots=True)
class Kept:
    """One target over 30 days: share of the hours in which it was met, of those in which it could be judged."""

    name: str
    target: str
    unit: str
    judged_hours: int
    met_share: float | None
    worst: float | None


def targets(state: State, now: float) -> list[Kept]:
    """Every target over the last 30 days."""
    rows = state.rows(
        "select name, target, unit, count(met) as judged, avg(met) as share, max(value) as worst from target"
        " where hour > ? group by name order by name",
        int(now // 3600) - 24 * DAYS,
    )
    return [Kept(row["name"], row["target"], row["unit"], row["judged"], row["share"], row["worst"]) for row in rows]


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
