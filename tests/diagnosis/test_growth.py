"""How fast: rate times hours is what leaked, the interval holds the truth, and restarts are not recycling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from floodmark.diagnosis.audit import audit
from floodmark.diagnosis.growth import PEAK_HOURS, grows, rate, recycled_lives, settled_share, warmed_share
from floodmark.diagnosis.options import DEFAULT
from floodmark.diagnosis.scene import Scene, View
from floodmark.diagnosis.services import judge
from floodmark.testing.evidence import LEAKY, Built, Leak, World, build

LEAKS = World(hours=40, leaks=(Leak(LEAKY, 3.0, start=10.0),))


def scene_of(built: Built) -> Scene:
    (web,) = judge(built.evidence, audit(built.evidence))
    return web.scene


def view_of(world: World) -> View:
    view = scene_of(build(world)).view
    assert view is not None
    return view


def test_the_interval_of_the_rate_holds_the_truth_in_nine_of_ten_worlds() -> None:
    held = 0
    for seed in range(20):
        built = build(replace(LEAKS, seed=seed))
        found = rate(scene_of(built))
        assert found is not None
        assert found.mb == pytest.approx(found.mb_per_hour * (found.end - found.start) / 3600.0)
        held += found.low <= built.truth.rate(found.start, found.end) <= found.high
    assert held >= 17  # 90 % of 20, less a standard deviation


def test_the_peak_is_the_steepest_hour_of_all() -> None:
    scene = scene_of(build(LEAKS))
    found, view = rate(scene), scene.view
    assert found is not None
    assert view is not None
    width = round(PEAK_HOURS * 3600.0 / view.track.step)
    rises = [
        float(view.excess[row + width] - view.excess[row])
        for row in range(view.stretch.begin, view.stretch.end + 1 - width)
    ]
    assert found.peak_mb_per_hour == pytest.approx(max(rises) / (width * view.track.step / 3600.0))
    assert found.peak_at == pytest.approx(view.track.at[view.stretch.begin + int(np.argmax(rises))])


def test_growth_less_than_the_least_or_slower_than_drift_is_none() -> None:
    view = view_of(LEAKS)
    assert grows(view, DEFAULT)
    assert not grows(view, replace(DEFAULT, min_growth_mb=view.stretch.mb + 1.0))
    assert not grows(view, replace(DEFAULT, min_mb_per_hour=view.stretch.mb / view.hours + 0.1))
    drifting = replace(view.stretch, drift_mb_per_hour=0.6 * view.stretch.mb / view.hours)
    assert not grows(replace(view, stretch=drifting), DEFAULT)
    noisy = replace(view.stretch, noise_mb=view.stretch.mb / 5.0)
    assert not grows(replace(view, stretch=noisy), DEFAULT)


def test_deploys_end_all_workers_at_once_and_are_no_recycling_and_recycling_is() -> None:
    deployed = view_of(World(hours=40, restarts=(10.0, 20.0, 30.0)))
    recycled = view_of(World(hours=40, max_requests=400))
    assert recycled_lives(deployed) == 0.0
    assert recycled_lives(recycled) > DEFAULT.recycle_lives


def test_a_container_that_is_watched_as_a_whole_recycles_nothing() -> None:
    assert recycled_lives(view_of(World(hours=40, max_requests=400, processes=False))) == 0.0


def test_a_container_that_grew_less_than_its_processes_makes_the_rate_less_sure() -> None:
    scene = scene_of(build(LEAKS))
    agreed, whole = rate(scene), scene.whole
    assert whole is not None
    torn = rate(replace(scene, whole=replace(whole, excess=0.3 * whole.excess)))
    assert agreed is not None
    assert torn is not None
    assert torn.mb_per_hour == agreed.mb_per_hour
    assert torn.high - torn.low > 2.0 * (agreed.high - agreed.low)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_lives_that_leak_beside_their_warm_up_grow_as_fast_in_their_later_half(seed) -> None:
    world = World(seed=seed, hours=40, max_requests=300, warm_mb=90.0, warm_requests=30.0)
    settled = settled_share(view_of(replace(world, leaks=(Leak(LEAKY, 3.0, start=10.0),))))
    assert settled == pytest.approx(1.0, abs=0.4)


def test_where_warm_ups_are_few_beside_the_growth_nobody_asks_whether_they_are_it() -> None:
    view = view_of(LEAKS)
    assert warmed_share(view) < 0.4
    assert settled_share(view) is None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_quiet_service_does_not_grow(seed) -> None:
    assert not grows(view_of(World(seed=seed, hours=48)), DEFAULT)
