"""Guessing passwords takes longer than anybody has."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable


class Attempts:
    """Wrong passwords of the last minutes, by address. Counted, not slowed down: a request that sleeps holds a thread.

    An address waits after `most` within `seconds`; of at most `addresses` it is known. Who is signed in already goes on.
    """

    def __init__(
        self, *, most: int, seconds: float, addresses: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.most, self.seconds, self.addresses = most, seconds, addresses
        self._clock = clock
        self._wrong: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def wait(self, address: str) -> float:
        """Seconds until this address may try again; 0 where it may now."""
        with self._lock:
            times = self._wrong.get(address)
            if not times or len(times) < self.most:
                return 0.0
            return max(times[0] + self.seconds - self._clock(), 0.0)

    def count(self, address: str) -> None:
        """A wrong password came from this address."""
        with self._lock:
            # The last one moves to the end, so that the address forgotten first is the one quiet for longest.
            times = self._wrong.pop(address, deque(maxlen=self.most))
            times.append(self._clock())
            self._wrong[address] = times
            if len(self._wrong) > self.addresses:
                del self._wrong[next(iter(self._wrong))]
