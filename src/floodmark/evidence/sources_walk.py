"""Which files there are below what the user named: every one once, rotated ones in order, none left out in silence."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from floodmark.evidence.nouns import SourceHealth
from floodmark.evidence.sources import FileSource

_PACKED = re.compile(r"\.(?:gz|bz2|xz|zst|zstd)\Z", re.IGNORECASE)
_NUMBER = re.compile(r"\.(\d{1,4})\Z")
_DATED = re.compile(r"[-._]?(?:20\d{2})[-._]?(?:[01]\d)[-._]?(?:[0-3]\d)(?:[-_.T]?\d{2}(?:[-:_.]?\d{2}){0,2})?")
_HOURLY = re.compile(r"/20\d{2}/[01]\d/[0-3]\d/(?:\d\d:\d\d:\d\d_\d\d:\d\d:\d\d_[AS]\d+)?")


@dataclass(slots=True)
class Found:
    """What a walk found: files to read, and a health row for each thing that is none."""

    files: list[FileSource] = field(default_factory=list)
    problems: list[SourceHealth] = field(default_factory=list)


def problem(path: str, kind: str, remark: str) -> SourceHealth:
    """A health row for something nothing was read from."""
    return SourceHealth(path, kind, None, 0, 0, None, None, None, remark=remark)


def walk(paths: Sequence[Path], max_line_bytes: int) -> Found:
    """Every regular file below `paths`, once, in an order that does not depend on the file system."""
    found = Found()
    seen: set[tuple[int, int]] = set()
    named = _labels(paths)
    for path, label in named:
        _visit(path, label, found, seen, max_line_bytes)
    found.files.sort(key=lambda source: (source.family, *_age(source.path), source.path))
    found.problems.sort(key=lambda row: row.path)
    return found


def family_of(path: str) -> str:
    """The path without what rotation and hourly export add: `nginx/access.log.2.gz` -> `nginx/access.log`."""
    plain = _NUMBER.sub("", _PACKED.sub("", path))
    plain = _HOURLY.sub("/", "/" + plain)[1:].removesuffix("/.json")
    folder, _, name = plain.rpartition("/")
    name = _DATED.sub("", _NUMBER.sub("", name)) or name
    return f"{folder}/{name}" if folder else name


def _age(path: str) -> tuple[str, int]:
    """Oldest first: by the date in the name, then by falling rotation number; the file without either is the newest."""
    plain = _PACKED.sub("", path)
    number = _NUMBER.search(plain)
    dates = [re.sub(r"\D", "", match[0]) for match in _DATED.finditer(plain)]
    hour = [re.sub(r"\D", "", match[0]) for match in _HOURLY.finditer("/" + plain)]
    return (hour or dates or ["9"])[0], -int(number[1]) if number else 0


def _labels(paths: Sequence[Path]) -> list[tuple[Path, str]]:
    """What stands before the paths below each argument: nothing for a single folder, else enough to tell them apart."""
    if len(paths) == 1:
        return [(paths[0], "" if paths[0].is_dir() else paths[0].name)]
    names = [path.name or str(path) for path in paths]
    if len(set(names)) < len(names):
        names = [str(path).strip("/") for path in paths]
    return list(zip(paths, names, strict=True))


def _visit(path: Path, label: str, found: Found, seen: set[tuple[int, int]], max_line_bytes: int) -> None:
    """A work list and not recursion: folders may be deeper than Python's stack."""
    # as text: a Path takes 300 bytes more, which counts where there are 100,000 files
    waiting = [(str(path), label)]
    while waiting:
        here, name = waiting.pop()
        shown = name or "."
        try:
            status = os.stat(here)
        except OSError as error:
            found.problems.append(problem(shown, "unreadable", f"cannot be reached: {error.strerror or error}"))
            continue
        # by inode: links and folders mounted twice are read once, and a loop ends
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            what = "a folder read already, by another way" if stat.S_ISDIR(status.st_mode) else "a file read already"
            found.problems.append(problem(shown, "duplicate", what))
            continue
        seen.add(identity)
        if stat.S_ISDIR(status.st_mode):
            waiting.extend(_children(here, name, found))
        elif not stat.S_ISREG(status.st_mode):
            found.problems.append(problem(shown, "unreadable", f"{_sort_of(status.st_mode)}: not read"))
        elif status.st_size == 0:
            found.problems.append(problem(shown, "empty", "an empty file"))
        else:
            family = family_of(shown)
            # one text for both, where nothing was rotated
            source = FileSource(here, shown, shown if family == shown else family, max_line_bytes=max_line_bytes)
            source.modified, source.size = status.st_mtime, status.st_size
            found.files.append(source)


def _children(folder: str, label: str, found: Found) -> Iterator[tuple[str, str]]:
    try:
        names = sorted(os.listdir(folder), reverse=True)
    except OSError as error:
        found.problems.append(problem(label or ".", "unreadable", f"cannot be listed: {error.strerror or error}"))
        return
    if not names:
        found.problems.append(problem(label or ".", "empty", "an empty folder"))
    for name in names:
        shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        yield f"{folder}{os.sep}{name}", f"{label}/{shown}" if label else shown


def _sort_of(mode: int) -> str:
    kinds = (
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((name for test, name in kinds if test(mode)), "no regular file")
