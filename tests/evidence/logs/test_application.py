"""The application's own log and our own request records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from floodmark.request_record import RequestRecord, encode

LOOK = Callable[[Any], Any]
AT = 1_756_793_713.0  # 2025-09-02T06:15:13Z


@pytest.mark.parametrize(
    "line",
    [
        "ERROR 2025-09-02 06:15:13,204 rsr.views cannot build report 41",
        "2025-09-02 06:15:13,204 ERROR rsr.views cannot build report 42",
        "2025-09-02 06:15:13.204 [ERROR] rsr.views: cannot build report 43",
        "[2025-09-02 06:15:13,204: ERROR/MainProcess] rsr.views: cannot build report 44",
        "2025-09-02 06:15:13,204 - rsr.views - ERROR - cannot build report 45",
        "2025-09-02T06:15:13.204Z ERROR rsr.views cannot build report 46",
    ],
)
def test_errors_are_counted_by_their_words(gathered: Any, look: LOOK, line: str) -> None:
    seen = look(gathered({"web/app.log": line + "\n"}))
    assert seen.tally("error") == {"cannot build report #": 1.0}
    assert seen.source("web/app.log").kind == "application-log"
    assert seen.source("web/app.log").first == pytest.approx(AT + 0.204)


def test_heartbeats_are_counted_by_their_key(gathered: Any, look: LOOK) -> None:
    text = (
        "INFO 2025-09-02 06:15:13,204 heartbeat Starting cache heartbeat for 'unique:nightly' with timeout 30\n"
        "INFO 2025-09-02 06:15:23,204 heartbeat Signaling cache heartbeat for 'unique:nightly'\n"
        "INFO 2025-09-02 06:15:33,204 heartbeat Ended cache heartbeat for 'unique:nightly'\n"
        "INFO 2025-09-02 06:15:43,204 heartbeat Skipping run: heartbeat found\n"
    )
    seen = look(gathered({"worker/app.log": text}))
    assert seen.tally("heartbeat") == {"unique:nightly": 3.0}
    assert seen.tally("heartbeat-skipped") == {"": 1.0}


def record(second: float, **fields: Any) -> bytes:
    values = {"method": "GET", "path": "/organisation/41/iati/?x=1", "status": 200, "sent": 7_059_063, "complete": True, "client": "192.0.2.7",
              "agent": "IATI Bulk Data Service 0.1", "pid": 4711, "rss": 61_440_000, **fields}  # fmt: skip
    return encode(RequestRecord(at=AT + second, seconds=2.5, **values))


def test_a_request_record_is_a_dose_by_its_start_and_a_sample(gathered: Any, look: LOOK) -> None:
    lines = b"".join(record(n, rss=61_440_000 + n, complete=n != 3) for n in range(5))
    seen = look(gathered({"floodmark/requests.jsonl": lines}))
    dose = seen.dose("/organisation/{id}/iati/")
    assert (dose.service, dose.starts.tolist(), dose.failed.tolist()) == ("floodmark", [5.0], [1.0])
    assert (dose.bin * 60).tolist() == [AT - 13]
    assert dose.seconds.tolist() == [12.5]
    (series,) = seen.evidence.series
    assert (series.service, series.process, series.measure) == ("floodmark", "4711", "rss")
    assert series.at.tolist() == pytest.approx([AT + 2.5 + n for n in range(5)])
    assert series.value.tolist() == [61_440_000.0 + n for n in range(5)]


def test_a_cut_request_record_is_refused(gathered: Any, look: LOOK) -> None:
    lines = record(1) + record(2)[:200] + b"\n" + record(3)
    row = look(gathered({"floodmark/requests.jsonl": lines})).source("floodmark/requests.jsonl")
    assert (row.kind, row.records, row.rejected, row.examples[0].line) == ("request-record", 2, 1, 2)
    assert row.examples[0].reason == "a request record that is cut or broken"


def test_a_record_of_another_version_is_refused(gathered: Any, look: LOOK) -> None:
    lines = record(1) * 5 + record(2).replace(b'{"v":1', b'{"v":9')
    row = look(gathered({"floodmark/requests.jsonl": lines})).source("floodmark/requests.jsonl")
    assert row.examples[0].reason == "a request record of version 9, where 1 is known"
