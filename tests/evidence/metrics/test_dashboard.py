"""Dashboards: the queries that the CSV of their panels has lost."""

from __future__ import annotations

import json

import numpy as np
import pytest

from floodmark.evidence.metrics import attached
from floodmark.evidence.nouns import Place, Series


def panel(title: str, expr: str, unit: str = "none", legend: str = "") -> dict:
    target = {"expr": expr, "refId": "A", "legendFormat": legend}
    return {"title": title, "type": "timeseries", "targets": [target], "fieldConfig": {"defaults": {"unit": unit}}}


GROWTH = panel("Memory Growth Rate (MB/h)", "rate(django_memory_usage_bytes[1h]) / 1024 / 1024")
RSS = panel("Memory by container", "container_memory_rss / 1e6")


def csv_series(title: str, value: list[float], measure: str = "usage", unit: str = "MB", legend: str = "web") -> Series:
    return Series(
        "web", None, None, measure, title, Place("x.csv"), np.arange(float(len(value))), np.array(value),
        {"panel": title, "legend": legend}, "", unit,
    )  # fmt: skip


@pytest.mark.parametrize(
    "dashboard",
    [
        {"title": "d", "panels": [GROWTH, RSS]},
        {"dashboard": {"panels": [GROWTH, RSS]}, "meta": {}},
        {"rows": [{"panels": [GROWTH]}, {"panels": [RSS]}], "panels": [], "schemaVersion": 12},
        {"panels": [{"type": "row", "title": "r", "panels": [GROWTH, RSS]}]},
    ],
)
def test_the_panels_of_every_kind_of_dashboard_are_found(read, dashboard: dict) -> None:
    reading = read(json.dumps(dashboard, indent=1))
    assert reading.kind == "grafana-dashboard"
    assert [(one.metric, one.expr) for one in reading.series] == [
        (one["title"], one["targets"][0]["expr"]) for one in (GROWTH, RSS)
    ]


def test_a_panel_gets_its_query_by_title_file_name_or_slug(read) -> None:
    definitions = read(json.dumps({"panels": [GROWTH]})).series
    for title in ("Memory Growth Rate (MB_h)", "memory-growth-rate-mb-h", "Memory Growth Rate (MB/h)"):
        (one,) = attached((*definitions, csv_series(title, [3.8, 4.1], "usage", "MB")))
        assert one.expr == "rate(django_memory_usage_bytes[1h]) / 1024 / 1024"
        assert (one.measure, one.unit, one.labels["window"]) == ("rate", "MiB/s", "3600")


def test_a_query_corrects_the_measure_and_the_unit_of_the_title(read) -> None:
    definitions = read(json.dumps({"panels": [panel("Memory", "container_memory_rss / 1024 / 1024")]})).series
    (one,) = attached((*definitions, csv_series("Memory", [400e6, 401e6])))
    assert (one.measure, one.unit) == ("rss", "MiB")
    assert list(one.value) == [400 * 2**20, 401 * 2**20]


def test_cells_with_units_were_right_already(read) -> None:
    definitions = read(json.dumps({"panels": [panel("Memory", "container_memory_rss / 1024 / 1024", "mbytes")]})).series
    (one,) = attached((*definitions, csv_series("Memory", [400e6], "usage", "B")))
    assert (one.measure, list(one.value)) == ("rss", [400e6])


def test_of_several_queries_the_one_with_the_words_of_the_legend_is_taken(read) -> None:
    both = panel("Memory", "container_memory_rss", legend="rss {{container}}")
    both["targets"].append({"expr": "container_memory_usage_bytes", "legendFormat": "usage {{container}}"})
    definitions = read(json.dumps({"panels": [both]})).series
    (one,) = attached((*definitions, csv_series("Memory", [4e8], "usage", "B", legend="rss web")))
    assert one.expr == "container_memory_rss"


def test_other_series_stay_as_they_are(read) -> None:
    definitions = read(json.dumps({"panels": [GROWTH]})).series
    other = csv_series("Something else", [1.0])
    metric = Series("web", None, None, "rss", "memory growth rate (mb/h)", Place("x"), np.zeros(1), np.ones(1))
    assert attached((*definitions, other, metric)) == (other, metric)


def test_a_dashboard_that_is_cut_is_said_and_not_read(read) -> None:
    reading = read(json.dumps({"panels": [GROWTH, RSS], "schemaVersion": 36})[:-40])
    assert reading.series == []
    assert "ends inside" in reading.remarks[0]
