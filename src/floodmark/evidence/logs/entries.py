"""One line of a log after its wrappers were taken off, and what a format may say of it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for text that is no JSON, no UTF-8, or nested a thousand deep."""


class Unreadable(ValueError):
    """The line is of the format, but something in it is broken. The message is the reason for its rejection."""


class Entry(NamedTuple):
    """What was written, and what the wrappers around it know.

    at        the wrapper's own time in seconds UTC, None without one
    service   container, instance (pod or host) and stream, as far as the wrapper tells them
    part      True for what continues an entry of several lines
    wall      the wrapper's wall clock, where it states no zone (syslog)
    program   what the wrapper says wrote the line, where it is a log of everything that ran on a machine
    """

    line: int
    data: bytes
    at: float | None = None
    service: str | None = None
    instance: str | None = None
    stream: str = ""
    part: bool = False
    wall: float | None = None
    program: str = ""
