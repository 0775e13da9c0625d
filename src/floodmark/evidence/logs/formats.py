"""What a format of single lines is. A new one is a new module with one class, and a row in `lines.FORMATS`."""

from __future__ import annotations

from typing import Protocol

from floodmark.evidence.logs.entries import Entry
from floodmark.evidence.sinks_lines import LineSink


class LineFormat(Protocol):
    """One format, for one stream of lines (a file, or one container's output in it); it keeps state between lines."""

    kind: str
    """Its name in the table of sources."""

    @staticmethod
    def matches(data: bytes) -> bool:
        """Whether a line looks like this format, without reading it: for recognising files."""
        ...

    def feed(self, entry: Entry, sink: LineSink) -> bool:
        """True if the line is of this format, after what it says was written to the sink.

        Raises Unreadable for a line of this format that is broken.
        """
        ...

    def follow(self, entry: Entry, sink: LineSink) -> None:
        """A line that continues the last one this format took (of a traceback, or indented)."""
        ...

    def finish(self, sink: LineSink) -> None:
        """The stream has ended: write what was held back."""
        ...


class Stateless:
    """A base for formats without anything to hold back."""

    def follow(self, entry: Entry, sink: LineSink) -> None:
        """Nothing to add."""

    def finish(self, sink: LineSink) -> None:
        """Nothing is held back."""
