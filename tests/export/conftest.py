"""Django configured before test modules import models; the fixture `database` says later which database it is."""

from __future__ import annotations

import http.client
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TextIO

import psutil
import psycopg
import pytest

from floodmark.export import bootstrap
from floodmark.export.build import Piece
from floodmark.export.router import OWN
from floodmark.export.storage import FsspecStorage, LocalStorage, Storage
from floodmark.request_record import RequestRecord, decode

bootstrap.configure({OWN: bootstrap.database("postgresql://nobody@127.0.0.1:1/no_database_yet", "database_url")})


class Invented:
    """Stands where the writer of formats stands: `projects` maps ids to the text of their title."""

    form = "<iati-activity><title>{}</title></iati-activity>"

    def __init__(self, projects: dict[int, str], *, pieces_of_each: int = 1, remarks: int = 0) -> None:
        self.projects, self.pieces_of_each, self.remarks = projects, pieces_of_each, remarks
        self.before_each: Callable[[int], None] = lambda project: None

    def pieces(self, lines: TextIO, generated: datetime) -> Iterator[Piece]:
        yield Piece(None, HEAD.replace(b"0000-00-00T00:00:00Z", f"{generated:%Y-%m-%dT%H:%M:%SZ}".encode()))
        for project in sorted(self.projects, reverse=True):
            self.before_each(project)
            text = self.form.format(self.projects[project]).encode()
            step = -(-len(text) // self.pieces_of_each)
            yield from (Piece(project, text[start : start + step]) for start in range(0, len(text), step))
        lines.writelines('{"problem": "invented"}\n' for _ in range(self.remarks))
        yield Piece(None, b"</iati-activities>")

    def finish(self) -> int:
        return self.remarks


HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<iati-activities generated-datetime="0000-00-00T00:00:00Z" version="2.03">'
)


class Valid(Invented):
    """The same, as the schema wants it."""

    form = (
        '<iati-activity><iati-identifier>X-1</iati-identifier><reporting-org ref="X" type="10"><narrative>X</narrative>'
        "</reporting-org><title><narrative>{}</narrative></title><description><narrative>d</narrative></description>"
        '<participating-org role="1"/><activity-status code="2"/><activity-date type="1" iso-date="2026-01-01"/>'
        "</iati-activity>"
    )


@pytest.fixture(scope="session")
def valid() -> type[Valid]:
    """Makes datasets that pass the schema; see Invented."""
    return Valid


@pytest.fixture(scope="session")
def invented() -> type[Invented]:
    """Makes datasets without a database; see Invented."""
    return Invented


@pytest.fixture
def invent(invented) -> type[Invented]:
    """The same, for a test."""
    return invented


NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"
"""Nothing listens there: what is served from here is served without a database."""


@dataclass
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def __getitem__(self, name: str) -> str | None:
        return self.headers[name]

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Running:
    """A real `floodmark` process and its children."""

    process: subprocess.Popen[bytes]
    log: Path
    folder: Path
    port: int = 0
    tree: list[psutil.Process] = field(default_factory=list)

    def wait_for(self, pattern: str, seconds: float = 40.0) -> re.Match[str]:
        """The first match in what it has said, waiting for it."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.said())
            if found:
                return found
            assert self.process.poll() is None, f"it has ended with {self.process.returncode}:\n{self.said()}"
            assert time.monotonic() < deadline, f"{pattern!r} was not said:\n{self.said()}"
            time.sleep(0.02)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def children(self, words: str) -> list[psutil.Process]:
        """Its descendants whose command line holds these words."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if words in " ".join(child.cmdline()):
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found

    def connect(self, timeout: float = 30.0) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """One request on a connection of its own; `_` in a header's name is `-`."""
        connection = self.connect()
        try:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def records(self, agent: str, count: int) -> list[RequestRecord]:
        """The records of a client's requests; a record is written a moment after the client has its answer."""
        log, deadline = self.folder / "log" / "requests.jsonl", time.monotonic() + 10
        while True:
            lines = log.read_bytes().splitlines() if log.exists() else []
            found = [record for record in map(decode, lines) if record.agent == agent]
            if len(found) >= count or time.monotonic() > deadline:
                return found
            time.sleep(0.02)

    def metrics(self, is_whole: Callable[[str], bool]) -> str:
        """What /metrics says as soon as that `is_whole`, at the latest after 10 s: processes begin and count one by one."""
        deadline = time.monotonic() + 10
        while True:
            said = self.ask("/metrics").text
            if is_whole(said) or time.monotonic() > deadline:
                return said
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it as a person would; returns its exit status. No descendant may be left."""
        tree = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.send_signal(number)
        try:
            status = self.process.wait(60)
        finally:
            self.process.kill()
            _, alive = psutil.wait_procs([child for child in tree if "postgres" not in _name(child)], 10)
            for child in alive:
                child.kill()
        assert not alive, f"left behind: {alive}"
        return status


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


@pytest.fixture(scope="session")
def start(tmp_path_factory) -> Iterator[Callable[..., Running]]:
    """Starts `floodmark ARGUMENTS` with settings by name; a data_dir of its own unless one is given."""
    running: list[Running] = []

    def begin(*arguments: str, **settings: object) -> Running:
        folder = Path(str(settings.setdefault("data_dir", tmp_path_factory.mktemp("served") / "var")))
        folder.mkdir(parents=True, exist_ok=True)
        environment = {name: text for name, text in os.environ.items() if not name.startswith("FLOODMARK_")}
        environment |= {f"FLOODMARK_{name.upper()}": str(value) for name, value in settings.items()}
        log = folder / f"said-{len(running)}.txt"
        with log.open("wb") as said:
            command = [sys.executable, "-m", "floodmark", *arguments]
            process = subprocess.Popen(command, stdout=said, stderr=said, env=environment, cwd=folder)
        running.append(Running(process, log, folder))
        return running[-1]

    yield begin
    for each in running:
        if each.process.poll() is None:
            each.stop()


@pytest.fixture
def private_folder() -> Iterator[Path]:
    """A data_dir for a private PostgreSQL; pytest's own folders are closed to it by a second pytest run."""
    above = Path(tempfile.mkdtemp(prefix="floodmark-tests-"))
    yield above / "var"
    shutil.rmtree(above, ignore_errors=True)


@pytest.fixture(scope="session")
def serve(start) -> Callable[..., Running]:
    """Starts `floodmark serve` on a free port and waits until it answers."""

    def begin(*arguments: str, **settings: object) -> Running:
        running = start("serve", "--bind", "127.0.0.1:0", *arguments, **settings)
        running.port = int(running.wait_for(r"serving on http://127\.0\.0\.1:(\d+)")[1])
        assert running.ask("/healthz").body == b"ok\n"
        return running

    return begin


@pytest.fixture(scope="session")
def _large(postgres_server) -> str:
    """A database with one organisation of 200 rich projects, about 11 MB of XML: builds take seconds."""
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE large")
    environment = {**os.environ, "FLOODMARK_DATABASE_URL": postgres_server.url("large")}
    sample = ["sample", "--organisations", "1", "--projects", "200", "--rich", "--clean"]
    subprocess.run([sys.executable, "-m", "floodmark", *sample], check=True, env=environment, capture_output=True)
    return "large"


@pytest.fixture
def large_url(postgres_server, _large) -> Iterator[str]:
    """The URL of a copy of it."""
    name = f"large_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {_large} STRATEGY file_copy")
        yield postgres_server.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["local", "memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """A folder, and two of fsspec's stores: one with folders and one without."""
    if request.param == "memory":
        storage = FsspecStorage("memory://stores")
        yield storage
        storage.fs.rm("/", recursive=True)
    elif request.param == "file":
        yield FsspecStorage(f"local://{tmp_path}/store")
    else:
        yield LocalStorage(tmp_path / "store")
