"""The private server: started, joined, left, killed; as root and as an ordinary user; in folders that refuse."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from rights import as_root

from floodmark.errors import CannotWrite, FloodmarkError, SourceError
from floodmark.export import postgres, postgres_account, postgres_cluster

FAST = {"fsync": "off", "full_page_writes": "off"}
ROOT = os.geteuid() == 0
USER = """
import sys, time
from pathlib import Path
from floodmark.export import postgres
server = postgres.join(Path(sys.argv[1]), configuration={"fsync": "off"})
print("joined", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder():
    """A folder outside pytest's own, which is closed to the account that PostgreSQL runs as under root."""
    made = Path(tempfile.mkdtemp(prefix="floodmark-tests-"))
    yield made / "data" / "postgres"
    running = postgres_cluster.find(made / "data" / "postgres")
    if running and psutil.pid_exists(running.pid):
        os.kill(running.pid, signal.SIGKILL)
    shutil.rmtree(made, ignore_errors=True)


def pid_of(folder: Path) -> int | None:
    running = postgres_cluster.find(folder)
    return running and running.pid


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def ask(server: postgres.PrivateServer, query: str):
    with psycopg.connect(server.url(), autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone()[0] if cursor.description else None


def start_user(folder: Path) -> subprocess.Popen:
    """Another process that uses the server until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "joined\n"
    return process


def end(process: subprocess.Popen) -> None:
    with process:
        process.stdin.close()
        process.wait(30)


def test_rows_outlive_the_server(folder):
    server = postgres.join(folder, configuration=FAST)
    ask(server, "CREATE TABLE kept AS SELECT 7 AS seven")
    pid = pid_of(folder)
    server.leave()
    assert not is_running(pid)
    again = postgres.join(folder, configuration=FAST)
    assert ask(again, "SELECT seven FROM kept") == 7
    again.leave()


def test_the_extension_ltree_can_be_created_and_text_is_sorted_by_code_point(folder):
    server = postgres.join(folder, configuration=FAST)
    ask(server, "CREATE EXTENSION ltree")
    assert ask(server, "SELECT string_agg(x, '' ORDER BY x) FROM unnest(array['b','B','a','é','Z']) x") == "BZabé"
    server.leave()


def test_it_listens_on_a_socket_only_that_others_cannot_open(folder):
    server = postgres.join(folder, configuration=FAST)
    assert ask(server, "SHOW listen_addresses") == ""
    assert (server.socket_dir / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0
    server.leave()


def test_the_last_of_several_users_stops_it(folder):
    mine = postgres.join(folder, configuration=FAST)
    pid = pid_of(folder)
    other = start_user(folder)
    mine.leave()
    assert is_running(pid)
    end(other)
    assert not is_running(pid)


def test_commands_that_begin_at_once_share_one_server(folder):
    command = [sys.executable, "-c", USER, str(folder)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.stdout.readline() for process in processes] == ["joined\n"] * 4
    pid = pid_of(folder)
    for process in processes:
        end(process)
    assert not is_running(pid)
    assert (folder / "postgres.log").read_text().count("starting PostgreSQL") == 1


def test_a_user_that_is_killed_does_not_keep_it_from_being_stopped(folder):
    killed = start_user(folder)
    with killed:
        killed.kill()
        killed.wait(30)
    server = postgres.join(folder)
    pid = pid_of(folder)
    server.leave()
    assert not is_running(pid)


def comes_true(claim, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not claim() and time.monotonic() < deadline:
        time.sleep(0.02)
    return claim()


def waiters(folder: Path) -> list[psutil.Process]:
    """The processes that wait for the server's users to go, in either of their forms."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if words[-1:] == [str(folder)] and (
                "waiter.lock" in " ".join(words) or "floodmark.export.postgres" in words
            ):
                found.append(process)
    return found


def test_it_stops_when_the_last_of_its_users_is_killed_and_not_before(folder):
    first, last = start_user(folder), start_user(folder)
    pid, (waiter,) = pid_of(folder), waiters(folder)
    for user in (first, last):
        assert is_running(pid)
        assert waiter.is_running()
        with user:
            user.kill()
    assert comes_true(lambda: not is_running(pid))
    assert "received fast shutdown request" in (folder / "postgres.log").read_text()
    assert comes_true(lambda: not waiters(folder))


def test_a_waiter_that_was_killed_is_replaced_by_the_next_user(folder):
    first = start_user(folder)
    pid, (waiter,) = pid_of(folder), waiters(folder)
    waiter.kill()
    assert comes_true(lambda: not waiters(folder))
    with first, start_user(folder) as second:
        assert len(waiters(folder)) == 1
        first.kill()
        second.kill()
    assert comes_true(lambda: not is_running(pid))


def test_one_that_joins_while_the_waiter_wakes_keeps_the_server(folder):
    killed = start_user(folder)
    pid = pid_of(folder)
    with postgres._locked(folder, 10):  # as the one who joins holds it
        with killed:
            killed.kill()
        assert comes_true(lambda: "floodmark.export.postgres" in waiters(folder)[0].cmdline())
        users = postgres._open_lock(folder / "users.lock")
        fcntl.flock(users, fcntl.LOCK_SH)
    server = postgres.join(folder)
    os.close(users)
    assert ask(server, "SELECT 1") == 1
    assert pid_of(folder) == pid
    server.leave()
    assert not is_running(pid)
    assert comes_true(lambda: not waiters(folder))


def test_the_waiter_costs_little_memory(folder):
    server = postgres.join(folder, configuration=FAST)
    (waiter,) = waiters(folder)
    assert waiter.memory_full_info().uss < 8e6
    server.leave()


def test_a_forked_child_does_not_stop_it(folder):
    server = postgres.join(folder, configuration=FAST)
    child = os.fork()
    if child == 0:
        server.leave()
        os._exit(0)
    os.waitpid(child, 0)
    assert ask(server, "SELECT 1") == 1
    server.leave()


def test_after_the_server_was_killed_the_next_user_starts_it_again_with_its_rows(folder):
    first = postgres.join(folder)
    ask(first, "CREATE TABLE kept AS SELECT 7 AS seven")
    os.kill(pid_of(folder), signal.SIGKILL)
    second = postgres.join(folder)
    assert ask(second, "SELECT seven FROM kept") == 7
    assert ask(first, "SELECT seven FROM kept") == 7
    second.leave()
    assert ask(first, "SELECT 1") == 1
    first.leave()


def test_a_user_can_revive_the_server_and_keeps_its_url(folder):
    deep = folder / ("deep" * 25)
    server = postgres.join(deep)
    url = server.url()
    os.kill(pid_of(deep), signal.SIGKILL)
    server.revive()
    assert server.url() == url
    assert ask(server, "SELECT 1") == 1
    server.leave()


@pytest.mark.parametrize("content", ["{pid}\n/elsewhere\n1\n5432\n/nowhere\n", "{pid}\n", ""])
def test_a_pid_file_left_behind_whose_number_is_another_process_now_does_not_matter(folder, content):
    server = postgres.join(folder, configuration=FAST)
    server.leave()
    (folder / "cluster" / "postmaster.pid").write_text(content.format(pid=os.getpid()))
    server = postgres.join(folder, configuration=FAST)
    assert ask(server, "SELECT 1") == 1
    server.leave()


def test_a_half_made_data_directory_is_made_anew(folder):
    (folder / "cluster.new" / "base").mkdir(parents=True)
    server = postgres.join(folder, configuration=FAST)
    assert ask(server, "SELECT 1") == 1
    server.leave()


@pytest.mark.parametrize("name", ["long" * 30, "comma, space", "quote'\"$(x)`\\", "percent%20&?#", "水"])
def test_any_name_of_a_folder_will_do(folder, name):
    server = postgres.join(folder / name, configuration=FAST)
    sockets = server.socket_dir
    assert ask(server, "SELECT current_database()") == "floodmark"
    server.leave()
    assert sockets == folder / name / "cluster" or not sockets.exists()


def test_a_log_that_has_grown_is_begun_anew(folder):
    postgres.join(folder, configuration=FAST).leave()
    with (folder / "postgres.log").open("a") as log:
        log.write("x" * postgres_cluster.LOG_LIMIT_BYTES)
    postgres.join(folder, configuration=FAST).leave()
    assert (folder / "postgres.log").stat().st_size < 10_000
    assert (folder / "postgres.log.1").exists()


def test_data_of_another_postgresql_version_are_refused_by_name(folder):
    postgres.join(folder, configuration=FAST).leave()
    (folder / "cluster" / "PG_VERSION").write_text("15\n")
    with pytest.raises(SourceError, match=r"made by PostgreSQL 15, and this is PostgreSQL \d+: dump it"):
        postgres.join(folder)


def test_a_folder_of_something_else_is_refused(folder):
    (folder / "cluster").mkdir(parents=True)
    (folder / "cluster" / "thesis.odt").touch()
    with pytest.raises(SourceError, match="not a PostgreSQL data directory"):
        postgres.join(folder)
    assert (folder / "cluster" / "thesis.odt").exists()


def test_why_the_server_does_not_start_is_said_at_once(folder):
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"does not start: .*postgresql.conf. contains errors; see .*log"):
        postgres.join(folder, configuration={"shared_buffers": "plenty"}, start_limit_s=50)
    assert time.monotonic() - began < 50


def test_a_folder_below_a_file_is_refused(folder):
    folder.parent.parent.joinpath("data").touch()
    with pytest.raises(CannotWrite, match="make it writable or set data_dir") as caught:
        postgres.join(folder)
    assert caught.value.exit_status == 5


def test_waiting_for_another_command_ends(folder):
    folder.mkdir(parents=True)
    with (
        postgres._locked(folder, 1),
        pytest.raises(SourceError, match="another command has been starting or stopping"),
    ):
        postgres.join(folder, start_limit_s=0.1)


def test_a_full_disk_is_said_in_one_line(folder):
    folder.mkdir(parents=True)
    subprocess.run([*as_root(), "mount", "-t", "tmpfs", "-o", "size=20m,mode=777", "tmpfs", str(folder)], check=True)
    try:
        with pytest.raises(CannotWrite, match="no space left on the disk") as caught:
            postgres.join(folder)
        assert "\n" not in str(caught.value)
    finally:
        subprocess.run([*as_root(), "umount", str(folder)], check=True)


def test_what_initdb_says_of_a_full_disk_is_a_lack_of_space():
    said = 'initdb: error: could not write file "x/base/1/112": No space left on device\n'
    assert isinstance(postgres_cluster.failure(Path("/x"), "cannot be created", said), CannotWrite)


def as_ordinary_user(function) -> str:
    """What the function returns, or the error it raises, when an ordinary user runs it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if ROOT:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            said = str(function())
        except FloodmarkError as error:
            said = f"{type(error).__name__}: {error}"
        except BaseException:  # noqa: BLE001  # the parent shows it
            said = traceback.format_exc()
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as answer:
        return answer.read()


def test_an_ordinary_user_has_a_server_of_their_own(folder):
    folder.parent.mkdir(parents=True)
    folder.parent.parent.chmod(0o755)
    if ROOT:
        os.chown(folder.parent, 65534, 65534)

    def use() -> str:
        server = postgres.join(folder, configuration=FAST)
        try:
            return f"{ask(server, 'SELECT 1')} {postgres_account.account_for(folder)}"
        finally:
            server.leave()

    assert as_ordinary_user(use) == "1 None"


def test_an_ordinary_user_is_told_of_a_folder_that_is_not_theirs(folder):
    folder.mkdir(parents=True)
    folder.parent.parent.chmod(0o755)
    folder.chmod(0o555)
    said = as_ordinary_user(lambda: postgres.join(folder))
    assert said == (
        f"CannotWrite: {folder}: the private database cannot be kept here: Permission denied; "
        "make it writable or set data_dir"
    )


@pytest.mark.skipif(not ROOT, reason="only root needs another account")
def test_root_uses_another_account_and_only_opens_the_way_to_it(folder, caplog):
    folder.mkdir(parents=True)
    above = folder.parent.parent
    above.chmod(0o700)
    (above / "secret").mkdir(mode=0o700)
    server = postgres.join(folder, configuration=FAST)
    assert psutil.Process(pid_of(folder)).username() == "nobody"
    assert above.stat().st_mode & 0o777 == 0o701
    assert (above / "secret").stat().st_mode & 0o777 == 0o700
    assert f"{above}: others may now pass through" in caplog.text
    server.leave()


@pytest.mark.skipif(not ROOT, reason="only root needs another account")
def test_root_goes_on_with_the_account_that_owns_the_data(folder):
    (folder / "cluster").mkdir(parents=True)
    os.chown(folder / "cluster", 2, 2)
    assert postgres_account.account_for(folder / "cluster").uid == 2
