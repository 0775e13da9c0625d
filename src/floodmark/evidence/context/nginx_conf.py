"""nginx's configuration: which path goes to which port or host, how long it waits, and how its lines are written.

location /py-reports/ { proxy_pass http://127.0.0.1:9000; proxy_read_timeout 10m; }  # rsr-reports
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from floodmark.evidence.readers import Head, Sink, Source
from floodmark.evidence.sinks import SourceSink

MAX_BYTES = 4 << 20

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<comment>#[^\n]*)|(?P<mark>[{};])|'(?P<single>(?:[^'\\]|\\.)*)'|\"(?P<double>(?:[^\"\\]|\\.)*)\""
    r"|(?P<word>(?:\\.|\$\{\w+\}|[^\s{};\"'])+)"
)
_PASSES = ("proxy_pass", "uwsgi_pass", "fastcgi_pass", "grpc_pass", "scgi_pass")
_TARGET = re.compile(r"(?:[a-z]+://)?(?:unix:\S+|\[[0-9a-fA-F:]+\]|([\w.-]+))(?::(\d{1,5}))?")
_NAME = re.compile(r"#\s*(?:service|container|upstream)?:?\s*([a-zA-Z][\w.-]*)\s*\Z")
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LOCAL = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\d+\.\d+\.\d+\.\d+)\Z")


class Directive(NamedTuple):
    """One directive with its words, its line, the comment after it, and what stands in its block."""

    words: tuple[str, ...]
    line: int
    comment: str
    block: tuple[Directive, ...] | None


class NginxConf:
    """A configuration, or a part of one."""

    kind = "nginx-conf"

    def recognise(self, head: Head) -> float:
        """Blocks and directives of nginx."""
        data = head.data
        hints = (
            b"location ",
            b"proxy_pass",
            b"server {",
            b"server{",
            b"log_format",
            b"upstream ",
            b"server_name",
            b"listen ",
        )
        found = sum(hint in data for hint in hints)
        return (
            0.95 if found >= 2 and b"{" in data and b";" in data and not data.lstrip().startswith((b"{", b"[")) else 0.0
        )

    def read(self, source: Source, sink: Sink) -> None:
        """Read the whole source."""
        assert isinstance(sink, SourceSink)
        with source.stream() as stream:
            text = stream.read(MAX_BYTES).decode("utf-8", "backslashreplace")
        directives = tuple(parse(text))
        upstreams = {
            each.words[1]: each
            for each in walk(directives)
            if each.words[:1] == ("upstream",) and len(each.words) > 1 and each.block
        }
        sink.record(sum(1 for _ in walk(directives)))
        for each in walk(directives):
            if each.words[0] == "location" and each.block is not None:
                _location(each, upstreams, sink)
            elif each.words[0] == "log_format" and len(each.words) > 2:
                written = [word for word in each.words[2:] if not word.startswith("escape=")]
                sink.ledger.access_formats.append("".join(written))


def parse(text: str) -> Iterator[Directive]:
    """The directives of a text. What is not closed at the end ends there."""
    tokens = list(_tokens(text))
    position = 0
    while position < len(tokens):
        found, position = _directive(tokens, position)
        if found is not None:
            yield found


def walk(directives: tuple[Directive, ...]) -> Iterator[Directive]:
    """All directives, those of a block after its own."""
    for each in directives:
        yield each
        if each.block is not None:
            yield from walk(each.block)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    line, position = 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            position += 1
            continue
        kind = match.lastgroup or ""
        if kind != "space":
            yield ("word" if kind in ("single", "double") else kind), match[kind], line
        line += match[0].count("\n")
        position = match.end()


def _directive(tokens: list[tuple[str, str, int]], position: int) -> tuple[Directive | None, int]:
    words: list[str] = []
    line = tokens[position][2]
    while position < len(tokens):
        kind, value, at = tokens[position]
        position += 1
        if kind == "word":
            line = at if not words else line
            words.append(value)
        elif kind == "mark" and value == ";":
            comment, position = _comment(tokens, position, at)
            return (Directive(tuple(words), line, comment, None) if words else None), position
        elif kind == "mark" and value == "{":
            block, position, end = _block(tokens, position)
            comment, position = _comment(tokens, position, end)
            return (Directive(tuple(words), line, comment, block) if words else None), position
        elif kind == "mark":
            return None, position
    return (Directive(tuple(words), line, "", None) if words else None), position


def _block(tokens: list[tuple[str, str, int]], position: int) -> tuple[tuple[Directive, ...], int, int]:
    inside: list[Directive] = []
    end = tokens[position - 1][2]
    while position < len(tokens):
        kind, value, end = tokens[position]
        if kind == "mark" and value == "}":
            return tuple(inside), position + 1, end
        if kind == "comment":
            position += 1
            continue
        found, position = _directive(tokens, position)
        if found is not None:
            inside.append(found)
    return tuple(inside), position, end


def _comment(tokens: list[tuple[str, str, int]], position: int, line: int) -> tuple[str, int]:
    """A comment on the line on which a directive ends belongs to it."""
    if position < len(tokens) and tokens[position][0] == "comment" and tokens[position][2] == line:
        return tokens[position][1], position + 1
    return "", position


def _location(found: Directive, upstreams: dict[str, Directive], sink: SourceSink) -> None:
    """One location: what it does not log, and where it passes requests to."""
    prefix, block = _prefix(found.words[1:]), found.block or ()
    if not prefix:
        return
    if any(each.words[:2] == ("access_log", "off") for each in block):
        sink.remark(f"requests below {prefix} are not logged")
    passed = next((each for each in block if each.words[0] in _PASSES and len(each.words) > 1), None)
    if passed is None:
        return
    port, host = _target(passed.words[1], upstreams)
    # Operators write the service beside the port: `proxy_pass http://127.0.0.1:8000; # rsr-backend`.
    named = _NAME.search(passed.comment) or _NAME.search(found.comment)
    service = named[1] if named else host
    sink.route(prefix, port, service, found.line)
    if service:
        _read_timeouts(block, service, sink)


def _prefix(words: tuple[str, ...]) -> str:
    """The paths of `location [=|~|~*|^~] words`; empty for one that no path begins with."""
    if not words or words[-1].startswith("@"):
        return ""
    if words[0] in ("~", "~*"):
        return _fixed_part(words[1]) if len(words) > 1 else ""
    return words[-1]


def _read_timeouts(block: tuple[Directive, ...], service: str, sink: SourceSink) -> None:
    for each in block:
        if (
            each.words[0].endswith("_read_timeout")
            and len(each.words) > 1
            and (match := _DURATION.match(each.words[1]))
        ):
            seconds = int(match[1]) * _SECONDS[match[2] or "s"]
            sink.limit("request-timeout-seconds", seconds, each.line, service=service)


def _fixed_part(pattern: str) -> str:
    """The beginning of a regular expression that is plain text: `^/api/.*` -> `/api/`."""
    match = re.match(r"\^?((?:[\w/-]|\\.(?<=[./-]))+)", pattern)
    return match[1].replace("\\", "") if match and match[1].startswith("/") else ""


def _target(address: str, upstreams: dict[str, Directive]) -> tuple[int | None, str | None]:
    """(port, host that is a name of its own) of what requests are passed to."""
    match = _TARGET.match(address)
    if match is None:
        return None, None
    host, port = match[1], int(match[2]) if match[2] else None
    group = upstreams.get(host or "")
    if group is not None:
        server = next((each for each in group.block or () if each.words[0] == "server" and len(each.words) > 1), None)
        inner_port, inner_host = _target(server.words[1], {}) if server else (None, None)
        return inner_port, inner_host or host
    return port, host if host and not _LOCAL.match(host) else None
