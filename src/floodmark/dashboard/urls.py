"""The pages and where they are."""

from __future__ import annotations

from django.urls import path

from floodmark.dashboard import feeds, pages, writing

urlpatterns = [
    path("", pages.services, name="services"),
    path("service/<path:name>/", pages.service, name="service"),
    path("incidents/", pages.incidents, name="incidents"),
    path("incidents/<slug:number>/", pages.incident, name="incident"),
    path("incidents/<slug:number>/<str:file>", feeds.incident_file, name="incident-file"),
    path("alerts/", pages.alerts, name="alerts"),
    path("alerts/silence/", writing.silence, name="silence"),
    path("alerts/silence/<int:number>/end/", writing.end_silence, name="end-silence"),
    path("actions/", pages.actions, name="actions"),
    path("targets/", pages.targets, name="targets"),
    path("sources/", pages.sources, name="sources"),
    path("sign-in/", writing.sign_in, name="sign-in"),
    path("sign-out/", writing.sign_out, name="sign-out"),
    path("events", feeds.events, name="events"),
    path("metrics", feeds.metrics, name="metrics"),
    path("healthz", feeds.healthz, name="healthz"),
    path("static/<str:name>", feeds.static, name="static"),
]

handler400 = "floodmark.dashboard.pages.bad_request"
handler404 = "floodmark.dashboard.pages.not_found"
handler500 = "floodmark.dashboard.pages.failed"
