"""How fast and in what memory logs are read: an nginx log of any size, beside `wc -l` and goaccess in the same run.

    python benchmarks/analyze.py [--gb 1] [--goaccess-mb 100] [--incident] [--whole] [--keep FILE]

The log is made here: five days of a service with 40 routes of 4,000 objects each, 3,000 clients, a bulk harvester, retries over
several upstreams, redirects, scanners, binary garbage, and one line in 100,000 that is broken. `wc -l` counts its lines,
goaccess (where it is installed) reads a part of it, and every reading runs in a fresh process of which wall time,
processor time and peak memory are printed, with the ratio to `wc -l` of the same moment. --incident adds a five-day
incident of a million lines with 200 series through the whole command. --whole runs `floodmark analyze`, reports and all,
on the log too, in place of the intake.

On a machine that has other work, wall time says little: the bars are then judged by processor time, which is what wall
time would be at worst on a free core, as nearly all of it is one thread's. The load is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

START = 1_756_080_000
DAYS = 5
GB_SECONDS, PEAK_MB, INCIDENT_SECONDS = 15.0, 500.0, 20.0
"""Bars: seconds a GB of log, memory for a log of any size, seconds for the incident, on two free cores."""

AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    "python-requests/2.32.3",
    "Go-http-client/1.1",
    "okhttp/4.12.0",
    "curl/8.5.0",
)
ROUTES = (
    "/rest/v1/project/{n}/", "/rest/v1/project/?format=json&page={n}", "/en/project/{n}/", "/en/", "/search/?q=w{n}",
    "/organisation/{n}/iati/", "/project/{n}/iati/", "/media/thumbs/p{n}.jpg", "/my/projects/", "/auth/sign-in/",
    *(f"/rest/v1/resource_{name}/{{n}}/" for name in "abcdefghijklmnopqrstuvwxyz"),
    *(f"/py-reports/{name}/{{n}}/overview.pdf" for name in ("project", "organisation", "programme")),
    *(f"/static/{name}.{{n}}abcdef12.js" for name in ("app", "vendor", "runtime")),
)  # fmt: skip
SCANNED = ("/.env", "/wp-login.php", "/xmlrpc.php", "/phpmyadmin/index.php", "/.git/config")


@dataclass(frozen=True)
class Measured:
    """What one process took."""

    name: str
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def log_lines(size_bytes: int) -> Iterator[str]:
    """The lines of an nginx log in `timed_combined`, in pieces, evenly over the five days."""
    choose = random.Random(7)
    clients = [f"10.{choose.randrange(256)}.{choose.randrange(256)}.{choose.randrange(256)}" for _ in range(3000)]
    weights = [1 / (rank + 3) for rank in range(len(ROUTES))]
    wanted = size_bytes / 190
    written = lines = 0
    while written < size_bytes:
        pieces = []
        for route in choose.choices(ROUTES, weights, k=5000):
            at = START + int(DAYS * 86_400 * min(lines / wanted, 1.0))
            pieces.append(_line(choose, route, at, lines, clients))
            lines += 1
        block = "".join(pieces)
        written += len(block)
        yield block


def _line(choose: random.Random, route: str, at: int, number: int, clients: list[str]) -> str:
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))
    odd = number % 1000
    took = choose.expovariate(4.0)
    status, tail, target = (
        200,
        f"{took:.3f} {took:.3f} 0.000",
        route.replace("{n}", str(int(4000 * choose.random() ** 2))),
    )
    client, agent = choose.choice(clients), choose.choice(AGENTS)
    if odd == 1:
        tail = f"{took + 0.002:.3f} 0.002, {took:.3f} 0.001, 0.000"
    elif odd == 2:
        status, target, tail = 404, choose.choice(SCANNED), "0.000 - -"
    elif odd == 3:
        return f'{client} - - [{stamp}] "\\x16\\x03\\x01\\x02\\x00" 400 157 "-" "-" 0.000 - -\n'
    elif odd == 4:
        status, tail = 504, "60.001 60.000 0.000"
    elif odd < 30:
        client, agent, target = "192.0.2.44", "IATI Bulk Data Service 0.1", f"/organisation/{number % 9000}/iati/"
    if number % 100_000 == 99_999:
        return f'{client} - - [{stamp}] "GET {target} HTTP/1.1" {status} 1\n'
    sent = choose.randrange(200_000)
    return f'{client} - - [{stamp}] "GET {target} HTTP/1.1" {status} {sent} "-" "{agent}" {tail}\n'


def write_incident(folder: Path) -> int:
    """A million lines in several formats and 200 series over five days; the number of lines."""
    choose = random.Random(8)
    lines = 0
    for name in ("nginx", "proxy", "metrics"):
        (folder / name).mkdir(parents=True)
    with (folder / "nginx" / "access.log").open("w", encoding="ascii") as file:
        for block in log_lines(500_000 * 190):
            file.write(block)
            lines += block.count("\n")
    with (folder / "proxy" / "proxy.log").open("w", encoding="ascii") as file:
        for number in range(500_000):
            stamp = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(START + int(number * DAYS * 86_400 / 500_000)))
            text = 'New connection for "p:r:db"' if number % 2 else "Client closed local connection on 127.0.0.1:5432"
            file.write(f"{stamp} {text}\n")
            lines += 1
    series = []
    for number in range(200):
        size, values = 4e8, []
        for minute in range(DAYS * 1440):
            size += choose.gauss(0, 1e5)
            values.append([START + 60 * minute, str(int(size))])
        metric = {"__name__": "container_memory_rss", "container": f"c{number}", "pod": "rsr-1"}
        series.append({"metric": metric, "values": values})
    answer = {"status": "success", "data": {"resultType": "matrix", "result": series}}
    (folder / "metrics" / "rss.json").write_text(json.dumps(answer), encoding="ascii")
    return lines


INTAKE = """
import resource, sys
from pathlib import Path
from floodmark.evidence.intake import gather
evidence = gather([Path(sys.argv[1])])
rows = evidence.sources
print(sum(row.records for row in rows), "records,", sum(row.rejected for row in rows), "rejected,",
      len(evidence.doses), "doses,", len(evidence.series), "series")
"""


def reading(name: str, path: Path, whole: bool, out: Path) -> Measured:
    """Floodmark over `path`: its intake, or the whole command."""
    if whole:
        return measured(name, [sys.executable, "-m", "floodmark", "analyze", str(path), "--out", str(out)])
    return measured(name, [sys.executable, "-c", INTAKE, str(path)])


def measured(name: str, command: list[str]) -> Measured:
    """Run a command and see what it took."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = _wait(process)
        wall = time.perf_counter() - start
        output.seek(0)
        text = output.read().decode("utf-8", "replace").strip()
    if status:
        sys.exit(f"{name} failed ({status}):\n{text}")
    return Measured(name, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, text)


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, int, resource.struct_rusage]:
    pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return pid, process.returncode, usage


def table(rows: list[Measured], size_mb: dict[str, float], baseline: Measured) -> None:
    """Print what was measured, with throughput and the ratio of wall time per MB to the baseline's."""
    print(f"{'what':28} {'MB':>8} {'wall s':>8} {'cpu s':>8} {'MB/s':>8} {'peak MB':>8} {'x wc -l':>8}")
    per_mb = baseline.wall_seconds / size_mb[baseline.name]
    for row in rows:
        size = size_mb[row.name]
        print(
            f"{row.name:28} {size:8.0f} {row.wall_seconds:8.2f} {row.cpu_seconds:8.2f} {size / row.wall_seconds:8.1f} "
            f"{row.peak_mb:8.0f} {row.wall_seconds / size / per_mb:8.1f}"
        )
        if row.output:
            print(f"    {row.output.splitlines()[-1][:140]}")


def main() -> int:
    """Make the log, read it, print; 1 where a bar is missed."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="floodmark-bench-", dir=options.dir) as scratch:
        folder = Path(scratch)
        log = options.keep or folder / "access.log"
        if not log.exists():
            with log.open("w", encoding="ascii") as file:
                file.writelines(log_lines(int(options.gb * 1e9)))
        size = log.stat().st_size / 1e6
        wc = measured("wc -l", ["wc", "-l", str(log)])
        rows, sizes = [wc], {wc.name: size}
        _add(rows, sizes, reading("floodmark", log, options.whole, folder / "out"), size)
        if shutil.which("goaccess"):
            _add_goaccess(rows, sizes, log, folder, options.goaccess_mb)
        if options.incident:
            lines = write_incident(folder / "incident")
            whole = sum(each.stat().st_size for each in (folder / "incident").rglob("*") if each.is_file()) / 1e6
            name = f"incident, {lines:,} lines"
            _add(rows, sizes, reading(name, folder / "incident", True, folder / "out"), whole)
        table(rows, sizes, wc)
        return _judged([row for row in rows if row.name not in ("wc -l", "goaccess")], log.stat().st_size / 1e9)


def _add(rows: list[Measured], sizes: dict[str, float], row: Measured, size: float) -> None:
    rows.append(row)
    sizes[row.name] = size


def _add_goaccess(rows: list[Measured], sizes: dict[str, float], log: Path, folder: Path, size_mb: float) -> None:
    part = folder / "part.log"
    with log.open("rb") as source, part.open("wb") as target:
        target.write(source.read(int(size_mb * 1e6)).rpartition(b"\n")[0] + b"\n")
    form = '%h - %^ [%d:%t %^] "%r" %s %b "%R" "%u" %T %^'
    command = ["goaccess", str(part), f"--log-format={form}", "--date-format=%d/%b/%Y", "--time-format=%H:%M:%S",
               "--no-global-config", "-o", str(folder / "goaccess.json")]  # fmt: skip
    row = measured("goaccess", command)
    _add(rows, sizes, Measured(row.name, row.wall_seconds, row.cpu_seconds, row.peak_mb, ""), part.stat().st_size / 1e6)


def _judged(rows: list[Measured], gb: float) -> int:
    """Print which bars are met; 1 where one is missed."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    busy = load > cores
    print(f"\nload {load:.1f} on {cores} cores: judged by {'processor' if busy else 'wall'} time")
    missed = 0
    for row in rows:
        bar = GB_SECONDS * gb if row.name == "floodmark" else INCIDENT_SECONDS
        seconds = row.cpu_seconds if busy else row.wall_seconds
        met = seconds <= bar and row.peak_mb <= PEAK_MB
        print(f"{row.name}: {seconds:.1f} s (bar {bar:.0f}), peak {row.peak_mb:.0f} MB (bar {PEAK_MB:.0f}): "
              f"{'met' if met else 'MISSED'}")  # fmt: skip
        missed += not met
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gb", type=float, default=1.0)
    parser.add_argument("--goaccess-mb", type=float, default=100.0, help="it reads 3 MB/s, so only a part of the log")
    parser.add_argument("--incident", action="store_true")
    parser.add_argument("--whole", action="store_true", help="`floodmark analyze` with its reports")
    parser.add_argument("--keep", type=Path, help="make the log here and leave it, or read what is here")
    parser.add_argument("--dir", type=Path, help="where to put the log while it is needed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
