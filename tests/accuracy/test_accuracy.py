"""A handful of incidents with known truth through the real command: no false alarm, no victim accused, the cause found.

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
NEVER = {"contract", "false alarm", "quiet case", "refusal", "victim accused", "decoy accused", "abstention", "detection",
         "focus verdict", "top-1"}  # fmt: skip
"""What may not be wrong in any of these; rates and intervals are for the bench."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "hours"), CASES)
def test_an_analyst_with_this_evidence_would_say_the_same(name, hours, tmp_path):
    worlds = run(replace(FAMILIES[name], hours=(hours,)).plan(1))
    truth = truth_of(worlds, write_evidence(worlds, tmp_path / "evidence"))
    command = [sys.executable, "-m", "floodmark", "analyze", str(tmp_path / "evidence"), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    score = score_case(truth, json.loads((tmp_path / "out" / "incident.json").read_text()), name)
    assert {mark.what for mark in score.marks} & NEVER >= {"contract", "focus verdict"}
    assert [f"{mark.what} {mark.service}: {mark.note}" for mark in score.wrong() if mark.what in NEVER] == []
