"""Serving, measured: harvesters while builds run, slow readers, and memory over ten thousand requests.

    python benchmarks/serve.py [--seconds 20] [--json FILE]

Starts `floodmark serve` on a free port of 127.0.0.1 with a private database of sample data in a temporary folder, and
asks it from processes of its own. Clients and server share the machine's cores, so latencies are upper bounds.

    harvest   25 harvesters, 100 requests a second in all (4 HEAD to 1 GET, gzip), while every dataset is built again
              and again: HEAD latencies, failures, builds.            aimed at: HEAD p99 < 50 ms, no failure
    slow      50 readers that take 40 MB at 200 kB/s each: memory that the web processes add meanwhile (PSS)
                                                                      aimed at: < 20 MB a process
    memory    10,000 requests after as many to warm up: memory of the web processes (USS) before and after, per hour
                                                                      aimed at: about 0
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

HARVESTERS, RATE, PROCESSES = 25, 100.0, 5
SLOW_READERS, SLOW_BYTES_PER_S = 50, 200_000
LARGE_PROJECTS = 750  # rich: a little over 40 MB
AGENT = "floodmark benchmark"


@dataclass
class Tally:
    """What one client process saw."""

    head_seconds: list[float] = field(default_factory=list)
    get_seconds: list[float] = field(default_factory=list)
    got_bytes: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.head_seconds += other.head_seconds
        self.get_seconds += other.get_seconds
        self.got_bytes += other.got_bytes
        self.failures += other.failures


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, path: str) -> tuple[int, int]:
    """One request on a kept connection: status and bytes of the body."""
    writer.write(
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {AGENT}\r\nAccept-Encoding: gzip, deflate\r\n\r\n".encode()
    )
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 25)
    status = int(head.split(b" ", 2)[1])
    length = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
    left = int(length[1]) if length and method == "GET" else 0
    taken = 0
    while taken < left:
        block = await asyncio.wait_for(reader.read(1 << 18), 25)
        if not block:
            raise ConnectionError(f"{left - taken} bytes are missing")
        taken += len(block)
    return status, taken


async def harvester(port: int, number: int, paths: list[str], seconds: float) -> Tally:
    """Asks at its share of the rate until the time is over."""
    tally, every = Tally(), HARVESTERS / RATE
    connection = None
    due = time.perf_counter() + number * every / HARVESTERS
    end, count = due + seconds, number
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        method, path = "GET" if count % 5 == 0 else "HEAD", paths[count % len(paths)]
        began = time.perf_counter()
        try:
            connection = connection or await asyncio.open_connection("127.0.0.1", port)
            status, taken = await ask(*connection, method, path)
            if status != 200:
                tally.failures.append(f"{method} {path}: {status}")
            (tally.head_seconds if method == "HEAD" else tally.get_seconds).append(time.perf_counter() - began)
            tally.got_bytes += taken
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            tally.failures.append(f"{method} {path}: {error!r}")
            connection = None
        count, due = count + 1, due + every
    if connection:
        connection[1].close()
    return tally


def harvest_process(port: int, numbers: list[int], paths: list[str], seconds: float) -> Tally:
    """Several harvesters in one process."""

    async def together() -> Tally:
        whole = Tally()
        for tally in await asyncio.gather(*(harvester(port, number, paths, seconds) for number in numbers)):
            whole.add(tally)
        return whole

    return asyncio.run(together())


async def slow_reader(port: int, path: str, seconds: float) -> int:
    """Takes the body at its slow pace until the time is over; returns the bytes taken."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {AGENT}\r\n\r\n".encode())
    taken, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        block = await reader.read(SLOW_BYTES_PER_S // 10)
        if not block:
            break
        taken += len(block)
        await asyncio.sleep(0.1)
    writer.close()
    return taken


def slow_process(port: int, path: str, count: int, seconds: float) -> list[int]:
    """Several slow readers in one process."""

    async def together() -> list[int]:
        return await asyncio.gather(*(slow_reader(port, path, seconds) for _ in range(count)))

    return asyncio.run(together())


async def many(port: int, paths: list[str], count: int, at_once: int = 8) -> int:
    """`count` requests, some at once, as fast as they are answered; returns the failures."""
    failures = 0

    async def worker(share: range) -> None:
        nonlocal failures
        connection = await asyncio.open_connection("127.0.0.1", port)
        for number in share:
            method = "GET" if number % 10 == 0 else "HEAD"
            try:
                status, _ = await ask(*connection, method, paths[number % len(paths)])
                failures += status != 200
            except (TimeoutError, OSError, asyncio.IncompleteReadError):
                failures += 1
                connection = await asyncio.open_connection("127.0.0.1", port)
        connection[1].close()

    await asyncio.gather(*(worker(range(start, count, at_once)) for start in range(at_once)))
    return failures


class Server:
    """`floodmark serve` on sample data in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "FLOODMARK_DATA_DIR": str(folder / "var"),
            "FLOODMARK_CHECK_MINUTES": "0.05",
            "FLOODMARK_WEB_WORKER_MAX_MB": "2000",
        }

    def command(self, *words: str) -> None:
        """Run a floodmark command to its end."""
        subprocess.run(
            [sys.executable, "-m", "floodmark", *words], env=self.environment, check=True, stdout=subprocess.DEVNULL
        )

    def __enter__(self) -> Server:
        self.command("sample", "--organisations", "1", "--projects", str(LARGE_PROJECTS), "--rich", "--clean")
        self.command("build", "--all")
        log = self.folder / "serve.log"
        with log.open("wb") as said:
            words = ["-m", "floodmark", "serve", "--bind", "127.0.0.1:0"]
            self.process = subprocess.Popen([sys.executable, *words], env=self.environment, stderr=said)
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
            assert self.process.poll() is None, log.read_text()
            time.sleep(0.05)
        self.port = int(found[1])
        time.sleep(3.0)  # until both web processes have started
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(60)

    def web(self) -> list[psutil.Process]:
        """The web processes, without their master."""
        tree = psutil.Process(self.process.pid).children(recursive=True)
        found = [process for process in tree if "gunicorn" in " ".join(process.cmdline())]
        return [process for process in found if process.ppid() in {other.pid for other in found}]

    def memory(self, kind: str) -> list[float]:
        """MB of each web process."""
        return [getattr(process.memory_full_info(), kind) / 1e6 for process in self.web()]


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure_harvest(server: Server, paths: list[str], seconds: float) -> dict[str, object]:
    """25 harvesters while every dataset is built again and again."""
    done, builds = threading.Event(), [0]

    def keep_building() -> None:
        var = server.folder / "var"
        url = f"postgresql://postgres@/floodmark?host={var / 'postgres' / 'cluster'}"
        while not done.is_set():
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("UPDATE rsr_project SET title = 'Title ' || clock_timestamp()")
            server.command("build", "1/activities")
            builds[0] += 1

    builder = threading.Thread(target=keep_building)
    builder.start()
    time.sleep(1.0)
    whole = Tally()
    groups = [list(range(start, HARVESTERS, PROCESSES)) for start in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        for tally in pool.map(harvest_process, *zip(*((server.port, g, paths, seconds) for g in groups), strict=True)):
            whole.add(tally)
    done.set()
    builder.join()
    heads = whole.head_seconds
    return {
        "requests": len(heads) + len(whole.get_seconds),
        "requests_per_s": round((len(heads) + len(whole.get_seconds)) / seconds, 1),
        "failures": len(whole.failures),
        "first_failures": whole.failures[:3],
        "builds_finished": builds[0],
        "head_ms": {name: round(quantile(heads, q) * 1000, 1) for name, q in (("p50", 0.5), ("p99", 0.99), ("max", 1))},
        "get_ms": {name: round(quantile(whole.get_seconds, q) * 1000, 1) for name, q in (("p50", 0.5), ("p99", 0.99))},
        "got_mb": round(whole.got_bytes / 1e6, 1),
    }


def measure_slow(server: Server, path: str, seconds: float) -> dict[str, object]:
    """50 slow readers of the large file."""
    before, peak = server.memory("pss"), server.memory("pss")
    with ProcessPoolExecutor(2) as pool:
        half = SLOW_READERS // 2
        readers = [pool.submit(slow_process, server.port, path, half, seconds) for _ in range(2)]
        while not all(reader.done() for reader in readers):
            peak = [max(pair) for pair in zip(peak, server.memory("pss"), strict=True)]
            time.sleep(0.2)
        taken = [count for reader in readers for count in reader.result()]
    return {
        "readers": len(taken),
        "mb_taken_by_each": round(min(taken) / 1e6, 1),
        "before_mb": [round(value, 1) for value in before],
        "peak_mb": [round(value, 1) for value in peak],
        "added_mb_by_the_worst": round(max(b - a for a, b in zip(before, peak, strict=True)), 1),
    }


def measure_memory(server: Server, paths: list[str]) -> dict[str, object]:
    """Ten thousand requests, after a warm-up."""
    # All threads of the pools are at work once: what they take at their first request is no growth.
    asyncio.run(many(server.port, paths, 6000, at_once=120))
    asyncio.run(many(server.port, paths, 4000))
    before, began = server.memory("uss"), time.perf_counter()
    failures = asyncio.run(many(server.port, paths, 10_000))
    seconds, after = time.perf_counter() - began, server.memory("uss")
    growth = sum(after) - sum(before)
    return {
        "requests": 10_000,
        "requests_per_s": round(10_000 / seconds),
        "failures": failures,
        "before_mb": [round(value, 2) for value in before],
        "after_mb": [round(value, 2) for value in after],
        "growth_mb": round(growth, 2),
        "growth_mb_per_h_at_this_rate": round(growth / seconds * 3600, 1),
        "growth_mb_per_h_at_100_per_s": round(growth / 100 * 3600, 2),
    }


def main() -> None:
    """Run all three and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long harvesters and slow readers go on")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="floodmark-bench-") as folder, Server(Path(folder)) as server:
        large = "/organisation/1/iati/"
        paths = [large, *(f"/organisation/{number}/iati-org/" for number in (1, 2, 3))]
        found = {
            "large_file_mb": round(int(_length(server.port, large)) / 1e6, 1),
            "memory": measure_memory(server, paths[1:] * 9 + paths),
            "slow": measure_slow(server, large, min(options.seconds, 60.0)),
            "harvest": measure_harvest(server, paths, options.seconds),
            "load": os.getloadavg(),
        }
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def _length(port: int, path: str) -> str:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("HEAD", path)
    length = connection.getresponse().headers["Content-Length"]
    connection.close()
    return length


if __name__ == "__main__":
    main()
