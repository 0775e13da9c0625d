"""`floodmark analyze` as a person runs it: real files in, three files out, exit status, and words on a bad day."""

from __future__ import annotations

import gzip
import json
import os
import pty
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

START = 1_756_260_000  # 2025-08-27T02:00:00Z
HOURS = 14
LEAKY, INNOCENT = "/organisation/42/iati/", "/en/project/7/"


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "floodmark", "analyze", *(str(word) for word in words)]


def run(*words: object, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), capture_output=True, text=True, check=False, timeout=240, **more)  # type: ignore[call-overload]


def nginx_line(at: float, path: str, seconds: float = 0.2) -> str:
    stamp = datetime.fromtimestamp(at, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return (
        f'203.0.113.7 - - [{stamp}] "GET {path} HTTP/1.1" 200 910 "-" "curl/8.5.0" {seconds:.3f} {seconds:.3f} 0.000\n'
    )


def is_asked(minute: int) -> bool:
    """Whether the leaky route is asked for in this minute: in spells, so that growth has something to follow."""
    return minute > 180 and (minute // 37) % 2 == 0 and minute % 3 == 0


def write_evidence(folder: Path) -> None:
    """One service that keeps 6 MB of each request of one route, beside one that keeps nothing."""
    lines, leaking, quiet, held, noise = [], [], [], 400e6, random.Random(7)
    for minute in range(60 * HOURS):
        at = START + 60 * minute
        lines += [nginx_line(at + 7 * k + 1, INNOCENT) for k in range(1 + minute % 5)]
        if is_asked(minute):
            lines.append(nginx_line(at + 40, LEAKY, 9.0))
            held += 6e6
        leaking.append([at + 55, str(round(held + noise.gauss(0, 4e5)))])
        quiet.append([at + 55, str(round(60e6 + noise.gauss(0, 2e5)))])
    (folder / "nginx").mkdir(parents=True)
    (folder / "nginx" / "access.log").write_text("".join(lines))
    series = [
        {"metric": {"__name__": "container_memory_rss", "container": name, "pod": "web-1"}, "values": values}
        for name, values in (("web", leaking), ("nginx", quiet))
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": series}}
    (folder / "rss.json.gz").write_bytes(gzip.compress(json.dumps(answer).encode(), mtime=0))
    (folder / "holiday.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("incident") / "evidence"
    write_evidence(folder)
    return folder


ROUTED = ("--route", "/=web")


@pytest.fixture(scope="module")
def done(evidence: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    out = evidence.parent / "report"
    return run(evidence, "--out", out, *ROUTED), out


Done = tuple[subprocess.CompletedProcess[str], Path]


def incident(out: Path) -> dict:
    return json.loads((out / "incident.json").read_text())


def test_a_leak_is_found_with_its_rate_and_its_cause(done: Done) -> None:
    result, out = done
    assert result.returncode == 0, result.stderr
    found = incident(out)
    (web,) = [one for one in found["services"] if one["service"] == "web"]
    asked = sum(is_asked(minute) for minute in range(60 * HOURS))
    assert web["verdict"] == "leak"
    assert web["growth"]["mb_per_hour"] == pytest.approx(6 * asked / (HOURS - 3), rel=0.3)
    culprits = [one["name"] for one in found["causes"] if one["role"] == "culprit"]
    assert culprits == ["/organisation/{id}/iati/"]
    assert [one["verdict"] for one in found["services"] if one["service"] == "nginx"] == ["no-leak"]


def test_the_three_files_are_written_and_the_gist_is_said(done: Done) -> None:
    result, out = done
    assert sorted(one.name for one in out.iterdir()) == ["incident.json", "report.html", "report.md"]
    lines = result.stdout.splitlines()
    assert lines[0] == incident(out)["summary"]["headline"]
    assert any("web" in line and "leak" in line and "/organisation/{id}/iati/" in line for line in lines)
    assert lines[-1] == f"Report: {out / 'report.html'}"


def test_in_a_pipe_nothing_is_said_about_progress(done: Done) -> None:
    assert done[0].stderr == ""


def test_a_file_that_no_reader_knows_is_named(done: Done) -> None:
    sources = {one["path"]: one["kind"] for one in incident(done[1])["sources"]}
    assert sources["holiday.jpg"] == "unknown"


def test_the_same_evidence_gives_the_same_bytes_also_where_the_report_lies_among_it(evidence: Path, done: Done) -> None:
    first = {one.name: one.read_bytes() for one in done[1].iterdir()}
    inside = evidence / "out"
    for _ in range(2):
        assert run(evidence, "--out", inside, *ROUTED).returncode == 0
        assert {one.name: one.read_bytes() for one in inside.iterdir()} == first
    for one in inside.iterdir():
        one.unlink()
    inside.rmdir()


def test_the_same_evidence_gives_the_same_bytes_whatever_the_seed_of_hashes_and_the_order_of_files(
    evidence: Path, done: Done, tmp_path: Path
) -> None:
    """Also where the files were made in another order, under a folder of another name, and on another number of cores."""
    copied = tmp_path / "elsewhere"
    for one in sorted((path for path in evidence.rglob("*") if path.is_file()), reverse=True):
        target = copied / one.relative_to(evidence)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(one.read_bytes())
    for seed in ("1", "77"):
        out = tmp_path / seed
        env = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": seed}
        assert run(copied, "--out", out, *ROUTED, env=env).returncode == 0
        assert (out / "incident.json").read_bytes() == (done[1] / "incident.json").read_bytes()


def test_of_many_services_the_gravest_are_said_and_the_others_counted(tmp_path: Path) -> None:
    series = [
        {"metric": {"__name__": "container_memory_rss", "container": f"service-{n}"},
         "values": [[START + 60 * k, str(400_000_000 + n)] for k in range(200)]}
        for n in range(40)
    ]  # fmt: skip
    answer = {"status": "success", "data": {"resultType": "matrix", "result": series}}
    (tmp_path / "rss.json").write_text(json.dumps(answer))
    said = run(tmp_path / "rss.json", "--out", tmp_path / "out").stdout.splitlines()
    assert sum(line.startswith("  service-") for line in said) == 25
    assert "  and 15 more, the gravest of them no-leak" in said


def test_a_window_leaves_out_what_is_before_and_after(evidence: Path, tmp_path: Path) -> None:
    result = run(evidence, "--out", tmp_path, "--start", "2025-08-27T04:00:00Z", "--end", "2025-08-27T10:00:00+02:00")
    assert result.returncode == 0, result.stderr
    assert incident(tmp_path)["window"] == {"start": "2025-08-27T04:00:00Z", "end": "2025-08-27T08:00:00Z"}


def test_half_a_window_ends_with_the_evidence(evidence: Path, tmp_path: Path) -> None:
    assert run(evidence, "--out", tmp_path, "--start", "2025-08-27T04:00:00Z").returncode == 0
    window = incident(tmp_path)["window"]
    assert window["start"] == "2025-08-27T04:00:00Z"
    assert window["end"].startswith("2025-08-27T15:5") or window["end"].startswith("2025-08-27T16:0")


def test_thresholds_come_from_the_settings_and_from_the_command_line(evidence: Path, tmp_path: Path) -> None:
    settings = tmp_path / "floodmark.toml"
    settings.write_text("alert_growth_warning_mb_per_hour = 1.0\nalert_growth_critical_mb_per_hour = 2.0\n")
    word = ("--threshold", "growth-emergency=3")
    assert run(evidence, "--out", tmp_path / "out", "--settings", settings, *word, *ROUTED).returncode == 0
    found = incident(tmp_path / "out")
    assert {one["severity"] for one in found["services"]} == {"none", "emergency"}
    assert {one["threshold"] for one in found["alerts"] if one["rule"].startswith("growth")} == {1.0, 2.0, 3.0}


# ---------------------------------------------------------------- what cannot be used


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--zone", "access.log"), "--zone access.log: write it as LEFT=RIGHT"),
        (("--zone", "*=Europe/Atlantis"), "Europe/Atlantis"),
        (("--start", "yesterday"), "--start yesterday: not a time; write it as 2025-08-27T02:30:00Z"),
        (("--start", "2025-08-28", "--end", "2025-08-27"), "--end 2025-08-27 is not after --start 2025-08-28"),
        (("--threshold", "growth=1"), "--threshold growth: no such rule; there are growth-warning, "),
        (("--threshold", "connections=-4"), "--threshold connections=-4: not a number above 0"),
        (("--threshold", "growth-warning=900"), "must rise from warning over critical to emergency"),
        (("--settings", "nowhere.toml"), "nowhere.toml: no such settings file"),
    ],
)
def test_arguments_that_cannot_be_used_are_said_and_nothing_is_written(
    evidence: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    result = run(evidence, "--out", tmp_path / "out", *words)
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_evidence_that_is_not_there_is_an_argument_that_cannot_be_used(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere", "--out", tmp_path / "out")
    assert result.returncode == 2
    assert "nowhere: no such file or folder" in result.stderr


@pytest.mark.parametrize("content", [None, b"", b"\x00\x01garbage" * 99, b"\x1f\x8bnot gzip at all"])
def test_without_usable_evidence_the_files_are_written_and_say_why(tmp_path: Path, content: bytes | None) -> None:
    folder = tmp_path / "evidence"
    folder.mkdir()
    if content is not None:
        (folder / "thing.gz").write_bytes(content)
    result = run(folder, "--out", tmp_path / "out")
    assert result.returncode == 3
    assert "incident.json says what is wrong with each" in result.stderr
    assert "Traceback" not in result.stderr
    found = incident(tmp_path / "out")
    assert found["services"] == []
    assert len(found["sources"]) == 1
    assert found["sources"][0]["remark"]
    assert "Nothing in the evidence could be used" in (tmp_path / "out" / "report.html").read_text()


def test_a_report_that_cannot_be_written_is_said_with_its_own_status(evidence: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    result = run(evidence, "--out", tmp_path / "out")
    assert result.returncode == 5
    assert "the report cannot be written" in result.stderr
    assert (tmp_path / "out").read_text() == "mine"


def test_names_in_the_evidence_do_nothing_to_the_terminal(evidence: Path, tmp_path: Path) -> None:
    result = run(evidence, "--out", tmp_path / "out", "--service", "nginx/*=ng\x1b[31minx", "--route", "/=w\x07eb")
    assert result.returncode == 0, result.stderr
    assert not set("\x1b\x07") & set(result.stdout)


# ---------------------------------------------------------------- on a terminal


def test_on_a_terminal_it_says_what_it_is_at(evidence: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    child = subprocess.Popen(command(evidence, "--out", tmp_path), stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # the other end is closed: the command has ended
            break
        said += part
    os.close(ours)
    assert child.wait(timeout=60) == 0
    # Which of the steps are seen depends on how quick they are.
    assert any(step in said for step in (b"Looking for evidence", b"Reading 1 of", b"Working out what happened"))
    assert b"Traceback" not in said


def wait_until_open(pid: int, path: Path) -> None:
    """Wait until a process reads a file: before that it is still starting, however slow the machine."""
    for _ in range(600):
        opened = []
        for one in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                opened.append(one.readlink())
        if path in opened:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} was never opened")


def test_ctrl_c_ends_it_without_a_traceback_and_without_half_a_report(tmp_path: Path) -> None:
    fifo = tmp_path / "evidence.log"
    line = nginx_line(START, INNOCENT).encode()
    fifo.write_bytes(line * 2_000_000)
    child = subprocess.Popen(command(fifo, "--out", tmp_path / "out"), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    wait_until_open(child.pid, fifo)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 130
    assert b"Traceback" not in said
    assert not (tmp_path / "out").exists()
