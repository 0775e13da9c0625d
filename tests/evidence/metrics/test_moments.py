"""Columns of times in whatever shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.metrics.moments import looks_like_times, parse
from floodmark.evidence.nouns import Clock

AT = 1_756_793_715.0
"""2025-09-02 06:15:15 UTC."""


CHRISTMAS = 1_766_643_315.0
"""2025-12-25 06:15:15 UTC."""


@pytest.mark.parametrize(
    ("text", "at", "zone"),
    [
        ("1756793715", AT, "epoch"),
        ("1756793715.0", AT, "epoch"),
        ("1756793715000", AT, "epoch"),
        ("1756793715000000", AT, "epoch"),
        ("1756793715000000000", AT, "epoch"),
        ("2025-09-02 06:15:15", AT, None),
        ("2025-09-02T06:15:15Z", AT, "Z"),
        ("2025-09-02T08:15:15+02:00", AT, "+02:00"),
        ("2025-09-02 08:15:15 +0200", AT, "+0200"),
        ("2025-09-02 06:15:15.000000+00:00", AT, "+00:00"),
        ("2025/09/02 06:15:15", AT, None),
        ("2025-09-02, 06:15:15", AT, None),
        ("02-Sep-2025 06:15:15", AT, None),
        ("02/Sep/2025:08:15:15 +0200", AT, "+0200"),
        ("Tue Sep  2 06:15:15 2025", AT, None),
        ("Tue Sep  2 06:15:15 UTC 2025", AT, "UTC"),
        ("Tue, 02 Sep 2025 06:15:15 +0000", AT, "+0000"),
        ("25.12.2025 06:15:15", CHRISTMAS, None),
        ("12/25/2025 6:15:15 AM", CHRISTMAS, None),
    ],
)
def test_every_way_of_writing_a_time_is_read(text: str, at: float, zone: str | None) -> None:
    moments = parse([text])
    assert (moments.at[0], moments.zone) == (at, zone)


@pytest.mark.parametrize(
    "text", ["", "web", "06:15:15", "461373440", "-1", "2025-13-02 06:15:15", "99999999999999999999"]
)
def test_what_is_no_time_is_nan(text: str) -> None:
    assert np.isnan(parse([text]).at[0])


def test_a_bad_cell_does_not_spoil_the_column() -> None:
    at = parse(["2025-09-02 06:15:15", "", "x", "2025-09-02 06:15:16"]).at
    assert np.array_equal(at, [AT, np.nan, np.nan, AT + 1], equal_nan=True)


def test_the_day_is_told_from_the_month_by_a_number_above_twelve() -> None:
    assert parse(["02/09/2025 06:15:15", "13/09/2025 06:15:15"]).at[0] == AT
    assert parse(["09/02/2025 06:15:15", "09/13/2025 06:15:15"]).at[0] == AT


def test_an_undecided_date_is_read_day_first_and_said() -> None:
    moments = parse(["02/09/2025 06:15:15"])
    assert moments.at[0] == AT
    assert "day first" in moments.remark


def test_a_column_with_two_offsets_is_utc_already() -> None:
    moments = parse(["2025-09-02T06:15:15Z", "2025-09-02T08:15:15+02:00"])
    assert list(moments.at) == [AT, AT]
    assert moments.clock() == Clock("+00:00", "stated")


def test_a_column_of_which_one_cell_has_no_zone_states_none() -> None:
    assert parse(["2025-09-02T06:15:15Z", "2025-09-02 06:15:15"]).clock() == Clock(None, "assumed")


def test_numbers_that_could_be_bytes_are_no_times() -> None:
    assert not looks_like_times(["461373440", "461373441"])
    assert looks_like_times(["1756793715", "", "1756793775"])


@given(
    st.datetimes(datetime(1995, 1, 1), datetime(2090, 1, 1)), st.integers(-14 * 4, 14 * 4), st.sampled_from([" ", "T"])
)
def test_iso_times_come_back_with_and_without_a_zone(wall: datetime, quarters: int, between: str) -> None:
    whole = wall.replace(microsecond=0)
    seconds = whole.replace(tzinfo=UTC).timestamp()
    assert parse([whole.isoformat(between)]).at[0] == seconds
    zoned = whole.replace(tzinfo=timezone(timedelta(minutes=15 * quarters)))
    assert parse([zoned.isoformat(between)]).at[0] == zoned.timestamp()
    assert parse([wall.isoformat(between)]).at[0] == pytest.approx(wall.replace(tzinfo=UTC).timestamp(), abs=2e-6)


@given(st.integers(700_000_000, 4_000_000_000), st.sampled_from([1, 1000, 10**6, 10**9]))
def test_epochs_come_back_in_every_unit(seconds: int, unit: int) -> None:
    assert parse([str(seconds * unit)]).at[0] == pytest.approx(seconds)
    assert parse([str(seconds * unit)]).zone == "epoch"


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Tue Sep  2 08:15:00 CEST 2025", "+02:00"),
        ("Tue  2 Sep 06:15:00 UTC 2025", "UTC"),
        ("Tue Sep  2 06:15:00 AM UTC 2025", "UTC"),
        ("Tue 02 Sep 2025 08:15:00 AM CEST", "+02:00"),
        ("Tue Sep  2 09:15:00 +03 2025", "+03"),
        ("Tue Sep  2 06:15:00 2025", None),
        ("2025-09-02 08:15:00 CEST", "+02:00"),
    ],
)
def test_what_date_writes_in_the_languages_of_servers_is_read(text: str, zone: str | None) -> None:
    found = parse([text])
    assert (list(found.at), found.zone) == ([1_756_793_700.0], zone)


def test_an_abbreviation_that_several_zones_share_leaves_a_wall_clock() -> None:
    assert parse(["Tue Sep  2 06:15:00 CST 2025"]).zone is None
