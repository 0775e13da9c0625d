"""A few moments of another year do not stretch the window, and their source says that they are left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from floodmark.evidence.strays import _kept

LINE = (
    '10.0.0.1 - - [{day}/2025:{hour:02d}:{minute:02d}:00 +0000] "GET /a/ HTTP/1.1" 200 1 "-" "curl" 0.100 0.100 0.000\n'
)
YEAR_1970 = '10.0.0.1 - - [01/Jan/1970:00:00:31 +0000] "GET /a/ HTTP/1.1" 200 1 "-" "curl" 0.100 0.100 0.000\n'
DAY_SECONDS = 86_400


def log(days: int = 1, month: str = "Sep") -> str:
    return "".join(
        LINE.format(day=f"{day:02d}/{month}", hour=hour, minute=minute)
        for day in range(1, days + 1)
        for hour in range(24)
        for minute in range(60)
    )


def test_a_line_of_1970_is_left_out_and_its_source_says_so(gathered: Any) -> None:
    found = gathered({"access.log": YEAR_1970 + log()})
    assert found.window is not None
    assert found.window[1] - found.window[0] <= DAY_SECONDS
    (row,) = found.sources
    assert "what it has of 1970-01-01 lies months from all other evidence and is left out" in row.remark
    assert sum(one.starts.sum() for one in found.doses) == 24 * 60


def test_a_whole_log_of_another_month_counts(gathered: Any) -> None:
    found = gathered({"january.log": log(month="Jan"), "september.log": log()})
    assert found.window is not None
    assert found.window[1] - found.window[0] > 200 * DAY_SECONDS
    assert not any("left out" in row.remark for row in found.sources)


def test_of_a_handful_of_lines_none_is_a_stray(gathered: Any) -> None:
    found = gathered({"access.log": YEAR_1970 + LINE.format(day="01/Sep", hour=1, minute=1) * 3})
    assert found.window is not None
    assert found.window[0] < DAY_SECONDS


@pytest.mark.parametrize(
    ("days", "counts", "kept"),
    [
        ([0, 1, 2], [5, 5, 5], None),
        ([0, 50, 100], [1, 5000, 1], None),
        ([0, 200], [1, 5000], (1, 1)),
        ([0, 200, 201, 900], [1, 3000, 3000, 2], (1, 2)),
        ([0, 200, 400], [1, 1, 5000], (2, 2)),
        ([0, 200], [10, 5000], None),
        ([], [], None),
    ],
)
def test_what_is_kept_is_all_but_next_to_nothing_behind_a_gap(days: list[int], counts: list[int], kept: Any) -> None:
    assert _kept(np.array(days, np.float64), np.array(counts, np.float64)) == kept
