"""Block bootstrap of a regression on rows in order: blocks keep what neighbouring rows have in common.

Every block enters by its Gram matrix, so a resample costs a sum of small matrices, whatever the number of rows. Draws
are seeded: equal rows give equal intervals. (Kuensch 1989; fixed, not moving, blocks, which is a little wider.)
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from floodmark.diagnosis.regress import Matrix, nnls
from floodmark.evidence.nouns import Floats

LEAST_BLOCKS = 12


def grams(design: Matrix, goal: Floats, weight: Floats, rows_per_block: int) -> NDArray[np.float64]:
    """Z'WZ of Z = (design, goal) for each block (blocks x k+1 x k+1); at least `LEAST_BLOCKS` where rows allow."""
    rows = len(goal)
    width = max(1, min(rows_per_block, rows // LEAST_BLOCKS))
    joined = np.column_stack([design, goal])
    parts = [slice(first, first + width) for first in range(0, rows, width)]
    return np.array([joined[part].T @ (joined[part] * weight[part, None]) for part in parts])


def betas(blocks: NDArray[np.float64], resamples: int, seed: int) -> Matrix:
    """Non-negative coefficients of every resample (resamples x k)."""
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(blocks), np.full(len(blocks), 1.0 / len(blocks)), size=resamples)
    sums = np.tensordot(draws.astype(float), blocks, axes=1)
    return np.array([nnls(one[:-1, :-1], one[:-1, -1]) for one in sums])


def leave_out(blocks: NDArray[np.float64], parts: int) -> Matrix:
    """Coefficients with each of `parts` consecutive stretches left out (parts x k)."""
    whole = blocks.sum(axis=0)
    edges = np.linspace(0, len(blocks), min(parts, len(blocks)) + 1).astype(int)
    kept = [whole - blocks[a:b].sum(axis=0) for a, b in itertools.pairwise(edges)]
    return np.array([nnls(one[:-1, :-1], one[:-1, -1]) for one in kept])
