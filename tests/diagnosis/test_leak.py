"""Whether growth goes on: the same in a window of minutes as in one of days, if its clocks are scaled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floodmark.diagnosis.audit import audit
from floodmark.diagnosis.options import DEFAULT, Options
from floodmark.diagnosis.patterns.leak import goes_on
from floodmark.diagnosis.saturation import BENDS, Saturation
from floodmark.diagnosis.scene import Scene
from floodmark.diagnosis.services import judge
from floodmark.testing.shapes import evidence_of, leak
from floodmark.watch.live import scaled

LENGTHS_HOURS = (6.0, 14.0, 30.0, 60.0)
SIXTIETH = 1.0 / 60.0


def scene_of(hours: float, factor: float) -> Scene:
    at = np.arange(hours * 60.0) / 60.0
    mb = leak(np.random.default_rng(1), at, 100.0)
    evidence = evidence_of(at * factor, mb)
    (web,) = judge(evidence, audit(evidence), scaled(DEFAULT, factor))
    return web.scene


SCENES = {hours: (scene_of(hours, 1.0), scene_of(hours, SIXTIETH)) for hours in LENGTHS_HOURS}

shapes = st.builds(Saturation, st.floats(-40.0, 40.0), st.sampled_from(BENDS), st.just("hours"), st.floats(0.0, 1.2))


@settings(max_examples=200)
@given(st.sampled_from(LENGTHS_HOURS), shapes)
def test_growth_in_minutes_is_judged_as_the_same_growth_in_hours(hours, bent) -> None:
    """Growth without a dose in a short window was held to the first hours of a cache, however long it had gone on."""
    long, short = SCENES[hours]
    assert goes_on(replace(long, saturation=bent)) == goes_on(replace(short, saturation=bent))


@given(st.sampled_from(LENGTHS_HOURS), shapes, st.floats(0.0, 30.0), st.floats(0.0, 0.5))
def test_a_better_line_and_a_longer_breath_never_turn_a_leak_into_none(hours, bent, more, longer) -> None:
    scene = replace(SCENES[hours][0], saturation=bent)
    # The one exception is meant: a line beyond doubt may also pause, which lowers what its end must show.
    better = replace(bent, margin=bent.margin + more, tail=bent.tail + longer)
    assert not goes_on(scene) or goes_on(replace(scene, saturation=better))


@pytest.mark.parametrize("tail", [0.55, 0.75])
def test_the_first_hours_of_a_growth_without_a_dose_must_not_slow_down_at_all(tail) -> None:
    bent = Saturation(10.0, 1.0, "hours", tail)
    assert not goes_on(replace(SCENES[6.0][0], saturation=bent))
    assert goes_on(replace(SCENES[14.0][0], saturation=bent))


def test_the_hours_are_options() -> None:
    patient: Options = replace(DEFAULT, young_hours=20.0)
    bent = Saturation(10.0, 1.0, "hours", 0.6)
    assert not goes_on(replace(SCENES[14.0][0], saturation=bent, options=patient))
