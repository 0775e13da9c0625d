"""`floodmark serve` and `floodmark worker`: which processes run, with what, and in what order they start and stop."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from floodmark.errors import CannotStart, CannotWrite, SettingsError
from floodmark.export import metrics_files, postgres
from floodmark.export.process import RECYCLE
from floodmark.export.supervise import Child, Supervisor
from floodmark.settings import Settings

log = logging.getLogger("floodmark.serve")

BACKLOG = 2048
STOP_MARGIN_S = 10.0


def listen(bind: str) -> socket.socket:
    """A listening socket on `host:port`, `[::1]:port` or `unix:/path`. Raises CannotStart with what to do."""
    try:
        if bind.startswith("unix:"):
            return _listen_unix(Path(bind.removeprefix("unix:")))
        host, _, port = bind.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise SettingsError(f"bind: {bind!r} is not an address; expected for example 127.0.0.1:8000")
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        return socket.create_server((host.strip("[]"), int(port)), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotStart(
            f"{bind}: cannot listen: {_reason(error)}; choose another address with --bind or FLOODMARK_BIND"
        ) from None


def _reason(error: OSError) -> str:
    # create_server adds the address to the words of an OSError; a failed name has no number of the system's.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)


def _listen_unix(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    if path.is_socket():
        # A live server would take the connection; what nobody listens on was left behind.
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise OSError(errno.EADDRINUSE, "in use")
        path.unlink()
    listener.bind(str(path))
    # As open as a port of this machine would be: a proxy runs as somebody else.
    path.chmod(0o666)
    listener.listen(BACKLOG)
    return listener


@contextmanager
def _removed_at_the_end(listener: socket.socket) -> Iterator[None]:
    """The name of a socket in the file system goes with its server."""
    try:
        yield
    finally:
        if listener.family == socket.AF_UNIX:
            Path(listener.getsockname()).unlink(missing_ok=True)


def address_of(listener: socket.socket) -> str:
    """Where the listener is, as a browser wants it."""
    if listener.family == socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # only to print it
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_server(
    settings: Settings, settings_path: Path | None, bind: str, *, worker: bool, say: Callable[[str], None]
) -> None:
    """Serve until a signal comes. Raises CannotStart, CannotWrite, SourceError before anything is started."""
    with listen(bind) as listener, _removed_at_the_end(listener):
        folder = _run_folder(settings)
        server = postgres.join_for(settings) if settings.database_url is None else None
        environment = _environment(settings_path, folder)
        # The socket is ours, not gunicorn's: while its master is replaced, connections wait instead of being refused.
        listener.set_inheritable(True)
        web = Child(
            "the web server",
            lambda n: [sys.executable, "-m", "gunicorn", "-c", "python:floodmark.export.gunicorn_conf"],
            {**environment, "LISTENING_SOCKET": f"fd://{listener.fileno()}"},
            pass_handles=(listener.fileno(),),
            essential=True,
            after_death=lambda pid: metrics_files.fold(folder, pid),
        )
        children = [web, *([_worker_child(environment, folder)] if worker else [])]
        try:
            builds = "with a build worker" if worker else "without a build worker"
            Supervisor(children, settings.graceful_seconds + STOP_MARGIN_S).run(
                lambda: say(f"serving on {address_of(listener)} with {settings.web_workers} web workers, {builds}")
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if server:
                server.leave()


def run_worker(settings: Settings, settings_path: Path | None, *, say: Callable[[str], None]) -> None:
    """Keep one worker running until a signal comes."""
    folder = _run_folder(settings)
    try:
        child = _worker_child(_environment(settings_path, folder), folder)
        Supervisor([child], settings.graceful_seconds + STOP_MARGIN_S).run(lambda: say("a worker is running"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def family() -> str:
    """A name for this process and what it starts; never used twice on a machine."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{int(psutil.Process().create_time())}"


def _worker_child(environment: dict[str, str], folder: Path) -> Child:
    name, parent = family(), str(os.getpid())
    return Child(
        "the build worker",
        lambda n: [sys.executable, "-m", "floodmark", "worker", "--child", f"{name} {n} {parent}"],
        environment,
        replaced=frozenset({RECYCLE}),
        after_death=lambda pid: metrics_files.fold(folder, pid),
    )


def _environment(settings_path: Path | None, folder: Path) -> dict[str, str]:
    chosen = {"FLOODMARK_SETTINGS": str(settings_path.absolute())} if settings_path else {}
    return {**chosen, "PROMETHEUS_MULTIPROC_DIR": str(folder), "PYTHONUNBUFFERED": "1"}


def _run_folder(settings: Settings) -> Path:
    """A folder for what the processes of this run share; those that killed runs left are deleted."""
    above = (settings.data_dir / "run").absolute()
    try:
        above.mkdir(parents=True, exist_ok=True)
        for path in above.glob("serve-*"):
            if not psutil.pid_exists(int(path.name.partition("-")[2])):
                shutil.rmtree(path, ignore_errors=True)
        folder = above / f"serve-{os.getpid()}"
        metrics_files.prepare(folder)
    except OSError as error:
        raise CannotWrite(f"{above}: cannot be written: {error.strerror}; make it writable or set data_dir") from None
    return folder
