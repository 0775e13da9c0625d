"""One file, opened: archives, encodings, damage, and lines of any length."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floodmark.errors import InputError
from floodmark.evidence.sources import FileSource

TEXT = b"".join(b"line %d of the log\n" % number for number in range(3000))
LINES = [line.decode() for line in TEXT.splitlines()]


def source(folder: Path, data: bytes, name: str = "log", **fields: int) -> FileSource:
    path = folder / name
    path.write_bytes(data)
    return FileSource(path, name, **fields)


def read(source: FileSource) -> list[str]:
    return [line.data.decode("utf-8", "backslashreplace") for line in source.lines()]


@pytest.mark.parametrize(
    "packed",
    [
        TEXT,
        gzip.compress(TEXT),
        gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]),
        gzip.compress(TEXT) + bytes(512),
        gzip.compress(gzip.compress(TEXT)),
        bz2.compress(TEXT),
        bz2.compress(TEXT[:1000]) + bz2.compress(TEXT[1000:]),
        lzma.compress(TEXT),
        b"\xef\xbb\xbf" + TEXT,
        TEXT.replace(b"\n", b"\r\n"),
        TEXT.decode().encode("utf-16"),
        TEXT.decode().encode("utf-16-le"),
        TEXT.decode().encode("utf-16-be"),
        gzip.compress(b"\xff\xfe" + TEXT.decode().encode("utf-16-le")),
    ],
    ids=["plain", "gzip", "two gzip members", "padded gzip", "gzip in gzip", "bzip2", "two bzip2 members", "xz", "utf-8 mark", "crlf",
         "utf-16", "utf-16-le without mark", "utf-16-be without mark", "utf-16 in gzip"],
)  # fmt: skip
def test_a_file_is_read_as_what_it_is_and_not_as_it_is_called(tmp_path: Path, packed: bytes) -> None:
    for name in ("log", "log.gz", "log.1"):
        file = source(tmp_path, packed, name)
        assert read(file) == LINES
        assert file.damaged == 0


@pytest.mark.parametrize("cut", [1, 9, 200, 3000])
def test_a_cut_archive_gives_what_is_there_and_says_so(tmp_path: Path, cut: int) -> None:
    packed = gzip.compress(os.urandom(20_000).hex().encode() + b"\n" + TEXT)
    file = source(tmp_path, packed[:-cut])
    lines = read(file)
    assert lines == [] or lines[0].isalnum()
    assert any("cut" in remark for remark in file.remarks)


def test_a_damaged_archive_gives_what_is_good_and_says_so(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(TEXT * 50, 1))
    packed[len(packed) // 2] ^= 0xFF
    packed[len(packed) // 2 + 1] ^= 0xFF
    file = source(tmp_path, bytes(packed))
    assert read(file)[:1000] == LINES[:1000]
    assert any("damaged" in remark for remark in file.remarks)


def test_what_follows_an_archive_is_left_out_and_said(tmp_path: Path) -> None:
    file = source(tmp_path, gzip.compress(TEXT) + b"garbage")
    assert read(file) == LINES
    assert file.remarks == ["bytes after the end of the archive were left out"]


def test_a_format_this_python_cannot_unpack_is_a_clear_error(tmp_path: Path) -> None:
    try:
        import compression.zstd  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(InputError, match=r"log\.zst: compressed with zstd, which this Python cannot read"):
            read(source(tmp_path, b"\x28\xb5\x2f\xfd" + bytes(20), "log.zst"))


def test_colours_and_nul_bytes_are_taken_out_and_counted(tmp_path: Path) -> None:
    file = source(tmp_path, b"\x1b[32mgreen\x1b[0m\nwith \0\0nul\nbad \xff utf-8\nfine\n")
    assert read(file) == ["green", "with nul", "bad \\xff utf-8", "fine"]
    assert file.damaged == 2


def test_a_hole_left_by_copytruncate_does_not_eat_the_first_line(tmp_path: Path) -> None:
    file = source(tmp_path, bytes(10_000_000) + b"first line\nsecond line\n", max_line_bytes=1000)
    assert read(file) == ["first line", "second line"]


def test_a_line_is_cut_at_the_limit_and_the_rest_of_the_file_is_read(tmp_path: Path) -> None:
    file = source(tmp_path, b"before\n" + b"x" * 30_000_000 + b"\nafter\n", max_line_bytes=1000)
    assert [len(line) for line in read(file)] == [6, 1000, 5]
    assert file.damaged == 1
    assert file.remarks == ["a line of more than 1000 bytes was cut"]


def test_one_line_without_an_end_is_bounded(tmp_path: Path) -> None:
    file = source(tmp_path, b"x" * 5_000_000, max_line_bytes=1000)
    assert [len(line) for line in read(file)] == [1000]


def test_the_last_line_without_an_end_is_marked(tmp_path: Path) -> None:
    file = source(tmp_path, b"one\ntwo\nthr")
    assert read(file) == ["one", "two", "thr"]
    assert file.cut_line == 3


def test_a_file_that_is_gone_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone: cannot be opened: No such file or directory"):
        read(FileSource(tmp_path / "gone", "gone"))


def test_the_head_has_whole_lines_and_no_more_than_it_needs(tmp_path: Path) -> None:
    long = source(tmp_path, gzip.compress(TEXT * 10)).head()
    assert not long.complete
    assert long.lines[0] == b"line 0 of the log"
    assert all(line.endswith(b"log") for line in long.lines)
    short = source(tmp_path, b"one\r\n\x1b[1mtwo", "short").head()
    assert short.complete
    assert short.lines == (b"one", b"two")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.binary(max_size=30).map(lambda line: line.translate(None, b"\n\r\0\x1b")), max_size=40),
    st.integers(1, 50),
    st.booleans(),
)
def test_blocks_of_any_size_hold_the_same_lines(
    tmp_path: Path, lines: list[bytes], size: int, ended: bool
) -> None:  # fmt: skip
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    file = source(tmp_path, b"#\n" + data)
    seen = {}
    for first, block in file.blocks(size):
        assert zlib.crc32(block) >= 0
        for number, line in enumerate(
            block.split(b"\n") if not block.endswith(b"\n") else block[:-1].split(b"\n"), first
        ):
            seen[number] = line  # noqa: PERF403
    expected = (b"#\n" + data).split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert [seen[number] for number in sorted(seen)] == expected
    assert sorted(seen) == list(range(1, len(expected) + 1))
