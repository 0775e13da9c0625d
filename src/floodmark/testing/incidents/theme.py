"""Who the incident happens to: names of services, nouns of routes, hosts, zones. No two seeds need look alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Random = np.random.Generator


@dataclass(frozen=True)
class Theme:
    """The words of one organisation and where it runs."""

    app: str
    thing: str
    things: str
    owner: str
    owners: str
    part: str
    note: str
    feed: str
    reports: str
    web: str
    rep: str
    worker: str
    proxy: str
    nginx: str
    side: str
    host: str
    project: str
    region: str
    database: str
    application_zone: str
    browser_zone: str


# app, thing, things, owner, part, note, feed, reports prefix
_WORDS = (
    ("harbour", "vessel", "vessels", "port", "berth", "log", "manifest.xml", "papers"),
    ("library", "book", "books", "branch", "loan", "review", "catalogue.xml", "prints"),
    ("orchard", "plot", "plots", "farm", "harvest", "entry", "yield.xml", "sheets"),
    ("relief", "grant", "grants", "donor", "milestone", "update", "iati/", "py-reports"),
    ("transit", "route", "routes", "depot", "stop", "notice", "gtfs.zip", "timetables"),
    ("museum", "exhibit", "exhibits", "gallery", "label", "comment", "lido.xml", "cards"),
    ("water", "well", "wells", "district", "reading", "remark", "waterml.xml", "bulletins"),
    ("school", "pupil", "pupils", "class", "mark", "message", "roster.xml", "letters"),
    ("market", "order", "orders", "shop", "line", "rating", "products.xml", "invoices"),
    ("forest", "stand", "stands", "estate", "survey", "memo", "inventory.xml", "maps-pdf"),
)
_WEB = ("{app}-backend", "{app}-web", "{app}-api", "{app}-core", "web", "backend", "django", "app")
_REP = ("{app}-reports", "{app}-pdf", "{app}-print", "{app}-documents", "reports", "renderer")
_WORKER = ("worker", "{app}-worker", "{app}-jobs", "qcluster", "tasks")
_PROXY = ("cloudsql-proxy", "sqlproxy", "cloud-sql", "db-proxy")
_NGINX = ("{app}-nginx", "edge", "nginx", "{app}-front")
_SIDE = ("statsd", "{app}-statsd", "otel", "statsd-exporter")
_ZONES = ("Europe/Stockholm", "America/Sao_Paulo", "UTC", "Asia/Kolkata", "Europe/Lisbon", "America/New_York",
          "Asia/Tokyo", "Africa/Nairobi")  # fmt: skip
_REGIONS = ("europe-west1", "us-central1", "asia-east1", "europe-north1", "australia-southeast1")


def theme_of(random: Random) -> Theme:
    """A theme drawn from the tables above."""
    app, thing, things, owner, part, note, feed, reports = pick(random, _WORDS)
    web, rep, worker, proxy, nginx, side = (
        str(pick(random, table)).format(app=app) for table in (_WEB, _REP, _WORKER, _PROXY, _NGINX, _SIDE)
    )
    zone = str(pick(random, _ZONES))
    return Theme(
        app=app, thing=thing, things=things, owner=owner, owners=owner + "s", part=part, note=note, feed=feed,
        reports=reports, web=web, rep=rep, worker=worker, proxy=proxy, nginx=nginx, side=side,
        host=f"{app}.example.{pick(random, ('org', 'net', 'com'))}", project=f"{app}-{random.integers(10, 99)}",
        region=str(pick(random, _REGIONS)), database=f"{thing}-db", application_zone=zone,
        browser_zone=str(pick(random, (zone, "UTC", "Europe/Lisbon"))),
    )  # fmt: skip


def pick(random: Random, table: tuple[Any, ...]) -> Any:
    """One entry of a table."""
    return table[int(random.integers(len(table)))]
