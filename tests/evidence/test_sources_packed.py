"""Archives of many files: their members are files of the evidence, and no name in them reaches the file system."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LOOK = Callable[[Any], Any]


def access(count: int, first: int = 0) -> bytes:
    return "".join(
        f'10.0.0.9 - - [02/Sep/2025:06:{n // 60 % 60:02d}:{n % 60:02d} +0000] "GET /p/{n}/ HTTP/1.1" 200 9 "-" "curl" 0.1{n:03d}\n'[
            :-2
        ]
        + "\n"
        for n in range(first, first + count)
    ).encode()


MEMBERS = {"logs/access.log.1": access(100), "logs/access.log.2.gz": gzip.compress(access(50, 100)), "logs/notes.txt": b"hello\n",
           "logs/empty": b"", "../../etc/evil.log": access(7, 200)}  # fmt: skip


def tar(mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in MEMBERS.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), 1_756_793_700
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("logs/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return out.getvalue()


def packed_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in MEMBERS.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    "content", [tar("w"), tar("w:gz"), tar("w:xz"), packed_zip()], ids=["tar", "tar.gz", "tar.xz", "zip"]
)
def test_members_are_read_as_files(gathered: Any, look: LOOK, tmp_path: Path, content: bytes) -> None:
    seen = look(gathered({"evidence.bin": content}))
    rows = {row.path.removeprefix("evidence.bin/"): (row.kind, row.records) for row in seen.evidence.sources}
    rows.pop("logs/link", None)
    assert rows == {
        "logs/access.log.1": ("nginx-access", 100), "logs/access.log.2.gz": ("nginx-access", 50), "logs/notes.txt": ("unknown", 0),
        "logs/empty": ("empty", 0), "etc/evil.log": ("nginx-access", 7),
    }  # fmt: skip
    assert seen.dose("/p/{id}/").starts.sum() == 157
    assert not (tmp_path.parent / "etc").exists()


def test_a_link_in_an_archive_is_named_and_not_followed(gathered: Any, look: LOOK) -> None:
    row = look(gathered({"e.tar": tar("w")})).source("e.tar/logs/link")
    assert (row.kind, row.remark) == ("unreadable", "a link or a device: not read")


@pytest.mark.parametrize("content", [tar("w")[:9000], tar("w:gz")[:700]], ids=["tar", "tar.gz"])
def test_a_cut_archive_gives_what_is_before_the_cut(gathered: Any, look: LOOK, content: bytes) -> None:
    rows = look(gathered({"e": content})).evidence.sources
    assert any(row.kind == "unreadable" and row.path == "e" for row in rows)


def test_a_damaged_zip_is_said(gathered: Any, look: LOOK) -> None:
    rows = look(gathered({"e.zip": packed_zip()[:-40]})).evidence.sources
    assert [(row.path, row.kind) for row in rows] == [("e.zip", "unreadable")]


def test_an_archive_larger_than_the_limit_is_unpacked_in_part(gathered: Any, look: LOOK) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small.log", access(10))
        archive.writestr("bomb.log", b"x" * 5_000_000)
    seen = look(gathered({"e.zip": out.getvalue()}, max_spill_mb=2))
    assert "too large to unpack" in seen.source("e.zip").remark
    assert seen.source("e.zip/small.log").records == 10


def test_an_archive_in_an_archive_is_opened_too(gathered: Any, look: LOOK) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("inner.tar.gz", tar("w:gz"))
    assert look(gathered({"e.zip": out.getvalue()})).dose("/p/{id}/").starts.sum() == 157
