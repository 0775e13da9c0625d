"""Compressed files as streams that end where the good bytes end: cut, damaged and concatenated archives read as far as
they go, and say so. The kind is told by the first bytes, never by the name.
"""

from __future__ import annotations

import bz2
import codecs
import importlib
import io
import lzma
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from isal import igzip_lib

COMPRESSED_READ_BYTES = 1 << 18
OUTPUT_BYTES = 1 << 13
"""Output asked for at once. What a call was making when it meets damage is lost, so small: a wrong checksum at the end
of a file cost its last megabyte, and a small file all it had."""


_BROKEN: tuple[Any, ...] = (igzip_lib.IsalError, lzma.LZMAError, OSError, EOFError, ValueError)


def _zstd() -> Callable[[], Any] | None:
    """The standard library reads zstd from Python 3.14 on."""
    try:
        return cast(Callable[[], Any], importlib.import_module("compression.zstd").ZstdDecompressor)
    except ModuleNotFoundError:
        return None


DECOMPRESSORS: tuple[tuple[bytes, str, Callable[[], Any] | None], ...] = (
    (b"\x1f\x8b", "gzip", lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", "xz", lzma.LZMADecompressor),
    (b"\x28\xb5\x2f\xfd", "zstd", _zstd()),
)
"""First bytes, name, and what makes a decompressor (None: this Python cannot read it)."""


def compression_of(head: bytes) -> tuple[bytes, str, Callable[[], Any] | None] | None:
    """The row of DECOMPRESSORS for a file that begins with `head`."""
    return next((row for row in DECOMPRESSORS if head.startswith(row[0])), None)


class Inflating(io.RawIOBase):
    """The decompressed bytes of an archive of one or more members. Never raises for bad content: calls `remark`."""

    def __init__(self, raw: BinaryIO, magic: bytes, make: Callable[[], Any], remark: Callable[[str], None]) -> None:
        self._raw, self._magic, self._make, self._remark = raw, magic, make, remark
        self._member = make()
        self._waiting = b""
        self._out = b""
        self._done = False
        self._bytes_out = 0

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as one piece of output goes; 0 at the end."""
        if not self._out:
            self._out = self._more()
        size = min(len(buffer), len(self._out))
        buffer[:size] = self._out[:size]
        self._out = self._out[size:]
        return size

    def close(self) -> None:
        """Close the file below as well."""
        self._raw.close()
        super().close()

    def _more(self) -> bytes:
        while not self._done:
            if self._member.eof and not self._next_member():
                break
            if not self._waiting and self._member.needs_input:
                self._waiting = self._raw.read(COMPRESSED_READ_BYTES)
                if not self._waiting:
                    return self._end(f"the archive is cut: it ends after {self._bytes_out} bytes of content")
            try:
                piece: bytes = self._member.decompress(self._waiting, OUTPUT_BYTES)
            except _BROKEN as error:
                return self._end(f"the archive is damaged after {self._bytes_out} bytes of content: {error}")
            self._waiting = b""
            self._bytes_out += len(piece)
            if piece:
                return piece
        return b""

    def _next_member(self) -> bool:
        rest = self._member.unused_data or self._raw.read(COMPRESSED_READ_BYTES)
        while len(rest) < len(self._magic) and (more := self._raw.read(COMPRESSED_READ_BYTES)):
            rest += more
        if rest.startswith(self._magic):
            self._member, self._waiting = self._make(), rest
            return True
        if rest.strip(b"\0"):
            self._remark("bytes after the end of the archive were left out")
        self._done = True
        return False

    def _end(self, why: str) -> bytes:
        self._remark(why)
        self._done = True
        return b""


class Recoded(io.RawIOBase):
    """UTF-16 as UTF-8. What is no UTF-16 becomes the replacement character."""

    def __init__(self, raw: BinaryIO, encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._out = b""

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`; 0 at the end."""
        while not self._out:
            piece = self._raw.read(COMPRESSED_READ_BYTES)
            self._out = self._decoder.decode(piece, final=not piece).encode("utf-8", "replace")
            if not piece:
                break
        size = min(len(buffer), len(self._out))
        buffer[:size] = self._out[:size]
        self._out = self._out[size:]
        return size

    def close(self) -> None:
        """Close the stream below as well."""
        self._raw.close()
        super().close()


def encoding_of(head: bytes) -> tuple[str | None, int]:
    """(encoding to read with where it is not UTF-8, bytes of byte-order mark to leave out) of a text's first bytes."""
    if head.startswith(codecs.BOM_UTF8):
        return None, len(codecs.BOM_UTF8)
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    sample = head[:2048]
    # ASCII text in UTF-16 without a mark: every other byte is NUL, and no NUL stands on the other side
    if len(sample) >= 16:
        odd, even = sample[1::2].count(0), sample[::2].count(0)
        if odd > 0.4 * len(sample) and even == 0:
            return "utf-16-le", 0
        if even > 0.4 * len(sample) and odd == 0:
            return "utf-16-be", 0
    return None, 0
