"""A rich incident as the diagnosis makes it, and a hostile one, for all tests of the reports."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from floodmark.diagnosis.charts import dressed
from floodmark.diagnosis.incident import (
    Action,
    Alert,
    Cause,
    Chart,
    EvidenceItem,
    Figure,
    Growth,
    Incident,
    Interval,
    LogPattern,
    MetricProblem,
    Point,
    Rival,
    Service,
    Source,
    SourceClock,
    Summary,
    Target,
    Time,
    TimelineEntry,
    Window,
)

START = 1756087200.0  # 2025-08-25T02:00:00Z
HOUR = 3600.0
HOURS = 84


def at(hours: float) -> Time:
    return Time(START + hours * HOUR)


def leaking_line(base: float, rate: float, resets: tuple[float, ...], onset: float) -> tuple[Point, ...]:
    points, begun = [], onset
    for half_hours in range(2 * HOURS + 1):
        hours = half_hours / 2
        begun = max([begun, *(reset for reset in resets if reset <= hours)])
        wave = 14 * math.sin(hours / 24 * 2 * math.pi) + 6 * math.sin(half_hours * 1.7)
        points.append(Point(at(hours), base + max(0.0, hours - begun) * rate * (hours >= onset) + wave))
    return tuple(points)


def flat_line(base: float) -> tuple[Point, ...]:
    return leaking_line(base, 0.0, (), 0.0)


TIMELINE = (
    TimelineEntry(at(38.5), "deploy", "rsr-backend", "Replica set rsr-c0eee37e81 began.", "k8s/events.txt"),
    TimelineEntry(at(48.5), "onset", "rsr-reports", "Memory begins to rise.", None),
    TimelineEntry(at(62.2), "peak", "rsr-reports", "Steepest: 461 MB/h over 6 h.", None),
    TimelineEntry(at(70.0), "restart", "rsr-reports", "Restarted; memory came back to 790 MB.", "k8s/events.txt"),
    TimelineEntry(at(70.0), "restart", "rsr-backend", "Restarted.", "k8s/events.txt"),
    TimelineEntry(at(78.4), "oom-kill", "rsr-reports", "Killed by the kernel: out of memory.", "k8s/events.txt"),
)

ALERTS = (
    Alert("growth-critical", "rsr-reports", "critical", at(50), None, 212.0, "MB/h", 200.0, 180.0, 241.0, 1,
          "The lower bound passed the threshold at the steepest stretch.", "prometheus/container_memory_rss.json.gz"),
    Alert("connections", "cloudsql-proxy", "warning", at(55), at(58), 61.0, "per minute", 50.0, count=14,
          text="One connection for each request: churn.", source="cloudsql-proxy/proxy.log"),
)  # fmt: skip

WINDOW = Window(at(0), at(HOURS))


def reports_service() -> Service:
    return Service(
        service="rsr-reports", instances=("rsr-c0eee37e81-gnzps", "rsr-0bf62e0040-lvw2q"), measure="rss",
        growth=Growth(212.4, 180.2, 241.3, at(48.5), at(HOURS), 461.2, at(62.2)),
        pattern="leak", verdict="leak", severity="critical", onset=at(48.5), end=None, restarts=2, processes_peak=13,
        reason="The floor between restarts rises 212 MB/h over 35 h (90% interval 180 to 241).",
        hours_to_limit=6.4, limit_mb=8000.0, sources=("prometheus/container_memory_rss.json.gz",),
        chart=Chart("rss", (
            ("rsr-c0eee37e81-gnzps", leaking_line(790, 212, (70.0, 78.5), 48.5)),
            ("floor", tuple(point for point in leaking_line(770, 212, (70.0, 78.5), 48.5)[::6])),
        )),
    )  # fmt: skip


def quiet_service(name: str, base: float, pattern: str = "steady") -> Service:
    return Service(
        service=name, instances=(f"{name}-1",), measure="working_set",
        growth=Growth(0.4, -1.2, 1.9, at(1), at(HOURS)), pattern=pattern, verdict="no-leak", severity="none",
        onset=None, end=None, restarts=0, processes_peak=1, reason="Flat within the interval (-1.2 to 1.9 MB/h).",
        chart=Chart("working_set", ((f"{name}-1", flat_line(base)),)),
    )  # fmt: skip


def unknown_service() -> Service:
    return Service(
        service="worker", instances=("rsr-7d759f6dc9-m99vb",), measure="usage", growth=None, pattern="restart-loop",
        verdict="unknown", severity="none", onset=None, end=None, restarts=54, processes_peak=None,
        reason="54 restarts in 6 h: no life is long enough to measure growth in.",
    )  # fmt: skip


CAUSES = (
    Cause(
        "rsr-reports", "endpoint", "/py-reports/project/{id}/overview.pdf", "culprit", 0.83, 0.94,
        Interval(2.14, 1.72, 2.61),
        evidence=(
            EvidenceItem("Memory rises 2.14 MB with each of 3218 requests, 3 min later.", "nginx/access.log", 1841),
            EvidenceItem("Growth stops in the 9 h in which the route was not asked for.", "nginx/access.log.1", 12),
            EvidenceItem("In 1000 shifted copies of the traffic no route explained as much.", None),
        ),
        rivals=(
            Rival("/py-reports/organisation/{id}/results.xlsx", "Growth went on in 14 h without it.",
                  "Replay 100 and 200 requests of it on one worker."),
            Rival("the monitoring itself", "Scrapes go on by night, growth does not.", "Stop scraping for an hour."),
        ),
        text="About 83% of the growth of rsr-reports comes with this route, 2.14 MB a request.",
    ),
    Cause("rsr-reports", "endpoint", "/py-reports/organisation/{id}/results.xlsx", "victim", None, 0.8, None,
          evidence=(EvidenceItem("Slow only while others are; growth goes on without it.", "nginx/error.log", 204),)),
    Cause("worker", "unknown", "", "contributing", None, 0.0, None, text="The evidence names no cause for worker."),
)  # fmt: skip


@pytest.fixture
def incident() -> Incident:
    services = [reports_service(), unknown_service(), quiet_service("rsr-backend", 985), quiet_service("rsr-nginx", 62)]
    return Incident(
        window=WINDOW,
        sources=(
            Source("nginx/access.log", "nginx-access", "rsr-nginx", 48210, 3, at(0), at(HOURS),
                   SourceClock("+00:00", "stated", 0.0), duplicates=17, examples=(
                       {"line": 90, "reason": "the tail is not a list of times", "text": "10.0.0.1 - - [24/Aug"},)),
            Source("nginx/access.log.1", "nginx-access", "rsr-nginx", 15974, 0, at(0), at(40),
                   SourceClock("+00:00", "stated", 0.0)),
            Source("nginx/error.log", "nginx-error", "rsr-nginx", 311, 0, at(3), at(80),
                   SourceClock("+00:00", "assumed", 0.0), remark="The lines carry no zone."),
            Source("prometheus/container_memory_rss.json.gz", "prometheus-range", None, 43200, 0, at(0), at(HOURS),
                   SourceClock("+00:00", "stated", 0.0)),
            Source("cloudsql-proxy/proxy.log", "cloudsql-proxy", "cloudsql-proxy", 96417, 1, at(0), at(HOURS),
                   SourceClock("Europe/Stockholm", "inferred", -7200.0), damaged=1),
            Source("k8s/events.txt", "kubernetes-events", None, 14, 0, at(38), at(79),
                   SourceClock("+00:00", "stated", 0.0)),
            Source("notes.docx", "unknown", None, 0, 0, None, None, None, remark="No reader knows this format."),
        ),
        services=tuple(dressed(one, WINDOW, TIMELINE, ALERTS) for one in services),
        causes=CAUSES,
        metric_problems=(
            MetricProblem("Memory Leak Events (1h)", "event-count-read-as-rate",
                          "It counts growth events; 461 of them are not 461 MB/h.", "grafana/leak-events.csv"),
            MetricProblem("Memory Growth Rate (MB/h)", "gauge-under-rate",
                          "rate() takes every fall of a gauge for a reset.", None),
        ),
        patterns=(
            LogPattern("timeout-cascade", "rsr-reports", at(60), at(66), 311,
                       ("nginx/error.log:204: upstream timed out (110) GET /py-reports/project/7/overview.pdf",),
                       ("nginx/error.log",), "Requests to 6 routes timed out in the same minutes: most are victims."),
        ),
        alerts=ALERTS,
        timeline=TIMELINE,
        targets=(
            Target("iati-request-duration", "< 10 s", 41.2, "s", False, "95 of 100 IATI requests took at most this."),
            Target("processes", "< 50", 13.0, "processes", True, "The most at one instant."),
            Target("stability", "stable over 30 days", None, "MB/h", None, "The window is 84 h; 30 days are needed."),
        ),
        actions=(
            Action("restart", "rsr-reports", "immediate", "It reaches its limit of 8000 MB in about 6.4 h.",
                   "kubectl rollout restart deployment/rsr"),
            Action("fix the route", "rsr-reports", "short-term", "/py-reports/project/{id}/overview.pdf keeps 2.14 MB"),
            Action("get evidence", "worker", "short-term", "Memory by process at 15 s would show it."),
        ),
        summary=Summary(
            "rsr-reports leaks memory, 212 MB an hour",
            ("It has done so since 27 Aug 02:30 UTC, and /py-reports/project/{id}/overview.pdf is the likely cause.",
             "311 requests timed out; rsr-reports was restarted 2 times and killed for memory once."),
            ("Whether worker leaks: it restarts too often (54 times in 6 h).", "Why the kernel killed it at 78.4 h."),
        ),
        impact=(
            Figure("Requests that failed", 311.0, "", "Answered 499, 502, 503 or 504, of 64184.", "nginx/access.log"),
            Figure("Slowest route", 51.0, "s", "Longest minute of /py-reports/organisation/{id}/results.xlsx."),
            Figure("Lost requests", None, "", "No application log: what a killed worker was doing is not known."),
        ),
        method=("Growth is a Theil-Sen slope on the medians of bins; intervals are 90%, by block bootstrap.",
                "MB are 1000000 bytes."),
    )  # fmt: skip


HOSTILE = (
    "</style></title></textarea><script>alert(1)</script><img src=x onerror=alert(1)>\"'`--> | **x** [y](javascript:z)"
    "\n# heading\r\n\x00\x1b[31m\u202e{{7*7}}"
)


def with_text(incident: Incident, text: str) -> Incident:
    """The incident with `text` in every place that a path, a label or a log line can reach."""

    return replace(
        incident,
        sources=tuple(replace(one, path=one.path + text, remark=text, kind=one.kind + text,
                              service=text, examples=({"line": 1, "reason": text, "text": text},))
                      for one in incident.sources),
        services=tuple(replace(one, service=one.service + text, instances=(text,), reason=text, sources=(text,),
                               chart=one.chart and replace(one.chart, lines=((text, one.chart.lines[0][1]),),
                                                           marks=tuple(replace(mark, text=text)
                                                                       for mark in one.chart.marks)))
                       for one in incident.services),
        causes=tuple(replace(one, name=text, service=text, text=text, inseparable_from=(text,),
                             evidence=(EvidenceItem(text, text, 1),), rivals=(Rival(text, text, text),))
                     for one in incident.causes),
        metric_problems=tuple(replace(one, metric=text, problem=text, explanation=text, source=text)
                              for one in incident.metric_problems),
        patterns=tuple(replace(one, name=text, service=text, examples=(text,), text=text)
                       for one in incident.patterns),
        alerts=tuple(replace(one, rule=text, service=text, text=text)
                     for one in incident.alerts),
        timeline=tuple(replace(one, kind=one.kind, service=text, text=text, source=text)
                       for one in incident.timeline),
        targets=tuple(replace(one, text=text) for one in incident.targets),
        actions=tuple(replace(one, action=text, service=text, reason=text, how=text)
                      for one in incident.actions),
        summary=Summary(text, (text, text), (text,)),
        impact=tuple(replace(one, name=text, text=text) for one in incident.impact),
        method=(text,),
    )  # fmt: skip


@pytest.fixture
def hostile(incident: Incident) -> Incident:
    return with_text(incident, HOSTILE)


@pytest.fixture
def tame(incident: Incident) -> Incident:
    """The hostile incident with a harmless text in the same places."""
    return with_text(incident, "word")
