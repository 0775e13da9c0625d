"""The data directory of the private server: made, configured, started, found running, stopped. control.lock is held."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from floodmark.errors import CannotWrite, SourceError
from floodmark.export.postgres_account import Account, account_for, binaries

SUPERUSER = "postgres"
PORT = 5432  # of the socket's name only: nothing listens on TCP
LOG_LIMIT_BYTES = 10**6
SOCKET_PATH_LIMIT_BYTES = 107  # sun_path holds 108 with the closing zero
NO_PID = 2**22 + 1  # Linux gives no process a number above 2**22
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


@dataclass(frozen=True)
class Running:
    """A server that was found, or started (`is_new`); its log of this start is there from `log_begins_at` on."""

    pid: int
    socket_dir: Path
    is_new: bool = False
    log_begins_at: int = 0


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    """The error for a file or folder that refuses."""
    return CannotWrite(
        f"{path}: the private database cannot be kept here: {error.strerror}; make it writable or set data_dir"
    )


def find(folder: Path) -> Running | None:
    """The server that uses this folder, if one does; what a dead one left behind is cleared away."""
    cluster = folder / "cluster"
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        running = Running(int(lines[0]), Path(lines[4]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise cannot_write(cluster, error) from None
    except (IndexError, ValueError):
        running = Running(-1, cluster)  # it was being written when the machine stopped
    if is_alive(folder, running):
        return running
    _disown(cluster, running.socket_dir, lines)
    return None


def is_alive(folder: Path, running: Running) -> bool:
    """Whether it runs; perhaps where its number means nothing to us, in another container over the same folder."""
    return _is_server(running.pid, folder / "cluster") or _answers(running.socket_dir)


def _disown(cluster: Path, socket_dir: Path, lines: list[str]) -> None:
    """Take the number of a dead server out of its lock files: it may be another process's by now, or a zombie's.

    PostgreSQL would refuse to start then. The file itself stays: it names the shared memory by which PostgreSQL sees
    whether processes of the dead server still write.
    """
    if len(lines) > 4:
        (cluster / "postmaster.pid").write_text("\n".join([str(NO_PID), *lines[1:]]) + "\n")
    else:
        (cluster / "postmaster.pid").unlink()
    (socket_dir / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
    if socket_dir != cluster and socket_dir.name.startswith("floodmark-"):
        shutil.rmtree(socket_dir, ignore_errors=True)


def _is_server(pid: int, cluster: Path) -> bool:
    try:
        process = psutil.Process(pid)
        command = process.cmdline()
        if process.status() == psutil.STATUS_ZOMBIE or "-D" not in command[:-1]:
            return False
        return os.path.samefile(command[command.index("-D") + 1], cluster)
    except (psutil.Error, ValueError, OSError):
        return False


def _answers(socket_dir: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(socket_dir / f".s.PGSQL.{PORT}"))
        except OSError:
            return False
        return True


def start(folder: Path, configuration: Mapping[str, str], short_socket_dir: Path | None) -> Running:
    """Start the server, making its data directory where there is none; it may not answer yet.

    `short_socket_dir` is used again where the path of the data directory is too long for a socket.
    Raises CannotWrite where the folder or the disk refuses, SourceError for data of another PostgreSQL version.
    """
    cluster = folder / "cluster"
    account = account_for(cluster)
    try:
        if not cluster.exists():
            _create(folder, account)
        _check_version(cluster)
        socket_dir = _socket_dir(cluster, short_socket_dir, account)
        _write_configuration(cluster, {**configuration, "unix_socket_directories": str(socket_dir)}, account)
        log = _begin_log(folder, account)
        begins_at = log.stat().st_size
    except OSError as error:
        raise cannot_write(folder, error) from None
    # A shell starts it in the background of a session of its own: it is nobody's child, and Ctrl-C does not reach it.
    in_background = 'log=$1; shift; "$@" >>"$log" 2>&1 </dev/null & echo $!'
    command = [str(binaries() / "postgres"), "-D", str(cluster)]
    started = _run(["/bin/sh", "-c", in_background, "sh", str(log), *command], folder, account)
    return Running(int(started.stdout), socket_dir, True, begins_at)


def _create(folder: Path, account: Account | None) -> None:
    new = folder / "cluster.new"
    shutil.rmtree(new, ignore_errors=True)  # of one that was killed while it did this
    new.mkdir(mode=0o700)
    if account:
        os.chown(new, account.uid, account.gid)
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # the same on every machine
    command = [str(binaries() / "initdb"), "-D", str(new), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", *locale]
    made = _run(command, folder, account)
    if made.returncode:
        shutil.rmtree(new, ignore_errors=True)
        raise failure(folder, "cannot be created", made.stderr)
    new.rename(folder / "cluster")


def _run(command: list[str], folder: Path, account: Account | None) -> subprocess.CompletedProcess[str]:
    """Run a command of PostgreSQL, as the account that it needs, with a plain environment."""
    identity = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        command, cwd=folder, env=environment, capture_output=True, text=True, start_new_session=True, **identity
    )


def failure(folder: Path, what: str, said: str) -> CannotWrite | SourceError:
    """The error for what a command or the log of PostgreSQL said."""
    lines = [line for line in said.splitlines() if "FATAL" in line or "PANIC" in line or "error:" in line]
    reason = (lines or said.strip().splitlines() or ["it said nothing"])[-1].strip()
    if "No space left on device" in said:
        return CannotWrite(f"{folder}: the private database {what}: no space left on the disk")
    return SourceError(f"{folder}: the private database {what}: {reason}; see {folder / 'postgres.log'}")


def log_since(folder: Path, running: Running) -> str:
    """What the server has logged since it was started, at most LOG_LIMIT_BYTES."""
    with (folder / "postgres.log").open("rb") as log:
        log.seek(running.log_begins_at)
        return log.read(LOG_LIMIT_BYTES).decode(errors="replace")


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


def _socket_dir(cluster: Path, short: Path | None, account: Account | None) -> Path:
    """The cluster itself, or a short private folder where its path is too long or has a comma (libpq splits there)."""
    path = f"{cluster}/.s.PGSQL.{PORT}"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT_BYTES and "," not in path:
        return cluster
    if short:
        short.mkdir(mode=0o700, exist_ok=True)
    else:
        parent = tempfile.gettempdir()
        fits = len(os.fsencode(parent)) < SOCKET_PATH_LIMIT_BYTES - 40
        short = Path(tempfile.mkdtemp(prefix="floodmark-", dir=parent if fits else "/tmp"))  # noqa: S108
    if account:
        os.chown(short, account.uid, account.gid)
    return short


def _write_configuration(cluster: Path, configuration: Mapping[str, str], account: Account | None) -> None:
    lines = ["# Written by Floodmark at every start; changes made here are lost.\n"]
    quoted = str.maketrans({"'": "''", "\\": "\\\\"})
    lines += [f"{name} = '{value.translate(quoted)}'\n" for name, value in configuration.items()]
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


def stop(folder: Path) -> None:
    """Fast shutdown; after STOP_LIMIT_S an immediate one, from which the next start recovers."""
    running = find(folder)
    if running is None:
        return
    for sent in (signal.SIGINT, signal.SIGQUIT):
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(running.pid)
            process.send_signal(sent)
            if _gone(process, STOP_LIMIT_S):
                break
    if running.socket_dir != folder / "cluster":
        shutil.rmtree(running.socket_dir, ignore_errors=True)


def _gone(process: psutil.Process, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(POLL_S)
    return False
