"""Reads what is in force: the index entries, remembered until they change, and the files they name."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import BinaryIO, cast

import msgspec
from isal import igzip

from floodmark.export.artifacts.entry import INDEX, Artifact, Encoding, Entry, File, decode
from floodmark.export.storage import Stat, Storage

log = logging.getLogger("floodmark.artifacts")


def read_entry(storage: Storage, slug: str) -> Entry | None:
    """The entry of a dataset; None where there is none, or none that can be read (then a build makes a new one)."""
    try:
        with storage.open(f"{slug}/{INDEX}") as file:
            return decode(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except msgspec.MsgspecError as error:
        log.error("%s/%s cannot be read and counts as absent: %s", slug, INDEX, error)
        return None


def is_stored(storage: Storage, file: File) -> bool:
    """Whether a file is there in its full length."""
    found = storage.stat(file.name)
    return found is not None and found.bytes == file.bytes


def is_intact(storage: Storage, artifact: Artifact) -> bool:
    """Whether both files of an artifact are there."""
    return is_stored(storage, artifact.xml) and is_stored(storage, artifact.gzip)


class _Unpacked(igzip.IGzipFile):
    """The contents of a packed file, which is closed with it."""

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__(fileobj=packed, mode="rb")  # type: ignore[no-untyped-call]
        self._packed = packed

    def close(self) -> None:
        super().close()
        self._packed.close()


class Shelf:
    """The index entries for readers: at most `limit` remembered, each looked at again when its file has changed."""

    def __init__(self, storage: Storage, limit: int = 4096) -> None:
        self.storage, self.limit = storage, limit
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[str, float, Entry | None]] = OrderedDict()
        self._seen: OrderedDict[str, float] = OrderedDict()

    def entry(self, slug: str) -> Entry | None:
        """The entry in force. One `stat` where nothing has changed."""
        # Without the lock: a dictionary's get is one step, and the worst that a race costs is one more look.
        known = self._known.get(slug)
        if known and time.monotonic() - known[1] < self.storage.remembers_seconds:
            return known[2]
        return self._current(slug, self.storage.stat(f"{slug}/{INDEX}"))

    def _current(self, slug: str, found: Stat | None) -> Entry | None:
        """The entry whose file looks like `found` now: the remembered one where that has not changed."""
        known, stamp, entry = self._known.get(slug), found.stamp if found else "", None
        if known and known[0] == stamp:
            entry = known[2]
        elif found:
            entry = read_entry(self.storage, slug)
        with self._lock:
            self._known[slug] = (stamp, time.monotonic(), entry)
            self._known.move_to_end(slug)
            while len(self._known) > self.limit:
                self._known.popitem(last=False)
        return entry

    def entries(self) -> Iterator[Entry]:
        """The entries of all datasets, by organisation id and kind."""
        found = {each.name.removesuffix(f"/{INDEX}"): each for each in self.storage.named(INDEX)}
        numbered = sorted((int(slug.split("/")[0]), slug) for slug in found if slug.split("/")[0].isdecimal())
        for _, slug in numbered:
            entry = self._current(slug, found[slug])
            if entry:
                yield entry

    def reader(self, artifact: Artifact, encoding: Encoding) -> BinaryIO | None:
        """An open file with exactly the bytes of the artifact in that encoding, None where they are gone.

        Where the XML alone was deleted, its gzip sibling is unpacked on the way: equal bytes, a little more CPU.
        """
        for file in (artifact.file(encoding), artifact.gzip):
            if self._stored(file) and (opened := self._open(file)):
                unpack = encoding == "identity" and file is artifact.gzip
                return cast(BinaryIO, _Unpacked(opened)) if unpack else opened
        return None

    def _open(self, file: File) -> BinaryIO | None:
        try:
            return self.storage.open(file.name)
        except FileNotFoundError:
            return None

    def has(self, artifact: Artifact, encoding: Encoding) -> bool:
        """Whether `reader` would find something, without opening it."""
        return self.has_own(artifact, encoding) or (encoding == "identity" and self.has_own(artifact, "gzip"))

    def has_own(self, artifact: Artifact, encoding: Encoding) -> bool:
        """Whether the file of that very encoding is there."""
        return self._stored(artifact.file(encoding))

    def _stored(self, file: File) -> bool:
        """`is_stored`, believed for a while where asking the store is dear."""
        now, trust = time.monotonic(), self.storage.remembers_seconds
        if trust and now - self._seen.get(file.name, -trust) < trust:
            return True
        found = is_stored(self.storage, file)
        if trust and found:
            with self._lock:
                self._seen[file.name] = now
                while len(self._seen) > self.limit:
                    self._seen.popitem(last=False)
        return found
