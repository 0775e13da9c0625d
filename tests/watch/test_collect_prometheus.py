"""Prometheus is asked a cheap question about all and a dear one about suspects only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from floodmark.watch.collect.prometheus import PrometheusCollector
from floodmark.watch.config import Prometheus

FLEET = 500
MB_PER_HOUR = 1e6 / 3600


def collector(url: str, **more: Any) -> PrometheusCollector:
    return PrometheusCollector(
        Prometheus.model_validate({"url": url, **more}),
        screen_mb_per_hour=20.0,
        window_seconds=3600.0,
        step_seconds=15.0,
        max_suspects=10,
        max_answer_bytes=1_000_000,
        timeout_seconds=2.0,
    )


def question(request: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}


def fleet(growing: dict[str, float]) -> Any:
    """A server with FLEET containers, of which some grow: bytes per second by name."""

    def answer(request: Any) -> tuple[int, bytes]:
        asked = question(request)
        if "/query_range" in request.path:
            name = asked["query"].split('container="')[-1].split('"')[0]
            times = [float(asked["end"]) - 15 * back for back in range(4)][::-1]
            values = [[at, str(1e8 + growing[name] * at)] for at in times]
            result = [{"metric": {"container": name, "pod": "p"}, "values": values}]
            return 200, json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()
        found = sorted(growing.items(), key=lambda item: -item[1])[:10]
        vector = [{"metric": {"container": n, "pod": "p"}, "value": [asked["time"], str(v)]} for n, v in found]
        return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": vector}}).encode()

    return answer


def test_full_series_are_fetched_for_suspects_only(endpoint: Any) -> None:
    steady = {f"steady-{n}": 0.1 for n in range(FLEET)}
    endpoint.answer = fleet({**steady, "web": 300 * MB_PER_HOUR, "reports": 100 * MB_PER_HOUR})
    collected = collector(endpoint.url).collect(1_000_000.0)
    assert collected.problem is None
    assert len(endpoint.requests) == 3
    assert {sample.service for sample in collected.samples} == {"web", "reports"}
    assert "deriv" in question(endpoint.requests[0])["query"]


def test_only_what_is_new_is_brought_in_the_next_round(endpoint: Any) -> None:
    endpoint.answer = fleet({"web": 300 * MB_PER_HOUR})
    one = collector(endpoint.url)
    first = one.collect(1_000_000.0)
    second = one.collect(1_000_015.0)
    assert len(first.samples) == 4
    assert [sample.at for sample in second.samples] == [1_000_015.0]


def test_a_suspect_that_calmed_down_is_watched_to_the_end_of_the_window(endpoint: Any) -> None:
    endpoint.answer = fleet({"web": 300 * MB_PER_HOUR})
    one = collector(endpoint.url)
    one.collect(1_000_000.0)
    endpoint.answer = fleet({"web": 0.0})
    for later in (15.0, 1800.0, 3500.0):
        assert one.collect(1_000_000.0 + later).samples
    asked = len(endpoint.requests)
    assert one.collect(1_000_000.0 + 3700.0).samples == ()
    assert len(endpoint.requests) == asked + 1


def test_what_grows_now_comes_before_what_grew_earlier(endpoint: Any) -> None:
    one = collector(endpoint.url)
    endpoint.answer = fleet({f"early-{n}": 300 * MB_PER_HOUR for n in range(10)})
    one.collect(1_000_000.0)
    endpoint.answer = fleet({"late": 300 * MB_PER_HOUR, **{f"early-{n}": 0.0 for n in range(10)}})
    assert "late" in {sample.service for sample in one.collect(1_000_015.0).samples}


def test_two_series_of_one_container_are_kept_apart(endpoint: Any) -> None:
    def answer(request: Any) -> tuple[int, bytes]:
        kind = "matrix" if "range" in request.path else "vector"
        values = {"values": [[999_999, "1"]]} if kind == "matrix" else {"value": [1, str(300 * MB_PER_HOUR)]}
        found = [{"metric": {"container": "web", "pod": "p", "id": name}, **values} for name in ("/a", "/b")]
        return 200, json.dumps({"status": "success", "data": {"resultType": kind, "result": found}}).encode()

    endpoint.answer = answer
    assert [one.process for one in collector(endpoint.url).collect(1_000_000.0).samples] == ["id=/a", "id=/b"]


def test_a_clock_that_is_set_back_stops_no_series(endpoint: Any) -> None:
    endpoint.answer = fleet({"web": 300 * MB_PER_HOUR})
    one = collector(endpoint.url)
    one.collect(1_000_000.0)
    assert one.collect(990_000.0).samples


def test_a_query_that_a_suspect_cannot_be_put_into_is_refused(endpoint: Any) -> None:
    with pytest.raises(ValueError, match="query"):
        collector(endpoint.url, query="sum by (container) (container_memory_rss)")


def test_credentials_do_not_follow_a_redirect(endpoint: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2")
    endpoint.answer = lambda request: (302, b"/elsewhere")
    assert "302" in (collector(endpoint.url, token_file=str(tmp_path / "token")).collect(1.0).problem or "")
    assert len(endpoint.requests) == 1


def test_a_name_with_quotes_cannot_leave_its_place_in_the_query(endpoint: Any) -> None:
    hostile = 'web"} or vector(1) #'
    vector = [{"metric": {"container": hostile, "pod": "p"}, "value": [1, str(300 * MB_PER_HOUR)]}]
    empty = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    first = {"status": "success", "data": {"resultType": "vector", "result": vector}}
    endpoint.answer = lambda request: (200, json.dumps(empty if "range" in request.path else first).encode())
    collector(endpoint.url).collect(1_000_000.0)
    assert r'container="web\"} or vector(1) #"' in question(endpoint.requests[1])["query"]


@pytest.mark.parametrize(("status", "body", "said"), [
    (500, b"oops", "answered 500: oops"),
    (400, b'{"status":"error","error":"parse error at char 3"}', "answered 400: parse error at char 3"),
    (200, b"<html>login</html>", "not JSON"),
    (200, b'{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}', "without a vector"),
    (200, b"[" + b" " * 1_000_001, "more than 1000000 bytes"),
])  # fmt: skip
def test_a_bad_answer_costs_the_round_and_is_said(endpoint: Any, status: int, body: bytes, said: str) -> None:
    endpoint.answer = lambda request: (status, body)
    collected = collector(endpoint.url).collect(1_000_000.0)
    assert collected.samples == ()
    assert said in (collected.problem or "")


def test_a_server_that_is_away_is_said_and_what_was_missed_is_fetched_when_it_is_back(endpoint: Any) -> None:
    endpoint.answer = fleet({"web": 300 * MB_PER_HOUR})
    one = collector(endpoint.url)
    one.collect(1_000_000.0)
    endpoint.answer = lambda request: (503, b"starting")
    assert "503" in (one.collect(1_000_015.0).problem or "")
    endpoint.answer = fleet({"web": 300 * MB_PER_HOUR})
    assert [sample.at for sample in one.collect(1_000_030.0).samples] == [1_000_015.0, 1_000_030.0]


def test_credentials_are_sent_and_never_shown(endpoint: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2")
    endpoint.answer = lambda request: (401, b"who are you")
    collected = collector(endpoint.url, token_file=str(tmp_path / "token")).collect(1.0)
    assert endpoint.requests[0].headers["Authorization"] == "Bearer hunter2"
    assert "hunter2" not in (collected.problem or "")
