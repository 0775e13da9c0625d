"""The zone of a panel, from where it begins and ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.metrics.alignment import by_edges, east_by_edges, whole_spans

DAY = 86_400.0


@given(st.integers(-14 * 4, 14 * 4), st.floats(0, 100), st.floats(0, 300), st.floats(6, 500))
def test_a_panel_of_the_window_of_a_log_shows_its_zone(quarters: int, late: float, early: float, hours: float) -> None:
    log = (1.7e9 + late, 1.7e9 + hours * 3600 + 700 - early)
    panel = (1.7e9 + 900 * quarters, 1.7e9 + hours * 3600 + 700 + 900 * quarters)
    assert east_by_edges(panel, log) == 900 * quarters


@pytest.mark.parametrize(
    ("panel", "log"),
    [
        ((7200, DAY), (0, DAY)),
        ((7200, DAY + 7200), (0, 2 * DAY)),
        ((7200, 7200 + 5 * 3600), (0, 5 * 3600)),
        ((15 * 3600, DAY + 15 * 3600), (0, DAY)),
        ((450, DAY + 450), (0, DAY)),
    ],
)
def test_another_window_a_short_one_or_no_quarter_shows_nothing(panel, log) -> None:
    assert east_by_edges(panel, log) is None


def test_most_of_the_other_logs_decide_and_a_tie_decides_nothing() -> None:
    panel = (7200.0, DAY + 7200)
    fitting, shifted, other = (0.0, DAY), (3600.0, DAY + 3600), (0.0, 9 * DAY)
    assert by_edges(panel, [fitting, other]) == 7200
    assert by_edges(panel, [fitting, shifted]) is None
    assert by_edges(panel, [fitting, fitting, fitting, shifted]) == 7200
    assert by_edges(panel, [other]) is None
    assert by_edges(panel, []) is None


def test_rotated_files_are_one_log() -> None:
    parts = [(7, DAY, 2 * DAY), (3, 5.0, 6.0), (7, 0.0, DAY), (7, None, None)]
    assert whole_spans(parts) == [(5.0, 6.0), (0.0, 2 * DAY)]
