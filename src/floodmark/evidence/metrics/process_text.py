"""The output of ps, top, pidstat and smem, kept with the time of each: memory of processes by pid.

    2025-09-02 06:15:00
    USER  PID %CPU %MEM    VSZ   RSS TTY STAT START TIME COMMAND
    app    38  0.1  1.2 312476 96468 ?   S    06:02 0:01 gunicorn: worker [rsr.wsgi]

ps and pidstat write KiB; top and smem KiB or a letter (`94.2m`). top and pidstat write a time of day without the date.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from floodmark.evidence.nouns import Clock
from floodmark.evidence.readers import Head, SeriesKey, Sink, Source

from .moments import parse
from .naming import Who
from .snapshots import Held, Timed, time_of_file, timed, unstamped
from .table_csv import command_name

DAY = 86_400.0
KIB = 1024.0

MEASURES = {"rss": "rss", "res": "rss", "rsz": "rss", "pss": "pss", "uss": "pss"}
COMMANDS = ("command", "cmd", "args", "comm", "ucmd")

SUMMARIES = ("Average", "Tasks:", "%Cpu", "MiB ", "KiB ", "GiB ", "Threads:")
AUX = ("user", "pid", "%cpu", "%mem", "vsz", "rss", "tty", "stat", "start", "time", "command")
_AUX = re.compile(
    r"\S+\s+\d+\s+\d+(?:\.\d)?\s+\d+(?:\.\d)?\s+\d+\s+\d+\s+(?:\?|pts/\d+|tty\w+)\s+[A-Z][A-Za-z<+]*\s+\S+\s+\d+:\d\d\s+\S.*"
)
"""A row of `ps aux` whose heading a grep has taken away: its eleven columns are not met in anything else."""

_TOP = re.compile(r"top - (\d\d):(\d\d):(\d\d)")
_RULE = re.compile(r"-{10,}")
_SYSSTAT = re.compile(r"Linux \S+ \((\S+)\)\s+(\S+)")
_OF_DAY = re.compile(r"(\d{1,2}):(\d\d):(\d\d)(?:[.,]\d+)?(?:\s+([AP]M))?\s+")


class ProcessText:
    """Reader of lists of processes."""

    kind = "process-list"

    def recognise(self, head: Head) -> float:
        """By a header with PID and a column of resident memory."""
        lines = [unstamped(line.decode("utf-8", "replace")) for line in head.lines[:400]]
        header = next((index for index, line in enumerate(lines) if header_of(line)), None)
        if header is None:
            rows = sum(_AUX.fullmatch(line.strip()) is not None for line in lines)
            return 0.9 if rows and 2 * rows >= len([line for line in lines if line.strip()]) else 0.0
        if "," in lines[header]:
            return 0.0
        return 0.95 if header < 60 else 0.5

    def read(self, source: Source, sink: Sink) -> None:
        """Every list in the file."""
        lists = _Lists(source, sink, Held(sink))
        for one in timed(source, sink):
            lists.take(one)
        lists.held.flush()
        if lists.without_time:
            sink.remark(
                f"{lists.without_time:,} lines of further lists have no time and were left out: write the time before "
                "each list (date -u +%FT%TZ)"
            )


def header_of(text: str) -> list[str] | None:
    """The columns of a header of ps, top or pidstat, in lower case; None for other lines."""
    names = _OF_DAY.sub("", text.strip().lstrip("# ")).lower().split()
    return names if "pid" in names and any(name in MEASURES for name in names) else None


@dataclass(slots=True)
class _Lists:
    """The lists of one file while they are read."""

    source: Source
    sink: Sink
    held: Held
    header: Sequence[str] = AUX
    headed: bool = False
    date: float | None = None
    host: str | None = None
    of_day: float | None = None
    days: int = 0
    lists: int = 0
    without_time: int = 0

    def take(self, one: Timed) -> None:
        """One line: a header, a heading with a time of day, or a process."""
        if names := header_of(one.text):
            self.header, self.headed = names, True
            self.lists += 1
            self._clock_of(one.text)
        elif match := _TOP.match(one.text):
            self._say(int(match.group(1)) * 3600 + int(match.group(2)) * 60 + int(match.group(3)))
        elif match := _SYSSTAT.match(one.text):
            self.host, date = match.groups()
            at = float(parse([date if len(date) == 10 else _long_year(date)]).at[0])
            self.date, self.of_day = (at if np.isfinite(at) else None), None
            self.sink.clock(Clock(None, "assumed"))
        elif _RULE.fullmatch(one.text.strip()):
            self.header = ()  # below the rule smem writes sums
        elif not one.text.startswith(SUMMARIES) if self.headed else _AUX.fullmatch(one.text.strip()):
            self._process(one)

    def _say(self, seconds: float) -> None:
        """A time of day: an earlier one than the last is of the next day."""
        if self.of_day is not None and seconds < self.of_day - DAY / 2:
            self.days += 1
        self.of_day = seconds

    def _clock_of(self, text: str) -> None:
        if match := _OF_DAY.match(text.strip()):
            hour, minute, second, half = match.groups()
            hours = int(hour) % 12 + (12 if half == "PM" else 0) if half else int(hour)
            self._say(hours * 3600 + int(minute) * 60 + int(second))

    def _time(self, one: Timed) -> float | None:
        if self.of_day is not None and one.at is None:
            return self._day() + self.days * DAY + self.of_day
        if one.at is not None:
            return one.at
        return time_of_file(self.source, self.sink) if self.lists <= 1 else None

    def _day(self) -> float:
        """Midnight of the first day: as the file says it, else the day on which the file was written."""
        if self.date is None:
            self.date = (self.source.modified or 0.0) // DAY * DAY
            self.sink.remark("times of day without a date: the day on which the file was written was taken")
            self.sink.clock(Clock(None, "assumed"))
        return self.date

    def _process(self, one: Timed) -> None:
        if not self.header:
            return
        # `pidstat -H` has an epoch of its own in a column, which is no time before the line
        text = (one.line.data.decode("utf-8", "replace") if self.header[0] == "time" else one.text).strip()
        if match := _OF_DAY.match(text):
            self._clock_of(text)
            text = text[match.end() :]
        try:
            row = dict(zip(self.header, cells_of(text, self.header), strict=True))
            pid = int(row["pid"])
            sizes = {name: kib(row[name]) for name in MEASURES if name in row}
        except (ValueError, KeyError):
            self.sink.reject(
                one.line.number, "no process: not as many columns as the header, or no numbers", one.line.data
            )
            return
        at = float(row["time"]) if row.get("time", "").isdigit() and len(row["time"]) == 10 else self._time(one)
        if at is None:
            self.without_time += 1
            return
        for name, size in sizes.items():
            self.held.add(self._key(name, pid, row), at, size, one.line.number)
            self.sink.record()

    def _key(self, name: str, pid: int, row: dict[str, str]) -> SeriesKey:
        command = next((row[column] for column in COMMANDS if column in row), "")
        who = Who(self.source.service or command_name(command.lstrip("\\_|` -")), self.host, str(pid))
        return SeriesKey(
            service=who.service, measure=MEASURES[name], metric=name, instance=who.instance, process=who.process,
            labels=(("comm", command_name(command)),), unit="KiB",
        )  # fmt: skip


def cells_of(text: str, header: Sequence[str]) -> list[str]:
    """The cells of a row: a command has blanks in it, and smem writes it before its columns of numbers."""
    words = next((index for index, name in enumerate(header) if name in COMMANDS), len(header) - 1)
    before = text.split(None, words)
    behind = before.pop().rsplit(None, len(header) - words - 1) if len(before) > words else []
    return [*before, *behind]


def kib(text: str) -> float:
    """Bytes of a size in KiB, or with a letter as top writes it: `94.2m`, `1.1g`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kmgt]?)", text.lower())
    if not match:
        raise ValueError(f"not a size: {text!r}")
    return float(match.group(1)) * {"": KIB, "k": KIB, "m": KIB**2, "g": KIB**3, "t": KIB**4}[match.group(2)]


def _long_year(date: str) -> str:
    """`09/02/25` of sysstat's default locale as `2025-09-02`."""
    parts: Sequence[str] = re.split(r"[/.-]", date)
    return f"20{parts[2]}-{parts[0]}-{parts[1]}" if len(parts) == 3 and len(parts[2]) == 2 else date
