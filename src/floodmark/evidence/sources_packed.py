"""Archives of many files, tar (packed or not) and zip: their members become files of the evidence.

Members are copied below a folder of ours under numbers, so no name in an archive reaches the file system; what is no
regular file is left out and named. A cut or damaged archive gives the members before the damage.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from floodmark.errors import InputError
from floodmark.evidence.nouns import SourceHealth
from floodmark.evidence.sources import FileSource
from floodmark.evidence.sources_walk import Found, family_of, problem

MAX_MEMBERS = 100_000
MAX_NESTING = 2

_DAMAGE = (tarfile.TarError, BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, zlib.error, InputError)


@dataclass(slots=True)
class Unpacker:
    """Copies members below `folder`, altogether at most `max_bytes`."""

    folder: Path
    max_bytes: int
    members: int = 0

    def expand(self, found: Found) -> Found:
        """The same files with every archive replaced by what is in it."""
        result = Found(problems=list(found.problems))
        waiting = [(source, 0) for source in reversed(found.files)]
        while waiting:
            source, depth = waiting.pop()
            kind = _kind(source) if depth < MAX_NESTING else None
            if kind is None:
                result.files.append(source)
                continue
            inside: list[FileSource] = []
            self._unpack(source, kind, inside, result.problems)
            waiting.extend((member, depth + 1) for member in reversed(inside))
        return result

    def _unpack(self, source: FileSource, kind: str, inside: list[FileSource], problems: list[SourceHealth]) -> None:
        try:
            for name, modified, stream in _members(source, kind, problems):
                member = self._copy(source, name, modified, stream)
                if member is None:
                    problems.append(problem(source.path, "unreadable", "too large to unpack: the rest was left out"))
                    return
                if member.size:
                    inside.append(member)
                else:
                    problems.append(problem(member.path, "empty", "an empty file"))
        except _DAMAGE as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            problems.append(problem(source.path, "unreadable", f"the archive ends early or is damaged: {why}"))
        problems.extend(problem(source.path, "unreadable", remark) for remark in source.remarks)

    def _copy(self, source: FileSource, name: str, modified: float, stream: IO[bytes]) -> FileSource | None:
        self.members += 1
        target = self.folder / str(self.members)
        with target.open("wb") as file:
            while piece := stream.read(1 << 20):
                if len(piece) > self.max_bytes:
                    return None
                self.max_bytes -= len(piece)
                file.write(piece)
        path = f"{source.path}/{name}"
        member = FileSource(target, path, family_of(path), max_line_bytes=source.max_line_bytes)
        member.modified, member.size = modified, target.stat().st_size
        return member


def _kind(source: FileSource) -> str | None:
    try:
        with source.stream() as stream:
            head = stream.read(512)
    except (InputError, OSError):
        return None
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return "tar" if head[257:262] == b"ustar" else None


def _members(source: FileSource, kind: str, problems: list[SourceHealth]) -> Iterator[tuple[str, float, IO[bytes]]]:
    return _of_zip(source, problems) if kind == "zip" else _of_tar(source, problems)


def _of_tar(source: FileSource, problems: list[SourceHealth]) -> Iterator[tuple[str, float, IO[bytes]]]:
    with source.stream() as stream, tarfile.open(fileobj=stream, mode="r|", errorlevel=1) as archive:
        for count, member in enumerate(archive):
            if count >= MAX_MEMBERS:
                raise InputError(f"more than {MAX_MEMBERS} members")
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                yield _shown(member.name), float(member.mtime), content
            elif not member.isdir():
                problems.append(
                    problem(f"{source.path}/{_shown(member.name)}", "unreadable", "a link or a device: not read")
                )


def _of_zip(source: FileSource, problems: list[SourceHealth]) -> Iterator[tuple[str, float, IO[bytes]]]:
    with ZipFile(source.file) as archive:
        for member in archive.infolist()[:MAX_MEMBERS]:
            if member.is_dir():
                continue
            try:
                with archive.open(member) as content:
                    yield _shown(member.filename), source.modified or 0.0, content
            except (RuntimeError, NotImplementedError, BadZipFile, zlib.error) as error:
                problems.append(
                    problem(f"{source.path}/{_shown(member.filename)}", "unreadable", f"cannot be unpacked: {error}")
                )


def _shown(name: str) -> str:
    """A member's name as a path below its archive."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "/".join(parts).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") or "?"
