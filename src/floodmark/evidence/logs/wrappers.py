"""What container runtimes and tools put around a line: taken off one by one, each keeping what it knows.

Docker's json-file and CRI split long lines into fragments that are joined again per stream. `kubectl logs --prefix` and
--timestamps, Compose and syslog write something before the line.
"""

from __future__ import annotations

import re
from typing import Protocol

import msgspec

from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import Entry

MAX_JOINED_BYTES = 1 << 20


class Wrapper(Protocol):
    """One kind of wrapping. It keeps the fragments of lines that are not whole yet."""

    name: str

    @staticmethod
    def matches(data: bytes) -> bool:
        """Whether a line looks wrapped like this."""
        ...

    def peel(self, entry: Entry) -> Entry | None:
        """The entry without this wrapping; itself where it is not wrapped; None while a line is not whole."""
        ...


class Fragments:
    """Pieces of a line per stream, up to MAX_JOINED_BYTES."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[bytes]] = {}
        self._sizes: dict[str, int] = {}

    def add(self, stream: str, piece: bytes) -> None:
        """Keep a piece that is not the last one."""
        size = self._sizes.get(stream, 0) + len(piece)
        self._sizes[stream] = size
        if size <= MAX_JOINED_BYTES:
            self._pieces.setdefault(stream, []).append(piece)

    def joined(self, stream: str, piece: bytes) -> bytes:
        """The whole line that ends with `piece`."""
        before = self._pieces.pop(stream, None)
        self._sizes.pop(stream, None)
        return b"".join((*before, piece)) if before else piece


class DockerLine(msgspec.Struct):
    """A line of Docker's json-file driver."""

    log: str
    stream: str = ""
    time: str = ""


_DOCKER = msgspec.json.Decoder(DockerLine)


class Docker:
    """`{"log":"built 42\\n","stream":"stdout","time":"2025-09-02T06:15:15.120934Z"}`"""

    name = "docker"

    def __init__(self) -> None:
        self._fragments = Fragments()

    @staticmethod
    def matches(data: bytes) -> bool:
        """A JSON object that begins with the log."""
        return data.startswith(b'{"log":') and b'"stream":' in data

    def peel(self, entry: Entry) -> Entry | None:
        """A `log` without a line end is a fragment."""
        if not entry.data.startswith(b"{"):
            return entry
        try:
            line = _DOCKER.decode(entry.data)
            at = times.stamp(line.time.encode())[0] if line.time else None
        except (ValueError, RecursionError):  # of the JSON, of its UTF-8, or of the time
            return entry
        data = line.log.encode("utf-8", "surrogateescape")
        if not data.endswith(b"\n"):
            self._fragments.add(line.stream, data)
            return None
        whole = self._fragments.joined(line.stream, data[:-1].rstrip(b"\r"))
        return entry._replace(data=whole, at=at, stream=line.stream)


_CRI = re.compile(
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([PF])(?::\S*)? (.*)\Z", re.DOTALL
)


class Cri:
    """`2025-09-02T06:15:15.120934871Z stderr F upstream slow`"""

    name = "cri"

    def __init__(self) -> None:
        self._fragments = Fragments()

    @staticmethod
    def matches(data: bytes) -> bool:
        """Time, stream and P or F."""
        return _CRI.match(data) is not None

    def peel(self, entry: Entry) -> Entry | None:
        """Fragments (P) join until the last one (F) of the same stream."""
        match = _CRI.match(entry.data)
        if match is None:
            return entry
        stream = match[2].decode()
        if match[3] == b"P":
            self._fragments.add(stream, match[4])
            return None
        try:
            at = times.stamp(match[1])[0]
        except ValueError:
            return entry
        return entry._replace(data=self._fragments.joined(stream, match[4]), at=at, stream=stream)


_PREFIX = re.compile(rb"\[pod/([\w.-]+)/([\w.-]+)\] (.*)\Z", re.DOTALL)


class KubectlPrefix:
    """`[pod/rsr-abc/rsr-backend] line`, of `kubectl logs --prefix`."""

    name = "kubectl"

    @staticmethod
    def matches(data: bytes) -> bool:
        """Pod and container in brackets."""
        return _PREFIX.match(data) is not None

    def peel(self, entry: Entry) -> Entry | None:
        """Pod and container become instance and service."""
        match = _PREFIX.match(entry.data)
        if match is None:
            return entry
        return entry._replace(data=match[3], instance=match[1].decode(), service=match[2].decode())


_STAMPED = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}(?:Z|[+-]\d\d:\d\d)) (.*)\Z", re.DOTALL)


class Stamped:
    """`2025-09-02T06:15:15.120934871Z line`, of --timestamps of kubectl and docker."""

    name = "timestamps"

    @staticmethod
    def matches(data: bytes) -> bool:
        """A time with a fraction and a zone before the line."""
        return _STAMPED.match(data) is not None

    def peel(self, entry: Entry) -> Entry | None:
        """The time of the collector."""
        match = _STAMPED.match(entry.data)
        if match is None:
            return entry
        try:
            return entry._replace(data=match[2], at=times.stamp(match[1])[0])
        except ValueError:
            return entry


_COMPOSE = re.compile(rb"([a-z0-9][\w.-]{0,60}?)(?:[-_](\d{1,3}))? +\| (.*)\Z", re.DOTALL)


class Compose:
    """`rsr-backend-1  | line`, of docker compose logs."""

    name = "compose"

    @staticmethod
    def matches(data: bytes) -> bool:
        """A name and a bar."""
        return _COMPOSE.match(data[:200]) is not None

    def peel(self, entry: Entry) -> Entry | None:
        """The name becomes the service, its number the instance."""
        match = _COMPOSE.match(entry.data)
        if match is None:
            return entry
        instance = match[2].decode() if match[2] else entry.instance
        return entry._replace(data=match[3], service=match[1].decode(), instance=instance)


_SYSLOG = re.compile(
    rb"(?:<\d{1,3}>)?(?:1 )?"
    rb"(?:(?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]\d) (?P<clock>\d\d:\d\d:\d\d)(?:\.\d{1,6})?"
    rb"|(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d))"
    rb"|(?P<epoch>\d{10}(?:\.\d{1,6})?)"
    rb"|[A-Z][a-z]{2} (?P<full>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) (?P<zone>[A-Z]{1,5}|[+-]\d\d(?::?\d\d)?)) "
    rb"(?P<host>[\w.-]+) (?P<program>[\w./@-]+)(?:\[\d+\])?: (?P<line>.*)\Z",
    re.DOTALL,
)
"""Syslog (RFC 3164, or with RFC 3339 times) and journalctl's short, short-iso, short-precise, short-full, short-unix."""


class Syslog:
    """`Sep  2 06:15:11 host gunicorn[23]: line`, of syslog and journalctl.

    The usual form states neither year nor zone: its time dates only lines that have none of their own. `written` says
    when the file was, and so the year.
    """

    name = "syslog"

    def __init__(self) -> None:
        self.written: float | None = None

    @staticmethod
    def matches(data: bytes) -> bool:
        """Month, day, time, host and program."""
        return _SYSLOG.match(data[:400]) is not None

    def peel(self, entry: Entry) -> Entry | None:
        """The host becomes the instance."""
        match = _SYSLOG.match(entry.data)
        if match is None:
            # `-- Logs begin at …`, `-- Reboot --`: headings of journalctl
            return entry._replace(data=b"") if entry.data.startswith(b"-- ") and entry.data.endswith(b" --") else entry
        try:
            at, wall = self._time(match)
        except ValueError:
            return entry
        return entry._replace(
            data=match["line"], at=entry.at if at is None else at, wall=wall, instance=match["host"].decode(),
            program=match["program"].decode(),
        )  # fmt: skip

    def _time(self, match: re.Match[bytes]) -> tuple[float | None, float | None]:
        """(UTC, wall clock), of which one is known, or neither."""
        if match["stamp"]:
            return times.stamp(match["stamp"])[0], None
        if match["epoch"]:
            return float(match["epoch"]), None
        if match["full"]:
            at, zone = times.stamp(match["full"])[0], match["zone"]
            if zone[:1] in b"+-":
                return at - times.offset_seconds(zone), None
            hours = times.ABBREVIATIONS.get(zone)
            return (None, at) if hours is None else (at - hours * 3600, None)
        if self.written is None:
            return None, None
        second = times.time_of_day(match["clock"])
        return None, times.yearless(match["month"], int(match["day"]), second, self.written)


WRAPPERS: tuple[type[Wrapper], ...] = (Docker, Cri, KubectlPrefix, Compose, Stamped, Syslog)
"""In the order in which they are looked for."""

MAX_DEPTH = 3
