"""What changes something: silences and signing in. POST with a CSRF token, and nothing else."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_POST

from floodmark.dashboard import guard
from floodmark.dashboard.context import current, state
from floodmark.dashboard.pages import shown
from floodmark.diagnosis.rules import RULES
from floodmark.watch import alerting
from floodmark.watch.conditions import BLIND

MAX_TEXT = 300


@require_POST
def silence(request: HttpRequest) -> HttpResponse:
    """Silence a service, a rule, or one rule of one service for some hours."""
    service, rule = request.POST.get("service", "")[:MAX_TEXT], request.POST.get("rule", "")
    reason = request.POST.get("reason", "").strip()[:MAX_TEXT]
    known = {"", BLIND, *(one.name for one in RULES), *(one.signal for one in RULES)}
    hours = _hours(request.POST.get("hours", ""))
    if not (service or rule) or rule not in known or not reason or hours is None:
        problem = f"Choose a service or a rule, give a reason, and from 1 to {_longest_hours()} hours."
        answer = shown(request, "refused", problem=problem, back="/alerts/")
        answer.status_code = 400
        return answer
    now = current().watch.clock()
    with state() as opened:
        alerting.add_silence(
            opened, service=service or None, rule=rule or None, until=now + hours * 3600, author=guard.who(request),
            reason=reason, now=now,
        )  # fmt: skip
    return HttpResponseRedirect("/alerts/")


@require_POST
def end_silence(request: HttpRequest, number: int) -> HttpResponse:
    """End a silence now."""
    with state() as opened:
        alerting.end_silence(opened, number, current().watch.clock())
    return HttpResponseRedirect("/alerts/")


@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for user and password; after `watch_wrong_passwords` wrong ones the address has to wait."""
    if request.method != "POST":
        return shown(request, "sign_in", wrong=False)
    user, password = request.POST.get("user", "")[:MAX_TEXT], request.POST.get("password", "")[:MAX_TEXT]
    if not guard.password_fits(request, user, password):
        answer = shown(request, "sign_in", wrong=True)
        answer.status_code = 403
        return answer
    welcome = HttpResponseRedirect("/")
    guard.sign_in(welcome, user)
    return welcome


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Forget the cookie."""
    answer = HttpResponseRedirect("/sign-in/")
    answer.delete_cookie(guard.COOKIE, samesite="Strict")
    return answer


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: from another site, or from a page whose cookie is gone."""
    problem = (
        "This form did not come from this dashboard, or its page was open for too long: go back, reload and try again."
        " Behind a proxy with TLS, watch_public_url has to be the address in the browser."
    )
    answer = shown(request, "refused", problem=problem, back="/")
    answer.status_code = 403
    return answer


def _hours(text: str) -> int | None:
    # Six digits at most: Python refuses to read a number of thousands, with an error of its own.
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        return None
    return int(text) if 1 <= int(text) <= _longest_hours() else None


def _longest_hours() -> int:
    return current().settings.watch_silence_max_hours
