"""Single series without logs: hard shapes are hardly ever called a leak, leaks are found with their rate."""

from __future__ import annotations

import numpy as np
import pytest

from floodmark.diagnosis.incident import Service
from floodmark.diagnosis.pipeline import diagnose
from floodmark.testing.shapes import HARD_NEGATIVES, RATES_MB_PER_HOUR, evidence_of, hours_of, leak, natural

SEEDS = range(101, 107)


def judged(hours, mb) -> Service:
    (web,) = diagnose(evidence_of(hours, mb)).services
    return web


def of(make, seed: int) -> Service:
    random = np.random.default_rng(seed)
    hours = hours_of(random)
    return judged(hours, make(random, hours))


def test_hard_shapes_are_hardly_ever_called_a_leak() -> None:
    said = {name: [of(make, seed).verdict for seed in SEEDS] for name, make in HARD_NEGATIVES.items()}
    alarms = sum(words.count("leak") for words in said.values())
    assert alarms < 0.1 * len(SEEDS) * len(said), said  # the bar is 20 of 192; all rules in use are far above it


@pytest.mark.parametrize("seed", SEEDS)
def test_a_series_in_which_nothing_happens_is_no_leak(seed: int) -> None:
    assert of(natural, seed).verdict == "no-leak"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cache_that_has_not_filled_when_the_evidence_ends_is_growing_unconfirmed_and_no_leak(seed: int) -> None:
    web = of(HARD_NEGATIVES["slow-fill"], seed)
    assert web.verdict in ("unknown", "no-leak")
    assert web.pattern == "plateau" or "Growing, unconfirmed" in web.reason


@pytest.mark.parametrize("rate", RATES_MB_PER_HOUR)
def test_a_leak_is_found_with_its_rate_within_a_tenth_and_inside_the_interval(rate: float) -> None:
    for seed in SEEDS[:3]:
        web = of(lambda random, hours: leak(random, hours, rate), seed)
        assert web.verdict == "leak"
        assert web.growth is not None
        assert web.growth.mb_per_hour == pytest.approx(rate, rel=0.1)
        assert web.growth.low <= rate <= web.growth.high


def test_four_hours_of_a_cache_that_fills_are_unknown() -> None:
    hours = np.arange(240) / 60.0
    mb = natural(np.random.default_rng(3), hours) + 700.0 * (1.0 - np.exp(-hours / 2.5))
    assert judged(hours, mb).verdict == "unknown"


def test_a_daily_wave_of_three_days_is_no_leak() -> None:
    hours = np.arange(72 * 60) / 60.0
    wave = 120.0 * (1.0 - np.cos(2.0 * np.pi * hours / 24.0))
    assert judged(hours, natural(np.random.default_rng(4), hours) + wave).verdict == "no-leak"


def test_a_leak_that_pauses_at_night_is_a_leak_without_any_log() -> None:
    hours = np.arange(72 * 60) / 60.0
    pace = 60.0 * (1.0 + 0.8 * np.sin(2.0 * np.pi * (hours - 8.0) / 24.0)) * (hours >= 20.0)
    web = judged(hours, natural(np.random.default_rng(5), hours) + np.cumsum(pace) / 60.0)
    assert web.verdict == "leak"
    assert web.growth is not None
    assert web.growth.mb_per_hour == pytest.approx(60.0, rel=0.15)


def test_growth_that_slows_down_in_the_evening_of_its_first_day_is_not_called_full() -> None:
    hours = np.arange(36 * 60) / 60.0
    pace = 100.0 * np.where(hours < 28.0, 1.0, 0.45) * (hours >= 18.0)
    web = judged(hours, natural(np.random.default_rng(6), hours) + np.cumsum(pace) / 60.0)
    assert web.verdict in ("leak", "unknown")
