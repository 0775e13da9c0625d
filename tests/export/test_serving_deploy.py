"""What is shipped to run it with: nginx's configuration in front of a real server, units that systemd accepts, docs."""

from __future__ import annotations

import hashlib
import inspect
import re
import shutil
import socket
import subprocess
import time
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from floodmark.export.artifacts.build import Build, Rules
from floodmark.export.artifacts.shelf import Shelf
from floodmark.export.metrics import Meters, Metrics
from floodmark.export.storage import LocalStorage
from floodmark.request_record import RequestRecord

ROOT = Path(__file__).parents[2]
NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"
PATH = "/organisation/41/iati/"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def behind_nginx(serve, invented, tmp_path):
    """A server, and the same behind nginx with the shipped configuration."""
    assert shutil.which("nginx"), "scripts/install-test-tools installs nginx"
    server = serve("--no-worker", database_url=NO_DATABASE, web_workers=1)
    storage, rules = LocalStorage(server.folder / "artifacts"), Rules(40_000_000, timedelta(hours=1))
    made = invented(dict.fromkeys(range(1, 2001), "title " * 100))
    Build(storage, "41/activities", datetime.now(UTC), rules, lambda blocks: None).run(made)
    port = free_port()
    shipped = (ROOT / "deploy" / "nginx.conf").read_text()
    site = shipped.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}").replace(
        "listen 80", f"listen 127.0.0.1:{port}"
    )
    paths = "".join(f"{kind}_temp_path {tmp_path};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error; events {{}}"
        f" http {{ access_log off; {paths} {site} }}"
    )
    process = subprocess.Popen(["nginx", "-c", str(configuration), "-e", f"{tmp_path}/error"])
    front = type(server)(process, tmp_path / "error", tmp_path, port)
    deadline = time.monotonic() + 20
    while True:
        try:
            assert front.ask("/healthz").status == 200
            break
        except ConnectionRefusedError:
            assert process.poll() is None, (tmp_path / "error").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield server, front
    process.terminate()
    process.wait(20)
    server.stop()


def test_nginx_passes_validators_lengths_and_ranges_through_untouched(behind_nginx) -> None:
    server, front = behind_nginx
    for accepts in ("identity", "gzip, deflate"):
        direct, passed = server.ask(PATH, Accept_Encoding=accepts), front.ask(PATH, Accept_Encoding=accepts)
        head = front.ask(PATH, "HEAD", Accept_Encoding=accepts)
        for name in ("ETag", "Last-Modified", "Content-Length", "Content-Type", "Content-Encoding", "Vary"):
            assert direct[name] == passed[name] == head[name], name
        assert hashlib.sha256(direct.body).digest() == hashlib.sha256(passed.body).digest()
        assert front.ask(PATH, Accept_Encoding=accepts, If_None_Match=direct["ETag"]).status == 304
        assert front.ask(PATH, Accept_Encoding=accepts, Range="bytes=5-9").body == direct.body[5:10]
    assert front.ask("/metrics").status == 404
    assert front.ask("/organisation/7/iati/")["Retry-After"] == "5"


def test_the_units_are_what_systemd_understands() -> None:
    assert shutil.which("systemd-analyze"), "scripts/install-test-tools installs systemd"
    units = sorted((ROOT / "deploy").glob("*.service"))
    assert len(units) == 2
    done = subprocess.run(["systemd-analyze", "verify", *map(str, units)], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "deploy" in line or "floodmark" in line]
    assert [line for line in said if "is not executable" not in line] == [], "only the program is not there"


def test_every_metric_and_every_field_of_a_record_is_documented(tmp_path) -> None:
    documented = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs" / "serving.md").read_text()))
    registry = CollectorRegistry()
    Meters(registry)
    names = {
        sample if metric.type != "counter" else f"{sample}_total"
        for metric in registry.collect()
        for sample in [metric.name]
    }
    names |= set(
        re.findall(r'"(floodmark_dataset_\w+|floodmark_process_\w+)"', Path(inspect.getfile(Metrics)).read_text())
    )
    assert len(names) > 10
    assert names <= documented
    assert {field.name for field in fields(RequestRecord)} | {"v"} <= documented


def test_the_list_of_metrics_is_what_the_page_has(tmp_path, invented) -> None:
    storage = LocalStorage(tmp_path)
    rules = Rules(40_000_000, timedelta(hours=1))
    Build(storage, "41/activities", datetime.now(UTC), rules, lambda blocks: None).run(invented({1: "one"}))
    page = Metrics(Shelf(storage)).page().decode()
    shown = set(re.findall(r"^# TYPE (floodmark_\w+)", page, re.MULTILINE))
    documented = set(re.findall(r"`(floodmark_\w+)`", (ROOT / "docs" / "serving.md").read_text()))
    created = {name for name in shown if name.endswith("_created")}
    assert shown - created == documented - {"floodmark_process_resident_bytes"}
