"""gunicorn's configuration from Floodmark's settings: `gunicorn -c python:floodmark.export.gunicorn_conf`.

`floodmark serve` runs exactly that, with the listening socket handed down. Web processes are replaced when their memory
has grown: gunicorn has no such thing, so it is done in the hook that runs after a request.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import random
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

import gunicorn.util
from gunicorn.workers.gthread import ThreadWorker

from floodmark.export import metrics_files
from floodmark.export.process import die_with_parent, proportional_bytes, resident_bytes
from floodmark.own_memory import few_arenas
from floodmark.settings import load

_path = os.environ.get("FLOODMARK_SETTINGS")
_settings = load(Path(_path) if _path else None)
_metrics = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]) if os.environ.get("PROMETHEUS_MULTIPROC_DIR") else None

LOOK_AT_MEMORY_EVERY_S = 1.0

wsgi_app = "floodmark.export.wsgi:from_environment()"
bind = os.environ.get("LISTENING_SOCKET") or _settings.bind
proc_name = "floodmark"
workers = _settings.web_workers
threads = _settings.web_threads
worker_connections = _settings.web_threads + 200
keepalive = _settings.keepalive_seconds
graceful_timeout = _settings.graceful_seconds
# A worker's main thread only passes connections on; silent for so long, it hangs.
timeout = 60
forwarded_allow_ips = _settings.trusted_proxies
proxy_allow_ips = ""
control_socket_disable = True
errorlog = "-"
loglevel = "warning"
limit_request_line = 2048
limit_request_fields = 60
limit_request_field_size = 8190


class SendingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gthread, with limits on how long a client may keep us waiting for its request, or leave a block untaken."""

    def handle(self, conn: Any) -> Any:
        """One request of a connection."""
        # The worker makes the socket blocking itself; the kernel's own limit holds all the same.
        conn.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _settings.header_timeout_seconds, 0)
        )
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer one request. A client that stalls or leaves is no error of ours, and is not logged as one."""
        conn.sock.settimeout(_settings.send_timeout_seconds)
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError:
            raise OSError(errno.ECONNRESET, "the client took nothing for send_timeout_seconds") from None


worker_class = SendingWorker


def _refuse_as_text(client: socket.socket, status: int, reason: str, words: str) -> None:
    """What gunicorn itself says of a request that it cannot read. Its own words are a page of HTML."""
    body = f"{words or reason}\n".encode("ascii", "replace")
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
    gunicorn.util.write_nonblock(client, f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)


# The worker looks the function up in the module each time, and there is no other place to put ours.
gunicorn.util.write_error = _refuse_as_text


class _Quiet(logging.Filter):
    """Clients that stall are no errors of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False for what header_timeout_seconds ended."""
        return not (record.exc_info and isinstance(record.exc_info[1], BlockingIOError))


logging.getLogger("gunicorn.error").addFilter(_Quiet())
# Every 404 would be a line here, and strangers try out addresses by the thousand; the request records have them anyway.
logging.getLogger("django.request").setLevel(logging.ERROR)


def on_starting(server: Any) -> None:
    """The master: stop when the supervisor dies."""
    if os.environ.get("LISTENING_SOCKET"):
        die_with_parent()
    if _metrics:
        metrics_files.mark(_metrics, "master")


def when_ready(server: Any) -> None:
    """The master, listening: a socket that was handed down is not gunicorn's to remove."""
    server.systemd = server.systemd or bool(os.environ.get("LISTENING_SOCKET"))


def post_worker_init(worker: Any) -> None:
    """A web process, before its first request."""
    few_arenas()
    if _metrics:
        metrics_files.mark(_metrics, "web")
    # Drawn once a process, so that processes that grow alike do not all stop together.
    worker.most_bytes = _settings.web_worker_max_mb * 1e6 * random.uniform(1.0, 1.1)  # noqa: S311
    worker.look_at = time.monotonic() + random.uniform(0, LOOK_AT_MEMORY_EVERY_S)  # noqa: S311
    worker.recycling = None


def post_request(worker: Any, request: Any, environ: Any, response: Any) -> None:
    """After a request: a process that has grown too far stops taking new ones, if no other is doing so."""
    if time.monotonic() < worker.look_at or not worker.alive:
        return
    worker.look_at = time.monotonic() + LOOK_AT_MEMORY_EVERY_S
    if (resident_bytes() or 0) < worker.most_bytes or (proportional_bytes() or 0) < worker.most_bytes:
        return
    if _may_recycle(worker):
        worker.log.warning("memory has grown above web_worker_max_mb: process %s is replaced", os.getpid())
        worker.alive = False


def _may_recycle(worker: Any) -> bool:
    """Whether this process has the turn; the kernel takes it back when the process has gone."""
    if worker.recycling is None:
        folder = _metrics or _settings.data_dir
        worker.recycling = os.open(folder / "recycle.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(worker.recycling, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def child_exit(server: Any, worker: Any) -> None:
    """In the master, when a web process has gone: keep its counts, drop its files."""
    if _metrics:
        metrics_files.fold(_metrics, worker.pid)


logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
