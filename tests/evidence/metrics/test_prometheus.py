"""Answers of Prometheus as JSON: any shape, any size, cut anywhere."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floodmark.evidence.metrics.json_stream import BadJson, CutShort, JsonStream
from floodmark.evidence.metrics.prometheus import pairs
from floodmark.evidence.nouns import Clock

MATRIX = """{"status":"success","data":{"resultType":"matrix","result":[
 {"metric":{"__name__":"container_memory_rss","container":"web","pod":"rsr-7d759f6dc9-m99vb"},
  "values":[[1756793715,"461373440"],[1756793775,"NaN"],[1756793835,"461377536"]]},
 {"metric":{"__name__":"container_memory_rss","container":"worker","pod":"rsr-7d759f6dc9-m99vb"},
  "values":[[1756793715.5,"4.5e+08"]]}]}}"""


def test_a_matrix_is_its_series_with_their_labels_and_no_nan(read) -> None:
    reading = read(MATRIX, "container_memory_rss.json")
    assert reading.kind == "prometheus-range"
    assert reading.clocks == [Clock("+00:00", "stated")]
    web, worker = reading.series
    assert (web.service, web.instance, web.process, web.measure, web.metric, web.unit) == (
        "web", "rsr-7d759f6dc9-m99vb", None, "rss", "container_memory_rss", "B",
    )  # fmt: skip
    assert list(web.at) == [1756793715, 1756793835]
    assert list(web.value) == [461373440, 461377536]
    assert dict(web.labels) == {"container": "web", "pod": "rsr-7d759f6dc9-m99vb"}
    assert (worker.at[0], worker.value[0]) == (1756793715.5, 4.5e8)
    assert reading.records == 4
    assert not reading.rejected


RESULT = json.loads(MATRIX)["data"]["result"]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(json.loads(MATRIX), indent=2),
        json.dumps(json.loads(MATRIX)["data"]),
        json.dumps(RESULT),
        "\n".join(json.dumps(one) for one in RESULT),
        json.dumps([{key: one[key] for key in ("values", "metric")} for one in RESULT]),
        MATRIX + "\n" + '{"status":"success","data":{"resultType":"matrix","result":[]}}',
    ],
)
def test_the_same_series_are_found_in_every_wrapping(read, text: str) -> None:
    reading = read(text)
    assert [(one.service, len(one.at)) for one in reading.series] == [("web", 2), ("worker", 1)]


def test_a_vector_is_one_sample_of_each_series(read) -> None:
    series = '{"metric":{"__name__":"up_bytes"},"value":[1756793715.781,"1"]}'
    reading = read('{"status":"success","data":{"resultType":"vector","result":[' + series + "]}}")
    assert list(reading.one().at) == [1756793715.781]


def test_an_export_of_victoriametrics_has_times_and_values_apart(read) -> None:
    metric = '{"__name__":"process_resident_memory_bytes","job":"web"}'
    line = f'{{"metric":{metric},"values":[4e8,4.1e8],"timestamps":[1756793715000,1756793775000]}}'
    series = read(line + "\n" + line.replace("web", "api")).series
    assert [(one.service, list(one.at), list(one.value)) for one in series] == [
        ("web", [1756793715, 1756793775], [4e8, 4.1e8]),
        ("api", [1756793715, 1756793775], [4e8, 4.1e8]),
    ]


def test_a_query_without_a_metric_name_has_the_title_of_its_file(read) -> None:
    text = '{"data":{"result":[{"metric":{"container":"web"},"values":[[1756793715,"461373440"]]}]}}'
    one = read(text, "container_memory_working_set_bytes.json.gz").one()
    assert (one.measure, one.metric, one.service) == ("working_set", "container_memory_working_set_bytes", "web")


def test_an_error_of_prometheus_is_said(read) -> None:
    reading = read('{"status":"error","errorType":"timeout","error":"query timed out"}')
    assert "query timed out" in reading.remarks[0]
    assert reading.series == []


@pytest.mark.parametrize("cut", [130, 200, 260, len(MATRIX) - 2])
def test_a_file_that_ends_early_gives_what_came_before_and_says_so(read, cut: int) -> None:
    reading = read(MATRIX[:cut])
    assert reading.damages == 1
    assert "ends inside an answer" in reading.remarks[0]
    assert all(np.all(np.isfinite(one.value)) for one in reading.series)


def test_garbage_in_place_of_samples_costs_that_series(read) -> None:
    reading = read(MATRIX.replace('[1756793715.5,"4.5e+08"]', "oops"))
    assert reading.rejected == [(4, "no numbers in 'values'")]
    assert [one.service for one in reading.series] == ["web"]


def test_what_is_no_json_stops_the_reading_with_its_line(read) -> None:
    reading = read(MATRIX.replace('"4.5e+08"]]', '"4.5e+08"]]; drop'))
    assert reading.rejected[0][0] == 5
    assert "reading stopped at line 5" in reading.remarks[0]
    assert [one.service for one in reading.series] == ["web", "worker"]


def test_a_sample_that_is_no_pair_costs_only_itself(read) -> None:
    reading = read(MATRIX.replace('"NaN"', "null").replace('"461377536"', '"many"'))
    assert reading.rejected == [(2, "2 samples are not a time and a number")]
    assert list(reading.one(service="web").value) == [461373440]


def test_limits_and_starts_are_told_beside_the_series(read) -> None:
    def answer(name: str, value: str, **labels: str) -> str:
        metric = {"__name__": name, "container": "web", "pod": "p-1", **labels}
        return json.dumps({"metric": metric, "values": [[1756793000, value], [1756799000, value]]})

    reading = read(
        "\n".join([
            answer("kube_pod_container_resource_limits", "536870912", resource="memory"),
            answer("kube_pod_container_resource_limits", "2", resource="cpu"),
            answer("container_spec_memory_limit_bytes", "9223372036854771712"),
            answer("node_memory_MemTotal_bytes", "67431116800"),
            answer("container_start_time_seconds", "1756793715"),
            answer("process_start_time_seconds", "1756000000"),
        ])
    )  # fmt: skip
    assert reading.limits == [("memory", "web", 536870912.0), ("node-memory", None, 67431116800.0)]
    assert reading.events == [(1756793715.0, "start", "web", 1)]


def test_restarts_are_counted_since_the_pod_began(read) -> None:
    metric = '{"__name__":"kube_pod_container_status_restarts_total","container":"web"}'
    one = read(f'{{"metric":{metric},"values":[[1756793715,"7"]]}}').one()
    assert (one.measure, dict(one.labels)["kind"]) == ("restarts", "counter")


SAMPLES = st.lists(
    st.tuples(st.integers(10**9, 2 * 10**9), st.floats(allow_nan=False) | st.just(math.inf)), min_size=1, max_size=40
)


@settings(deadline=None)
@given(st.lists(SAMPLES, min_size=1, max_size=4), st.sampled_from([7, 64, 1000]), st.sampled_from([None, 1]))
def test_what_is_written_is_read_whatever_the_size_of_a_block(rows, block_bytes: int, indent: int | None) -> None:
    answer = {
        "data": {
            "result": [
                {"metric": {"n": f'"[{index}]\\'}, "values": [[at, repr(value)] for at, value in row]}
                for index, row in enumerate(rows)
            ]
        }
    }
    cursor = JsonStream(io.BytesIO(json.dumps(answer, indent=indent).encode()), block_bytes)
    found = [
        cursor.value() if key == "metric" else [pairs(block) for block in cursor.blocks()]
        for _ in cursor.members()
        for _ in cursor.members()
        for _ in cursor.items()
        for key in cursor.members()
    ]
    assert [one["n"] for one in found[::2]] == [f'"[{index}]\\' for index in range(len(rows))]
    for row, blocks in zip(rows, found[1::2], strict=True):
        assert np.array_equal(np.concatenate([at for at, _, _ in blocks]), [at for at, _ in row])
        assert np.array_equal(np.concatenate([value for _, value, _ in blocks]), [value for _, value in row])
    assert cursor.peek() == b""


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from([3, 50]),
)
def test_any_value_is_read_or_passed_and_the_next_stands_where_it_should(value: object, block_bytes: int) -> None:
    text = json.dumps([value, "next"]).encode()
    read, passed = JsonStream(io.BytesIO(text), block_bytes), JsonStream(io.BytesIO(text), block_bytes)
    assert [read.value() for _ in read.items()] == [value, "next"]
    for number, _ in enumerate(passed.items()):
        if number == 0:
            passed.skip()
        else:
            assert passed.value() == "next"


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_end_in_a_value_or_in_one_of_two_errors(data: bytes) -> None:
    cursor = JsonStream(io.BytesIO(data), 16)
    for _ in range(100):
        if not cursor.peek():
            break
        try:
            cursor.value()
        except (CutShort, BadJson):
            break
    else:
        pytest.fail("no end")


def test_a_value_larger_than_allowed_is_refused_and_can_be_passed() -> None:
    text = b'["' + b"x" * 3_000_000 + b'", 7]'
    cursor = JsonStream(io.BytesIO(text))
    next(cursor.items())
    with pytest.raises(BadJson, match="more than 1048576 bytes"):
        cursor.value()
    cursor = JsonStream(io.BytesIO(text))
    for number, _ in enumerate(cursor.items()):
        if number == 0:
            cursor.skip()
        else:
            assert cursor.value() == 7
