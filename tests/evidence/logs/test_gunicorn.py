"""The error log of gunicorn: two zones in one file, and requests that workers died on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

LOOK = Callable[[Any], Any]
AT = 1_756_793_711.0  # 2025-09-02T06:15:11Z

BOTH_ZONES = """\
[2025-09-02 06:15:11 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:23)
[2025-09-02 08:15:11 +0200] [23] [ERROR] Error handling request /organisation/42/iati/?page=2
Traceback (most recent call last):
  File "/usr/lib/python3/gunicorn/workers/sync.py", line 134, in handle
    self.handle_request(listener, req, client, addr)
SystemExit: 1
[2025-09-02 08:15:11 +0200] [23] [INFO] Worker exiting (pid: 23)
[2025-09-02 06:15:12 +0000] [1] [ERROR] Worker (pid:23) was sent SIGKILL! Perhaps out of memory?
[2025-09-02 08:15:12 +0200] [41] [INFO] Booting worker with pid: 41
"""


def test_both_zones_of_one_file_are_the_same_second(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"rsr-backend/gunicorn.log": BOTH_ZONES}))
    assert seen.events() == [
        (AT, "request-lost", "23"), (AT, "worker-exit", "23"), (AT, "worker-timeout", "23"),
        (AT + 1, "worker-boot", "41"), (AT + 1, "worker-killed", "23"),
    ]  # fmt: skip
    row = seen.source("rsr-backend/gunicorn.log")
    assert (row.records, row.rejected, row.service) == (5, 0, "rsr-backend")
    assert "more than one zone in the file: +00:00 (2 lines), +02:00 (3 lines)" in row.remark


def test_the_request_in_flight_at_a_timeout_is_a_dose_of_its_route(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"rsr-backend/gunicorn.log": BOTH_ZONES}))
    dose = seen.dose("/organisation/{id}/iati/")
    assert (dose.service, dose.starts.tolist(), dose.failed.tolist()) == ("rsr-backend", [1.0], [1.0])


def test_an_error_of_the_application_is_no_lost_request(gathered: Any, look: LOOK) -> None:
    text = BOTH_ZONES.replace("SystemExit: 1", "ValueError: no").replace("WORKER TIMEOUT", "Something about")
    seen = look(gathered({"rsr-backend/gunicorn.log": text}))
    assert "request-lost" not in {kind for _, kind, _ in seen.events()}
    assert seen.tally("error")["Error handling request *"] == 1.0


@pytest.mark.parametrize(
    ("message", "kind", "process"),
    [
        ("WORKER TIMEOUT (pid:23)", "worker-timeout", "23"),
        ("Worker (pid:23) was sent SIGKILL! Perhaps out of memory?", "worker-killed", "23"),
        ("Worker with pid 23 was terminated due to signal 9", "worker-killed", "23"),
        ("Worker (pid:23) was sent code 134!", "worker-exit", "23"),
        ("Worker (pid:23) exited with code 3", "worker-exit", "23"),
        ("Booting worker with pid: 23", "worker-boot", "23"),
        ("Booting worker with pid 23", "worker-boot", "23"),
        ("Worker exiting (pid: 23)", "worker-exit", "23"),
        ("Autorestarting worker after current request.", "recycled", "7"),
        ("Handling signal: term", "stop", None),
        ("Handling signal: hup", "restart", None),
        ("Starting gunicorn 22.0.0", "start", None),
        ("Parent changed, shutting down: <Worker 23>", "stop", None),
    ],
)
def test_what_a_message_means(gathered: Any, look: LOOK, message: str, kind: str, process: str | None) -> None:
    seen = look(gathered({"web/g.log": f"[2025-09-02 06:15:11 +0000] [7] [INFO] {message}\n"}))
    assert seen.events() == [(AT, kind, process)]


def test_a_very_old_version_has_no_zone(gathered: Any, look: LOOK) -> None:
    text = "2025-09-02 08:15:11 [7] [INFO] Booting worker with pid: 7\n"
    seen = look(gathered({"web/g.log": text}, zones=(("web/*", "Europe/Stockholm"),)))
    assert seen.events() == [(AT, "worker-boot", "7")]
    assert (seen.source("web/g.log").clock.zone, seen.source("web/g.log").clock.basis) == ("Europe/Stockholm", "given")


def test_tracebacks_of_several_workers_belong_to_the_lines_before_them(gathered: Any, look: LOOK) -> None:
    trace = (
        'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\nrsr.errors.ReportError: no such\n\n'
    )
    text = "".join(f"[2025-09-02 06:15:{n:02d} +0000] [{n}] [ERROR] Exception in worker\n{trace}" for n in range(20))
    row = look(gathered({"web/g.log": text})).source("web/g.log")
    assert (row.records, row.rejected) == (20, 0)


def test_the_port_a_server_listens_on_names_the_service(gathered: Any, look: LOOK) -> None:
    files = {
        "rsr-reports/gunicorn.log": "[2025-09-02 06:15:01 +0000] [1] [INFO] Listening at: http://0.0.0.0:9000 (1)\n",
        "nginx/error.log": (
            "2025/09/02 06:15:09 [error] 31#31: *8841 upstream timed out (110: x) while reading response header from upstream, "
            'client: 10.0.3.9, server: _, request: "GET /py-reports/7/ HTTP/1.1", upstream: "http://127.0.0.1:9000/py-reports/7/"\n'
        ),
        "nginx/access.log": (
            '10.0.3.9 - - [02/Sep/2025:06:15:09 +0000] "GET /py-reports/9/ HTTP/1.1" 200 1 "-" "curl" 1.000 1.000 0.000\n'
        ),
    }
    seen = look(gathered(files))
    assert seen.dose("/py-reports/{id}/").service == "rsr-reports"
    assert seen.tallies("upstream-timeout")[0].service == "rsr-reports"


ACCESS = '127.0.0.1 - - [02/Sep/2025:08:15:11 +0200] "HEAD /project/7/iati/ HTTP/1.0" 200 910 "-" "curl/8.5.0"\n'


def test_access_lines_of_gunicorn_are_told_from_those_of_nginx(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"rsr-backend/access.log": ACCESS * 5}))
    assert seen.source("rsr-backend/access.log").kind == "gunicorn-access"
    assert seen.dose("/project/{id}/iati/").service == "rsr-backend"


def test_requests_that_nginx_tells_of_too_are_counted_once(gathered: Any, look: LOOK) -> None:
    proxy = (
        ACCESS.replace("127.0.0.1", "10.0.3.9").replace("HTTP/1.0", "HTTP/1.1").replace('"\n', '" 0.100 0.100 0.000\n')
    )
    files = {
        "rsr-backend/access.log": ACCESS * 5 + ACCESS.replace("/project/7/iati/", "/probe/") * 3,
        "nginx/access.log": proxy * 5,
        "nginx/site.conf": "server { listen 80; location / { proxy_pass http://rsr-backend:8000; } }",
    }
    seen = look(gathered(files))
    assert seen.starts() == {("rsr-backend", "/project/{id}/iati/"): 5.0, ("rsr-backend", "/probe/"): 3.0}
