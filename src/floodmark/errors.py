"""The errors that Floodmark raises on purpose, each with the exit status of the command that meets it.

    FloodmarkError              1  some of the work could not be done
    ├── CannotStart             2  arguments, settings or the source cannot be used as they are
    │   ├── UsageError             a word of the command line
    │   ├── SettingsError          a key or a value of the settings, with file and line
    │   └── SourceError            the database: unreachable, wrong password, tables missing
    ├── NothingUsable           3  none of the input could be used (evidence, IATI files)
    ├── InputError              1  one input is bad: names the file and, where there is one, the line
    ├── CannotWrite             5  no space, no permission, target gone
    └── Ended                 130, 141, 143  from outside: Ctrl-C, the reader of the output gone, SIGTERM

Every message says what is wrong, where, and what to do. docs/errors.md has a paragraph on each exit status.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar


class FloodmarkError(Exception):
    """Base of all errors raised on purpose; `exit_status` is what the command exits with."""

    exit_status = 1


class CannotStart(FloodmarkError):
    """The command cannot begin its work."""

    exit_status = 2


class UsageError(CannotStart):
    """A word of the command line cannot be used."""


class SettingsError(CannotStart):
    """A key or value of the settings cannot be used."""


class SourceError(CannotStart):
    """The database cannot serve as a source."""


class NothingUsable(FloodmarkError):
    """None of the input could be used."""

    exit_status = 3


class InputError(FloodmarkError):
    """One input is bad. `path` and `line` say where; the rest of the work goes on."""

    def __init__(self, problem: str, path: Path | str | None = None, line: int | None = None) -> None:
        self.problem, self.path, self.line = problem, path, line
        where = "" if path is None else f"{path}:{line}: " if line else f"{path}: "
        super().__init__(where + problem)


class CannotWrite(FloodmarkError):
    """Output could not be written; what was there before is untouched."""

    exit_status = 5


class Ended(FloodmarkError):
    """The command was ended from outside; nothing half-written stays. `why` is "interrupted", ..."""

    statuses: ClassVar = {"interrupted": 130, "the reader has gone": 141, "terminated": 143}

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.exit_status = self.statuses[why]
