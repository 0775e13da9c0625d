"""A handful of incidents with known truth through the real command: no false alarm, no victim accused.

`benchmarks/accuracy.py` is the whole examination; here is as much of it as a test run has time for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from floodmark.testing.incidents import FAMILIES, score_case
from floodmark.testing.incidents.truth import truth_of
from floodmark.testing.incidents.world import run
from floodmark.testing.incidents.writers import write_evidence

CASES = [
    ("quiet", 12.0), ("cache-fill", 24.0), ("page-cache", 12.0), ("nightly-batch", 16.0),
    ("short-and-steep", 8.0), ("harvester", 24.0), ("two-culprits", 24.0), ("worker-task", 24.0),
    ("inseparable-pair", 20.0), ("background", 20.0), ("metrics-only", 16.0), ("logs-only", 10.0),
    ("invalid-metrics-of-a-leak", 10.0),
]  # fmt: skip


@pytest.fixture(scope="module", params=CASES, ids=[name for name, _ in CASES])
def score(request, tmp_path_factory):
    """The examiner's score of one case."""
    name, hours = request.param
    folder = tmp_path_factory.mktemp(name)
    worlds = run(replace(FAMILIES[name], hours=(hours,)).plan(1))
    truth = truth_of(worlds, write_evidence(worlds, folder / "evidence"))
    command = [sys.executable, "-m", "floodmark", "analyze", str(folder / "evidence"), "--out", str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    return score_case(truth, json.loads((folder / "out" / "incident.json").read_text()), name)


def rights(score, *whats):
    """Nothing that the examiner judged under these marks is wrong; the failure shows what was."""
    return [f"{mark.what}: {mark.note}" for mark in score.wrong() if mark.what in whats]


@pytest.mark.slow
def test_an_incident_file_keeps_the_contract_and_alarms_nobody_for_nothing(score):
    assert rights(score, "contract", "false alarm", "quiet case", "refusal") == []


@pytest.mark.slow
def test_no_innocent_is_accused_and_what_cannot_be_known_is_not_claimed(score):
    assert rights(score, "victim accused", "decoy accused", "abstention") == []


@pytest.mark.slow
def test_a_leak_that_is_there_is_found_with_its_cause(score):
    assert rights(score, "detection", "focus verdict", "top-1") == []
