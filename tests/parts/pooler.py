"""A transaction pooler as strict as PgBouncer: a small proxy that lends each transaction another server session.

It refuses the startup parameter `options` in PgBouncer's words, shares `sessions` server sessions among all clients,
and gives a session back, to the end of the line, whenever the server says that no transaction is open.
"""

from __future__ import annotations

import queue
import socket
import struct
import threading
from contextlib import suppress
from typing import Any

import psycopg

SSL, GSS, CANCEL, VERSION_3 = 80877103, 80877104, 80877102, 196608


class Pooler:
    """Listens on 127.0.0.1; `url` is that of the database behind it."""

    def __init__(self, server_url: str, sessions: int = 2) -> None:
        self.server = psycopg.conninfo.conninfo_to_dict(server_url)
        self.free: queue.Queue[socket.socket] = queue.Queue()
        self.loans = 0
        for _ in range(sessions):
            backend, self.greeting = self._log_in()
            self.free.put(backend)
        self.backends = list(self.free.queue)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.clients: list[socket.socket] = []
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    @property
    def url(self) -> str:
        port = self.listener.getsockname()[1]
        return f"postgresql://{self.server['user']}@127.0.0.1:{port}/{self.server['dbname']}"

    def wait_until_idle(self) -> None:
        """Wait until every session is given back: the pooler passes an answer on first. Raises queue.Empty."""
        idle = [self.free.get(timeout=10) for _ in self.backends]
        for backend in idle:
            self.free.put(backend)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        for one in (self.listener, *self.clients, *self.backends):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self.threads:
            thread.join(10)

    def _log_in(self) -> tuple[socket.socket, bytes]:
        """A server session, and the parameters that it announced."""
        backend = socket.socket(socket.AF_UNIX)
        backend.connect(f"{self.server['host']}/.s.PGSQL.{self.server['port']}")
        words = ["user", self.server["user"], "database", self.server["dbname"], "client_encoding", "UTF8"]
        body = struct.pack("!i", VERSION_3) + b"".join(str(word).encode() + b"\0" for word in words) + b"\0"
        backend.sendall(struct.pack("!i", len(body) + 4) + body)
        greeting = b""
        while True:
            kind, message = read_message(backend)
            if kind in b"RSK":
                greeting += message
            if kind == b"Z":
                return backend, greeting + message

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.clients.append(client)
            thread = threading.Thread(target=self._serve, args=(client,))
            self.threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError), client:
            if self._greet(client):
                self._lend(client)

    def _lend(self, client: socket.socket) -> None:
        backend = None
        try:
            while (message := read_message(client))[0] != b"X":
                backend = backend or self._borrow()
                backend.sendall(message[1])
                if message[0] in b"QS" and self._answer(backend, client):
                    self.free.put(backend)
                    backend = None
        finally:
            if backend:  # the client has gone in the middle of a transaction
                backend.sendall(b"Q" + struct.pack("!i", 13) + b"ROLLBACK\0")
                while read_message(backend)[0] != b"Z":
                    pass
                self.free.put(backend)

    def _borrow(self) -> socket.socket:
        self.loans += 1
        return self.free.get(timeout=10)

    def _greet(self, client: socket.socket) -> bool:
        while True:
            (length,) = struct.unpack("!i", read(client, 4))
            body = read(client, length - 4)
            (code,) = struct.unpack("!i", body[:4])
            if code in (SSL, GSS):
                client.sendall(b"N")
            elif code == CANCEL:
                return False
            elif b"options\0" in body:
                refusal = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
                client.sendall(b"E" + struct.pack("!i", len(refusal) + 4) + refusal)
                return False
            else:
                client.sendall(self.greeting)
                return True

    @staticmethod
    def _answer(backend: socket.socket, client: socket.socket) -> bool:
        """Pass the answer on; True where no transaction is open after it."""
        while True:
            kind, message = read_message(backend)
            client.sendall(message)
            if kind == b"Z":
                return message[-1:] == b"I"


def read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_message(connection: socket.socket) -> tuple[bytes, bytes]:
    """The kind of a protocol message, and the whole of it."""
    head = read(connection, 5)
    (length,) = struct.unpack("!i", head[1:])
    return head[:1], head + read(connection, length - 4)


def session_of(connection: Any) -> int:
    """The number of the server process that answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]
