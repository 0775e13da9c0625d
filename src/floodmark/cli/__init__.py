"""The command `floodmark`: one file a command, and the one place where errors become exit statuses.

A command's module imports its half of the product when the command runs, not before, so that `--help` is quick and
`analyze` works where Django cannot start.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from floodmark import __version__
from floodmark.errors import Ended, FloodmarkError, UsageError
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


@contextmanager
def _ended_from_outside() -> Iterator[None]:
    """Turn what ends a command from outside into an error of ours.

    Typer would make exit statuses of it on its way out, 1 for a reader that has gone and 130 without a word for Ctrl-C.
    """
    try:
        yield
        # Here rather than at the interpreter's end, where a pipe that is gone gives a warning and status 120.
        sys.stdout.flush()
    except KeyboardInterrupt:
        raise Ended("interrupted") from None
    except BrokenPipeError:
        raise Ended("the reader has gone") from None


# Typer brings a copy of click of its own in some versions and uses click itself in others: this is its UsageError in both.
Refused: type[Any] = typer.BadParameter.__mro__[1]


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn what typer says of the command line, four lines with a usage, into an error of ours: what, where, what to do."""
    try:
        yield
    except Refused as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # the list of commands, asked for by saying nothing
            raise
        names = _names(error.ctx)
        where = f"{names}: " if names else ""
        raise UsageError(
            f"{where}{_as_clause(error.format_message())}: see floodmark {names} --help".replace("  ", " ")
        ) from None


def _names(context: Any) -> str:
    """`export activities`, without the program."""
    names: list[str] = []
    while context is not None and context.parent is not None:
        names.append(context.info_name or "")
        context = context.parent
    return " ".join(reversed(names))


def _as_clause(message: str) -> str:
    """Typer's sentence as a part of one: in one line, small at its beginning, without a full stop."""
    line = " ".join(message.split()).rstrip(".")
    return line[:1].lower() + line[1:]


class Commands(TyperGroup):
    """The commands, with one end for all of them."""

    def make_context(self, *words: Any, **more: Any) -> Any:
        """Read the command line; `--help` and `--version` end here."""
        with _ended_from_outside(), _one_line():
            return super().make_context(*words, **more)

    def invoke(self, context: Any) -> Any:
        """Run the command."""
        with _ended_from_outside(), _one_line():
            return super().invoke(context)


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


# After the helpers above: the commands' modules import them from here.
for _name in COMMANDS:
    import_module(f"floodmark.cli.{_name}").register(app)


def main() -> None:
    """Run the command line; never ends in a traceback for anything Floodmark raises on purpose."""
    # As an exception, SIGTERM runs what cleans up. Commands that take their time to stop have handlers of their own.
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app()
    except FloodmarkError as error:
        _say_why(error)
        sys.exit(error.exit_status)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    os.write(2, b"floodmark: terminated\n")  # not print: the signal may have come in the middle of one
    raise SystemExit(Ended.statuses["terminated"])


def _say_why(error: FloodmarkError) -> None:
    """One line on standard error; nothing where the reader of our output has gone, for nothing is wrong then."""
    with suppress(OSError):  # standard error may be that same pipe
        if error.exit_status == Ended.statuses["the reader has gone"]:
            # What is still buffered would be tried again when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            print(f"floodmark: {error}", file=sys.stderr, flush=True)
