"""POST with credentials read from files, a time limit, a bounded answer, and no redirects."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import urlsplit

from floodmark.errors import FloodmarkError

ANSWER_BYTES = 4096


class DeliveryError(FloodmarkError):
    """A message was not delivered; it stays in the outbox. `final` where trying again cannot help."""

    def __init__(self, problem: str, *, final: bool = False) -> None:
        super().__init__(problem)
        self.final = final


class Credentials(Protocol):
    """The part of a configuration table that says who we are."""

    username: str | None
    password_file: Path | None
    token_file: Path | None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        # A redirect would carry the credentials to wherever the answer points.
        return None


opener = urllib.request.build_opener(_NoRedirects)


def post(url: str, body: bytes, credentials: Credentials, *, timeout_seconds: float) -> None:
    """POST JSON; raises DeliveryError for anything but a 2xx answer. The message names no secret."""
    headers = {"Content-Type": "application/json", "User-Agent": "floodmark", **authorisation(credentials)}
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310 checked by the config
    try:
        with opener.open(request, timeout=timeout_seconds) as answer:
            answer.read(ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            # 4xx but for time-outs and throttling: the same bytes will be refused again.
            final = 400 <= error.code < 500 and error.code not in (401, 403, 404, 408, 429)
            raise DeliveryError(f"{host_of(url)} answered {error.code}", final=final) from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise DeliveryError(f"{host_of(url)}: {reason}") from None


def authorisation(credentials: Credentials) -> dict[str, str]:
    """The header for the credentials, read anew each time so that a rotated secret is picked up."""
    if credentials.token_file:
        return {"Authorization": f"Bearer {secret(credentials.token_file)}"}
    if credentials.username and credentials.password_file:
        pair = f"{credentials.username}:{secret(credentials.password_file)}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    return {}


def secret(path: Path) -> str:
    """The first line of a secret's file; raises DeliveryError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip().split("\n", 1)[0]
    except (OSError, UnicodeDecodeError) as error:
        raise DeliveryError(f"{path}: cannot be read: {error}") from None


def host_of(url: str) -> str:
    """Scheme, host and port of a URL: what a log may say of it (paths and queries of webhooks hold secrets)."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"
