"""The files through which processes share their counters, kept from growing.

prometheus-client leaves the files of every process that ever was, about 1 MB for each recycled worker. Here a dead
process's counts are added to one file (`counter_dead.db`, `histogram_dead.db`) and its own files are deleted.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

LOCK = "fold.lock"
FOLDED = ("counter", "histogram", "summary")


def prepare(folder: Path) -> None:
    """Make the folder, without what an earlier run left: those processes are gone and counters may begin anew."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()


def mark(folder: Path, role: str) -> None:
    """Say that this process takes part."""
    (folder / f"process-{role}-{os.getpid()}").touch()


def marked(folder: Path) -> list[tuple[str, int]]:
    """Role and pid of every process that takes part."""
    found = (path.name.split("-") for path in folder.glob("process-*-*"))
    return sorted((role, int(pid)) for _, role, pid in found)


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """While the files are read, none is folded."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


def fold(folder: Path, pid: int) -> None:
    """Add the counts of a dead process to those of the dead, and delete its files."""
    with _locked(folder, fcntl.LOCK_EX):
        for kind in FOLDED:
            own = folder / f"{kind}_{pid}.db"
            if own.exists():
                _add(own, folder / f"{kind}_dead.db")
                own.unlink()
        for path in [*folder.glob(f"gauge_*_{pid}.db"), *folder.glob(f"process-*-{pid}")]:
            with suppress(FileNotFoundError):
                path.unlink()


def _add(own: Path, dead: Path) -> None:
    new = dead.with_suffix(".new")
    new.unlink(missing_ok=True)
    sums = MmapedDict(str(new))  # type: ignore[no-untyped-call]
    try:
        for source in (dead, own):
            if not source.exists():
                continue
            for key, value, _, _ in MmapedDict.read_all_values_from_file(str(source)):  # type: ignore[no-untyped-call]
                sums.write_value(key, sums.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
    finally:
        sums.close()  # type: ignore[no-untyped-call]
    new.replace(dead)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)
