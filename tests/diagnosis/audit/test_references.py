"""The measures behind the rules, against plain references and against what a simulation makes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floodmark.diagnosis.audit.identity import RETURNS_OF_A_MIXTURE, processes_at_once, returns, unit_of
from floodmark.diagnosis.audit.rates import reset_rate, slope
from floodmark.diagnosis.audit.tidy import ordered
from floodmark.evidence.nouns import Place, Series


def of(value, at=None, **more) -> Series:
    value = np.array(value, dtype=np.float64)
    times = 60.0 * np.arange(len(value)) if at is None else np.array(at, dtype=np.float64)
    return Series("web", None, more.pop("process", None), "rss", "m", Place("x"), times, value, **more)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=62, max_size=150))
def test_the_rate_of_resets_is_what_a_loop_over_the_samples_gives(values: list[int]) -> None:
    rates = []
    for end in range(60, len(values)):
        steps = zip(values[end - 60 : end], values[end - 59 : end + 1], strict=True)
        rates.append(sum(after - before if after >= before else after for before, after in steps) / 3600)
    assert reset_rate(of(values)) == pytest.approx(np.median(rates), rel=1e-6)


@given(st.floats(-1e5, 1e5), st.integers(3, 200))
def test_the_slope_of_a_line_is_its_slope(per_second: float, size: int) -> None:
    assert slope(of(4e8 + per_second * 60 * np.arange(size))) == pytest.approx(per_second, rel=1e-6, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 16), st.integers(0, 10**6), st.sampled_from([None, 1e6, 2.0**20 / 10]))
def test_a_mixture_of_idle_workers_returns_to_its_levels(workers: int, seed: int, rounded: float | None) -> None:
    random = np.random.default_rng(seed)
    sizes = np.round(random.uniform(3e8, 5e8, workers) / 4096) * 4096
    seen = sizes[random.integers(0, workers, 600)]
    value = seen if rounded is None else np.round(seen / rounded) * rounded
    if np.ptp(sizes) > 2e7 and np.ptp(value) > 4 * unit_of(
        value
    ):  # two round levels may be one value, rounded coarsely
        assert returns(value) > RETURNS_OF_A_MIXTURE


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([1e-4, 1e-3, 1e-2, 0.1]),
    st.sampled_from([0.0, 1e4, 1e6]),
    st.sampled_from([1.0, 4096.0, 2.0**20 / 10, 2.0**20, 1e6]),
    st.floats(1.5e7, 5e9),
)
def test_noise_and_drift_of_one_thing_are_no_mixture_however_they_are_rounded(
    seed: int, noise: float, drift: float, rounded: float, level: float
) -> None:
    random = np.random.default_rng(seed)
    value = level * (1 + random.normal(0, noise, 600)) + drift * np.arange(600)
    assert returns(np.round(value / rounded) * rounded) < RETURNS_OF_A_MIXTURE


@pytest.mark.parametrize("unit", [1e6, 1e5, 2.0**20 / 10, 2.0**10, 1.0])
def test_the_unit_in_which_sizes_are_whole_is_found(unit: float) -> None:
    sizes = unit * np.random.default_rng(3).integers(10**3, 10**6, 50) + unit * np.array([1, 7] * 25)
    assert unit_of(sizes) == pytest.approx(unit)


LIVES = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted), min_size=1, max_size=20)


@given(LIVES)
def test_processes_alive_at_once_are_counted_like_on_a_clock(lives: list[list[int]]) -> None:
    listed = [of([1e8, 1e8], life, process=str(pid)) for pid, life in enumerate(lives)]
    assert processes_at_once(listed) == max(sum(a <= now <= b for a, b in lives) for now in range(101))


ROWS = st.lists(st.tuples(st.integers(0, 40), st.floats(allow_nan=True, allow_infinity=True)), max_size=40)


@given(ROWS)
def test_an_ordered_series_keeps_the_first_value_of_each_time(rows: list[tuple[int, float]]) -> None:
    first: dict[int, float] = {}
    for at, value in rows:
        if np.isfinite(value):
            first.setdefault(at, value)
    series = ordered(of([value for _, value in rows], [at for at, _ in rows]))
    assert dict(zip(series.at.tolist(), series.value.tolist(), strict=True)) == first
    assert np.all(np.diff(series.at) > 0)
