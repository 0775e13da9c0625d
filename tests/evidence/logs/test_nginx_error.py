"""The error log of nginx: nothing in it is escaped, and clients write much of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.logs.nginx_error import NginxError, request_of

LOOK = Callable[[Any], Any]
AT = 1_756_793_709.0  # 2025-09-02T06:15:09Z
UPSTREAM = ', upstream: "http://127.0.0.1:8000/organisation/42/iati/", host: "rsr.example.org"'
FIELDS = f', client: 10.0.3.9, server: _, request: "GET /organisation/42/iati/?page=2 HTTP/1.1"{UPSTREAM}'
TIMED_OUT = "upstream timed out (110: Operation timed out) while reading response header from upstream"


def line(message: str, level: str = "error", second: int = 9) -> str:
    return f"2025/09/02 06:15:{second:02d} [{level}] 31#31: *8841 {message}\n"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (TIMED_OUT, "upstream-timeout"),
        ("upstream timed out (110: Connection timed out) while connecting to upstream", "upstream-timeout"),
        ("upstream prematurely closed connection while reading response header from upstream", "upstream-closed"),
        (
            "recv() failed (104: Connection reset by peer) while reading response header from upstream",
            "upstream-closed",
        ),
        ("connect() failed (111: Connection refused) while connecting to upstream", "upstream-refused"),
        ("connect() failed (113: Host is unreachable) while connecting to upstream", "upstream-refused"),
        ("no live upstreams while connecting to upstream", "upstream-refused"),
        (
            "an upstream response is buffered to a temporary file /var/cache/nginx/proxy_temp/6/86/0000000086 while "
            "reading upstream",
            "upstream-buffered",
        ),
        ('limiting requests, excess: 20.5 by zone "iati"', "rate-limited"),
        ('delaying request, excess: 0.5, by zone "iati"', "rate-limited"),
        ('limiting connections by zone "iati"', "rate-limited"),
    ],
)
def test_a_message_is_counted_by_its_route(gathered: Any, look: LOOK, message: str, kind: str) -> None:
    seen = look(gathered({"error.log": line(message + FIELDS)}))
    assert seen.tally(kind) == {"/organisation/{id}/iati/": 1.0}
    (tally,) = seen.tallies(kind)
    assert tally.service == "port 8000"
    assert tally.examples[0][:2] == (AT, tally.examples[0][1])
    assert (tally.examples[0][1].source, tally.examples[0][1].line) == ("error.log", 1)
    assert seen.source("error.log").kind == "nginx-error"


def test_other_errors_are_counted_by_their_words(gathered: Any, look: LOOK) -> None:
    text = line(
        'open() "/srv/41/x" failed (2: No such file or directory), client: 10.0.0.1, server: , request: "GET /x"'
    )
    text += line(
        'open() "/srv/42/y" failed (2: No such file or directory), client: 10.0.0.1, server: , request: "GET /y"'
    )
    text += line("signal process started", "notice")
    seen = look(gathered({"error.log": text}))
    assert seen.tally("error") == {"open() * failed (#: No such file or directory)": 2.0}
    assert seen.source("error.log").records == 3


def test_a_worker_that_was_killed_is_an_event(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"error.log": "2025/09/02 06:15:09 [alert] 1#1: worker process 31 exited on signal 9\n"}))
    assert seen.events() == [(AT, "worker-killed", "31")]


def test_a_request_only_the_error_log_tells_of_is_a_failed_dose(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"error.log": line(TIMED_OUT + FIELDS)}))
    dose = seen.dose("/organisation/{id}/iati/")
    assert (dose.starts.tolist(), dose.failed.tolist(), dose.service) == ([1.0], [1.0], "port 8000")


def test_a_request_the_access_log_has_too_is_one(gathered: Any, look: LOOK) -> None:
    access = '10.0.3.9 - - [02/Sep/2025:06:15:09 +0000] "GET /organisation/42/iati/ HTTP/1.1" 504 167 "-" "curl" 60.001 60.000 0.000\n'
    seen = look(gathered({"error.log": line(TIMED_OUT + FIELDS), "access.log": access}))
    dose = seen.dose("/organisation/{id}/iati/")
    assert (dose.starts.tolist(), dose.failed.tolist(), dose.service) == ([1.0], [1.0], "port 8000")


HOSTILE = [
    "GET /x,%20client:%201.2.3.4 HTTP/1.1",
    'GET /x",upstream:"http://6.6.6.6:6666/ HTTP/1.1',
    'GET /x"host:"evil HTTP/1.1',
    "GET /x,client:1.2.3.4,server:evil HTTP/1.1",
    'GET /"""""" HTTP/1.1',
]


@pytest.mark.parametrize("request_line", HOSTILE)
def test_a_request_cannot_fake_the_fields_after_it(gathered: Any, look: LOOK, request_line: str) -> None:
    target = request_line.split(" ")[1]
    fields = (
        f', client: 10.0.3.9, server: _, request: "{request_line}", upstream: "http://127.0.0.1:8000{target}", host: "h"'
        ', referrer: "x", upstream: "http://6.6.6.6:7777/", client: 9.9.9.9, server: evil"'
    )
    seen = look(gathered({"error.log": line(TIMED_OUT + fields)}))
    (tally,) = seen.tallies("upstream-timeout")
    assert tally.service == "port 8000"
    assert tally.examples[0][0] == AT


@given(st.text(st.characters(codec="ascii", exclude_characters=" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85"), max_size=80))
def test_no_target_without_a_blank_changes_the_upstream(target: str) -> None:
    fields = (
        f', client: 10.0.3.9, server: _, request: "GET /{target} HTTP/1.1", upstream: "http://127.0.0.1:8000/{target}"'
        ', host: "h"'
    )
    path, port = request_of(fields.encode())
    assert port == "8000"
    assert path == ("/" + target).encode().partition(b"?")[0].partition(b'"')[0]


@pytest.mark.parametrize("length", range(60, 320, 20))
def test_a_line_cut_at_any_place_is_counted_or_refused_and_never_misread(
    gathered: Any, look: LOOK, length: int
) -> None:  # fmt: skip
    seen = look(gathered({"error.log": line(TIMED_OUT + FIELDS) + line(TIMED_OUT + FIELDS)[:length]}))
    row = seen.source("error.log")
    assert row.records + row.rejected == 2
    assert {tally.service for tally in seen.tallies("upstream-timeout")} <= {"port 8000", None}


@pytest.mark.parametrize(
    "data",
    [b"", b"2025/09/02 06:15:09 no level", b"2025/09/02 06:15:09 [error] no process: x", b"[error] 31#31: x",
     b"2025/09/02 06:15:12 New connection for \"p:r:db\""],
)  # fmt: skip
def test_what_is_no_error_line_is_left_to_others(data: bytes) -> None:
    assert not NginxError.matches(data)
