"""Who may look, and what a page may load."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from floodmark.dashboard.configuration import is_https, is_loopback_only
from floodmark.dashboard.context import current
from floodmark.dashboard.pages import too_many

COOKIE = "floodmark"
SALT = "floodmark.dashboard"
OPEN_PATHS = ("/sign-in/", "/static/", "/healthz")

Answer = Callable[[HttpRequest], HttpResponseBase]


class ContentPolicy:
    """Nothing from elsewhere, no inline script: a hostile name that slipped through could still not run."""

    POLICY = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Add the header to pages that bring none of their own."""
        answer = self.get_response(request)
        answer.headers.setdefault("Content-Security-Policy", self.POLICY)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer


class SignIn:
    """Everybody has to sign in, unless only this machine can reach the dashboard and no user is set."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Let through, ask for a password, or lead to the page that does."""
        if _tries(request) and (wait := current().attempts.wait(address_of(request))):
            refusal = too_many(request, wait)
            refusal.headers["Retry-After"] = f"{wait:.0f}"
            return refusal
        if may_look(request):
            return self.get_response(request)
        if request.path == "/metrics" or request.path == "/events":
            refusal = HttpResponse("sign in\n", status=401, content_type="text/plain; charset=utf-8")
            refusal.headers["WWW-Authenticate"] = 'Basic realm="floodmark"'
            return refusal
        return HttpResponseRedirect("/sign-in/")


def address_of(request: HttpRequest) -> str:
    """Who asks; what a proxy says of that counts only where the proxy is one of `trusted_proxies`."""
    peer = str(request.META.get("REMOTE_ADDR", ""))
    trusted = {one.strip() for one in current().settings.trusted_proxies.split(",")}
    said = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return said if said and peer in trusted else peer


def _tries(request: HttpRequest) -> bool:
    """Whether the request brings a password."""
    return "Authorization" in request.headers or (request.path == "/sign-in/" and request.method == "POST")


def may_look(request: HttpRequest) -> bool:
    """Whether this request may see the dashboard."""
    settings = current().settings
    if request.path.startswith(OPEN_PATHS):
        return True
    if is_loopback_only(settings) and not settings.watch_user:
        return True
    return _signed(request) or _basic(request)


def who(request: HttpRequest) -> str:
    """The name to write beside what was done."""
    return current().settings.watch_user or "dashboard"


def password_fits(request: HttpRequest, user: str, password: str) -> bool:
    """Compare in constant time, and count what is wrong; with no password set nobody fits."""
    wanted = _password()
    same_user = hmac.compare_digest(user.encode(), current().settings.watch_user.encode())
    fits = bool(wanted) and same_user & hmac.compare_digest(password.encode(), wanted.encode())
    if not fits:
        current().attempts.count(address_of(request))
    return fits


def _password() -> str:
    secret = current().settings.watch_password
    return secret.get_secret_value() if secret else ""


def _salt() -> str:
    """Of the password too: who signed in with another one has to sign in again once it is changed."""
    return SALT + hashlib.sha256(_password().encode()).hexdigest()


def _signed_in_seconds() -> int:
    return int(current().settings.watch_sign_in_hours * 3600)


def sign_in(answer: HttpResponse, user: str) -> None:
    """Put the signed cookie on an answer."""
    value, secure = signing.dumps(user, salt=_salt()), is_https(current().settings)
    answer.set_cookie(COOKIE, value, max_age=_signed_in_seconds(), httponly=True, samesite="Strict", secure=secure)


def _signed(request: HttpRequest) -> bool:
    try:
        user = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_salt(), max_age=_signed_in_seconds())
    except signing.BadSignature:
        return False
    return bool(user == current().settings.watch_user and current().settings.watch_password)


def _basic(request: HttpRequest) -> bool:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return False
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return False
    return password_fits(request, user, password)
