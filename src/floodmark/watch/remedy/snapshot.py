"""Evidence before action: a restart destroys it. What every process of a service looks like, written into one file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from floodmark.errors import CannotWrite
from floodmark.watch.collect.cgroup import pressure
from floodmark.watch.notify.message import iso
from floodmark.watch.remedy.guard import Finding

STATUS_LINES = ("Name", "State", "PPid", "Threads", "VmPeak", "VmHWM", "VmRSS", "RssAnon", "RssFile", "VmSwap")


def take(finding: Finding, pids: Iterable[int], folder: Path, now: float, *, max_processes: int = 200) -> Path:
    """Write `snapshot-TIME.json` into `folder` and return its path. Raises CannotWrite where that is impossible.

    Bounded: at most `max_processes`; no environment is read, as it holds secrets.
    """
    snapshot = {
        "schema": "floodmark.snapshot/1",
        "at": iso(now),
        "service": finding.service,
        "seen": finding.seen(),
        "memory_pressure_some_avg10": pressure(),
        "meminfo": _table(Path("/proc/meminfo"), ("MemTotal", "MemAvailable", "SwapFree", "Committed_AS")),
        "processes": [one for pid in list(pids)[:max_processes] if (one := _process(pid))],
    }
    path = folder / f"snapshot-{now:.0f}.json"
    temporary = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(snapshot, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError as error:
        raise CannotWrite(f"{path}: {error.strerror}") from None
    return path


def _process(pid: int) -> dict[str, Any] | None:
    folder = Path("/proc") / str(pid)
    status = _table(folder / "status", STATUS_LINES)
    if not status:
        return None
    return {
        "pid": pid,
        "command": _read(folder / "cmdline").replace("\0", " ").strip()[:500],
        "status": status,
        "smaps": _table(folder / "smaps_rollup", ("Rss", "Pss", "Pss_Anon", "Private_Dirty", "Anonymous", "Swap")),
        "open_files": _count(folder / "fd"),
        "limits": {"oom_score": _read(folder / "oom_score").strip()},
    }


def _table(path: Path, wanted: tuple[str, ...]) -> dict[str, str]:
    rows = (line.partition(":") for line in _read(path).splitlines())
    return {name: value.strip() for name, _, value in rows if name in wanted}


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _count(folder: Path) -> int | None:
    try:
        return len(os.listdir(folder))
    except OSError:
        return None
