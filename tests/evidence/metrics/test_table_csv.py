"""Tables with a header: processes by psutil, and whatever a script wrote."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.errors import InputError
from floodmark.evidence.metrics.table import layout_of
from floodmark.evidence.nouns import Clock
from floodmark.evidence.readers import Head

PSUTIL = """time,pod,container,pid,ppid,comm,rss_bytes,pss_bytes
1756793700,p-1,web,38,1,gunicorn,104501100,60501100
1756793700,p-1,web,43,1,gunicorn,103392020,59392020
1756793760,p-1,web,38,1,gunicorn,104501200,60501200
"""


def test_processes_are_a_series_for_each_pid_and_measure(read) -> None:
    reading = read(PSUTIL, "processes.csv.gz")
    assert reading.clocks == [Clock("+00:00", "stated")]
    assert [(one.service, one.instance, one.process, one.measure, list(one.value)) for one in reading.series] == [
        ("web", "p-1", "38", "rss", [104501100, 104501200]),
        ("web", "p-1", "43", "rss", [103392020]),
        ("web", "p-1", "38", "pss", [60501100, 60501200]),
        ("web", "p-1", "43", "pss", [59392020]),
    ]
    assert reading.records == 3


def test_a_column_of_starts_tells_processes_with_one_number_apart(read) -> None:
    rows = (
        "1756793700,7,python,1756790000,100",
        "1756793760,7,python,1756790000,101",
        "1756793820,7,python,1756793800,50",
    )
    first, second = read("\n".join(["time,pid,name,create_time,rss_mb", *rows, ""]), service="worker").series
    assert (first.started, first.service, first.measure, list(first.value)) == (
        1756790000.0,
        "worker",
        "rss",
        [1e8, 1.01e8],
    )
    assert (second.started, second.process, list(second.value)) == (1756793800.0, "7", [5e7])


@pytest.mark.parametrize(
    ("header", "cell", "measure", "value"),
    [
        ("rss_mb", "461.5", "rss", 461.5e6),
        ("RSS (MiB)", "461.5", "rss", 461.5 * 2**20),
        ("rss", "472576", "rss", 472576.0),
        ("rss_kb", "461500", "rss", 461.5e6),
        ("uss", "461 MB", "pss", 461e6),
        ("heap bytes", "461500000", "heap", 461.5e6),
        ("memory", "1.5 GiB", "usage", 1.5 * 2**30),
        ("restarts", "7", "restarts", 7.0),
        ("processes", "13", "processes", 13.0),
    ],
)
def test_a_column_is_in_the_unit_of_its_header_or_cells(
    read, header: str, cell: str, measure: str, value: float
) -> None:
    if header == "rss":
        value *= 1e6
    one = read(f"timestamp,{header}\n2025-09-02T06:15:00Z,{cell}\n", service="web").one()
    assert (one.measure, one.value[0]) == (measure, pytest.approx(value))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("ts", "1756793700"),
        ("Timestamp", "1756793700123"),
        ("@timestamp", "2025-09-02T06:15:00.123Z"),
        ("datetime", "2025-09-02 06:15:00"),
        ("when", "02/Sep/2025:06:15:00 +0000"),
        ("sampled_at", "2025-09-02T08:15:00+02:00"),
        ("whatever", "2025-09-02T06:15:00Z"),
    ],
)
def test_the_column_of_times_is_found_by_name_or_by_what_it_holds(read, header: str, row: str) -> None:
    assert read(f"service,{header},rss_bytes\nweb,{row},400000000\n").one("rss").at[0] == pytest.approx(
        1756793700, abs=0.2
    )


def test_a_date_and_a_clock_in_two_columns_are_one_time(read) -> None:
    one = read("Date,Time of day,service,rss_mb\n2025-09-02,06:15:00,web,400\n2025-09-02,06:16:00,web,401\n").one("rss")
    assert list(one.at) == [1756793700, 1756793760]


def test_a_table_of_metric_and_value_has_the_title_of_its_file(read) -> None:
    one = read("time,pod,value\n1756793700,p-1,461373440\n", "container_memory_working_set_bytes.csv").one()
    assert (one.measure, one.metric, one.instance) == ("working_set", "container_memory_working_set_bytes", "p-1")


def test_a_table_without_times_says_what_is_missing(read) -> None:
    with pytest.raises(InputError, match="no column of times among pid, rss_bytes: add one"):
        read("pid,rss_bytes\n38,104501100\n43,104501100\n")


def test_a_limit_column_is_a_limit(read) -> None:
    reading = read("time,container,rss_mb,limit_mb\n1756793700,web,400,512\n1756793760,web,401,512\n")
    assert reading.limits == [("memory", "web", 512e6)]


def test_lost_cells_and_broken_rows_cost_only_themselves(read) -> None:
    rows = (
        "1756793820,p-1,web,38,1,gunicorn,,60501300",
        "1756793880,p-1,web,38",
        "1756793940,p-1,web,38,1,gunicorn,x,7e7",
    )
    reading = read(PSUTIL + "\n".join([*rows, ""]))
    assert [line for line, _ in sorted(reading.rejected)] == [6, 7]
    assert [len(one.at) for one in reading.series] == [2, 1, 4, 1]


def test_tabs_semicolons_and_decimal_commas_are_read(read) -> None:
    assert read("time\tservice\trss_mb\n1756793700\tweb\t400.5\n").one("rss").value[0] == 400.5e6
    assert read("time;service;rss_mb\n1756793700;web;400,5\n1756793760;web;401,5\n").one("rss").value[0] == 400.5e6


def test_more_series_than_allowed_are_left_out_and_said(read, monkeypatch) -> None:
    monkeypatch.setattr("floodmark.evidence.metrics.table_csv.MAX_SERIES", 5)
    rows = "".join(f"1756793700,{pid},400000000\n" for pid in range(100, 120))
    reading = read("time,pid,rss_bytes\n" + rows)
    assert len(reading.series) == 5
    assert reading.remarks == ["more than 5 series: the others were left out"]


@pytest.mark.parametrize(
    "text",
    [
        '203.0.113.7 - - [02/Sep/2025:06:15:09 +0000] "GET / HTTP/1.1" 200 167 "-" "curl/8.5.0"\n' * 5,
        '2025/09/02 06:15:12 New connection for "proj:region:db"\n' * 5,
        "[2025-09-02 06:15:11 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:23)\n" * 5,
        "INFO 2025-09-02 08:15:13,204 heartbeat Starting ... 'unique:nightly' ...\n" * 5,
        "Hello, world, this, is\nprose, with, commas, in\nit, and, no, numbers\n",
        "",
    ],
)
def test_logs_and_prose_are_claimed_by_no_reader_of_metrics(nobody_claims, text: str) -> None:
    assert nobody_claims(text)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2**40)), min_size=1, max_size=50),
    st.sampled_from([",", ";", "\t"]),
    st.permutations(["time", "pid", "rss_bytes"]),
)
def test_every_row_comes_back_under_its_pid_whatever_the_order_of_columns(
    rows, delimiter: str, order: list[str]
) -> None:
    cells = {
        "time": [str(1756793700 + index) for index in range(len(rows))],
        "pid": [str(pid) for pid, _ in rows],
        "rss_bytes": [str(size) for _, size in rows],
    }
    lines = [
        delimiter.join(order),
        *(delimiter.join(cells[name][index] for name in order) for index in range(len(rows))),
    ]
    data = tuple(line.encode() for line in lines)
    layout = layout_of(Head(b"\n".join(data), True, data))
    assert layout is not None
    assert layout.header[layout.times or 0] == "time"
    assert np.array_equal(
        layout.moments(list(zip(*(line.split(delimiter) for line in lines[1:]), strict=True))), cells["time"]
    )
