"""Files as they come: rotated, gzipped, wrapped by a container runtime, cut, duplicated; equal for equal."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from floodmark.testing.incidents.plan import Plan
from floodmark.testing.incidents.theme import Random

Line = tuple[float, str]
"""(seconds since the epoch when it was written, text)"""


@dataclass
class Output:
    """The folder `evidence/` and what has been written to it."""

    folder: Path
    rows: list[dict[str, Any]] = field(default_factory=list)

    def write(self, path: str, kind: str, text: str, records: int | None = None) -> None:
        """Write one file, gzipped where its name ends in .gz; `records` counts its whole records."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        raw = text.encode("utf-8", errors="surrogateescape")
        target.write_bytes(gzip.compress(raw, 4, mtime=0) if path.endswith(".gz") else raw)
        lines = text.count("\n") + (not text.endswith("\n") and bool(text))
        self.rows.append({"path": path, "kind": kind, "lines": lines, "records": lines if records is None else records})

    def write_log(self, plan: Plan, path: str, lines: list[Line], damage: bool = True) -> None:
        """Write a log the way its rotation leaves it, with the damage that files suffer on their way to an analyst."""
        random = plan.stream("file " + path)
        damage = damage and plan.evidence.damage and len(lines) > 500
        wrap = WRAPPERS[plan.evidence.wrapper]
        parts = rotated(lines, path, plan, random)
        for number, (name, part) in enumerate(parts):
            texts = [wrap(at, text, "stderr" if "error" in path else "stdout") for at, text in part]
            if damage and number and random.random() < 0.5:
                # Copied and truncated while it was written to: the last lines of the older file come again.
                texts = [wrap(at, text, "stdout") for at, text in parts[number - 1][1][-2:]] + texts
            if damage and len(texts) > 50 and random.random() < 0.4:
                at = int(random.integers(20, len(texts) - 20))
                texts[at], texts[at + 1] = texts[at + 1], texts[at]
            last = number == len(parts) - 1
            text = "".join(one + "\n" for one in texts)
            cut = damage and last and random.random() < 0.5
            if cut:
                text = text[: -int(random.integers(2, len(texts[-1])))]
            self.write(name, "log", text, len(texts) - cut)


def rotated(lines: list[Line], path: str, plan: Plan, random: Random) -> list[tuple[str, list[Line]]]:
    """(file name, its lines), oldest first, in one of the layouts of rotation."""
    if len(lines) < 400:
        return [(path, lines)]
    layout = plan.evidence.layout
    if layout == "c":
        return [(path, lines)]
    if layout == "b":
        days: dict[str, list[Line]] = {}
        for at, text in lines:
            days.setdefault(datetime.fromtimestamp(at, UTC).strftime("%Y%m%d"), []).append((at, text))
        names = [f"{path}-{day}.gz" for day in list(days)[:-1]] + [path]
        return list(zip(names, days.values(), strict=True))
    first, second = (int(len(lines) * share) for share in (random.uniform(0.6, 0.75), random.uniform(0.88, 0.94)))
    return [(path + ".2.gz", lines[:first]), (path + ".1", lines[first:second]), (path, lines[second:])]


def _docker(at: float, text: str, stream: str) -> str:
    return json.dumps({"log": text + "\n", "stream": stream, "time": rfc3339(at, 9)}, ensure_ascii=False)


def _cri(at: float, text: str, stream: str) -> str:
    return f"{rfc3339(at, 9)} {stream} F {text}"


WRAPPERS: dict[str, Callable[[float, str, str], str]] = {
    "plain": lambda at, text, stream: text,
    "docker": _docker,
    "cri": _cri,
}


def rfc3339(at: float, digits: int = 0) -> str:
    """A time in UTC with Z and so many digits after the second."""
    whole = datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return whole + (f".{int(at % 1 * 10**digits):0{digits}d}Z" if digits else "Z")


def zone(name: str) -> tzinfo:
    """The zone of a name of the tz database."""
    return ZoneInfo(name)


def local(at: float, where: tzinfo) -> datetime:
    """A moment as a clock in a zone shows it, whole seconds."""
    return datetime.fromtimestamp(int(at), where)
