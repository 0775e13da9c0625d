"""What a collector is, and what it brings: samples and events of one moment, or the reason why there are none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from floodmark.evidence.nouns import Event, Limit

PRESSURE = "pressure"
"""A measure of the watch's own: the share of the last 10 s in which a task of the group waited for memory (PSI).

It is shown and not diagnosed: pressure is a consequence, and no growth can be read from it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure of one thing at one moment; the fields are those of `evidence.nouns.Series`. Memory is in bytes."""

    service: str
    instance: str | None
    process: str | None
    measure: str
    at: float
    value: float
    started: float | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """What one round brought. `problem` says in one line what could not be had; the rest of the round still counts."""

    samples: tuple[Sample, ...] = ()
    events: tuple[Event, ...] = ()
    limits: tuple[Limit, ...] = ()
    problem: str | None = None


class Collector(Protocol):
    """One source of figures. A round never raises for a target that has gone away: it says so in `problem`."""

    @property
    def name(self) -> str:
        """What it collects, for the page of sources ("processes rsr-backend")."""

    def collect(self, now: float) -> Collected:
        """One round at `now` (seconds since the epoch)."""

    def close(self) -> None:
        """Release what it holds."""


@dataclass(slots=True)
class Health:
    """How a collector has fared: what the page of sources and `/metrics` show."""

    name: str
    rounds: int = 0
    samples: int = 0
    failures: int = 0
    last_at: float | None = None
    last_good_at: float | None = None
    problem: str | None = None
    seconds: float = 0.0
    history: list[str] = field(default_factory=list)
    """The last few distinct problems, at most `HISTORY`."""

    HISTORY = 5

    @property
    def milliseconds(self) -> float:
        """What the last round took."""
        return 1000 * self.seconds

    def count(self, now: float, collected: Collected, seconds: float) -> None:
        """Take one round into account."""
        self.rounds += 1
        self.samples += len(collected.samples)
        self.last_at, self.seconds, self.problem = now, seconds, collected.problem
        if collected.problem is None:
            self.last_good_at = now
            return
        self.failures += 1
        if collected.problem not in self.history:
            self.history = [*self.history, collected.problem][-self.HISTORY :]
