"""Which files there are: every one once, rotated ones in order, none left out in silence."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from floodmark.evidence.sources_walk import family_of, walk


def paths(*arguments: Path) -> list[str]:
    return [source.path for source in walk(arguments, 1000).files]


def problems(*arguments: Path) -> dict[str, tuple[str, str]]:
    return {row.path: (row.kind, row.remark) for row in walk(arguments, 1000).problems}


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_rotated_files_come_oldest_first(tmp_path: Path) -> None:
    write(tmp_path, "access.log", "access.log.1", "access.log.2.gz", "access.log.10.gz", "error.log")
    assert paths(tmp_path) == ["access.log.10.gz", "access.log.2.gz", "access.log.1", "access.log", "error.log"]


def test_dated_files_come_in_the_order_of_their_dates(tmp_path: Path) -> None:
    write(tmp_path, "app.log", "app.log-20250902.gz", "app.log-20250901.gz", "app-2025-08-31.log")
    assert paths(tmp_path) == ["app-2025-08-31.log", "app.log-20250901.gz", "app.log-20250902.gz", "app.log"]


def test_hourly_exports_come_in_the_order_of_their_hours(tmp_path: Path) -> None:
    write(
        tmp_path, "stderr/2025/09/02/10:00:00_10:59:59_S0.json", "stderr/2025/09/02/09:00:00_09:59:59_S0.json",
        "stderr/2025/09/01/23:00:00_23:59:59_S0.json", "stderr/2025/09/02/09:00:00_09:59:59_A1.json",
    )  # fmt: skip
    assert [path[7:28] for path in paths(tmp_path)] == [
        "2025/09/01/23:00:00_2", "2025/09/02/09:00:00_0", "2025/09/02/09:00:00_0", "2025/09/02/10:00:00_1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "family"),
    [
        ("nginx/access.log.2.gz", "nginx/access.log"),
        ("nginx/access.log", "nginx/access.log"),
        ("access.log-20250827.gz", "access.log"),
        ("access-2025-08-27.log", "access.log"),
        ("pod-7/app.log", "pod-7/app.log"),
        ("gcs/stderr/worker/2025/08/24/00:00:00_00:59:59_S0.json", "gcs/stderr/worker"),
    ],
)
def test_a_family_is_a_path_without_its_rotation(path: str, family: str) -> None:
    assert family_of(path) == family


def test_a_loop_of_folders_ends(tmp_path: Path) -> None:
    write(tmp_path, "a/log")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert paths(tmp_path) == ["a/log"]
    assert problems(tmp_path) == {"a/again": ("duplicate", "a folder read already, by another way")}


def test_a_file_reached_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "one/log")
    (tmp_path / "one" / "same").hardlink_to(tmp_path / "one" / "log")
    (tmp_path / "one" / "link").symlink_to(tmp_path / "one" / "log")
    assert len(paths(tmp_path)) == 1
    assert {kind for kind, _ in problems(tmp_path).values()} == {"duplicate"}


def test_what_is_no_file_is_named_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/zero")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "nothing").write_bytes(b"")
    (tmp_path / "hollow").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        assert problems(tmp_path) == {
            "pipe": ("unreadable", "a pipe: not read"),
            "null": ("unreadable", "a device: not read"),
            "dangling": ("unreadable", "cannot be reached: No such file or directory"),
            "nothing": ("empty", "an empty file"),
            "hollow": ("empty", "an empty folder"),
            "socket": ("unreadable", "a socket: not read"),
        }
        assert paths(tmp_path) == []


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path / "gone") == {
        "gone": ("unreadable", "cannot be reached: No such file or directory")
    }  # fmt: skip


def test_several_arguments_keep_their_names_apart(tmp_path: Path) -> None:
    write(tmp_path, "a/log", "b/log", "c")
    assert paths(tmp_path / "a", tmp_path / "b", tmp_path / "c") == ["a/log", "b/log", "c"]
    assert paths(tmp_path / "c") == ["c"]
    both = paths(tmp_path / "a" / "log", tmp_path / "b" / "log")
    assert [path[-5:] for path in both] == ["a/log", "b/log"]


def test_a_name_of_any_bytes_is_shown_with_escapes(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.log")).write_text("x")
    assert paths(tmp_path) == ["caf\\xe9.log"]


def test_the_order_does_not_depend_on_the_order_of_creation(tmp_path: Path) -> None:
    write(tmp_path / "one", "b/2", "a/1", "c")
    write(tmp_path / "two", "c", "a/1", "b/2")
    assert paths(tmp_path / "one") == paths(tmp_path / "two")


def test_folders_deeper_than_the_stack_are_walked(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 300)
    deep.mkdir(parents=True)
    (deep / "log").write_text("x")
    assert len(paths(tmp_path)) == 1
