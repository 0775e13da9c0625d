"""The whole watch on a whole site: a leak is found, named, told, acted on and over; traffic and slowness are not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

LEAKING = "/report/{id}/"


@pytest.fixture
def stage(endpoint: Any, stage_of: Callable[..., Any], request: pytest.FixtureRequest) -> Iterator[Any]:
    made = stage_of(endpoint.url, **getattr(request, "param", {}))
    yield made
    made.close()


def told(endpoint: Any) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in endpoint.requests]


def named(stage: Any, seconds: float) -> list[str]:
    """The culprits of the newest incident, once its report names the route: twenty seconds of evidence, on a machine that
    is busy, may be too little to tell the routes apart."""
    until = time.monotonic() + seconds
    while True:
        culprits = [one["name"] for one in stage.incident()["causes"] if one["role"] == "culprit"]
        if culprits == [LEAKING] or time.monotonic() > until:
            return culprits
        time.sleep(1)


@pytest.mark.parametrize("stage", [{"allowed": True}], indirect=True)
def test_a_leak_is_found_named_told_restarted_and_over(stage: Any, endpoint: Any) -> None:
    stage.leak.touch()
    stage.start_traffic()
    stage.start_watch()
    stage.wait_for("select * from alert where state = 'firing' and service = 'shop'", 90)
    stage.wait_for("select * from outbox where delivered is not null", 20)
    assert {one["service"] for one in told(endpoint)} == {"shop"}

    action = stage.wait_for("select * from action where status != 'withheld' and finished is not null", 90)
    assert (action["action"], action["dry"]) == ("restart", 0)
    assert "HUP sent to gunicorn" in action["outcome"]
    assert named(stage, seconds=60) == [LEAKING], stage.incident()["causes"]
    folder = next((stage.folder / "watch/incidents").glob("*-shop"))
    snapshot = json.loads(next(folder.glob("snapshot-*.json")).read_text())
    assert len(snapshot["processes"]) == 3

    stage.leak.unlink()
    verified = stage.wait_for("select * from action where status = 'verified'", 60)
    assert "memory came back after the restart of shop" in verified["outcome"]
    closed = stage.wait_for("select * from incident where closed is not null and service = 'shop'", 150)
    assert "memory came back" in closed["outcome"]
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    stage.wait_for("select * from outbox where delivered is not null and message like '%resolved%'", 20)
    assert [one["status"] for one in told(endpoint)][-1] == "resolved"
    keys = [one["key"] for one in told(endpoint)]
    assert len(keys) == len(set(keys))


def test_what_is_not_allowed_is_only_written_down(stage: Any) -> None:
    stage.leak.touch()
    stage.start_traffic()
    stage.start_watch()
    action = stage.wait_for("select * from action where status = 'would'", 120)
    assert action["done"].startswith("would send HUP to the gunicorn master")
    assert stage.gunicorn.poll() is None
    assert "Handling signal: hup" not in (stage.folder / "gunicorn.log").read_text()


def test_tripled_traffic_and_a_slow_route_without_a_leak_raise_no_alarm(stage: Any, endpoint: Any) -> None:
    stage.start_traffic()
    stage.start_watch()
    time.sleep(35)
    stage.rates.update({name: 3 * rate for name, rate in stage.rates.items()})
    time.sleep(75)
    assert stage.rows("select rule, service, severity from alert") == []
    assert told(endpoint) == []
    assert stage.rows("select * from action where status != 'withheld'") == []
    assert stage.watch.poll() is None
