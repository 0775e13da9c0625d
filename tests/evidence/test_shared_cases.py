"""The three cases with their truth: every line accounted for, every route, service, task and zone as it really was."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from floodmark.evidence.intake import gather
from floodmark.evidence.nouns import Evidence

CASES = Path(__file__).resolve().parents[3] / "shared" / "incidents"
NAMES = ("S0a", "V2", "V5")
LOOK = Callable[[Any], Any]

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")


@lru_cache(len(NAMES))
def case(name: str) -> tuple[Evidence, dict[str, Any]]:
    """The evidence of a case, gathered once, and its truth."""
    truth = json.loads((CASES / name / "truth.json").read_text())
    return gather([CASES / name / "evidence"]), truth


def lines_in(path: Path) -> int:
    data = path.read_bytes()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).count(b"\n")


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_every_log_is_accounted_for(name: str) -> None:
    evidence, truth = case(name)
    rows = {row.path: row for row in evidence.sources}
    for file in truth["files"]:
        if file["kind"] != "log" or not file["lines"] or file["path"].startswith("k8s/"):
            continue
        row = rows[file["path"]]
        assert row.records == file["records"], file["path"]
        assert row.records + row.rejected + row.duplicates == file["lines"], file["path"]
        assert row.rejected == 0 or row.examples[0].reason == "cut off at the end of the file"
    assert {row.kind for row in evidence.sources if row.kind in ("unknown", "unreadable")} == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_request_is_counted_for_its_route_and_service(name: str) -> None:
    evidence, truth = case(name)
    found: dict[tuple[str | None, str], float] = {}
    for one in evidence.doses:
        if one.kind == "endpoint":
            found[one.service, one.name] = found.get((one.service, one.name), 0.0) + float(one.starts.sum())
    aliases = {other: culprit["name"] for culprit in truth["culprits"] for other in culprit["names"]}
    grouped: dict[tuple[str | None, str], float] = {}
    for (service, route), count in found.items():
        key = (service, aliases.get(route, route))
        grouped[key] = grouped.get(key, 0.0) + count
    for endpoint in truth["endpoints"]:
        assert grouped[endpoint["service"], endpoint["name"]] == endpoint["requests"], endpoint["name"]


@pytest.mark.parametrize("name", NAMES)
def test_only_the_scraped_pages_are_monitoring(name: str) -> None:
    evidence, _ = case(name)
    assert {one.name for one in evidence.doses if one.monitoring} == {"/metrics", "/report-metrics"}


@pytest.mark.parametrize("name", NAMES)
def test_every_clock_is_found(name: str) -> None:
    evidence, truth = case(name)
    application = {"Europe/Stockholm": "+02:00", "America/Sao_Paulo": "-03:00", "UTC": "+00:00"}[
        truth["zones"]["application"]
    ]
    for row in evidence.sources:
        if row.clock is None:
            continue
        if row.kind == "grafana-csv":
            assert (row.clock.zone, row.clock.basis) == (application, "inferred"), row.path
        elif row.kind == "gunicorn-error":
            assert row.clock.zone in (application, "+00:00"), row.path
        else:
            assert row.clock.zone == "+00:00", row.path
            assert row.clock.basis != "assumed" or row.kind.startswith("kubernetes"), row.path


@pytest.mark.parametrize("name", NAMES)
def test_connections_opened_and_closed_are_those_in_the_lines(name: str) -> None:
    evidence, _ = case(name)
    opened = sum(float(one.count.sum()) for one in evidence.tallies if one.kind == "connection-open")
    closed = sum(float(one.count.sum()) for one in evidence.tallies if one.kind == "connection-close")
    text = b"".join(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in (CASES / name / "evidence").rglob("proxy.log*")
    )
    assert (opened, closed) == (text.count(b"New connection"), text.count(b"Client closed"))


@pytest.mark.parametrize("name", NAMES)
def test_tasks_are_counted_once_each(name: str) -> None:
    evidence, _ = case(name)
    seen: set[tuple[str, str]] = set()
    begun = 0
    for path in (CASES / name / "evidence").rglob("*_S0.json"):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            key = (entry["insertId"], entry["timestamp"])
            begun += key not in seen and " processing " in entry["textPayload"]
            seen.add(key)
    counted = sum(float(one.starts.sum()) for one in evidence.doses if one.kind == "task")
    again = sum(float(one.count.sum()) for one in evidence.tallies if one.kind == "task-redelivered")
    assert counted + again == begun
    assert again <= 0.001 * begun


@pytest.mark.parametrize("name", NAMES)
def test_restarts_are_events_at_their_times(name: str) -> None:
    evidence, truth = case(name)
    from datetime import datetime

    for restart in truth["restarts"]:
        at = datetime.fromisoformat(restart["at"]).timestamp()
        near = {one.service for one in evidence.events if one.kind == "start" and abs(one.at - at) < 5}
        assert set(restart["services"]) <= near
        deploys = [one for one in evidence.events if one.kind == "deploy" and abs(one.at - at) < 60]
        assert bool(deploys) == (restart["reason"] == "deploy")


@pytest.mark.parametrize("name", NAMES)
def test_the_window_is_that_of_the_case(name: str) -> None:
    evidence, truth = case(name)
    from datetime import datetime

    begin, end = (datetime.fromisoformat(truth["window"][edge]).timestamp() for edge in ("start", "end"))
    assert evidence.window is not None
    assert abs(evidence.window[0] - begin) <= 120
    assert abs(evidence.window[1] - end) <= 120
