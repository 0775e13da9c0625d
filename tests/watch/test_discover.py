"""What is found on this machine is a configuration that can be read, and finds the same things again."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from floodmark.watch.collect.processes import ProcessCollector
from floodmark.watch.config import read
from floodmark.watch.discover import MAX_LOGS, toml

APPLICATION = """
def application(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""


@pytest.fixture
def gunicorn(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "shop_front.py").write_text(APPLICATION)
    command = [
        sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "2", "--no-control-socket",
        "--error-logfile", str(tmp_path / "error.log"), "shop_front:application",
    ]  # fmt: skip
    log = tmp_path / "error.log"
    log.touch()
    with subprocess.Popen(command, cwd=tmp_path, text=True) as process:
        while log.read_text().count("Booting worker") < 2:
            assert process.poll() is None
            time.sleep(0.05)
        yield process
        process.terminate()
        process.wait(10)


def test_a_gunicorn_is_found_with_its_workers_and_its_log(gunicorn: subprocess.Popen[str], tmp_path: Path) -> None:
    text = toml(folders=())
    path = tmp_path / "watch.toml"
    path.write_text(text)
    config = read(path)
    (found,) = [one for one in config.processes if one.service == "shop-front"]
    collected = ProcessCollector(found, pss_every_seconds=60, max_processes=50).collect(1.0)
    pids = {sample.process for sample in collected.samples if sample.process}
    assert str(gunicorn.pid) in pids
    assert len(pids) == 3
    assert (tmp_path / "error.log", "shop-front") in [(one.path, one.service) for one in config.logs]


def test_logs_lying_where_distributions_put_them_are_found(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text("")
    (tmp_path / 'odd"name\\.log').write_text("")
    paths = [one["path"] for one in tomllib.loads(toml(folders=(tmp_path,))).get("logs", [])]
    assert str(tmp_path / "access.log") in paths
    assert str(tmp_path / 'odd"name\\.log') in paths


def test_logs_that_are_too_many_are_counted_and_not_left_out_in_silence(tmp_path: Path) -> None:
    for number in range(MAX_LOGS + 3):
        (tmp_path / f"{number:03}.log").touch()
    # A process of this machine may hold a log open too; those come before the folder's.
    text = toml(folders=(tmp_path,))
    assert len(tomllib.loads(text)["logs"]) == MAX_LOGS
    (more,) = re.findall(r"^# (\d+) more logs were found", text, re.MULTILINE)
    assert int(more) >= 3


def test_the_control_group_of_a_service_is_found(gunicorn: subprocess.Popen[str], tmp_path: Path) -> None:
    for line in Path(f"/proc/{gunicorn.pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        group = tmp_path / ("memory" if controllers else "") / path.lstrip("/")
        group.mkdir(parents=True, exist_ok=True)
        (group / "memory.stat").write_text("anon 1\n")
    groups = tomllib.loads(toml(folders=(), groups=tmp_path)).get("cgroup", [])
    in_root = all(line.endswith(":/") for line in Path(f"/proc/{gunicorn.pid}/cgroup").read_text().splitlines())
    # A machine whose processes all lie in the root group has none that is one service's.
    assert in_root or "shop-front" in [one["service"] for one in groups]
