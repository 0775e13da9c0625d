"""One file of evidence, opened: decompressed, decoded, and handed out in whole lines of bounded length.

What is wrong with the bytes is mended where that loses nothing (byte-order marks, CR LF, colours, NUL bytes) and
counted as damage; memory is bounded by `max_line_bytes` and the size of a block, whatever the file holds.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, cast

import numpy as np

from floodmark.errors import InputError
from floodmark.evidence.readers import HEAD_BYTES, Head, Line
from floodmark.evidence.sources_archive import Inflating, Recoded, compression_of, encoding_of

BLOCK_BYTES = 1 << 22
MAX_LINE_BYTES = 1 << 20
MAX_PACKINGS = 2
"""How often a file may have been compressed: twice happens, when a rotation packs what was packed."""

_COLOUR = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")


@dataclass(slots=True, eq=False)
class FileSource:
    """A file as a `readers.Source`. `damaged` and `remarks` say what was mended; `cut_line` has no end."""

    file: str | os.PathLike[str]
    path: str
    family: str = ""
    service: str | None = None
    zone: str | None = None
    modified: float | None = None
    size: int = 0
    max_line_bytes: int = MAX_LINE_BYTES
    damaged: int = 0
    lines_read: int = 0
    bytes_read: int = 0
    cut_line: int | None = None
    damaged_archive: bool = False
    remarks: list[str] = field(default_factory=list)

    def remark(self, text: str) -> None:
        """Keep a remark, once."""
        if text not in self.remarks:
            self.remarks.append(text)

    def stream(self) -> BinaryIO:
        """The bytes, decompressed, in UTF-8, without byte-order mark. Raises InputError where it cannot be opened."""
        try:
            raw: BinaryIO = open(self.file, "rb")  # noqa: SIM115 - closed by whoever reads the stream
        except OSError as error:
            raise InputError(f"cannot be opened: {error.strerror or error}", self.path) from None
        try:
            return self._decoded(self._inflated(raw))
        except BaseException:
            raw.close()
            raise

    def _inflated(self, raw: BinaryIO) -> io.BufferedReader:
        stream = cast(io.BufferedReader, raw)
        # by the first bytes and not by the name: logrotate leaves .gz that are plain, and plain names that are packed
        for _ in range(MAX_PACKINGS):
            packed = compression_of(_peek(stream, self.path)[:8])
            if packed is None:
                break
            magic, name, make = packed
            if make is None:
                raise InputError(f"compressed with {name}, which this Python cannot read: unpack it first", self.path)
            stream = io.BufferedReader(Inflating(stream, magic, make, self._archive_damaged), 1 << 20)
        return stream

    def _archive_damaged(self, why: str) -> None:
        self.damaged_archive = True
        self.remark(why)

    def _decoded(self, stream: io.BufferedReader) -> BinaryIO:
        encoding, mark = encoding_of(_peek(stream, self.path))
        stream.read(mark)
        if encoding is None:
            return stream
        self.remark(f"read as {encoding.upper()}")
        return io.BufferedReader(Recoded(stream, encoding), 1 << 20)

    def head(self) -> Head:
        """The first bytes, for recognition."""
        with self.stream() as stream:
            data = _read_fully(stream, HEAD_BYTES + 1, self.path)
            hole = bool(data)
            while data and not data.strip(b"\0"):  # a hole
                data = _read_fully(stream, BLOCK_BYTES, self.path)
        if hole and not data:
            self.remark("nothing but NUL bytes")
        data = data.lstrip(b"\0") if len(data) > HEAD_BYTES + 1 else data
        complete = len(data) <= HEAD_BYTES
        data = data[:HEAD_BYTES]
        pieces = data.replace(b"\0", b"").split(b"\n")
        last = pieces.pop()
        if last and (complete or not pieces):
            pieces.append(last)
        return Head(data, complete, tuple(_plain(piece) for piece in pieces))

    def blocks(self, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[int, bytes]]:
        """(number of the first line, whole lines each with its end) in blocks of about `block_bytes`."""
        number = 1
        with self.stream() as stream:
            for block in _whole_lines(stream, block_bytes, self):
                mended = self._mend(block)
                first, cut = number, not mended.endswith(b"\n")
                number += ends_in(mended) + cut
                self.bytes_read += len(block)
                self.lines_read = number - 1
                if cut:
                    self.cut_line = number - 1  # before the line is handed out: whoever reads it asks
                yield first, mended

    def lines(self) -> Iterator[Line]:
        """Every line, without its end."""
        for first, block in self.blocks(1 << 19):
            pieces = block.split(b"\n")
            if not pieces[-1]:
                pieces.pop()
            for number, piece in enumerate(pieces, first):
                yield Line(number, piece)

    def _mend(self, block: bytes) -> bytes:
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        if b"\0" in block or b"\x1b" in block:
            # counted by line and not by byte: the row says how many lines were mended
            self.damaged += sum(b"\0" in line for line in block.split(b"\n"))
            block = _COLOUR.sub(b"", block.replace(b"\0", b""))
        # isascii is a scan of C at GB/s; only blocks with other bytes are decoded to see whether they are UTF-8
        if not block.isascii():
            try:
                block.decode("utf-8")
            except UnicodeDecodeError:
                self.damaged += sum(not _is_utf8(line) for line in block.split(b"\n"))
        return block


def ends_in(block: bytes) -> int:
    """How many line ends there are: four times as fast as bytes.count where they are many."""
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == 10))


def _peek(stream: io.BufferedReader, path: str) -> bytes:
    try:
        return stream.peek(4096)[:4096]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path) from None


def _read_fully(stream: BinaryIO, size: int, path: str) -> bytes:
    pieces, missing = [], size
    try:
        while missing and (piece := stream.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path) from None
    return b"".join(pieces)


def _plain(line: bytes) -> bytes:
    return _COLOUR.sub(b"", line.rstrip(b"\r"))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _whole_lines(stream: BinaryIO, block_bytes: int, source: FileSource) -> Iterator[bytes]:
    """Blocks that end at a line's end; a line longer than `max_line_bytes` is cut there and its rest dropped."""
    carry = b""
    dropping = False
    while True:
        try:
            piece = stream.read(block_bytes)
        except OSError as error:
            source.remark(f"reading stopped: {error.strerror or error}")
            piece = b""
        if not piece:
            break
        if dropping:
            end = piece.find(b"\n")
            if end < 0:
                continue
            piece, dropping = piece[end:], False
        # copytruncate while the writer keeps its place leaves a hole of NULs before the first new line
        if not carry and piece.startswith(b"\0"):
            piece = piece.lstrip(b"\0")
            source.remark("a run of NUL bytes was left out: a hole, as copytruncate leaves it")
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield from _bounded(carry + piece[:cut], source)
            carry = piece[cut:]
        else:
            carry += piece
        if len(carry) > source.max_line_bytes:
            source.damaged += 1
            source.remark(f"a line of more than {source.max_line_bytes} bytes was cut")
            carry, dropping = carry[: source.max_line_bytes], True
    if carry:
        yield carry


def _bounded(block: bytes, source: FileSource) -> Iterator[bytes]:
    """The block with its overlong lines cut; blocks without one pass as they are."""
    limit = source.max_line_bytes
    half = max(limit // 2, 1)
    # a line longer than the limit covers at least one whole window of half of it
    if all(block.find(b"\n", start, start + half) >= 0 for start in range(0, len(block) - half, half)):
        yield block
        return
    lines = block.split(b"\n")
    long = [line for line in lines if len(line) > limit]
    if not long:
        yield block
        return
    source.damaged += len(long)
    source.remark(f"a line of more than {limit} bytes was cut")
    yield b"\n".join(line[:limit] for line in lines)
