"""`floodmark demo`: everything at once on a fresh machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from floodmark import cli
from floodmark.cli.build import build_these
from floodmark.errors import CannotStart, FloodmarkError
from floodmark.settings import Settings

COMPANION_SECONDS = 15.0
"""What the harvester and the watch may take to begin, and to end."""

WATCH_LOG = "log/watch.log"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    context: typer.Context,
    bind: Annotated[str, typer.Option(help="Address and port; instead of the setting `bind`.")] = "",
    organisations: Annotated[int, typer.Option(min=1, max=1000, help="Organisations to invent.")] = 3,
    projects: Annotated[int, typer.Option(min=1, max=100_000, help="Projects to invent for each.")] = 40,
    watch: Annotated[bool, typer.Option(help="Whether to harvest it, and to watch both, as in the field.")] = False,
) -> None:
    """Fill an empty database with sample data, build the datasets and serve them until interrupted."""
    from floodmark.export import bootstrap
    from floodmark.export.serving import listen, run_server

    settings = cli.settings_of(context)
    if watch:
        _check_free(settings.watch_bind)
    # Before the work: a port that is taken should be known at once.
    listen(bind or settings.bind).close()
    bootstrap.setup(settings)
    bootstrap.migrate()
    if settings.source_url is None:
        _fill_if_empty(organisations, projects)
    _build(settings)
    say = partial(_say_with_watch, settings) if watch else _say
    with _companions(settings, context.obj, bind or settings.bind) if watch else nullcontext():
        run_server(settings, context.obj, bind or settings.bind, worker=True, say=say)
    bootstrap.leave()


WATCH_CONFIG = """\
# Made by `floodmark demo --watch`: the export, its worker, its database and its request records.
[[processes]]
service = "export"
command = "floodmark.export.gunicorn_conf"

[[processes]]
service = "worker"
command = "floodmark worker"

[[processes]]
service = "postgres"
pid_file = {pid_file}

[[logs]]
path = {request_log}
service = "export"

[[route]]
prefix = "/"
service = "export"
"""


@contextmanager
def _companions(settings: Settings, settings_file: Path | None, bind: str) -> Iterator[None]:
    """A harvester on the export, and the watch over both; both end with the export."""
    config = settings.data_dir / "demo-watch.toml"
    pid_file = settings.data_dir / "postgres" / "cluster" / "postmaster.pid"
    log = settings.data_dir / (settings.request_log if settings.request_log not in ("", "-") else "log/requests.jsonl")
    written = WATCH_CONFIG.format(
        pid_file=json.dumps(str(pid_file.resolve())), request_log=json.dumps(str(log.resolve()))
    )
    config.write_text(written, encoding="utf-8")
    ours = [sys.executable, "-m", "floodmark", *(["--settings", str(settings_file)] if settings_file else [])]
    commands = [
        [*ours, "watch", str(config)],
        [sys.executable, "-m", "floodmark.testing.harvester", f"http://{bind}"],
    ]
    # What they say goes into a file: on the terminal it would run through what the export says.
    said = settings.data_dir / WATCH_LOG
    said.parent.mkdir(parents=True, exist_ok=True)
    with said.open("wb") as file:
        started = [subprocess.Popen(command, start_new_session=True, stderr=file) for command in commands]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(COMPANION_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _check_free(watch_bind: str) -> None:
    host, _, port = watch_bind.rpartition(":")
    try:
        socket.create_server((host.strip("[]"), int(port))).close()
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise CannotStart(
            f"watch_bind {watch_bind}: cannot listen: {reason}; choose another address with FLOODMARK_WATCH_BIND"
        ) from None


def _say_with_watch(settings: Settings, words: str) -> None:
    """Both addresses, once both answer, as the last lines that a newcomer sees."""
    _say(words)
    host, _, port = settings.watch_bind.rpartition(":")
    until = time.monotonic() + COMPANION_SECONDS
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout=1):
            _say(f"the watch's dashboard is at http://{settings.watch_bind}")
            _say("Ctrl-C stops both")
            return
        time.sleep(0.1)
    _say(f"the watch did not come up; {settings.data_dir / WATCH_LOG} says why")


def _fill_if_empty(organisations: int, projects: int) -> None:
    from floodmark.export.models import Project
    from floodmark.export.sample import Plan, generate, open_for_load

    if Project.objects.exists():
        _say("the database holds projects already; they are served as they are")
        return
    plan = Plan(organisations=organisations, projects=projects)
    with open_for_load() as connection:
        generate(plan, connection, lambda count: None)
    _say(f"made sample data: {plan.total_projects} projects")


def _build(settings: Settings) -> None:
    try:
        build_these(settings, [])
    except FloodmarkError as error:
        _say(str(error))  # the worker tries again, and what could be built is served


def _say(words: str) -> None:
    print(f"floodmark: {words}", file=sys.stderr, flush=True)
