"""docs/accuracy.md tells what the generator and the examiner do."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from floodmark.testing.incidents import scoring
from floodmark.testing.incidents.families import FAMILIES

DOCUMENT = (Path(__file__).parents[2] / "docs" / "accuracy.md").read_text()


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_has_its_row_with_what_happens_and_what_to_say(name):
    row = next(line for line in DOCUMENT.splitlines() if line.startswith(f"| `{name}` |"))
    expect = FAMILIES[name].plan(1).expect
    assert FAMILIES[name].spoil.__doc__.strip() in row
    assert f"{' or '.join(expect.verdicts)}; {' or '.join(expect.patterns)}" in row
    assert ("no cause" in row) == expect.abstain


def test_every_mark_of_the_examiner_has_its_row():
    code = inspect.getsource(scoring)
    marks = set(re.findall(r'score\.add\("([a-zA-Z -]+)"', code)) | {"top-1", "benign cause", "victim accused",
                                                                    "decoy accused"}  # fmt: skip
    rows = [line.split("|")[1] for line in DOCUMENT.splitlines() if line.startswith("| ")]
    named = {one.strip() for row in rows for one in row.split(",")}
    assert {"focus pattern" if one == "pattern" else one for one in marks} <= named
