"""The cycle of the IATI Bulk Data Service, as its published behaviour is: what it fetches, skips and waits for.

HEAD within 10 s if it has the file; ETag and Last-Modified compared as strings, HEAD's against the last GET's; then a
plain GET, 25 s between bytes, `Accept-Encoding: gzip, deflate`. Three tries; on 503 only where Retry-After says when.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import time
from dataclasses import dataclass, field

import psycopg
import pytest

PATHS = [
    "/organisation/1/iati.xml",
    "/organisation/1/iati-org/.xml",
    "/organisation/2/iati/",
    "/organisation/2/iati-org",
]
HEADERS = {"User-Agent": "IATI Bulk Data Service 0.1", "Accept-Encoding": "gzip, deflate", "Accept": "*/*"}


@dataclass
class BulkService:
    """A harvester with one keep-alive connection; `log` is what it did."""

    port: int
    kept: dict[str, tuple[str | None, str | None, bytes]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def cycle(self) -> list[str]:
        """One round over all files; what was asked and answered."""
        self.log = []
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port)
        for path in PATHS:
            if path in self.kept:
                status, headers, _ = self._ask("HEAD", path, 10)
                if status == 200 and (headers["ETag"], headers["Last-Modified"]) == self.kept[path][:2]:
                    continue
            status, headers, body = self._ask("GET", path, 25)
            if status == 200:
                self.kept[path] = headers["ETag"], headers["Last-Modified"], body
        self.connection.close()
        return self.log

    def _ask(self, method: str, path: str, seconds: float):
        for attempt in range(3):
            self.connection.timeout = seconds
            if self.connection.sock:
                self.connection.sock.settimeout(seconds)
            self.connection.request(method, path, headers=HEADERS)
            response = self.connection.getresponse()
            body = response.read()
            self.log.append(f"{method} {path} {response.status}")
            wait = response.headers["Retry-After"]
            if response.status not in (413, 429, 503) or wait is None or attempt == 2:
                break
            time.sleep(int(wait))
        if response.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        return response.status, response.headers, body


@pytest.fixture
def server(serve, sample_database):
    running = serve(
        database_url=sample_database.url,
        check_minutes=0.01,
        worker_poll_seconds=0.05,
        retry_after_seconds=2,
        public_url="https://iati.example.org",
    )
    yield running
    running.stop()


def test_the_bulk_service_gets_every_file_once_and_again_only_when_it_has_changed(server, sample_database) -> None:
    harvester = BulkService(server.port)
    first = harvester.cycle()
    assert set(harvester.kept) == set(PATHS), first
    assert not [line for line in first if line.split()[2] not in ("200", "503")]
    for _, _, body in harvester.kept.values():
        start = body[:6000].decode().replace("\n", "")
        assert start.startswith('<?xml version="1.0" encoding="UTF-8"?><iati-')
    assert harvester.cycle() == [f"HEAD {path} 200" for path in PATHS], "nothing has changed: a HEAD each, nothing else"

    digest = hashlib.sha256(harvester.kept[PATHS[0]][2]).hexdigest()
    with psycopg.connect(sample_database.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE rsr_project SET title = 'A new title' WHERE id IN (SELECT project_id FROM rsr_iatiexport_projects p"
            " JOIN rsr_iatiexport e ON e.id = p.iatiexport_id WHERE e.reporting_organisation_id = 1)"
        )
    deadline = time.monotonic() + 60
    while (lines := harvester.cycle()) == [f"HEAD {path} 200" for path in PATHS]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert lines == [f"HEAD {PATHS[0]} 200", f"GET {PATHS[0]} 200", *(f"HEAD {path} 200" for path in PATHS[1:])]
    assert hashlib.sha256(harvester.kept[PATHS[0]][2]).hexdigest() != digest
    assert b"A new title" in harvester.kept[PATHS[0]][2]


def test_what_has_nothing_to_publish_is_404_at_the_first_request_and_asks_for_no_build(serve, sample_database) -> None:
    with psycopg.connect(sample_database.url, autocommit=True) as connection:
        connection.execute("UPDATE rsr_organisation SET iati_org_id = NULL WHERE id = 4")
    # Without a worker nothing but the request itself can have found out.
    server = serve("--no-worker", database_url=sample_database.url, first_build_wait_seconds=0)
    assert server.ask("/organisation/1/iati/").status == 503
    for path, words in (
        ("/organisation/3/iati/", "has nothing to publish"),
        ("/organisation/4/iati-org/", "has nothing to publish"),
        ("/organisation/9999/iati/", "no such organisation"),
    ):
        answer = server.ask(path)
        assert (answer.status, answer["Retry-After"]) == (404, None)
        assert words in answer.text
    with psycopg.connect(sample_database.url) as connection:
        asked = connection.execute("SELECT slug FROM floodmark_dataset").fetchall()
    assert asked == [("1/activities",)]
    server.stop()


def test_a_single_project_has_validators_that_stay_while_its_rows_do(server, sample_database) -> None:
    first = server.ask("/project/1/iati/")
    assert (first.status, first["Content-Type"]) == (200, "application/xml; charset=utf-8")
    assert first.body.count(b"<iati-activity ") == 1
    head = server.ask("/project/1/iati/", "HEAD")
    assert {name: head[name] for name in ("ETag", "Last-Modified", "Content-Length")} == {
        name: first[name] for name in ("ETag", "Last-Modified", "Content-Length")
    }
    assert server.ask("/project/1/iati", If_None_Match=first["ETag"]).status == 304
    assert server.ask("/project/1/iati/", Range="bytes=0-9").body == first.body[:10]
    with psycopg.connect(sample_database.url, autocommit=True) as connection:
        connection.execute("UPDATE rsr_project SET is_public = false WHERE id = 2")
    private = server.ask("/project/2/iati/")
    assert (private.status, private["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert server.ask("/project/99999/iati/").status == 404


def test_a_project_is_built_anew_when_old_and_kept_when_equal(serve, sample_database) -> None:
    server = serve("--no-worker", database_url=sample_database.url, project_fresh_seconds=0)
    first = server.ask("/project/1/iati/")
    again = server.ask("/project/1/iati/")
    assert (again["ETag"], again["Last-Modified"], again.body) == (first["ETag"], first["Last-Modified"], first.body)
    with psycopg.connect(sample_database.url, autocommit=True) as connection:
        connection.execute("UPDATE rsr_project SET title = 'A new title' WHERE id = 1")
    changed = server.ask("/project/1/iati/")
    assert changed["ETag"] != first["ETag"]
    assert b"A new title" in changed.body
    assert len(list((server.folder / "projects" / "1").glob("*.xml"))) == 1, "replaced files do not pile up"
    server.stop()


def test_a_project_larger_than_the_bound_is_refused_with_what_to_do(serve, large_url) -> None:
    with psycopg.connect(large_url, autocommit=True) as connection:
        connection.execute("UPDATE rsr_project SET background = repeat('x', 1500000) WHERE id = 1")
    server = serve("--no-worker", database_url=large_url, project_max_mb=1)
    answer = server.ask("/project/1/iati/")
    assert (answer.status, answer["Retry-After"]) == (503, "5")
    assert "larger than 1 MB; see its organisation's file" in answer.text
    assert server.ask("/project/2/iati/").status == 200
    assert not list((server.folder / "projects" / "1").glob("*.xml*"))
    server.stop()


def test_artifacts_in_an_fsspec_store_are_built_and_served(serve, sample_database, tmp_path) -> None:
    server = serve(
        database_url=sample_database.url,
        artifacts_url=f"local://{tmp_path}/bucket",
        check_minutes=0.01,
        segment_max_mb=0.3,
    )
    harvester = BulkService(server.port)
    harvester.cycle()
    assert set(harvester.kept) == set(PATHS)
    assert server.ask("/organisation/1/iati/segments/1.xml").status == 200
    assert not (server.folder / "artifacts").exists()
    server.stop()
