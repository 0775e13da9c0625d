"""Memory of a service as growth within lives: restarts neither hide it nor make it, peaks do not count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from floodmark.diagnosis import track as module
from floodmark.diagnosis.options import DEFAULT
from floodmark.diagnosis.track import Track, container_track, track
from floodmark.evidence.nouns import Event, Floats, Place, Series

PLACE = Place("m.json")
START = 1_700_000_000.0


def series(at: Floats, mb: Floats, process: str | None = None, measure: str = "rss", instance: str = "pod") -> Series:
    return Series("web", instance, process, measure, measure, PLACE, START + at, mb * 1e6)


def minutes(count: int) -> Floats:
    return 60.0 * np.arange(count)


def tracked(*found: Series, events: tuple[Event, ...] = ()) -> Track:
    one = track("web", found, events, DEFAULT)
    assert one is not None
    return one


@given(st.integers(0, 10**6), st.integers(2, 80), st.integers(1, 12))
def test_the_floor_is_the_least_of_a_sample_and_those_after_it_as_scipy_filters(seed, size, ahead) -> None:
    value = np.random.default_rng(seed).normal(100.0, 20.0, size)
    end = np.concatenate([value, np.full(ahead, value[-2:].min())])
    # scipy's window is centred: its origin is moved so that it looks ahead only.
    width = ahead + 1
    expected = ndimage.minimum_filter1d(end, width, mode="nearest", origin=-(width // 2))
    assert module._held(value, ahead) == pytest.approx(expected[:size])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(60, 240), min_size=1, max_size=5))
def test_growth_is_the_sum_over_lives_whatever_begins_and_ends(seed, lengths) -> None:
    """Each process of a worker slot rises by its own amount; what it rose stays when it ends."""
    random = np.random.default_rng(seed)
    rises = random.uniform(0.0, 300.0, len(lengths))
    found, begin = [], 0
    for pid, (length, rise) in enumerate(zip(lengths, rises, strict=True)):
        found.append(series(minutes(length) + 60.0 * begin, 100.0 + np.linspace(0.0, rise, length), str(pid)))
        begin += length
    one = tracked(*found)
    assert one.gain[-1] - one.gain[0] == pytest.approx(float(rises.sum()), abs=0.05 * float(rises.sum()) + 1.0)
    assert len(one.lives) == len(lengths)


def test_a_restart_of_a_container_makes_no_growth_of_its_own() -> None:
    level = np.concatenate([np.full(300, 900.0), np.full(300, 200.0), np.full(300, 950.0)])
    restart = [Event(START + 60.0 * at, "restart", "web", "pod", None, "", PLACE) for at in (300, 600)]
    one = tracked(series(minutes(900), level), events=tuple(restart))
    assert one.gain == pytest.approx(np.zeros(900))
    assert len(one.lives) == 3


def test_a_peak_of_a_request_is_no_growth_and_a_level_that_holds_is() -> None:
    level = np.full(600, 300.0)
    level[100:104] = 900.0
    level[400:] = 420.0
    one = tracked(series(minutes(600), level))
    assert one.gain[:380] == pytest.approx(np.zeros(380))
    assert one.gain[-1] == pytest.approx(120.0)


def test_processes_are_preferred_to_their_container_unless_they_were_hardly_watched() -> None:
    whole = series(minutes(600), np.full(600, 800.0))
    watched = series(minutes(600), np.full(600, 100.0), "7")
    hardly = series(minutes(100), np.full(100, 100.0), "7")
    assert tracked(whole, watched).grain == "process"
    assert tracked(whole, hardly).grain == "container"


@pytest.mark.parametrize(("measures", "best"), [(("usage", "working_set"), "working_set"), (("rss", "pss"), "pss")])
def test_the_measure_that_counts_least_twice_is_read(measures, best) -> None:
    assert tracked(*(series(minutes(300), np.full(300, 500.0), None, one) for one in measures)).measure == best


def test_pss_that_was_taken_much_less_often_gives_way_to_rss() -> None:
    often = series(minutes(2000), np.full(2000, 500.0), "7", "rss")
    seldom = series(minutes(2000)[::20], np.full(100, 400.0), "7", "pss")
    assert tracked(often, seldom).measure == "rss"


def test_a_long_window_gets_a_coarser_grid_and_the_same_growth() -> None:
    long = series(minutes(20_000), np.linspace(100.0, 2100.0, 20_000))
    one = container_track("web", [long], [], replace(DEFAULT, max_points=500))
    assert one is not None
    assert len(one.at) <= 501
    assert one.gain[-1] == pytest.approx(2000.0, rel=0.01)
