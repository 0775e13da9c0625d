"""Times as log lines write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.logs import times

SECOND = 1_756_793_709  # 2025-09-02T06:15:09Z
moments = st.datetimes(datetime(1971, 1, 1), datetime(2199, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))
offsets = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"02/Sep/2025:06:15:09 +0000", (SECOND, 0)),
        (b"02/Sep/2025:08:15:09 +0200", (SECOND, 7200)),
        (b"02/Sep/2025:09:45:09 +0330", (SECOND, 12_600)),
        (b"01/Sep/2025:23:15:09 -0700", (SECOND, -25_200)),
        (b"29/Feb/2024:00:00:60 +0000", (1_709_164_860, 0)),
    ],
)
def test_the_time_of_an_access_line_carries_its_zone(text: bytes, expected: tuple[int, int]) -> None:
    assert times.common(text) == expected


@pytest.mark.parametrize(
    "text",
    [b"02/Sep/2025:06:15:09", b"31/Jun/2025:06:15:09 +0000", b"29/Feb/2025:06:15:09 +0000", b"02/Sex/2025:06:15:09 +0000",
     b"02/Sep/2025:24:15:09 +0000", b"02/Sep/2025:06:60:09 +0000", b"02/Sep/1925:06:15:09 +0000", b"", b"x" * 26,
     b"02/Sep/2025:06:15:09 +9900", b"02-Sep-2025:06:15:09 +0000"],
)  # fmt: skip
def test_what_is_no_time_of_an_access_line_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        times.common(text)


@given(moments, offsets)
def test_the_time_of_an_access_line_is_read_as_it_was_written(at: datetime, east: timedelta) -> None:
    text = at.astimezone(timezone(east)).strftime("%d/%b/%Y:%H:%M:%S %z").encode()
    assert times.common(text) == (int(at.timestamp()), int(east.total_seconds()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"2025-09-02T06:15:09Z", (SECOND, 0)),
        (b"2025-09-02T06:15:09.5Z", (SECOND + 0.5, 0)),
        (b"2025-09-02T06:15:09.123456789Z", (SECOND + 0.123456789, 0)),
        (b"2025-09-02T08:15:09+02:00", (SECOND, 7200)),
        (b"2025-09-02 08:15:09 +0200", (SECOND, 7200)),
        (b"2025/09/02 06:15:09", (SECOND, None)),
        (b"2025-09-02 06:15:09,204", (SECOND + 0.204, None)),
    ],
)
def test_a_stamp_has_any_number_of_digits_and_perhaps_a_zone(text: bytes, expected: tuple[float, int | None]) -> None:
    seconds, east = times.stamp(text)
    assert seconds == pytest.approx(expected[0], abs=1e-6)
    assert east == expected[1]


@pytest.mark.parametrize(
    "text", [b"2025-13-02T06:15:09Z", b"2025-09-02", b"06:15:09", b"2025-09-02T06:15:09.1234567890Z"]
)
def test_what_is_no_stamp_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        times.stamp(text)


@given(moments)
def test_every_day_of_the_calendar_is_counted_as_the_standard_library_counts_it(at: datetime) -> None:
    assert times.day_start(at.year, at.month, at.day) == int(
        datetime(at.year, at.month, at.day, tzinfo=UTC).timestamp()
    )


def test_uwsgi_writes_ctime_and_django_q_the_time_of_day_only() -> None:
    assert times.ctime(b"Tue Sep  2 06:15:09 2025") == SECOND
    assert times.time_of_day(b"06:15:09") == 22_509
    with pytest.raises(ValueError):
        times.ctime(b"Tue Xep  2 06:15:09 2025")
    with pytest.raises(ValueError):
        times.time_of_day(b"24:00:00")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'10.0.0.1 - - [02/Sep/2025:06:15:09 +0000] "GET / HTTP/1.1" 200 1', SECOND),
        (b'{"timestamp":"2025-09-02T06:15:09.5Z","severity":"ERROR"}', SECOND + 0.5),
        (b"[pid: 1] [Tue Sep  2 06:15:09 2025] GET /", SECOND),
        (b"31/Feb/2025:06:15:09 +0000 and then 2025/09/02 06:15:09", SECOND),
        (b"no time here, 12:30 neither", None),
    ],
)
def test_the_first_time_of_a_line_is_found_whatever_its_form(line: bytes, expected: float | None) -> None:
    assert times.first_in(line) == expected
