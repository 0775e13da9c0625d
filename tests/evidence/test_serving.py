"""Who served a request: what the user says, else configurations, ports and names that are known elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

AT = 1_756_793_700  # 2025-09-02T06:15:00Z


def access(path: str, count: int = 3) -> str:
    return "".join(
        f'10.0.0.{n} - - [02/Sep/2025:06:15:0{n} +0000] "GET {path} HTTP/1.1" 200 9 "-" "curl" 0.100 0.100 0.000\n'
        for n in range(count)
    )


def refused(path: str, port: int) -> str:
    return (
        "2025/09/02 06:15:09 [error] 31#31: *1 connect() failed (111: Connection refused) while connecting to upstream, client: "
        f'10.0.3.9, server: _, request: "GET {path} HTTP/1.1", upstream: "http://127.0.0.1:{port}{path}", host: "h"\n'
    )


LISTENS = (
    "[2025-09-02 06:15:00 +0000] [1] [INFO] Starting gunicorn 22.0.0\n"
    "[2025-09-02 06:15:00 +0000] [1] [INFO] Listening at: http://0.0.0.0:{port} (1)\n"
)


def served(evidence: Any) -> dict[str, str | None]:
    return {one.name: one.service for one in evidence.doses if one.kind == "endpoint"}


def test_the_longest_prefix_of_the_user_decides_before_everything_else(gathered: Any) -> None:
    files = {"nginx.log": access("/a/x/") + access("/a/") + access("/b/")}
    found = served(gathered(files, routing=(("/", "web"), ("/a/x/", "special"), ("/a/", "api"))))
    assert found == {"/a/x/": "special", "/a/": "api", "/b/": "web"}


def test_an_error_line_tells_the_port_of_a_path_and_a_server_tells_whose_port_it_is(gathered: Any) -> None:
    files = {
        "nginx/access.log": access("/reports/x/") + access("/other/"), "nginx/error.log": refused("/reports/y/", 8001),
        "reporting/gunicorn.log": LISTENS.format(port=8001), "site/gunicorn.log": LISTENS.format(port=8000),
    }  # fmt: skip
    found = served(gathered(files))
    assert found["/reports/x/"] == "reporting"
    assert found["/other/"] is None, "two servers, and nothing says which of them"


def test_a_single_server_serves_everything(gathered: Any) -> None:
    files = {"nginx/access.log": access("/x/"), "site/gunicorn.log": LISTENS.format(port=8000)}
    assert served(gathered(files)) == {"/x/": "site"}


def test_a_port_that_nobody_names_is_a_service_by_its_number(gathered: Any) -> None:
    files = {"access.log": access("/reports/x/"), "error.log": refused("/reports/y/", 8001)}
    assert served(gathered(files))["/reports/x/"] == "port 8001"


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("worker/app.log", "worker"), ("worker-7d759f6dc9-m99vb/app.log", "worker"), ("logs/worker.log", "worker"),
        ("var/log/containers/rsr-abc_default_worker-0123abcd.log", "worker"), ("tasks/app.log", "tasks"),
    ],
)  # fmt: skip
def test_a_folder_or_file_named_like_a_known_service_belongs_to_it(gathered: Any, path: str, service: str) -> None:
    metric = {"__name__": "container_memory_rss", "container": "worker"}
    rss = {
        "status": "success",
        "data": {"resultType": "matrix", "result": [{"metric": metric, "values": [[AT, "4e8"]]}]},
    }
    line = "ERROR 2025-09-02 06:15:13,204 views boom\n"
    found = gathered({path: line, "rss.json": json.dumps(rss)})
    assert [row.service for row in found.sources if row.path == path] == [service]
