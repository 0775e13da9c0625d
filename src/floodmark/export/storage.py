"""Where artifacts lie: a folder of this machine, or any store that fsspec reaches. One small protocol, two classes.

Names are relative with `/` between the parts ("41/activities/index.json"). Files are written under names that nothing
refers to yet; `put` alone replaces something that is referred to, and it does so in one step. A killed writer therefore
leaves files that nobody reads, never a half-written one that somebody does.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlsplit

from floodmark.errors import CannotStart, CannotWrite

WRITE_BUFFER_BYTES = 1 << 20
FULL = {errno.ENOSPC: "no space left", errno.EDQUOT: "disk quota reached", errno.EFBIG: "file size limit reached"}


@dataclass(frozen=True, slots=True)
class Stat:
    """A file's size, and a stamp that differs whenever the file has been replaced."""

    name: str
    bytes: int
    stamp: str


class Storage(Protocol):
    """What artifacts need of a store. Reading a missing file raises FileNotFoundError; failing writes CannotWrite."""

    remembers_seconds: float
    """For how long a reader may trust what it saw of an index: 0 where looking again costs nothing."""

    def create(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A new file, durable once the block is left; gone if the block raises."""

    def put(self, name: str, data: bytes) -> None:
        """Replace the whole of `name` in one step."""

    def open(self, name: str) -> BinaryIO:
        """A seekable reader that goes on working when the file is deleted behind it (local folder) or soon after."""

    def stat(self, name: str) -> Stat | None:
        """Size and stamp, None where there is no such file."""

    def files(self, folder: str) -> Iterator[Stat]:
        """The files directly in `folder`; none where it does not exist."""

    def named(self, name: str) -> Iterator[Stat]:
        """Every file called `name` two folders below the top, such as 41/activities/index.json."""

    def delete(self, name: str) -> None:
        """Delete `name`; nothing happens where it is gone already."""


def open_storage(url: str | None, folder: Path) -> Storage:
    """The store at `url`, or the local `folder` where there is none. Raises CannotStart for a URL nobody can open."""
    if url is None:
        return LocalStorage(folder)
    scheme = urlsplit(url).scheme
    if scheme in ("", "file"):
        return LocalStorage(Path(url.removeprefix(f"{scheme}://")))
    return FsspecStorage(url)


class LocalStorage:
    """A folder of this machine: temporary file, fsync, rename."""

    remembers_seconds = 0.0

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, name: str) -> str:
        # Not `self.root / name`: pathlib interns the parts of every path it makes. At some requests a second Python's
        # table of such strings, 1.9 MB, was made anew every ten thousand, and the old ones left 4 MB of holes a process.
        return f"{self.root}/{name}"

    @contextlib.contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        path = self.root / name
        with _writing(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Opened before the try: what another writer has put under this name is not ours to delete.
            opened = path.open("xb", buffering=WRITE_BUFFER_BYTES)
            try:
                with opened as file:
                    yield file
                    # The name of a file may reach the disk before its bytes: after a power cut it would be empty.
                    file.flush()
                    os.fsync(file.fileno())
            except BaseException:
                with contextlib.suppress(OSError):
                    path.unlink()
                raise

    def put(self, name: str, data: bytes) -> None:
        path = self.root / name
        temporary = f"{name}.{secrets.token_hex(4)}.tmp"
        with _writing(str(path)):
            with self.create(temporary) as file:
                file.write(data)
            try:
                os.replace(self.root / temporary, path)
            except OSError:
                with contextlib.suppress(OSError):
                    self.delete(temporary)
                raise
            self._sync_folder(path.parent)

    @staticmethod
    def _sync_folder(folder: Path) -> None:
        # Without this a power cut may undo the rename, or keep it and lose the name of a file written before it.
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def open(self, name: str) -> BinaryIO:
        return open(self._path(name), "rb", buffering=0)

    def stat(self, name: str) -> Stat | None:
        try:
            found = os.stat(self._path(name))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Stat(name, found.st_size, f"{found.st_mtime_ns}-{found.st_ino}-{found.st_size}")

    def files(self, folder: str) -> Iterator[Stat]:
        with contextlib.suppress(FileNotFoundError), os.scandir(self.root / folder) as entries:
            for entry in entries:
                if entry.is_file() and (found := self.stat(f"{folder}/{entry.name}")) is not None:
                    yield found

    def named(self, name: str) -> Iterator[Stat]:
        for above in self._folders(""):
            for folder in self._folders(above):
                if (found := self.stat(f"{above}/{folder}/{name}")) is not None:
                    yield found

    def _folders(self, folder: str) -> list[str]:
        try:
            with os.scandir(self.root / folder) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return []

    def delete(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)


class FsspecStorage:
    """Any fsspec file system ("s3://bucket/iati", "gs://...", "memory://iati"); its credentials are its own business.

    Object stores replace an object whole, so a put is one step there without a temporary file.
    """

    remembers_seconds = 2.0

    def __init__(self, url: str) -> None:
        try:
            core = import_module("fsspec.core")
        except ImportError:
            raise CannotStart(f"artifacts_url {url}: needs the extra: pip install 'floodmark[fsspec]'") from None
        try:
            # A cached listing would hide what another process has just written.
            found: tuple[Any, str] = core.url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError, OSError) as error:
            raise CannotStart(f"artifacts_url {url}: cannot be opened: {error}") from None
        self.fs, self.root = found[0], found[1].rstrip("/")

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}"

    @contextlib.contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        path = self._path(name)
        with _writing(path):
            self.fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            try:
                with self.fs.open(path, "wb") as file:
                    yield file
            except BaseException:
                with contextlib.suppress(OSError):
                    self.delete(name)
                raise

    def put(self, name: str, data: bytes) -> None:
        path = self._path(name)
        with _writing(path):
            self.fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            self.fs.pipe_file(path, data)

    def open(self, name: str) -> BinaryIO:
        file: BinaryIO = self.fs.open(self._path(name), "rb")
        return file

    def stat(self, name: str) -> Stat | None:
        try:
            found = self.fs.info(self._path(name))
        except FileNotFoundError:
            return None
        return None if found["type"] == "directory" else self._stat(name, found)

    @staticmethod
    def _stat(name: str, found: dict[str, Any]) -> Stat:
        stamp = next((found[key] for key in ("ETag", "etag", "mtime", "LastModified", "created") if key in found), "")
        return Stat(name, int(found["size"]), f"{stamp}-{found['size']}")

    def files(self, folder: str) -> Iterator[Stat]:
        try:
            children: list[dict[str, Any]] = self.fs.ls(self._path(folder), detail=True)
        except FileNotFoundError:
            return
        for found in children:
            if found["type"] != "directory":
                yield self._stat(f"{folder}/{found['name'].rsplit('/', 1)[-1]}", found)

    def named(self, name: str) -> Iterator[Stat]:
        # One listing of everything, stamps included: asking about each by itself would take a call each.
        for path, found in self.fs.find(self.root, maxdepth=3, detail=True).items():
            parts = path.rstrip("/").split("/")[-3:]
            if parts[-1] == name:
                yield self._stat("/".join(parts), found)

    def delete(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.fs.rm_file(self._path(name))


@contextlib.contextmanager
def _writing(target: str) -> Iterator[None]:
    """Turns what the system says about writing `target` into one clear CannotWrite."""
    try:
        yield
    except OSError as error:
        reason = FULL.get(error.errno or 0, error.strerror or str(error) or type(error).__name__)
        raise CannotWrite(f"{target}: {reason}; what was there before is untouched") from error
