"""Access lines in a format of the operator's own: as nginx's `log_format` or gunicorn's --access-logformat says, or JSON.

A format becomes one anchored pattern. In quotes a variable may hold no raw quote, elsewhere no blank, so what a client
sends cannot run over into the next field. Lines of JSON need no format: their keys are known words, or are looked up in
the format they were written with.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from floodmark.evidence.logs import nginx_access, times
from floodmark.evidence.logs.access import rank_of
from floodmark.evidence.logs.entries import BAD_JSON, Entry, Unreadable
from floodmark.evidence.logs.formats import Stateless
from floodmark.evidence.logs.requests import APPLICATION, NO_UPSTREAM, PROXY, Request
from floodmark.evidence.sinks_lines import LineSink

_VARIABLE = re.compile(r"\$\{?(\w+)\}?|%\(([^)]+)\)s")

ATOMS = {
    "h": "remote_addr", "u": "remote_user", "t": "bracketed_time", "r": "request", "m": "request_method",
    "U": "request_uri", "s": "status", "b": "body_bytes_sent", "B": "body_bytes_sent", "a": "http_user_agent",
    "L": "request_time", "T": "request_time", "M": "milliseconds", "D": "microseconds", "p": "pid",
}  # fmt: skip
"""gunicorn's atoms by nginx's names."""

_COMBINED = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'
_PROXY_COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
USUAL = tuple(
    _COMBINED + tail
    for tail in (
        " %(D)sus", " %(D)sµs", " %(M)sms", " %(L)ss", " %(T)s/%(D)s", " %(p)s", " %(p)s %(L)s", " %(L)s %(p)s",
        " pid:%(p)s %(L)s", ' "%({x-forwarded-for}i)s" %(p)s %(L)s',
    )
)  # fmt: skip
"""What gunicorn's users write, with units that leave no doubt: tried where nobody says the format of a file."""

UNITLESS = (_COMBINED + " %(unitless)s", _PROXY_COMBINED + " $unitless")
"""Seconds, milliseconds or microseconds (%T, %M, %D of gunicorn and Apache)? Nothing in the file says which."""

_LIST = rb"(?:[\d.]+|-)(?:(?:, | : )(?:[\d.]+|-))*"
_SHAPES: Mapping[str, bytes] = {
    "time_local": rb"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}",
    "bracketed_time": rb"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]",
    "time_iso8601": rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)",
    "msec": rb"\d{9,11}\.\d{3}",
    "status": rb"\d{3}",
    "body_bytes_sent": rb"\d+|-",
    "bytes_sent": rb"\d+|-",
    "request_time": rb"\d+(?:\.\d+)?|-",
    "pid": rb"<\d+>",
    "unitless": rb"\d+",
    "milliseconds": rb"\d+",
    "microseconds": rb"\d+",
    "upstream_response_time": _LIST,
    "upstream_connect_time": _LIST,
    "upstream_header_time": _LIST,
    "upstream_status": _LIST,
    "upstream_addr": rb"(?:-|[^\s,]+)(?:(?:, | : )[^\s,]+)*",
    "remote_user": rb"[^\"]*?",
}
_SAMPLES = {
    "remote_addr": "192.0.2.1", "remote_user": "-", "time_local": "02/Sep/2025:06:15:09 +0000",
    "bracketed_time": "[02/Sep/2025:06:15:09 +0000]", "request": "GET / HTTP/1.1", "status": "200", "body_bytes_sent": "1",
    "http_referer": "-", "http_user_agent": "curl", "request_time": "1.111", "upstream_response_time": "2.222",
    "upstream_connect_time": "3.333", "http_x_forwarded_for": "-", "pipe": ".",
    "pid": "<1>",
}  # fmt: skip

WORDS: Mapping[str, tuple[str, ...]] = {
    "time_local": ("time_local",),
    "time_iso8601": ("time_iso8601", "time", "timestamp", "@timestamp", "ts", "date", "datetime"),
    "msec": ("msec",),
    "request": ("request",),
    "request_method": ("request_method", "method", "verb"),
    "request_uri": ("request_uri", "uri", "path", "url", "request_path"),
    "status": ("status", "status_code", "response_code", "response_status", "code"),
    "body_bytes_sent": ("body_bytes_sent", "bytes_sent", "bytes", "size", "response_size", "response_length"),
    "request_time": ("request_time", "duration", "response_time", "latency", "elapsed", "duration_s"),
    "milliseconds": ("duration_ms", "latency_ms", "response_time_ms", "elapsed_ms", "request_time_ms"),
    "upstream_response_time": ("upstream_response_time",),
    "upstream_addr": ("upstream_addr", "upstream", "upstream_host"),
    "remote_addr": ("remote_addr", "client_ip", "clientip", "client", "remote_ip", "ip", "x_forwarded_for"),
    "http_user_agent": ("http_user_agent", "user_agent", "agent", "ua"),
}  # fmt: skip
"""nginx's name of a value -> keys it goes by in lines of JSON, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Custom:
    """A format as a pattern, and the names of its groups in order."""

    pattern: re.Pattern[bytes]
    names: tuple[str, ...]
    rank: int


@lru_cache(64)
def compiled(written: str) -> Custom | None:
    """A format as a pattern; None for one that is read without it, or that holds too little to be read."""
    rank = APPLICATION if "%(" in written else PROXY
    if written.lstrip().startswith("{") or _usual(written):
        return None
    names: list[str] = []
    pieces: list[bytes] = []
    position = 0
    for match in _VARIABLE.finditer(written):
        pieces.append(re.escape(written[position : match.start()].encode()))
        name = match[1] or ATOMS.get(match[2], match[2])
        quoted = written[match.start() - 1 : match.start()] == '"' and written[match.end() : match.end() + 1] == '"'
        shape = _SHAPES.get(name, rb"[^\s\"]*")
        shape = rb'(?:[^"\\]|\\.)*' if quoted and name not in _SHAPES else shape
        shape = rb"[^\]]*" if written[match.start() - 1 : match.start()] == "[" and name not in _SHAPES else shape
        pieces.append(b"(" + shape + b")")
        names.append(name)
        position = match.end()
    pieces.append(re.escape(written[position:].encode()))
    timed = {"time_local", "bracketed_time", "time_iso8601", "msec"} & set(names)
    if not timed or not {"request", "request_uri", "uri"} & set(names):
        return None
    return Custom(re.compile(b"".join(pieces) + rb"\Z", re.DOTALL), tuple(names), rank)


def _usual(written: str) -> bool:
    """Whether a line in this format is one that `nginx_access` reads."""
    line = _VARIABLE.sub(
        lambda match: _SAMPLES.get(match[1] or (match[2] if match[2] in _SAMPLES else ATOMS.get(match[2], "")), "-"),
        written,
    )
    try:
        request = nginx_access.parse(line.encode(), 0)
    except Unreadable:
        return False
    if request is None:
        return False
    told = bool({"request_time", "L"} & {match[1] or match[2] for match in _VARIABLE.finditer(written)})
    return request.seconds == 1.111 if told else math.isnan(request.seconds)


@lru_cache(64)
def keys_of(written: str) -> Mapping[str, str]:
    """Key -> nginx's name, of a format that writes JSON: `{"t":"$time_iso8601","d":$request_time}`."""
    bare = re.sub(r'(?<!")(\$\w+)(?!")', r'"\1"', written)
    try:
        template = json.loads(bare)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(template, dict):
        return {}
    return {
        key: match[1] for key, value in template.items() if isinstance(value, str) and (match := _VARIABLE.fullmatch(value))
    }  # fmt: skip


class CustomAccess(Stateless):
    """Access lines in formats that a configuration or the user states, and lines of JSON."""

    kind = "nginx-access"

    def __init__(self) -> None:
        self._formats: list[Custom] | None = None
        self._keys: dict[str, str] = {}

    @staticmethod
    def matches(data: bytes) -> bool:
        """A JSON object with the words of a request."""
        if not data.startswith(b"{") or b'"insertId"' in data or b'"v":' in data[:8]:
            return False
        return b'"status' in data and any(word in data for word in (b'"request', b'"uri"', b'"path"', b'"url"'))

    def feed(self, entry: Entry, sink: LineSink) -> bool:
        """Read one line."""
        if self._formats is None:
            stated = [*sink.ledger.access_formats, *sink.row.access_formats]
            self._formats = [each for written in stated if (each := compiled(written)) is not None]
            for written in stated:
                self._keys.update({key: name for key, name in keys_of(written).items() if key not in self._keys})
        if entry.data.startswith(b"{"):
            return self._json(entry, sink)
        for each in self._formats:
            match = each.pattern.match(entry.data)
            if match:
                found = {name: value or b"" for name, value in zip(each.names, match.groups(), strict=True)}
                self._request(found, each.rank, entry, sink)
                return True
        return False

    def _json(self, entry: Entry, sink: LineSink) -> bool:
        if not self.matches(entry.data) and not self._keys:
            return False
        try:
            line: Any = msgspec.json.decode(entry.data)
        except BAD_JSON:
            if self.matches(entry.data):
                raise Unreadable("cut or broken JSON") from None
            return False
        if not isinstance(line, dict):
            return False
        found = _found(line, self._keys)
        if not ({"time_local", "time_iso8601", "msec"} & found.keys()) or not (
            {"request", "request_uri"} & found.keys()
        ):
            return False
        if "status" not in found:
            return False
        self._request(found, PROXY, entry, sink)
        return True

    def _request(self, found: Mapping[str, bytes], rank: int, entry: Entry, sink: LineSink) -> None:
        self.kind = "gunicorn-access" if rank == APPLICATION else "nginx-access"
        end, east = _time(found)
        seconds = _seconds(found)
        moment = sink.zoned(end, east) if east is not None else sink.local(entry, end)
        target = found.get("request")
        path = nginx_access.path_of(target) if target is not None else b""
        if not path:
            path = (found.get("request_uri") or found.get("uri") or b"").partition(b"?")[0]
        status = _number(found.get("status", b""))
        sent = _number(found.get("body_bytes_sent") or found.get("bytes_sent") or b"")
        sink.request(
            Request(
                entry.line, entry.data, moment.at + 0.5, seconds, 0 if math.isnan(status) else int(status),
                0.0 if math.isnan(sent) else sent, path, found.get("remote_addr", b""), found.get("http_user_agent", b""),
                _port(found, status),
            ),
            moment.lane, rank,
        )  # fmt: skip


def _found(line: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for key, name in keys.items():
        if key in line:
            found[name] = _text(line[key])
    for name, words in WORDS.items():
        if name not in found:
            word = next((word for word in words if word in line and line[word] not in (None, "")), None)
            if word is not None:
                found[name] = _text(line[word])
    return found


def _text(value: Any) -> bytes:
    return str(value).encode("utf-8", "backslashreplace")


def _time(found: Mapping[str, bytes]) -> tuple[float, int | None]:
    try:
        if found.get("time_local") or found.get("bracketed_time"):
            return times.common(found.get("time_local") or found["bracketed_time"][1:-1])
        if found.get("time_iso8601"):
            stamp = found["time_iso8601"]
            if not re.fullmatch(rb"\d{9,10}(?:\.\d+)?", stamp):
                return times.common(stamp) if stamp[2:3] == b"/" else times.stamp(stamp)
            return float(stamp), 0
        if not re.fullmatch(rb"\d{9,10}(?:\.\d+)?", found["msec"]):
            raise Unreadable("no such time")
        return float(found["msec"]), 0
    except (ValueError, KeyError):
        raise Unreadable("no such time") from None


def _seconds(found: Mapping[str, bytes]) -> float:
    # the finest first: gunicorn's %(T)s are whole seconds
    for name, factor in (("microseconds", 1e-6), ("milliseconds", 1e-3), ("request_time", 1.0)):
        if found.get(name):
            return _number(found[name].removesuffix(b"s")) * factor
    return math.nan


def _number(text: bytes) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _port(found: Mapping[str, bytes], status: float) -> str:
    if status == 499:
        return ""
    if found.get("upstream_addr"):
        return nginx_access.port_of(found["upstream_addr"])
    return NO_UPSTREAM if found.get("upstream_response_time") == b"-" else ""


def usable(formats: Iterable[str]) -> bool:
    """Whether any of these formats needs a pattern of its own."""
    return any(compiled(written) is not None for written in formats)


def usual_format(lines: Sequence[bytes]) -> str | None:
    """The one of the usual formats that most of these lines are in, None where they are in none."""
    proxied = rank_of([line.rpartition(b" ")[0] for line in lines]) == PROXY
    return next((one for one in (*USUAL, UNITLESS[proxied]) if written_so([one], lines)), None)


def written_so(formats: Sequence[str], lines: Iterable[bytes]) -> bool:
    """Whether most of these lines are in one of the formats that need a pattern of their own."""
    lines = [line for line in lines if line.strip()]
    keys = {f'"{key}"'.encode() for written in formats for key in keys_of(written)}
    if keys and sum(line.startswith(b"{") and sum(key in line for key in keys) > 2 for line in lines) > len(lines) / 2:
        return True
    return any(
        sum(each.pattern.match(line) is not None for line in lines) > len(lines) / 2
        for written in formats
        if (each := compiled(written)) is not None
    )
