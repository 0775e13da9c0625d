"""What the tests of the watch share: a real endpoint on loopback, a watch whose clock stands still."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from floodmark.settings import Settings
from floodmark.watch.config import WatchConfig
from floodmark.watch.live import Watch
from floodmark.watch.state import State


def _module(name: str) -> Any:
    """A helper beside this file; test folders are no packages."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec
        assert spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """What a watch remembers, empty."""
    made = State(tmp_path / "state.sqlite")
    yield made
    made.close()


@pytest.fixture
def endpoint() -> Iterator[Any]:
    made = _module("endpoint").Endpoint()
    yield made
    made.stop()


@pytest.fixture
def stage_of() -> Any:
    """The class of a stage with gunicorn, nginx, traffic and the watch."""
    return _module("stage").Stage


@pytest.fixture(scope="module")
def stage_of_module() -> Any:
    """The same, for one stage that a whole module of tests uses."""
    return _module("stage").Stage


@pytest.fixture(scope="session")
def engine_module() -> Any:
    """A Docker engine of the tests' own."""
    return _module("engine")


@pytest.fixture
def watch_at(tmp_path: Path) -> Iterator[Callable[[float], Watch]]:
    """Makes a watch of nothing whose clock stands still, after its first round."""
    made: list[Watch] = []

    def make(now: float) -> Watch:
        made.append(Watch(Settings(data_dir=tmp_path), WatchConfig(), tmp_path / "watch", clock=lambda: now))
        made[-1].round()
        return made[-1]

    yield make
    for one in made:
        one.close()
