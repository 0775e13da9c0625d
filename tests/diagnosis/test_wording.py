"""Figures in words: three digits that are true, lengths in two units, lists that end."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.diagnosis.wording import counted, figure, listed, moment, per_cent, span


@given(st.floats(1e-6, 1e9))
def test_a_figure_is_within_half_a_per_cent_and_has_no_exponent(value) -> None:
    text = figure(value)
    assert re.fullmatch(r"\d+(\.\d+)?", text)
    assert float(text) == pytest.approx(value, rel=0.0051)


@given(st.floats(0.0, 0.99499))
def test_a_share_is_said_to_the_nearest_per_cent_or_tenth(share) -> None:
    said = float(per_cent(share).removesuffix("%"))
    assert said == pytest.approx(100.0 * share, abs=0.051 if share < 0.1 else 0.501)


def test_all_but_a_little_is_never_said_to_be_all() -> None:
    assert per_cent(0.9999) == "more than 99%"
    assert per_cent(1.0) == "100%"


@given(st.integers(0, 10**8))
def test_a_length_of_time_says_what_it_is_to_its_second_unit(seconds) -> None:
    units = {"s": 1, "min": 60, "h": 3600, "day": 86_400, "days": 86_400}
    words = span(seconds).split()
    said = sum(int(number) * units[unit] for number, unit in zip(words[::2], words[1::2], strict=True))
    assert len(words) in (2, 4)
    assert 0 <= seconds - said < (3600 if seconds >= 86_400 else 60)


@pytest.mark.parametrize(
    ("words", "said"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c"), (list("abcdef"), "a, b, c, d and 2 others")],
)  # fmt: skip
def test_a_list_ends_with_and_or_says_how_many_more(words, said) -> None:
    assert listed(words) == said


def test_counts_and_moments_read_as_a_person_writes_them() -> None:
    assert [counted(number, "restart") for number in (0, 1, 2)] == ["0 restarts", "1 restart", "2 restarts"]
    assert counted(2, "process", "processes") == "2 processes"
    assert moment(1_756_261_800.0) == "27 Aug 02:30 UTC"
