"""`floodmark watch`: measure, diagnose, tell and act on a live system, with a dashboard."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from floodmark.cli import settings_of


def register(app: typer.Typer) -> None:
    """Add the command `watch`."""
    app.command()(watch)


def watch(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="What to watch, whom to tell, what may be done (TOML).")] = Path(
        "watch.toml"
    ),
    discover: Annotated[
        bool, typer.Option("--discover", help="Print a configuration for this machine and end.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Read settings and configuration, say what is wrong, end.")
    ] = False,
) -> None:
    """Watch services: measure growth, say whether it is a leak and of what, warn, act where allowed, show it."""
    from floodmark.watch import discover as discovering
    from floodmark.watch.config import read

    if discover:
        print(discovering.toml(), end="")
        return
    settings, wanted = settings_of(context), read(config)
    if check:
        print(f"{config}: good")
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)

    from floodmark.dashboard.server import DashboardServer
    from floodmark.own_memory import few_arenas
    from floodmark.watch.live import Watch

    few_arenas()
    running = Watch(settings, wanted, settings.data_dir / "watch")
    try:
        server = DashboardServer(running, settings)
    except BaseException:
        running.close()
        raise

    def stop(number: int, frame: FrameType | None) -> None:
        running.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with server:
        print(f"watching; the dashboard is at {server.url}", file=sys.stderr, flush=True)
        try:
            running.run()
        finally:
            server.stop()
            running.close()
