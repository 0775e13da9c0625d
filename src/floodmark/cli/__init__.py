"""The command `floodmark`: one file a command, and the one place where errors become exit statuses.

A command's module imports its half of the product when the command runs, not before, so that `--help` is quick and
`analyze` works where Django cannot start.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from floodmark import __version__
from floodmark.errors import FloodmarkError
from floodmark.settings import Settings, load

# Before numpy is imported. The matrices here are narrow: threads of OpenBLAS were measured to take 67 s of processor time
# where one takes 16, spinning as they wait for each other; and sums that depend on the number of cores would make the
# same evidence give other bytes on another machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

COMMANDS = (
    "settings",
    "analyze",
    "source",
    "sample",
    "export",
    "serve",
    "worker",
    "datasets",
    "build",
    "demo",
    "rules",
    "watch",
    "silence",
    "doctor",
    "import_",
)
"""The module of each command under floodmark.cli; each has `register(app)`."""


class Commands(TyperGroup):
    """The commands, with endings that typer would give statuses and words of its own."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command. Ctrl-C is said and ends with 130; a reader of our output that has gone ends it with 141."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # here and not when the interpreter ends, where nobody could catch it
        except KeyboardInterrupt:
            print("floodmark: interrupted", file=sys.stderr)
            raise SystemExit(130) from None
        except BrokenPipeError:
            # `floodmark ... | head`: nothing is wrong, and nothing more can be said
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(141) from None
        return result


app = typer.Typer(
    name="floodmark",
    cls=Commands,
    help="Publish IATI data with bounded memory; measure memory growth and say what causes it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"floodmark {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    settings: Annotated[
        Path | None, typer.Option(envvar="FLOODMARK_SETTINGS", help="TOML file of settings [./floodmark.toml]")
    ] = None,
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    context.obj = settings


def settings_of(context: typer.Context) -> Settings:
    """The settings for this run, read now; raises SettingsError."""
    return load(context.obj)


def terminal() -> Console:
    """The console for progress and remarks: standard error, quiet in a pipe."""
    return Console(stderr=True)


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the run as an exception does: nothing half-written stays, and no folder of the spill."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# After the helpers above: the commands' modules import them from here.
for _name in COMMANDS:
    import_module(f"floodmark.cli.{_name}").register(app)


def main() -> None:
    """Run the command line; never ends in a traceback for anything Floodmark raises on purpose."""
    try:
        app()
    except FloodmarkError as error:
        print(f"floodmark: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
