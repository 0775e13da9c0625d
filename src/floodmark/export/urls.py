"""The URLs. RSR's four forms of a file's address are one rule each: nothing is redirected."""

from __future__ import annotations

from django.urls import path, re_path

from floodmark.export import views, views_about

_FORM = r"(?:/|\.xml|/\.xml)?"

urlpatterns = [
    path("", views_about.index),
    re_path(rf"^organisation/(?P<organisation_id>[0-9]{{1,10}})/iati{_FORM}$", views.dataset, {"kind": "activities"}),
    re_path(
        rf"^organisation/(?P<organisation_id>[0-9]{{1,10}})/iati-org{_FORM}$", views.dataset, {"kind": "organisation"}
    ),
    re_path(
        r"^organisation/(?P<organisation_id>[0-9]{1,10})/iati/segments/(?P<number>[0-9]{1,9})\.xml$", views.segment
    ),
    re_path(r"^project/(?P<project_id>[0-9]{1,10})/iati/?$", views.project),
    path("datasets.json", views_about.datasets),
    path("healthz", views_about.healthz),
    path("readyz", views_about.readyz),
    path("metrics", views_about.metrics),
]

handler400 = views_about.bad_request
handler404 = views_about.not_found
handler500 = views_about.server_error
