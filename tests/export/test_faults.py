"""Faults, each brought about for real: harvesters go on getting the last good file, and nothing half-written.

The server, the worker and PostgreSQL are real processes, and so are the kills, the full disk and the broken clients.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from lxml import etree
from rights import as_root

from floodmark.export import postgres
from floodmark.export.artifacts.entry import Entry
from floodmark.export.artifacts.shelf import Shelf
from floodmark.export.storage import LocalStorage

pytestmark = pytest.mark.slow

SLUG = "1/activities"
PATH = "/organisation/1/iati/"
QUICK = {
    "heartbeat_seconds": 0.3,
    "worker_dead_seconds": 3,
    "job_backoff_seconds": 0.2,
    "worker_poll_seconds": 0.05,
    "check_minutes": 0.02,
    "web_workers": 2,
    "database_patience_seconds": 3,
}


def until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> object:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for: {what}"
        time.sleep(0.005)
    return found


def entry_of(folder: Path) -> Entry | None:
    return Shelf(LocalStorage(folder / "artifacts")).entry(SLUG)


def unfinished(folder: Path) -> list[Path]:
    """Files of a build in progress: there, not empty, and in no entry."""
    entry = entry_of(folder)
    known = {Path(file.name).name for file in entry.files()} if entry else set()
    known |= {Path(retired.name).name for retired in entry.retired} if entry else set()
    found = (folder / "artifacts" / SLUG).glob("*.xml")
    return [path for path in found if path.name not in known and path.stat().st_size > 0]


def rewrite_titles(url: str, title: str) -> None:
    """What the next build will find changed: every activity."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE rsr_project SET title = %s", [title])


def floodmark(
    *arguments: str, folder: Path, url: str | None = None, **more: object
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FLOODMARK_DATA_DIR": str(folder)}
    if url:
        environment["FLOODMARK_DATABASE_URL"] = url
    return subprocess.run(
        [sys.executable, "-m", "floodmark", *arguments], env=environment, capture_output=True, text=True, **more
    )


def database_of(folder: Path) -> psutil.Process:
    """The private PostgreSQL server."""
    return psutil.Process(int((folder / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0]))


class Harvesters:
    """Clients that fetch the file all the time and keep whatever was wrong with an answer."""

    def __init__(self, port: int, count: int = 2) -> None:
        self.port, self.faults, self.seen, self.fetched = port, [], set(), 0
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._harvest) for _ in range(count)]

    def __enter__(self) -> Harvesters:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _harvest(self) -> None:
        # As fast as possible would only starve the build that is to be disturbed.
        while not self._end.wait(0.1):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                for method in ("HEAD", "GET"):
                    connection.request(method, PATH)
                    response = connection.getresponse()
                    body = response.read()
                    if response.status != 200:
                        self.faults.append(f"{method} {response.status} {body[:100]!r}")
                    elif method == "GET":
                        self._check(response, body)
            except (OSError, http.client.HTTPException) as error:
                self.faults.append(repr(error))
            finally:
                connection.close()

    def _check(self, response: http.client.HTTPResponse, body: bytes) -> None:
        digest = hashlib.sha256(body).hexdigest()
        if len(body) != int(response.headers["Content-Length"]) or response.headers["ETag"] != f'"{digest[:32]}"':
            self.faults.append(f"{len(body)} bytes with ETag {response.headers['ETag']}")
        if not body.rstrip().endswith(b"</iati-activities>"):
            self.faults.append(f"ends with {body[-40:]!r}")
        self.seen.add(digest)
        self.fetched += 1


@pytest.fixture
def harvested(serve, large_url) -> Iterator[tuple[object, Entry, Harvesters]]:
    """A server with a first good file, its worker at work, and harvesters upon it."""
    server = serve(database_url=large_url, **QUICK)
    entry = until(lambda: entry_of(server.folder), "the first build")
    with Harvesters(server.port) as harvesters:
        until(lambda: harvesters.fetched > 3, "a harvest")
        yield server, entry, harvesters
    assert harvesters.faults == []
    server.stop()


def builds(server) -> list[psutil.Process]:
    return server.children("worker --child")


def new_entry(server, old: Entry) -> Entry:
    def newer() -> Entry | None:
        entry = entry_of(server.folder)
        return entry if entry and entry.whole.xml.sha256 != old.whole.xml.sha256 else None

    return until(newer, "the next build")


def test_a_worker_killed_in_the_middle_of_a_build_is_replaced_and_the_build_done(harvested, large_url) -> None:
    server, good, harvesters = harvested
    rewrite_titles(large_url, "A title after the kill")
    until(lambda: unfinished(server.folder), "a build in progress")
    [worker] = builds(server)
    worker.kill()
    assert entry_of(server.folder).whole == good.whole
    begun = unfinished(server.folder)
    assert begun, "the killed build has left its unfinished file"
    entry = new_entry(server, good)
    until(lambda: entry.whole.xml.sha256 in harvesters.seen, "the new file being harvested")
    assert harvesters.seen == {good.whole.xml.sha256, entry.whole.xml.sha256}
    assert unfinished(server.folder) == [], "what the killed build left has been swept"
    assert [process.pid for process in builds(server)] != [worker.pid]
    assert "taken over" in server.said()
    page = server.ask("/metrics").text
    assert re.search(r'floodmark_jobs_total\{outcome="built"\} ([2-9]|\d\d)', page), "the dead worker's counts are kept"


def test_a_stopped_worker_loses_its_job_to_another_and_does_no_harm_when_it_wakes(serve, start, large_url) -> None:
    first = start("worker", database_url=large_url, **QUICK)
    folder = first.folder
    first.wait_for("datasets are due")
    until(lambda: unfinished(folder), "a build in progress")
    [frozen] = builds(first)
    frozen.suspend()
    second = start("worker", database_url=large_url, data_dir=folder, **QUICK)
    entry = until(lambda: entry_of(folder), "the other worker taking over")
    assert "is silent and counts as dead" in second.said()
    frozen.resume()
    first.wait_for("put back|taken over|cannot be written|untouched|lost its last")
    until(lambda: not unfinished(folder), "the late one having cleared away what it wrote")
    assert entry_of(folder).whole == entry.whole
    assert Shelf(LocalStorage(folder / "artifacts")).has_own(entry.whole, "identity")
    first.stop()
    second.stop()


def test_postgresql_stopped_and_started_in_the_middle_of_a_build_costs_nothing(serve, private_folder) -> None:
    folder = private_folder
    sample = ["sample", "--organisations", "1", "--projects", "200", "--rich", "--clean"]
    assert floodmark(*sample, folder=folder).returncode == 0
    server = serve(data_dir=folder, **QUICK)
    good = until(lambda: entry_of(folder), "the first build")
    with Harvesters(server.port) as harvesters:
        private = postgres.join(folder / "postgres")
        rewrite_titles(private.url(), "A title after the restart")
        until(lambda: unfinished(folder), "a build in progress")
        database = database_of(folder)
        database.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown: every session is cut
        database.wait(60)
        time.sleep(1.0)
        assert server.ask(PATH, "HEAD").status == 200
        private.leave()
        again = postgres.join(folder / "postgres")
        assert database_of(folder) != database
        entry = new_entry(server, good)
        until(lambda: entry.whole.xml.sha256 in harvesters.seen, "the new file being harvested")
        again.leave()
    assert harvesters.faults == []
    assert harvesters.seen == {good.whole.xml.sha256, entry.whole.xml.sha256}
    assert server.stop() == 0


def test_a_private_postgresql_that_is_killed_is_started_again_by_the_worker(serve, private_folder) -> None:
    folder = private_folder
    assert floodmark("sample", "--organisations", "1", "--projects", "3", folder=folder).returncode == 0
    server = serve(data_dir=folder, **QUICK)
    until(lambda: entry_of(folder), "the first build")
    database = database_of(folder)
    for process in [database, *database.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    assert server.ask(PATH).status == 200
    until(lambda: json.loads(server.ask("/readyz").body)["database"] == "ok", "the database answering again")
    assert server.stop() == 0


def _small_files() -> None:
    # Like a full disk: a write beyond a megabyte fails with the system's own error, for root too.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


def test_a_full_disk_fails_the_build_with_one_line_and_keeps_the_last_good_file(serve, large_url) -> None:
    server = serve("--no-worker", database_url=large_url, web_workers=1)
    assert floodmark("build", SLUG, folder=server.folder, url=large_url).returncode == 0
    good = entry_of(server.folder)
    rewrite_titles(large_url, "A title that does not fit")
    with Harvesters(server.port) as harvesters:
        done = floodmark("build", SLUG, folder=server.folder, url=large_url, preexec_fn=_small_files)
        assert done.returncode == 1
        assert f"{SLUG}: failed: " in done.stderr
        assert "file size limit reached; what was there before is untouched" in done.stderr
        assert "Traceback" not in done.stderr
        until(lambda: harvesters.fetched > 2, "a harvest")
    assert harvesters.faults == []
    assert harvesters.seen == {good.whole.xml.sha256}
    assert entry_of(server.folder) == good
    assert unfinished(server.folder) == []
    states = json.loads(floodmark("datasets", "--json", folder=server.folder, url=large_url).stdout)
    [failed] = [each for each in states if each["state"] == "failed"]
    assert failed["dataset"] == SLUG
    assert "file size limit reached" in failed["problem"]
    assert floodmark("build", SLUG, folder=server.folder, url=large_url).returncode == 0
    assert new_entry(server, good)
    server.stop()


@pytest.fixture
def tiny_disk(tmp_path) -> Iterator[Path]:
    """A file system of 14 MB. Needs root; the test above does without."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    subprocess.run([*as_root(), "mount", "-t", "tmpfs", "-o", "size=14m,mode=777", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run([*as_root(), "umount", "--lazy", str(folder)], check=True)


def test_a_disk_without_room_for_a_second_generation_keeps_the_first(tiny_disk, large_url) -> None:
    assert floodmark("build", SLUG, folder=tiny_disk, url=large_url).returncode == 0
    good = entry_of(tiny_disk)
    rewrite_titles(large_url, "A title that does not fit")
    done = floodmark("build", SLUG, folder=tiny_disk, url=large_url)
    assert done.returncode == 1
    assert "no space left; what was there before is untouched" in done.stderr
    assert entry_of(tiny_disk) == good
    assert unfinished(tiny_disk) == []
    body = (tiny_disk / "artifacts" / good.whole.xml.name).read_bytes()
    assert hashlib.sha256(body).hexdigest() == good.whole.xml.sha256


def test_a_client_that_goes_in_the_middle_of_a_body_costs_its_own_download_only(harvested) -> None:
    server, good, _ = harvested
    for number in range(20):
        with socket.create_connection(("127.0.0.1", server.port), 10) as client:
            client.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nUser-Agent: gone\r\n\r\n".encode())
            client.recv(1000)
            if number % 2:  # half of them reset the connection instead of closing it
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    found = server.records("gone", 20)
    assert len(found) == 20
    assert not any(record.complete for record in found)
    assert all(record.sent < record.promised == good.whole.xml.bytes for record in found)
    assert "Traceback" not in server.said()
    until(lambda: _running(server) <= 5, "no request being left in hand")


def _running(server) -> float:
    lines = server.ask("/metrics").text.splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith("floodmark_requests_running "))


def test_a_client_that_reads_nothing_is_let_go(serve, large_url) -> None:
    server = serve("--no-worker", database_url=large_url, send_timeout_seconds=1, web_workers=1)
    assert floodmark("build", SLUG, folder=server.folder, url=large_url).returncode == 0
    with socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nUser-Agent: asleep\r\n\r\n".encode())
        [record] = server.records("asleep", 1)
    assert not record.complete
    assert "Traceback" not in server.said()
    server.stop()


def test_two_builds_of_one_dataset_at_once_take_turns(serve, large_url) -> None:
    server = serve(database_url=large_url, **{**QUICK, "check_minutes": 0, "rebuild_hours": 0})
    answers: list[subprocess.CompletedProcess[str]] = []

    def build() -> None:
        answers.append(floodmark("build", SLUG, folder=server.folder, url=large_url))

    threads = [threading.Thread(target=build) for _ in range(3)]
    for thread in threads:
        thread.start()
    server.ask(PATH)  # and the worker is asked as well
    for thread in threads:
        thread.join()
    assert [done.returncode for done in answers] == [0, 0, 0], answers
    words = sorted(done.stdout.split(": ")[1].split(",")[0] for done in answers)
    assert words.count("built") <= 1
    assert words.count("unchanged") >= 2
    entry = entry_of(server.folder)
    body = server.ask(PATH).body
    assert hashlib.sha256(body).hexdigest() == entry.whole.xml.sha256
    assert len(etree.fromstring(body)) == 200
    server.stop()


@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_ends_all_builds_of_a_command_and_leaves_nothing_half_made(
    start, large_url, number, status, word
) -> None:
    build = start("build", SLUG, "1/organisation", database_url=large_url)
    until(lambda: unfinished(build.folder), "the file that is being written")
    build.process.send_signal(number)
    assert build.process.wait(60) == status
    assert build.said() == f"floodmark: {word}\n"
    assert unfinished(build.folder) == []
    assert entry_of(build.folder) is None


def test_however_many_ask_for_what_was_never_built_one_build_answers_them(serve, large_url) -> None:
    server = serve(database_url=large_url, **{**QUICK, "check_minutes": 0, "rebuild_hours": 0})
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(server.ask(PATH))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} <= {200, 503}
    for answer in answers:
        assert answer["Content-Type"] in ("application/xml; charset=utf-8", "text/plain; charset=utf-8")
        assert answer.status == 200 or answer["Retry-After"] == "5"
    until(lambda: server.ask(PATH).status == 200, "the build")
    with psycopg.connect(large_url) as connection:
        [[count]] = connection.execute("SELECT count(*) FROM django_tasks_database_dbtaskresult").fetchall()
    assert count == 1
    for path in ("/organisation/99999/iati/", "/organisation/99999/iati-org/", "/project/99999/iati/"):
        answer = server.ask(path)
        assert (answer.status, answer["Content-Type"]) == (404, "text/plain; charset=utf-8")
    server.stop()


@pytest.mark.parametrize("which", ["xml", "gzip"])
def test_one_file_deleted_by_hand_is_served_all_the_same_and_comes_back(harvested, which) -> None:
    server, good, _ = harvested
    path = server.folder / "artifacts" / getattr(good.whole, which).name
    path.unlink()
    for accepts in ("identity", "gzip"):
        head = server.ask(PATH, "HEAD", Accept_Encoding=accepts)
        assert head.status == 200
    assert hashlib.sha256(server.ask(PATH).body).hexdigest() == good.whole.xml.sha256
    until(lambda: entry_of(server.folder).whole != good.whole, "the rebuild")
    entry = entry_of(server.folder)
    assert entry.whole.xml.sha256 == good.whole.xml.sha256
    assert entry.whole.generated == good.whole.generated


def test_all_files_deleted_by_hand_come_back_with_the_same_validators(serve, large_url) -> None:
    server = serve(database_url=large_url, **QUICK)
    until(lambda: entry_of(server.folder), "the first build")
    before = server.ask(PATH, "HEAD", Accept_Encoding="gzip, deflate")
    for path in (server.folder / "artifacts" / SLUG).glob("*.xml*"):
        path.unlink()
    answer = server.ask(PATH)
    assert (answer.status, answer["Retry-After"]) in ((503, "5"), (200, None))
    until(lambda: server.ask(PATH).status == 200, "the rebuild")
    after = server.ask(PATH, "HEAD", Accept_Encoding="gzip, deflate")
    assert (after["ETag"], after["Last-Modified"]) == (before["ETag"], before["Last-Modified"])
    server.stop()


def test_a_web_process_that_is_killed_is_replaced_and_its_counts_are_kept(harvested) -> None:
    server, _, harvesters = harvested
    master = min(server.children("gunicorn"), key=lambda process: process.create_time())
    before = _counted(server)
    [victim, *_] = master.children()
    with contextlib.suppress(psutil.NoSuchProcess):
        victim.kill()
    until(lambda: len(master.children()) == 2 and victim not in master.children(), "a new web process")
    until(lambda: _counted(server) > before, "more being counted")
    broken = [fault for fault in harvesters.faults if "ConnectionReset" in fault or "RemoteDisconnected" in fault]
    broken += [fault for fault in harvesters.faults if "IncompleteRead" in fault]
    assert len(broken) <= 3, "at most the requests that the killed process had in hand"
    harvesters.faults = [fault for fault in harvesters.faults if fault not in broken]


def _counted(server) -> float:
    lines = [line for line in server.ask("/metrics").text.splitlines() if line.startswith("floodmark_requests_total{")]
    return sum(float(line.split()[-1]) for line in lines)


def test_web_processes_that_have_grown_are_replaced_without_a_failed_request(serve, large_url) -> None:
    server = serve("--no-worker", database_url=large_url, web_worker_max_mb=20, web_workers=2)
    assert floodmark("build", SLUG, folder=server.folder, url=large_url).returncode == 0
    with Harvesters(server.port) as harvesters:
        until(lambda: server.said().count("is replaced") >= 3, "three replacements")
    assert harvesters.faults == []
    files = list((server.folder / "run").glob("serve-*/*.db"))
    assert len(files) <= 12, "the files of dead processes are folded"
    assert server.stop() == 0


def test_a_worker_that_has_grown_is_replaced_after_its_job(serve, large_url) -> None:
    server = serve(database_url=large_url, **QUICK, worker_max_mb=20)
    until(lambda: server.said().count("this worker is replaced") >= 3, "three replacements")
    assert entry_of(server.folder)
    assert "it is started again in" not in server.said(), "being replaced is no failure"
    server.stop()


def test_when_the_parent_is_killed_nothing_is_left_behind(serve, private_folder) -> None:
    folder = private_folder
    assert floodmark("sample", "--organisations", "1", "--projects", "3", folder=folder).returncode == 0
    server = serve(data_dir=folder, **QUICK)
    until(lambda: entry_of(folder), "the first build")
    tree = psutil.Process(server.process.pid).children(recursive=True)
    database = database_of(folder)
    server.process.kill()
    server.process.wait()
    _, alive = psutil.wait_procs([*tree, database], 30)
    assert alive == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_stops_on_ctrl_c_with_all_its_children(start, private_folder, number) -> None:
    demo = start("demo", "--bind", "127.0.0.1:0", "--organisations", "1", "--projects", "5", data_dir=private_folder)
    demo.port = int(demo.wait_for(r"serving on http://127\.0\.0\.1:(\d+)")[1])
    assert demo.ask(PATH).status == 200
    assert len(etree.fromstring(demo.ask(PATH).body)) > 0
    assert demo.ask("/").status == 200
    database = database_of(demo.folder)
    assert demo.stop(number) == 0
    database.wait(30)
    assert list((demo.folder / "run").iterdir()) == []
