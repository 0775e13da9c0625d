"""Since when a dose leaks: at night, beside a warm-up, under a wave; and what is left to the curve alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floodmark.diagnosis import doseonset
from floodmark.diagnosis.audit import audit
from floodmark.diagnosis.doseonset import since
from floodmark.diagnosis.options import DEFAULT
from floodmark.diagnosis.pipeline import diagnose
from floodmark.diagnosis.regress import whiten
from floodmark.diagnosis.scene import View, redated
from floodmark.diagnosis.services import judge
from floodmark.testing.evidence import EPOCH, LEAKY, RARE, Built, Burst, Leak, World, build


def onset_hour(built: Built) -> float:
    (web,) = diagnose(built.evidence).services
    assert web.verdict == "leak"
    assert web.onset is not None
    return (web.onset.seconds - EPOCH) / 3600.0


def first_hour(built: Built) -> float:
    """When the first MB had leaked."""
    return float(built.truth.hour[np.argmax(built.truth.leaked_mb > 1.0)])


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("start", [20.0, 26.0, 33.0])
def test_a_leak_of_a_route_has_its_onset_at_its_first_requests_by_day_and_by_night(seed, start) -> None:
    built = build(World(seed=seed, hours=60, leaks=(Leak(LEAKY, 3.0, start=start),)))
    assert onset_hour(built) == pytest.approx(first_hour(built), abs=0.5)


HIDDEN = {
    "a collector's saw": World(seed=1, hours=72, saw_mb=30.0, leaks=(Leak(RARE, 6.0, start=25.0),)),
    "a larger saw": World(seed=4, hours=72, saw_mb=60.0, leaks=(Leak(RARE, 8.0, start=30.0),)),
    "warm-ups of deploys": World(
        seed=2,
        hours=72,
        restarts=(10.0, 26.0, 44.0),
        warm_mb=60.0,
        warm_requests=300.0,
        leaks=(Leak(RARE, 6.0, start=30.0),),
    ),
    "recycled workers": World(seed=3, hours=72, max_requests=300, warm_mb=60.0, leaks=(Leak(RARE, 6.0, start=30.0),)),
}


@pytest.mark.parametrize("noise", HIDDEN)
def test_a_leak_whose_begin_is_hidden_is_dated_to_the_hour_by_its_requests(noise) -> None:
    """By the curve alone it was dated 4 h late, 5 h late, to the deploy before it, and to the begin of the window."""
    built = build(HIDDEN[noise])
    assert onset_hour(built) == pytest.approx(first_hour(built), abs=1.0)


def test_a_route_that_always_leaked_and_is_swept_from_an_hour_on_begins_to_matter_then() -> None:
    world = World(seed=5, hours=60, leaks=(Leak(RARE, 4.0),), bursts=(Burst(30.0, 30.0, 60.0, (RARE,)),))
    assert onset_hour(build(world)) == pytest.approx(30.0, abs=1.0)


def test_growth_by_the_clock_is_dated_by_its_curve_alone() -> None:
    built = build(World(seed=6, hours=60, background_mb_per_hour=40.0, background_start=20.0))
    (web,) = judge(built.evidence, audit(built.evidence))
    assert redated(web.scene) is web.scene
    assert onset_hour(built) == pytest.approx(20.0, abs=1.5)


def test_doses_that_explain_less_than_half_date_nothing() -> None:
    world = World(seed=7, hours=60, leaks=(Leak(LEAKY, 0.8, start=30.0),), background_mb_per_hour=80.0)
    evidence = build(world).evidence
    (web,) = judge(evidence, audit(evidence))
    said, view = web.scene.explanation, web.scene.view
    assert said is not None
    assert isinstance(view, View)
    assert said.explained_mb < 0.5 * view.stretch.mb
    assert since(view.track, view.fine, view.stretch, said, DEFAULT) is None


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(40, 400), st.integers(0, 439))
def test_the_hinge_is_the_best_of_all_rows_by_least_squares_or_as_good(seed, true, guess) -> None:
    random = np.random.default_rng(seed)
    hours = np.arange(480) / 10.0
    given_mb = np.cumsum(random.poisson(1.5, 480).astype(float))
    growth = np.maximum(given_mb - given_mb[true], 0.0) * 2.0 + random.normal(0.0, 1.5, 480)
    found = doseonset._hinge(hours, growth, given_mb, guess)

    def left(place: int) -> float:
        columns = np.column_stack([hours, np.maximum(given_mb - given_mb[place], 0.0)])
        design, goal = whiten(columns, doseonset.MIDDLE_THETA), whiten(growth, doseonset.MIDDLE_THETA)
        beta, *_ = np.linalg.lstsq(design, goal, rcond=None)
        return float(np.sum((goal - design @ beta) ** 2))

    best = min(range(479), key=left)
    place = guess if found is None else found
    # Rows are weighed by how they fit at the guess, so equally good neighbours may change places.
    assert 479 * np.log(left(place) / left(best)) < doseonset.DECIDES + 3.0
