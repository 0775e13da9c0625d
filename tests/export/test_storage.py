"""Stores: what is durable when, what is listed, and how failures read; readers of far stores remember little."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest

from floodmark.errors import CannotWrite, FloodmarkError
from floodmark.export.artifacts.build import Build, Rules
from floodmark.export.artifacts.entry import INDEX, Entry
from floodmark.export.artifacts.shelf import Shelf
from floodmark.export.artifacts.sink import BLOCK_BYTES, blocks_of
from floodmark.export.storage import FsspecStorage, LocalStorage, Storage

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def build(storage: Storage, slug: str, producer, **more) -> Entry:
    return Build(storage, slug, NOON, Rules(10**6, timedelta(0)), lambda file: None, **more).run(producer).entry


def test_a_file_is_on_the_disk_before_its_name_is_and_its_name_before_put_returns(tmp_path, monkeypatch) -> None:
    """A spy and not a mock: the system's fsync is called all the same."""
    synced: list[tuple[str, int | list[str]]] = []

    def spy(handle: int) -> None:
        found, path = os.fstat(handle), os.readlink(f"/proc/self/fd/{handle}")
        is_folder = stat.S_ISDIR(found.st_mode)
        synced.append(("folder", sorted(os.listdir(path))) if is_folder else ("file", found.st_size))
        os.fdatasync(handle)

    monkeypatch.setattr(os, "fsync", spy)
    LocalStorage(tmp_path).put("41/index.json", b"x" * 5000)
    assert synced == [("file", 5000), ("folder", ["index.json"])]


def test_a_new_file_replaces_none_that_is_there(tmp_path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("a/b", b"first")
    with pytest.raises(CannotWrite, match="a/b: File exists"), storage.create("a/b") as file:
        file.write(b"second")
    with storage.open("a/b") as file:
        assert file.read() == b"first"


def test_a_file_whose_writing_fails_is_gone(store) -> None:
    with pytest.raises(ZeroDivisionError), store.create("a/b") as file:
        file.write(b"half" * (1 // 0))
    assert store.stat("a/b") is None
    assert list(store.files("a")) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "a/b: no space left; what was there before is untouched"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "a/b: disk quota reached; what was there before is untouched"),
        (OSError(errno.EIO, "Input/output error"), "a/b: Input/output error; what was there before is untouched"),
        (ConnectionResetError(), "a/b: ConnectionResetError; what was there before is untouched"),
        (OSError("bucket is read-only"), "a/b: bucket is read-only; what was there before is untouched"),
    ],
)
def test_what_a_store_says_against_writing_is_one_line_with_the_name(store, error, said) -> None:
    """Object stores raise errors without a number."""
    with pytest.raises(CannotWrite) as caught, store.create("a/b"):
        raise error
    assert str(caught.value).endswith(said)
    assert "\n" not in str(caught.value)


def test_a_store_without_anything_lists_nothing(store) -> None:
    assert list(store.files("41/activities")) == []
    assert list(store.named(INDEX)) == []
    assert list(Shelf(store).entries()) == []
    assert store.stat("41/activities/index.json") is None
    store.delete("41/activities/index.json")


def test_only_an_index_two_folders_below_the_top_is_a_dataset(store, invent) -> None:
    entry = build(store, "41/activities", invent({1: "one"}))
    build(store, "7/organisation", invent({7: "seven"}))
    for name in (INDEX, f"41/{INDEX}", f"41/activities/old/{INDEX}", f"41/activities/old/older/{INDEX}", "41/notes"):
        store.put(name, b"{}")
    assert [found.slug for found in Shelf(store).entries()] == ["7/organisation", "41/activities"]
    assert {found.name for found in store.files("41/activities")} == {
        f"41/activities/{INDEX}", *(file.name for file in entry.files()),
    }  # fmt: skip


def test_a_stamp_changes_whenever_a_file_of_the_same_size_is_put_anew(store) -> None:
    stamps = set()
    for text in (b"one", b"two", b"six"):
        store.put("a/b", text)
        stamps.add(store.stat("a/b").stamp)
    assert len(stamps) == 3


def test_the_packed_file_is_handed_out_as_it_is_stored(store, invent) -> None:
    entry = build(store, "41/activities", invent({1: "one " * 1000}))
    with Shelf(store).reader(entry.whole, "gzip") as reader:
        assert hashlib.sha256(reader.read()).hexdigest() == entry.whole.gzip.sha256


def test_an_index_that_has_not_changed_is_read_once(tmp_path, invent) -> None:
    storage = LocalStorage(tmp_path)
    build(storage, "41/activities", invent({1: "one"}))
    shelf = Shelf(storage)
    assert shelf.entry("41/activities") is shelf.entry("41/activities")


def test_of_many_datasets_those_asked_for_last_are_remembered(tmp_path, invent) -> None:
    storage = LocalStorage(tmp_path)
    for number in (1, 2, 3):
        build(storage, f"{number}/activities", invent({number: "x"}))
    shelf = Shelf(storage, limit=2)
    first = shelf.entry("1/activities")
    shelf.entry("2/activities")
    assert shelf.entry("1/activities") is first
    shelf.entry("3/activities")
    assert shelf.entry("1/activities") is first


def test_of_a_far_store_a_missing_file_is_not_believed_to_be_there(invent) -> None:
    far = FsspecStorage("memory://far-away")
    entry = build(far, "41/activities", invent({1: "one"}))
    far.delete(entry.whole.gzip.name)
    shelf = Shelf(far)
    assert [shelf.has_own(entry.whole, "gzip") for _ in range(2)] == [False, False]
    far.fs.rm("/far-away", recursive=True)


def test_of_a_far_store_a_bounded_number_of_files_is_remembered(invent) -> None:
    far = FsspecStorage("memory://far-away")
    shelf = Shelf(far, limit=3)
    for number in range(5):
        entry = build(far, f"{number}/activities", invent({number + 1: "one"}))
        assert shelf.has_own(entry.whole, "gzip")
    assert len(shelf._seen) == 3
    far.fs.rm("/far-away", recursive=True)


def test_a_build_that_is_to_stop_stops_while_it_writes(store, invent) -> None:
    """Not only when all is written and being checked: of a large dataset that would be minutes later."""
    begun: list[int] = []
    many = invent(dict.fromkeys(range(1, 101), "t" * 100_000))
    many.before_each = begun.append

    def stop(count: int) -> None:
        if count:
            raise InterruptedError("the worker is to stop")

    with pytest.raises((InterruptedError, CannotWrite)):
        build(store, "41/activities", many, progress=stop)
    assert len(begun) < 10
    assert list(store.files("41/activities")) == []


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_part_of_a_file_is_all_its_bytes_whatever_the_size_of_a_block(more) -> None:
    data = os.urandom(2 * BLOCK_BYTES + more + 7)
    length = 2 * BLOCK_BYTES + more
    assert b"".join(blocks_of(io.BytesIO(data), 5, length)) == data[5 : 5 + length]
    with pytest.raises(FloodmarkError, match="has lost its last 3 bytes"):
        list(blocks_of(io.BytesIO(data[: 5 + length - 3]), 5, length))
