"""The files of a case: in the formats of the field, and saying what happened in the world."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from floodmark.testing.incidents.families import FAMILIES, Family, benign, leaks, thin
from floodmark.testing.incidents.plan import WEB
from floodmark.testing.incidents.world import run
from floodmark.testing.incidents.writers import write_evidence
from floodmark.testing.incidents.writers.grafana import rate_of_gauge

LINE = re.compile(r'^(\S+) - - \[([^]]+)\] "([^"]*)" (\d{3}) (\d+) "[^"]*" "([^"]*)" ([\d.]+) (\S+) (\S+)$')


def write(spoil, folder, hours=8.0, tier="full", **evidence):
    """The world and the file rows of a short case with the forms of evidence that the test is about."""
    plan = Family("test", spoil, (hours,), tier).plan(1)
    plan.evidence = replace(plan.evidence, **{"access_zone": "UTC", "damage": False, "tasks_as": "file",
                                              "gunicorn_access": False, "proxy_version": 1, **evidence})  # fmt: skip
    worlds = run(plan)
    return worlds[0], write_evidence(worlds, folder)


def text_of(folder: Path, pattern: str) -> str:
    """All files that match, oldest rotation first, as one text."""
    parts = sorted(folder.rglob(pattern), key=lambda path: (not path.name.endswith(".2.gz"), path.name == pattern[:-1]))
    return "".join((gzip.decompress(one.read_bytes()) if one.suffix == ".gz" else one.read_bytes()).decode()
                   for one in parts)  # fmt: skip


def fingerprint(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()}  # fmt: skip


def test_equal_arguments_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        plan = FAMILIES["short-and-steep"].plan(5)
        write_evidence(run(plan), tmp_path / name)
    first = fingerprint(tmp_path / "a")
    assert first == fingerprint(tmp_path / "b")
    assert len(first) > 5


def test_every_request_that_the_proxy_saw_has_its_line(tmp_path):
    world, _ = write(leaks.busy_route, tmp_path)
    lines = text_of(tmp_path / "nginx", "access.log*").splitlines()
    parsed = [LINE.match(line) for line in lines]
    served = sum(len(one.work.at) for one in world.containers.values() if one.service.role != "worker")
    noise = sum(match is not None and match[8] == "-" for match in parsed)
    scrapes = sum("Prometheus" in line for line in lines)
    assert all(parsed)
    assert len(lines) == served + scrapes + noise
    assert scrapes == 2 * len(world.minutes)


def test_the_culprit_can_be_counted_in_the_log(tmp_path):
    world, _ = write(leaks.busy_route, tmp_path)
    culprit = world.plan.expect.culprits[0]
    route = re.compile(re.escape(culprit.name).replace(r"\{id\}", r"\d+") + r"(\?\S*)?$")
    paths = [match[3].split(" ")[1] for line in text_of(tmp_path / "nginx", "access.log*").splitlines()
             if (match := LINE.match(line)) and " " in match[3] and match[8] != "-"]  # fmt: skip
    index = next(i for i, one in enumerate(world.plan.routes) if one.key == culprit.key)
    assert (
        sum(bool(route.match(path)) for path in paths) == (world.containers[culprit.service].work.route == index).sum()
    )


def test_the_time_of_an_access_line_is_the_end_and_its_zone_is_stated(tmp_path):
    world, _ = write(leaks.busy_route, tmp_path, access_zone="Asia/Kolkata")
    works = [one.work for one in world.containers.values() if one.service.role != "worker"]
    ends = {int(end) for work in works for end in work.logged}
    matches = [LINE.match(line) for line in text_of(tmp_path / "nginx", "access.log*").splitlines()]
    served = [match for match in matches if match and match[8] != "-" and "Prometheus" not in match[6]]
    assert all("+0530" in match[2] for match in served)
    assert {int(datetime.strptime(match[2], "%d/%b/%Y:%H:%M:%S %z").timestamp()) for match in served} == ends


def test_connections_are_opened_and_closed_in_pairs_unless_they_leak(tmp_path):
    def left_open(spoil, name):
        write(spoil, tmp_path / name)
        log = text_of(tmp_path / name, "proxy.log*")
        return log.count("New connection") - log.count("Client closed")

    assert left_open(benign.quiet, "quiet") < 10
    assert left_open(leaks.connections, "leaky") > 50


def test_the_arbiter_writes_utc_and_the_workers_their_own_zone(tmp_path):
    world, _ = write(leaks.guilty_deploy, tmp_path)
    world.plan.theme = replace(world.plan.theme, application_zone="Asia/Tokyo")
    write_evidence([world], tmp_path / "tokyo")
    log = text_of(tmp_path / "tokyo" / world.plan.theme.web, "gunicorn-error.log")
    start = world.containers[world.plan.theme.web].lives.starts[-1].at
    stamps = {line[1:26]: line for line in log.splitlines()}
    assert any(stamp.endswith("+0000") for stamp in stamps)
    assert any(stamp.endswith("+0900") for stamp in stamps)
    times = [datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S %z").timestamp() for stamp in stamps]
    assert max(abs(time - start) for time in times) < 10


def test_processes_sum_to_their_container(tmp_path):
    world, _ = write(leaks.busy_route, tmp_path, processes_see_all=True)
    rows = list(csv.DictReader(io.StringIO(text_of(tmp_path / "psutil", "processes.csv.gz"))))
    name = world.plan.theme.web
    sums: dict[int, float] = {}
    for row in rows:
        if row["container"] == name:
            sums[int(row["time"])] = sums.get(int(row["time"]), 0.0) + int(row["pss_bytes"]) / 1e6
    container = np.interp(sorted(sums), world.minutes, world.containers[name].memory.rss)
    difference = container - np.array([sums[time] for time in sorted(sums)])
    assert np.median(difference) == pytest.approx(38.0, abs=6.0), "the master is not in the list of workers"


def test_resident_memory_is_below_the_working_set_and_that_below_usage(tmp_path):
    write(benign.quiet, tmp_path)

    def series(metric):
        answer = json.loads(gzip.decompress((tmp_path / f"prometheus/{metric}.json.gz").read_bytes()))
        return {(one["metric"]["container"], at): float(value) for one in answer["data"]["result"]
                for at, value in one["values"]}  # fmt: skip

    rss, working, usage = map(series, ("container_memory_rss", "container_memory_working_set_bytes",
                                       "container_memory_usage_bytes"))  # fmt: skip
    assert rss == working == usage or all(rss[key] <= working[key] <= usage[key] for key in rss)
    assert len({container for container, _ in rss}) == 6


def test_the_rate_of_a_flat_gauge_is_nought_and_of_many_flat_processes_is_not():
    one = np.full(600, 430e6)
    random = np.random.default_rng(1)
    twelve = random.choice(430e6 + 8e6 * np.arange(12), 600)
    assert np.nanmax(rate_of_gauge(one)) == 0.0
    assert np.nanmin(rate_of_gauge(twelve)) / 1024 / 1024 > 1.0, "constant workers read as growth"


def test_a_deploy_ends_the_series_of_one_pod_and_begins_the_next(tmp_path):
    world, _ = write(leaks.guilty_deploy, tmp_path)
    answer = json.loads(gzip.decompress((tmp_path / "prometheus/container_memory_rss.json.gz").read_bytes()))
    mine = [one for one in answer["data"]["result"] if one["metric"]["container"] == world.plan.theme.web]
    assert len({one["metric"]["pod"] for one in mine}) == 2
    assert mine[0]["values"][-1][0] < world.pods[1].at <= mine[1]["values"][0][0]


def test_hourly_exports_hold_the_tasks_of_their_hour(tmp_path):
    world, _ = write(leaks.worker_task, tmp_path, tasks_as="gcs", task_names=True)
    files = sorted((tmp_path / "gcs").rglob("*.json"))
    entries = [(path, json.loads(line)) for path in files for line in path.read_text().splitlines()]
    assert len(files) >= 8
    for path, entry in entries:
        assert entry["receiveTimestamp"][11:13] == path.name[:2]
    taken = sum(" processing " in entry["textPayload"] for _, entry in entries)
    begun = world.containers[world.plan.theme.worker].work
    inside = (begun.slot >= 0) & (begun.begin >= world.plan.start) & (begun.begin < world.plan.end)
    assert taken >= inside.sum()


def test_the_limit_and_the_kill_stand_in_the_description_of_the_pod(tmp_path):
    world, _ = write(leaks.out_of_memory, tmp_path, hours=30.0)
    text = next(tmp_path.rglob("describe-pod.txt")).read_text()
    kills = sum(one.reason == "OOMKilled" for one in world.restarts)
    assert f"Restart Count:  {kills}" in text
    assert "Reason:       OOMKilled" in text
    assert f"memory:  {round(world.plan.service(WEB).limit_mb / 1.048576)}Mi" in text
    assert "OOMKilled" not in text_of(tmp_path, "events.*"), "there is no event of that name"


@pytest.mark.parametrize(("wrapper", "first"), [("docker", '{"log": "'), ("cri", "20")])
def test_a_container_runtime_wraps_the_lines(tmp_path, wrapper, first):
    write(benign.quiet, tmp_path, wrapper=wrapper)
    lines = text_of(tmp_path / "nginx", "access.log*").splitlines()
    assert all(line.startswith(first) for line in lines)


def test_uwsgi_gives_the_memory_of_the_process_with_every_request(tmp_path):
    world, _ = write(leaks.busy_route, tmp_path, server="uwsgi")
    log = text_of(tmp_path / world.plan.theme.web, "uwsgi.log*")
    sizes = [int(one) for one in re.findall(r"\{rss usage: (\d+) bytes", log)]
    assert len(sizes) == (world.containers[world.plan.theme.web].work.slot >= 0).sum()
    assert np.mean(sizes[-200:]) > 1.1 * np.mean(sizes[:200])


@pytest.mark.parametrize(("spoil", "tier", "absent"), [
    (thin.metrics_only, "metrics", ("access.log", "proxy.log", "events.txt", "events.json")),
    (thin.logs_only, "logs", ("prometheus", "psutil", "grafana")),
    (thin.invalid_metrics, "invalid", ("container_memory", "psutil", "working-set")),
])  # fmt: skip
def test_a_tier_leaves_out_what_its_analyst_does_not_get(tmp_path, spoil, tier, absent):
    _, rows = write(spoil, tmp_path, tier=tier)
    assert rows
    for word in absent:
        assert not [row["path"] for row in rows if word in row["path"]]


def test_damage_is_a_cut_line_a_repeated_one_and_one_out_of_order(tmp_path):
    damaged = []
    for seed in range(1, 6):
        plan = Family("test", benign.quiet, (8.0,), "full").plan(seed)
        plan.evidence = replace(plan.evidence, layout="a", wrapper="plain", access_format="timed_combined")
        rows = write_evidence(run(plan), tmp_path / str(seed))
        damaged += [row for row in rows if ".log" in row["path"] and row["lines"] > row["records"]]
    assert damaged
    assert all(row["lines"] == row["records"] + 1 for row in damaged)
