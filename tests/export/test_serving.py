"""Serving: a real server over stored files, with no database at all, asked by real clients."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import signal
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.export.artifacts.build import Build, Rules
from floodmark.export.artifacts.entry import Entry
from floodmark.export.harvest import Body, encoding_for, range_of
from floodmark.export.storage import LocalStorage

CONTENT = ("Content-Type", "Content-Length", "Content-Encoding", "ETag", "Last-Modified", "Vary", "Accept-Ranges")
CONTENT += ("Cache-Control", "Set-Cookie")
NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"
NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
FORMS = ["/organisation/41/iati", "/organisation/41/iati/", "/organisation/41/iati.xml", "/organisation/41/iati/.xml"]
ORG_FORMS = [form.replace("iati", "iati-org", 1) for form in FORMS]


def stored(folder: Path, slug: str, producer, *, at: datetime = NOON, segment_max_bytes: int = 100_000) -> Entry:
    rules = Rules(segment_max_bytes, timedelta(hours=1))
    return (
        Build(LocalStorage(folder / "artifacts"), slug, at, rules, lambda file: None, title="A & B").run(producer).entry
    )


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored") / "var"
    return serve("--no-worker", data_dir=folder, database_url=NO_DATABASE, public_url="https://iati.example.org")


@pytest.fixture(scope="module")
def entry(server, invented) -> Entry:
    """41/activities with segments, as the server has it; 41/organisation beside it."""
    stored(server.folder, "41/organisation", invented({41: "organisation"}))
    return stored(server.folder, "41/activities", invented({i: f"tïtle {i} " * 500 for i in range(1, 101)}))


def content_headers(answer) -> dict[str, str | None]:
    return {name: answer[name] for name in CONTENT}


@pytest.mark.parametrize("path", FORMS)
def test_every_form_of_the_address_is_answered_directly_with_the_same_file(server, entry, path) -> None:
    answer = server.ask(path)
    assert answer.status == 200
    assert hashlib.sha256(answer.body).hexdigest() == entry.whole.xml.sha256
    assert content_headers(answer) == {
        "Content-Type": "application/xml; charset=utf-8",
        "Content-Length": str(entry.whole.xml.bytes),
        "Content-Encoding": None,
        "ETag": f'"{entry.whole.xml.sha256[:32]}"',
        "Last-Modified": "Mon, 23 Nov 2026 12:00:00 GMT",
        "Vary": "Accept-Encoding",
        "Accept-Ranges": "bytes",
        "Cache-Control": "public, no-cache",
        "Set-Cookie": None,
    }


@pytest.mark.parametrize("path", ORG_FORMS)
def test_the_organisation_file_has_the_same_forms(server, entry, path) -> None:
    answer = server.ask(path)
    assert answer.status == 200
    assert b"<title>organisation</title>" in answer.body


@pytest.mark.parametrize("accepts", [None, "identity", "gzip, deflate", "gzip", "br"])
@pytest.mark.parametrize("path", [FORMS[1], ORG_FORMS[1], "/organisation/41/iati/segments/1.xml"])
def test_a_head_has_the_same_headers_as_a_get(server, entry, path, accepts) -> None:
    headers = {"Accept_Encoding": accepts} if accepts else {}
    head, got = server.ask(path, "HEAD", **headers), server.ask(path, **headers)
    assert head.status == got.status == 200
    assert content_headers(head) == content_headers(got)
    assert head.body == b""
    assert len(got.body) == int(got["Content-Length"])
    assert sorted(head.headers) == sorted(got.headers)


def test_gzip_is_the_packed_sibling_with_a_tag_of_its_own(server, entry) -> None:
    plain, packed = server.ask(FORMS[0]), server.ask(FORMS[0], Accept_Encoding="gzip, deflate")
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed["ETag"] == entry.whole.etag("gzip") != plain["ETag"]
    assert packed["Last-Modified"] == plain["Last-Modified"]


@pytest.mark.parametrize("accepts", [None, "gzip"])
def test_who_has_the_file_already_gets_304_and_no_body(server, entry, accepts) -> None:
    headers = {"Accept_Encoding": accepts} if accepts else {}
    got = server.ask(FORMS[0], **headers)
    for condition in (
        {"If_None_Match": got["ETag"]},
        {"If_None_Match": f'"other", W/{got["ETag"]}'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": got["Last-Modified"]},
        {"If_Modified_Since": "Tue, 24 Nov 2026 00:00:00 GMT"},
    ):
        for method in ("GET", "HEAD"):
            answer = server.ask(FORMS[0], method, **headers, **condition)
            assert (answer.status, answer.body) == (304, b"")
            assert answer["ETag"] == got["ETag"]
            assert answer["Vary"] == "Accept-Encoding"
            assert answer["Content-Length"] is None, "0 would be a lie about the file"


def test_a_connection_goes_on_after_304_and_416(server, entry) -> None:
    connection = server.connect()
    for headers, status in (({"If-None-Match": "*"}, 304), ({"Range": "bytes=999999999-"}, 416), ({}, 200)):
        connection.request("GET", FORMS[0], headers=headers)
        response = connection.getresponse()
        body = response.read()
        assert response.status == status
    assert hashlib.sha256(body).hexdigest() == entry.whole.xml.sha256
    connection.close()


def test_who_has_another_file_gets_this_one(server, entry) -> None:
    for condition in (
        {"If_None_Match": '"other"'},
        {"If_Modified_Since": "Sun, 22 Nov 2026 00:00:00 GMT"},
        {"If_Modified_Since": "yesterday"},
        {"If_None_Match": '"other"', "If_Modified_Since": "Tue, 24 Nov 2026 00:00:00 GMT"},
        {"If_None_Match": entry.whole.etag("gzip")},
    ):
        assert server.ask(FORMS[0], **condition).status == 200
    assert server.ask(FORMS[0], If_Match='"other"').status == 412


@pytest.mark.parametrize("accepts", [None, "gzip"])
@pytest.mark.parametrize(
    ("wanted", "first", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, None),
        ("bytes=-50", -50, None),
        ("bytes=10-10", 10, 11),
        ("bytes=5-999999999", 5, None),
        ("Bytes= 0-99 ", 0, 100),
        ("bytes=-999999999", 0, None),
    ],
)
def test_a_range_is_that_part_of_the_encoded_file(server, entry, accepts, wanted, first, end) -> None:
    headers = {"Accept_Encoding": accepts} if accepts else {}
    whole = server.ask(FORMS[0], **headers)
    part = server.ask(FORMS[0], Range=wanted, **headers)
    assert part.status == 206
    assert part.body == whole.body[first:end]
    begin = first % len(whole.body)
    assert part["Content-Range"] == f"bytes {begin}-{begin + len(part.body) - 1}/{len(whole.body)}"
    assert part["ETag"] == whole["ETag"]


@pytest.mark.parametrize("wanted", ["bytes=0-1,5-6", "bytes=b-c", "lines=1-2", "bytes=9-5", "bytes=-", "bytes"])
def test_a_range_that_is_none_or_several_is_answered_whole(server, entry, wanted) -> None:
    assert server.ask(FORMS[0], Range=wanted).status == 200


@pytest.mark.parametrize("wanted", ["bytes=999999999-", "bytes=-0", "bytes={length}-"])
def test_a_range_outside_the_file_is_416_with_its_length(server, entry, wanted) -> None:
    """The last one is what curl -C and wget -c ask for when they have the whole file."""
    answer = server.ask(FORMS[0], Range=wanted.format(length=entry.whole.xml.bytes))
    assert answer.status == 416
    assert answer["Content-Range"] == f"bytes */{entry.whole.xml.bytes}"


def test_a_download_is_resumed_only_from_the_very_same_file(server, entry) -> None:
    got = server.ask(FORMS[0])
    for condition in (got["ETag"], got["Last-Modified"]):
        assert server.ask(FORMS[0], Range="bytes=10-", If_Range=condition).status == 206
    for condition in ('"other"', entry.whole.etag("gzip"), "Sun, 22 Nov 2026 00:00:00 GMT", f"W/{got['ETag']}"):
        assert server.ask(FORMS[0], Range="bytes=10-", If_Range=condition).status == 200


def test_curl_resumes_a_broken_download(server, entry, tmp_path) -> None:
    part = tmp_path / "part.xml"
    part.write_bytes(server.ask(FORMS[0]).body[:1234])
    url = f"http://127.0.0.1:{server.port}{FORMS[0]}"
    subprocess.run(["curl", "--silent", "--fail", "--continue-at", "-", "--output", str(part), url], check=True)
    assert hashlib.sha256(part.read_bytes()).hexdigest() == entry.whole.xml.sha256


def test_segments_are_at_their_addresses_and_others_are_absent(server, entry) -> None:
    assert len(entry.segments) > 2
    for segment in entry.segments:
        answer = server.ask(f"/organisation/41/iati/segments/{segment.number}.xml")
        assert hashlib.sha256(answer.body).hexdigest() == segment.artifact.xml.sha256
    assert server.ask("/organisation/41/iati/segments/999.xml").status == 404
    assert server.ask("/organisation/42/iati/segments/1.xml").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused_as_text(server, entry, method) -> None:
    answer = server.ask(FORMS[0], method)
    assert answer.status == 405
    assert answer["Allow"] == "GET, HEAD"
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/organisation/x/iati/",
        "/organisation/41/iati.json",
        "/organisation/99999999999/iati/",
        "/organisation/4000000000/iati/",
        "/organisation/41/iati//",
        "/project/x/iati/",
        "/en/organisation/41/iati/",
    ],
)
def test_what_is_not_there_is_404_as_text_never_html(server, path) -> None:
    for method in ("GET", "HEAD"):
        answer = server.ask(path, method)
        assert answer.status == 404
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert int(answer["Content-Length"]) > 0


@pytest.mark.parametrize("path", ["/organisation/7/iati/", "/organisation/7/iati-org.xml", "/project/7/iati/"])
def test_without_file_and_database_the_answer_is_to_come_back(server, path) -> None:
    for method in ("GET", "HEAD"):
        answer = server.ask(path, method)
        assert answer.status == 503
        assert answer["Retry-After"] == "5"
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["Cache-Control"] == "no-store"


def test_the_list_of_datasets_says_what_harvesters_need(server, entry) -> None:
    answer = server.ask("/datasets.json")
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    listed = json.loads(answer.body)["datasets"]
    assert [each["dataset"] for each in listed] == ["41/activities", "41/organisation"]
    first = listed[0]
    segments = first.pop("segments")
    assert first == {
        "dataset": "41/activities",
        "kind": "activities",
        "organisation": {"id": 41, "name": "A & B"},
        "url": "https://iati.example.org/organisation/41/iati/",
        "bytes": entry.whole.xml.bytes,
        "gzip_bytes": entry.whole.gzip.bytes,
        "sha256": entry.whole.xml.sha256,
        "etag": entry.whole.etag("identity"),
        "activities": 100,
        "built_at": "2026-11-23T12:00:00Z",
        "checked_at": "2026-11-23T12:00:00Z",
        "valid": True,
        "schema": "2.03",
        "remarks": 0,
    }
    assert [segment["number"] for segment in segments] == [segment.number for segment in entry.segments]
    path = segments[0]["url"].removeprefix("https://iati.example.org")
    assert hashlib.sha256(server.ask(path).body).hexdigest() == segments[0]["sha256"]
    assert server.ask("/datasets.json", If_None_Match=answer["ETag"]).status == 304


def test_it_is_healthy_and_ready_with_files_and_without_a_database(server, entry) -> None:
    assert server.ask("/healthz").text == "ok\n"
    answer = server.ask("/readyz")
    assert answer.status == 200
    assert json.loads(answer.body) == {
        "ready": True, "artifacts": "ok", "datasets": 2, "database": "the database does not answer",
    }  # fmt: skip


def test_it_is_not_ready_where_the_files_cannot_be_read(serve, tmp_path) -> None:
    (tmp_path / "artifacts").write_text("a file where a folder is needed")
    server = serve("--no-worker", database_url=NO_DATABASE, web_workers=1, data_dir=tmp_path)
    answer = server.ask("/readyz")
    assert (answer.status, json.loads(answer.body)["artifacts"]) == (503, "cannot be read")
    assert server.ask("/healthz").status == 200
    server.stop()


def test_the_metrics_page_answers_to_this_machine_and_not_through_a_proxy(server, entry) -> None:
    # A request of its own: which tests ran before in this process is up to chance.
    server.ask(FORMS[2])
    counted = 'floodmark_requests_total{method="GET",route="activities",status="200"}'
    said = server.metrics(lambda text: counted in text and text.count("floodmark_process_resident_bytes{") == 3)
    assert 'floodmark_dataset_bytes{dataset="41/activities"}' in said
    assert counted in said
    assert said.count("floodmark_process_resident_bytes{") == 3
    for header in ("X_Forwarded_For", "Forwarded", "X_Real_IP", "Via", "X_Forwarded_Proto"):
        assert server.ask("/metrics", **{header: "127.0.0.1"}).status == 403


def test_each_request_is_recorded_once_with_what_became_of_it(server, entry) -> None:
    agent = f"test {time.monotonic_ns()}"
    server.ask(FORMS[2], Accept_Encoding="gzip", User_Agent=agent)
    server.ask(FORMS[2], "HEAD", User_Agent=agent)
    server.ask(FORMS[2], User_Agent=agent, If_None_Match="*")
    server.ask("/nothing?secret=1", User_Agent=agent)
    found = sorted(server.records(agent, 4), key=lambda record: record.at)
    assert [(r.method, r.path, r.route, r.status, r.outcome, r.encoding, r.dataset) for r in found] == [
        ("GET", "/organisation/41/iati.xml", "activities", 200, "stored", "gzip", "41/activities"),
        ("HEAD", "/organisation/41/iati.xml", "activities", 200, "stored", "identity", "41/activities"),
        ("GET", "/organisation/41/iati.xml", "activities", 304, "unchanged", "identity", "41/activities"),
        ("GET", "/nothing", "none", 404, None, None, None),
    ]
    whole = found[0]
    assert whole.complete
    assert whole.sent == whole.promised == entry.whole.gzip.bytes
    assert (found[1].sent, found[1].promised) == (0, entry.whole.xml.bytes)
    assert whole.client == "127.0.0.1"
    assert whole.rss > 20_000_000
    assert whole.pid in [child.pid for child in server.children("gunicorn")]


def test_a_request_that_gunicorn_cannot_read_is_refused_and_the_next_is_served(server, entry) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", server.port), 5) as client:
        client.sendall(b"GET /organisation/41/iati/ HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n")
        assert b" 400 " in client.recv(100)
    assert server.ask(FORMS[0], "HEAD").status == 200


def test_a_client_of_http_1_0_gets_the_file_with_its_length(server, entry) -> None:
    url = f"http://127.0.0.1:{server.port}{FORMS[0]}"
    got = subprocess.run(["curl", "--silent", "--http1.0", "--include", url], capture_output=True, check=True).stdout
    head, _, body = got.partition(b"\r\n\r\n")
    assert f"Content-Length: {entry.whole.xml.bytes}".encode() in head
    assert hashlib.sha256(body).hexdigest() == entry.whole.xml.sha256


def test_credentials_open_the_metrics_page_and_nothing_else_does(serve) -> None:
    server = serve(
        "--no-worker", database_url=NO_DATABASE, metrics_user="prometheus", metrics_password="s3cret", web_workers=1
    )
    import base64

    def basic(words: str) -> str:
        return "Basic " + base64.b64encode(words.encode()).decode()

    for wrong in (None, basic("prometheus:wrong"), basic("x:s3cret"), "Basic !!!", "Bearer s3cret", basic("")):
        answer = server.ask("/metrics", **({"Authorization": wrong} if wrong else {}))
        assert answer.status == 401
        assert answer["WWW-Authenticate"] == 'Basic realm="metrics"'
    answer = server.ask("/metrics", Authorization=basic("prometheus:s3cret"), X_Forwarded_For="192.0.2.1")
    assert answer.status == 200
    assert server.ask("/readyz").status == 503, "no file and no database: not ready"
    assert "s3cret" not in server.said()
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("accepts", "expected"),
    [
        (None, "identity"), ("", "identity"), ("gzip", "gzip"), ("gzip, deflate", "gzip"), ("gzip;q=0", "identity"),
        ("gzip;q=0.5", "gzip"), ("identity, gzip;q=0.5", "identity"), ("identity, gzip;q=1", "gzip"),
        ("identity;q=1, gzip", "gzip"), ("gzip;q=1.5, identity", "gzip"), ("gzip ; Q=0.2 , identity;q=0.1", "gzip"),
        ("gzip;q=0.001", "gzip"), ("*", "gzip"),
        ("*;q=0", "identity"), ("deflate, br", "identity"), ("GZIP", "gzip"), ("x-gzip", "gzip"), ("gzip;q=x", "gzip"),
        ("identity;q=0.5, gzip;q=1.0", "gzip"), ("gzip;q=0, *", "identity"), ("br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip"),
    ],
)  # fmt: skip
def test_the_encoding_is_negotiated_by_quality(accepts, expected) -> None:
    assert encoding_for(accepts) == expected


@given(st.text(max_size=60))
def test_no_accept_encoding_or_range_header_is_an_error(header) -> None:
    assert encoding_for(header) in ("identity", "gzip")
    for length in (0, 1, 1000):
        try:
            found = range_of(header, length)
        except IndexError:
            continue
        assert found is None or (found[0] >= 0 and found[1] > 0 and sum(found) <= length)


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(1, 1000))
def test_a_range_is_what_slicing_gives(start, end, length) -> None:
    data = bytes(length)
    try:
        found = range_of(f"bytes={start}-{end}", length)
    except IndexError:
        assert start >= length
        return
    if end < start:
        assert found is None
    else:
        assert data[found[0] : found[0] + found[1]] == data[start : end + 1]
        assert found[0] == start


def test_a_file_that_ends_early_is_an_error_not_a_short_body(tmp_path) -> None:
    from floodmark.errors import FloodmarkError

    (tmp_path / "f").write_bytes(b"12345")
    with (tmp_path / "f").open("rb") as file:
        body = Body(file, 10)
        assert next(body) == b"12345"
        with pytest.raises(FloodmarkError, match="ended 5 bytes before"):
            next(body)


def test_where_one_of_the_two_files_is_gone_head_and_get_agree_on_what_is_sent_instead(server, invented) -> None:
    made = stored(server.folder, "43/activities", invented({1: "a title " * 2000}))
    path = server.folder / "artifacts" / made.whole.gzip.name
    packed = path.read_bytes()
    path.unlink()
    for method in ("HEAD", "GET"):
        answer = server.ask("/organisation/43/iati/", method, Accept_Encoding="gzip")
        assert (answer.status, answer["Content-Encoding"]) == (200, None)
        assert answer["ETag"] == made.whole.etag("identity")
    path.write_bytes(packed)
    (server.folder / "artifacts" / made.whole.xml.name).unlink()
    for method in ("HEAD", "GET"):
        answer = server.ask("/organisation/43/iati/", method)
        assert (answer.status, answer["Content-Length"]) == (200, str(made.whole.xml.bytes))
    assert hashlib.sha256(answer.body).hexdigest() == made.whole.xml.sha256
    assert server.ask("/organisation/43/iati/", Range="bytes=-9").body == b"tivities>"
    path.unlink()
    for method in ("HEAD", "GET"):
        answer = server.ask("/organisation/43/iati/", method)
        assert (answer.status, answer["Retry-After"], answer["ETag"]) == (503, "5", None)
    shutil.rmtree(server.folder / "artifacts" / "43")


def test_a_port_in_use_is_one_clear_line(server, start) -> None:
    second = start("serve", "--bind", f"127.0.0.1:{server.port}", database_url=NO_DATABASE)
    assert second.process.wait(20) == 2
    assert second.said() == (
        f"floodmark: 127.0.0.1:{server.port}: cannot listen: Address already in use; choose another address with "
        "--bind or FLOODMARK_BIND\n"
    )


@pytest.mark.parametrize("bind", ["nonsense", "127.0.0.1:99999", ":80", "127.0.0.1:http"])
def test_an_address_that_is_none_is_one_clear_line(start, bind) -> None:
    running = start("serve", "--bind", bind, database_url=NO_DATABASE)
    assert running.process.wait(20) == 2
    assert running.said().startswith(f"floodmark: bind: {bind!r} is not an address")
    assert running.said().count("\n") == 1


def test_a_socket_in_the_file_system_outlives_gunicorn_and_one_left_behind_is_no_hindrance(start, tmp_path) -> None:
    path = tmp_path / "s.sock"

    def curl(page: str) -> tuple[int, bytes]:
        ask = ["curl", "--silent", "--fail", "--max-time", "20", "--unix-socket", str(path), f"http://x/{page}"]
        done = subprocess.run(ask, capture_output=True)
        return done.returncode, done.stdout

    for stopping in (signal.SIGKILL, signal.SIGTERM):
        running = start("serve", "--no-worker", "--bind", f"unix:{path}", database_url=NO_DATABASE, web_workers=1)
        running.wait_for(f"serving on unix:{path}")
        assert curl("healthz") == (0, b"ok\n")
        assert curl("metrics")[0] == 22, "nobody knows who asks through a socket"
        min(running.children("gunicorn"), key=lambda process: process.create_time()).terminate()
        running.wait_for("the web server has ended")
        assert curl("healthz") == (0, b"ok\n"), "who asks meanwhile waits in the queue"
        running.process.send_signal(stopping)
        running.process.wait()
        assert path.exists() == (stopping == signal.SIGKILL)


def test_a_folder_that_cannot_be_written_is_one_clear_line(start, tmp_path) -> None:
    (tmp_path / "run").write_text("a file where a folder is needed")
    running = start("serve", "--bind", "127.0.0.1:0", data_dir=tmp_path, database_url=NO_DATABASE)
    assert running.process.wait(20) == 5
    assert "cannot be written" in running.said()
    assert running.said().count("\n") == 1


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"garbage\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 9000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_request_is_refused_in_words_not_in_html(server, request_, status):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(request_)
        answer = client.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nContent-Type: text/plain; charset=utf-8\r\n" in head
    assert f"Content-Length: {len(body)}".encode() in head
    assert body.endswith(b"\n")
    assert b"<" not in body
