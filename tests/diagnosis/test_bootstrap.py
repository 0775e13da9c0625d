"""The block bootstrap: its intervals hold the truth about as often as they say, under noise that depends on itself."""

from __future__ import annotations

import numpy as np
import pytest

from floodmark.diagnosis.bootstrap import LEAST_BLOCKS, betas, grams, leave_out
from floodmark.diagnosis.regress import nnls


def walk(seed: int, rows: int, keeps: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    noise = np.zeros(rows)
    for row in range(1, rows):
        noise[row] = keeps * noise[row - 1] + random.normal()
    return noise


@pytest.mark.parametrize(("keeps", "block"), [(0.0, 20), (0.7, 40)])
def test_the_interval_of_a_slope_holds_the_truth_about_nine_times_of_ten(keeps: float, block: int) -> None:
    inside, tried = 0, 120
    for seed in range(tried):
        dose = np.random.default_rng(1000 + seed).poisson(0.5, 1200).astype(float)
        design = np.column_stack([dose, np.ones(1200)])
        goal = 2.0 * dose + 3.0 + walk(seed, 1200, keeps)
        drawn = betas(grams(design, goal, np.ones(1200), block), 100, 7)[:, 0]
        low, high = np.quantile(drawn, (0.05, 0.95))
        inside += bool(low <= 2.0 <= high)
    assert 0.80 * tried <= inside <= 0.97 * tried


def test_the_blocks_add_up_to_the_whole_and_give_its_solution() -> None:
    random = np.random.default_rng(1)
    design, goal, weight = random.random((301, 3)), random.random(301), random.random(301)
    whole = grams(design, goal, weight, 17).sum(axis=0)
    joined = np.column_stack([design, goal])
    assert whole == pytest.approx(joined.T @ (joined * weight[:, None]))
    assert len(grams(design, goal, weight, 10**6)) >= LEAST_BLOCKS


def test_equal_rows_give_equal_draws_and_another_seed_others() -> None:
    random = np.random.default_rng(2)
    blocks = grams(random.random((200, 2)), random.random(200), np.ones(200), 10)
    assert (betas(blocks, 20, 5) == betas(blocks, 20, 5)).all()
    assert (betas(blocks, 20, 5) != betas(blocks, 20, 6)).any()


def test_without_a_stretch_the_solution_is_that_of_the_other_rows() -> None:
    random = np.random.default_rng(3)
    design, goal = random.random((120, 2)), random.random(120)
    left = leave_out(grams(design, goal, np.ones(120), 10), 4)
    for part in range(4):
        rows = np.r_[0 : part * 30, part * 30 + 30 : 120]
        wanted = nnls(design[rows].T @ design[rows], design[rows].T @ goal[rows])
        assert left[part] == pytest.approx(wanted)
