"""What holds for every command: help, words and status for bad arguments, a reader that goes away, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

COMMANDS = (
    "settings", "analyze", "source check", "sample", "export activities", "export organisation", "serve", "worker",
    "datasets", "build", "demo", "rules prometheus", "watch", "silence", "doctor", "import",
)  # fmt: skip
SETTINGS = {**os.environ, "FLOODMARK_DATA_DIR": "/nonexistent/floodmark"}


def run(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "floodmark", *words], capture_output=True, text=True, check=False, timeout=120, **more
    )  # type: ignore[call-overload]


def test_the_list_of_commands_is_complete() -> None:
    told = run("--help").stdout.partition("Commands:")[2]
    assert {line.split()[0] for line in told.splitlines() if line.startswith("  ") and line[2] != " "} == {
        name.split()[0] for name in COMMANDS
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_refuses_what_it_does_not_know(name: str) -> None:
    helped = run(*name.split(), "--help", env=SETTINGS)
    assert helped.returncode == 0, helped.stderr
    usage, _, rest = helped.stdout.partition("\n\n")
    assert usage.startswith("Usage: ")
    assert rest.strip()[0].isupper(), "a sentence about the command comes first"
    refused = run(*name.split(), "--no-such-option", env=SETTINGS)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.startswith(f"floodmark: {name}: no such option: --no-such-option")
    assert refused.stderr.endswith(f": see floodmark {name} --help\n")
    assert refused.stderr.count("\n") == 1, "one line says it all"
    assert not Path("/nonexistent").exists(), "help and refusals touch nothing"


def test_a_command_that_does_not_exist_is_refused_and_no_command_shows_the_list() -> None:
    refused = run("analyse")
    assert refused.returncode == 2
    assert refused.stderr.startswith("floodmark: no such command 'analyse'")
    assert refused.stderr.count("\n") == 1
    nothing = run()
    assert nothing.returncode == 2
    assert "Commands:" in nothing.stdout + nothing.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("analyze", "--out", "x"), "analyze: missing argument 'evidence'"),
        (("analyze", "logs"), "analyze: missing option '--out'"),
        (("analyze", "logs", "--out"), "option '--out' requires an argument"),
        (("sample", "--projects", "many"), "sample: invalid value for '--projects': Input should be a valid integer"),
        (("--sort", "analyze"), "no such option: --sort"),
        (("export", "activity"), "export: no such command 'activity'"),
    ],
)
def test_a_command_line_that_cannot_be_used_is_one_line_with_what_where_and_what_to_do(
    words: tuple[str, ...], said: str
) -> None:
    refused = run(*words, env=SETTINGS)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert refused.stderr.startswith(f"floodmark: {said}")
    assert "--help" in refused.stderr


def test_a_settings_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "floodmark.toml"
    file.write_text("analyze_memory_mb = 'much'\n")
    refused = run("--settings", str(file), "settings")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "analyze_memory_mb" in refused.stderr


def test_sums_do_not_depend_on_the_number_of_cores() -> None:
    """OpenBLAS divides sums among threads, and reads how many it may use when numpy is imported."""
    ask = "import floodmark.cli, os, sys; print('numpy' in sys.modules, os.environ['OPENBLAS_NUM_THREADS'])"
    env = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    assert (
        subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, env=env).stdout
        == "False 1\n"
    )


def closed_pipe(*words: str) -> tuple[int, str]:
    """Status and words of a command whose reader has gone before it writes anything."""
    reading, writing = os.pipe()
    os.close(reading)
    child = subprocess.run(
        [sys.executable, "-m", "floodmark", *words], stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    os.close(writing)
    return child.returncode, child.stderr


def test_a_reader_that_has_gone_ends_a_command_silently(tmp_path: Path) -> None:
    assert closed_pipe("settings") == (141, "")
    (tmp_path / "a.log").write_text('10.0.0.1 - - [02/Sep/2025:06:15:09 +0000] "GET / HTTP/1.1" 200 1 "-" "curl"\n')
    assert closed_pipe("analyze", str(tmp_path / "a.log"), "--out", str(tmp_path / "out")) == (141, "")
    assert (tmp_path / "out" / "report.html").exists(), "the report was written before it was told of"


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGINT, 130, "floodmark: interrupted\n"), (signal.SIGTERM, 143, "floodmark: terminated\n")],
)
def test_a_signal_ends_an_analysis_with_its_status_and_without_a_spill_left_behind(
    tmp_path: Path, number: int, status: int, said: str
) -> None:
    log = tmp_path / "a.log"
    line = '10.0.0.1 - - [02/Sep/2025:06:15:09 +0000] "GET / HTTP/1.1" 200 1 "-" "curl"\n'
    log.write_text(line * 2_000_000)
    with tempfile.TemporaryDirectory() as spill:
        child = subprocess.Popen(
            [sys.executable, "-m", "floodmark", "analyze", str(log), "--out", str(tmp_path / "out")],
            stderr=subprocess.PIPE, text=True, env={**os.environ, "FLOODMARK_ANALYZE_SPILL_DIR": spill},
        )  # fmt: skip
        for _ in range(1200):
            if any(Path(spill).iterdir()):
                break
            time.sleep(0.05)
        child.send_signal(number)
        told = child.communicate(timeout=120)[1]
        assert (child.returncode, told) == (status, said)
        assert list(Path(spill).iterdir()) == []
    assert not (tmp_path / "out").exists()
