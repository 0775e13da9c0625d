"""What /proc says of a process: cheap enough to read for a hundred processes every few seconds.

RSS is read from `statm` (about 10 µs), PSS from `smaps_rollup` (0.25 ms for a small process, 7 ms for a large one,
as the kernel walks its page tables): RSS often, PSS rarely.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Identity:
    """A process for as long as it lives: a pid is given out again, a pid with its start time is not."""

    pid: int
    parent: int
    started: float


class Proc:
    """The processes below one /proc folder. `root` is another folder in tests of recorded trees."""

    def __init__(self, root: Path = Path("/proc")) -> None:
        self.root = root
        self.booted = self._boot_time()

    def pids(self) -> list[int]:
        """All pids there are now, ascending."""
        return sorted(int(name) for name in os.listdir(self.root) if name.isdigit())

    def identity(self, pid: int) -> Identity | None:
        """Parent and start time, or None where the process has gone."""
        text = self._read(pid, "stat")
        if not text:
            return None
        # The command's name stands in parentheses and may itself hold spaces and parentheses: count from the last.
        fields = text.rpartition(")")[2].split()
        return Identity(pid, int(fields[1]), self.booted + int(fields[19]) / TICKS_PER_SECOND)

    def command(self, pid: int) -> str:
        """The command line with its words joined by spaces, cut at 4,096 characters; "" for kernel threads."""
        return (self._read(pid, "cmdline") or "").replace("\0", " ").strip()[:4096]

    def rss_bytes(self, pid: int) -> int | None:
        """Resident set size, or None where the process has gone."""
        text = self._read(pid, "statm")
        return int(text.split()[1]) * PAGE_BYTES if text else None

    def pss_bytes(self, pid: int) -> int | None:
        """Proportional set size, or None where the process has gone or may not be looked into."""
        text = self._read(pid, "smaps_rollup") or ""
        for line in text.splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        return None

    def _read(self, pid: int, name: str) -> str | None:
        try:
            return (self.root / str(pid) / name).read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return None

    def _boot_time(self) -> float:
        for line in (self.root / "stat").read_text().splitlines():
            if line.startswith("btime "):
                return float(line.split()[1])
        raise ValueError(f"{self.root}/stat has no btime")
