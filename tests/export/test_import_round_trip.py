"""What goes in comes out again, or the import's report says what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from round_trip import compare, export, import_files, published

SHARED = Path(__file__).resolve().parents[3] / "shared" / "iati"
REAL = sorted([*SHARED.glob("real/*.xml"), *SHARED.glob("examples-2.03/*.xml")])

needs_shared = pytest.mark.skipif(not REAL, reason=f"no {SHARED}")


@needs_shared
@pytest.mark.parametrize("path", REAL or [Path("none")], ids=lambda path: path.stem)
def test_a_real_file_comes_out_again_but_for_reported_losses(database, path):
    imported = import_files([path])
    assert imported.summary.problems == []
    result = compare([path], imported, published(export()))
    assert result.silent == []
    assert result.torn == []
    assert result.false == []
