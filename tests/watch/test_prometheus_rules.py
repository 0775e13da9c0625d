"""The rule file that Floodmark writes passes real Prometheus tools: it fires where it must, and only there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from floodmark.diagnosis.rules import RULES
from floodmark.watch.prometheus_rules import rules


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("rules")
    command = [sys.executable, "-m", "floodmark", "rules", "prometheus", "--out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made


def promtool(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True, check=False)


def test_promtool_accepts_the_rules(folder: Path) -> None:
    done = promtool(folder, "check", "rules", "floodmark-rules.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_fire_and_are_quiet_as_their_tests_say(folder: Path) -> None:
    done = promtool(folder, "test", "rules", "floodmark-rules-test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tests_can_fail(folder: Path, tmp_path: Path) -> None:
    for name in ("floodmark-rules.yml", "floodmark-rules-test.yml"):
        text = (folder / name).read_text()
        (tmp_path / name).write_text(text.replace("> 200", "> 20000"))
    assert promtool(tmp_path, "test", "rules", "floodmark-rules-test.yml").returncode != 0


def test_every_growth_rule_is_there_with_its_severity() -> None:
    written = {one.rule.name: one.rule.severity for one in rules()}
    assert {rule.name: rule.severity for rule in RULES if rule.signal == "growth"}.items() <= written.items()
