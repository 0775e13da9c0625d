"""Metrics pages as text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.metrics.exposition import _SAMPLE, labels_of
from floodmark.evidence.nouns import Clock

PAGE = """# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes{container="web",pod="p-1"} 4.61373e+08 1756793715000
# TYPE django_http_requests_total counter
django_http_requests_total{view="a,b{c}\\"d",method="GET"} 17 1756793715000
"""


def test_a_page_with_timestamps_is_its_samples(read) -> None:
    reading = read(PAGE)
    assert reading.kind == "prometheus-text"
    assert reading.clocks == [Clock("+00:00", "stated")]
    memory, requests = reading.series
    assert (memory.service, memory.instance, memory.measure, list(memory.at), list(memory.value)) == (
        "web", "p-1", "rss", [1756793715.0], [4.61373e8],
    )  # fmt: skip
    assert requests.labels["view"] == 'a,b{c}"d'
    assert requests.measure == "requests"


def test_timestamps_of_openmetrics_are_seconds(read) -> None:
    reading = read('# TYPE rss_bytes gauge\nrss_bytes{job="web"} 4e8 1756793715.25\n# EOF\n')
    assert list(reading.one().at) == [1756793715.25]


def test_exemplars_are_passed(read) -> None:
    reading = read(
        '# TYPE x_total counter\nx_total 17.0 1756793715.0 # {trace_id="KOO5S4vxi0o"} 0.67 1756793714.0\n# EOF\n'
    )
    assert list(reading.one().value) == [17.0]


SCRAPE = '# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes{job="web"} '


@pytest.mark.parametrize("form", ["# {}", "{}", "=== {} ===", "# scraped at {}", "date: {}", "[{}]"])
@pytest.mark.parametrize("times", [("2025-09-02T06:15:00Z", "2025-09-02T06:16:00Z"), ("1756793700", "1756793760")])
def test_scrapes_put_together_have_the_time_before_each(read, form: str, times: tuple[str, str]) -> None:
    text = "".join(f"{form.format(time)}\n{SCRAPE}{size}\n" for time, size in zip(times, ("4e8", "4.1e8"), strict=True))
    reading = read(text)
    one = reading.one()
    assert list(one.at) == [1756793700, 1756793760]
    assert list(one.value) == [4e8, 4.1e8]
    assert reading.clocks == [Clock("+00:00", "stated")]


def test_times_without_a_zone_are_an_assumption(read) -> None:
    assert read(f"# 2025-09-02 06:15:00\n{SCRAPE}4e8\n").clocks == [Clock(None, "assumed")]


def test_a_single_scrape_without_a_time_has_the_time_of_its_file(read, tmp_path) -> None:
    reading = read(f"{SCRAPE}4e8\n")
    assert reading.one().at[0] == pytest.approx((tmp_path / "metrics").stat().st_mtime)
    assert "time at which it was written" in reading.remarks[0]


def test_further_scrapes_without_a_time_are_left_out_and_the_way_out_is_said(read) -> None:
    reading = read(f"{SCRAPE}4e8\n{SCRAPE}5e8\n{SCRAPE}6e8\n")
    assert list(reading.one().value) == [4e8]
    assert "2 samples of further scrapes have no time" in reading.remarks[-1]


def test_lines_that_are_no_samples_are_rejected_with_their_number(read) -> None:
    reading = read(PAGE + "curl: (28) timed out\n")
    assert reading.rejected == [(6, "no sample of a metric")]


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(max_size=12), max_size=4),
    st.floats(allow_nan=False),
)
def test_labels_and_values_come_back_whatever_is_in_them(labels: dict[str, str], value: float) -> None:
    escaped = {
        name: text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for name, text in labels.items()
    }
    text = "name{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + f"}} {value!r}"
    match = _SAMPLE.fullmatch(text)
    assert match is not None or any(
        char in "".join(labels.values()) for char in "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
    )
    if match:
        assert labels_of(match.group(2) or "") == labels
        assert np.float64(match.group(3)) == value
