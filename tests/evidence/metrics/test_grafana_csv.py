"""Panels as CSV: both shapes, and what a join, a browser and pandas make of them."""

from __future__ import annotations

import numpy as np
import pytest

from floodmark.evidence.nouns import Clock

POD = "rsr-7d759f6dc9-m99vb"
WIDE = f"""\ufeff"Time","{POD} - web","{POD} - worker"
"2025-09-02 06:15:00","461.5 MB","undefined"
"2025-09-02 06:16:00","462.5 MB","1.5 GB"
"""


def test_a_wide_panel_is_a_series_for_each_column(read) -> None:
    reading = read(WIDE, "RSS by container-data-as-seriestocolumns.csv")
    assert reading.kind == "grafana-csv"
    assert reading.clocks == [Clock(None, "assumed")]
    web, worker = reading.series
    assert (web.service, web.instance, web.measure, web.metric, web.unit) == (
        "web",
        POD,
        "rss",
        "RSS by container",
        "B",
    )
    assert list(web.at) == [1756793700, 1756793760]
    assert list(web.value) == [461.5e6, 462.5e6]
    assert list(worker.value) == [1.5e9]
    assert not reading.rejected


def test_a_long_panel_is_a_series_for_each_name(read) -> None:
    text = "Time,Series,Value\n2025-09-02 06:15:00,web,400\n2025-09-02 06:15:00,api,300\n2025-09-02 06:16:00,web,401\n"
    reading = read(text, "Memory (MB).csv")
    assert [(one.service, list(one.value)) for one in reading.series] == [("web", [4e8, 4.01e8]), ("api", [3e8])]


def test_columns_multiplied_by_a_join_are_one_series(read) -> None:
    names = ["Time", "web", *(f"web.{number}" for number in range(1, 610)), "api"]
    rows = ["2025-09-02 06:15:00" + "," * 611, "2025-09-02 06:30:00" + ",7142.70703125" * 610 + ",5.5"]
    reading = read("\n".join([",".join(names), *rows, ""]), "Memory (MB)-data-as-seriestocolumns.csv")
    web, api = reading.series
    assert (web.service, web.copies, len(web.at)) == ("web", 610, 1)
    assert web.value[0] == 7142.70703125 * 2**20
    assert (api.copies, api.service) == (1, "api")


def test_columns_that_differ_in_one_row_are_told_apart_with_their_whole_past(read) -> None:
    rows = [f"2025-09-02 06:{minute:02d}:00,1.5,1.5,{2.5 if minute == 40 else 1.5}" for minute in range(60)]
    reading = read("\n".join(["Time,web,web.1,web.2", *rows]), "Memory (MB).csv")
    together, apart = reading.series
    assert (together.copies, apart.copies) == (2, 1)
    assert (len(together.at), len(apart.at)) == (60, 60)
    assert np.count_nonzero(apart.value != together.value) == 1


def test_equal_columns_with_different_names_are_two_series(read) -> None:
    reading = read("Time,web,api\n2025-09-02 06:15:00,1.5,1.5\n", "Memory (MB).csv")
    assert [one.copies for one in reading.series] == [1, 1]


def test_copies_without_any_value_are_still_counted(read) -> None:
    reading = read("Time,web,web.1,api\n2025-09-02 06:15:00,,,5\n", "Memory (MB).csv")
    web = reading.one(service="web")
    assert (web.copies, len(web.at)) == (2, 0)


def test_a_version_in_a_name_is_no_copy(read) -> None:
    reading = read("Time,web 2.1,web 2.2\n2025-09-02 06:15:00,1,1\n", "Memory (MB).csv")
    assert [one.copies for one in reading.series] == [1, 1]


def test_semicolons_and_decimal_commas_are_read(read) -> None:
    reading = read("Time;web\n2025-09-02 06:15:00;461,5 MB\n2025-09-02 06:16:00;1.462,5 MB\n", "RSS.csv")
    assert list(reading.one().value) == [461.5e6, 1462.5e6]


def test_a_panel_written_again_by_pandas_is_the_same_panel(read) -> None:
    reading = read(",Time,web\n0,2025-09-02 06:15:00+00:00,400.25\n1,2025-09-02 06:16:00+00:00,\n", "RSS (MB).csv")
    assert list(reading.one().value) == [400.25e6]
    assert reading.clocks == [Clock("+00:00", "stated")]


def test_times_in_milliseconds_are_utc(read) -> None:
    reading = read('"Time","Value"\n1756793700000,400\n', "RSS (MB).csv")
    assert list(reading.one().at) == [1756793700]
    assert reading.one().service == ""
    assert reading.clocks == [Clock("+00:00", "stated")]


@pytest.mark.parametrize(
    ("title", "legend", "measure", "label"),
    [
        ("Memory Leak Events (1h)", "web - 10mb growth", "events", ("threshold", "10mb")),
        ("Memory Growth Rate (MB_h)", "web - org-iati growth rate", "rate", ("view", "org-iati")),
        ("Restarts per 30 mins", "web", "restarts", ("window", "1800")),
        ("Python Object Counts", "web - dict objects", "objects", ("type", "dict objects")),
        ("95% latency", "GET - a.b.c", "latency", ("view", "a.b.c")),
    ],
)
def test_what_a_panel_measures_is_told_by_title_and_legend(read, title: str, legend: str, measure: str, label) -> None:
    one = read(f"Time,{legend}\n2025-09-02 06:15:00,12.5\n", f"{title}-data-as-seriestocolumns.csv").one()
    assert (one.measure, one.metric) == (measure, title)
    assert one.labels[label[0]] == label[1]
    assert list(one.value) == [12.5]


def test_rows_that_cannot_be_read_are_rejected_with_their_number(read) -> None:
    text = (
        "Time,web\n2025-09-02 06:15:00,400\n2025-09-02 06:16:00\nlater,401\n2025-09-02 06:17:00,many\n2025-09-02 06:18"
    )
    reading = read(text, "RSS (MB).csv")
    assert [line for line, _ in sorted(reading.rejected)] == [3, 4, 5, 6]
    assert list(reading.one().value) == [4e8]


def test_two_exports_put_together_are_one_panel(read) -> None:
    one = "Time,web\n2025-09-02 06:15:00,400\n"
    assert list(read(one + one.replace("06:15", "06:16"), "RSS (MB).csv").one().value) == [4e8, 4e8]


def test_a_panel_that_is_too_large_to_hold_is_read_in_parts(read, monkeypatch) -> None:
    monkeypatch.setattr("floodmark.evidence.metrics.grafana_csv.MAX_SAMPLES_HELD", 100)
    monkeypatch.setattr("floodmark.evidence.metrics.table.CELLS_IN_BLOCK", 90)
    rows = [f"{1756793700 + 60 * minute},{400 + minute},5,5" for minute in range(1000)]
    reading = read("\n".join(["Time,web,api,api.1", *rows]), "RSS (MB).csv")
    assert list(reading.one(service="web").value) == [1e6 * (400 + minute) for minute in range(1000)]
    assert reading.one(service="api").copies == 2


def test_a_panel_without_values_says_so(read) -> None:
    assert read("Time,web\n2025-09-02 06:15:00,\n", "RSS (MB).csv").remarks == ["a panel without any value"]


def test_a_plain_table_of_services_is_a_panel_named_by_its_file(read) -> None:
    reading = read("timestamp,web,worker\n1756793700,400.5,\n1756793760,401,300\n", "rss_mb.csv")
    assert reading.kind == "grafana-csv"
    assert [(one.service, one.measure, list(one.value)) for one in reading.series] == [
        ("web", "rss", [400.5e6, 401e6]),
        ("worker", "rss", [300e6]),
    ]


def test_a_table_of_metrics_is_no_panel(read) -> None:
    assert read("timestamp,rss_mb,cpu\n1756793700,400.5,0.2\n").kind == "metrics-csv"
    assert read("timestamp,pod,value\n1756793700,p-1,400.5\n").kind == "metrics-csv"
