"""The watch whose pages these are. One a process: Django's views are functions, and have to find it somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Event

from floodmark.dashboard.attempts import Attempts
from floodmark.settings import Settings
from floodmark.watch.live import Watch
from floodmark.watch.state import State


@dataclass(frozen=True, slots=True)
class Context:
    """What views need: the running watch, the settings, and how many viewers may be kept up to date."""

    watch: Watch
    settings: Settings
    viewers: BoundedSemaphore
    attempts: Attempts
    ended: Event
    """Set when the server stops: pages that are kept up to date end then."""


_current: list[Context] = []


def set_current(context: Context) -> None:
    """Make this the watch whose pages are served."""
    _current[:] = [context]


def current() -> Context:
    """The watch whose pages are served."""
    return _current[0]


@contextmanager
def state() -> Iterator[State]:
    """The watch's state, opened for one request: SQLite's connections belong to one thread."""
    opened = State(current().watch.state.path)
    try:
        yield opened
    finally:
        opened.close()
