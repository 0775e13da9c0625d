"""Supervision: what dies is replaced with growing pauses, what is stopped stops, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from floodmark.errors import FloodmarkError
from floodmark.export import metrics_files
from floodmark.export.process import RECYCLE, proportional_bytes, resident_bytes
from floodmark.export.supervise import FIRST_PAUSE_S, Child, Supervisor


def child(code: str, **more: object) -> Child:
    return Child("a child", lambda n: [sys.executable, "-c", code.replace("N", str(n))], {}, **more)


def until(condition, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def run_for_a_while(supervisor: Supervisor, done) -> None:
    """Run until `done` says so, then be told to stop as by a person."""

    def stop() -> None:
        until(done)
        os.kill(os.getpid(), signal.SIGTERM)

    teller = threading.Thread(target=stop)
    teller.start()
    supervisor.run()
    teller.join()


def test_a_child_that_dies_is_started_again_after_a_growing_pause() -> None:
    one = child("raise SystemExit(1)")
    pauses = []
    while len(pauses) < 4:
        one.look()
        if one.process is None and (not pauses or one.pause != pauses[-1]):
            pauses.append(one.pause)
            one.start_at = 0.0
    assert pauses == [FIRST_PAUSE_S * 2**n for n in range(4)]


def test_a_child_that_asks_to_be_replaced_is_started_at_once() -> None:
    one = child(f"raise SystemExit({RECYCLE})", replaced=frozenset({RECYCLE}))
    run_for_a_while(Supervisor([one], 5), lambda: one.starts >= 4)
    assert one.pause == 0.0


def test_a_killed_child_is_replaced_and_its_death_is_told() -> None:
    dead: list[int] = []
    one = child("import time; time.sleep(60)", after_death=dead.append)

    def done() -> bool:
        if one.starts == 1 and one.process:
            one.process.kill()
        return one.starts >= 2 and one.process is not None

    run_for_a_while(Supervisor([one], 5), done)
    assert len(dead) == 2
    assert one.process is None


def test_all_are_asked_to_stop_and_who_does_not_is_killed() -> None:
    gentle = child("import time; time.sleep(60)")
    stubborn = child("import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)")
    began = time.monotonic()
    run_for_a_while(Supervisor([gentle, stubborn], 1.5), lambda: gentle.starts and stubborn.starts)
    assert time.monotonic() - began < 15
    assert gentle.process is stubborn.process is None


def test_an_essential_child_that_cannot_be_kept_running_ends_everything() -> None:
    one, other = child("raise SystemExit(3)", essential=True), child("import time; time.sleep(60)")
    with pytest.raises(FloodmarkError, match="a child cannot be kept running"):
        Supervisor([other, one], 5).run()
    assert other.process is None


COUNTING = """
import os, sys
os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[1]
from prometheus_client import CollectorRegistry
from floodmark.export.metrics import Meters
from floodmark.export import metrics_files
from floodmark.request_record import RequestRecord
from pathlib import Path
meters = Meters(CollectorRegistry())
metrics_files.mark(Path(sys.argv[1]), "web")
for _ in range(100):
    meters.begin()
    meters.finish(RequestRecord(0, 0.003, "GET", "/", 200, 10, True, route="index"))
meters.begin()
print(os.getpid())
"""


def sums(folder) -> dict[str, float]:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return {
        sample.name: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name in ("floodmark_requests_total", "floodmark_request_seconds_count", "floodmark_requests_running")
    }


def test_counts_of_the_dead_are_kept_and_their_files_are_not(tmp_path) -> None:
    metrics_files.prepare(tmp_path)
    for number in range(1, 7):
        done = subprocess.run(
            [sys.executable, "-c", COUNTING, str(tmp_path)], check=True, capture_output=True, text=True
        )
        before = sums(tmp_path)
        metrics_files.fold(tmp_path, int(done.stdout))
        after = sums(tmp_path)
        assert before["floodmark_requests_total"] == after["floodmark_requests_total"] == 100 * number
        assert after["floodmark_request_seconds_count"] == 100 * number
        assert "floodmark_requests_running" not in after, "the dead have nothing in hand"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counter_dead.db", "fold.lock", "histogram_dead.db"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 300_000
    assert metrics_files.marked(tmp_path) == []


def test_a_process_that_is_marked_is_found_with_its_memory(tmp_path) -> None:
    metrics_files.prepare(tmp_path)
    metrics_files.mark(tmp_path, "web")
    assert metrics_files.marked(tmp_path) == [("web", os.getpid())]
    metrics_files.prepare(tmp_path)
    assert metrics_files.marked(tmp_path) == []


def test_memory_is_read_as_the_kernel_has_it_and_unknown_is_none() -> None:
    assert abs(resident_bytes() - psutil.Process().memory_info().rss) < 20e6
    assert 0 < proportional_bytes() <= resident_bytes() + 20e6
    dead = subprocess.Popen(["true"])
    dead.wait()
    assert resident_bytes(dead.pid) is None
    assert proportional_bytes(dead.pid) is None
