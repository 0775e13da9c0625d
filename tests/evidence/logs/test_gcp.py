"""Exports of Google Cloud Logging: every shape, any order, each entry once."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.logs.json_objects import objects_in

LOOK = Callable[[Any], Any]
AT = 1_756_793_700.0  # 2025-09-02T06:15:00Z


def entry(
    second: int, payload: Any, container: str = "rsr-nginx", number: int | None = None, **more: Any
) -> dict[str, Any]:
    kind = "textPayload" if isinstance(payload, str) else "jsonPayload"
    return {
        "insertId": f"i{second if number is None else number}", "logName": "projects/p/logs/stdout", "severity": "ERROR",
        "resource": {"type": "k8s_container", "labels": {"container_name": container, "pod_name": "rsr-abc"}},
        "timestamp": f"2025-09-02T06:{15 + second // 60:02d}:{second % 60:02d}.5Z",
        "receiveTimestamp": "2025-09-02T06:59:14.010203Z", kind: payload, **more,
    }  # fmt: skip


def access(second: int) -> str:
    return (
        f'10.0.3.9 - - [02/Sep/2025:06:{15 + second // 60:02d}:{second % 60:02d} +0000] "GET /project/{second}/ HTTP/1.1" 200 9 "-" '
        '"curl" 0.100 0.100 0.000\n'
    )


ENTRIES = [entry(second, access(second)) for second in range(100)]


def as_csv(entries: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    names = ["insertId", "logName", "receiveTimestamp", "resource.labels.container_name", "resource.labels.pod_name", "severity",
             "textPayload", "timestamp"]  # fmt: skip
    writer = csv.DictWriter(text, names, extrasaction="ignore")
    writer.writeheader()
    for each in entries:
        labels = {f"resource.labels.{name}": value for name, value in each["resource"]["labels"].items()}
        writer.writerow({**each, **labels})
    return text.getvalue()


def as_yaml(entries: list[dict[str, Any]], style: str) -> str:
    """As `gcloud logging read` prints entries, with the text plain in quotes or as a block."""
    out = []
    for each in entries:
        labels = "".join(f"    {name}: {value}\n" for name, value in each["resource"]["labels"].items())
        text = each["textPayload"].rstrip("\n")
        payload = {"single": "'" + text.replace("'", "''") + "'", "double": json.dumps(text), "block": "|-\n  " + text}[
            style
        ]
        out.append(
            f"---\ninsertId: {each['insertId']}\nlogName: {each['logName']}\nreceiveTimestamp: '{each['receiveTimestamp']}'\n"
            f"resource:\n  labels:\n{labels}  type: k8s_container\nseverity: ERROR\ntextPayload: {payload}\n"
            f"timestamp: '{each['timestamp']}'\n"
        )
    return "".join(out)


@pytest.mark.parametrize(
    "export",
    [
        "\n".join(map(json.dumps, ENTRIES)),
        json.dumps(ENTRIES[::-1]),
        json.dumps(ENTRIES[::-1], indent=2),
        "\n".join(json.dumps(each, indent=1) for each in ENTRIES),
        "\n".join(map(json.dumps, random.Random(1).sample(ENTRIES, 100))),
        as_csv(ENTRIES),
        as_yaml(ENTRIES[::-1], "single"),
        as_yaml(ENTRIES[::-1], "double"),
        as_yaml(ENTRIES[::-1], "block"),
    ],
    ids=["lines", "array, newest first", "pretty array", "objects over many lines", "lines in any order", "csv",
         "yaml", "yaml in double quotes", "yaml in blocks"],
)  # fmt: skip
def test_every_shape_tells_the_same(gathered: Any, look: LOOK, export: str) -> None:
    seen = look(gathered({"export": export}))
    (row,) = seen.evidence.sources
    assert (row.kind, row.records, row.rejected, row.duplicates) == ("nginx-access", 100, 0, 0)
    (dose,) = seen.evidence.doses
    assert (dose.name, dose.instance, dose.starts.tolist()) == ("/project/{id}/", "rsr-abc", [60.0, 40.0])
    assert (dose.bin * 60).tolist() == [AT, AT + 60]


def test_an_hour_exported_twice_is_one_hour(gathered: Any, look: LOOK) -> None:
    lines = "\n".join(map(json.dumps, ENTRIES))
    late = "\n".join(map(json.dumps, [*ENTRIES[90:], entry(100, access(100))]))
    files = {"2025/09/02/06:00:00_06:59:59_S0.json": lines + "\n" + lines, "2025/09/02/06:00:00_06:59:59_A1.json": late}
    seen = look(gathered(files))
    assert seen.dose("/project/{id}/").starts.sum() == 101.0
    assert sum(row.duplicates for row in seen.evidence.sources) == 110


def test_entries_that_only_look_alike_are_two(gathered: Any, look: LOOK) -> None:
    twins = [entry(5, access(5), number=1), entry(5, access(5), number=2)]
    seen = look(gathered({"export.json": "\n".join(map(json.dumps, twins))}))
    assert seen.dose("/project/{id}/").starts.sum() == 2.0


def test_containers_in_one_export_are_told_apart(gathered: Any, look: LOOK) -> None:
    entries = [
        entry(1, "[2025-09-02 06:15:01 +0000] [7] [INFO] Booting worker with pid: 7", "rsr-backend"),
        entry(2, "[2025-09-02 06:15:02 +0000] [8] [INFO] Booting worker with pid: 8", "rsr-reports"),
        entry(3, '2025/09/02 06:15:03 New connection for "p:r:db"', "cloudsql-proxy"),
        entry(4, {"message": "ERROR 2025-09-02 08:15:04,000 views cannot do 7"}, "rsr-backend"),
    ]
    seen = look(gathered({"export.json": "\n".join(map(json.dumps, entries))}))
    assert [(one.at, one.service, one.process) for one in seen.evidence.events] == [
        (AT + 1.0, "rsr-backend", "7"), (AT + 2.0, "rsr-reports", "8"),
    ]  # fmt: skip
    assert seen.tally("error") == {"cannot do #": 1.0}
    assert seen.tally("connection-open") == {"p:r:db": 1.0}


def test_a_traceback_in_one_payload_is_one_record(gathered: Any, look: LOOK) -> None:
    text = "ERROR 2025-09-02 06:15:04,000 views cannot do 7\nTraceback (most recent call last):\n  File x\nanything at all\n"
    seen = look(gathered({"export.json": "\n".join(json.dumps(entry(n, text, number=n)) for n in range(3))}))
    (row,) = seen.evidence.sources
    assert (row.records, row.rejected) == (3, 0)


def test_a_request_of_a_load_balancer_is_a_dose_unless_nginx_tells_of_it(gathered: Any, look: LOOK) -> None:
    request = {"requestMethod": "GET", "requestUrl": "https://rsr.example.org/project/7/?x=1", "requestSize": "123", "status": 504,
               "responseSize": "99", "userAgent": "curl", "remoteIp": "203.0.113.7", "latency": "60.001s"}  # fmt: skip
    balancer = [{**entry(n, "", number=n), "httpRequest": request} for n in range(3)]
    for each in balancer:
        del each["textPayload"]
    seen = look(gathered({"lb.json": "\n".join(map(json.dumps, balancer))}))
    dose = seen.dose("/project/{id}/")
    assert (dose.starts.tolist(), dose.seconds.tolist(), dose.failed.tolist()) == (
        [3.0],
        [pytest.approx(180.003)],
        [3.0],
    )
    both = look(gathered({"lb.json": "\n".join(map(json.dumps, balancer)), "nginx.log": access(7)}))
    assert both.starts() == {(None, "/project/{id}/"): 1.0}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (json.dumps(ENTRIES[0])[:200], "cut or broken JSON"),
        (json.dumps({**ENTRIES[0], "timestamp": "soon"}), "an entry without a time"),
        (json.dumps({**ENTRIES[0], "textPayload": 7}), "no entry of Cloud Logging"),
    ],
)
def test_a_bad_entry_costs_itself(gathered: Any, look: LOOK, line: str, reason: str) -> None:
    text = "\n".join([*map(json.dumps, ENTRIES[:5]), line, *map(json.dumps, ENTRIES[5:])])
    (row,) = look(gathered({"export.json": text})).evidence.sources
    assert (row.records, row.rejected, row.examples[0].line) == (100, 1, 6)
    assert row.examples[0].reason.startswith(reason)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
objects = st.lists(st.dictionaries(st.text(max_size=5), values, max_size=4), max_size=6)


@given(objects, st.sampled_from([None, 1]), st.sampled_from(["array", "lines", "list"]))
def test_objects_are_found_in_any_json_text(found: list[dict[str, Any]], indent: int | None, shape: str) -> None:
    if shape == "array":
        text = json.dumps(found, indent=indent)
    elif shape == "list":
        text = json.dumps({"kind": "List", "metadata": {"x": {}}, "items": found}, indent=indent, ensure_ascii=False)
    else:
        text = "\n".join(json.dumps(each, indent=indent) for each in found)
    seen = list(objects_in(io.BytesIO(text.encode("utf-8", "surrogatepass"))))
    if shape == "list" and not found:
        seen = []
    assert [json.loads(data.decode("utf-8", "surrogatepass")) for _, data in seen] == found
    for line, data in seen:
        begin = text.encode("utf-8", "surrogatepass").split(b"\n")[line - 1 :]
        assert b"\n".join(begin).find(data) >= 0
