"""JSON read as it comes: a file of any size in the memory of one block, without a tree of all that is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

BLOCK_BYTES = 1 << 20
MAX_VALUE_BYTES = 1 << 20
"""Longest value that is read whole (labels of a series, an error message)."""

_SPACE = re.compile(rb"[\s,:]*")
_STRUCTURE = re.compile(rb'["\[\]{}]')
_QUOTE_OR_ESCAPE = re.compile(rb'["\\]')
_SCALAR_END = re.compile(rb"[\s,\]}]")
_ARRAY_END = re.compile(rb"\]\s*\]")


class CutShort(Exception):
    """The stream ended inside a value."""


class BadJson(Exception):
    """What stands here is no JSON, or a value is longer than MAX_VALUE_BYTES."""


class JsonStream:
    """A cursor over JSON text. `line` is the line it stands on, from 1.

    Separators are skipped like white space: what matters here is to lose nothing of a file that has been cut or glued
    together, not to judge its commas.
    """

    def __init__(self, stream: BinaryIO, block_bytes: int = BLOCK_BYTES) -> None:
        self._stream, self._block_bytes = stream, block_bytes
        self._buffer, self._at, self._passed = b"", 0, 1

    @property
    def line(self) -> int:
        """The number of the line that is read now."""
        return self._passed + self._buffer.count(b"\n", 0, self._at)

    def _more(self) -> bool:
        """Read a block and forget what was passed; False at the end of the stream."""
        block = self._stream.read(self._block_bytes)
        # lines are counted as blocks are forgotten, so that a rejection can name its line
        self._passed += self._buffer.count(b"\n", 0, self._at)
        self._buffer = self._buffer[self._at :] + block
        self._at = 0
        return bool(block)

    def peek(self) -> bytes:
        """The next byte that is no white space or separator; empty at the end of the stream."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            if not self._more():
                return b""

    def _take(self, expected: bytes) -> None:
        found = self.peek()
        if not found:
            raise CutShort
        if found != expected:
            raise BadJson(f"{expected.decode()!r} expected, {found!r} found")
        self._at += 1

    def members(self) -> Iterator[str]:
        """Keys (members) of the object that begins here. The caller reads or skips the value of each before the "
        "next."""
        self._take(b"{")
        while (found := self.peek()) != b"}":
            if found != b'"':
                raise CutShort if not found else BadJson(f"a key expected, {found!r} found")
            yield str(self.value())
        self._at += 1

    def items(self) -> Iterator[None]:
        """One step for each element of the array that begins here; the caller reads or skips it."""
        self._take(b"[")
        while (found := self.peek()) != b"]":
            if not found:
                raise CutShort
            yield None
        self._at += 1

    def value(self, most: int = MAX_VALUE_BYTES) -> Any:
        """The value that begins here, whole. Raises BadJson where it is longer than `most` bytes."""
        pieces = b"".join(self._pieces(most))
        try:
            return json.loads(pieces)
        except (ValueError, RecursionError) as error:
            raise BadJson(f"not JSON: {error}") from None

    def skip(self) -> None:
        """Pass the value that begins here, however long."""
        for _ in self._pieces(None):
            pass

    def _pieces(self, most: int | None) -> Iterator[bytes]:
        """The bytes of the value that begins here, piece by piece."""
        first = self.peek()
        if not first:
            raise CutShort
        size = 0
        scan = self._nested() if first in b"[{" else self._string() if first == b'"' else self._scalar()
        for piece in scan:
            size += len(piece)
            if most is not None and size > most:
                raise BadJson(f"a value of more than {most} bytes")
            yield piece

    def _until(self, pattern: re.Pattern[bytes]) -> Iterator[bytes]:
        """Pieces up to the next byte that `pattern` matches, on which the cursor then stands."""
        while (match := pattern.search(self._buffer, self._at)) is None:
            yield self._buffer[self._at :]
            self._at = len(self._buffer)
            if not self._more():
                raise CutShort
        yield self._buffer[self._at : match.start()]
        self._at = match.start()

    def _bytes(self, count: int) -> bytes:
        """The next bytes, passed."""
        while len(self._buffer) - self._at < count:
            if not self._more():
                raise CutShort
        self._at += count
        return self._buffer[self._at - count : self._at]

    def _string(self) -> Iterator[bytes]:
        yield self._bytes(1)
        while True:
            yield from self._until(_QUOTE_OR_ESCAPE)
            if self._buffer[self._at : self._at + 1] == b'"':
                yield self._bytes(1)
                return
            yield self._bytes(2)

    def _scalar(self) -> Iterator[bytes]:
        while (match := _SCALAR_END.search(self._buffer, self._at)) is None:
            piece = self._buffer[self._at :]
            self._at = len(self._buffer)
            yield piece
            if not self._more():
                return
        yield self._buffer[self._at : match.start()]
        self._at = match.start()

    def _nested(self) -> Iterator[bytes]:
        depth = 0
        while True:
            yield from self._until(_STRUCTURE)
            sign = self._buffer[self._at : self._at + 1]
            if sign == b'"':
                yield from self._string()
                continue
            depth += 1 if sign in b"[{" else -1
            yield self._bytes(1)
            if depth == 0:
                return

    def blocks(self) -> Iterator[bytes]:
        """The inside of the array of scalars or of flat arrays that begins here, in blocks of whole elements."""
        self._take(b"[")
        flat = self.peek() != b"["
        while (found := self.peek()) != b"]":
            if not found:
                raise CutShort
            last = self._last_scalar() if flat else self._last_array()
            if last > self._at:
                block = self._buffer[self._at : last]
                self._at = last
                yield block
            elif len(self._buffer) - self._at > MAX_VALUE_BYTES:
                raise BadJson(f"an element of more than {MAX_VALUE_BYTES} bytes")
            elif not self._more():
                raise CutShort
        self._at += 1

    def _last_array(self) -> int:
        end = _ARRAY_END.search(self._buffer, self._at)
        return end.start() + 1 if end else self._buffer.rfind(b"]", self._at) + 1

    def _last_scalar(self) -> int:
        end = self._buffer.find(b"]", self._at)
        return end if end >= 0 else self._buffer.rfind(b",", self._at)
