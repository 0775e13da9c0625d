"""What is no growth: warm-ups of lives and memory that follows load; and that leaks are not taken for either."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from floodmark.diagnosis.audit import audit
from floodmark.diagnosis.load import fallen
from floodmark.diagnosis.scene import View
from floodmark.diagnosis.services import judge
from floodmark.testing.evidence import LEAKY, Built, Burst, Leak, World, build

DEPLOYED = World(hours=60, warm_mb=60.0, warm_requests=100.0, restarts=(12.0, 30.0))


def view_of(built: Built) -> View:
    (web,) = judge(built.evidence, audit(built.evidence))
    assert web.scene.view is not None
    return web.scene.view


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("mb", [30.0, 60.0, 120.0])
def test_the_warm_up_of_a_life_is_what_it_took_within_a_tenth(seed, mb) -> None:
    warm = view_of(build(replace(DEPLOYED, seed=seed, warm_mb=mb))).warm
    assert warm.mb == pytest.approx(mb, rel=0.1)


def test_two_deploys_add_two_warm_ups_of_every_worker_and_leave_no_growth() -> None:
    view = view_of(build(DEPLOYED))
    assert view.warm.gain[-1] == pytest.approx(2 * 6 * 60.0, rel=0.1)
    assert abs(float(view.excess[-1])) < 0.1 * float(view.warm.gain[-1])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_leak_beside_warm_ups_is_left_as_growth(seed) -> None:
    built = build(replace(DEPLOYED, seed=seed, leaks=(Leak(LEAKY, 3.0, start=14.0),)))
    view = view_of(built)
    assert view.excess[-1] - view.excess[0] == pytest.approx(float(built.truth.leaked_mb[-1]), rel=0.15)


def test_where_no_life_began_nothing_warmed_up() -> None:
    warm = view_of(build(World(hours=30))).warm
    assert warm.mb is None
    assert not warm.gain.any()


SURGED = World(hours=60, load_mb=90.0, processes=False, bursts=(Burst(4.0, 30.0, 40.0),))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_memory_that_comes_and_goes_with_a_surge_is_load(seed) -> None:
    view = view_of(build(replace(SURGED, seed=seed)))
    assert view.load.share > 0.6
    assert abs(float(np.median(view.excess[-60:]) - np.median(view.excess[:60]))) < 0.15 * view.load.swing_mb


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_leak_under_a_surge_is_not_taken_for_load(seed) -> None:
    built = build(replace(SURGED, seed=seed, leaks=(Leak(LEAKY, 4.0, start=15.0),)))
    view = view_of(built)
    grown = float(np.median(view.excess[-60:]) - np.median(view.excess[:60]))
    assert grown == pytest.approx(float(built.truth.leaked_mb[-1]), rel=0.15)


def test_without_requests_nothing_is_load() -> None:
    built = build(SURGED)
    view = view_of(Built(replace(built.evidence, doses=()), built.truth))
    assert view.load.share == 0.0
    assert not view.load.mb.any()


def test_what_only_rises_has_not_fallen_and_what_falls_back_has() -> None:
    assert fallen(np.arange(10.0)) == 0.0
    assert fallen(np.array([0.0, 4.0, 0.0, 4.0])) == 1.0
