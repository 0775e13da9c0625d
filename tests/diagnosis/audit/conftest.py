"""Small evidence, written down: a series in one line, and an audit of some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from floodmark.diagnosis.audit import Audit, audit
from floodmark.evidence.nouns import Clock, Evidence, Place, Series, SourceHealth

START = 1_756_250_000.0


def make_series(
    measure: str,
    value: Sequence[float],
    *,
    metric: str = "metric",
    service: str = "web",
    step: float = 60.0,
    start: float = START,
    at: Sequence[float] | None = None,
    **more: Any,
) -> Series:
    """Samples `step` seconds apart, unless `at` says otherwise."""
    times = np.array(at if at is not None else start + step * np.arange(len(value)), dtype=np.float64)
    fields: dict[str, Any] = {"instance": None, "process": None, "place": Place("file"), **more}
    return Series(service, measure=measure, metric=metric, at=times, value=np.array(value, dtype=np.float64), **fields)


def make_audit(*series: Series, zone: str | None = "+00:00", **more: Any) -> Audit:
    """The audit of these series alone."""
    paths = dict.fromkeys(one.place.source for one in series)
    clock = Clock(zone, "stated" if zone else "assumed")
    sources = tuple(SourceHealth(path, "metrics", None, 1, 0, None, None, clock) for path in paths)
    return audit(Evidence(None, 60.0, sources=sources, series=series, **more))


@pytest.fixture
def series() -> Callable[..., Series]:
    return make_series


@pytest.fixture
def audited() -> Callable[..., Audit]:
    return make_audit


@pytest.fixture
def problems() -> Callable[..., dict[str, str]]:
    """problem -> explanation, for an audit of these series."""

    def found(*series: Series, **more: Any) -> dict[str, str]:
        return {one.problem: one.explanation for one in make_audit(*series, **more).problems}

    return found


@pytest.fixture
def mixture() -> np.ndarray:
    """What a scrape a minute sees of 6 workers of constant size: 8 h of jumps between 6 values, in bytes."""
    sizes = np.array([410, 432, 447, 398, 455, 421]) * 1e6
    return sizes[np.random.default_rng(1).integers(0, 6, 480)]
