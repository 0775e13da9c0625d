"""The success targets: measured where there is evidence, neither met nor missed where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given as with_any
from hypothesis import strategies as st

from floodmark.diagnosis.incident import Alert, Growth, Service, Target, Time
from floodmark.diagnosis.rules import Signal
from floodmark.diagnosis.targets import GOALS, Given, evaluate, weighted_quantile
from floodmark.evidence.nouns import Dose, Evidence, Place, Tally, Volume

START = 1_756_260_000.0
FIRST = int(START // 60)
DAY = 86_400.0


def measured(
    services: tuple[Service, ...] = (), alerts: tuple[Alert, ...] = (), signals: tuple[Signal, ...] = (),
    days: float = 1.0, **parts: object,
) -> dict[str, Target]:  # fmt: skip
    evidence = Evidence(window=(START, START + days * DAY), bin_seconds=60.0, **parts)  # type: ignore[arg-type]
    return {one.name: one for one in evaluate(Given(evidence, services, alerts, signals))}


def dose(name: str, seconds: list[float], failed: float = 0.0) -> Dose:
    bins = np.arange(len(seconds), dtype=np.int64) + FIRST
    starts, failures = np.ones(len(seconds)), np.zeros(len(seconds))
    failures[0] = failed
    return Dose("web", "endpoint", name, Place("access.log", 1), bins, starts, np.array(seconds), starts, failures)


def service(
    name: str, rate: float | None, hours: float = 24.0, verdict: str = "no-leak", peak: int | None = None
) -> Service:
    growth = None if rate is None else Growth(rate, rate - 5, rate + 5, Time(START), Time(START + hours * 3600))
    return Service(name, (), "rss", growth, "steady", verdict, "none", None, None, 0, peak, "")  # type: ignore[arg-type]


def test_every_target_of_the_origin_report_is_there() -> None:
    assert [goal.name for goal in GOALS] == [
        "iati-request-duration", "new-database-connections", "upstream-timeouts", "log-volume", "iati-growth",
        "processes", "export-success", "average-growth", "stability", "emergency-events",
    ]  # fmt: skip


def test_without_evidence_every_target_is_neither_met_nor_missed_and_says_what_is_missing() -> None:
    for one in measured().values():
        assert one.value is None
        assert one.met is None
        assert one.text.endswith(".")


def test_95_of_100_iati_requests_must_be_quick() -> None:
    quick = measured(doses=(dose("/project/{id}/iati/", [2.0] * 96 + [41.2] * 4),))["iati-request-duration"]
    assert (quick.value, quick.met, quick.source) == (2.0, True, "access.log")
    slow = Tally("request-over-10s", "web", "/project/{id}/iati/", np.array([FIRST]), np.array([6.0]))
    found = measured(doses=(dose("/project/{id}/iati/", [2.0] * 94 + [41.2] * 6),), tallies=(slow,))
    assert (found["iati-request-duration"].value, found["iati-request-duration"].met) == (41.2, False)
    assert "6 took more than 10 s" in found["iati-request-duration"].text


def test_a_slow_route_that_is_not_iati_does_not_count() -> None:
    assert measured(doses=(dose("/slow/", [90.0] * 9),))["iati-request-duration"].value is None


def test_durations_that_are_not_logged_are_unknown_and_not_nought() -> None:
    assert measured(doses=(dose("/project/{id}/iati/", [float("nan")] * 9),))["iati-request-duration"].met is None


def test_new_connections_timeouts_success_and_volume() -> None:
    every = np.arange(100, dtype=np.int64) + FIRST
    found = measured(
        doses=(dose("/project/{id}/iati/", [1.0] * 100, failed=8.0),),
        tallies=(
            Tally("connection-open", "proxy", "db", every, np.full(100, 12.0)),
            Tally("upstream-timeout", "web", "/project/{id}/iati/", every[:3], np.ones(3)),
            Tally("status-504", "web", "/project/{id}/iati/", every[:2], np.ones(2)),
        ),
        volumes=(Volume("nginx", None, np.arange(3) + FIRST // 60, np.array([6e6, 7e6, 30e6]), np.ones(3)),),
    )
    assert (found["new-database-connections"].value, found["new-database-connections"].met) == (12, False)
    assert (found["upstream-timeouts"].value, found["upstream-timeouts"].met) == (3, False)
    assert (found["export-success"].value, found["export-success"].met) == (92, False)
    assert (found["log-volume"].value, found["log-volume"].met) == (7, True)


def test_growth_during_iati_work_is_the_mean_of_its_quarter_hours() -> None:
    at = START + 900.0 * np.arange(3)
    signal = Signal("iati-growth", "web", at, np.array([90.0, 30.0, 60.0]), 900.0)
    one = measured(signals=(signal,))["iati-growth"]
    assert (one.value, one.met) == (60, False)


def test_average_growth_is_that_of_all_services_over_the_whole_window() -> None:
    one = measured((service("a", 40.0, hours=12), service("b", 1.0), service("c", None)))["average-growth"]
    assert one.value == pytest.approx(21)
    assert one.met is False
    assert "Not in it: c." in one.text


def test_processes_are_the_most_of_one_service_at_one_instant() -> None:
    one = measured((service("a", 0.0, peak=13), service("b", 0.0, peak=60), service("c", 0.0)))["processes"]
    assert (one.value, one.met) == (60, False)
    assert "in one service: b" in one.text


def test_stability_needs_thirty_days() -> None:
    assert measured((service("a", 0.2),))["stability"].met is None
    assert measured((service("a", 0.2),), days=31)["stability"].met is True
    assert measured((service("a", 80.0, verdict="leak"),), days=31)["stability"].met is False


def test_no_emergency_is_a_target_met_only_where_growth_could_be_measured() -> None:
    emergency = Alert("growth-emergency", "a", "emergency", Time(START), None, 612.0, "MB/h", 500.0, count=2)
    assert measured((service("a", 600.0, verdict="leak"),), (emergency,))["emergency-events"].value == 2
    assert measured((service("a", 1.0),))["emergency-events"].met is True
    assert measured((service("a", None),))["emergency-events"].met is None


@with_any(
    st.lists(st.tuples(st.floats(0, 1e3), st.integers(1, 9)), min_size=1, max_size=30), st.floats(0.01, 1.0)
)  # fmt: skip
def test_a_weighted_quantile_is_that_of_the_values_written_out(rows: list[tuple[float, int]], share: float) -> None:
    written = np.array(sorted(value for value, count in rows for _ in range(count)))
    got = weighted_quantile(np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows]), share)
    assert got in written
    assert np.mean(written <= got) >= share - 1e-9
    assert np.mean(written < got) < share + 1e-9
