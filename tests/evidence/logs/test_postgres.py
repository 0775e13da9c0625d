"""PostgreSQL: every prefix, csvlog with line ends inside, jsonlog."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floodmark.evidence.intake import gather
from floodmark.evidence.logs.postgres import Postgres

LOOK = Callable[[Any], Any]
AT = 1_756_793_714.087  # 2025-09-02T06:15:14.087Z
MINUTE = 1_756_793_700  # 06:15:00
OPEN = "connection authorized: user=rsr database=rsr application_name=web"
CLOSE = "disconnection: session time: 0:00:01.178 user=rsr database=rsr host=127.0.0.1 port=50112"


@pytest.mark.parametrize(
    ("prefix", "first"),
    [
        ("2025-09-02 06:15:14.087 UTC [771] ", AT),
        ("2025-09-02 06:15:14 UTC [771] ", AT - 0.087),
        ("2025-09-02 06:15:14 UTC:127.0.0.1(50112):rsr@rsr:[771]:", AT - 0.087),
        ("2025-09-02 08:15:14.087 CEST [771] ", AT),
        ("2025-09-02 08:15:14.087 +02 [771] ", AT),
        ("2025-09-01 23:15:14.087 PDT [771] rsr@rsr ", AT),
        ("2025-09-02 06:15:14.087 GMT [771-1] ", AT),
    ],
)
def test_every_prefix_is_read(gathered: Any, look: LOOK, prefix: str, first: float) -> None:
    text = f"{prefix}LOG:  {OPEN}\n{prefix}LOG:  {CLOSE}\n"
    seen = look(gathered({"db/postgresql.log": text}))
    row = seen.source("db/postgresql.log")
    assert (row.kind, row.records, row.rejected, row.first) == ("postgres", 2, 0, pytest.approx(first))
    assert (seen.tally("connection-open"), seen.tally("connection-close")) == ({"rsr": 1.0}, {"rsr": 1.0})
    assert seen.dose("rsr").kind == "connections"


def test_an_abbreviation_of_several_zones_is_no_zone(gathered: Any, look: LOOK) -> None:
    seen = look(
        gathered({"db/pg.log": f"2025-09-02 11:45:14.087 IST [771] LOG:  {OPEN}\n"}, zones=(("db/*", "+05:30"),))
    )
    assert seen.source("db/pg.log").first == pytest.approx(AT)
    assert seen.source("db/pg.log").clock.basis == "given"


def test_what_follows_a_message_belongs_to_it(gathered: Any, look: LOOK) -> None:
    p = "2025-09-02 06:15:14.087 UTC [771] "
    text = (
        f'{p}ERROR:  relation "x" does not exist at character 15\n{p}STATEMENT:  select *\n\tfrom x\n\twhere y\n'
        f"{p}DETAIL:  Key (id)=(7) exists.\n{p}HINT:  None.\n{p}LOG:  {OPEN}\n"
    )
    seen = look(gathered({"db/pg.log": text}))
    assert seen.tally("error") == {"relation * does not exist at character #": 1.0}
    assert seen.source("db/pg.log").rejected == 0


@pytest.mark.parametrize(
    ("severity", "message", "kind"),
    [
        ("FATAL", "sorry, too many clients already", "connection-refused"),
        ("FATAL", "remaining connection slots are reserved for roles with SUPERUSER", "connection-refused"),
        ("LOG", "could not receive data from client: Connection reset by peer", "connection-error"),
        ("LOG", "unexpected EOF on client connection with an open transaction", "connection-error"),
        ("FATAL", "terminating connection due to idle-in-transaction timeout", "connection-error"),
        ("LOG", "duration: 31234.567 ms  statement: select 1", "database-slow"),
        ("LOG", 'temporary file: path "base/pgsql_tmp/pgsql_tmp771.0", size 104857600', "database-temporary-file"),
        ("ERROR", "out of memory", "error"),
    ],
)
def test_what_a_message_counts_as(gathered: Any, look: LOOK, severity: str, message: str, kind: str) -> None:
    seen = look(gathered({"db/pg.log": f"2025-09-02 06:15:14.087 UTC [771] {severity}:  {message}\n"}))
    assert {each.kind for each in seen.evidence.tallies} == {kind}


def test_a_killed_server_process_is_an_event(gathered: Any, look: LOOK) -> None:
    text = "2025-09-02 06:15:14.000 UTC [1] LOG:  server process (PID 771) was terminated by signal 9: Killed\n"
    assert look(gathered({"db/pg.log": text})).events() == [(AT - 0.087, "worker-killed", "771")]


def csv_row(message: str, columns: int, severity: str = "LOG") -> list[str]:
    row = ["2025-09-02 06:15:14.087 UTC", "rsr", "rsr", "771", "127.0.0.1:50112", "68b68a12.303", "1", "idle", "2025-09-02 06:15:13 UTC",
           "3/1", "0", severity, "00000", message]  # fmt: skip
    return row + [""] * (columns - len(row))


@settings(max_examples=60)
@given(st.lists(st.text('ab",\n\t', max_size=20), min_size=1, max_size=5), st.sampled_from([23, 24, 26]))
def test_csvlog_with_any_text_in_it_is_read_record_by_record(messages: list[str], columns: int) -> None:
    """The reference is Python's own csv, which wrote it."""
    from floodmark.evidence.logs.entries import Entry

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(csv_row("x" + message, columns) for message in messages)
    counted: list[str] = []

    class Sink:
        def zoned(self, at: float, east: int = 0) -> float:
            return at

        def count(self, *_: object) -> None:
            raise AssertionError

    class Told(Postgres):
        def _message(self, moment: object, severity: bytes, message: bytes, *_: object) -> None:
            assert (moment, severity) == (pytest.approx(AT), b"LOG")
            counted.append(message.decode())

    reader = Told()
    lines = text.getvalue().split("\n")[:-1]
    for number, line in enumerate(lines, 1):
        assert reader.feed(Entry(number, line.encode()), Sink())  # type: ignore[arg-type]
    assert counted == ["x" + message.replace("\n", " ") for message in messages]


def test_csvlog_is_recognised_and_counted(gathered: Any, look: LOOK) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(csv_row(OPEN, 26))
    writer.writerow(csv_row('syntax error at or near "\nfrom"', 26, "ERROR"))
    writer.writerow(csv_row(CLOSE, 26))
    seen = look(gathered({"db/postgresql.csv": text.getvalue()}))
    row = seen.source("db/postgresql.csv")
    assert (row.kind, row.records, row.rejected) == ("postgres", 4, 0)
    assert seen.tally("connection-open") == {"rsr": 1.0}
    assert seen.tally("error") == {"syntax error at or near *": 1.0}


def test_jsonlog_is_read(gathered: Any, look: LOOK) -> None:
    lines = [
        {
            "timestamp": "2025-09-02 06:15:14.087 UTC",
            "pid": 771,
            "dbname": "rsr",
            "error_severity": "LOG",
            "message": OPEN,
        },
        {
            "timestamp": "2025-09-02 06:15:15.087 UTC",
            "pid": 771,
            "error_severity": "FATAL",
            "message": "sorry, too many clients already",
        },
    ]
    seen = look(gathered({"db/postgresql.json": "\n".join(map(json.dumps, lines))}))
    assert (seen.tally("connection-open"), seen.tally("connection-refused")) == ({"rsr": 1.0}, {"": 1.0})
    assert seen.source("db/postgresql.json").kind == "postgres"


def test_connections_of_the_proxy_are_not_counted_again_in_the_database(gathered: Any, look: LOOK) -> None:
    files = {
        "db/pg.log": f"2025-09-02 06:15:14.087 UTC [771] LOG:  {OPEN}\n" * 3,
        "sqlproxy/proxy.log": '2025/09/02 06:15:12 New connection for "p:r:db"\n' * 3,
    }
    seen = look(gathered(files))
    assert seen.starts() == {(None, "p:r:db"): 3.0}


@pytest.mark.parametrize(
    "prefix",
    [
        f"{MINUTE}.087 [771] ", f"[771] {MINUTE}.087 rsr@rsr ", "[771] 2025-09-02 06:15:00 UTC ", "< 2025-09-02 06:15:00 UTC >",
        "rsr@rsr 2025-09-02 06:15:00 UTC [771] ", "t=2025-09-02 06:15:00 UTC p=771 ",
        "2025-09-02 06:15:00 UTC [771] 2025-09-02 04:00:00 UTC ",
    ],
)  # fmt: skip
def test_the_time_may_stand_anywhere_in_the_prefix(gathered: Any, look: LOOK, prefix: str) -> None:
    seen = look(gathered({"db/pg.log": f"{prefix}LOG:  {OPEN}\n" * 3}))
    assert (seen.source("db/pg.log").records, seen.source("db/pg.log").rejected) == (3, 0)
    assert int(seen.source("db/pg.log").first) == MINUTE
    assert seen.tally("connection-open") == {"rsr": 3.0}


def test_a_name_that_a_client_chose_cannot_set_the_time(gathered: Any, look: LOOK) -> None:
    honest = f"rsr@rsr 2025-09-02 06:15:00 UTC [771] LOG:  {OPEN}\n" * 20
    forged = f"x@y 2019-01-01 00:00:00 UTC z@rsr 2025-09-02 06:15:00 UTC [771] LOG:  {OPEN}\n"
    row = look(gathered({"db/pg.log": honest + forged})).source("db/pg.log")
    assert (row.records, row.rejected, int(row.first)) == (20, 1, MINUTE)


def test_lines_without_any_time_are_refused_with_what_helps(gathered: Any, look: LOOK) -> None:
    row = look(gathered({"db/pg.log": f"LOG:  {OPEN}\n[771] LOG:  {OPEN}\n"})).source("db/pg.log")
    assert (row.kind, row.records, row.rejected) == ("postgres", 0, 2)
    assert "log_line_prefix needs %m" in row.examples[0].reason


@pytest.mark.parametrize(
    ("written", "year"), [("2026-01-02", 2025), ("2025-12-31", 2025), ("2025-12-29", 2024), ("2026-12-01", 2025)]
)
def test_lines_of_syslog_without_a_time_of_their_own_take_the_latest_year_before_the_file_was_written(
    tmp_path: Path, written: str, year: int
) -> None:
    path = tmp_path / "pg.log"
    path.write_text(f"Dec 31 06:15:00 db1 postgres[771]: [3-1] user=rsr,db=rsr LOG:  {OPEN}\n" * 3)
    at = datetime.fromisoformat(written).replace(tzinfo=UTC).timestamp()
    os.utime(path, (at, at))
    (row,) = gather([path]).sources
    assert row.first is not None
    assert datetime.fromtimestamp(row.first, UTC).isoformat() == f"{year}-12-31T06:15:00+00:00"


def test_a_date_in_the_file_tells_the_year_better_than_a_copy_of_it(tmp_path: Path) -> None:
    path = tmp_path / "pg.log"
    line = f"Sep  2 06:15:00 db1 postgres[771]: [3-1] LOG:  {OPEN}\n"
    path.write_text("-- Logs begin at Tue 2020-08-26 06:15:00 UTC, end at Tue 2020-09-02 07:15:00 UTC. --\n" + line * 9)
    (row,) = gather([path]).sources
    assert row.first is not None
    assert datetime.fromtimestamp(row.first, UTC).year == 2020
