"""Access lines of nginx, Apache and gunicorn: `combined` and what follows it, read exactly, one line at a time.

    203.0.113.7 - - [02/Sep/2025:06:15:09 +0000] "GET /x HTTP/1.1" 200 167 "-" "curl/8.5.0" 60.001 60.000 0.000

The first raw quote of a line ends the time, as nothing before it can hold one (nginx writes `\\x22`); so a user's name
may hold spaces and brackets and still not fake a time. After the client's name the line has to follow one of the known
tails to its end: what does not is rejected, never guessed.
"""

from __future__ import annotations

import math
import re

from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import Unreadable
from floodmark.evidence.logs.requests import NO_UPSTREAM, Request

TIME_BYTES = 28
"""Length of `[02/Sep/2025:06:15:09 +0000]`."""

_QUOTED = rb'"((?:[^"\\]|\\.)*)"'
_AFTER_TIME = re.compile(_QUOTED + rb" (\d{3}) (\d{1,15}|-)(?: " + _QUOTED + rb" " + _QUOTED + rb"(.*))?\Z", re.DOTALL)
_TARGET = re.compile(rb"([A-Z][A-Z-]{0,15}) (.*?)(?: (HTTP/\d(?:\.\d)?))?\Z", re.DOTALL)
_ADDRESS = re.compile(rb"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*|unix:|-)\Z")

_VALUE = rb"(?:\d+\.\d{3}|-)"
_LIST = _VALUE + rb"(?:(?:, | : )" + _VALUE + rb")*"
_TIMED = re.compile(rb" (\d+\.\d{3})(?: (" + _LIST + rb")(?: (?:(" + _LIST + rb")|([.p])))?)?\Z")
_FORWARDED = re.compile(rb" " + _QUOTED)
_INGRESS = re.compile(
    rb" \d+ (\d+\.\d{3}) \[([^\]\s]*)\] \[[^\]\s]*\] (-|[^\s,]+(?:(?:, | : )[^\s,]+)*) (?:-|[\d-]+(?:(?:, | : )[\d-]+)*)"
    rb" (?:" + _LIST + rb") (?:-|[\d-]+(?:(?:, | : )[\d-]+)*) \S+\Z"
)
_SECONDS = re.compile(rb" (\d+\.\d{6})\Z")
_NAMED = re.compile(rb'(?: ([a-z_]+)[=:](?:"([^"]*)"|([^\s"]*)))+\Z')
_NAMED_ONE = re.compile(rb' ([a-z_]+)[=:](?:"([^"]*)"|([^\s"]*))')
_SEPARATORS = re.compile(rb", | : ")

_NAMES_OF_TIME = (b"rt", b"request_time", b"reqtime", b"duration")
_NAMES_OF_UPSTREAM = (b"urt", b"upstream_response_time", b"uht", b"ua", b"us", b"upstream_addr", b"upstream")


def parse(line: bytes, number: int, short: bool = True) -> Request | None:
    """The request of one access line, None where it is none. Raises Unreadable for one that is broken.

    `short` lines end after the bytes sent (the `common` format): where a file has others, one is cut.
    """
    quote = line.find(b'"')
    if quote < TIME_BYTES + 3 or line[quote - 29 : quote - 28] != b"[" or line[quote - 2 : quote] != b"] ":
        return None
    try:
        end, _ = times.common(line[quote - 28 : quote - 2])
    except ValueError:
        raise Unreadable("no such time") from None
    match = _AFTER_TIME.match(line, quote)
    if match is None:
        raise Unreadable("the fields after the time are not those of an access line")
    target, status, sent, _, agent, tail = match.groups()
    if agent is None and not short:
        raise Unreadable("the line ends before the client's name")
    seconds, port = read_tail(tail) if tail else (math.nan, "")
    if status == b"499" and port == NO_UPSTREAM:
        port = ""  # the client gave up before there was an answer: the application may still be at work on it
    return Request(
        line=number,
        text=line,
        end=end + 0.5,  # the second in which it ended: its middle
        seconds=seconds,
        status=int(status),
        sent=0.0 if sent == b"-" else float(sent),
        path=path_of(target),
        address=address_of(line[: quote - 29]),
        agent=b"" if agent in (None, b"-") else agent,
        port=port,
    )


def path_of(target: bytes) -> bytes:
    """The path of `GET /path?query HTTP/1.1` without its query; empty where there is none."""
    match = _TARGET.match(target)
    if match is None or (match[3] is None and not match[2].startswith(b"/")):
        return b""
    return match[2].partition(b"?")[0]


def address_of(prefix: bytes) -> bytes:
    """The client's address in `address - name `, or in Apache's `host address - name `."""
    words = prefix.split(b" ", 3)
    if len(words) < 3:
        raise Unreadable("no client address")
    if (
        len(words) > 3
        and words[1] != b"-"
        and words[2] == b"-"
        and not _ADDRESS.match(words[0])
        and _ADDRESS.match(words[1])
    ):
        return words[1]
    return words[0]


def read_tail(tail: bytes) -> tuple[float, str]:
    """(request time or NaN, port of the upstream) from what follows the client's name. Raises Unreadable."""
    forwarded = _FORWARDED.match(tail)
    if forwarded:
        tail = tail[forwarded.end() :]
        if not tail:
            return math.nan, ""
    timed = _TIMED.match(tail)
    if timed:
        return _timed(timed)
    ingress = _INGRESS.match(tail)
    if ingress:
        return float(ingress[1]), port_of(ingress[3])
    seconds = _SECONDS.match(tail)
    if seconds:
        return float(seconds[1]), ""
    if _NAMED.match(tail):
        return _named(tail)
    raise Unreadable("what follows the client's name is no known format")


def _timed(match: re.Match[bytes]) -> tuple[float, str]:
    seconds, answered, connected, _ = match.groups()
    if connected is not None and _SEPARATORS.findall(answered) != _SEPARATORS.findall(connected):
        raise Unreadable("the lists of upstream times differ in length")
    return float(seconds), NO_UPSTREAM if answered == b"-" else ""


def _named(tail: bytes) -> tuple[float, str]:
    values = {name: quoted or plain for name, quoted, plain in _NAMED_ONE.findall(tail)}
    seconds = next((values[name] for name in _NAMES_OF_TIME if values.get(name)), b"")
    try:
        took = float(seconds) if seconds else math.nan
    except ValueError:
        raise Unreadable("the request time is no number") from None
    upstream = [values[name] for name in _NAMES_OF_UPSTREAM if name in values]
    addresses = [port_of(value) for value in upstream if b":" in value]
    if addresses:
        return took, addresses[0]
    return took, NO_UPSTREAM if upstream and all(value in (b"-", b"") for value in upstream) else ""


def port_of(upstream: bytes) -> str:
    """The port of the last `address:port` of a list of upstreams; NO_UPSTREAM for `-`, empty for a socket."""
    last = _SEPARATORS.split(upstream)[-1]
    if last == b"-":
        return NO_UPSTREAM
    port = last.rpartition(b":")[2]
    return port.decode() if port.isdigit() and len(port) <= 5 else ""
