"""Processes and control groups of this machine are measured as the kernel counts them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from floodmark.watch.collect.cgroup import CgroupCollector, pressure
from floodmark.watch.collect.proc import Proc
from floodmark.watch.collect.processes import ProcessCollector
from floodmark.watch.config import Cgroup, Processes

MARK = "floodmark-test-of-processes"
CHILD = f"import sys, time; keep = bytearray(30_000_000); print('up', flush=True); time.sleep(60)  # {MARK}"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def collector(config: Processes, **more: float) -> ProcessCollector:
    bounds = {"pss_every_seconds": 60.0, "max_processes": 50, **more}
    return ProcessCollector(config, **bounds)  # type: ignore[arg-type]


def by_command() -> Processes:
    return Processes(service="child", command=MARK)


def test_a_process_is_found_by_its_command_and_measured(child: subprocess.Popen[str]) -> None:
    collected = collector(by_command()).collect(1000.0)
    values = {sample.measure: sample for sample in collected.samples}
    assert values["processes"].value == 1
    assert values["rss"].process == str(child.pid)
    assert values["rss"].value == pytest.approx(psutil.Process(child.pid).memory_info().rss, rel=0.02)
    assert values["pss"].value == pytest.approx(psutil.Process(child.pid).memory_full_info().pss, rel=0.02)
    assert values["rss"].started == pytest.approx(psutil.Process(child.pid).create_time(), abs=1)


def test_pss_is_read_rarely_and_rss_each_time(child: subprocess.Popen[str]) -> None:
    one = collector(by_command())
    measures = [{sample.measure for sample in one.collect(at).samples} for at in (1000.0, 1015.0, 1061.0)]
    assert ["pss" in seen for seen in measures] == [True, False, True]
    assert all("rss" in seen for seen in measures)


def test_a_pid_file_brings_the_process_and_its_descendants(tmp_path: Path) -> None:
    script = f"{sys.executable} -c {shlex.quote(CHILD)} & echo ready; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout
        lines = {shell.stdout.readline().strip(), shell.stdout.readline().strip()}
        assert lines == {"ready", "up"}
        (tmp_path / "pid").write_text(str(shell.pid))
        samples = collector(Processes(service="tree", pid_file=tmp_path / "pid")).collect(1.0).samples
        pids = {int(sample.process) for sample in samples if sample.process}
        descendants = {one.pid for one in psutil.Process(shell.pid).children(recursive=True)}
        assert pids == {shell.pid, *descendants}
        for one in psutil.Process(shell.pid).children(recursive=True):
            one.kill()


def test_a_target_that_goes_away_is_said_and_found_again_when_it_is_back(child: subprocess.Popen[str]) -> None:
    one = collector(by_command())
    assert one.collect(1.0).problem is None
    child.kill()
    child.wait()
    collected = one.collect(2.0)
    assert "no process found by command" in (collected.problem or "")
    assert [sample.value for sample in collected.samples] == [0.0]
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True) as again:
        assert again.stdout
        again.stdout.readline()
        assert one.collect(3.0).problem is None
        again.kill()


def test_more_processes_than_the_bound_are_said(child: subprocess.Popen[str]) -> None:
    collected = collector(Processes(service="all", command="."), max_processes=2).collect(1.0)
    assert "only the first 2 are measured" in (collected.problem or "")
    assert len({sample.process for sample in collected.samples if sample.process}) == 2


@pytest.mark.parametrize("text", ["", "not a pid", "999999999"])
def test_a_pid_file_that_leads_nowhere_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pid"
    path.write_text(text)
    assert "no process found by pid file" in (
        collector(Processes(service="x", pid_file=path)).collect(1.0).problem or ""
    )


def test_a_command_with_parentheses_and_spaces_does_not_shift_the_fields(tmp_path: Path) -> None:
    script = tmp_path / "a) R 1 (b"
    script.symlink_to("/bin/sleep")
    with subprocess.Popen([str(script), "60"]) as process:
        time.sleep(0.1)
        identity = Proc().identity(process.pid)
        assert identity
        assert identity.parent == os.getpid()
        process.kill()


def v2(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    stat = "anon 200000000\nfile 90000000\ninactive_file 50000000\n"
    tree = {
        "memory.current": "300000000", "memory.stat": stat, "memory.events": "low 0\noom 0\noom_kill 0\n",
        "memory.max": "536870912", "pids.current": "13",
    }  # fmt: skip
    for name, text in {**tree, **{key.replace("_", ".", 1): value for key, value in files.items()}}.items():
        (folder / name).write_text(text)
    return folder


def measured(one: CgroupCollector) -> dict[str, float]:
    return {sample.measure: sample.value for sample in one.collect(1.0).samples}


def test_a_version_2_group_is_read_without_its_page_cache(tmp_path: Path) -> None:
    one = CgroupCollector(Cgroup(service="web", path=v2(tmp_path / "web")))
    assert measured(one) == {"rss": 2e8, "working_set": 2.5e8, "usage": 3e8, "processes": 13}
    assert [limit.value for limit in one.collect(2.0).limits] == [536870912]


def test_a_version_1_group_is_read_the_same_way(tmp_path: Path) -> None:
    for name, text in {
        "memory.usage_in_bytes": "300000000",
        "memory.stat": "cache 90000000\nrss 1\ntotal_rss 200000000\ntotal_inactive_file 50000000\n",
        "memory.limit_in_bytes": "9223372036854771712",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
    }.items():
        (tmp_path / name).write_text(text)
    one = CgroupCollector(Cgroup(service="web", path=tmp_path))
    assert measured(one) == {"rss": 2e8, "working_set": 2.5e8, "usage": 3e8}
    assert one.collect(2.0).limits == ()


def test_an_oom_kill_is_an_event_once_and_an_old_one_is_none(tmp_path: Path) -> None:
    folder = v2(tmp_path / "web", memory_events="oom_kill 3\n")
    one = CgroupCollector(Cgroup(service="web", path=folder))
    assert one.collect(1.0).events == ()
    v2(folder, memory_events="oom_kill 5\n")
    (event,) = one.collect(2.0).events
    assert (event.kind, event.count) == ("oom-kill", 2)
    assert one.collect(3.0).events == ()


def test_no_limit_is_no_limit(tmp_path: Path) -> None:
    one = CgroupCollector(Cgroup(service="web", path=v2(tmp_path / "web", memory_max="max")))
    assert one.collect(1.0).limits == ()


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: folder.mkdir()])
def test_a_group_that_has_gone_is_said(tmp_path: Path, make: object) -> None:
    folder = tmp_path / "gone"
    make(folder)  # type: ignore[operator]
    assert CgroupCollector(Cgroup(service="web", path=folder)).collect(1.0).problem


def test_pressure_is_a_share_or_unknown(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("some avg10=12.50 avg60=3.00 avg300=1.00 total=99\nfull avg10=0.00\n")
    assert pressure(tmp_path / "memory") == 0.125
    assert pressure(tmp_path / "missing") is None
