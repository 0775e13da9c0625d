"""What a reader of one format is: it recognises a file by its first bytes, reads it, and writes into a sink.

A new format is a new file with one class that has the three members of `Reader`, and one row in `sniff.READERS`.
Readers hold no state between sources, never decide on a name of a file, and never stop at bad input: a line that
cannot be read goes to `Sink.reject`, a file that ends early is a `Sink.remark`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple, Protocol

from floodmark.evidence.nouns import Clock, Event, EventKind, Floats, Limit

HEAD_BYTES = 65_536
"""How much of a decompressed file a reader sees when it is asked whether the file is its own."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first bytes of a source after decompression: without byte-order mark, UTF-16 already turned into UTF-8."""

    data: bytes
    complete: bool
    """True where `data` is all there is."""

    lines: tuple[bytes, ...] = ()
    """The whole lines of `data` (a cut last one left out unless it is the only one), without line ends and colours."""


class Line(NamedTuple):
    """One line of a source: its number from 1, and its bytes without the line end."""

    number: int
    data: bytes


class Source(Protocol):
    """One opened file (or a member of one): decompressed, bounded, with what is known about it from outside."""

    path: str
    """As reported: relative to what the user named, with `/`."""

    service: str | None
    """The service this file belongs to where the user or the folder says so; what the lines say wins."""

    zone: str | None
    """The zone the user gave for this source, an IANA name or an offset such as +02:00."""

    modified: float | None
    """Modification time of the file, for formats without a date."""

    cut_line: int | None
    """The number of a last line without a line end, once it is handed out."""

    def head(self) -> Head:
        """The first bytes again."""
        ...

    def lines(self) -> Iterator[Line]:
        """Every line. Too long ones are cut and counted as damaged; the last one without a line end is marked cut."""
        ...

    def blocks(self, block_bytes: int = 1 << 24) -> Iterator[tuple[int, bytes]]:
        """(number of the first line, whole lines) in blocks of about `block_bytes`."""
        ...

    def stream(self) -> BinaryIO:
        """The decompressed bytes. Reading raises no error for a cut archive: it ends, and `remark` says so."""
        ...


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What tells one series from another; the fields of `nouns.Series` that are known when its samples are read."""

    service: str
    measure: str
    metric: str
    instance: str | None = None
    process: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    """Sorted by name."""

    expr: str = ""
    unit: str = ""

    @staticmethod
    def sorted_labels(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Labels in the form that `labels` wants."""
        return tuple(sorted(labels.items()))


@dataclass(frozen=True, slots=True)
class Sighting:
    """A line that is counted by kind (a Tally) and not kept. `at` is in the source's own clock."""

    kind: str
    at: float
    line: int
    name: str = ""
    text: str = ""
    service: str | None = None
    count: float = 1.0


@dataclass(slots=True)
class Dose:
    """Starts of one route, task or pool met in one stretch of a source, as parallel arrays.

    `start` is in seconds in the source's own clock. `seconds` is NaN where the duration is not logged.
    """

    kind: str
    name: str
    start: Floats
    line: int
    service: str | None = None
    instance: str | None = None
    seconds: Floats | None = None
    bytes_out: Floats | None = None
    failed: Floats | None = None
    monitoring: bool = False
    path: bool = field(default=False)
    """True where `name` is a path still to be turned into a route template."""


class Sink(Protocol):
    """What a reader writes to while it reads one source. All times are seconds of the source's own clock.

    The sink knows the source, adds its offset once it is known, masks texts, and counts.
    """

    def samples(self, key: SeriesKey, at: Floats, value: Floats, line: int | None = None) -> None:
        """Samples of one series in the order of the source; NaN and infinite values are left out and not counted."""
        ...

    def describe(self, key: SeriesKey, *, copies: int | None = None, started: float | None = None) -> None:
        """What else is known about a series: into how many equal columns it was folded, when its process began."""
        ...

    def doses(self, dose: Dose) -> None:
        """Requests, tasks or connections that began."""
        ...

    def event(
        self, at: float, kind: EventKind, text: str, line: int | None = None, *, service: str | None = None,
        instance: str | None = None, process: str | None = None, count: int = 1,
    ) -> None:  # fmt: skip
        """Something that happened once."""
        ...

    def sighting(self, sighting: Sighting) -> None:
        """A line counted under a kind."""
        ...

    def route(self, prefix: str, port: int | None, service: str | None, line: int | None = None) -> None:
        """Requests below `prefix`, or to `port`, are served by `service`."""
        ...

    def limit(self, kind: str, value: float, line: int | None = None, *, service: str | None = None) -> None:
        """A limit (nouns.Limit: bytes, workers or seconds)."""
        ...

    def record(self, count: int = 1, at: float | None = None) -> None:
        """`count` records were read; `at` (any of them) widens the source's first and last time."""
        ...

    def reject(self, line: int, reason: str, text: bytes | str = b"") -> None:
        """One line (row) could not be read. A few are kept as examples, all are counted."""
        ...

    def duplicate(self, count: int = 1) -> None:
        """Records met before, left out."""
        ...

    def damaged(self, count: int = 1) -> None:
        """Lines read although something was wrong with them (cut, NUL bytes, bad UTF-8)."""
        ...

    def clock(self, clock: Clock) -> None:
        """What the source itself says about its zone ("stated"); otherwise the sink infers or assumes one."""
        ...

    def remark(self, text: str) -> None:
        """What the operator should know about this source; equal remarks are kept once."""
        ...


class Reader(Protocol):
    """One format."""

    kind: str
    """Its name in the table of sources: "nginx-access", "prometheus-range"."""

    def recognise(self, head: Head) -> float:
        """How sure (0 to 1) that a file beginning like this is of this format. The surest reader gets the file."""
        ...

    def read(self, source: Source, sink: Sink) -> None:
        """Read the whole source. Bad lines go to `sink.reject`; raises InputError only where nothing can be read."""
        ...


__all__ = [
    "HEAD_BYTES", "Clock", "Dose", "Event", "Head", "Limit", "Line", "Reader", "SeriesKey", "Sighting", "Sink", "Source"
]  # fmt: skip
