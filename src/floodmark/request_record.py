"""The request record: one line of JSON per request, written by the export and read by the watch.

    {"v":1,"at":"2026-11-24T18:33:00.123Z","seconds":0.0021,"method":"GET","path":"/organisation/41/iati/",
     "status":200,"sent":7059063,"complete":true,"route":"activities","first_byte_seconds":0.0012,
     "promised":7059063,"encoding":"gzip","outcome":"stored","dataset":"41/activities","client":"192.0.2.7",
     "agent":"IATI Bulk Data Service 0.1","pid":4711,"rss":61440000}

A line has at most `MAX_LINE_BYTES` bytes, whatever a client sends: text is cut, so that lines of several processes,
written with one system call each, never run into each other. Values that are not known are null. docs/serving.md
explains each field.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

log = logging.getLogger("floodmark.records")

VERSION = 1
MAX_LINE_BYTES = 4096
MAX_CHARACTERS = {"path": 500, "agent": 200, "client": 60, "dataset": 60, "method": 20, "encoding": 20, "outcome": 30}
"""Longest text of each field; all are cut further where their escapes would not fit the line."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request, from its arrival to the close of its response.

    at, seconds, first_byte_seconds   seconds since the epoch (UTC); duration until close, until the first body byte
    route, dataset, outcome           which rule answered, about which dataset, and how ("stored", "building", ...)
    sent, promised, complete          body bytes the client's socket took; Content-Length; whether all of the body went
    rss                               resident memory of the process when the response closed, bytes
    """

    at: float
    seconds: float
    method: str
    path: str
    status: int
    sent: int
    complete: bool
    route: str = ""
    first_byte_seconds: float | None = None
    promised: int | None = None
    encoding: str | None = None
    outcome: str | None = None
    dataset: str | None = None
    client: str | None = None
    agent: str | None = None
    pid: int | None = None
    rss: int | None = None


def encode(record: RequestRecord) -> bytes:
    """The line, with its end."""
    at = datetime.fromtimestamp(record.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields: dict[str, Any] = {"v": VERSION, **asdict(record), "at": at}
    for name in ("seconds", "first_byte_seconds"):
        if fields[name] is not None:
            fields[name] = round(fields[name], 6)
    share = 1
    while True:
        for name, longest in MAX_CHARACTERS.items():
            if isinstance(fields[name], str):
                fields[name] = fields[name][: longest // share]
        line = json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"
        if len(line) <= MAX_LINE_BYTES:
            return line
        share *= 2


def decode(line: bytes | str) -> RequestRecord:
    """The record in a line. Raises ValueError for a line that is none, or of a version this code does not know."""
    fields = json.loads(line)
    if not isinstance(fields, dict) or fields.pop("v", None) != VERSION:
        raise ValueError(f"not a request record of version {VERSION}")
    try:
        at = datetime.fromisoformat(fields.pop("at")).timestamp()
        return RequestRecord(at=at, **fields)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a request record: {error}") from None


class Records(Protocol):
    """Where records go."""

    def write(self, record: RequestRecord) -> None:
        """Keep one. Never raises: a full disk must not stop the service."""


class RecordFile:
    """Appends to a file that all processes share; the one that fills it puts it aside as `.1` and begins it anew."""

    def __init__(self, path: Path, *, max_bytes: int, keep: int) -> None:
        self.path, self.max_bytes, self.keep = path, max_bytes, keep
        self.lost = 0
        """Records that could not be written."""
        self._lock = threading.Lock()
        self._handle: int | None = None

    def write(self, record: RequestRecord) -> None:
        line = encode(record)
        with self._lock:
            try:
                handle = self._handle if self._handle is not None else self._open()
                os.write(handle, line)
                if os.fstat(handle).st_size > self.max_bytes:
                    self._turn(handle)
            except OSError as error:
                if self.lost == 0:
                    log.warning("%s: request records are being lost: %s", self.path, error.strerror)
                self.lost += 1

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        return self._handle

    def _turn(self, full: int) -> None:
        """Put the full file aside, or only follow where another process has done so."""
        lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_WRONLY | os.O_CREAT, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.path.exists() and os.path.samestat(os.stat(self.path), os.fstat(full)):
                names = [self.path, *(self.path.with_name(f"{self.path.name}.{n}") for n in range(1, self.keep + 1))]
                for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
                    if newer.exists():
                        newer.replace(older)
                if self.keep == 0:
                    self.path.unlink()
        finally:
            os.close(lock)
        os.close(full)
        self._handle = None


class RecordStream:
    """Writes to an open file descriptor, such as standard output."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def write(self, record: RequestRecord) -> None:
        """One system call a line."""
        try:
            os.write(self.handle, encode(record))
        except OSError:
            return


class NoRecords:
    """Keeps none."""

    def write(self, record: RequestRecord) -> None:
        """Nothing."""


def open_records(setting: str, folder: Path, *, max_mb: int, keep: int) -> Records:
    """Where the setting `request_log` says: a file below `folder`, "-" for standard output, "" for nowhere."""
    if not setting:
        return NoRecords()
    if setting == "-":
        return RecordStream(1)
    return RecordFile(folder / setting, max_bytes=max_mb * 10**6, keep=keep)
