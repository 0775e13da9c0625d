"""How fast and in what memory metrics are read: Prometheus JSON, gzipped and plain, a table of processes, a panel.

    python benchmarks/metrics.py [--points 7200] [--series 200] [--large-mb 300]

Prints seconds of processor time, MB/s of the decompressed text, samples a second and the peak of the reader alone, the
same of the whole intake (with its store, which keeps at most `max_all_samples` of them), and of `json.load` where it can
read the file. Each runs in a fresh process.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

START = 1_756_250_000


def matrix(series: int, points: int) -> Iterator[str]:
    """An answer of Prometheus in pieces: `series` containers, `points` samples a minute apart."""
    random = np.random.default_rng(1)
    yield '{"status":"success","data":{"resultType":"matrix","result":['
    for number in range(series):
        sizes = (4e8 + np.cumsum(random.normal(0, 1e5, points))).astype(np.int64)
        values = ",".join(f'[{START + 60 * index},"{size}"]' for index, size in enumerate(sizes))
        metric = f'{{"__name__":"container_memory_rss","container":"c{number}","pod":"rsr-7d759f6dc9-m99vb"}}'
        yield f'{"," if number else ""}{{"metric":{metric},"values":[{values}]}}'
    yield "]}}"


def processes(rows: int) -> Iterator[str]:
    """A table of 40 processes as psutil's users write it."""
    yield "time,pod,container,pid,ppid,comm,rss_bytes,pss_bytes\n"
    for index in range(rows):
        rss = 104_501_100 + 17 * index
        yield f"{START + 60 * (index // 40)},rsr-1,web,{38 + index % 40},1,gunicorn,{rss},{rss - 44_000_000}\n"


def panel(columns: int, rows: int) -> Iterator[str]:
    """A panel of Grafana of which half of the columns are copies of the first."""
    half = columns // 2
    names = ["Time", "web", *(f"web.{number}" for number in range(1, half)), *(f"c{number}" for number in range(half))]
    yield ",".join(names) + "\n"
    for index in range(rows):
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(START + 60 * index))
        own = ",".join(f"{400 + number + index / 256}" for number in range(half))
        yield f"{stamp},{','.join([str(500 + index / 256)] * half)},{own}\n"


def write(path: Path, pieces: Iterator[str]) -> int:
    """Write a file, gzipped where its name says so; the bytes before compression."""
    size = 0
    with gzip.open(path, "wt", compresslevel=1) if path.suffix == ".gz" else path.open("w") as file:
        for piece in pieces:
            size += file.write(piece)
    return size


def child(path: Path) -> None:
    """Read one file and print samples, seconds and peak memory: runs in a process of its own."""
    from floodmark.evidence.metrics import READERS
    from floodmark.evidence.sources import FileSource

    class Count:
        """A sink that counts and forgets."""

        samples_seen = 0

        def samples(self, key: object, at: np.ndarray, value: np.ndarray, line: int | None = None) -> None:
            Count.samples_seen += len(at)

        def __getattr__(self, name: str) -> object:
            return lambda *args, **more: None

    source = FileSource(path, path.name)
    head = source.head()
    begin = time.process_time()
    max(READERS, key=lambda reader: reader.recognise(head)).read(source, Count())  # type: ignore[arg-type]
    seconds = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"samples": Count.samples_seen, "seconds": seconds, "peak_mb": peak * 1024 / 1e6}))


def intake(path: Path) -> None:
    """The whole intake of one file."""
    from floodmark.evidence.intake import gather

    begin = time.process_time()
    kept = sum(len(one.at) for one in gather([path]).series)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"samples": kept, "seconds": time.process_time() - begin, "peak_mb": peak * 1024 / 1e6}))


def whole(path: Path) -> None:
    """What `json.load` takes for the same file, without making numbers of the strings."""
    begin = time.process_time()
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        json.load(file)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": time.process_time() - begin, "peak_mb": peak * 1024 / 1e6}))


def measured(action: str, path: Path) -> dict[str, float]:
    """The figures of one file, from a fresh process."""
    done = subprocess.run([sys.executable, __file__, action, str(path)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    """Write each kind of file, read it, print a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--points", type=int, default=7200)
    parser.add_argument("--large-mb", type=int, default=300)
    options = parser.parse_args()
    large = max(1, options.large_mb * 1_000_000 // (27 * options.points))
    with tempfile.TemporaryDirectory(prefix="floodmark-bench-") as folder:
        files = (
            ("range.json.gz", matrix(options.series, options.points)),
            ("large.json", matrix(large, options.points)),
            ("processes.csv", processes(400_000)),
            ("Memory (MB)-data-as-seriestocolumns.csv", panel(600, 1440)),
        )
        print(f"{'file':42} {'MB':>6} {'s':>6} {'MB/s':>6} {'samples/s':>11} {'peak MB':>8}"
              "  intake: s, peak MB, kept  json.load: s, peak MB")  # fmt: skip
        for name, pieces in files:
            path = Path(folder) / name
            size = write(path, pieces) / 1e6
            read = measured("read", path)
            all_of_it = measured("intake", path)
            other = measured("whole", path) if ".json" in name else None
            beside = f"{other['seconds']:11.1f} {other['peak_mb']:8.0f}" if other else ""
            print(
                f"{name:42} {size:6.0f} {read['seconds']:6.1f} {size / read['seconds']:6.0f} "
                f"{read['samples'] / read['seconds']:11,.0f} {read['peak_mb']:8.0f} "
                f"{all_of_it['seconds']:10.1f} {all_of_it['peak_mb']:8.0f} {all_of_it['samples']:10,} {beside}"
            )
            path.unlink()


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in ("read", "whole", "intake"):
        {"read": child, "whole": whole, "intake": intake}[sys.argv[1]](Path(sys.argv[2]))
    else:
        main()
