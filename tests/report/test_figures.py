"""How single figures and names are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from floodmark.report import figures


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "not known"), (0, "0"), (193.0, "193"), (2.5e-7, "0.00000025"), (1e21, "1" + ",000" * 7)],
)
def test_a_figure_has_no_exponent_and_unknown_is_said(value: float | None, shown: str) -> None:
    assert figures.number(value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("333 of 81614 requests failed", "333 of 81,614 requests failed"),
        ("13118 MB in 5 days", "13,118 MB in 5 days"),
        ("of 1000000.", "of 1,000,000."),
        (
            "since 2025, 9999 times in 16 h, where 7701 are usual",
            "since 2025, 9,999 times in 16 h, where 7,701 are usual",
        ),
        ("not 63,100 MB/h", "not 63,100 MB/h"),
        ("Killed process 23456 (gunicorn)", "Killed process 23456 (gunicorn)"),
        ("a.log, line 81614; port 50112", "a.log, line 81614; port 50112"),
        (
            "/project/81614/ of pod-12345, t=1756793700, 12345.678",
            "/project/81614/ of pod-12345, t=1756793700, 12345.678",
        ),
        ("12345678901 and 00012345", "12345678901 and 00012345"),
    ],
)
def test_large_counts_in_sentences_are_grouped_and_names_are_not(text: str, shown: str) -> None:
    assert figures.prose(text) == shown


@given(st.text(max_size=60))
def test_a_breakable_name_is_escaped_and_loses_nothing(text: str) -> None:
    shown = figures.breakable(text)
    assert Markup(shown.replace("<wbr>", "")).unescape() == text
    assert "<script" not in figures.breakable("<script/x")
