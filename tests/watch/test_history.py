"""What the pages show of the store: memory added up rightly, gaps as gaps, hostile names as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from floodmark.dashboard import history
from floodmark.evidence.nouns import Dose, Place
from floodmark.watch.collect.base import PRESSURE, Sample
from floodmark.watch.live import Watch

NOW = 1_756_800_000.0


@pytest.fixture
def watch(watch_at: Callable[[float], Watch]) -> Watch:
    return watch_at(NOW)


def sample(at: float, mb: float, process: str | None = "1", measure: str = "rss", service: str = "web") -> Sample:
    return Sample(service, "host", process, measure, NOW + at, mb * 1e6, 1.0)


def test_processes_measured_at_different_moments_are_added_up_all_the_same(watch: Watch) -> None:
    watch.store.add([
        sample(-at - shift, 100, process)
        for at in range(30, 600, 15) for process, shift in (("1", 0.0), ("2", 7.0))
    ])  # fmt: skip
    # The steps at both ends may hold one of the two only.
    assert set(history.totals(watch, "web").mb.round().tolist()[1:-1]) == {200.0}


def test_a_worker_that_is_replaced_is_no_peak(watch: Watch) -> None:
    watch.store.add([sample(-at, 100, "1" if at > 300 else "2") for at in range(30, 600, 15)])
    assert set(history.totals(watch, "web").mb.tolist()) == {100.0}


def test_a_container_and_its_processes_are_not_added_up(watch: Watch) -> None:
    watch.store.add([sample(-10, 100), sample(-10, 120, "2"), sample(-10, 300, None), sample(-10, 400, None, "usage")])
    assert history.latest(watch).memory_mb == {"web": 220.0}
    assert history.totals(watch, "web").mb.tolist() == [220.0]


@pytest.mark.parametrize("chosen", ["window", "day", "week"])
def test_a_route_asked_evenly_is_an_even_line_whatever_the_steps_of_the_chart(watch: Watch, chosen: str) -> None:
    """Steps of 36 s and counts by the minute: every second value was 0."""
    watch.store.add([sample(-at, 100) for at in range(30, 6 * 3600, 15)])
    bins = np.arange(int((NOW - 7 * 86_400) // 60), int(NOW // 60) + 10)
    each = np.full(len(bins), 30.0)
    watch.store.add([], [Dose("web", "endpoint", "/a/", Place("access.log", 1), bins, each, each, 0 * each, 0 * each)])
    line = history.totals(watch, "web", history.RANGES[chosen])
    (route,) = history.top_routes(watch, "web", line)
    assert len(route["per_minute"]) == len(line.at) > 1
    # A run at either end may lie outside in part.
    assert set(route["per_minute"][1:-2]) == {30.0}


def test_of_a_container_alone_its_working_set_counts_which_shared_memory_is_part_of(watch: Watch) -> None:
    watch.store.add([
        sample(-at, mb, None, measure)
        for at in (60, 30) for measure, mb in (("rss", 10), ("working_set", 400 - at), ("usage", 900))
    ])  # fmt: skip
    assert history.latest(watch).memory_mb == {"web": 370.0}
    assert history.totals(watch, "web").mb.tolist()[-1] == 370.0


def test_hours_without_a_figure_are_a_gap_and_no_line(watch: Watch) -> None:
    watch.store.add([sample(-at, 100) for at in (*range(30, 300, 15), *range(7200, 7500, 15))])
    line = history.totals(watch, "web")
    assert int(np.isnan(line.mb).sum()) == 1
    assert line.since >= NOW - 7600, "it begins where the figures do"


def test_a_month_is_drawn_from_what_became_coarse(watch: Watch) -> None:
    days = 20
    watch.store.add([sample(-86_400 * day - 60, 100 + day) for day in range(days)])
    watch.store.age(NOW)
    line = history.totals(watch, "web", history.RANGES["month"])
    assert line.mb[~np.isnan(line.mb)].tolist() == [100.0 + day for day in reversed(range(days))]


def test_what_lies_in_the_future_of_a_clock_set_back_is_not_the_latest(watch: Watch) -> None:
    watch.store.add([sample(-10, 100), sample(3600, 900)])
    assert history.latest(watch).memory_mb == {"web": 100.0}


def test_pressure_is_shown_and_is_no_memory(watch: Watch) -> None:
    watch.store.add([sample(-10, 100), Sample("web", "host", None, PRESSURE, NOW - 10, 0.25)])
    latest = history.latest(watch)
    assert (latest.pressure, latest.memory_mb) == ({"web": 0.25}, {"web": 100.0})


def test_the_causes_of_an_incident_are_its_own_and_a_half_written_file_has_none(tmp_path: Path) -> None:
    assert history.causes(tmp_path, "web") == []
    (tmp_path / "incident.json").write_text('{"causes": [{"service": "web"}, {"service": "other"}]}')
    assert history.causes(tmp_path, "web") == [{"service": "web"}]
    (tmp_path / "incident.json").write_text('{"causes": [{"serv')
    assert history.causes(tmp_path, "web") == []
