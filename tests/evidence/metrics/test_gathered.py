"""From files to audited evidence through the whole intake: clocks, dashboards and parts of one series come together."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from floodmark.diagnosis.audit import audit
from floodmark.evidence.intake import gather
from floodmark.evidence.nouns import Evidence

START = 1_756_793_700
"""2025-09-02 06:15 UTC."""

POD = "rsr-7d759f6dc9-m99vb"
SAMPLES = 480
AT = START + 60 * np.arange(SAMPLES)
SIZES = (4e8 + np.cumsum(np.random.default_rng(5).normal(1e5, 4e5, SAMPLES))).astype(np.int64)


def prometheus(value: np.ndarray, at: np.ndarray = AT, **labels: str) -> str:
    pairs = [[int(second), str(one)] for second, one in zip(at, value, strict=True)]
    return json.dumps({"data": {"resultType": "matrix", "result": [{"metric": labels, "values": pairs}]}})


def panel(value: np.ndarray, legend: str, east_hours: float = 0.0) -> str:
    clocks = (datetime.fromtimestamp(second + 3600 * east_hours, UTC).strftime("%Y-%m-%d %H:%M:%S") for second in AT)
    return f'"Time","{legend}"\n' + "".join(f"{clock},{one}\n" for clock, one in zip(clocks, value, strict=True))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rss = prometheus(SIZES, __name__="container_memory_rss", container="web", pod=POD)
    (tmp_path / "rss.json.gz").write_bytes(gzip.compress(rss.encode()))
    return tmp_path


def measured(evidence: Evidence, metric: str):
    return next(one for one in evidence.series if one.metric == metric)


def test_a_panel_in_another_zone_is_put_beside_its_series(folder: Path) -> None:
    (folder / "RSS by container.csv").write_text(panel(SIZES, "web", 2))
    evidence = gather([folder])
    assert measured(evidence, "RSS by container").at[0] == START
    clock = next(one.clock for one in evidence.sources if one.kind == "grafana-csv")
    assert clock is not None
    assert (clock.zone, clock.basis) == ("+02:00", "inferred")
    found = audit(evidence)
    assert [one.metric for one in found.usable] == ["container_memory_rss"]
    assert [one.metric for one in found.corroborating] == ["RSS by container"]


def test_a_panel_alone_with_a_log_takes_the_zone_in_which_they_cover_the_same_time(tmp_path: Path) -> None:
    (tmp_path / "RSS by container.csv").write_text(panel(SIZES, "web", -3))
    times = (f"{datetime.fromtimestamp(second, UTC):%d/%b/%Y:%H:%M:%S} +0000" for second in AT)
    lines = (f'203.0.113.7 - - [{time}] "GET / HTTP/1.1" 200 1 "-" "x"\n' for time in times)
    (tmp_path / "access.log").write_text("".join(lines))
    assert measured(gather([tmp_path]), "RSS by container").at[0] == START


def test_a_dashboard_in_another_file_says_what_a_panel_is(folder: Path) -> None:
    query = "rate(django_memory_usage_bytes[1h]) / 1024 / 1024"
    one = {"title": "Memory (MB/h)", "targets": [{"expr": query}], "fieldConfig": {"defaults": {"unit": "none"}}}
    (folder / "dashboard.json").write_text(json.dumps({"panels": [one], "schemaVersion": 36}))
    (folder / "Memory (MB_h)-data-as-seriestocolumns.csv").write_text(panel(np.full(SAMPLES, 3.5), "web"))
    evidence = gather([folder])
    assert not [one for one in evidence.series if one.labels.get("panel") == "definition"]
    growth = measured(evidence, "Memory (MB_h)")
    assert (growth.measure, growth.unit, growth.expr) == ("rate", "MiB/s", query)
    assert {one.problem for one in audit(evidence).problems} == {"gauge-under-rate", "wrong-time-unit"}


def test_exports_by_the_day_are_one_series(tmp_path: Path) -> None:
    for name, part in (("b", slice(200, SAMPLES)), ("a", slice(0, 240))):
        text = prometheus(SIZES[part], AT[part], __name__="container_memory_rss", container="web", pod=POD)
        (tmp_path / f"{name}.json").write_text(text)
    found = audit(gather([tmp_path]))
    assert len(found.usable) == 1
    assert np.array_equal(found.usable[0].at, AT)
    assert np.array_equal(found.usable[0].value, SIZES)
    assert found.problems == ()


def test_copies_without_values_survive_the_intake(tmp_path: Path) -> None:
    rows = "".join(f"2025-09-02 06:{minute:02d}:00,,,5.0\n" for minute in range(20))
    (tmp_path / "Memory (MB).csv").write_text("Time,web,web.1,api\n" + rows)
    problems = {one.problem: one.explanation for one in audit(gather([tmp_path])).problems}
    assert "2 columns named web in 'Memory (MB)' are all empty" in problems["columns-are-copies"]


@pytest.mark.parametrize("text", ["pid,rss_bytes\n38,104501100\n", "Time,web\nx,1\n", '{"data":{"result":[{"metric":'])
def test_metrics_that_cannot_be_read_are_told_and_the_rest_goes_on(folder: Path, text: str) -> None:
    (folder / "bad").write_text(text)
    evidence = gather([folder])
    bad = next(one for one in evidence.sources if one.path.endswith("bad"))
    assert bad.remark
    assert len(measured(evidence, "container_memory_rss").at) == SAMPLES
