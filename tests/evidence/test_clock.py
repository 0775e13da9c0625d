"""Clocks: wall clocks to UTC through every change of offset, and zones found by what sources have in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.clock import Lane, offset_name, pieces_of, zone_of

LOOK = Callable[[Any], Any]
ZONES = [
    "Europe/Stockholm",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "UTC",
    "+05:45",
]
instants = st.integers(1_700_000_000, 1_790_000_000)


def wall(at: float, zone: str) -> tuple[float, int]:
    """(wall clock as if it were UTC, fold) of an instant."""
    local = datetime.fromtimestamp(at, UTC).astimezone(zone_of(zone))
    return local.replace(tzinfo=UTC, fold=0).timestamp(), local.fold


@given(instants, st.sampled_from(ZONES), st.integers(0, 400))
def test_a_wall_clock_becomes_the_instant_it_was_read_at(at: int, zone: str, days: int) -> None:
    read, fold = wall(at, zone)
    lane = Lane(0, 0, "wall", fold=fold, first=read, last=read + days * 86_400)
    lane.settle(zone_of(zone), zone, "given")
    assert lane.utc(read) == at


def test_an_hour_that_never_was_is_read_with_the_offset_before_it() -> None:
    never = datetime(2025, 3, 30, 2, 30, tzinfo=UTC).timestamp()
    (before, _) = pieces_of(zone_of("Europe/Stockholm"), never, never)
    assert (before.shift, never < before.high) == (-3600.0, True)


@pytest.mark.parametrize(
    ("name", "seconds"), [("+02:00", 7200), ("-0330", -12_600), ("UTC+1", 3600), ("Z", 0), ("+00", 0)]
)
def test_a_zone_may_be_an_offset(name: str, seconds: int) -> None:
    assert zone_of(name).utcoffset(datetime(2025, 1, 1)) == timedelta(seconds=seconds)


@pytest.mark.parametrize("name", ["Europe/Nowhere", "+99:00", "", "../../etc/passwd", "CEST?"])
def test_what_is_no_zone_is_a_clear_error(name: str) -> None:
    with pytest.raises(ValueError, match=r"no such (time zone|offset)"):
        zone_of(name)


def test_offsets_have_names() -> None:
    assert [offset_name(east) for east in (0, 7200, -12_600, 20_700)] == ["+00:00", "+02:00", "-03:30", "+05:45"]


# ---------------------------------------------------------------- over whole sources


def stockholm(at: datetime) -> str:
    return at.astimezone(ZoneInfo("Europe/Stockholm")).strftime("%Y-%m-%d %H:%M:%S")


def test_the_doubled_hour_of_autumn_keeps_its_order(gathered: Any, look: LOOK) -> None:
    begin = datetime(2025, 10, 25, 23, 30, tzinfo=UTC)
    lines = "".join(f"ERROR {stockholm(begin + timedelta(minutes=n))},000 views it is {n}\n" for n in range(180))
    seen = look(gathered({"web/app.log": lines}, zones=(("web/*", "Europe/Stockholm"),)))
    (tally,) = seen.tallies("error")
    assert (tally.bin * 60 - begin.timestamp()).tolist() == [60.0 * n for n in range(180)]
    assert tally.count.tolist() == [1.0] * 180
    assert seen.source("web/app.log").out_of_order == 0


def test_two_zones_in_one_folder_are_given_by_patterns(gathered: Any, look: LOOK) -> None:
    line = "ERROR 2025-09-02 08:15:00,000 views no\n"
    seen = look(gathered({"a/x.log": line, "b/x.log": line}, zones=(("a/*", "Europe/Stockholm"), ("*", "UTC"))))
    assert seen.source("b/x.log").first - seen.source("a/x.log").first == 7200


def test_a_zone_that_does_not_exist_is_refused(gathered: Any) -> None:
    with pytest.raises(ValueError, match="no such time zone: Mars/Base"):
        gathered({"a.log": "ERROR 2025-09-02 08:15:00,000 views no\n"}, zones=(("*", "Mars/Base"),))


def failures(count: int, east_hours: int) -> tuple[str, str]:
    """(access log in UTC, error log in another zone) of the same timeouts."""
    access, errors = [], []
    for n in range(count):
        at = datetime(2025, 9, 2, 1, tzinfo=UTC) + timedelta(minutes=17 * n)
        access.append(
            f'10.0.0.1 - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET /o/{n}/iati/ HTTP/1.1" 504 1 "-" "curl" 60.001 60.000 0.000\n'
        )
        errors.append(
            f"{at + timedelta(hours=east_hours):%Y/%m/%d %H:%M:%S} [error] 1#1: *{n} upstream timed out (110: x) while reading response "
            f'header from upstream, client: 10.0.0.1, server: , request: "GET /o/{n}/iati/ HTTP/1.1", upstream: "http://127.0.0.1:8000/o/"\n'
        )
    return "".join(access), "".join(errors)


@pytest.mark.parametrize("hours", [0, 2, -7, 11])
def test_the_zone_of_an_error_log_is_found_by_the_requests_both_tell_of(gathered: Any, look: LOOK, hours: int) -> None:
    access, errors = failures(12, hours)
    seen = look(gathered({"nginx/access.log": access, "nginx/error.log": errors}))
    row = seen.source("nginx/error.log")
    assert (row.clock.zone, row.clock.basis) == (offset_name(hours * 3600), "inferred")
    assert row.first == datetime(2025, 9, 2, 1, tzinfo=UTC).timestamp()


def test_a_given_zone_that_contradicts_the_evidence_is_used_and_the_contradiction_said(
    gathered: Any, look: LOOK
) -> None:
    access, errors = failures(12, 2)
    seen = look(gathered({"access.log": access, "error.log": errors}, zones=(("error.log", "America/New_York"),)))
    row = seen.source("error.log")
    assert (row.clock.zone, row.clock.basis) == ("America/New_York", "given")
    assert (
        "the zone given (America/New_York) contradicts events that other sources tell of too: they fit +02:00"
        in row.remark
    )


def test_too_few_events_prove_nothing(gathered: Any, look: LOOK) -> None:
    access, errors = failures(2, 2)
    row = look(gathered({"access.log": access, "error.log": errors})).source("error.log")
    assert (row.clock.zone, row.clock.basis) == ("+00:00", "assumed")
    assert "no zone stated or found: taken as UTC" in row.remark


@pytest.mark.parametrize("hours", [0, 2, -3])
def test_the_zone_of_a_proxy_is_found_by_the_rhythm_of_the_requests(gathered: Any, look: LOOK, hours: int) -> None:
    chance = np.random.default_rng(hours + 5)
    begin = datetime(2025, 9, 2, tzinfo=UTC)
    seconds = np.sort(chance.integers(0, 20 * 3600, 6000)).tolist()
    access = "".join(
        f'10.0.0.1 - - [{begin + timedelta(seconds=n):%d/%b/%Y:%H:%M:%S} +0000] "GET /x/ HTTP/1.1" 200 1 "-" "curl" 0.010 0.010 0.000\n'
        for n in seconds
    )
    proxy = "".join(
        f'{begin + timedelta(seconds=n, hours=hours):%Y/%m/%d %H:%M:%S} New connection for "p:r:db"\n'
        for n in seconds[:-50]
    )
    clock = look(gathered({"nginx/access.log": access, "sqlproxy/proxy.log": proxy})).source("sqlproxy/proxy.log").clock
    assert (clock.zone, clock.basis) == (offset_name(hours * 3600), "inferred")


def test_a_skewed_clock_of_processes_is_found_by_their_births(gathered: Any, look: LOOK) -> None:
    born = 1_756_793_700  # 2025-09-02T06:15:00Z
    stamp = datetime.fromtimestamp(born, UTC)
    log = "".join(
        f"[{stamp + timedelta(minutes=10 * n):%Y-%m-%d %H:%M:%S} +0000] [{100 + n}] [INFO] Booting worker with pid: {100 + n}\n"
        for n in range(8)
    )
    rows = ["time,container,pid,comm,rss_bytes"]
    for minute in range(-10, 120):
        for n in range(8):
            if minute > 10 * n:
                # the sampler's clock is 75 s behind
                rows.append(f"{born + 60 * minute - 75},web,{100 + n},gunicorn,{10**8 + minute}")  # noqa: PERF401
        rows.append(f"{born + 60 * minute - 75},web,1,gunicorn,{10**7 + minute}")
    seen = look(gathered({"web/gunicorn.log": log, "ps.csv": "\n".join(rows) + "\n"}))
    row = seen.source("ps.csv")
    assert row.clock.basis == "inferred"
    assert 15 <= row.clock.offset_seconds <= 75
    first = min(float(one.at[0]) for one in seen.evidence.series if one.process == "100")
    assert first >= born
