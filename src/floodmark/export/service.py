"""What one web process keeps from its start to its end: settings, shelf, meters, and how many may do what at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import Error as DatabaseError
from django.db import connections

from floodmark.errors import FloodmarkError
from floodmark.export.artifacts.shelf import Shelf
from floodmark.export.metrics import Metrics
from floodmark.export.storage import open_storage
from floodmark.settings import Settings

TURN_TIMEOUT_S = 1.0


class NotNow(FloodmarkError):
    """There is no file to serve yet, and it could not be made in time; the client is told to come back."""


@dataclass
class Service:
    """One a process. What is stored is served without the database; the rest takes turns at it."""

    settings: Settings
    shelf: Shelf = field(init=False)
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(open_storage(self.settings.artifacts_url, self.settings.data_dir / "artifacts"))
        self.metrics = Metrics(self.shelf)
        self._turns = threading.BoundedSemaphore(self.settings.web_database_connections)
        # Those who wait for a first build must not take every thread from those who ask for what is there.
        self._seats = threading.BoundedSemaphore(max(1, self.settings.web_threads // 4))

    @contextmanager
    def database(self) -> Iterator[None]:
        """A turn at the database. Raises NotNow where it is crowded or does not answer."""
        if not self._turns.acquire(timeout=TURN_TIMEOUT_S):
            raise NotNow("the database is busy")
        try:
            yield
        except DatabaseError as error:
            raise NotNow("the database does not answer") from error
        finally:
            # Threads come and go; a connection kept by each would use up the server's.
            connections.close_all()
            self._turns.release()

    @contextmanager
    def seat(self) -> Iterator[bool]:
        """Whether this request may wait a little."""
        free = self._seats.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self._seats.release()


_service: Service | None = None


def open_service(settings: Settings) -> Service:
    """Make the service of this process; views find it by `service()`."""
    global _service
    _service = Service(settings)
    return _service


def service() -> Service:
    """The service of this process."""
    if _service is None:
        raise RuntimeError("open_service has not been called")
    return _service
