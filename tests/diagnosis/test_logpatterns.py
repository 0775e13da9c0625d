"""Patterns in logs, and how each is read: on evidence made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from floodmark.diagnosis.incident import LogPattern
from floodmark.diagnosis.logpatterns import find
from floodmark.evidence.nouns import Client, Dose, Event, Evidence, Place, Tally, Volume

START = 1_756_260_000.0  # 2025-08-27T02:00:00Z
BIN = 60.0
FIRST = int(START // BIN)


def tally(kind: str, minutes: list[int], counts: list[float] | float = 1.0, name: str = "", **more: object) -> Tally:
    count = np.broadcast_to(np.asarray(counts, np.float64), len(minutes)).copy()
    at = START + 60.0 * minutes[0]
    examples = ((at, Place("proxy.log", 17 + minutes[0]), f"{kind} {name}"),)
    return Tally(kind, more.get("service", "web"), name, np.array(minutes, np.int64) + FIRST, count, examples)  # type: ignore[arg-type]


def traffic(per_minute: float | np.ndarray, minutes: int, name: str = "/project/{id}/") -> Dose:
    bins = np.arange(minutes, dtype=np.int64) + FIRST
    starts = np.broadcast_to(np.asarray(per_minute, np.float64), minutes).copy()
    return Dose("web", "endpoint", name, Place("access.log", 1), bins, starts, starts * 0.2, starts * 1e4, starts * 0)


def event(kind: str, minute: float, service: str | None = "web", count: int = 1, text: str = "it happened") -> Event:
    return Event(START + 60 * minute, kind, service, None, None, text, Place("events.txt", int(minute) + 1), count)  # type: ignore[arg-type]


def evidence(**parts: tuple[object, ...]) -> Evidence:
    return Evidence(window=(START, START + 86_400), bin_seconds=BIN, **parts)  # type: ignore[arg-type]


def found(given: Evidence, name: str) -> list[LogPattern]:
    return [one for one in find(given) if one.name == name]


def test_nothing_in_the_logs_is_no_pattern() -> None:
    assert find(evidence(doses=(traffic(5, 600),))) == ()


# ---------------------------------------------------------------- timeouts


def test_timeouts_of_several_routes_in_a_minute_are_one_cascade_with_its_victims_said() -> None:
    given = evidence(
        tallies=(
            tally("upstream-timeout", [10, 11, 12], 2, "/organisation/{id}/iati/"),
            tally("upstream-timeout", [11, 12], 1, "/project/{id}/"),
            tally("upstream-timeout", [400], 1, "/project/{id}/"),
        )
    )
    (cascade,) = found(given, "timeout-cascade")
    assert (cascade.count, cascade.service) == (8, "web")
    assert str(cascade.start) == "2025-08-27T02:10:00Z"
    assert str(cascade.end) == "2025-08-27T02:13:00Z"
    assert "victims" in cascade.text
    assert cascade.examples[0] == "proxy.log:27: upstream-timeout /organisation/{id}/iati/"
    (alone,) = found(given, "upstream-timeouts")
    assert alone.count == 1


def test_one_route_that_times_out_alone_is_no_cascade() -> None:
    given = evidence(tallies=(tally("upstream-timeout", list(range(5)), 3, "/slow/"),))
    assert found(given, "timeout-cascade") == []
    assert found(given, "upstream-timeouts")[0].count == 15


def test_very_many_cascades_stay_a_bounded_list() -> None:
    every = list(range(0, 6000, 30))
    given = evidence(tallies=tuple(tally("upstream-timeout", every, 1, name) for name in ("/slow/", "/other/")))
    ones = found(given, "timeout-cascade")
    assert len(ones) == 20
    assert sum(one.count for one in ones) == 400


# ---------------------------------------------------------------- connections


def connections(opened: float, closed: float, minutes: int = 600) -> tuple[Tally, Tally]:
    every = list(range(minutes))
    return tally("connection-open", every, opened, service="proxy"), tally(
        "connection-close", every, closed, service="proxy"
    )


def test_one_connection_for_each_request_is_churn_and_not_a_leak() -> None:
    (one,) = find(evidence(tallies=connections(8, 8), doses=(traffic(8, 600),)))
    assert one.name == "connection-churn"
    assert "1 for each request" in one.text
    assert "not a leak" in one.text


def test_many_new_connections_a_minute_are_flooding_and_still_churn() -> None:
    storm = np.full(600, 5.0)
    storm[100:130] = 61.0
    opened = tally("connection-open", list(range(600)), list(storm), service="proxy")
    closed = tally("connection-close", list(range(600)), list(storm), service="proxy")
    (one,) = find(evidence(tallies=(opened, closed), doses=(traffic(storm, 600),)))
    assert one.name == "connection-flooding"
    assert (str(one.start)[11:16], str(one.end)[11:16]) == ("03:40", "04:10")
    assert "connection-flooding" not in {one.name for one in find(evidence(tallies=connections(5, 5)))}
    assert "61 new connections a minute" in one.text
    assert "churn, not a leak" in one.text
    assert one.examples == ("proxy.log:17: connection-open",)


def test_connections_that_are_never_closed_are_a_leak() -> None:
    (one,) = find(evidence(tallies=connections(8, 7.5), doses=(traffic(8, 600),)))
    assert one.name == "connection-leak"
    assert "300 connections more were opened than closed" in one.text


def test_connections_open_at_the_end_are_no_leak_where_they_do_not_add_up() -> None:
    opened, closed = connections(8, 8)
    burst = tally("connection-open", [599], 15, service="proxy")
    names = {one.name for one in find(evidence(tallies=(opened, burst, closed), doses=(traffic(8, 600),)))}
    assert names == {"connection-churn"}


def test_without_closings_in_the_log_nothing_is_said_about_a_leak() -> None:
    opened, _ = connections(8, 8)
    (one,) = find(evidence(tallies=(opened,), doses=(traffic(8, 600),)))
    assert "whether connections are left open is not known" in one.text


# ---------------------------------------------------------------- clients


def client(targets: list[float], requests: list[float], name: str, address: str = "203.0.113.7") -> Client:
    bins = np.arange(len(targets), dtype=np.int64) + FIRST
    return Client(name, address, bins, np.array(requests), np.array(targets), Place("access.log", 90))


def test_a_harvester_that_sweeps_every_dataset_is_a_bulk_load() -> None:
    (one,) = find(evidence(clients=(client([20.0] * 6, [20.0] * 6, "IATI Bulk Data Service 0.1"),)))
    assert one.name == "bulk-load"
    assert one.count == 120
    assert "harvester" in one.text
    assert one.examples == ("access.log:90: IATI Bulk Data Service 0.1 from 203.0.113.7",)


@pytest.mark.parametrize(
    ("targets", "requests", "name", "address"),
    [
        ([2.0] * 20, [40.0] * 20, "uptime-check", "203.0.113.7"),  # asks for the same again and again
        ([5.0] * 8, [5.0] * 8, "curl/8.5.0", "203.0.113.7"),  # too few
        ([2.0] * 120, [2.0] * 120, "okhttp/4.12.0", "10.132.0.9"),  # steady traffic through a gateway
        ([20.0] * 6, [20.0] * 6, "Mozilla/5.0 (X11)", "10.132.0.9"),  # many people behind one gateway
    ],
)
def test_monitors_small_clients_and_browsers_behind_a_gateway_are_no_bulk_load(
    targets: list[float], requests: list[float], name: str, address: str
) -> None:
    assert find(evidence(clients=(client(targets, requests, name, address),))) == ()


def test_a_gateway_that_is_busy_all_day_does_not_sweep() -> None:
    wave = 4.0 + 3.0 * np.sin(np.arange(2880) / 1440 * 2 * np.pi)
    busy = client(list(wave), list(wave), "okhttp/4.12.0", "203.0.113.7")
    assert find(evidence(clients=(busy,))) == ()


def test_a_client_that_sweeps_every_night_and_asks_a_little_by_day_is_told_each_time() -> None:
    asked = np.full(4320, 0.05)
    for night in (100, 1540, 2980):
        asked[night : night + 20] = 12.0
    ones = find(evidence(clients=(client(list(asked), list(asked), "curl/8.5.0"),)))
    assert [one.name for one in ones] == ["bulk-load"] * 3
    assert all(200 <= one.count <= 260 for one in ones)


def test_paths_asked_for_over_many_hours_are_no_sweep() -> None:
    bins = np.arange(0, 24 * 60, 10, dtype=np.int64) + FIRST
    slow = Client("curl", "203.0.113.7", bins, np.ones(len(bins)), np.ones(len(bins)), Place("access.log", 1))
    assert find(evidence(clients=(slow,))) == ()


# ---------------------------------------------------------------- volume


def volume(hourly_mb: list[float], line_bytes: float = 200.0) -> Volume:
    hours = np.arange(len(hourly_mb), dtype=np.int64) + int(START // 3600)
    size = np.array(hourly_mb) * 1e6
    return Volume("nginx/access.log", "web", hours, size, size / line_bytes)


def test_more_log_with_as_many_more_requests_follows_the_traffic() -> None:
    per_minute = np.repeat([10.0] * 11 + [60.0], 60)
    given = evidence(volumes=(volume([2.0] * 11 + [12.0]),), doses=(traffic(per_minute, 720),))
    (one,) = found(given, "log-volume-surge")
    assert "follows the traffic" in one.text


def test_more_log_without_more_requests_is_an_anomaly() -> None:
    given = evidence(volumes=(volume([2.0] * 11 + [12.0]),), doses=(traffic(10, 720),))
    (one,) = find(given)
    assert (one.name, one.count) == ("log-volume-anomaly", 1)
    assert "12 MB in the worst hour" in one.text
    assert one.sources == ("nginx/access.log",)


def test_hours_with_far_more_requests_than_usual_at_that_time_of_day_are_a_surge() -> None:
    daily = np.concatenate([np.full(12 * 60, 2.0), np.full(12 * 60, 20.0)])
    week = np.tile(daily, 5)
    week[3 * 1440 + 300 : 3 * 1440 + 900] *= 4
    (one,) = find(evidence(doses=(traffic(week, len(week)),)))
    assert one.name == "traffic-surge"
    assert (str(one.start), str(one.end)) == ("2025-08-30T07:00:00Z", "2025-08-30T17:00:00Z")
    assert "no leak" in one.text
    assert find(evidence(doses=(traffic(np.tile(daily, 5), 5 * 1440),))) == ()


def test_a_small_log_is_never_an_anomaly() -> None:
    assert find(evidence(volumes=(volume([0.01] * 11 + [0.2]),))) == ()


# ---------------------------------------------------------------- heartbeats and events


def test_a_heartbeat_that_stays_away_is_starvation_and_not_a_leak_by_itself() -> None:
    beats = [minute for minute in range(300) if not 100 <= minute < 110]
    (one,) = find(evidence(tallies=(tally("heartbeat", beats, 6, "worker"),)))
    assert one.name == "heartbeat-gap"
    assert one.count == 1
    assert "11 min" in one.text
    assert "not a leak by itself" in one.text


def test_what_comes_when_it_has_work_is_no_heartbeat() -> None:
    moments = np.cumsum(np.random.default_rng(7).exponential(9.0, 300)).astype(int).tolist()
    assert found(evidence(tallies=(tally("heartbeat", sorted(set(moments)), 1, "job"),)), "heartbeat-gap") == []


def test_a_heartbeat_that_is_missing_while_the_service_starts_is_no_gap() -> None:
    beats = [minute for minute in range(300) if not 100 <= minute < 110]
    given = evidence(tallies=(tally("heartbeat", beats, 6, "worker"),), events=(event("start", 105),))
    assert found(given, "heartbeat-gap") == []


def test_perhaps_out_of_memory_is_no_oom_kill() -> None:
    text = "Worker (pid:23) was sent SIGKILL! Perhaps out of memory?"
    given = evidence(events=(event("worker-timeout", 5), event("worker-killed", 5.02, text=text)))
    assert found(given, "oom-kills") == []
    (killed,) = found(given, "workers-killed")
    assert "gunicorn killed them" in killed.text
    assert "no evidence" in killed.text


def test_a_worker_killed_by_nobody_known_says_so() -> None:
    (killed,) = find(evidence(events=(event("worker-killed", 5),)))
    assert "The log does not say who did." in killed.text


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("reincarnated", "reincarnated-workers"), ("worker-timeout", "worker-timeouts"), ("oom-kill", "oom-kills"),
        ("deploy", "deploys"), ("evicted", "evictions"), ("request-lost", "lost-requests"),
    ],
)  # fmt: skip
def test_events_become_patterns_with_first_and_last_time_count_and_examples(kind: str, name: str) -> None:
    given = evidence(events=(event(kind, 200, count=2), event(kind, 3)))
    (one,) = found(given, name)
    assert (one.count, str(one.start), str(one.end)) == (3, "2025-08-27T02:03:00Z", "2025-08-27T05:20:00Z")
    assert one.examples == ("events.txt:4: it happened", "events.txt:201: it happened")


def test_recycled_and_booted_workers_are_no_pattern() -> None:
    assert find(evidence(events=tuple(event(kind, 9) for kind in ("recycled", "worker-boot", "worker-exit")))) == ()


def test_more_than_three_restarts_within_an_hour_are_a_loop() -> None:
    (one,) = find(evidence(events=tuple(event("restart", minute) for minute in range(0, 300, 7))))
    assert (one.name, one.count) == ("restart-loop", 43)
    assert "up to 9 within an hour" in one.text
    assert found(evidence(events=tuple(event("restart", 120 * k) for k in range(9))), "restart-loop") == []


def test_patterns_stand_in_the_order_of_their_first_time() -> None:
    given = evidence(events=(event("oom-kill", 90), event("deploy", 4), event("worker-timeout", 50)))
    assert [one.name for one in find(given)] == ["deploys", "worker-timeouts", "oom-kills"]
