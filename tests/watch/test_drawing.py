"""Drawings without a script: gaps as gaps, noise as noise, and the newest of too many marks."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from floodmark.dashboard import drawing, history
from floodmark.evidence.nouns import Event, Place
from floodmark.watch.collect.base import Sample
from floodmark.watch.live import Watch

NOW = 1_756_800_000.0


@pytest.fixture
def watch(watch_at: Callable[[float], Watch]) -> Watch:
    return watch_at(NOW)


def drawn(mb: list[float]) -> history.Line:
    return history.Line(NOW - 60 * len(mb), NOW, 60.0, NOW - 60 * np.arange(len(mb), 0, -1.0), np.array(mb))


def heights(svg: str) -> list[float]:
    """How far down each point of each line of a drawing is."""
    return [float(pair.split(",")[1]) for line in re.findall(r'points="([^"]+)"', svg) for pair in line.split()]


def test_a_gap_divides_the_line_of_a_chart() -> None:
    whole, broken = drawn([100.0] * 9), drawn([100.0, 100.0, 100.0, np.nan, 100.0, 100.0])
    assert str(drawing.chart(whole, [])).count("<polyline") == 1
    assert str(drawing.chart(broken, [])).count("<polyline") == 2
    assert drawing.chart(drawn([100.0]), []) == ""


def test_noise_of_a_megabyte_is_no_mountain_beside_a_leak() -> None:
    noise = heights(str(drawing.spark(drawn([400.0, 401.0] * 20), 30)))
    leak = heights(str(drawing.spark(drawn([400.0 + 10 * one for one in range(40)]), 30)))
    assert max(noise) - min(noise) < 1
    assert max(leak) - min(leak) > 20


def test_the_last_marks_are_drawn_where_there_are_too_many_in_the_order_of_time(watch: Watch) -> None:
    events = [Event(NOW - at, "restart", "web", "host", "1", f"restart {at}", Place("log")) for at in range(1, 200)]
    watch.store.add([Sample("web", "host", "1", "rss", NOW - at, 1e8, 1.0) for at in range(10, 600, 15)], events=events)
    marks = history.marks(watch, watch.state, "web", history.totals(watch, "web"))
    assert len(marks) == history.MAX_MARKS
    assert [one["at"] for one in marks] == sorted(one["at"] for one in marks)
    assert marks[-1]["text"] == "restart 1"
