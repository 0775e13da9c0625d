"""The worlds that cases are made of: what happens in them is what their truth says."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floodmark.testing.incidents.families import FAMILIES, Family, benign, leaks, thin
from floodmark.testing.incidents.families.base import base
from floodmark.testing.incidents.plan import WEB, WORKER
from floodmark.testing.incidents.queueing import _queue
from floodmark.testing.incidents.scoring import KINDS, PATTERNS, VERDICTS, plain_name
from floodmark.testing.incidents.truth import truth_of
from floodmark.testing.incidents.world import run

HOURS = 10.0


def short(spoil, seed=1, hours=HOURS, tier=None):
    """The world of a family in a window short enough for a test."""
    return run(Family("test", spoil, (hours,), tier).plan(seed))[0]


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_tells_a_truth_that_an_examiner_can_use(name):
    plan = replace(FAMILIES[name], hours=(30.0,)).plan(2)
    truth = truth_of(run(plan), [])
    served = {one["name"] for one in truth["endpoints"]} | {one.template for one in plan.routes}
    assert truth["focus"] in {one["service"] for one in truth["services"]}
    assert set(truth["expected_verdicts"]) <= set(VERDICTS)
    assert set(truth["expected_patterns"]) <= set(PATTERNS)
    assert {kind for one in truth["culprits"] for kind in one["kinds"]} <= set(KINDS)
    assert set(truth["decoys"]) <= served
    assert not {plain_name(one) for one in truth["victims"]} & {
        plain_name(name) for one in truth["culprits"] if one["kind"] == "endpoint" for name in one["names"]
    }


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_memory_leaks_exactly_where_the_truth_says_so(name):
    plan = replace(FAMILIES[name], hours=(30.0,)).plan(3)
    worlds = run(plan)
    guilty = {leak.service for leak in plan.leaks}
    for service in truth_of(worlds, [])["services"]:
        leaked = service["leaked_mb_per_hour"] > 0
        assert leaked == (service["service"] in guilty)
        if "leak" not in service["verdicts"] and "unknown" not in service["verdicts"]:
            assert not leaked


def test_equal_seeds_give_equal_worlds_and_others_do_not():
    first, again, other = (truth_of([short(leaks.slow_route, seed)], []) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_without_a_restart_the_container_holds_what_has_leaked():
    world = short(leaks.busy_route)
    memory = world.containers[world.plan.theme.web].memory
    truth = next(one for one in truth_of([world], [])["services"] if one["service"] == world.plan.theme.web)
    held = (memory.rss - memory.without_leak)[-1]
    assert held == pytest.approx(truth["leaked_mb_every_10_min"][-1], rel=0.05)


def test_what_leaked_is_the_events_times_their_mb():
    world = short(leaks.busy_route, hours=20.0)
    culprit = world.plan.expect.culprits[0]
    work = world.containers[culprit.service].work
    index = next(i for i, one in enumerate(world.plan.routes) if one.key == culprit.key)
    since = world.plan.at(world.plan.incident_hour)
    events = ((work.route == index) & (work.slot >= 0) & (work.at >= since)).sum()
    assert world.containers[culprit.service].leaked_mb.sum() == pytest.approx(events * culprit.mb_per_event, rel=0.05)


def test_a_deploy_takes_the_leaked_memory_away_and_brings_a_new_pod():
    world = short(leaks.rare_route, hours=30.0)
    start = world.containers[world.plan.theme.web].lives.starts[-1]
    memory = world.containers[world.plan.theme.web].memory
    leaked = memory.rss - memory.without_leak
    at = int(np.searchsorted(world.minutes, start.at))
    assert leaked[at + 1] < 0.2 * leaked[at - 2]
    assert len({pod.pod for pod in world.pods}) == 3


def test_a_container_is_killed_at_its_limit_and_never_holds_much_more():
    world = short(leaks.out_of_memory, hours=30.0)
    limit = world.plan.service(WEB).limit_mb
    kills = [one for one in world.restarts if one.reason == "OOMKilled"]
    assert len(kills) >= 2
    assert world.containers[world.plan.theme.web].memory.rss.max() < limit * 1.1


def test_a_recycled_worker_serves_no_more_requests_than_it_may():
    world = short(leaks.recycled_leak)
    service = world.plan.service(WEB)
    lives = world.containers[service.name].lives.all
    most = service.max_requests + service.max_requests_jitter
    assert max(len(life.work) for life in lives) <= most
    assert sum(life.recycled for life in lives) > service.workers


def test_recycling_keeps_a_leak_from_climbing():
    world = short(leaks.recycled_leak, hours=30.0)
    memory = world.containers[world.plan.theme.web].memory
    leaked = memory.rss - memory.without_leak
    thirds = np.array_split(leaked, 3)
    assert thirds[2].mean() < 1.5 * thirds[1].mean()


def test_a_cache_is_full_at_the_end_and_not_after_an_hour():
    world = short(benign.cache_fill, hours=40.0)
    memory = world.containers[world.plan.theme.web].memory.rss
    since = round(world.plan.incident_hour * 60)
    early, late = memory[since + 50 : since + 70].mean(), memory[-120:].mean()
    assert late - memory[since + 2] > 3 * (early - memory[since + 2]) > 0 or late > early + 100
    assert abs(memory[-60:].mean() - memory[-300:-240].mean()) < 0.1 * (late - memory[since + 2])


def test_a_surge_is_over_when_it_is_over():
    world = short(benign.surge, hours=48.0)
    memory = world.containers[world.plan.theme.web].memory.rss
    start, end = round(world.plan.incident_hour * 60), round(world.plan.incident_end_hour * 60)
    before = np.median(memory[: start - 60])
    assert memory[start:end].max() > 1.25 * before
    assert np.median(memory[min(end + 240, len(memory) - 60) :]) < 1.15 * before


def test_helpers_that_are_never_collected_are_only_ever_more():
    processes = short(benign.processes, hours=24.0).containers
    count = next(iter(processes.values())).memory.processes
    assert (np.diff(count) >= 0).all()
    assert count[-1] > 2 * count[0]


def test_a_background_leak_goes_on_where_nobody_asks_for_anything():
    plan = Family("test", thin.background, (20.0,)).plan(1)
    plan.routes = [one for one in plan.routes if one.method == WORKER or one.key == "list"]
    plan.surges.clear()
    plan.change_route("list", per_hour=0.01)
    memory = run(plan)[0].containers[plan.theme.web].memory
    assert (memory.rss - memory.without_leak)[-1] > 200


def test_a_follower_of_the_level_is_asked_for_more_and_does_not_leak():
    def asked(plan):
        world = run(plan)[0]
        index = next(i for i, one in enumerate(plan.routes) if one.key == "slow1")
        container = world.containers[plan.theme.web]
        mine = container.work.route == index
        assert container.leaked_mb[mine].sum() == 0.0
        return (container.work.at[mine] > plan.at(22.0)).sum()

    family = Family("test", leaks.slow_victim, (30.0,))
    follower, twin = family.plan(1), family.plan(1)
    twin.follows_memory = ()
    assert asked(follower) > 1.6 * asked(twin)


arrivals = st.lists(st.floats(0.0, 500.0), min_size=1, max_size=60).map(sorted)


@settings(deadline=None, max_examples=150)
@given(arrivals, st.integers(1, 4), st.lists(st.floats(10.0, 490.0), max_size=3), st.integers(0, 2**31))
def test_a_worker_does_one_thing_at_a_time_and_nothing_survives_a_restart(at, workers, restarts, seed):
    random = np.random.default_rng(seed)
    seconds = random.exponential(20.0, len(at))
    begin, end, slot = _queue(np.array(at), seconds, workers, restarts, random)
    assert (begin >= np.array(at) - 1e-9).all()
    for worker in range(workers):
        rows = np.flatnonzero((slot == worker) & np.isfinite(end))
        assert (begin[rows[1:]] >= end[rows[:-1]] - 1e-9).all()
    for restart in restarts:
        done = np.isfinite(end)
        assert not ((begin[done] < restart) & (end[done] > restart)).any()


def test_a_proxy_loses_patience_after_a_minute_while_the_worker_goes_on():
    plan = base("test", 1, HOURS)
    plan.change_service(WEB, workers=1)
    plan.change_route("slow1", seconds=120.0, per_hour=8.0, sigma=0.01)
    work = run(plan)[0].containers[plan.theme.web].work
    late = work.status == 504
    assert late.any()
    assert (work.logged - work.at)[late] == pytest.approx(60.0)
    assert (work.end > work.logged)[late].all()
    assert len({int(one) for one in work.route[late]}) > 1, "innocent routes wait behind the slow one"


def test_the_generator_starts_without_django_and_duckdb():
    code = ("import sys, floodmark.testing.incidents\n"
            "print([name for name in ('django', 'duckdb') if name in sys.modules])")  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_command_writes_a_case(tmp_path):
    command = [sys.executable, "-m", "floodmark.testing.incidents", "--family", "short-and-unclear", "--seed", "4",
               "--out", str(tmp_path)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    truth = json.loads((tmp_path / "truth.json").read_text())
    written = {str(path.relative_to(tmp_path / "evidence")) for path in (tmp_path / "evidence").rglob("*.*")
               if path.is_file()}  # fmt: skip
    assert truth["seed"] == 4
    assert {one["path"] for one in truth["files"]} == written


def test_replicas_share_the_requests_and_the_leak():
    plan = Family("test", leaks.busy_route, (12.0,)).plan(1)
    alone = run(plan)
    plan.replicas = 3
    worlds = run(plan)
    counts = [len(world.containers[plan.theme.web].work.at) for world in worlds]
    assert len(worlds) == 3
    assert sum(counts) == pytest.approx(len(alone[0].containers[plan.theme.web].work.at), rel=0.01)
    assert max(counts) < 1.15 * min(counts)
    rates = [next(one["leaked_mb_per_hour"] for one in truth_of(them, [])["services"]
                  if one["service"] == plan.theme.web) for them in (alone, worlds)]  # fmt: skip
    assert rates[1] == pytest.approx(rates[0], rel=0.1)
    assert len({world.pods[0].pod for world in worlds}) == 3
