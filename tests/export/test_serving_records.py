"""Request records: bounded lines, one a request, in a file that never grows without end."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.request_record import (
    MAX_CHARACTERS,
    MAX_LINE_BYTES,
    NoRecords,
    RecordFile,
    RecordStream,
    RequestRecord,
    decode,
    encode,
    open_records,
)

RECORD = RequestRecord(
    at=1795545180.123, seconds=0.0021, first_byte_seconds=0.0012, method="GET", path="/organisation/41/iati/",
    route="activities", status=200, sent=7059063, promised=7059063, complete=True, encoding="gzip", outcome="stored",
    dataset="41/activities", client="192.0.2.7", agent="IATI Bulk Data Service 0.1", pid=4711, rss=61440000,
)  # fmt: skip


def test_the_line_is_the_one_the_documentation_shows() -> None:
    assert encode(RECORD).decode() == (
        '{"v":1,"at":"2026-11-24T18:33:00.123Z","seconds":0.0021,"method":"GET","path":"/organisation/41/iati/",'
        '"status":200,"sent":7059063,"complete":true,"route":"activities","first_byte_seconds":0.0012,'
        '"promised":7059063,"encoding":"gzip","outcome":"stored","dataset":"41/activities","client":"192.0.2.7",'
        '"agent":"IATI Bulk Data Service 0.1","pid":4711,"rss":61440000}\n'
    )


def test_a_record_comes_back_as_it_went_in() -> None:
    assert decode(encode(RECORD)) == RECORD


@given(st.text(max_size=3000), st.text(max_size=3000), st.sampled_from(["a", "\x00", "\U0010ffff"]))
def test_a_line_is_one_line_and_bounded_whatever_the_client_sends(path: str, agent: str, letter: str) -> None:
    hostile = {name: letter * 5000 for name in MAX_CHARACTERS if name not in ("path", "agent")}
    line = encode(replace(RECORD, path=path + letter * 5000, agent=agent + letter * 5000, **hostile))
    assert line.count(b"\n") == 1
    assert len(line) <= MAX_LINE_BYTES
    assert decode(line).path == (path + letter * 5000)[: len(decode(line).path)]


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", '{"v":2}', '{"v":1}', '{"v":1,"at":"2026-11-24T00:00:00Z","colour":1}']
)
def test_a_line_that_is_no_record_is_a_value_error(line: str) -> None:
    with pytest.raises(ValueError):
        decode(line)


def test_the_file_is_put_aside_when_full_and_only_some_are_kept(tmp_path) -> None:
    records = RecordFile(tmp_path / "log" / "requests.jsonl", max_bytes=1000, keep=2)
    for _ in range(50):
        records.write(RECORD)
    records.close()
    files = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert files in (
        ["requests.jsonl", "requests.jsonl.1", "requests.jsonl.2", "requests.jsonl.lock"],
        ["requests.jsonl.1", "requests.jsonl.2", "requests.jsonl.lock"],
    )
    assert all(path.stat().st_size < 1000 + MAX_LINE_BYTES for path in (tmp_path / "log").iterdir())


def test_no_full_file_is_kept_where_none_is_wanted(tmp_path) -> None:
    records = RecordFile(tmp_path / "requests.jsonl", max_bytes=1000, keep=0)
    for _ in range(50):
        records.write(RECORD)
    records.close()
    assert not (tmp_path / "requests.jsonl.1").exists()


def test_writers_that_share_a_file_lose_no_line_when_it_is_put_aside(tmp_path) -> None:
    path = tmp_path / "requests.jsonl"
    writers = [RecordFile(path, max_bytes=20_000, keep=50) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda n: writers[n % 4].write(RECORD), range(2000)):
            pass
    for writer in writers:
        writer.close()
        assert writer.lost == 0
    lines = [line for each in tmp_path.glob("requests.jsonl*") for line in each.read_bytes().splitlines()]
    assert len(lines) == 2000
    assert all(decode(line) == RECORD for line in lines)


def test_a_full_disk_loses_records_and_stops_nothing() -> None:
    handle = os.open("/dev/full", os.O_WRONLY)
    stream = RecordStream(handle)
    stream.write(RECORD)
    os.close(handle)


def test_a_folder_that_cannot_be_made_is_counted_and_said_once(tmp_path, caplog) -> None:
    (tmp_path / "file").touch()
    records = RecordFile(tmp_path / "file" / "requests.jsonl", max_bytes=1000, keep=1)
    records.write(RECORD)
    records.write(RECORD)
    assert records.lost == 2
    assert caplog.text.count("request records are being lost") == 1


def test_the_setting_says_where_records_go(tmp_path) -> None:
    assert isinstance(open_records("", tmp_path, max_mb=1, keep=1), NoRecords)
    assert isinstance(open_records("-", tmp_path, max_mb=1, keep=1), RecordStream)
    file = open_records("log/r.jsonl", tmp_path, max_mb=1, keep=1)
    assert isinstance(file, RecordFile)
    assert file.path == tmp_path / "log" / "r.jsonl"
    open_records("", tmp_path, max_mb=1, keep=1).write(RECORD)
