"""Which doses explain growth: what stays is told from what passes, a better dose takes the place of a worse."""

from __future__ import annotations

import numpy as np
import pytest

from floodmark.diagnosis.collinear import swapped
from floodmark.diagnosis.coverage import covered, stitched
from floodmark.diagnosis.dose import Candidate
from floodmark.diagnosis.explain import FADES_HOURS, LARGEST_EXPONENT, explain, passing
from floodmark.diagnosis.options import DEFAULT
from floodmark.diagnosis.strength import strengths, warm_up_weight
from floodmark.evidence.nouns import Dose, Floats, Ints, Place

MINUTES = 48 * 60
TIMES: Floats = 60.0 * np.arange(1.0, MINUTES + 1)
NOTHING = np.zeros((MINUTES, 2))


def candidate(name: str, counts: Ints, seconds: float = 1.0) -> Candidate:
    bins = np.arange(len(counts))
    count = counts.astype(float)
    edge = np.column_stack([bins, bins + 1]).ravel() * 60.0
    total = np.column_stack([np.cumsum(count) - count, np.cumsum(count)]).ravel()
    dose = Dose("web", "endpoint", name, Place("access.log", 1), bins, count, count * seconds, count, count)
    return Candidate(dose, edge, total, total * seconds, seconds)


def arrivals(seed: int, a_minute: float) -> Ints:
    wave = 1.0 + 0.5 * np.sin(2.0 * np.pi * np.arange(MINUTES) / 1440.0)
    return np.random.default_rng(seed).poisson(a_minute * wave)


def held(counts: Ints, mb: float, hours: float) -> Floats:
    """What requests hold and give back, as a loop."""
    level, out = 0.0, np.zeros(len(counts))
    for minute, count in enumerate(counts):
        level = level * np.exp(-1.0 / 60.0 / hours) + mb * count
        out[minute] = level
    return out


def noise(seed: int, mb: float = 1.0) -> Floats:
    return np.random.default_rng(seed).normal(0.0, mb, MINUTES)


EXPORT, RARE, BUSY = arrivals(1, 0.08), arrivals(2, 0.06), arrivals(3, 4.0)
FOUND = (candidate("/busy/", BUSY, 0.1), candidate("/export/", EXPORT, 8.0), candidate("/rare/", RARE, 0.5))


@pytest.mark.parametrize("hours", [0.5, 0.7, 1.4, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_an_export_that_holds_memory_for_an_hour_is_not_named_and_the_leak_beside_it_is(
    seed: int, hours: float
) -> None:
    growth = 6.0 * np.cumsum(RARE) + held(EXPORT, 40.0, hours) + noise(seed)
    said = explain(TIMES, growth, NOTHING, FOUND, DEFAULT)
    assert said is not None
    assert [said.candidates[index].name for index in said.chosen] == ["/rare/"]
    known = strengths(said, TIMES, growth, NOTHING, 6.0 * RARE.sum(), DEFAULT)[said.chosen[0]]
    assert known.mb_per_event == pytest.approx(6.0, rel=0.15)
    assert known.low <= 6.0 <= known.high


def test_a_route_that_holds_memory_and_leaks_too_is_named() -> None:
    growth = 3.0 * np.cumsum(EXPORT) + held(EXPORT, 20.0, 1.0) + noise(1)
    said = explain(TIMES, growth, NOTHING, FOUND, DEFAULT)
    assert said is not None
    assert [said.candidates[index].name for index in said.chosen] == ["/export/"]


def test_what_only_passes_leaves_nobody_to_blame() -> None:
    said = explain(TIMES, held(EXPORT, 60.0, 1.0) + noise(2), NOTHING, FOUND, DEFAULT)
    assert said is not None
    assert "/export/" not in [said.candidates[index].name for index in said.chosen]


def test_growth_by_the_clock_is_nobodys() -> None:
    said = explain(TIMES, 50.0 * TIMES / 3600.0 + noise(3), NOTHING, FOUND, DEFAULT)
    assert said is not None
    assert said.chosen == ()
    assert said.time_mb_per_hour == pytest.approx(50.0, rel=0.05)


@pytest.mark.parametrize("lag", [1.0, 5.0, 12.0])
def test_growth_that_comes_minutes_after_its_requests_is_still_theirs(lag: float) -> None:
    later = np.concatenate([np.zeros(int(lag)), np.cumsum(RARE)[: -int(lag)]])
    said = explain(TIMES, 4.0 * later + noise(4), NOTHING, FOUND, DEFAULT)
    assert said is not None
    assert [said.candidates[index].name for index in said.chosen] == ["/rare/"]
    assert said.lag_minutes == lag


def test_no_other_dose_in_the_place_of_a_chosen_one_explains_better() -> None:
    """Two doses that together look like a third once kept each other out."""
    sum_of_both = candidate("(both)", RARE + EXPORT)
    growth = 1.5 * np.cumsum(RARE) + 1.5 * np.cumsum(EXPORT) + noise(5, 3.0)
    said = explain(TIMES, growth, NOTHING, (*FOUND, sum_of_both), DEFAULT)
    assert said is not None
    others = [k for k in range(len(said.candidates)) if k not in said.chosen]
    assert all(swapped(said, mine, other) >= -1e-6 for mine in said.chosen for other in others)


def test_what_passes_is_what_a_loop_over_the_minutes_gives_also_over_weeks() -> None:
    counts = np.random.default_rng(6).poisson(0.1, 60 * 24 * 21)
    times = 60.0 * np.arange(1.0, len(counts) + 1)
    assert times[-1] / 3600.0 / min(FADES_HOURS) > LARGEST_EXPONENT
    found = passing((candidate("/a/", counts),), times, 0.0)
    for column, hours in enumerate(FADES_HOURS):
        wanted = held(np.concatenate([[0], counts[1:]]), 1.0, hours)
        assert found[:, column] == pytest.approx(wanted, abs=1e-9)


def test_a_warm_up_that_is_half_leak_is_weighed_as_half() -> None:
    """Recycled workers that leak from birth: part of the leak had been taken for warm-up, 24% of it at worst."""
    age = np.arange(MINUTES) % 240
    warm = 30.0 * (1.0 - np.exp(-np.arange(241) / 60.0))
    warmed = (np.arange(MINUTES) // 240) * warm[-1] + warm[age]
    growth = 2.0 * np.cumsum(RARE) + 0.5 * warmed + noise(7)
    taken = np.column_stack([warmed, np.zeros(MINUTES)])
    said = explain(TIMES, growth - warmed, taken, FOUND, DEFAULT)
    assert said is not None
    assert "/rare/" in [said.candidates[index].name for index in said.chosen]
    assert warm_up_weight(said, TIMES, growth - warmed, taken) == pytest.approx(0.5, abs=0.15)
    known = strengths(said, TIMES, growth - warmed, taken, float(growth[-1] - warmed[-1]), DEFAULT)[said.chosen[0]]
    assert known.mb_per_event == pytest.approx(2.0, rel=0.15)


def test_hours_without_a_log_are_left_out_and_joined_as_if_they_took_no_time() -> None:
    counts = BUSY.copy()
    counts[600:900] = 0
    kept = covered((candidate("/busy/", counts),), TIMES)
    assert not kept[610:890].any()
    assert kept[:590].all()
    assert kept[910:].all()
    assert stitched(TIMES, kept)[-1] == pytest.approx(TIMES[0] + 60.0 * (kept.sum() - 2), abs=120.0)
