"""Variants of formats as programs write them, each through the whole intake: every line read, and nothing misread."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

LOOK = Callable[[Any], Any]
COMBINED = '127.0.0.1 - - [02/Sep/2025:08:15:11 +0200] "GET /project/7/iati/ HTTP/1.0" 200 910 "-" "curl/8.5.0"'
AT = 1_756_793_700  # 2025-09-02T06:15:00Z
END = 1_756_793_711.5


# ---------------------------------------------------------------- access lines of gunicorn


@pytest.mark.parametrize(
    ("tail", "seconds"),
    [
        (" 41234us", 0.041234), (" 41234µs", 0.041234), (" 41ms", 0.041), (" 0.041234s", 0.041234),
        (" 0/41234", 0.041234), (" 2/2041234", 2.041234), (" <23> 0.041234", 0.041234), (" pid:<23> 0.041234", 0.041234),
        (" 0.041234 <23>", 0.041234), (' "203.0.113.9" 0.041234', 0.041234), (' "-" <23> 0.041234', 0.041234),
        (" 0.041234", 0.041234),
    ],
)  # fmt: skip
def test_the_usual_formats_of_gunicorn_need_no_saying(gathered: Any, look: LOOK, tail: str, seconds: float) -> None:
    seen = look(gathered({"web.log": (COMBINED + tail + "\n") * 5}))
    row = seen.source("web.log")
    assert (row.kind, row.records, row.rejected) == ("gunicorn-access", 5, 0)
    dose = seen.dose("/project/{id}/iati/")
    assert float(dose.seconds.sum()) == pytest.approx(5 * seconds)
    assert float(dose.bytes_out.sum()) == 4550


@pytest.mark.parametrize("tail", [' "203.0.113.9" 0.123', " 0.123", ' "-" 0.123 0.120 0.000'])
def test_three_decimals_are_those_of_nginx(gathered: Any, look: LOOK, tail: str) -> None:
    row = look(gathered({"web.log": (COMBINED + tail + "\n") * 5})).source("web.log")
    assert (row.kind, row.records) == ("nginx-access", 5)


@pytest.mark.parametrize("tail", [" 41234", " 41", " 0"])
def test_a_number_without_a_unit_leaves_durations_unknown_and_says_how_to_tell(
    gathered: Any, look: LOOK, tail: str
) -> None:
    seen = look(gathered({"web.log": (COMBINED + tail + "\n") * 5}))
    assert (seen.source("web.log").records, seen.source("web.log").rejected) == (5, 0)
    assert "no unit" in seen.source("web.log").remark
    assert "--access-format" in seen.source("web.log").remark
    assert str(float(seen.dose("/project/{id}/iati/").seconds.sum())) == "nan"


def test_one_line_without_decimals_among_others_is_still_no_line_of_nginx(gathered: Any, look: LOOK) -> None:
    text = (COMBINED + " 0.041 0.040 0.000\n") * 50 + COMBINED + " 4\n"
    assert (look(gathered({"a.log": text})).source("a.log").rejected) == 1


def test_the_same_formats_are_known_inside_of_docker(gathered: Any, look: LOOK) -> None:
    lines = [{"log": COMBINED + " 41234us\n", "stream": "stdout", "time": "2025-09-02T06:15:12.1Z"}] * 4
    seen = look(gathered({"web-json.log": "".join(json.dumps(line) + "\n" for line in lines)}))
    assert seen.source("web-json.log").records == 4
    assert float(seen.dose("/project/{id}/iati/").seconds.sum()) == pytest.approx(4 * 0.041234)


# ---------------------------------------------------------------- Kubernetes and wrappers

EVENT = {
    "kind": "Event", "type": "Warning", "reason": "Unhealthy", "count": 9, "lastTimestamp": "2025-09-02T06:15:16Z",
    "involvedObject": {"kind": "Pod", "name": "rsr-abc", "fieldPath": "spec.containers{web}"}, "message": "Liveness: failed",
}  # fmt: skip
YAML = """apiVersion: v1
items:
- apiVersion: v1
  count: 9
  eventTime: null
  firstTimestamp: "2025-09-02T06:10:00Z"
  involvedObject:
    fieldPath: spec.containers{web}
    kind: Pod
    name: rsr-abc
  kind: Event
  lastTimestamp: "2025-09-02T06:15:16Z"
  message: 'Liveness probe failed: HTTP probe failed with statuscode:
    500'
  reason: Unhealthy
- apiVersion: v1
  count: 2
  involvedObject:
    kind: Pod
    name: rsr-abc
  kind: Event
  lastTimestamp: "2025-09-02T06:15:20Z"
  message: |
    The node was low on resource: memory.
  reason: Evicted
kind: List
metadata:
  resourceVersion: ""
"""


def told(evidence: Any) -> list[tuple[float, str, str | None, str | None, int]]:
    return [(one.at, one.kind, one.service, one.instance, one.count) for one in evidence.events]


def test_events_as_yaml_are_those_of_json(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"events.yaml": YAML}))
    assert (seen.source("events.yaml").records, seen.source("events.yaml").rejected) == (2, 0)
    assert told(seen.evidence) == [
        (AT + 16, "unhealthy", "web", "rsr-abc", 9), (AT + 20, "evicted", None, "rsr-abc", 2),
    ]  # fmt: skip
    assert seen.evidence.events[0].text.endswith("HTTP probe failed with statuscode: 500")


@pytest.mark.parametrize("documents", ["", "---\n"], ids=["one", "divided"])
def test_events_as_documents_of_yaml_are_read(gathered: Any, documents: str) -> None:
    one = "\n".join(line[2:] for line in YAML.splitlines()[2:15]).replace("apiVersion", "apiVersion", 1) + "\n"
    assert len(told(gathered({"events.yaml": documents + one + (documents + one if documents else "")}))) == 1


def test_events_of_a_watch_are_read(gathered: Any, look: LOOK) -> None:
    text = "".join(json.dumps({"type": kind, "object": EVENT}) + "\n" for kind in ("ADDED", "MODIFIED"))
    seen = look(gathered({"events.json": text}))
    assert (seen.source("events.json").records, seen.source("events.json").rejected) == (2, 0)
    assert told(seen.evidence) == [(AT + 16, "unhealthy", "web", "rsr-abc", 9)]


def test_lines_of_the_journal_with_iso_times_are_unwrapped(gathered: Any, look: LOOK) -> None:
    text = "".join(
        f"2025-09-02T06:15:1{n}{zone} db1 postgres[771]: [{n}-1] LOG:  connection authorized: user=rsr database=rsr\n"
        for n, zone in enumerate(("+0000", "+00:00", "Z", ".123456+00:00"))
    )
    seen = look(gathered({"journal.log": text}))
    assert (seen.source("journal.log").kind, seen.source("journal.log").records) == ("postgres", 4)
    assert seen.tally("connection-open") == {"rsr": 4}


def test_a_message_of_the_proxy_that_lost_its_time_to_cloud_logging_counts_at_the_time_of_the_entry(
    gathered: Any, look: LOOK
) -> None:
    entries = [
        {"insertId": f"i{n}", "logName": "projects/p/logs/stderr", "timestamp": f"2025-09-02T06:15:1{n}.5Z",
         "resource": {"type": "k8s_container", "labels": {"container_name": "proxy", "pod_name": "p-1"}},
         "jsonPayload": {"severity": "INFO", "message": text}}
        for n, text in enumerate(("[proj:region:db] Accepted connection from 127.0.0.1:50112", "[proj:region:db] client closed the connection"))
    ]  # fmt: skip
    seen = look(gathered({"gcp.json": "".join(json.dumps(each) + "\n" for each in entries)}))
    assert (seen.source("gcp.json").kind, seen.source("gcp.json").rejected) == ("cloudsql-proxy", 0)
    assert (seen.tally("connection-open"), seen.tally("connection-close")) == (
        {"proj:region:db": 1},
        {"proj:region:db": 1},
    )


# ---------------------------------------------------------------- metrics


def series(evidence: Any) -> dict[str, tuple[float, float, int]]:
    """service -> (first time, first value, samples)"""
    return {one.service: (float(one.at[0]), float(one.value[0]), len(one.at)) for one in evidence.series}


def test_an_exemplar_is_not_the_value_and_a_brace_in_a_label_does_not_end_the_labels(gathered: Any) -> None:
    page = (
        '# TYPE hits counter\nhits_total{path="/x/{id}",q="a\\"}b"} 17 1756793700.5 # {trace_id="a"} 0.5 1756793700\n'
        'process_resident_memory_bytes{job="web"} 4.1e8 1756793700\n# EOF\n'
    )
    found = {one.metric: (one.value.tolist(), dict(one.labels)) for one in gathered({"page.om": page}).series}
    assert found["hits_total"][0] == [17.0]
    assert {found["hits_total"][1][name] for name in ("path", "q")} == {"/x/{id}", 'a"}b'}


@pytest.mark.parametrize(
    ("stamps", "first"),
    [
        (["09/02/2025, 06:15:00 AM", "09/02/2025, 06:16:00 AM"], AT),
        (["02.09.2025 06:15:00", "02.09.2025 06:16:00"], AT),
        (["09/02/2025 06:15:00", "09/03/2025 06:15:00", "09/04/2025 06:15:00"], AT),
        (["02/09/2025 06:15:00", "03/09/2025 06:15:00", "04/09/2025 06:15:00"], AT),
    ],
    ids=["AM", "dots", "days as months", "days"],
)
def test_day_and_month_are_told_apart_without_a_number_above_twelve(
    gathered: Any, look: LOOK, stamps: list[str], first: float
) -> None:
    text = '"Time","web"\n' + "".join(f'"{stamp}","{400 + n} MB"\n' for n, stamp in enumerate(stamps))
    seen = look(gathered({"Memory.csv": text}))
    assert series(seen.evidence) == {"web": (first, 4e8, len(stamps))}
    assert "day first" not in seen.source("Memory.csv").remark


def test_decimal_commas_are_read_between_commas_too_and_thousands_stay_thousands(gathered: Any) -> None:
    panel = '"Time","web"\n' + "".join(f'"2025-09-02 06:1{n}:00","400,{n} MB"\n' for n in range(9))
    assert series(gathered({"a/Memory.csv": panel}))["web"][1:] == (400e6, 9)
    panel = '"Time","db"\n' + "".join(f'"2025-09-02 06:1{n}:00","400,00{n}"\n' for n in range(9))
    assert series(gathered({"b/Memory (kB).csv": panel}))["db"][1:] == (400_000e3, 9)


def test_the_line_that_tells_a_spreadsheet_the_delimiter_is_no_row(gathered: Any, look: LOOK) -> None:
    text = 'sep=;\n"Time";"web"\n' + "".join(f'"2025-09-02 06:1{n}:00";"400,5"\n' for n in range(5))
    row = look(gathered({"Memory (MB).csv": text})).source("Memory (MB).csv")
    assert (row.records, row.rejected) == (5, 0)


def test_rows_of_different_things_do_not_become_one_series_under_a_heading_that_nobody_knows(gathered: Any) -> None:
    rows = [f"{AT + 60 * n},{name},{size + n}\n" for n in range(10) for name, size in (("web", 400), ("db", 100))]
    found = gathered({"t.csv": "time,Dienst,rss_mb\n" + "".join(rows)})
    assert series(found) == {"web": (AT, 400e6, 10), "db": (AT, 100e6, 10)}
    rows = [f"{AT + 60 * n},web,{zone},{size + n}\n" for n in range(10) for zone, size in (("a", 400), ("b", 100))]
    found = gathered({"t.csv": "time,service,rack,rss_mb\n" + "".join(rows)})
    assert sorted((one.service, one.labels["rack"], len(one.at)) for one in found.series) == [
        ("web", "a", 10), ("web", "b", 10),
    ]  # fmt: skip
