"""Series out of the store: bounded altogether, asked for in batches, thinned to real samples where there is no room."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence import assemble_rows
from floodmark.evidence.assemble_rows import MIN_SAMPLES, room

START = 1_756_793_700


def answer(lengths: list[int]) -> str:
    """An answer of Prometheus with one series for each length, a sample a minute, each value met once."""
    result = [
        {
            "metric": {"__name__": "container_memory_rss", "container": f"c{number}"},
            "values": [[START + 60 * k, str(number * 1_000_000 + k)] for k in range(length)],
        }
        for number, length in enumerate(lengths)
    ]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


@given(st.lists(st.integers(0, 50_000), max_size=40), st.integers(1, 20_000), st.integers(1, 400_000))
def test_series_that_keep_what_there_is_room_for_stay_within_the_bound(
    counts: list[int], most: int, altogether: int
) -> None:
    level = room(np.array(counts, np.int64), most, altogether)
    kept = [min(count, level) for count in counts]
    assert sum(kept) <= max(altogether, MIN_SAMPLES * len(counts))
    assert level <= most
    if sum(min(count, most) for count in counts) <= altogether:
        assert level == most, "nothing is thinned without need"


def test_the_longest_series_are_thinned_to_real_samples_and_the_source_says_so(gathered: Any) -> None:
    evidence = gathered({"rss.json": answer([1000, 1000, 150])}, max_all_samples=750)
    kept = {one.service: one for one in evidence.series}
    assert len(kept["c2"].at) == 150
    for name, number in (("c0", 0), ("c1", 1)):
        assert 299 <= len(kept[name].at) <= 301
        minute = (kept[name].at - START) / 60
        assert kept[name].value.tolist() == (number * 1_000_000 + minute).tolist(), "each value at its own time"
        assert kept[name].at[-1] == START + 60 * 999, "the last sample stays"
    (row,) = evidence.sources
    assert row.remark == "2 series with more than 300 samples: the last of each stretch was kept"


def test_batches_give_the_same_series_as_one_question(gathered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(evidence: Any) -> list[Any]:
        return [(one.service, one.at.tolist(), one.value.tolist()) for one in evidence.series]

    text = answer([30, 7, 1, 90, 12])
    expected = told(gathered({"rss.json": text}))
    assert [len(at) for _, at, _ in expected] == [30, 7, 1, 90, 12]
    monkeypatch.setattr(assemble_rows, "BATCH_SAMPLES", 20)
    assert told(gathered({"rss.json": text})) == expected
