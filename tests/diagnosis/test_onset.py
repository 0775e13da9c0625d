"""When growth began: against brute force, under drift and daily waves, and where it is a single jump."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floodmark.diagnosis.onset import stretch
from floodmark.diagnosis.options import DEFAULT


def ramp(hours, begin, end, mb):
    return mb * np.clip((hours - begin) / (end - begin), 0.0, 1.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(8.0, 30.0), st.floats(20.0, 40.0), st.floats(800.0, 4000.0))
def test_a_growth_between_two_quiet_times_is_found_within_the_hour(seed, begin, long, mb) -> None:
    hours = np.arange(90 * 30) / 30.0
    gain = ramp(hours, begin, begin + long, mb) + np.random.default_rng(seed).normal(0.0, 2.0, len(hours))
    found = stretch(hours, gain, DEFAULT)
    assert hours[found.begin] == pytest.approx(begin, abs=1.0 + 0.02 * long)
    assert found.mb == pytest.approx(mb, rel=0.08)
    assert found.quiet
    if begin + long < 80.0:
        assert hours[found.end] == pytest.approx(begin + long, abs=1.0 + 0.05 * long)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(6.0, 20.0), st.floats(5.0, 15.0))
def test_the_hinges_are_those_of_all_pairs_tried_by_least_squares(seed, begin, long) -> None:
    hours = np.arange(80) / 2.0
    gain = ramp(hours, begin, begin + long, 500.0) + np.random.default_rng(seed).normal(0.0, 3.0, 80)
    best = (np.inf, 0.0, 0.0)
    for first, last in itertools.combinations(hours, 2):
        design = np.column_stack([np.ones(80), np.clip(hours, first, last)])
        left = gain - design @ np.linalg.lstsq(design, gain, rcond=None)[0]
        best = min(best, (float(left @ left), float(first), float(last)))
    found = stretch(hours, gain, DEFAULT)
    assert hours[found.begin] == pytest.approx(best[1], abs=1.5)


def test_half_a_daily_wave_before_the_growth_is_no_drift_that_is_carried_on() -> None:
    """What was taken for drift before took a tenth and more off the growth of days."""
    hours = np.arange(72 * 30) / 30.0
    wave = 100.0 * np.sin(2.0 * np.pi * (hours - 9.0) / 24.0) * (hours < 20.0)
    found = stretch(hours, wave + ramp(hours, 20.0, 72.0, 4000.0), DEFAULT)
    assert found.drift_mb_per_hour == 0.0
    assert found.mb == pytest.approx(4000.0, rel=0.05)


def test_a_drift_of_days_before_the_growth_is_taken_off_whatever_the_wave() -> None:
    hours = np.arange(120 * 30) / 30.0
    wave = 60.0 * np.sin(2.0 * np.pi * hours / 24.0)
    gain = 3.0 * hours + wave + ramp(hours, 72.0, 120.0, 3000.0)
    found = stretch(hours, gain, DEFAULT)
    assert found.drift_mb_per_hour == pytest.approx(3.0, abs=0.6)
    assert found.mb == pytest.approx(3000.0, rel=0.06)


def test_drift_is_read_from_the_same_hours_though_hours_are_missing() -> None:
    hours = np.arange(120 * 30) / 30.0
    kept = (hours % 24.0 > 3.0) & ~((hours > 30.0) & (hours < 41.0))
    gain = 2.0 * hours + 80.0 * np.sin(2.0 * np.pi * hours / 24.0) + ramp(hours, 80.0, 120.0, 3000.0)
    assert stretch(hours[kept], gain[kept], DEFAULT).drift_mb_per_hour == pytest.approx(2.0, abs=0.6)


@pytest.mark.parametrize("minutes", [1, 5, 15])
def test_a_single_jump_has_its_size_whatever_the_pace_of_the_samples(minutes) -> None:
    """Samples a quarter of an hour apart once gave a jump of 1,300 MB as -4 MB: it was read at its foot."""
    hours = np.arange(24 * 60 // minutes) * minutes / 60.0
    gain = 1300.0 * (hours >= 10.0) + np.random.default_rng(minutes).normal(0.0, 1.0, len(hours))
    found = stretch(hours, gain, DEFAULT)
    assert found.mb == pytest.approx(1300.0, rel=0.02)
    assert hours[found.begin] == pytest.approx(10.0, abs=0.6)


def test_growth_from_the_first_sample_on_has_no_quiet_time_before() -> None:
    hours = np.arange(48 * 30) / 30.0
    found = stretch(hours, 30.0 * hours + np.random.default_rng(1).normal(0.0, 2.0, len(hours)), DEFAULT)
    assert hours[found.begin] < 0.5
    assert (found.quiet, found.lasting) == (False, True)


@given(st.integers(2, 60), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_any_curve_has_a_stretch_inside_it_with_finite_figures(size, seed) -> None:
    hours = np.sort(np.random.default_rng(seed).random(size)) * 30.0
    hours += np.arange(size) * 1e-3
    gain = np.cumsum(np.random.default_rng(seed + 1).normal(0.0, 5.0, size))
    found = stretch(hours, gain, DEFAULT)
    assert 0 <= found.begin < found.end < size
    assert np.isfinite([found.mb, found.drift_mb_per_hour, found.noise_mb]).all()
