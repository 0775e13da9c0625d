"""What is not a page: live events, metrics, files, health."""

from __future__ import annotations

import json
import mimetypes
import time
from collections.abc import Generator, Iterator
from pathlib import Path

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from floodmark.dashboard import history
from floodmark.dashboard.context import current, state

HERE = Path(__file__).parent / "static"
STATIC = {one.name for one in HERE.iterdir()}
LOOK_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 15.0
STREAM_SECONDS = 600.0
"""A stream ends after this and the browser opens another: a dead client is noticed at the latest then."""

# A report has its styles and pictures within itself, so that it can be mailed, and no script at all.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


@require_safe
def events(request: HttpRequest) -> HttpResponseBase:
    """Server-sent events: one a round. Above the limit of viewers: 503, and the page still works without."""
    viewers = current().viewers
    if not viewers.acquire(blocking=False):
        refusal = HttpResponse("too many viewers\n", status=503, content_type="text/plain; charset=utf-8")
        refusal.headers["Retry-After"] = "30"
        return refusal
    answer = StreamingHttpResponse(_Rounds(), content_type="text/event-stream")
    # nginx would gather events until a buffer is full, and the page would stand still.
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


class _Rounds:
    """The stream; gives its place back once, whoever ends it."""

    def __init__(self) -> None:
        self._held = True
        self._lines = self._rounds()

    def __iter__(self) -> Iterator[bytes]:
        return self._lines

    def close(self) -> None:
        """Called by the server when the answer ends or the client has gone."""
        self._lines.close()
        if self._held:
            self._held = False
            current().viewers.release()

    def _rounds(self) -> Generator[bytes, None, None]:
        watch, ended = current().watch, current().ended
        seen, begun, said = -1, time.monotonic(), time.monotonic()
        yield b"retry: 3000\n\n"
        while time.monotonic() - begun < STREAM_SECONDS:
            view = watch.view
            if view.rounds != seen:
                seen, said = view.rounds, time.monotonic()
                yield f"data: {json.dumps({'round': view.rounds, 'at': view.at})}\n\n".encode()
            elif time.monotonic() - said > KEEP_ALIVE_SECONDS:
                said = time.monotonic()
                yield b": still here\n\n"
            if ended.wait(LOOK_SECONDS):
                return


class _Own:
    """What the watch says of itself, collected when it is asked."""

    def collect(self) -> Iterator[Metric]:
        """Gauges; counters of a process that restarts are gauges of it."""
        watch = current().watch
        view, own = watch.view, history.own_cost(watch)
        yield _gauge("floodmark_watch_rounds", "Rounds since the watch began.", view.rounds)
        yield _gauge("floodmark_watch_round_seconds", "Seconds of the last round.", view.round_seconds)
        yield _gauge("floodmark_watch_diagnose_seconds", "Seconds of the last diagnosis.", view.diagnose_seconds)
        yield _gauge("floodmark_watch_waiting_messages", "Messages not yet delivered.", view.waiting)
        yield _gauge("floodmark_watch_store_bytes", "Size of the store.", view.disk_mb * 1e6)
        yield _gauge("floodmark_watch_memory_bytes", "Resident memory of the watch.", (own["rss_mb"] or 0) * 1e6)
        yield _gauge("floodmark_watch_core_share", "Share of one core since the watch began.", own["core_share"] or 0)
        with state() as opened:
            (firing,) = opened.rows("select count(*) as n from alert where state = 'firing'")
            (open_incidents,) = opened.rows("select count(*) as n from incident where closed is null")
        yield _gauge("floodmark_watch_alerts_firing", "Alerts that fire.", firing["n"])
        yield _gauge("floodmark_watch_incidents_open", "Incidents that are open.", open_incidents["n"])
        yield from self._collectors()
        yield from self._services()

    def _collectors(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(
            "floodmark_collector_up", "Whether the last round of a collector worked.", labels=["collector"]
        )
        for health in current().watch.view.healths:
            up.add_metric([health.name], float(health.problem is None))
        yield up

    def _services(self) -> Iterator[Metric]:
        watch = current().watch
        memory = GaugeMetricFamily("floodmark_service_memory_bytes", "Memory of a service.", labels=["service"])
        for name, value in history.latest(watch).memory_mb.items():
            memory.add_metric([name], value * 1e6)
        yield memory
        growth = GaugeMetricFamily(
            "floodmark_service_growth_mb_per_hour", "Growth with its 90% interval.", labels=["service", "bound"]
        )
        for one in watch.view.incident.services if watch.view.incident else ():
            if one.growth is None:
                continue
            bounds = {"low": one.growth.low, "estimate": one.growth.mb_per_hour, "high": one.growth.high}
            for bound, figure in bounds.items():
                if figure is not None:
                    growth.add_metric([one.service, bound], figure)
        yield growth


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The watch's own figures for Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Own())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while rounds are made, 503 where the last is too long ago."""
    watch = current().watch
    late = watch.clock() - max(watch.view.at, watch.started) > 4 * watch.settings.watch_interval_seconds + 60
    text = "late: no round for too long\n" if late else "ok\n"
    return HttpResponse(text, status=503 if late else 200, content_type="text/plain; charset=utf-8")


@require_safe
def static(request: HttpRequest, name: str) -> HttpResponseBase:
    """A file of the dashboard's own: one of those that lie there, by exact name."""
    if name not in STATIC:
        raise Http404(f"no file {name}")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    answer = FileResponse((HERE / name).open("rb"), content_type=f"{kind}; charset=utf-8")
    answer.headers["Cache-Control"] = "max-age=300"
    return answer


@require_safe
def incident_file(request: HttpRequest, number: str, file: str) -> HttpResponseBase:
    """A file of an incident, by exact name out of its own folder."""
    folder = current().watch.incidents.folder_of(number)
    if file not in history.files(folder):
        raise Http404(f"no file {file} in incident {number}")
    kinds = {".html": "text/html", ".json": "application/json", ".md": "text/plain"}
    answer = FileResponse((folder / file).open("rb"), content_type=f"{kinds[Path(file).suffix]}; charset=utf-8")
    answer.headers["Content-Security-Policy"] = REPORT_POLICY
    return answer
