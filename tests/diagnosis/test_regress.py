"""Regression against references: the least squares of scipy, the filter written as a loop, noise with wild values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from floodmark.diagnosis.regress import THETAS, ebic, nnls, robust, whiten


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9), st.sampled_from([1e-4, 1.0, 1e4]))
def test_non_negative_least_squares_are_those_of_scipy(seed: int, columns: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    design = random.normal(size=(40, columns)) * np.geomspace(1.0, scale, columns)
    goal = design @ random.normal(size=columns) + random.normal(size=40)
    mine = nnls(design.T @ design, design.T @ goal)
    assert (mine >= 0).all()
    best = optimize.nnls(design, goal)[1]
    assert np.linalg.norm(design @ mine - goal) == pytest.approx(best, rel=1e-5, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 3))
def test_columns_that_are_free_may_be_negative_and_the_rest_may_not(seed: int, columns: int, free: int) -> None:
    random = np.random.default_rng(seed)
    free = min(free, columns)
    design, goal = random.normal(size=(30, columns)), random.normal(size=30)
    mine = nnls(design.T @ design, design.T @ goal, free)
    low = np.where(np.arange(columns) < free, -np.inf, 0.0)
    best = optimize.lsq_linear(design, goal, (low, np.full(columns, np.inf)), tol=1e-12)
    assert np.sum((design @ mine - goal) ** 2) == pytest.approx(2.0 * best.cost, rel=1e-6)
    assert (mine[free:] >= 0).all()


def test_a_column_of_nothing_and_one_given_twice_do_no_harm() -> None:
    random = np.random.default_rng(1)
    one = random.normal(size=50)
    design = np.column_stack([one, np.zeros(50), one])
    found = nnls(design.T @ design, design.T @ (3.0 * one))
    assert found[1] == 0
    assert found[0] + found[2] == pytest.approx(3.0, rel=1e-4)


@pytest.mark.parametrize("theta", THETAS)
@pytest.mark.parametrize("rows", [2, 3, 257, 1500])
def test_the_filter_is_the_innovation_of_a_local_level_written_as_a_loop(theta: float, rows: int) -> None:
    values = np.cumsum(np.random.default_rng(rows).normal(size=(rows, 3)), axis=0)
    wanted, before = [], np.zeros(3)
    for step in np.diff(values, axis=0):
        before = step + theta * before
        wanted.append(before)
    assert whiten(values, theta) == pytest.approx(np.array(wanted), rel=1e-9, abs=1e-9)


def test_a_few_wild_values_hardly_move_the_robust_fit_but_the_plain_one() -> None:
    random = np.random.default_rng(2)
    design = random.random((400, 1))
    goal = 5.0 * design[:, 0] + random.normal(0.0, 0.1, 400)
    goal[:12] += 40.0
    plain = nnls(design.T @ design, design.T @ goal)[0]
    assert abs(plain - 5.0) > 1.0
    assert robust(design, goal).beta[0] == pytest.approx(5.0, rel=0.08)


def test_standard_errors_are_those_of_the_textbook_where_nothing_is_wild_or_negative() -> None:
    random = np.random.default_rng(3)
    design = random.random((500, 3)) + 0.1
    goal = design @ np.array([2.0, 1.0, 3.0]) + random.normal(0.0, 0.2, 500)
    fit = robust(design, goal)
    textbook = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * fit.rss / 497)
    assert fit.error == pytest.approx(textbook, rel=0.05)


def test_looking_at_more_candidates_costs_more() -> None:
    assert ebic(100.0, 500, 2, 80) > ebic(100.0, 500, 2, 8) > ebic(100.0, 500, 1, 8)
