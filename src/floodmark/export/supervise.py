"""The parent of the web server and of the worker: starts them, replaces what dies, stops all of it in order.

Children have sessions of their own, so that Ctrl-C reaches this process alone; and the kernel tells them when it dies,
so that even `kill -9` leaves no orphan.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from floodmark.errors import FloodmarkError

log = logging.getLogger("floodmark.serve")

SHORTEST_LIFE_S = 10.0
"""A child that dies younger is started again only after a pause, which doubles."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
POLL_S = 0.1


@dataclass
class Child:
    """A process to keep running. `replaced` are exit statuses that mean: start me anew at once."""

    name: str
    command: Callable[[int], Sequence[str]]
    """The command for the nth start, counted from 1."""
    environment: Mapping[str, str]
    pass_handles: tuple[int, ...] = ()
    replaced: frozenset[int] = frozenset()
    essential: bool = False
    """Whether everything stops when it cannot be kept running."""
    after_death: Callable[[int], None] = lambda pid: None
    starts: int = 0
    process: subprocess.Popen[bytes] | None = None
    begun: float = 0.0
    pause: float = 0.0
    start_at: float = 0.0

    def start(self) -> None:
        """Start it, the nth time."""
        self.starts += 1
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            self.command(self.starts),
            env={**os.environ, **self.environment},
            pass_fds=self.pass_handles,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def look(self) -> None:
        """Start it if it is time; notice its death."""
        if self.process is None:
            if time.monotonic() >= self.start_at:
                self.start()
            return
        status = self.process.poll()
        if status is None:
            return
        lived = time.monotonic() - self.begun
        self.after_death(self.process.pid)
        self.process = None
        # One that has worked for a while has met something new; one that dies young will do so again.
        if status in self.replaced or lived >= SHORTEST_LIFE_S:
            self.pause = 0.0
        else:
            self.pause = min(self.pause * 2 or FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self.start_at = time.monotonic() + self.pause
        if status not in self.replaced:
            log.error("%s has ended %s; it is started again in %.1f s", self.name, _how(status), self.pause)

    def send(self, number: int) -> None:
        """A signal, if it lives."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def wait(self, deadline: float) -> None:
        """Until it has ended, or it is killed at the deadline."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("%s does not stop and is killed", self.name)
            self.process.kill()
            self.process.wait()
        self.after_death(self.process.pid)
        self.process = None


@dataclass
class Supervisor:
    """Keeps children running until a signal says otherwise."""

    children: list[Child]
    grace_seconds: float
    _signal: int | None = field(default=None, init=False)

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Until SIGTERM or SIGINT. `ready` is called once all have been started. Raises FloodmarkError where an
        essential child cannot be kept running."""
        before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            for child in self.children:
                child.look()
            ready()
            while self._signal is None:
                for child in self.children:
                    child.look()
                    if child.essential and child.pause >= 8 * FIRST_PAUSE_S:
                        raise FloodmarkError(f"{child.name} cannot be kept running; its last words stand above")
                time.sleep(POLL_S)
        finally:
            self.stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Ask all to stop, the first of the list last; kill what has not stopped in time."""
        deadline = time.monotonic() + self.grace_seconds
        for child in reversed(self.children):
            child.send(signal.SIGTERM)
        for child in reversed(self.children):
            child.wait(deadline)

    def _note(self, number: int, frame: object) -> None:
        if self._signal is not None:
            # A second Ctrl-C: no more patience.
            for child in self.children:
                child.send(signal.SIGKILL)
        self._signal = number


def _how(status: int) -> str:
    return f"by signal {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
