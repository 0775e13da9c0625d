"""Containers of a real Docker engine: what is measured, what is told of restarts and OOM kills, what a restart does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from floodmark.watch.collect.base import Collected
from floodmark.watch.collect.docker import DockerCollector
from floodmark.watch.config import Docker
from floodmark.watch.remedy.docker import DockerRestart

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

MIB = 2**20
IDLE = "trap 'exit 0' TERM; while :; do sleep 0.2; done"
KEEPS_20_MIB = f"dd if=/dev/zero of=/dev/shm/kept bs=1M count=20; {IDLE}"
TAKES_ALL = "sleep 1; awk 'BEGIN { while (1) a[i++] = \"0123456789012345678901234567890123456789\" i }'"


@pytest.fixture(scope="module")
def started_engine(engine_module: Any) -> Iterator[Any]:
    if not engine_module.may_start():
        pytest.skip("starting a Docker engine wants CAP_SYS_ADMIN, which this account has not")
    made = engine_module.Engine()
    yield made
    made.stop()


@pytest.fixture
def engine(started_engine: Any) -> Iterator[Any]:
    yield started_engine
    started_engine.remove_containers()


@pytest.fixture
def collector_of(engine: Any) -> Iterator[Callable[..., DockerCollector]]:
    made: list[DockerCollector] = []

    def collector(name: str = ".", timeout_seconds: float = 10, parallel: int = 20) -> DockerCollector:
        bounds = {"max_containers": 50, "max_events": 100, "parallel": parallel}
        made.append(DockerCollector(Docker(name=name, url=engine.url), timeout_seconds=timeout_seconds, **bounds))
        return made[-1]

    yield collector
    for one in made:
        one.close()


def figures(collected: Collected, name: str) -> dict[str, float]:
    return {one.measure: one.value for one in collected.samples if one.service == name}


def started(collected: Collected) -> set[float | None]:
    return {one.started for one in collected.samples}


def wait_until(true: Callable[[], object]) -> None:
    for _ in range(300):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("not within 30 s")


def test_a_container_is_measured_with_its_limit_and_what_it_keeps(engine: Any, collector_of: Any) -> None:
    engine.run("web", KEEPS_20_MIB, mem_limit=64 * MIB)
    collector = collector_of("^web$")
    wait_until(lambda: figures(collector.collect(time.time()), "web").get("working_set", 0) > 20 * MIB)
    collected = collector.collect(time.time())
    found = figures(collected, "web")
    assert collected.problem is None
    assert 20 * MIB < found["working_set"] <= found["usage"] < 40 * MIB
    assert found["processes"] >= 1
    assert [limit.value for limit in collected.limits] == [64 * MIB]


def test_a_paused_container_still_holds_its_memory(engine: Any, collector_of: Any) -> None:
    engine.run("web", IDLE).pause()
    assert figures(collector_of().collect(time.time()), "web")["usage"] > 0


def test_an_oom_kill_and_the_restart_after_it_are_told_as_they_happened(engine: Any, collector_of: Any) -> None:
    collector = collector_of("^hog$")
    begun = time.time()
    container = engine.run(
        "hog", TAKES_ALL, mem_limit=16 * MIB, restart_policy={"Name": "on-failure", "MaximumRetryCount": 1}
    )
    collector.collect(time.time())
    wait_until(lambda: container.attrs["RestartCount"] == 1 or container.reload())
    wait_until(lambda: container.status == "exited" or container.reload())
    events = collector.collect(time.time()).events
    assert [one.kind for one in events] == ["oom-kill", "restart", "oom-kill"]
    assert begun < events[0].at < events[1].at < events[2].at < time.time()


def test_a_restart_begins_a_new_life_and_gives_the_memory_back(engine: Any, collector_of: Any) -> None:
    engine.run("web", f"[ -e /second ] || {{ : > /second; {KEEPS_20_MIB}; }}; {IDLE}")
    collector = collector_of()
    wait_until(lambda: figures(collector.collect(time.time()), "web").get("working_set", 0) > 20 * MIB)
    before = collector.collect(time.time())
    assert DockerRestart("web", engine.url).do(60).worked
    after = collector.collect(time.time())
    assert started(before).isdisjoint(started(after))
    assert [one.kind for one in after.events] == ["restart"]
    assert figures(after, "web")["working_set"] < 20 * MIB


def test_a_container_gets_the_time_to_stop_that_it_was_given(engine: Any) -> None:
    engine.run("stubborn", "trap '' TERM; while :; do sleep 0.2; done", stop_timeout=1)
    # Ten seconds of the client's own making, as before, would be above the limit.
    assert DockerRestart("stubborn", engine.url).do(8).worked


def test_a_restart_that_takes_longer_than_its_limit_is_said(engine: Any) -> None:
    engine.run("stubborn", "trap '' TERM; while :; do sleep 0.2; done", stop_timeout=20)
    outcome = DockerRestart("stubborn", engine.url).do(1)
    assert (outcome.worked, "no answer within 1 s" in outcome.text) == (False, True)


def test_a_restart_of_what_is_not_there_says_so(engine: Any) -> None:
    outcome = DockerRestart("no/body", engine.url).do(10)
    assert (outcome.worked, "no/body" in outcome.text) == (False, True)


def test_many_containers_are_measured_within_the_time_of_one(engine: Any, collector_of: Any) -> None:
    for number in range(12):
        engine.run(f"web-{number}", IDLE)
    # The engine answers each once a second: one after the other, most would be too late.
    collected = collector_of(timeout_seconds=5).collect(time.time())
    assert (collected.problem, len({one.service for one in collected.samples})) == (None, 12)


def test_containers_that_there_was_no_time_for_are_said(engine: Any, collector_of: Any) -> None:
    for number in range(6):
        engine.run(f"web-{number}", IDLE)
    collector = collector_of(timeout_seconds=1.5, parallel=1)
    # The first figures of a container may come at once, those after it once a second.
    assert any("raise watch_parallel" in (collector.collect(time.time()).problem or "") for _ in range(3))
