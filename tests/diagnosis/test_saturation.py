"""A line against a curve that fills: the curve's pace as scipy fits it, told in the clock that counts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from floodmark.diagnosis import saturation as module
from floodmark.diagnosis.audit import audit
from floodmark.diagnosis.onset import Stretch
from floodmark.diagnosis.options import DEFAULT
from floodmark.diagnosis.saturation import BENDS, FULL, Saturation, saturation
from floodmark.diagnosis.scene import Scene
from floodmark.diagnosis.services import judge
from floodmark.diagnosis.track import Track, track
from floodmark.evidence.nouns import Floats, Place, Series
from floodmark.testing.evidence import LEAKY, Cache, Leak, World, build

HOURS: Floats = np.arange(24 * 30) / 30.0
SECONDS = 1_700_000_000.0 + 3600.0 * HOURS
NOTHING = np.zeros((len(HOURS), 0))
ALL_OF_IT = Stretch(0, len(HOURS) - 1, 500.0, 0.0, 1.0, False, True)


def flat_track() -> Track:
    series = Series("web", "pod", None, "rss", "rss", Place("m.json"), SECONDS, np.full(len(HOURS), 4e8))
    found = track("web", [series], [], DEFAULT)
    assert found is not None
    return found


def compared(growth: Floats) -> Saturation:
    return saturation(flat_track(), growth, ALL_OF_IT, NOTHING, (), None)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(10.0, 400.0))
def test_a_line_beats_every_curve_and_grows_at_its_end_as_it_did_throughout(seed, rate) -> None:
    growth = rate * HOURS + np.random.default_rng(seed).normal(0.0, 2.0, len(HOURS))
    found = compared(growth)
    assert found.margin > 0
    assert found.tail == pytest.approx(1.0, abs=0.25)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.06, 0.34), st.floats(200.0, 2000.0))
def test_what_fills_beats_the_line_and_bends_at_the_pace_that_scipy_fits(seed, bend, mb) -> None:
    def curve(hours: Floats, size: float, pace: float) -> Floats:
        return np.asarray(size * (1.0 - np.exp(-hours / pace)))

    growth = curve(HOURS, mb, bend * HOURS[-1]) + np.random.default_rng(seed).normal(0.0, 2.0, len(HOURS))
    (_, pace), _ = optimize.curve_fit(curve, HOURS, growth, p0=(mb, 4.0))
    found = compared(growth)
    assert found.margin < 0
    assert found.bend <= FULL
    nearest = sorted(BENDS, key=lambda one: abs(np.log(one * HOURS[-1] / pace)))[:2]
    assert found.bend in nearest
    assert found.tail < 0.5


@pytest.mark.parametrize("lives", [1, 3])
def test_each_life_fills_anew_from_its_birth_or_the_begin_of_the_growth(lives) -> None:
    cuts = np.linspace(0, len(HOURS), lives + 1).astype(int)
    series = [
        Series("web", "pod", str(pid), "rss", "rss", Place("m.json"), SECONDS[a:b], np.full(b - a, 1e8))
        for pid, (a, b) in enumerate(itertools.pairwise(cuts))
    ]
    found = track("web", series, [], DEFAULT)
    assert found is not None
    begin, end, bend = 40, 700, 0.2
    counted = found.hours**1.3
    level = module._filling(found, Stretch(begin, end, 1.0, 0.0, 1.0, True, True), counted, bend)
    full = bend * (counted[end] - counted[begin])
    expected = []
    for row in range(begin, end + 1):
        total = 0.0
        for first, last in zip(found.begin, found.end, strict=True):
            since, until = max(first, begin), min(last, row)
            if until >= since:
                total += 1.0 - np.exp(-(counted[until] - counted[since]) / full)
        expected.append(total)
    assert level == pytest.approx(expected)


def scene_of(world: World) -> Scene:
    evidence = build(world).evidence
    (web,) = judge(evidence, audit(evidence))
    return web.scene


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_route_that_rests_at_night_leaks_in_a_line_per_request_though_not_per_hour(seed) -> None:
    world = World(seed=seed, hours=40, daily=0.95, leaks=(Leak(LEAKY, 4.0, start=4.0),))
    bent = scene_of(world).saturation
    assert bent is not None
    assert bent.margin > 0
    assert bent.tail == pytest.approx(1.0, abs=0.35)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_cache_that_fills_with_requests_is_full_in_requests_though_the_night_slows_it_too(seed) -> None:
    bent = scene_of(World(seed=seed, hours=48, daily=0.9, caches=(Cache(120.0, 300.0, start=6.0),))).saturation
    assert bent is not None
    assert bent.margin < 0
    assert bent.clock != "hours"
    assert bent.tail < 0.5
