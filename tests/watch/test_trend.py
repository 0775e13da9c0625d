"""Stability over 30 days is judged on what the store kept, by the rule of `analyze`, and never on less than a month."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from floodmark.diagnosis.incident import Target
from floodmark.settings import Settings
from floodmark.watch.collect.base import Sample
from floodmark.watch.config import WatchConfig
from floodmark.watch.live import Watch, _retention
from floodmark.watch.store import WatchStore
from floodmark.watch.trend import Trend, judged

NOW = 1_756_800_000.0
HOUR = 3600.0
UNKNOWN = Target("stability", "stable over 30 days", None, "MB/h", None, "The window is 6 h long; 30 days are needed.")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[WatchStore]:
    made = WatchStore(tmp_path / "samples.duckdb", _retention(Settings()))
    yield made
    made.close()


def fill(store: WatchStore, mb: Callable[[float], float], days: float = 30.0, service: str = "web") -> None:
    """A value every half hour, of a process that is as old as the store."""
    began = NOW - days * 24 * HOUR
    store.add([
        Sample(service, "host", "1", "rss", began + step * HOUR / 2, mb(step / 2) * 1e6, began)
        for step in range(int(days * 48))
    ])  # fmt: skip
    store.age(NOW)


def test_a_month_of_level_memory_is_stable(store: WatchStore) -> None:
    fill(store, lambda hours: 400 + 20 * (int(hours) % 24 > 8))
    found = judged(store, NOW)
    assert found.met is True
    assert abs(found.value or 0) < 1
    assert "none leaks" in found.text


def test_a_leak_that_no_window_of_hours_would_alert_on_is_not_stable(store: WatchStore) -> None:
    fill(store, lambda hours: 400 + 12 * hours)
    fill(store, lambda hours: 300, service="calm")
    found = judged(store, NOW)
    assert (found.met, round(found.value or 0)) == (False, 12)


def test_less_than_a_month_is_not_judged_and_says_how_much_there_is(store: WatchStore) -> None:
    fill(store, lambda hours: 400, days=12)
    found = judged(store, NOW)
    assert (found.met, found.value) == (None, None)
    assert "known for 12 of 30 days" in found.text


def test_an_empty_store_is_not_judged(store: WatchStore) -> None:
    assert judged(store, NOW).met is None


def test_the_month_is_judged_seldom_and_stands_between(store: WatchStore) -> None:
    fill(store, lambda hours: 400)
    trend = Trend(store, every_seconds=6 * HOUR)
    others = (Target("processes", "< 50", 4.0, "", True, ""),)
    assert trend.into((*others, UNKNOWN)) == (*others, UNKNOWN)

    def met_at(now: float) -> bool | None:
        trend.judge(now)
        return trend.into((*others, UNKNOWN))[1].met

    assert met_at(NOW) is True
    fill(store, lambda hours: 40 * hours, service="leaky")
    assert met_at(NOW + HOUR) is True
    assert met_at(NOW + 7 * HOUR) is False


def test_the_watch_keeps_the_judgement_of_the_month_with_the_targets_of_the_hour(tmp_path: Path) -> None:
    watch = Watch(Settings(data_dir=tmp_path), WatchConfig(), tmp_path / "watch", clock=lambda: NOW)
    fill(watch.store, lambda hours: 400 + 12 * hours)
    watch.round()
    (kept,) = watch.state.rows("select met, value from target where name = 'stability'")
    watch.close()
    assert (kept["met"], round(kept["value"])) == (0, 12)
