"""With the settings as they come: hours of a leak on a simulated clock, told, then mended, then over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from floodmark.settings import Settings
from floodmark.watch.collect.base import Collected, Health, Sample
from floodmark.watch.config import WatchConfig
from floodmark.watch.live import Watch

START = 1_756_800_000.0
HOUR = 3600.0
EVERY_SECONDS = 120.0


class Workers:
    """Four workers that leak 150 MB/h each until they are replaced."""

    name = "workers"

    def __init__(self) -> None:
        self.replaced: float | None = None
        self._noise = np.random.default_rng(7)

    def collect(self, now: float) -> Collected:
        return Collected(tuple(self._one(number, now) for number in range(4)))

    def _one(self, number: int, now: float) -> Sample:
        born = START - 24 * HOUR if self.replaced is None else self.replaced
        mb = 200 + (150 * (now - START) / HOUR if self.replaced is None else 0) + self._noise.normal(0, 1)
        return Sample("shop", "host", f"{born:.0f}{number}", "rss", now, mb * 1e6, born)

    def close(self) -> None:
        pass


class Story:
    """The watch over those workers; `until` goes on to an hour, a round every two minutes."""

    def __init__(self, folder: Path) -> None:
        self.now, self.workers = START, Workers()
        config = WatchConfig.model_validate({
            "command": [{"argv": ["true"]}], "remedy": [{"service": "shop", "action": "restart", "argv": ["true"]}],
        })  # fmt: skip
        settings = Settings(data_dir=folder, watch_interval_seconds=EVERY_SECONDS)
        self.watch = Watch(settings, config, folder / "watch", clock=lambda: self.now)
        self.watch.collectors.append(self.workers)
        self.watch.healths.append(Health("workers"))

    def until(self, hour: float) -> None:
        while self.now < START + hour * HOUR:
            self.now += EVERY_SECONDS
            self.watch.round()

    def alerts(self) -> list[tuple[str, str]]:
        return [(row["rule"], row["state"]) for row in self.watch.state.rows("select * from alert")]


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    made = Story(tmp_path)
    yield made
    made.watch.close()


@pytest.mark.slow
def test_a_leak_is_told_within_the_hour_and_over_soon_after_the_restart(story: Story) -> None:
    story.until(1.5)
    assert story.alerts() == [("growth-emergency", "firing")]
    assert story.watch.state.rows("select * from action where status = 'would'") == [], (
        "the fast clock acts never alone"
    )
    story.until(3.6)
    assert story.alerts() == [("growth-emergency", "firing")]
    story.watch._threads.shutdown(wait=True)
    assert story.watch.state.rows("select * from action where status = 'would'") != []
    assert [row["closed"] for row in story.watch.state.rows("select * from incident")] == [None]


@pytest.mark.slow
def test_an_incident_of_one_morning_is_one_incident(story: Story) -> None:
    story.until(2)
    story.workers.replaced = story.now
    story.until(3.5)
    assert story.alerts() == [("growth-emergency", "resolved")]
    incidents = story.watch.state.rows("select * from incident")
    assert [row["closed"] is not None for row in incidents] == [True]
    told = story.watch.state.rows("select key from outbox")
    assert len(told) <= 4, [row["key"] for row in told]
    assert story.watch.remarks == []
