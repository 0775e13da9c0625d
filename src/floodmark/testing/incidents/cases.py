"""The one function that writes a case: family and seed -> evidence files and the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from floodmark.testing.incidents.families import FAMILIES
from floodmark.testing.incidents.truth import truth_of
from floodmark.testing.incidents.world import run
from floodmark.testing.incidents.writers import write_evidence

Truth = dict[str, Any]


def write_case(family: str, seed: int, folder: Path) -> Truth:
    """Write `folder/evidence/` and `folder/truth.json`; gives the truth. Raises KeyError for an unknown family."""
    worlds = run(FAMILIES[family].plan(seed))
    files = write_evidence(worlds, folder / "evidence")
    truth = truth_of(worlds, files)
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return truth
