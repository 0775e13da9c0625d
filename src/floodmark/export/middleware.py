"""Around every request: what it came to is noted once, when its response is closed.

A plain WSGI wrapper, so that what is counted is what was handed to the socket: a body counts as taken when the server
asks for the next block, and as complete when it asks after the last one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from floodmark.export.metrics import Meters
from floodmark.export.process import resident_bytes
from floodmark.request_record import Records, RequestRecord

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

NOTE = "floodmark.note"


def note(request: HttpRequest, **facts: str) -> None:
    """Say of this request what only the view knows: route, dataset, outcome, encoding."""
    request.META.setdefault(NOTE, {}).update(facts)


def measured(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Django middleware: every body that is not a stream has its length said."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        # Not for a 304: its Content-Length would be that of the 200 (RFC 9110, 8.6), and a cache may believe a 0.
        if isinstance(response, HttpResponse) and response.status_code != 304:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response

    return answer


class Recorded:
    """The application with a record and a count for each of its requests."""

    def __init__(self, application: WSGIApplication, records: Records, meters: Meters) -> None:
        self.application, self.records, self.meters = application, records, meters

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = _Request(environ, self._finish)
        self.meters.begin()
        try:
            request.take(self.application(environ, request.starting(start_response)))
        except BaseException:
            request.close()
            raise
        return request

    def _finish(self, record: RequestRecord) -> None:
        self.meters.finish(record)
        self.records.write(record)


class _Request(Iterator[bytes]):
    """The body on its way out, and what is known of the request so far."""

    def __init__(self, environ: WSGIEnvironment, finish: Callable[[RequestRecord], None]) -> None:
        self.environ, self.finish = environ, finish
        self.began, self.clock = time.time(), time.perf_counter()
        self.body: Iterator[bytes] = iter(())
        self.closers: list[Callable[[], None]] = []
        self.status = 500
        self.promised: int | None = None
        self.first: float | None = None
        self.sent = self.handed = 0
        self.complete = self.closed = False

    def starting(self, start_response: StartResponse) -> Any:
        def started(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            self.status = int(status.split(" ", 1)[0])
            lengths = [value for name, value in headers if name.lower() == "content-length"]
            self.promised = int(lengths[0]) if lengths else None
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        return started

    def take(self, body: Iterable[bytes]) -> None:
        close = getattr(body, "close", None)
        if close:
            self.closers.append(close)
        # A HEAD sends no body; some answers are short texts that have one all the same.
        self.body = iter(()) if self.environ["REQUEST_METHOD"] == "HEAD" else iter(body)

    def __next__(self) -> bytes:
        # Being asked for the next block is the only sign that the last one has been taken.
        self.sent, self.handed = self.sent + self.handed, 0
        try:
            block = next(self.body)
        except StopIteration:
            self.complete = True
            raise
        if self.first is None:
            self.first = time.perf_counter() - self.clock
        self.handed = len(block)
        return block

    def close(self) -> None:
        """Close the response and write the record; a second call does nothing."""
        if self.closed:
            return
        self.closed = True
        try:
            for closer in self.closers:
                closer()
        finally:
            self.finish(self._record())

    def _record(self) -> RequestRecord:
        environ, noted = self.environ, self.environ.get(NOTE, {})
        return RequestRecord(
            at=self.began,
            seconds=time.perf_counter() - self.clock,
            first_byte_seconds=self.first,
            method=environ["REQUEST_METHOD"],
            path=environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace"),
            route=noted.get("route", ""),
            status=self.status,
            sent=0 if environ["REQUEST_METHOD"] == "HEAD" else self.sent,
            promised=self.promised,
            complete=self.complete,
            encoding=noted.get("encoding"),
            outcome=noted.get("outcome"),
            dataset=noted.get("dataset"),
            client=environ.get("REMOTE_ADDR") or None,
            agent=environ.get("HTTP_USER_AGENT"),
            pid=os.getpid(),
            rss=resident_bytes(),
        )
