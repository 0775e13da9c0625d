"""Access lines in a stream: whose they are, and what is done with those that the fast reader hands back."""

from __future__ import annotations

import re

from floodmark.evidence.logs import nginx_access, times
from floodmark.evidence.logs.entries import Entry
from floodmark.evidence.logs.formats import Stateless
from floodmark.evidence.logs.nginx_access import TIME_BYTES
from floodmark.evidence.logs.requests import APPLICATION, INGRESS, PROXY
from floodmark.evidence.sinks_lines import LineSink

_HEAD = re.compile(
    rb"(?:(?!\d{4}-)[\w.-]+(?::\d+)? )?\S+ - .*?\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] \""
)
_INGRESS = re.compile(rb'" \d+ \d+\.\d{3} \[[^\]]*\] \[')
_LOCAL = re.compile(rb"(?:127\.0\.0\.1|::1|-|unix:|) ")
_SIX_DECIMALS = re.compile(rb'" \d+\.\d{6}\Z')
LOOKED_AT = 200


def rank_of(lines: list[bytes]) -> int:
    """Whose access lines these are. gunicorn's have no times or six decimals, where nginx writes three; and they speak
    HTTP/1.0 with one or two neighbours only.
    """
    lines = [line for line in lines[:LOOKED_AT] if _HEAD.match(line)]
    if any(_INGRESS.search(line) for line in lines[:20]):
        return INGRESS
    if not lines or not all(line.endswith(b'"') or _SIX_DECIMALS.search(line) for line in lines):
        return PROXY
    # behind a proxy gunicorn sees the proxy alone, which speaks HTTP/1.0 to it unless told otherwise
    addresses = {line.partition(b" ")[0] for line in lines}
    old = sum(b' HTTP/1.0" ' in line for line in lines)
    local = sum(_LOCAL.match(line) is not None for line in lines)
    return APPLICATION if len(addresses) <= 3 and (old > 0.9 * len(lines) or local == len(lines)) else PROXY


class Access(Stateless):
    """Access lines of nginx, Apache and gunicorn, one by one."""

    kind = "nginx-access"

    def __init__(self) -> None:
        self.rank: int | None = None
        self.full = False
        self._held: list[Entry] = []

    @staticmethod
    def matches(data: bytes) -> bool:
        """Address, name, and a time in brackets before the first quote."""
        return _HEAD.match(data[:600]) is not None

    def decide(self, rank: int) -> None:
        """Say whose lines these are, where the file as a whole has told."""
        self.rank = rank
        self.kind = "gunicorn-access" if rank == APPLICATION else "nginx-access"

    def had_full_lines(self) -> None:
        """Lines with the client's name were met: a shorter one is cut."""
        self.full = True

    def feed(self, entry: Entry, sink: LineSink) -> bool:
        """Read one line. The first few wait until it is clear whose they are."""
        request = nginx_access.parse(entry.data, entry.line, short=not self.full)
        if request is None:
            return False
        self.full = self.full or entry.data.count(b'"') >= 6
        quote = entry.data.find(b'"')
        end, east = times.common(entry.data[quote - TIME_BYTES : quote - 2])
        moment = sink.zoned(end, east)
        if self.rank is None:
            self._held.append(entry)
            if len(self._held) >= LOOKED_AT:
                self._release(sink)
        else:
            sink.request(request, moment.lane, self.rank)
        return True

    def _release(self, sink: LineSink) -> None:
        held, self._held = self._held, []
        self.decide(rank_of([entry.data for entry in held]))
        for entry in held:
            request = nginx_access.parse(entry.data, entry.line)
            if request is not None:
                sink.request(request, sink.zoned_lane(), self.rank or PROXY)

    def finish(self, sink: LineSink) -> None:
        """Count those that still wait."""
        if self._held:
            self._release(sink)
