"""Access lines in formats of one's own: stated by a configuration, by the user, or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.logs.access_custom import compiled, keys_of

LOOK = Callable[[Any], Any]
AT = 1_756_793_709.0  # 2025-09-02T06:15:09Z

CONF = """\
log_format own escape=default '$time_iso8601 | $remote_addr | "$request" | $status | $request_time '
    '| up=$upstream_addr | "$http_user_agent"';
log_format swapped '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
    '$upstream_response_time $request_time';
log_format asjson escape=json '{"when":"$time_iso8601","what":"$request","code":$status,"t":$request_time,"up":"$upstream_addr"}';
server { listen 80; location / { proxy_pass http://127.0.0.1:8000; } # rsr-backend
}
"""
OWN = '2025-09-02T08:15:09+02:00 | 10.0.3.9 | "GET /project/{n}/?x=1 HTTP/1.1" | 504 | 60.001 | up={up} | "curl \\x22x\\x22"\n'


def test_a_format_of_the_configuration_is_read(gathered: Any, look: LOOK) -> None:
    lines = (
        OWN.format(n=1, up="10.4.0.9:8000")
        + OWN.format(n=2, up="10.4.0.8:9000, 10.4.0.9:8000")
        + OWN.format(n=3, up="-")
    )
    seen = look(gathered({"nginx.conf": CONF, "own.log": lines}))
    row = seen.source("own.log")
    assert (row.kind, row.records, row.rejected) == ("nginx-access", 3, 0)
    dose = seen.dose("/project/{id}/")
    assert (dose.starts.tolist(), dose.failed.tolist()) == ([2.0], [2.0])
    assert (dose.bin * 60).tolist() == [AT - 69]
    assert dose.seconds.tolist() == [pytest.approx(120.002)]


def test_a_format_with_the_times_the_other_way_round_is_not_misread(gathered: Any, look: LOOK) -> None:
    line = '10.0.3.9 - - [02/Sep/2025:06:15:09 +0000] "GET /project/7/ HTTP/1.1" 200 9 "-" "curl" 0.250 1.500\n'
    assert look(gathered({"nginx.conf": CONF, "a.log": line * 4})).dose("/project/{id}/").seconds.tolist() == [6.0]


def test_the_user_may_state_a_format(gathered: Any, look: LOOK) -> None:
    line = '10.0.3.9 - - [02/Sep/2025:06:15:09 +0000] "GET /project/7/ HTTP/1.0" 200 9 "-" "curl" 1500000\n'
    form = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %(D)s'
    seen = look(gathered({"rsr-backend/access.log": line * 3}, access_formats=(form,)))
    dose = seen.dose("/project/{id}/")
    assert (dose.service, dose.seconds.tolist()) == ("rsr-backend", [4.5])


@pytest.mark.parametrize(
    "written",
    [
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"',
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
        "$request_time $upstream_response_time $upstream_connect_time",
        '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"',
        "$remote_addr $status",
        "no variables at all",
        '{"when":"$time_iso8601"}',
    ],
)
def test_formats_that_need_no_pattern_get_none(written: str) -> None:
    assert compiled(written) is None


def test_a_format_of_json_tells_what_its_keys_mean(gathered: Any, look: LOOK) -> None:
    line = {
        "when": "2025-09-02T06:15:09+00:00",
        "what": "GET /project/7/?a=1 HTTP/1.1",
        "code": 499,
        "t": 1.5,
        "up": "127.0.0.1:8000",
    }
    seen = look(gathered({"nginx.conf": CONF, "a.log": (json.dumps(line) + "\n") * 3}))
    dose = seen.dose("/project/{id}/")
    assert (dose.service, dose.starts.tolist(), dose.seconds.tolist(), dose.failed.tolist()) == (
        "rsr-backend",
        [3.0],
        [4.5],
        [3.0],
    )


@pytest.mark.parametrize(
    "line",
    [
        {
            "time_iso8601": "2025-09-02T06:15:09+00:00",
            "request": "GET /project/7/ HTTP/1.1",
            "status": 200,
            "request_time": "1.500",
        },
        {
            "@timestamp": "2025-09-02T06:15:09.000Z",
            "method": "GET",
            "uri": "/project/7/?x=1",
            "status": "200",
            "duration_ms": 1500,
        },
        {
            "time": "02/Sep/2025:06:15:09 +0000",
            "request_method": "GET",
            "path": "/project/7/",
            "status_code": 200,
            "duration": 1.5,
        },
        {"msec": "1756793709.000", "request_uri": "/project/7/", "status": 200, "request_time": 1.5},
        {"ts": 1756793709.0, "request": "GET /project/7/ HTTP/2.0", "status": 200, "latency": "1.5s"},
    ],
)
def test_the_usual_words_of_json_are_known(gathered: Any, look: LOOK, line: dict[str, Any]) -> None:
    seen = look(gathered({"a.log": (json.dumps(line) + "\n") * 2}))
    assert seen.source("a.log").kind == "nginx-access"
    dose = seen.dose("/project/{id}/")
    assert (dose.starts.tolist(), dose.seconds.tolist()) == ([2.0], [3.0])
    assert (dose.bin * 60).tolist() == [AT - 9]


def test_broken_json_costs_its_line(gathered: Any, look: LOOK) -> None:
    line = json.dumps(
        {"time": "2025-09-02T06:15:09Z", "request": "GET /x HTTP/1.1", "status": 200, "request_time": 1.5}
    )
    row = look(gathered({"a.log": f"{line}\n{line[:-1]}\n{line}\n"})).source("a.log")
    assert (row.records, row.rejected, row.examples[0].reason) == (2, 1, "cut or broken JSON")


@given(st.text("ab \"\\x'|", max_size=20), st.text("ab /", max_size=10))
def test_no_client_runs_over_into_the_next_field(agent: str, path: str) -> None:
    form = compiled('$time_iso8601 "$request" $status "$http_user_agent" $request_time')
    assert form is not None
    safe = agent.replace("\\", "\\x5C").replace('"', "\\x22")
    match = form.pattern.match(f'2025-09-02T06:15:09Z "GET /{path} HTTP/1.1" 200 "{safe}" 1.500'.encode())
    assert match is not None
    found = dict(zip(form.names, match.groups(), strict=True))
    assert (found["status"], found["request_time"], found["http_user_agent"]) == (b"200", b"1.500", safe.encode())


def test_a_template_that_is_no_json_has_no_keys() -> None:
    assert keys_of("{$x") == {}
    assert keys_of('{"a": {"b": "$status"}, "c": "$request"}') == {"c": "request"}
