"""However a command is ended from outside: one line or none, the documented status, nothing left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer.main

from floodmark.cli import app
from floodmark.settings import ENV_PREFIX

FLOODMARK = [sys.executable, "-m", "floodmark"]
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
NEEDED = {
    "analyze": ["--out", "out", "."], "export activities": ["1"], "export organisation": ["1"],
    "export all": ["--out", "out"], "import": ["."], "build": ["--all"], "source grants": ["role"],
    "silence": ["--service", "web", "--for", "2h", "--reason", "works"], "watch": ["watch.toml"],
}  # fmt: skip
"""What a command line lacks without it."""


def names(group, above: str = "") -> list[str]:
    found = []
    for name, command in group.commands.items():
        whole = f"{above} {name}".strip()
        found += names(command, whole) if hasattr(command, "commands") else [whole]
    return found


def opened_by(process: subprocess.Popen[str], pipe: Path) -> int:
    """The writing end of a pipe, when the process has opened it to read."""
    while process.poll() is None:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # no reader yet
            time.sleep(0.02)
    pytest.fail(f"it has ended with {process.returncode}: {process.stderr.read() if process.stderr else ''}")


READS_SETTINGS = sorted(set(names(typer.main.get_command(app))) - {"rules prometheus"})


@pytest.mark.parametrize(("number", "name"), [(index, name) for index, name in enumerate(READS_SETTINGS)])
def test_a_signal_ends_every_command_with_one_line_and_its_status(tmp_path: Path, number: int, name: str) -> None:
    # A settings file that nobody writes to holds the command up at a known place.
    os.mkfifo(tmp_path / "settings.toml")
    words = [*FLOODMARK, "--settings", "settings.toml", *name.split(), *NEEDED.get(name, [])]
    sent, said, status = ((signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143))[number % 2]
    with subprocess.Popen(words, cwd=tmp_path, env=PLAIN, stderr=subprocess.PIPE, text=True) as process:
        writer = opened_by(process, tmp_path / "settings.toml")
        process.send_signal(sent)
        _, err = process.communicate(timeout=60)
        os.close(writer)
    assert (process.returncode, err) == (status, f"floodmark: {said}\n")


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["analyze", "--help"], ["settings"], ["source", "grants", "x"]]
)
def test_a_reader_that_has_gone_is_no_error_and_nothing_is_said(tmp_path: Path, words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*FLOODMARK, *words], cwd=tmp_path, env=PLAIN, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_reader_that_takes_errors_too_and_has_gone_gets_the_same_status(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*FLOODMARK, "settings"], cwd=tmp_path, env=PLAIN, stdout=writing, stderr=writing)
    os.close(writing)
    assert done.returncode == 141
