"""The watch is killed, its store is damaged, its clock is set back, its disk is full: it says so and goes on."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from floodmark.settings import Settings
from floodmark.watch.collect.base import Collected, Health
from floodmark.watch.config import WatchConfig
from floodmark.watch.live import Watch


@pytest.fixture
def stage(endpoint: Any, stage_of: Callable[..., Any]) -> Iterator[Any]:
    made = stage_of(endpoint.url, remedy=False)
    yield made
    made.close()


@pytest.mark.slow
def test_a_watch_killed_in_an_incident_goes_on_with_it_and_tells_nothing_twice(stage: Any, endpoint: Any) -> None:
    stage.leak.touch()
    stage.start_traffic()
    stage.start_watch()
    before = stage.wait_for("select * from incident where service = 'shop'", 90)
    stage.wait_for("select * from outbox where delivered is not null", 20)
    stage.watch.send_signal(signal.SIGKILL)
    stage.watch.wait()
    stage.start_watch()
    stage.wait_for(f"select * from incident where updated > {time.time() + 8}", 60)
    assert [one["id"] for one in stage.rows("select id from incident where service = 'shop'")] == [before["id"]]
    told = [json.loads(one.body) for one in endpoint.requests]
    same = [(one["fingerprint"], one["status"], one["severity"]) for one in told]
    assert len(same) == len(set(same)), told


def watch_of(folder: Path, clock: Callable[[], float] = time.time, **settings: Any) -> Watch:
    config = WatchConfig.model_validate({"processes": [{"service": "me", "command": "pytest"}]})
    return Watch(Settings(data_dir=folder, **settings), config, folder / "watch", clock=clock)


def test_a_damaged_store_and_a_damaged_state_are_moved_aside_and_said(tmp_path: Path) -> None:
    folder = tmp_path / "watch"
    folder.mkdir()
    (folder / "samples.duckdb").write_bytes(b"garbage" * 5000)
    (folder / "state.sqlite").write_bytes(b"garbage" * 5000)
    watch = watch_of(tmp_path)
    watch.round()
    assert len([one for one in watch.view.remarks if "was damaged and moved aside" in one]) == 2
    assert len(list(folder.glob("*.damaged-1"))) == 2
    watch.close()


def test_a_clock_that_is_set_back_is_said_and_the_rounds_go_on(tmp_path: Path) -> None:
    now = [1_756_800_000.0]
    watch = watch_of(tmp_path, lambda: now[0])
    for step in (15.0, 15.0, -3600.0, 15.0, 15.0):
        now[0] += step
        watch.round()
    assert watch.view.rounds == 5
    assert any("clock was set back by 3600 s" in one for one in watch.view.remarks)
    watch.close()


def test_a_full_disk_costs_samples_and_is_said_but_ends_nothing(tmp_path: Path, small_disk: Path) -> None:
    watch = watch_of(small_disk)
    watch.round()
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(b"x" * 65_536)
                file.flush()
        except OSError:
            pass
    for _ in range(40):
        watch.round()
        # The worst moment for a full disk: DuckDB refuses everything after a checkpoint that failed.
        watch._aged_at = float("-inf")
    assert any("samples.duckdb" in one or "state.sqlite" in one for one in watch.remarks), watch.remarks
    filler.unlink()
    watch.round()
    watch.round()
    now = watch.view.at
    assert len(watch.store.samples(now, now + 1)["moment"]) > 0
    watch.close()


def test_a_diagnosis_that_fails_is_said_and_the_watch_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*words: object) -> None:
        raise ZeroDivisionError("of a figure nobody thought of")

    watch = watch_of(tmp_path)
    monkeypatch.setattr("floodmark.watch.live.diagnose", fails)
    watch.round()
    assert any("ZeroDivisionError: of a figure nobody thought of" in one for one in watch.view.remarks)
    assert "Traceback" in caplog.text
    assert len(watch.store.samples(0.0, 1e12)["moment"]) > 0
    watch.close()


def test_a_collector_that_fails_costs_its_own_samples_only(tmp_path: Path) -> None:
    class Broken:
        name = "broken"

        def collect(self, now: float) -> Collected:
            raise RuntimeError("the kernel says something new")

        def close(self) -> None:
            pass

    watch = watch_of(tmp_path)
    watch.collectors.insert(0, Broken())
    watch.healths.insert(0, Health("broken"))
    watch.round()
    assert "the kernel says something new" in (watch.view.healths[0].problem or "")
    assert len(watch.store.samples(0.0, 1e12)["moment"]) > 0
    watch.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight megabytes; needs root, as mounting does: elsewhere the test says that it fails."""
    import subprocess

    if os.geteuid() != 0:
        pytest.fail("this test mounts a small file system and so has to run as root")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_what_a_collector_cannot_see_is_told_as_blindness(tmp_path: Path) -> None:
    now = [1_756_800_000.0]
    config = WatchConfig.model_validate({"processes": [{"service": "gone", "command": "no-such-process-anywhere"}]})
    watch = Watch(Settings(data_dir=tmp_path), config, tmp_path / "watch", clock=lambda: now[0])
    for _ in range(30):
        now[0] += 15.0
        watch.round()
    (alert,) = watch.state.rows("select * from alert")
    assert alert["rule"] == "watch-blind"
    assert "no process found" in alert["reason"]
    watch.close()
