"""The pages: each asks the watch's view, state and store, and fills a template. Nothing is written here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404

from floodmark.dashboard import drawing, history, words
from floodmark.dashboard.context import current, state
from floodmark.diagnosis.incident import Cause, Service
from floodmark.diagnosis.rules import RULES

RANGE_WORDS = (("day", "24 hours"), ("week", "7 days"), ("month", "30 days"))
SPARK_POINTS = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One service at a glance."""

    name: str
    memory_mb: float | None
    slope: float | None
    judged: Service | None
    incident: str | None
    processes: int
    spark: str


def shown(request: HttpRequest, template: str, **more: Any) -> HttpResponse:
    """A page with what every page has."""
    watch = current().watch
    view = watch.view
    page = {
        "view": view, "now": view.at or watch.started, "signed_in": bool(current().settings.watch_user),
        "here": request.path, "interval": current().settings.watch_interval_seconds,
        # Who has not signed in sees nothing of the watch, and no ways that lead back here.
        "bare": request.path == "/sign-in/",
    }  # fmt: skip
    return render(request, f"dashboard/{template}.html", page | more)


def services(request: HttpRequest) -> HttpResponse:
    """Services at a glance, worst first."""
    view = current().watch.view
    judged = {one.service: one for one in (view.incident.services if view.incident else ())}
    latest, lines = history.latest(current().watch), history.all_totals(current().watch, SPARK_POINTS)
    with state() as opened:
        numbers = {
            row["service"]: row["id"] for row in opened.rows("select id, service from incident where closed is null")
        }
    rows = [
        Row(
            name, latest.memory_mb.get(name), view.slopes.get(name), judged.get(name), numbers.get(name),
            latest.processes.get(name, 0), drawing.spark(lines[name], SPARK_POINTS) if name in lines else "",
        )
        for name in set(judged) | set(latest.memory_mb)
    ]  # fmt: skip
    # The worst first and only then the limit: cut by name, a service that burns might not be on the page.
    rows.sort(key=_worst_first)
    summary, most = view.incident.summary if view.incident else None, _most()
    return shown(request, "services", rows=rows[:most], more=len(rows[most:]), summary=summary)


def service(request: HttpRequest, name: str) -> HttpResponse:
    """One service: its memory with what happened drawn in, its growth, its causes, its routes."""
    watch = current().watch
    chosen = request.GET.get("range", "window")
    line = history.totals(watch, name, history.RANGES.get(chosen))
    judged = next(
        (one for one in (watch.view.incident.services if watch.view.incident else ()) if one.service == name), None
    )
    now = history.latest(watch)
    if judged is None and name not in now.memory_mb and not len(line.at):
        raise Http404(f"no service {name}")
    routes = history.top_routes(watch, name, line)
    with state() as opened:
        marks = history.marks(watch, opened, name, line)
        actions = opened.rows("select * from action where service = ? order by id desc limit ?", name, _most())
        open_incident = opened.rows("select id from incident where closed is null and service = ?", name)
    return shown(
        request, "service", name=name, judged=judged, causes=_causes(name), chart=_chart(line, marks, routes),
        marks=marks, drawn=drawing.chart(line, marks), routes=routes, actions=actions, incident=open_incident,
        memory_mb=now.memory_mb.get(name), pressure=now.pressure.get(name), processes=now.processes.get(name),
        ranges=[(one, text, one == chosen) for one, text in _range_words(watch.settings.watch_window_seconds)],
    )  # fmt: skip


def _range_words(window_seconds: float) -> list[tuple[str, str]]:
    hours, minutes = window_seconds / 3600, window_seconds / 60
    return [("window", f"{hours:g} hours" if hours >= 1 else f"{minutes:.0f} min"), *RANGE_WORDS]


def _chart(line: history.Line, marks: list[dict[str, Any]], routes: list[dict[str, Any]]) -> dict[str, Any]:
    """What the page's script draws; a gap is null, as NaN is no JSON."""
    mb = [None if value != value else round(value, 2) for value in line.mb.tolist()]
    drawn = [{name: row[name] for name in ("name", "per_minute")} for row in routes if "per_minute" in row]
    return {
        "since": line.since, "until": line.until, "at": line.at.tolist(), "mb": mb, "marks": marks,
        "routes": drawn,
    }  # fmt: skip


def incidents(request: HttpRequest) -> HttpResponse:
    """Open incidents, then closed ones, newest first."""
    with state() as opened:
        rows = opened.rows("select * from incident order by closed is not null, opened desc limit ?", _most())
    return shown(request, "incidents", rows=rows)


def incident(request: HttpRequest, number: str) -> HttpResponse:
    """One incident: its own timeline, its files, what was done."""
    with state() as opened:
        rows = opened.rows("select * from incident where id = ?", number)
        if not rows:
            raise Http404(f"no incident {number}")
        actions = opened.rows("select * from action where incident = ? order by id desc limit ?", number, _most())
    folder = current().watch.incidents.folder_of(number)
    return shown(
        request, "incident", incident=rows[0], timeline=history.timeline(folder, _most()), files=history.files(folder),
        actions=actions, causes=history.causes(folder, rows[0]["service"]),
    )  # fmt: skip


def alerts(request: HttpRequest) -> HttpResponse:
    """What fires, what is silenced, and why each message was sent or withheld."""
    now = current().watch.view.at
    with state() as opened:
        firing = opened.rows("select * from alert where state = 'firing' order by changed desc limit ?", _most())
        resolved = opened.rows("select * from alert where state = 'resolved' order by changed desc limit ?", _most())
        silences = opened.rows("select * from silence where until > ? order by until", now)
        decisions = opened.rows(
            "select decision.*, alert.rule, alert.service from decision left join alert using (fingerprint)"
            " order by decision.id desc limit ?",
            _most(),
        )
        deliveries = opened.rows(
            "select messenger, sum(delivered is not null) as delivered, sum(delivered is null and failed is null) as"
            " waiting, sum(failed is not null) as failed, max(delivered) as last, max(case when delivered is null then"
            " problem end) as problem from outbox group by messenger order by messenger"
        )
    families = sorted({rule.signal for rule in RULES})
    return shown(
        request, "alerts", firing=firing, resolved=resolved, silences=silences, decisions=decisions, rules=RULES,
        families=families, deliveries=deliveries, messengers=current().watch.outbox.messengers,
        names=sorted(history.latest(current().watch).memory_mb),
        longest_hours=current().settings.watch_silence_max_hours,
    )  # fmt: skip


def actions(request: HttpRequest) -> HttpResponse:
    """What was done, what would have been done, and what was withheld."""
    with state() as opened:
        rows = opened.rows("select * from action order by id desc limit ?", _most())
    return shown(request, "actions", rows=rows, remedies=current().watch.config.remedy)


def targets(request: HttpRequest) -> HttpResponse:
    """The success metrics, now and over 30 days."""
    incident_now = current().watch.view.incident
    with state() as opened:
        kept = history.targets(opened, current().watch.view.at)
    return shown(request, "targets", now_targets=incident_now.targets if incident_now else (), kept=kept)


def sources(request: HttpRequest) -> HttpResponse:
    """Whether the watch sees what it should, and what it costs itself."""
    return shown(request, "sources", own=history.own_cost(current().watch))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 as a page of ours."""
    # Of an address that leads nowhere Django says which patterns it tried: no reader's business.
    said = f"There is no page {request.path}" if isinstance(exception, Resolver404) else str(exception)
    return _refused(request, "not_found", 404, said=said)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 as a page of ours; most often somebody who asks by a name that the dashboard does not go by."""
    problem = "This request cannot be answered."
    if isinstance(exception, DisallowedHost):
        problem = "The dashboard does not go by this name: watch_public_url has to be the address in the browser."
    return _refused(request, "refused", 400, problem=problem, back="/", bare=True)


def failed(request: HttpRequest) -> HttpResponse:
    """500 as a page of ours: what went wrong stands in the log of the watch."""
    problem = "This page failed. What went wrong stands in the log of the watch, which goes on watching."
    return _refused(request, "refused", 500, problem=problem, back="/")


def too_many(request: HttpRequest, wait_seconds: float) -> HttpResponse:
    """429 as a page of ours: too many wrong passwords came from this address."""
    problem = (
        f"Too many wrong passwords came from here. Try again in {words.duration(60 * math.ceil(wait_seconds / 60))}."
    )
    return _refused(request, "refused", 429, problem=problem, back="/sign-in/", bare=True)


def _refused(request: HttpRequest, template: str, status: int, **more: Any) -> HttpResponse:
    answer = shown(request, template, **more)
    answer.status_code = status
    return answer


def _most() -> int:
    return current().settings.watch_page_rows


def _causes(name: str | None) -> list[Cause]:
    view = current().watch.view
    return [one for one in (view.incident.causes if view.incident else ()) if one.service == name]


def _worst_first(row: Row) -> tuple[int, float, str]:
    severities = ("emergency", "critical", "warning", "none")
    severity = severities.index(row.judged.severity) if row.judged else len(severities)
    return severity, -(row.slope or 0.0), row.name
