"""Writes one artifact: XML and gzip sibling side by side, hashes on the way, in memory that does not depend on size."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from isal import isal_zlib

from floodmark.errors import FloodmarkError
from floodmark.export.artifacts.entry import Artifact, File
from floodmark.export.storage import Storage

BLOCK_BYTES = 1 << 18
"""Pieces are made into blocks of this size before they are hashed, compressed and written."""

GZIP_LEVEL = 3  # 311 MB/s here, a ratio of 8.9; level 2: 769 and 8.3; the writer of XML makes a tenth of that
GZIP_WINDOW = 31  # 15 bits and a gzip header, whose time stays 0: equal bytes in, equal bytes out

_STAMP = re.compile(rb'(\sgenerated-datetime=")([^"]*)(")')

Progress = Callable[[int], None]
"""Told how many bytes were written since it was last told; may raise to stop the writing."""


def stamped(head: bytes, generated: datetime | None) -> bytes:
    """`head`, which holds the root's start tag, with its generated-datetime set; None blanks it."""
    text = f"{generated:%Y-%m-%dT%H:%M:%SZ}".encode() if generated else b""
    return _STAMP.sub(lambda found: found[1] + text + found[3], head, count=1)


def blank_hash(head: bytes) -> Any:
    """A hash that has seen `head` as if it had no generated-datetime; feed it the rest of the content."""
    # As the bulk service tells an export that is stable but for its date from a changed one.
    return hashlib.sha256(stamped(head, None))


@dataclass
class Sink:
    """Takes bytes, and says at the end what became of them."""

    xml: BinaryIO
    gzip: BinaryIO
    head: bytes
    progress: Progress
    _waiting: bytearray = field(default_factory=bytearray)
    _head_left: int = 0
    _bytes: int = 0
    _gzip_bytes: int = 0

    def __post_init__(self) -> None:
        self._sha, self._gzip_sha, self._content = hashlib.sha256(), hashlib.sha256(), blank_hash(self.head)
        self._compress = isal_zlib.compressobj(GZIP_LEVEL, isal_zlib.DEFLATED, GZIP_WINDOW)
        # ISA-L codes a short first input badly and sticks to it (three times the size): the head waits for a block.
        self._waiting += self.head
        self._head_left = len(self.head)

    def write(self, data: bytes) -> None:
        """Take some more."""
        self._waiting += data
        if len(self._waiting) >= BLOCK_BYTES:
            self._write_blocks()

    def _write_blocks(self) -> None:
        # Always blocks of one size: what a compressor makes depends on how it is fed, and equal files must be equal.
        done = 0
        with memoryview(self._waiting) as view:
            while len(view) - done >= BLOCK_BYTES:
                self._write(view[done : done + BLOCK_BYTES])
                done += BLOCK_BYTES
        del self._waiting[:done]

    def _write(self, block: memoryview) -> None:
        self._content.update(block[self._head_left :])
        self._head_left = 0
        self._sha.update(block)
        self.xml.write(block)
        self._bytes += len(block)
        self._write_gzip(self._compress.compress(block))
        self.progress(len(block))

    def _write_gzip(self, data: bytes) -> None:
        self._gzip_sha.update(data)
        self.gzip.write(data)
        self._gzip_bytes += len(data)

    def finish(self, xml_name: str, gzip_name: str, generated: datetime, activities: int) -> Artifact:
        """Write what is left. The files are whole and durable when the block that opened them is left."""
        with memoryview(self._waiting) as view:
            self._write(view)
        self._write_gzip(self._compress.flush())
        return Artifact(
            xml=File(xml_name, self._bytes, self._sha.hexdigest()),
            gzip=File(gzip_name, self._gzip_bytes, self._gzip_sha.hexdigest()),
            content_sha256=self._content.hexdigest(),
            generated=generated,
            activities=activities,
        )


@dataclass
class Writer:
    """Makes artifacts in a store, and remembers every file it has made so that a failed build can take them away."""

    storage: Storage
    progress: Progress
    made: list[str] = field(default_factory=list)

    @contextmanager
    def sink(self, name: str, head: bytes) -> Iterator[Sink]:
        """A sink for the artifact whose XML is called `name`."""
        self.made += [name, name + ".gz"]
        with self.storage.create(name) as xml, self.storage.create(name + ".gz") as gzip:
            yield Sink(xml, gzip, head, self.progress)

    def write(self, name: str, head: bytes, blocks: Iterable[bytes], generated: datetime, activities: int) -> Artifact:
        """One artifact from its head (stamped here) and the blocks that follow it."""
        with self.sink(name, stamped(head, generated)) as sink:
            for block in blocks:
                sink.write(block)
            return sink.finish(name, name + ".gz", generated, activities)

    def discard(self, artifact: Artifact) -> None:
        """Delete an artifact made here that turned out to be needless."""
        for name in (artifact.xml.name, artifact.gzip.name):
            self.storage.delete(name)
            self.made.remove(name)

    def undo(self) -> None:
        """Delete all that was made, as far as the store lets us: the next build sweeps what stays."""
        for name in self.made:
            with suppress(OSError):
                self.storage.delete(name)


def blocks_of(file: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    """`length` bytes of `file` from `start` on, in blocks. Raises FloodmarkError where the file ends before."""
    file.seek(start)
    while length > 0:
        block = file.read(min(BLOCK_BYTES, length))
        if not block:
            raise FloodmarkError(f"a file being built has lost its last {length} bytes; the build must run again")
        length -= len(block)
        yield block
