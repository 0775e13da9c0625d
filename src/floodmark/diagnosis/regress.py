"""Least squares with coefficients that cannot be negative, noise that wanders, and a few wild values.

Memory minus its model is neither white nor a pure walk: each sample has an error of its own, and the level wanders. The
one-parameter filter below whitens such noise (the steady Kalman filter of a local level model; Harvey 1989, ch. 2):
with theta 0 it takes differences, near 1 it leaves levels. theta and lag are chosen by the likelihood, which for this
filter is the residual sum of squares alone, its Jacobian being one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from floodmark.evidence.nouns import Floats

Matrix = NDArray[np.float64]

THETAS = (0.0, 0.5, 0.8, 0.93, 0.98)
"""Filters that are tried, from differences to levels."""

HUBER = 4.0
"""Residuals above so many robust standard deviations count linearly (Huber 1964): single large requests are such."""

ITERATIONS = 3
"""Reweightings."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Coefficients (k), their standard errors, the weighted residual sum of squares and the filtered residuals (n)."""

    beta: Floats
    error: Floats
    rss: float
    residual: Floats
    weight: Floats


def nnls(gram: Matrix, moment: Floats, free: int = 0) -> Floats:
    """Minimise |Ax - y| with x >= 0 but for the first `free`, from gram = A'A and moment = A'y.

    The active set method of Lawson and Hanson (1974) on the normal equations, with columns scaled to length one.
    """
    size = len(moment)
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    scale[np.diag(gram) <= 1e-12 * max(float(np.diag(gram).max(initial=0.0)), 1e-300)] = np.inf
    unit, goal = gram / np.outer(scale, scale), moment / scale
    whole = _solve(unit, goal, np.isfinite(scale))
    if bool((whole[free:] >= 0).all()):
        return np.asarray(whole / scale)
    active = np.zeros(size, dtype=bool)
    active[:free] = True
    x = _solve(unit, goal, active)
    tolerance = 1e-9 * max(float(np.abs(goal).max(initial=0.0)), 1e-300)
    for _ in range(3 * size + 10):
        slope = goal - unit @ x
        slope[active] = -np.inf
        best = int(np.argmax(slope)) if size else 0
        if not size or slope[best] <= tolerance:
            break
        active[best] = True
        x = _step(unit, goal, active, x, free)
    return np.asarray(x / scale)


def _step(unit: Matrix, goal: Floats, active: NDArray[np.bool_], x: Floats, free: int) -> Floats:
    """Solve on the active set; move towards the solution and drop what reaches zero until all of it is positive."""
    for _ in range(len(goal)):
        wanted = _solve(unit, goal, active)
        low = active.copy()
        low[:free] = False
        low &= wanted <= 0
        if not low.any():
            return wanted
        share = float(np.min(x[low] / np.maximum(x[low] - wanted[low], 1e-300)))
        x = x + share * (wanted - x)
        gone = low & (x <= 1e-12)
        if not gone.any():
            gone = low
        active[gone] = False
        x[gone] = 0.0
    return x


def _solve(unit: Matrix, goal: Floats, active: NDArray[np.bool_]) -> Floats:
    x = np.zeros(len(goal))
    place = np.flatnonzero(active)
    if len(place):
        ridge = 1e-10 * np.eye(len(place))
        x[place] = np.linalg.solve(unit[np.ix_(place, place)] + ridge, goal[place])
    return x


def whiten(values: Matrix, theta: float) -> Matrix:
    """Innovations of each column: differences, each with `theta` times the innovation before it added.

    n rows in, n - 1 rows out. Done in blocks of rows so that no loop runs over samples.
    """
    steps = np.diff(values, axis=0)
    if theta <= 0.0 or len(steps) == 0:
        return np.asarray(steps)
    block = max(1, min(256, int(np.log(1e-12) / np.log(theta))))
    index = np.arange(block)
    kernel = np.where(index[:, None] >= index[None, :], theta ** np.maximum(index[:, None] - index[None, :], 0.0), 0.0)
    out = np.empty_like(steps)
    carried = np.zeros(steps.shape[1:])
    for first in range(0, len(steps), block):
        part = steps[first : first + block]
        size = len(part)
        out[first : first + size] = kernel[:size, :size] @ part
        out[first : first + size] += (theta ** (index[:size] + 1.0)).reshape(-1, *[1] * (part.ndim - 1)) * carried
        carried = out[first + size - 1]
    return out


def robust(design: Matrix, goal: Floats, free: int = 0) -> Fit:
    """Huber regression with non-negative coefficients on rows that are already white. Standard errors are of the
    unconstrained problem on the columns that stayed.
    """
    weight = np.ones(len(goal))
    beta = np.zeros(design.shape[1])
    residual = goal
    for _ in range(ITERATIONS):
        weighted = design * weight[:, None]
        beta = nnls(design.T @ weighted, weighted.T @ goal, free)
        residual = goal - design @ beta
        # Where most residuals are zero (counts, quiet nights) the median tells no spread: then a quarter of the deviation.
        spread = max(
            1.4826 * float(np.median(np.abs(residual - np.median(residual)))), 0.25 * float(residual.std()), 1e-9
        )
        weight = np.minimum(1.0, HUBER * spread / np.maximum(np.abs(residual), 1e-12))
    rss = float(
        np.sum(np.where(weight < 1, 2 * HUBER * spread * np.abs(residual) - (HUBER * spread) ** 2, residual**2))
    )
    return Fit(beta, _errors(design, weight, beta, rss, free), rss, residual, weight)


def _errors(design: Matrix, weight: Floats, beta: Floats, rss: float, free: int) -> Floats:
    error = np.zeros(len(beta))
    used = np.flatnonzero((beta > 0) | (np.arange(len(beta)) < free))
    if len(used):
        part = design[:, used]
        scale = np.sqrt(np.maximum((part**2).sum(axis=0), 1e-300))
        unit = (part * weight[:, None] / scale).T @ (part / scale) + 1e-9 * np.eye(len(used))
        variance = np.diag(np.linalg.inv(unit)) / scale**2
        error[used] = np.sqrt(np.maximum(variance, 0.0) * rss / max(len(design) - len(used), 1))
    return error


def ebic(rss: float, rows: int, used: int, candidates: int) -> float:
    """The extended Bayesian information criterion (Chen and Chen 2008): lower is better; it pays for having looked at
    `candidates` columns to choose `used`.
    """
    return (
        rows * float(np.log(max(rss, 1e-12) / max(rows, 1)))
        + used * float(np.log(max(rows, 2)))
        + 2.0 * used * float(np.log(max(candidates, 1)))
    )
