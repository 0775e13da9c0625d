"""Files that appear whole or not at all: written beside their place, synced, then renamed into it."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from floodmark.errors import CannotWrite

STDOUT = "-"


@contextmanager
def whole_file(target: str) -> Iterator[BinaryIO]:
    """A file to write to; `target` is a path or `-` for standard output.

    The path holds what it held before until the block has ended without an error. What is no regular file (a pipe,
    /dev/null) is written to directly. Raises CannotWrite; BrokenPipeError where the reader of a pipe has gone.
    """
    try:
        if target == STDOUT:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif _is_special(target):
            with open(target, "wb") as file:
                yield file
        else:
            with _replacing(Path(os.path.realpath(target))) as file:
                yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        where = "standard output" if target == STDOUT else target
        raise CannotWrite(f"{where}: {error.strerror or error}; what was there before is untouched") from error


def _is_special(target: str) -> bool:
    with suppress(FileNotFoundError):
        return not stat.S_ISREG(os.stat(target).st_mode) and not os.path.isdir(target)
    return False


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    if path.is_dir():
        raise IsADirectoryError(21, "Is a directory", str(path))
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    with suppress(OSError):  # some file systems sync no folders; the file itself is safe
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
