"""`floodmark silence`: keep the watch from telling about what is known."""

from __future__ import annotations

import getpass
import re
import time
from typing import Annotated

import typer

from floodmark.cli import settings_of
from floodmark.errors import UsageError

UNITS = {"m": 60, "h": 3600, "d": 86_400}


def register(app: typer.Typer) -> None:
    """Add the command `silence`."""
    app.command()(silence)


def silence(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why: it stands beside every message that is withheld.")],
    lasting: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")] = "2h",
    service: Annotated[str | None, typer.Option(help="Only this service.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule, or family of rules (growth).")] = None,
) -> None:
    """Withhold messages about a service or a rule for a while; a running watch heeds it in its next round."""
    from floodmark.watch.alerting import add_silence
    from floodmark.watch.state import State

    if service is None and rule is None:
        raise UsageError("give --service or --rule; everything cannot be silenced at once")
    state = State(settings_of(context).data_dir / "watch" / "state.sqlite")
    now = time.time()
    until = now + seconds_of(lasting)
    add_silence(state, service=service, rule=rule, until=until, author=getpass.getuser(), reason=reason, now=now)
    state.close()
    print(f"silenced until {time.strftime('%Y-%m-%d %H:%M %Z', time.localtime(until))}")


def seconds_of(text: str) -> float:
    """30m, 2h, 1d in seconds. Raises UsageError."""
    match = re.fullmatch(r"(\d{1,4})([mhd])", text)
    if not match or int(match[1]) == 0:
        raise UsageError(f"--for {text}: a number and m, h or d (30m, 2h, 1d)")
    return float(match[1]) * UNITS[match[2]]
