"""A dashboard over a watch that never was: hours of memory, an incident, actions, 30 days of targets, hostile names.

Run as a program: it prints its address and serves until its standard input ends. Real watch, real store, real
diagnosis; only the measurements are made up, as nobody can wait six hours for a page.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from floodmark.dashboard.server import DashboardServer
from floodmark.diagnosis.targets import GOALS
from floodmark.evidence.nouns import Dose, Event, Place
from floodmark.settings import Settings
from floodmark.watch.alerting import add_silence
from floodmark.watch.collect.base import Sample
from floodmark.watch.config import WatchConfig
from floodmark.watch.live import Watch

LONG = "rsr-backend-production-eu-west-4-blue-green-canary-with-a-name-that-nobody-would-choose-but-a-cluster-would"
HOSTILE = "<script>alert('x')</script> & \"friends\" ünïcödé"
ROUTE = "/api/v1/iati_export/{id}/"
HOURS = 7
REMEDIES = [
    {"service": "rsr-backend", "action": "restart", "gunicorn": "/run/gunicorn.pid", "allowed": True},
    {"service": LONG, "action": "restart", "argv": ["/usr/local/bin/restart-it", "<script>alert(1)</script>"]},
]
MEMORY = {"rsr-reports": 410.0, "nginx": 35.0, LONG: 12_345.0, HOSTILE: 80.0}
ACTIONS = (
    ("rsr-backend", "restart", "verified", "snapshot snapshot-1.json; send HUP", "memory came back: 2900 MB before"),
    ("rsr-backend", "restart", "withheld", "cooling down: last restart 1800 s ago, next after 1800 s", None),
    (LONG, "restart", "would", "would run /usr/local/bin/restart-it; not allowed by the configuration", None),
    ("celery-worker", "shed", "failed", "snapshot snapshot-2.json; POST to 127.0.0.1:9000", "Connection refused"),
)


def fill(watch: Watch, now: float) -> None:
    """Measurements of some hours, of which one service leaks by one route."""
    random = np.random.default_rng(1)
    at = np.arange(now - HOURS * 3600, now, 15.0)
    asked = random.poisson(4, HOURS * 60) * (1 + np.sin(np.arange(HOURS * 60) / 60))
    left = np.interp(at, now - HOURS * 3600 + 60 * np.arange(HOURS * 60), np.cumsum(asked))
    curves = {name: level + random.normal(0, level / 200, len(at)) for name, level in MEMORY.items()}
    curves["rsr-backend"] = 300 + left * 0.85 + random.normal(0, 2, len(at))
    curves["celery-worker"] = 250 + (at - at[0]) / 3600 * 200 % 300
    for number, (name, curve) in enumerate(curves.items()):
        watch.store.add([
            Sample(name, "host", str(100 + number), "rss", moment, mb * 1e6, at[0] - 86_400)
            for moment, mb in zip(at.tolist(), curve.tolist(), strict=True)
        ])  # fmt: skip
    bins = (np.arange(HOURS * 60) + int((now - HOURS * 3600) // 60)).astype(int)
    none = np.zeros(HOURS * 60)
    for route, counts in ((ROUTE, asked), (f"/{LONG}/{{id}}/", random.poisson(30, HOURS * 60).astype(float))):
        watch.store.add(
            [], [Dose("rsr-backend", "endpoint", route, Place("access.log", 1), bins, counts, counts, none, none)]
        )
    deploy = Event(now - 1800, "deploy", "rsr-backend", "host", None, "deploy 2025.08.2", Place("deploys.csv", 3))
    watch.store.add([], [], events=[deploy])


def tell(watch: Watch, now: float) -> None:
    """What a month of running leaves in the state."""
    random = np.random.default_rng(2)
    (incident,) = watch.state.rows("select id from incident")
    add_silence(
        watch.state, service=LONG, rule=None, until=now + 7200, author="mia", reason="see <b>ticket</b> 4711", now=now
    )
    hours = range(int(now // 3600) - 24 * 29, int(now // 3600))
    targets = [
        (hour, one.name, one.target, one.unit, float(value), int(value < 97))
        for one in GOALS if one.name != "iati-growth" for hour, value in zip(hours, random.uniform(90, 99, len(hours)), strict=True)
    ]  # fmt: skip
    actions = [
        (now - 3000 + 300 * number, service, action, "run it", int(status == "would"), status, "leak, critical",
         done, outcome, incident["id"])
        for number, (service, action, status, done, outcome) in enumerate(ACTIONS)
    ]  # fmt: skip
    with watch.state.changes() as database:
        database.executemany(
            "insert into target (hour, name, target, unit, value, met) values (?, ?, ?, ?, ?, ?)", targets
        )
        database.executemany(
            "insert into action (at, service, action, way, dry, status, seen, done, outcome, incident)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", actions,
        )  # fmt: skip


def main(folder: Path, scene: str, settings: dict[str, object]) -> None:
    now = time.time()
    chosen = Settings(data_dir=folder, watch_bind="127.0.0.1:0", **settings)  # type: ignore[arg-type]
    full = scene == "full"
    config = {"remedy": REMEDIES, "logs": [{"path": str(folder / "missing.log")}]} if full else {}
    watch = Watch(chosen, WatchConfig.model_validate(config), folder / "watch", clock=lambda: now)
    if full:
        fill(watch, now)
    if scene == "late":
        watch.started -= 3600  # it began an hour ago and has made no round
    else:
        watch.round()
    if full:
        tell(watch, now)
    with DashboardServer(watch, chosen) as server:
        print(server.url, flush=True)
        sys.stdin.read()
    watch.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))
