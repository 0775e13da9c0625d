"""What a run costs: CPU seconds, wall seconds, and how far memory rose above where it began."""

from __future__ import annotations

import gc
import time
from pathlib import Path

MB = 1_000_000
STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


class Meter:
    """Measures from its making on. Memory is RSS; without /proc it is unknown.

    The peak is the kernel's own high-water mark (VmHWM), set back at the start, so that it misses nothing between two
    looks. Where the kernel refuses to set it back, it is the mark since the process began (`peak_since` says so).
    """

    def __init__(self) -> None:
        gc.collect()
        self.peak_since = "base"
        try:
            CLEAR.write_text("5")
        except OSError:
            self.peak_since = "start of the process"
        self.base_mb = _status_mb("VmRSS")
        self.startup_cpu_seconds = self._cpu = time.process_time()
        self._wall = time.monotonic()

    def read(self) -> dict[str, float | str | None]:
        """cpu_seconds, wall_seconds, base_mb, peak_mb since the start, and startup_cpu_seconds before it."""
        peak_mb = _status_mb("VmHWM")
        return {
            "cpu_seconds": round(time.process_time() - self._cpu, 3),
            "wall_seconds": round(time.monotonic() - self._wall, 3),
            "base_mb": self.base_mb,
            "peak_mb": peak_mb,
            "peak_since": self.peak_since,
            "startup_cpu_seconds": round(self.startup_cpu_seconds, 3),
        }


def _status_mb(name: str) -> float | None:
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(name + ":")]
    return round(int(found[0]) * 1024 / MB, 1) if found else None
