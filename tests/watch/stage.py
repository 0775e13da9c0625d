"""A stage for the watch: gunicorn with a switchable leak, nginx before it, traffic on it, and the watch over both."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

ROUTES: dict[str, Callable[[], str]] = {
    "report": lambda: f"/report/{random.randint(1, 999)}/",
    "slow": lambda: f"/slow/{random.randint(1, 999)}/",
    "item": lambda: f"/item/{random.randint(1, 999)}/",
    "search": lambda: "/search/?q=water",
    "home": lambda: "/",
}
REQUESTS_PER_SECOND = {"report": 4.0, "slow": 4.0, "item": 6.0, "search": 3.0, "home": 3.0}

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  log_format timed_combined '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent" $request_time $upstream_response_time $upstream_connect_time';
  access_log {folder}/access.log timed_combined;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{upstream}; }} }}
}}
"""

SETTINGS = {
    "watch_interval_seconds": 0.5, "watch_pss_seconds": 0.5, "watch_window_seconds": 90, "watch_bin_seconds": 1,
    "watch_diagnose_seconds": 3, "watch_quiet_seconds": 3, "watch_act_after_seconds": 15, "watch_start_up_seconds": 8,
    "watch_verify_seconds": 12, "watch_resolve_seconds": 4, "watch_retry_seconds": 0.5, "watch_bind": "127.0.0.1:0",
}  # fmt: skip


@dataclass
class Stage:
    """Everything that runs; `close` ends what was started here and nothing else."""

    hook: str
    allowed: bool = False
    remedy: bool = True
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="floodmark-stage-")
        self.folder = Path(self._folder.name)
        self.leak = self.folder / "leak"
        self.port, upstream = free_port(), free_port()
        self.processes: list[subprocess.Popen[Any]] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.rates = dict(REQUESTS_PER_SECOND)
        (self.folder / "access.log").touch()
        self.gunicorn = self._start_gunicorn(upstream)
        (self.folder / "nginx.conf").write_text(NGINX.format(folder=self.folder, port=self.port, upstream=upstream))
        self._start(["nginx", "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log")], "nginx.out")
        self._wait_for_site()
        self.watch: subprocess.Popen[Any] | None = None

    def _start_gunicorn(self, port: int) -> subprocess.Popen[Any]:
        command = [
            sys.executable, "-m", "gunicorn", "--chdir", str(HERE), "--workers", "2", "--threads", "4", "--bind",
            f"127.0.0.1:{port}", "--pid", str(self.folder / "gunicorn.pid"), "--no-control-socket",
            "--error-logfile", str(self.folder / "gunicorn.log"), "--graceful-timeout", "2", "leaky:application",
        ]  # fmt: skip
        return self._start(command, "gunicorn.out", LEAK_FILE=str(self.leak), LEAK_KB="512")

    def _start(self, command: list[str], out: str, **environment: str) -> subprocess.Popen[Any]:
        path = os.environ["PATH"] + ":/usr/sbin"
        with (self.folder / out).open("ab") as file:
            process = subprocess.Popen(
                command, stdout=file, stderr=subprocess.STDOUT, cwd=self.folder,
                env={**os.environ, "PATH": path, **environment},
            )  # fmt: skip
        self.processes.append(process)
        return process

    def _wait_for_site(self) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with suppress(OSError, urllib.error.URLError):
                self.ask("/")
                return
            time.sleep(0.1)
        raise AssertionError("the site did not come up:\n" + (self.folder / "gunicorn.log").read_text())

    def ask(self, path: str) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            answer.read()

    # ------------------------------------------------------------------ traffic

    def start_traffic(self) -> None:
        for name in ROUTES:
            thread = threading.Thread(target=self._visit, args=(name,))
            thread.start()
            self._threads.append(thread)

    def _visit(self, name: str) -> None:
        while not self._stopping.wait(random.expovariate(self.rates[name])):
            with suppress(OSError, urllib.error.URLError):
                self.ask(ROUTES[name]())

    # ------------------------------------------------------------------ the watch

    def start_watch(self) -> None:
        remedy = f"""
[[remedy]]
service = "shop"
action = "restart"
gunicorn = "{self.folder / "gunicorn.pid"}"
allowed = {str(self.allowed).lower()}
cool_down_seconds = 600
"""
        (self.folder / "watch.toml").write_text(f"""
[[processes]]
service = "shop"
gunicorn = "{self.folder / "gunicorn.pid"}"

[[logs]]
path = "{self.folder / "access.log"}"
service = "nginx"

[[route]]
prefix = "/"
service = "shop"

[[webhook]]
url = "{self.hook}"
{remedy if self.remedy else ""}
""")
        lines = [f"{name} = {json.dumps(value)}" for name, value in {**SETTINGS, **self.settings}.items()]
        (self.folder / "floodmark.toml").write_text("\n".join([*lines, f'data_dir = "{self.folder}"']))
        self.watch = self._start([sys.executable, "-m", "floodmark", "watch", "watch.toml"], "watch.out")

    def said(self) -> str:
        return (self.folder / "watch.out").read_text()

    @property
    def url(self) -> str:
        """The dashboard's address, as the watch printed it."""
        for _ in range(200):
            for line in self.said().splitlines():
                if "the dashboard is at " in line:
                    return line.rpartition(" at ")[2]
            time.sleep(0.1)
        raise AssertionError("the watch did not come up:\n" + self.said())

    def rows(self, query: str) -> list[dict[str, Any]]:
        path = self.folder / "watch/state.sqlite"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query)]

    def wait_for(self, query: str, seconds: float) -> dict[str, Any]:
        """The first row of a query on the watch's state, waited for."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.watch and self.watch.poll() is not None:
                raise AssertionError("the watch ended:\n" + self.said())
            with suppress(sqlite3.OperationalError):
                if found := self.rows(query):
                    return found[0]
            time.sleep(0.3)
        raise AssertionError(f"not within {seconds} s: {query}\n{self.said()}\n{self.rows('select * from alert')}")

    def incident(self) -> dict[str, Any]:
        """The newest incident.json."""
        paths = sorted((self.folder / "watch/incidents").glob("*/incident.json"), key=lambda one: one.stat().st_mtime)
        return json.loads(paths[-1].read_text()) if paths else {}

    def close(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._folder.cleanup()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
