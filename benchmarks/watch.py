"""What the watch costs: a hundred processes at 15 s, over thirty simulated days, in one process of its own.

    python benchmarks/watch.py [--days 30] [--processes 100] [--rounds 80]

The processes are a recorded /proc tree whose figures move, and of which one is replaced every hour; the clock is
simulated. All else is the watch itself with its dashboard: collectors, store, ageing, screen, diagnosis, alerting, and
its pages asked for once an hour. Of each day the last `--rounds` rounds are made one by one and measured; the rest of
the day is put into the store hour by hour as those rounds would have left it, then aged and diagnosed; one round in
four is followed by a diagnosis, and an incident is open, whose report over two days is written anew every five minutes.
Printed: CPU seconds of the measured rounds as a share of one core at the interval; memory between rounds, the largest of
them (RSS, of it the process's own, RssAnon); the largest RSS at any moment of the day, within a diagnosis or a page
(hours put in at once included); size of the store. Compare shares, not seconds: the machine's load moves both.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from floodmark.dashboard.server import DashboardServer
from floodmark.own_memory import few_arenas
from floodmark.settings import Settings
from floodmark.watch.collect.base import Health, Sample
from floodmark.watch.collect.proc import PAGE_BYTES, TICKS_PER_SECOND, Proc
from floodmark.watch.collect.processes import ProcessCollector
from floodmark.watch.config import Processes, WatchConfig
from floodmark.watch.live import Watch

INTERVAL_SECONDS = 15.0
PSS_SECONDS = 300.0
HOUR = 3600.0
START = 1_756_800_000.0
BOOTED = START - 86_400.0
PAGES = ("", "service/shop/", "alerts/", "metrics")


class Machine:
    """A /proc tree of `count` gunicorn workers, whose memory waves with the day and wanders a little."""

    def __init__(self, root: Path, count: int) -> None:
        self.root = root
        root.mkdir()
        (root / "stat").write_text(f"btime {BOOTED:.0f}\n")
        self.started: dict[int, float] = {}
        self.level: dict[int, float] = {}
        self._next = 1000
        for number in range(count):
            self._begin(BOOTED + number)

    def _begin(self, at: float) -> None:
        pid, self._next = self._next, self._next + 1
        self.started[pid], self.level[pid] = at, random.uniform(80, 300)
        folder = self.root / str(pid)
        folder.mkdir()
        (folder / "cmdline").write_text("gunicorn: worker [shop]\0")
        fields = ["S", "1", *["0"] * 17, f"{(at - BOOTED) * TICKS_PER_SECOND:.0f}", "0"]
        (folder / "stat").write_text(f"{pid} (gunicorn) " + " ".join(fields))

    def replace_oldest(self, now: float) -> None:
        """The oldest process ends and another begins."""
        oldest = min(self.started)
        for one in (self.root / str(oldest)).iterdir():
            one.unlink()
        (self.root / str(oldest)).rmdir()
        del self.started[oldest], self.level[oldest]
        self._begin(now)

    def mb(self, pid: int, now: float) -> float:
        """The size of a process."""
        return self.level[pid] + 10 * math.sin(now / 86_400 * 2 * math.pi) + random.gauss(0, 1)

    def move(self, now: float) -> None:
        """Every process has a new size."""
        for pid in self.started:
            mb, folder = self.mb(pid, now), self.root / str(pid)
            (folder / "statm").write_text(f"0 {mb * 1e6 / PAGE_BYTES:.0f} 0 0 0 0 0")
            (folder / "smaps_rollup").write_text(f"Rss: 1 kB\nPss: {mb * 900:.0f} kB\n")

    def hour(self, begin: float, instance: str) -> list[Sample]:
        """What a collector would have brought in the rounds of one hour."""
        found = []
        for number in range(1, int(HOUR / INTERVAL_SECONDS) + 1):
            now = begin + number * INTERVAL_SECONDS
            pss = number * INTERVAL_SECONDS % PSS_SECONDS == 0
            for pid, started in self.started.items():
                value = self.mb(pid, now) * 1e6
                found.append(Sample("shop", instance, str(pid), "rss", now, value, started))
                if pss:
                    found.append(Sample("shop", instance, str(pid), "pss", now, 0.9 * value, started))
            found.append(Sample("shop", instance, None, "processes", now, len(self.started)))
        return found


@dataclass(frozen=True)
class Cost:
    """Of some rounds: CPU seconds in all; the largest RSS between two of them, and the largest RssAnon, in MB."""

    cpu_seconds: float
    resting_mb: float
    own_mb: float


class Bench:
    """The watch over the machine, on a clock that is moved by hand."""

    def __init__(self, folder: Path, processes: int) -> None:
        few_arenas()
        self.now = START
        self.machine = Machine(folder / "proc", processes)
        settings = Settings(data_dir=folder, watch_bind="127.0.0.1:0")
        self.watch = Watch(settings, WatchConfig(), folder / "watch", clock=lambda: self.now)
        self.collector = ProcessCollector(
            Processes(service="shop", command="gunicorn"), pss_every_seconds=PSS_SECONDS,
            max_processes=processes + 1, proc=Proc(folder / "proc"),
        )  # fmt: skip
        self.watch.collectors.append(self.collector)
        self.watch.healths.append(Health(self.collector.name))
        self.server = DashboardServer(self.watch, settings)
        self.machine.move(self.now)

    def skip_hour(self) -> None:
        """An hour at once: its samples, then one round with ageing and diagnosis, then a look at the pages."""
        self.machine.replace_oldest(self.now)
        self.watch.store.add(self.machine.hour(self.now, self.collector.instance))
        self.now += HOUR
        self.machine.move(self.now)
        self.watch.round()
        for page in PAGES:
            with urllib.request.urlopen(self.server.url + page, timeout=60) as answer:
                answer.read()

    def rounds(self, count: int) -> Cost:
        """Rounds one by one; what the watch took, without what moving the machine costs."""
        spent, resting, own = 0.0, [], []
        for _ in range(count):
            self.now += INTERVAL_SECONDS
            self.machine.move(self.now)
            begun = time.process_time()
            self.watch.round()
            spent += time.process_time() - begun
            resting.append(_status_mb("VmRSS"))
            own.append(_status_mb("RssAnon"))
        return Cost(spent, max(resting), max(own))


def main() -> None:
    """Run the days and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--processes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=80, help="rounds of each day that are made one by one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), given.processes)
        with bench.server:
            measure(bench, given.days, given.rounds)
        bench.watch.close()


def measure(bench: Bench, days: int, rounds: int) -> None:
    """Day after day: its hours but for the rounds that are measured, then those."""
    print(f"{'day':>4} {'core %':>7} {'rss MB':>7} {'own MB':>7} {'peak MB':>8} {'store MB':>9}")
    for day in range(days + 1):
        forget_peak()
        for _ in range(24 if day else 0):
            bench.skip_hour()
        cost = bench.rounds(rounds)
        share = cost.cpu_seconds / rounds / INTERVAL_SECONDS
        memory = f"{cost.resting_mb:7.1f} {cost.own_mb:7.1f} {peak_mb():8.1f}"
        print(f"{day:4} {share:7.2%} {memory} {bench.watch.store.disk_mb():9.1f}", flush=True)


def peak_mb() -> float:
    """The largest RSS since `forget_peak`."""
    return _status_mb("VmHWM")


def forget_peak() -> None:
    """Let the kernel count the peak anew (proc(5): 5 in clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def _status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1.024e-3 for line in lines if line.startswith(name))


if __name__ == "__main__":
    main()
