"""What a way of doing something is, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action, in one line."""

    worked: bool
    text: str


class Way(Protocol):
    """One way to do one thing."""

    def describe(self) -> str:
        """What it does, in words: "send HUP to the gunicorn master in /run/gunicorn.pid"."""

    def do(self, timeout_seconds: float) -> Outcome:
        """Do it. Never raises for a target that refuses or hangs."""
