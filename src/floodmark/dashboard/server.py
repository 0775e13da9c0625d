"""The server of the dashboard: threads in the watch's own process, so that pages see what the watch sees.

Bounded: so many requests at once and no more (others wait in the listen queue), and a client that says nothing for
`watch_client_seconds` is let go. It serves a handful of operators, not the world: put nginx before it for TLS.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.core.handlers.wsgi import WSGIHandler

from floodmark.dashboard.attempts import Attempts
from floodmark.dashboard.configuration import configure, secret_in
from floodmark.dashboard.context import Context, set_current
from floodmark.errors import CannotWrite, SettingsError
from floodmark.own_memory import give_back
from floodmark.settings import Settings
from floodmark.watch.live import Watch

log = logging.getLogger(__name__)

STOP_SECONDS = 3.0


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *words: Any) -> None:
        """Quiet: the dashboard's own requests are no news."""

    def get_environ(self) -> dict[str, Any]:
        environ = super().get_environ()
        # wsgiref looks the client's name up in the DNS, which may take seconds.
        environ["REMOTE_HOST"] = ""
        return environ

    def address_string(self) -> str:
        return str(self.client_address[0])


class _Server(WSGIServer):
    request_queue_size = 64
    daemon_threads = True

    def __init__(self, address: tuple[str, int], max_threads: int, client_seconds: float) -> None:
        self._places = threading.BoundedSemaphore(max_threads)
        self._answering: set[threading.Thread] = set()
        super().__init__(address, type("_Handler", (_Handler,), {"timeout": client_seconds}))

    def server_bind(self) -> None:
        # Without the parent's look-up of the machine's own name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        # Before the thread is made: who has no place waits in the kernel's queue, which is bounded, not in a thread.
        self._places.acquire()
        thread = threading.Thread(target=self._answer, args=(request, client_address), daemon=True)
        self._answering.add(thread)
        thread.start()

    def _answer(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except (ConnectionError, TimeoutError):
            # The client has gone: nothing is wrong here.
            pass
        except Exception:
            log.exception("the dashboard failed to answer")
        finally:
            self.shutdown_request(request)
            # Most of what a page took is free again; the next round, which would see to it, may be long in coming.
            give_back()
            self._answering.discard(threading.current_thread())
            self._places.release()

    def wait(self, seconds: float) -> None:
        """Wait for the answers under way: a thread that outlives the interpreter holds what DuckDB then complains of."""
        until = time.monotonic() + seconds
        for thread in list(self._answering):
            thread.join(max(until - time.monotonic(), 0))


class DashboardServer:
    """A context manager: serves from `with` until `stop`. Raises SettingsError for an address that cannot be used."""

    def __init__(self, watch: Watch, settings: Settings) -> None:
        host, _, port = settings.watch_bind.rpartition(":")
        self._ended = threading.Event()
        viewers = threading.BoundedSemaphore(settings.watch_viewers)
        attempts = Attempts(
            most=settings.watch_wrong_passwords, seconds=settings.watch_wrong_password_seconds,
            addresses=settings.watch_max_guessers,
        )  # fmt: skip
        set_current(Context(watch, settings, viewers, attempts, self._ended))
        self._check(settings, host, port)
        configure(settings, secret_in(watch.folder))
        try:
            self._server = _Server(
                (host.strip("[]"), int(port)),
                settings.watch_viewers + settings.watch_requests,
                settings.watch_client_seconds,
            )
        except OSError as error:
            raise CannotWrite(
                f"watch_bind {settings.watch_bind}: {error.strerror}; is another watch running, or another program?"
            ) from None
        self._server.set_app(WSGIHandler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="dashboard", daemon=True)

    @property
    def url(self) -> str:
        """The address people use on this machine."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take no more requests and end the pages that are kept up to date."""
        self._ended.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._server.wait(STOP_SECONDS)

    @staticmethod
    def _check(settings: Settings, host: str, port: str) -> None:
        if not host or not port.isdigit() or int(port) > 65_535:
            raise SettingsError(f"watch_bind: {settings.watch_bind!r} is not an address and a port (127.0.0.1:8090)")
        if host not in ("127.0.0.1", "localhost", "[::1]") and not (settings.watch_user and settings.watch_password):
            raise SettingsError(
                f"watch_bind: {settings.watch_bind} can be reached from other machines: set watch_user and"
                " watch_password, or bind to 127.0.0.1"
            )
