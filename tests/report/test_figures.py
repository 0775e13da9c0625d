"""How single figures and names are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from floodmark.report import figures


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "not known"), (0, "0"), (193.0, "193"), (2.5e-7, "0.00000025"), (1e21, "1" + "0" * 21)]
)
def test_a_figure_has_no_exponent_and_unknown_is_said(value: float | None, shown: str) -> None:
    assert figures.number(value) == shown


def test_digits_in_groups_are_plain_digits_when_copied() -> None:
    assert figures.grouped(9999) == "9999"
    assert figures.grouped(1234567).striptags() == "1 234 567".replace(" ", "")
    assert figures.grouped(1234567).count("<span>") == 3


@given(st.text(max_size=60))
def test_a_breakable_name_is_escaped_and_loses_nothing(text: str) -> None:
    shown = figures.breakable(text)
    assert Markup(shown.replace("<wbr>", "")).unescape() == text
    assert "<script" not in figures.breakable("<script/x")
