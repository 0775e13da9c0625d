"""nginx's configuration: who serves which path, and how long the proxy waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.context.nginx_conf import parse, walk

LOOK = Callable[[Any], Any]

CONF = """\
# a comment; with { marks }
user nginx;
upstream reports { server reports-host:9000 max_fails=3; server 10.0.0.2:9000; }
server {
  listen 80;
  location = /healthz { return 200 "fine; really {}"; }
  location /py-reports/ { proxy_pass http://reports; proxy_read_timeout 10m; }
  location /report-metrics { proxy_pass http://127.0.0.1:9000/metrics; }  # rsr-reports
  location ~ ^/api/v[12]/ { proxy_pass http://127.0.0.1:7000; } # rsr-api
  location @fallback { proxy_pass http://127.0.0.1:1; }
  location / {
    proxy_pass http://127.0.0.1:8000;  # rsr-backend
    proxy_set_header Host $host;
  }
}
"""


def access(*targets: str) -> str:
    return "".join(
        f'10.0.3.9 - - [02/Sep/2025:06:15:09 +0000] "GET {target} HTTP/1.1" 200 9 "-" "curl" 0.100 0.100 0.000\n'
        for target in targets
    )


def test_requests_go_to_the_service_of_the_longest_prefix(gathered: Any, look: LOOK) -> None:
    targets = ("/", "/project/7/", "/py-reports/7/", "/report-metrics", "/api/v1/x/")
    seen = look(gathered({"nginx/site.conf": CONF, "access.log": access(*targets)}))
    assert seen.starts() == {
        ("rsr-backend", "/"): 1.0, ("rsr-backend", "/project/{id}/"): 1.0, ("reports-host", "/py-reports/{id}/"): 1.0,
        ("rsr-reports", "/report-metrics"): 1.0, ("rsr-api", "/api/v1/x/"): 1.0,
    }  # fmt: skip
    assert [(each.prefix, each.port, each.service) for each in seen.evidence.routes] == [
        ("/report-metrics", 9000, "rsr-reports"), ("/py-reports/", 9000, "reports-host"), ("/api/v", 7000, "rsr-api"),
        ("/", 8000, "rsr-backend"),
    ]  # fmt: skip
    assert seen.evidence.routes[0].place.line == 8


def test_a_timeout_is_a_limit_of_its_service(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"nginx/site.conf": CONF}))
    assert [(each.service, each.kind, each.value, each.place.line) for each in seen.evidence.limits] == [
        ("reports-host", "request-timeout-seconds", 600.0, 7)
    ]  # fmt: skip


def test_a_port_is_named_by_the_description_of_its_container(gathered: Any, look: LOOK) -> None:
    conf = "server { listen 80; location / { proxy_pass http://127.0.0.1:8000; } }"
    described = "Name: rsr-abc\nNamespace: default\nContainers:\n  rsr-backend:\n    Port:  8000/TCP\n    Command:  gunicorn x\n"
    seen = look(gathered({"a.conf": conf, "pod.txt": described, "access.log": access("/x/")}))
    assert seen.starts() == {("rsr-backend", "/x/"): 1.0}


def test_what_the_user_says_wins(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"a.conf": CONF, "access.log": access("/x/", "/y/")}, routing=(("/x", "other"), ("/", "all"))))
    assert seen.starts() == {("other", "/x/"): 1.0, ("all", "/y/"): 1.0}


@pytest.mark.parametrize("cut", [60, 150, 300, 420])
def test_a_configuration_cut_anywhere_is_read_as_far_as_it_goes(gathered: Any, look: LOOK, cut: int) -> None:
    row = look(gathered({"a.conf": CONF[:cut]})).source("a.conf")
    assert row.kind in ("nginx-conf", "unknown")


@given(st.text("ab{};#\"'\\ \n$~/", max_size=60))
def test_any_text_is_taken_apart_to_its_end(text: str) -> None:
    for each in walk(tuple(parse(text))):
        assert each.words
        assert 1 <= each.line <= text.count("\n") + 1
