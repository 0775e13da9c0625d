"""Following a log file as it grows: rotation, truncation, copytruncate, a file that comes back, a line half written.

A file is known by device and inode, not by name. What has been read is remembered (path, inode, offset, line), so that
a watch that was killed goes on where it stopped and reads no line twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FINGERPRINT_BYTES = 256


@dataclass(frozen=True, slots=True)
class Position:
    """How far one file has been read: whole lines only. `line` is the number of the next line."""

    device: int
    inode: int
    offset: int
    line: int = 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines that were added, with the number of the first; `position` is where to go on after them."""

    data: bytes
    first_line: int
    position: Position
    remark: str | None = None


class Follower:
    """One path. Every call of `read` brings at most `max_bytes`, cut at the end of a line.

    A line longer than `max_bytes` is brought in pieces, so that one endless line cannot hold up the rest. What is left
    in a file that was renamed is read from the open handle before the new file is begun.
    """

    def __init__(self, path: Path, position: Position | None, *, max_bytes: int, from_start: bool = False) -> None:
        self.path, self.max_bytes = path, max_bytes
        self.position = position
        self._from_start = from_start
        self._handle: int | None = None
        self._known = b""

    def read(self) -> Chunk | None:
        """What was added since, or None where nothing was. Raises OSError where the file cannot be opened."""
        if self._handle is None:
            self._open()
        if self._handle is None:
            return None
        # The open file first, whatever its name leads to now: what was written before a rotation is in it.
        chunk = self._next()
        if chunk is None and self._was_replaced():
            return self._turn_over()
        return chunk

    def close(self) -> None:
        """Close the file; the position stays."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _open(self) -> None:
        # Not blocking: opening a FIFO that nobody writes to would wait for ever, and all other collectors with it.
        try:
            self._handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            # A file that comes back is read from its start: all of it is new.
            self._from_start = True
            return
        status = os.fstat(self._handle)
        known = self.position
        if known and (known.device, known.inode) == (status.st_dev, status.st_ino) and known.offset <= status.st_size:
            pass
        elif known or self._from_start:
            self.position = Position(status.st_dev, status.st_ino, 0)
        else:
            self.position = self._at_the_end(status.st_size)
        self._known = os.pread(self._handle, FINGERPRINT_BYTES, 0)

    def _at_the_end(self, size: int) -> Position:
        assert self._handle is not None
        status = os.fstat(self._handle)
        lines = _count_lines(self._read_at, size)
        return Position(status.st_dev, status.st_ino, lines[1], lines[0] + 1)

    def _read_at(self, count: int, offset: int) -> bytes:
        assert self._handle is not None
        return os.pread(self._handle, count, offset)

    def _next(self) -> Chunk | None:
        assert self.position is not None
        assert self._handle is not None
        remark = self._start_over_if_cut()
        here = self.position
        data = os.pread(self._handle, self.max_bytes, here.offset)
        end = data.rfind(b"\n") + 1
        if not end:
            if len(data) < self.max_bytes:
                return None
            end = len(data)
        data = data[:end]
        self.position = Position(here.device, here.inode, here.offset + end, here.line + data.count(b"\n"))
        return Chunk(data, here.line, self.position, remark)

    def _start_over_if_cut(self) -> str | None:
        """copytruncate and `> file`: the same inode, but shorter, or other bytes at its start."""
        assert self.position is not None
        assert self._handle is not None
        # Cut, and longer again than the offset by the next round: only its first bytes tell.
        head = os.pread(self._handle, FINGERPRINT_BYTES, 0)
        shorter = os.fstat(self._handle).st_size < self.position.offset
        rewritten = bool(self._known) and not head.startswith(self._known[: len(head)])
        if len(head) > len(self._known) or shorter or rewritten:
            self._known = head
        if not (shorter or rewritten):
            return None
        self.position = Position(self.position.device, self.position.inode, 0)
        return f"{self.path}: was cut to nothing and begun anew; lines written just before may be lost"

    def _was_replaced(self) -> bool:
        assert self.position is not None
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            # Renamed, and the new one not yet begun: programs write to the old one until they open their log again.
            return False
        return (status.st_dev, status.st_ino) != (self.position.device, self.position.inode)

    def _turn_over(self) -> Chunk | None:
        """The name leads to another file now, and the old one is read to its end, a last line without an end too."""
        assert self.position is not None
        assert self._handle is not None
        here = self.position
        rest = os.pread(self._handle, self.max_bytes, here.offset)
        if rest:
            self.position = Position(here.device, here.inode, here.offset + len(rest), here.line)
            return Chunk(rest + b"\n", here.line, self.position, f"{self.path}: rotated in the middle of a line")
        self.close()
        self._from_start, self.position = True, None
        self._open()
        return self._next() if self._handle is not None else None


def _count_lines(read_at: Callable[[int, int], bytes], size: int) -> tuple[int, int]:
    """(line ends, offset after the last of them) in the first `size` bytes, read in blocks."""
    lines = end = offset = 0
    while offset < size and (block := read_at(min(1 << 20, size - offset), offset)):
        lines += block.count(b"\n")
        if b"\n" in block:
            end = offset + block.rfind(b"\n") + 1
        offset += len(block)
    return lines, end
