"""The panels of the real incident and three synthetic ones, read and audited, where they lie beside the checkout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from floodmark.diagnosis.audit import Audit, audit
from floodmark.evidence.metrics import attached
from floodmark.evidence.nouns import Clock, Evidence, SourceHealth

SHARED = Path(__file__).parents[4] / "shared"
INCIDENT = SHARED / "incident-2025-08"
WINDOWS = ("2025-08-27-02-30-00_2025-08-27-08-30-00", "2025-08-28-08-30-00_2025-08-28-14-30-00")
CASES = ("S0a", "V2", "V5")

needs_incident = pytest.mark.skipif(not INCIDENT.exists(), reason="../shared/incident-2025-08 is not there")
needs_cases = pytest.mark.skipif(not (SHARED / "incidents").exists(), reason="../shared/incidents is not there")


@pytest.fixture
def audited(read_file):
    """Reads files, attaches dashboards, and audits: (audit, readings)."""

    def run(files: list[Path]) -> tuple[Audit, list]:
        readings = [read_file(file, str(file.relative_to(SHARED))) for file in sorted(files)]
        series = attached(tuple(one for reading in readings for one in reading.series))
        health = (
            SourceHealth(
                one.path,
                one.kind,
                None,
                one.records,
                len(one.rejected),
                None,
                None,
                (one.clocks or [Clock(None, "assumed")])[0],
            )
            for one in readings
        )
        return audit(Evidence(None, 60.0, tuple(health), series)), readings

    return run


def problems(found: Audit) -> set[tuple[str, str]]:
    return {(one.problem, one.metric) for one in found.problems}


@needs_incident
@pytest.mark.parametrize("windows", [WINDOWS[:1], WINDOWS[1:], WINDOWS])
def test_the_figures_of_the_public_report_are_refused_with_a_reason(audited, windows: tuple[str, ...]) -> None:
    found, readings = audited([file for window in windows for file in (INCIDENT / window).glob("*.csv")])
    assert not [one.rejected for one in readings if one.rejected]
    assert {
        ("event-count-read-as-rate", "Memory Leak Events (1h)"),
        ("gauge-under-rate", "Memory Growth Rate (MB_h)"),
        ("process-mixture", "Memory Leak Detection - Application Memory (MB)"),
        ("columns-are-copies", "Memory (MB)"),
        ("page-cache-included", "Memory (MB)"),
        ("unit-prefix", "Memory (MB)"),
        ("self-counting-counter", "Garbage Collection Rate"),
        ("censored-values", "95% latency"),
        ("extrapolated-counts", "Restarts per 30 mins"),
        ("monitored-by-itself", "Memory Leak Detection - Application Memory (MB)"),
    } <= problems(found)
    assert {(one.metric, one.measure) for one in found.usable} == {("Memory (MB)", "usage")}


@needs_incident
def test_the_peak_of_the_report_is_a_count_of_events(audited) -> None:
    found, _ = audited(list((INCIDENT / WINDOWS[1]).glob("*.csv")))
    text = next(one.explanation for one in found.problems if one.problem == "event-count-read-as-rate")
    assert "1,299 at 2025-08-28 09:15 UTC, is that many events, not 1,299 MB/h" in text


@needs_incident
def test_610_columns_are_one_series_of_one_value(audited) -> None:
    found, _ = audited(list((INCIDENT / WINDOWS[1]).glob("Memory (MB)*.csv")))
    copied = next(one for one in (*found.usable, *found.corroborating) if one.copies > 1)
    assert (copied.service, copied.copies, len(copied.at)) == ("rsr-backend", 610, 1)
    assert copied.value[0] == 7142.70703125 * 2**20
    text = next(one.explanation for one in found.problems if one.problem == "columns-are-copies")
    assert "not 610 processes" in text


@needs_incident
def test_restarts_are_evidence_of_about_nine_an_hour(audited) -> None:
    found, _ = audited([file for window in WINDOWS for file in (INCIDENT / window).glob("Restarts*.csv")])
    pod = next(one for one in found.corroborating if one.instance == "rsr-7d759f6dc9-m99vb")
    assert (pod.service, pod.measure, pod.labels["window"]) == ("rsr", "restarts", "1800")
    assert 8.5 < pod.value.mean() * 2 < 10
    assert "On average 9 an hour (rsr-7d759f6dc9-m99vb)" in found.problems[0].explanation


@needs_incident
def test_two_windows_are_no_acceleration_and_flat_objects_are_no_leak(audited) -> None:
    found, _ = audited([file for window in WINDOWS for file in (INCIDENT / window).glob("*.csv")])
    explained = {one.problem: one.explanation for one in found.problems}
    assert "2 windows that cover 11.5 h of 35.75 h" in explained["picked-windows"]
    assert "46,104 dict objects" in explained["contradicted-by-companion"]
    assert "rsr-reports" in explained["contradicted-by-companion"]
    assert "per second" in explained["wrong-time-unit"]


def metrics_of(case: str) -> list[Path]:
    folder = SHARED / "incidents" / case / "evidence"
    return [file for name in ("prometheus", "grafana", "psutil") for file in (folder / name).iterdir()]


@needs_cases
@pytest.mark.parametrize("case", CASES)
def test_sound_sizes_are_used_and_the_others_refused_with_a_reason(audited, case: str) -> None:
    found, readings = audited(metrics_of(case))
    assert not [one.rejected for one in readings if one.rejected]
    assert {one.metric for one in found.usable} == {
        "rss_bytes", "pss_bytes", "container_memory_rss", "container_memory_working_set_bytes",
    }  # fmt: skip
    assert {one.metric for one in found.refused} == {
        "django_memory_usage_bytes", "memory-growth-rate-mb-per-hour", "memory-leak-events-1h",
    }  # fmt: skip
    assert {
        ("event-count-read-as-rate", "memory-leak-events-1h"),
        ("gauge-under-rate", "memory-growth-rate-mb-per-hour"),
        ("wrong-time-unit", "memory-growth-rate-mb-per-hour"),
        ("process-mixture", "django_memory_usage_bytes"),
    } <= problems(found)


@needs_cases
@pytest.mark.parametrize("case", CASES)
def test_without_the_dashboard_the_same_panels_are_refused_by_their_shape(audited, case: str) -> None:
    found, _ = audited([file for file in metrics_of(case) if file.name != "dashboard.json"])
    assert {
        ("event-count-read-as-rate", "memory-leak-events-1h"),
        ("gauge-under-rate", "memory-growth-rate-mb-per-hour"),
        ("wrong-time-unit", "memory-growth-rate-mb-per-hour"),
    } <= problems(found)


@needs_cases
@pytest.mark.parametrize("case", CASES)
def test_the_sizes_read_are_those_that_were_simulated(audited, case: str) -> None:
    truth = json.loads((SHARED / "incidents" / case / "truth.json").read_text())
    found, _ = audited(metrics_of(case))
    checked = 0
    for service in truth["services"]:
        simulated = np.array(service.get("rss_mb_every_30_min") or [])
        read = [
            one for one in found.usable if one.metric == "container_memory_rss" and one.service == service["service"]
        ]
        if len(simulated) and read:
            at, value = (np.concatenate([getattr(one, name) for one in read]) for name in ("at", "value"))
            start = np.datetime64(truth["window"]["start"].rstrip("Z"), "s").astype(np.int64)
            hours = start + 1800.0 * np.arange(len(simulated))
            nearest = value[np.abs(at[:, None] - hours[None, :]).argmin(axis=0)] / 1e6
            assert np.median(np.abs(nearest / simulated - 1)) < 0.02
            checked += 1
    assert checked >= 4
