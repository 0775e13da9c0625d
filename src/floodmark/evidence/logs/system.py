"""What the kernel and systemd say of processes that ran out of memory: in syslog, the journal, or `dmesg -T`.

    Out of memory: Killed process 2345 (gunicorn) total-vm:2345678kB, anon-rss:1234567kB, file-rss:0kB, shmem-rss:0kB
    rsr-web.service: A process of this unit has been killed by the OOM killer.

The kernel names the process and systemd the unit, within a second of each other: one kill, counted once.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import Entry, Unreadable
from floodmark.evidence.sinks import Moment
from floodmark.evidence.sinks_lines import LineSink

SAME_KILL_SECONDS = 10.0

_DMESG = re.compile(rb"\[([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})\] (.*)\Z", re.DOTALL)
_UPTIME = re.compile(rb"\[ *\d+\.\d+\] ")
# kernels before 5.x announce the kill on a line of its own ("Kill process"), the deed is "Killed process" in all
_KILLED = re.compile(rb"(?:(?:Memory cgroup o|O)ut of memory[^:]*: )?Killed process (\d+) \(([^)]*)\)")
_ABOUT = re.compile(
    rb"(?:Memory cgroup o|O)ut of memory: Kill process|\S+ invoked oom-killer:|oom-kill:constraint=|oom_reaper: reaped"
)
_UNIT = re.compile(rb"([\w@:.\\-]+)\.(?:service|scope): (.*)\Z", re.DOTALL)
_UNIT_KILLED = b"A process of this unit has been killed by the OOM killer"
_RESTARTED = re.compile(rb"Scheduled restart job, restart counter is at \d+")


class Kill(NamedTuple):
    """A kill of the kernel's of which the unit may still be told."""

    moment: Moment
    entry: Entry
    process: str


class System:
    """Kills of the kernel, restarts of systemd."""

    kind = "system-log"

    def __init__(self) -> None:
        self._kill: Kill | None = None

    @staticmethod
    def matches(data: bytes) -> bool:
        """One of the messages that are read."""
        match = _DMESG.match(data)
        message = _UPTIME.sub(b"", match[2] if match else data, count=1)
        unit = _UNIT.match(message)
        return (
            _KILLED.match(message) is not None
            or _ABOUT.match(message) is not None
            or (unit is not None and (unit[2].startswith(_UNIT_KILLED) or _RESTARTED.match(unit[2]) is not None))
        )

    def feed(self, entry: Entry, sink: LineSink) -> bool:
        """Read one line."""
        if not self.matches(entry.data):
            return False
        match = _DMESG.match(entry.data)
        moment = sink.local(entry, _ctime(match[1])) if match else sink.told(entry)
        if moment is None:
            raise Unreadable("no time in the line: dmesg -T and journalctl write one")
        message = _UPTIME.sub(b"", match[2] if match else entry.data, count=1)
        if killed := _KILLED.match(message):
            self.finish(sink)
            self._kill = Kill(moment, entry, killed[1].decode())
        elif unit := _UNIT.match(message):
            self._unit(unit[1].decode(), unit[2], moment, entry, sink)
        return True

    def _unit(self, unit: str, message: bytes, moment: Moment, entry: Entry, sink: LineSink) -> None:
        if not message.startswith(_UNIT_KILLED):
            sink.happened("restart", moment, entry, service=unit)
        elif self._kill is not None and abs(moment.at - self._kill.moment.at) <= SAME_KILL_SECONDS:
            kill, self._kill = self._kill, None
            sink.happened("oom-kill", kill.moment, kill.entry, process=kill.process, service=unit)
        else:
            sink.happened("oom-kill", moment, entry, service=unit)

    def follow(self, entry: Entry, sink: LineSink) -> None:
        """Nothing to add."""

    def finish(self, sink: LineSink) -> None:
        """A kill whose unit nobody told."""
        if self._kill is not None:
            kill, self._kill = self._kill, None
            sink.happened("oom-kill", kill.moment, kill.entry, process=kill.process)


def _ctime(text: bytes) -> int:
    try:
        return times.ctime(text)
    except ValueError:
        raise Unreadable("no such time") from None
