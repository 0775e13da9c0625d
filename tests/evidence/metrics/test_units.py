"""Numbers and units as exports write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.metrics.units import bytes_in, cell, column, number, spelled


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("461 MB", 461e6, "B"),
        ("734.0 MiB", 734 * 2**20, "B"),
        ("1.2GiB", 1.2 * 2**30, "B"),
        ("96468 kB", 96_468e3, "B"),
        ("512 B", 512, "B"),
        ("1,234.5", 1234.5, ""),
        ("1.101e+04", 11010, ""),
        ("-44903.88", -44903.88, ""),
        ("350 ms", 0.35, "s"),
        ("1.5 K", 1500, ""),
        ("2.4 Mil", 2.4e6, ""),
        ("12.3%", 12.3, "%"),
        ("3 MB/s", 3e6, "B/s"),
    ],
)
def test_a_cell_is_its_number_in_bytes_or_seconds(text: str, value: float, unit: str) -> None:
    assert cell(text) == (pytest.approx(value), unit)


@pytest.mark.parametrize("text", ["", "-", "NaN", "undefined", "null", "N/A", "No data", "  "])
def test_what_holds_no_value_is_nan_and_never_zero(text: str) -> None:
    assert np.isnan(number(text))


@pytest.mark.parametrize("text", ["web", "12 13", "1,2,3", "0x1f", "--5"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        cell(text)


def test_decimal_commas_are_read_where_the_table_has_them() -> None:
    assert cell("461,5 MB", decimal_comma=True) == (461.5e6, "B")
    assert number("1.234,5", decimal_comma=True) == 1234.5


def test_megabytes_are_not_mebibytes_and_grafana_calls_mebibytes_mbytes() -> None:
    assert (bytes_in("MB"), bytes_in("MiB"), bytes_in("mbytes"), bytes_in("decmbytes")) == (1e6, 2**20, 2**20, 1e6)
    assert spelled("mbytes") == "MiB"
    assert bytes_in("requests") is None


def test_a_column_tells_which_cells_hold_no_number() -> None:
    values, unit, bad = column(["1", "", "abc", "2 MiB"])
    assert bad == (2,)
    assert unit == "B"
    assert np.array_equal(values, [1, np.nan, np.nan, 2 * 2**20], equal_nan=True)


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_a_number_comes_back_as_it_was_written(value: float) -> None:
    assert number(repr(value)) == value
    assert column([repr(value), ""])[0][0] == value


@given(st.integers(0, 10**12), st.integers(0, 99))
def test_thousands_and_decimals_are_told_apart_in_both_ways_of_writing(whole: int, cents: int) -> None:
    value = whole + cents / 100
    assert number(f"{whole:,}.{cents:02d}") == pytest.approx(value)
    assert number(f"{whole:,}".replace(",", ".") + f",{cents:02d}", decimal_comma=True) == pytest.approx(value)


@given(st.floats(0.001, 1e6), st.sampled_from(["B", "kB", "KiB", "MB", "MiB", "GB", "GiB"]))
def test_a_size_with_its_unit_is_that_many_bytes(value: float, unit: str) -> None:
    assert cell(f"{value!r} {unit}") == (pytest.approx(value * (bytes_in(unit) or 0)), "B")
