"""A followed log loses no line and reads none twice, whatever is done to the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from floodmark.watch.collect.follow import Chunk, Follower


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(b"one\ntwo\n")
    return path


@pytest.fixture
def follower(log: Path) -> Iterator[Follower]:
    made = Follower(log, None, max_bytes=1000, from_start=True)
    yield made
    made.close()


def all_of(follower: Follower) -> list[Chunk]:
    return list(iter(follower.read, None))


def lines_of(follower: Follower) -> list[bytes]:
    return b"".join(chunk.data for chunk in all_of(follower)).splitlines()


def add(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_what_is_added_is_read_once(log: Path, follower: Follower) -> None:
    assert lines_of(follower) == [b"one", b"two"]
    assert lines_of(follower) == []
    add(log, b"three\n")
    assert lines_of(follower) == [b"three"]


def test_a_file_met_first_is_read_from_its_end(log: Path) -> None:
    follower = Follower(log, None, max_bytes=1000)
    assert lines_of(follower) == []
    add(log, b"three\n")
    (chunk,) = all_of(follower)
    assert (chunk.data, chunk.first_line) == (b"three\n", 3)
    follower.close()


def test_a_line_half_written_waits_for_its_end(log: Path, follower: Follower) -> None:
    lines_of(follower)
    add(log, b"thr")
    assert lines_of(follower) == []
    add(log, b"ee\n")
    assert lines_of(follower) == [b"three"]


def test_a_renamed_file_is_read_to_its_end_before_the_new_one(log: Path, follower: Follower) -> None:
    lines_of(follower)
    add(log, b"last of the old\n")
    log.rename(log.with_suffix(".1"))
    add(log.with_suffix(".1"), b"later still\n")
    log.write_bytes(b"first of the new\n")
    assert lines_of(follower) == [b"last of the old", b"later still", b"first of the new"]


def test_a_file_rotated_in_the_middle_of_a_line_loses_nothing(log: Path, follower: Follower) -> None:
    lines_of(follower)
    add(log, b"half a li")
    log.rename(log.with_suffix(".1"))
    log.write_bytes(b"new\n")
    chunks = all_of(follower)
    assert [chunk.data for chunk in chunks] == [b"half a li\n", b"new\n"]
    assert "middle of a line" in (chunks[0].remark or "")
    assert chunks[1].first_line == 1


def test_a_file_between_rename_and_reopen_is_waited_for(log: Path, follower: Follower) -> None:
    lines_of(follower)
    log.rename(log.with_suffix(".1"))
    assert lines_of(follower) == []
    log.write_bytes(b"new\n")
    assert lines_of(follower) == [b"new"]


@pytest.mark.parametrize("after", [b"short\n", b"other bytes, and more of them than before\n"])
def test_a_truncated_file_is_read_anew_and_said(log: Path, follower: Follower, after: bytes) -> None:
    lines_of(follower)
    with log.open("r+b") as file:
        file.truncate(0)
        file.write(after)
    chunks = all_of(follower)
    assert b"".join(chunk.data for chunk in chunks) == after
    assert "cut to nothing" in (chunks[0].remark or "")


def test_a_file_that_comes_back_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "later.log"
    follower = Follower(path, None, max_bytes=1000)
    assert follower.read() is None
    path.write_bytes(b"hello\n")
    assert lines_of(follower) == [b"hello"]
    follower.close()


def test_a_watch_that_was_killed_goes_on_where_it_stopped(log: Path, follower: Follower) -> None:
    lines_of(follower)
    position = follower.position
    follower.close()
    add(log, b"while away\n")
    again = Follower(log, position, max_bytes=1000)
    (chunk,) = all_of(again)
    assert (chunk.data, chunk.first_line) == (b"while away\n", 3)
    again.close()


def test_a_file_replaced_while_the_watch_was_away_is_read_whole(log: Path, follower: Follower) -> None:
    lines_of(follower)
    position = follower.position
    follower.close()
    log.rename(log.with_suffix(".keeps-the-inode"))
    log.write_bytes(b"another file\n")
    again = Follower(log, position, max_bytes=1000)
    assert lines_of(again) == [b"another file"]
    again.close()


def test_a_round_brings_no_more_than_its_bound(log: Path) -> None:
    add(log, b"x" * 50 + b"\n")
    follower = Follower(log, None, max_bytes=20, from_start=True)
    chunks = all_of(follower)
    assert max(len(chunk.data) for chunk in chunks) <= 20
    assert b"".join(chunk.data for chunk in chunks) == log.read_bytes()
    assert [chunk.first_line for chunk in chunks] == [1, 3, 3, 3]
    follower.close()


def test_a_path_that_cannot_be_opened_is_an_error_to_be_said(log: Path) -> None:
    with pytest.raises(OSError, match="Not a directory"):
        Follower(log / "below-a-file.log", None, max_bytes=20).read()
