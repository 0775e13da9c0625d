"""What the server says of itself: the index page, /datasets.json, health, metrics."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import logging
import time
from datetime import datetime
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from prometheus_client import CONTENT_TYPE_LATEST

from floodmark import __version__
from floodmark.export.artifacts.entry import Entry, Segment
from floodmark.export.index_page import page_of
from floodmark.export.middleware import note
from floodmark.export.router import OWN
from floodmark.export.service import NotNow, service
from floodmark.export.source import alias
from floodmark.export.views import read_only, text

log = logging.getLogger("floodmark.export")

READY_REMEMBERED_S = 2.0
PROXY_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA", "HTTP_X_FORWARDED_PROTO")


@read_only
def index(request: HttpRequest) -> HttpResponseBase:
    """The page for people."""
    note(request, route="index")
    number = request.GET.get("page", "1")
    entries = list(service().shelf.entries())
    page = page_of(entries, int(number) if number.isdecimal() and len(number) < 6 else 1)
    html = render_to_string("index.html", {"page": page, "version": __version__, "style": _style()[0]})
    response = HttpResponse(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = f"default-src 'none'; style-src '{_style()[1]}'; base-uri 'none'"
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return _conditional(request, response)


@cache
def _style() -> tuple[str, str]:
    """The style sheet, and its hash as the browser is told to expect it."""
    style = (Path(__file__).parent / "static" / "index.css").read_text(encoding="utf-8")
    return style, "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


@read_only
def datasets(request: HttpRequest) -> HttpResponseBase:
    """Every dataset on the shelf, for programs."""
    note(request, route="datasets")
    base = service().settings.public_url.rstrip("/")
    found = [_described(entry, base) for entry in service().shelf.entries()]
    body = json.dumps({"version": 1, "datasets": found}, indent=1, ensure_ascii=False)
    response = HttpResponse(body, content_type="application/json; charset=utf-8")
    response.headers["Cache-Control"] = "public, no-cache"
    return _conditional(request, response)


def _conditional(request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
    """The answer with a validator and a length, or 304."""
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response.headers["ETag"] = etag
    response.headers["Content-Length"] = str(len(response.content))
    return get_conditional_response(request, etag=etag, response=response) or response


def _described(entry: Entry, base: str) -> dict[str, Any]:
    organisation_id, _, kind = entry.slug.partition("/")
    path = f"/organisation/{organisation_id}/" + ("iati/" if kind == "activities" else "iati-org/")
    return {
        "dataset": entry.slug,
        "kind": kind,
        "organisation": {"id": int(organisation_id), "name": entry.title},
        "url": base + path,
        "bytes": entry.whole.xml.bytes,
        "gzip_bytes": entry.whole.gzip.bytes,
        "sha256": entry.whole.xml.sha256,
        "etag": entry.whole.etag("identity"),
        "activities": entry.whole.activities,
        "built_at": _moment(entry.whole.generated),
        "checked_at": _moment(entry.checked),
        "valid": entry.valid,
        "schema": entry.schema,
        "remarks": entry.left_out,
        "segments": [_segment(segment, base + path) for segment in entry.segments],
    }


def _segment(segment: Segment, url: str) -> dict[str, Any]:
    return {
        "number": segment.number,
        "url": f"{url}segments/{segment.number}.xml",
        "bytes": segment.artifact.xml.bytes,
        "gzip_bytes": segment.artifact.gzip.bytes,
        "sha256": segment.artifact.xml.sha256,
        "etag": segment.artifact.etag("identity"),
        "activities": segment.artifact.activities,
        "built_at": _moment(segment.artifact.generated),
    }


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


@read_only
def healthz(request: HttpRequest) -> HttpResponseBase:
    """This process answers."""
    note(request, route="healthz")
    return text(200, "ok")


@read_only
def readyz(request: HttpRequest) -> HttpResponseBase:
    """Can this server serve? Stored files are served without the database, so with files it is ready without one."""
    note(request, route="readyz")
    artifacts, count = _artifacts()
    database = _database()
    ready = artifacts == "ok" and (database == "ok" or count > 0)
    found = {"ready": ready, "artifacts": artifacts, "datasets": count, "database": database}
    response = HttpResponse(json.dumps(found) + "\n", status=200 if ready else 503, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _artifacts() -> tuple[str, int]:
    try:
        return "ok", sum(1 for _ in service().shelf.entries())
    except OSError as error:
        log.error("artifacts cannot be read: %s", error)
        return "cannot be read", 0


_database_seen: tuple[float, str] = (float("-inf"), "")


def _database() -> str:
    """ "ok", or what is wrong; asked at most every two seconds, for probes are many."""
    global _database_seen
    if time.monotonic() - _database_seen[0] < READY_REMEMBERED_S:
        return _database_seen[1]
    try:
        with service().database():
            for name in {OWN, alias()}:
                with connections[name].cursor() as cursor:
                    cursor.execute("SELECT 1")
        said = "ok"
    except NotNow as error:
        said = str(error)
    _database_seen = (time.monotonic(), said)
    return said


@read_only
def metrics(request: HttpRequest) -> HttpResponseBase:
    """The page for Prometheus."""
    note(request, route="metrics")
    settings = service().settings
    password = settings.metrics_password.get_secret_value() if settings.metrics_password else ""
    if settings.metrics_user or password:
        if not _has_credentials(request, settings.metrics_user, password):
            return text(401, "Credentials are required.", WWW_Authenticate='Basic realm="metrics"')
    elif not _is_local(request):
        return text(403, "Without configured credentials this answers only to requests from this machine.")
    return HttpResponse(service().metrics.page(), content_type=CONTENT_TYPE_LATEST)


def _has_credentials(request: HttpRequest, user: str, password: str) -> bool:
    kind, _, coded = request.headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(coded, validate=True) if kind.lower() == "basic" else b""
    except binascii.Error:
        given = b""
    # Compared as a whole and in constant time: neither half can be guessed on its own.
    return bool(password) and hmac.compare_digest(given, f"{user}:{password}".encode())


def _is_local(request: HttpRequest) -> bool:
    """From this machine itself: through a proxy every request seems to be, so a proxy's mark says no."""
    if any(name in request.META for name in PROXY_HEADERS):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 as text."""
    note(request, route="none")
    return text(404, "There is nothing here. /datasets.json lists what there is.")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400 as text."""
    return text(400, "This request cannot be understood.")


def server_error(request: HttpRequest) -> HttpResponse:
    """500 as text; the log has the reason."""
    return text(500, "Something went wrong on this server; its log says what.")
