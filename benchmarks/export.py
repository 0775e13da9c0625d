"""What an export costs: MB of XML per CPU second, queries per page, memory over base, beside the floor.

    python benchmarks/export.py                        630, 3,000 and 30,000 projects, 100,000 periods, ../shared/rsr
    python benchmarks/export.py --quick                630 and 3,000 projects, 20,000 periods
    python benchmarks/export.py --json figures.json    the figures, for machines

Data is made by `floodmark sample` on a private PostgreSQL of its own (`--server URL` takes another); where
../shared/rsr is there, its organisations are measured too. Each measurement is a process of its own: `floodmark export`
with --stats. CPU seconds are the exporter's, without start-up and without the server's.

The floor is what nobody can go below: the same rows read by COPY and thrown away, the same number of bytes written.
`check` is the time to hold the finished file against the XSD. Exit status 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[1]
DUMP = ROOT.parent / "shared" / "rsr" / "rsr.sql.gz"
SHARED = {41: "rsr A", 42: "rsr B", 44: "rsr D", 45: "rsr E", 46: "rsr F"}
RSR_MB_PER_CPU_S = "0.15 to 0.19"
"""RSR's own exporter on ../shared/rsr (its README and notes), for comparison."""

LEAST_MB_PER_CPU_S = 10.0
MOST_QUERIES_PER_PAGE = 60.0
MOST_PEAK_MB = 25.0
MOST_SPREAD_MB = 5.0
LARGE_MB = 5.0
"""Files below this say nothing about speed: a page is mostly its queries' fixed cost."""


@dataclass
class Figures:
    """One export measured; times in CPU seconds."""

    data: str
    activities: int
    mb: float
    cpu_s: float
    floor_s: float
    check_s: float
    problems: list[str]
    queries: int
    pages: int
    peak_mb: float
    wall_s: float

    @property
    def speed(self) -> float:
        """MB of XML per CPU second."""
        return self.mb / self.cpu_s

    @property
    def queries_per_page(self) -> float:
        """Statements for each page of rows."""
        return self.queries / self.pages

    def cells(self) -> list[str]:
        """A row of the table."""
        return [
            self.data, f"{self.activities:,}", f"{self.mb:.1f}", f"{self.cpu_s:.2f}", f"{self.speed:.1f}",
            f"{self.floor_s:.2f}", f"{self.cpu_s / self.floor_s:.1f}", f"{self.check_s:.2f}",
            "no" if self.problems else "yes", f"{self.queries:,}", f"{self.queries_per_page:.1f}",
            f"{self.peak_mb:.1f}", f"{self.wall_s:.1f}",
        ]  # fmt: skip


HEAD = ["data", "activities", "MB", "CPU s", "MB/CPU s", "floor CPU s", "x floor", "check CPU s", "valid", "queries",
        "per page", "peak over base MB", "wall s"]  # fmt: skip


def main() -> int:
    """Measure, print, judge."""
    options = _options()
    figures: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="floodmark-bench-") as folder, _server(options.server, folder) as server:
        work = Path(folder) / "files"
        work.mkdir()
        for name, words in _samples(options):
            _say(f"making {name}")
            with _database(server) as url:
                _run(["-m", "floodmark", "sample", *words], url)
                figures.append(_measure(name, 1, url, work))
        if DUMP.exists() and not options.no_shared:
            _say("restoring ../shared/rsr")
            with _database(server) as url:
                _restore(url)
                figures += [_measure(name, number, url, work) for number, name in SHARED.items()]
    _print(figures)
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in figures], indent=2) + "\n")
    missed = list(_missed(figures))
    print("\n".join(missed) or "every bar is met", file=sys.stderr)
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, nargs="*", default=[630, 3000, 30_000])
    parser.add_argument("--periods", type=int, default=100_000, help="of one giant project; 0 leaves it out")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-shared", action="store_true", help="leave ../shared/rsr out")
    parser.add_argument("--server", help="PostgreSQL URL to make databases on, instead of a private server")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--floor", nargs=2, metavar=("ORGANISATION", "BYTES"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.projects, options.periods = [630, 3000], 20_000
    return options


def _samples(options: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    for count in options.projects:
        yield f"{count:,} projects", ["--organisations", "1", "--projects", str(count)]
    if options.periods:
        yield f"{options.periods:,} periods", ["--organisations", "0", "--giant-periods", str(options.periods)]


@contextmanager
def _server(url: str | None, folder: str) -> Iterator[str]:
    """The URL of a database of the server to work on."""
    if url:
        yield url
        return
    from floodmark.export import postgres

    server = postgres.join(Path(folder) / "postgres")
    try:
        yield server.url("postgres")
    finally:
        server.leave()


@contextmanager
def _database(server: str) -> Iterator[str]:
    """The URL of a new database, dropped afterwards."""
    name = f"floodmark_bench_{os.getpid()}_{time.monotonic_ns()}"
    parts = psycopg.conninfo.conninfo_to_dict(server)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield _url(parts | {"dbname": name})
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _url(parts: dict[str, Any]) -> str:
    from urllib.parse import quote, urlencode

    login = quote(str(parts.get("user", "")), safe="")
    if parts.get("password"):
        login += ":" + quote(str(parts["password"]), safe="")
    more = urlencode({key: parts[key] for key in ("host", "port") if parts.get(key)})
    return f"postgresql://{login}@/{parts['dbname']}?{more}"


def _restore(url: str) -> None:
    from floodmark.export.postgres_account import binaries

    psql = [str(binaries() / "psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", "-d", url]
    with gzip.open(DUMP) as text, subprocess.Popen(psql, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin
        shutil.copyfileobj(text, process.stdin)
    if process.returncode:
        raise SystemExit(f"psql could not restore {DUMP}")


def _run(words: list[str], url: str) -> str:
    """Run Python on a database; its output."""
    environment = {**os.environ, "FLOODMARK_DATABASE_URL": url}
    done = subprocess.run([sys.executable, *words], env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit status {done.returncode}")
    return done.stdout


def _measure(name: str, organisation: int, url: str, work: Path) -> Figures:
    _say(f"measuring {name}")
    out, stats = work / "out.xml", work / "stats.json"
    words = ["-m", "floodmark", "export", "activities", str(organisation), "--out", str(out), "--stats", str(stats)]
    _run(words, url)
    cost = json.loads(stats.read_text())
    floor = float(_run([__file__, "--floor", str(organisation), str(cost["bytes"])], url))
    checked = json.loads(_run(["-c", CHECK, str(out)], url))
    return Figures(
        name, cost["activities"], cost["bytes"] / 1e6, cost["cpu_seconds"], floor, checked["cpu_s"],
        checked["problems"], cost["queries"], cost["pages"], cost["peak_mb"] - cost["base_mb"], cost["wall_seconds"],
    )  # fmt: skip


CHECK = """
import json, sys, time
from pathlib import Path
from floodmark.export.validity import check
began = time.process_time()
problems = check(Path(sys.argv[1]))
print(json.dumps({"cpu_s": time.process_time() - began, "problems": problems}))
"""


def floor(organisation: int, size: int) -> float:
    """CPU seconds for the rows of an activity file by COPY, thrown away, and as many bytes written and synced."""
    from floodmark.export import bootstrap, catalogue
    from floodmark.export.rows.activity import PROJECT
    from floodmark.export.rows.database import Database
    from floodmark.export.rows.pages import ActivityRows
    from floodmark.export.rows.reader import Limits, Reader
    from floodmark.settings import load

    settings = load()
    bootstrap.setup(settings, own=False)
    database = Database()
    export = catalogue.export_of(database, organisation)
    projects = f"SELECT project_id FROM rsr_iatiexport_projects WHERE iatiexport_id = {export}"
    statements = [f"SELECT {', '.join(PROJECT.columns)} FROM {PROJECT.source} WHERE t.id IN ({projects})"]
    waiting: list[tuple[Reader[Any], str]] = [(reader, projects) for reader in ActivityRows(database, Limits()).roots]
    while waiting:
        reader, parents = waiting.pop()
        rows = f"FROM {reader.table.source} WHERE {reader.table.parent} IN ({parents}) AND {reader.table.where}"
        statements.append(f"SELECT {', '.join(reader.table.columns)} {rows}")
        waiting += [(child, f"SELECT {reader.table.key} {rows}") for child in reader.children]
    assert settings.database_url
    with psycopg.connect(settings.database_url.get_secret_value()) as connection, tempfile.TemporaryFile() as file:
        began = time.process_time()
        for statement in statements:
            with connection.cursor().copy(f"COPY ({statement}) TO STDOUT") as copy:
                for _ in copy:
                    pass
        block = b"x" * 65_536
        for _ in range(size // len(block) + 1):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        return time.process_time() - began


def _print(figures: list[Figures]) -> None:
    print("| " + " | ".join(HEAD) + " |")
    print("|" + "---|" * len(HEAD))
    for each in figures:
        print("| " + " | ".join(each.cells()) + " |")
    print(f"\nRSR's own exporter on the same rows of ../shared/rsr: {RSR_MB_PER_CPU_S} MB per CPU second.")


def _missed(figures: list[Figures]) -> Iterator[str]:
    """The bars that were missed, one line each."""
    for each in figures:
        if each.mb >= LARGE_MB and each.speed < LEAST_MB_PER_CPU_S:
            yield f"{each.data}: {each.speed:.1f} MB per CPU second, at least {LEAST_MB_PER_CPU_S:g} wanted"
        if each.queries_per_page > MOST_QUERIES_PER_PAGE:
            yield f"{each.data}: {each.queries_per_page:.1f} queries a page, at most {MOST_QUERIES_PER_PAGE:g} wanted"
        if each.peak_mb > MOST_PEAK_MB:
            yield f"{each.data}: {each.peak_mb:.1f} MB over base, at most {MOST_PEAK_MB:g} wanted"
        for problem in each.problems:
            yield f"{each.data}: not valid: {problem}"
    peaks = [each.peak_mb for each in figures if each.mb >= LARGE_MB]
    if peaks and max(peaks) - min(peaks) > MOST_SPREAD_MB:
        yield f"memory depends on size: {min(peaks):.1f} to {max(peaks):.1f} MB over base, {MOST_SPREAD_MB:g} allowed"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    given = _options()
    if given.floor:
        print(floor(int(given.floor[0]), int(given.floor[1])))
        sys.exit(0)
    sys.exit(main())
