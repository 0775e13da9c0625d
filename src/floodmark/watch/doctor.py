"""What is misconfigured, before it matters: every finding says what is wrong and what to do."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from floodmark.errors import FloodmarkError
from floodmark.settings import Settings
from floodmark.watch.collectors import collectors
from floodmark.watch.config import Remedy, WatchConfig
from floodmark.watch.notify.http import secret
from floodmark.watch.remedy.ways import way_of

Grade = Literal["good", "warning", "bad"]

FREE_MB = 500.0
CONNECT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    grade: Grade
    what: str


def examine(settings: Settings, config: WatchConfig) -> Iterator[Finding]:
    """Look at everything: a round of each collector is made, nothing is sent and nothing is done."""
    yield from _folder(settings.data_dir / "watch")
    yield from _windows(settings)
    yield from _dashboard(settings)
    yield from _collectors(settings, config)
    yield from _logs(config)
    yield from _messengers(config)
    for remedy in config.remedy:
        yield from _remedy(remedy, config)


def _folder(folder: Path) -> Iterator[Finding]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".doctor"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        yield Finding("bad", f"{folder}: cannot be written to ({error.strerror}): set data_dir to a folder that can")
        return
    free_mb = shutil.disk_usage(folder).free / 1e6
    grade: Grade = "good" if free_mb > FREE_MB else "warning"
    yield Finding(grade, f"{folder}: {free_mb:.0f} MB free")


def _windows(settings: Settings) -> Iterator[Finding]:
    samples = settings.watch_window_seconds / settings.watch_interval_seconds
    if samples < 40:
        yield Finding(
            "bad",
            f"watch_window_seconds holds {samples:.0f} samples of watch_interval_seconds: nothing can be said from"
            " fewer than 40",
        )
    if settings.watch_bin_seconds > settings.watch_window_seconds / 30:
        yield Finding("warning", "watch_bin_seconds is more than a thirtieth of the window: causes will stay unknown")
    if settings.watch_diagnose_seconds < settings.watch_interval_seconds:
        yield Finding("warning", "watch_diagnose_seconds is below watch_interval_seconds: it diagnoses the same twice")
    if settings.watch_window_seconds > settings.watch_raw_hours * 3600:
        yield Finding("warning", "watch_window_seconds is above watch_raw_hours: part of the window is coarse")


def _dashboard(settings: Settings) -> Iterator[Finding]:
    host = settings.watch_bind.rpartition(":")[0]
    if host not in ("127.0.0.1", "localhost", "[::1]") and not (settings.watch_user and settings.watch_password):
        yield Finding(
            "bad", f"watch_bind {settings.watch_bind} is not this machine only: set watch_user and watch_password"
        )
    else:
        yield Finding("good", f"dashboard on {settings.watch_bind}")


def _collectors(settings: Settings, config: WatchConfig) -> Iterator[Finding]:
    try:
        made = collectors(config, settings)
    except FloodmarkError as error:
        yield Finding("bad", str(error))
        return
    if not made and not config.logs:
        yield Finding("bad", "nothing is watched: `floodmark watch --discover` shows what there is")
    for collector in made:
        collected = collector.collect(time.time())
        if collected.problem:
            yield Finding("bad", collected.problem)
        else:
            yield Finding("good", f"{collector.name}: {len(collected.samples)} figures")
        collector.close()


def _logs(config: WatchConfig) -> Iterator[Finding]:
    for one in config.logs:
        if not one.path.exists():
            yield Finding("warning", f"{one.path}: is not there; it is read when it comes")
        elif not os.access(one.path, os.R_OK):
            yield Finding("bad", f"{one.path}: may not be read by this user")
        else:
            yield Finding("good", f"{one.path}: can be read")


def _messengers(config: WatchConfig) -> Iterator[Finding]:
    tables = [*config.webhook, *config.alertmanager, *config.smtp, *config.command, *config.apprise]
    if not tables:
        yield Finding("warning", "nobody is told: add [[webhook]], [[alertmanager]], [[smtp]] or [[command]]")
    for table in [*config.webhook, *config.alertmanager, *config.smtp, *config.prometheus]:
        for path in (table.password_file, table.token_file):
            yield from _secret(path)
    for one in config.apprise:
        yield from _secret(one.url_file)
    for url in [*(one.url for one in config.webhook), *(one.url for one in config.alertmanager)]:
        yield from _reached(url.host or "", url.port or 0)
    for mail in config.smtp:
        yield from _reached(mail.host, mail.port)
    for one_command in config.command:
        if shutil.which(one_command.argv[0]) is None:
            yield Finding("bad", f"[[command]] {one_command.argv[0]}: no such program")


def _reached(host: str, port: int) -> Iterator[Finding]:
    """Whether somebody listens there. Nothing is sent: what a messenger does with a message is seen with the first."""
    try:
        socket.create_connection((host.strip("[]"), port), CONNECT_SECONDS).close()
    except OSError as error:
        yield Finding(
            "bad", f"{host}:{port}: cannot be reached ({error.strerror or error}): messages wait until it can"
        )
    else:
        yield Finding("good", f"{host}:{port}: somebody listens")


def _secret(path: Path | None) -> Iterator[Finding]:
    if path is None:
        return
    try:
        secret(path)
    except FloodmarkError as error:
        yield Finding("bad", str(error))
        return
    if path.stat().st_mode & 0o077:
        yield Finding("warning", f"{path}: others may read this secret (chmod 600)")


def _remedy(remedy: Remedy, config: WatchConfig) -> Iterator[Finding]:
    name = f"[[remedy]] {remedy.action} of {remedy.service}"
    try:
        way = way_of(remedy)
    except FloodmarkError as error:
        yield Finding("bad", f"{name}: {error}")
        return
    watched = {one.service for one in config.processes} | {one.service for one in config.cgroup}
    if remedy.service not in watched and not (config.docker or config.kubernetes or config.prometheus):
        yield Finding("bad", f"{name}: no collector measures a service of that name")
    if remedy.argv and shutil.which(remedy.argv[0]) is None:
        yield Finding("bad", f"{name}: no program {remedy.argv[0]}")
    if remedy.gunicorn and not remedy.gunicorn.exists():
        yield Finding("warning", f"{name}: {remedy.gunicorn} is not there now")
    if remedy.allowed and remedy.cool_down_seconds < 60:
        yield Finding("warning", f"{name}: cools down for only {remedy.cool_down_seconds:g} s")
    yield Finding("good", f"{name}: {'will' if remedy.allowed else 'would'} {way.describe()}")
