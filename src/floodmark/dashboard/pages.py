"""The pages: each asks the watch's view, state and store, and fills a template. Nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from floodmark.dashboard import drawing, history
from floodmark.dashboard.context import current, state
from floodmark.diagnosis.incident import Cause, Service
from floodmark.diagnosis.rules import RULES

MAX_ROWS = 200
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
    }  # fmt: skip
    return render(request, f"dashboard/{template}.html", page | more)


def services(request: HttpRequest) -> HttpResponse:
    """Services at a glance, worst first."""
    view = current().watch.view
    judged = {one.service: one for one in (view.incident.services if view.incident else ())}
    latest = history.latest(current().watch)
    with state() as opened:
        numbers = {
            row["service"]: row["id"] for row in opened.rows("select id, service from incident where closed is null")
        }
    rows = [
        Row(
            name, latest.memory_mb.get(name), view.slopes.get(name), judged.get(name), numbers.get(name),
            latest.processes.get(name, 0), drawing.spark(history.totals(current().watch, name), SPARK_POINTS),
        )
        for name in sorted(set(judged) | set(latest.memory_mb))[:MAX_ROWS]
    ]  # fmt: skip
    rows.sort(key=_worst_first)
    return shown(request, "services", rows=rows, summary=view.incident.summary if view.incident else None)


def service(request: HttpRequest, name: str) -> HttpResponse:
    """One service: its memory with what happened drawn in, its growth, its causes, its routes."""
    watch = current().watch
    totals = history.totals(watch, name)
    judged = next(
        (one for one in (watch.view.incident.services if watch.view.incident else ()) if one.service == name), None
    )
    if judged is None and not len(totals.at):
        raise Http404(f"no service {name}")
    marks = history.marks(watch, name)
    routes = history.top_routes(watch, name)
    chart = {"at": totals.at.tolist(), "mb": totals.mb.round(2).tolist(), "marks": marks, "routes": routes}
    with state() as opened:
        actions = opened.rows("select * from action where service = ? order by id desc limit 20", name)
        open_incident = opened.rows("select id from incident where closed is null and service = ?", name)
    return shown(
        request, "service", name=name, judged=judged, causes=_causes(name), chart=chart, marks=marks,
        drawn=drawing.chart(totals, marks), routes=routes, actions=actions, incident=open_incident,
        last_mb=totals.mb[-1] if len(totals.mb) else None,
    )  # fmt: skip


def incidents(request: HttpRequest) -> HttpResponse:
    """Open incidents, then closed ones, newest first."""
    with state() as opened:
        rows = opened.rows("select * from incident order by closed is not null, opened desc limit ?", MAX_ROWS)
    return shown(request, "incidents", rows=rows)


def incident(request: HttpRequest, number: str) -> HttpResponse:
    """One incident: its own timeline, its files, what was done."""
    with state() as opened:
        rows = opened.rows("select * from incident where id = ?", number)
        if not rows:
            raise Http404(f"no incident {number}")
        actions = opened.rows("select * from action where incident = ? order by id", number)
    folder = current().watch.incidents.folder_of(number)
    return shown(
        request, "incident", incident=rows[0], timeline=history.timeline(folder), files=history.files(folder),
        actions=actions, causes=_causes(rows[0]["service"]) if rows[0]["closed"] is None else (),
    )  # fmt: skip


def alerts(request: HttpRequest) -> HttpResponse:
    """What fires, what is silenced, and why each message was sent or withheld."""
    now = current().watch.view.at
    with state() as opened:
        firing = opened.rows("select * from alert where state = 'firing' order by changed desc limit ?", MAX_ROWS)
        resolved = opened.rows("select * from alert where state = 'resolved' order by changed desc limit 30")
        silences = opened.rows("select * from silence where until > ? order by until", now)
        decisions = opened.rows(
            "select decision.*, alert.rule, alert.service from decision left join alert using (fingerprint)"
            " order by decision.id desc limit 60"
        )
    families = sorted({rule.signal for rule in RULES})
    return shown(
        request, "alerts", firing=firing, resolved=resolved, silences=silences, decisions=decisions, rules=RULES,
        families=families, names=sorted(history.latest(current().watch).memory_mb),
    )  # fmt: skip


def actions(request: HttpRequest) -> HttpResponse:
    """What was done, what would have been done, and what was withheld."""
    with state() as opened:
        rows = opened.rows("select * from action order by id desc limit ?", MAX_ROWS)
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
    answer = shown(request, "not_found", said=str(exception))
    answer.status_code = 404
    return answer


def _causes(name: str | None) -> list[Cause]:
    view = current().watch.view
    return [one for one in (view.incident.causes if view.incident else ()) if one.service == name]


def _worst_first(row: Row) -> tuple[int, float, str]:
    severities = ("emergency", "critical", "warning", "none")
    severity = severities.index(row.judged.severity) if row.judged else len(severities)
    return severity, -(row.slope or 0.0), row.name
