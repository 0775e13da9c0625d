"""What the watch costs: a hundred processes at 15 s, over simulated days, in one process of its own.

    python benchmarks/watch.py [--days 30] [--processes 100]

The processes are a recorded /proc tree whose figures move; the clock is simulated, so that a day passes in minutes; all
else is the watch itself: collectors, store, ageing, screen, diagnosis, alerting. Printed: CPU seconds a round as a
share of one core at the interval, memory (RSS and USS) as it goes, size of the store. Compare shares, not seconds: the
machine's load moves both.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import tempfile
import time
from pathlib import Path

import psutil

from floodmark.settings import Settings
from floodmark.watch.collect.base import Health
from floodmark.watch.collect.proc import PAGE_BYTES, Proc
from floodmark.watch.collect.processes import ProcessCollector
from floodmark.watch.config import Processes, WatchConfig
from floodmark.watch.live import Watch

INTERVAL_SECONDS = 15.0
START = 1_756_800_000.0
ROWS = 12


class Machine:
    """A /proc tree of `count` gunicorn workers, whose memory waves with the day and wanders a little."""

    def __init__(self, root: Path, count: int) -> None:
        self.root, self.count = root, count
        self.level = [random.uniform(80, 300) for _ in range(count)]
        (root / "stat").write_text(f"btime {START - 86_400:.0f}\n")
        for number in range(count):
            folder = root / str(1000 + number)
            folder.mkdir()
            (folder / "cmdline").write_text("gunicorn: worker [shop]\0")
            fields = ["S", "1", *["0"] * 17, str(100 * number), "0"]
            (folder / "stat").write_text(f"{1000 + number} (gunicorn) " + " ".join(fields))
        self.move(START)

    def move(self, now: float) -> None:
        """Every process has a new size."""
        wave = 10 * math.sin(now / 86_400 * 2 * math.pi)
        for number in range(self.count):
            mb = self.level[number] + wave + random.gauss(0, 1)
            folder = self.root / str(1000 + number)
            (folder / "statm").write_text(f"0 {mb * 1e6 / PAGE_BYTES:.0f} 0 0 0 0 0")
            (folder / "smaps_rollup").write_text(f"Rss: 1 kB\nPss: {mb * 900:.0f} kB\n")


def main() -> None:
    """Run the rounds and print a row now and then."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--processes", type=int, default=100)
    given = parser.parse_args()
    rounds = max(int(given.days * 86_400 / INTERVAL_SECONDS), ROWS)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.processes, rounds)


def measure(folder: Path, processes: int, rounds: int) -> None:
    """The rounds themselves. What moving the simulated machine costs is measured and left out."""
    (folder / "proc").mkdir()
    machine, now = Machine(folder / "proc", processes), [START]
    watch = Watch(Settings(data_dir=folder), WatchConfig(), folder / "watch", clock=lambda: now[0])
    config = Processes(service="shop", command="gunicorn")
    collector = ProcessCollector(config, pss_every_seconds=300, max_processes=processes + 1, proc=Proc(folder / "proc"))
    watch.collectors.append(collector)
    watch.healths.append(Health(collector.name))
    me, spent = psutil.Process(os.getpid()), 0.0
    print(f"{processes} processes every {INTERVAL_SECONDS:g} s, {rounds} rounds")
    print(f"{'day':>6} {'core %':>7} {'rss MB':>7} {'uss MB':>7} {'store MB':>9}")
    every = max(rounds // ROWS, 1)
    for number in range(1, rounds + 1):
        now[0] += INTERVAL_SECONDS
        machine.move(now[0])
        begun = time.process_time()
        watch.round()
        spent += time.process_time() - begun
        if number % every == 0:
            memory = me.memory_full_info()
            share = spent / every / INTERVAL_SECONDS
            day = number * INTERVAL_SECONDS / 86_400
            figures = f"{memory.rss / 1e6:7.1f} {memory.uss / 1e6:7.1f} {watch.store.disk_mb():9.1f}"
            print(f"{day:6.2f} {share:7.2%} {figures}", flush=True)
            spent = 0.0
    watch.close()


if __name__ == "__main__":
    main()
