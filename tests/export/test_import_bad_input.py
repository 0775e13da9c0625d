"""Bad input costs one clear line and nothing else, seen by running the real command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
import pytest
from rights import bound_by_modes

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<iati-activities version="2.03">\n'
TAIL = "</iati-activities>\n"


def activity(identifier: str, more: str = "", title: str = "A title") -> str:
    """An activity on lines of its own, valid against the schema."""
    return (
        f"<iati-activity>\n<iati-identifier>{identifier}</iati-identifier>\n"
        '<reporting-org ref="XM-T" type="10"><narrative>Reporter</narrative></reporting-org>\n'
        f"<title><narrative>{title}</narrative></title>\n<description><narrative>Text</narrative></description>\n"
        '<participating-org role="2" ref="XM-T" type="10"><narrative>Reporter</narrative></participating-org>\n'
        '<activity-status code="2"/>\n<activity-date type="1" iso-date="2020-01-01"/>\n'
        f"{more}</iati-activity>\n"
    )


GOOD = HEAD + activity("XM-T-GOOD") + TAIL
BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
    '<iati-activities version="2.03">&b;</iati-activities>'
)


@dataclass
class Ran:
    status: int
    out: str
    err: str

    @property
    def problems(self) -> list[str]:
        return [line.removeprefix("floodmark: ") for line in self.err.splitlines()]


@pytest.fixture
def run(database, tmp_path):
    """Runs `floodmark import ARGUMENTS` in tmp_path on a fresh database."""

    def begin(*arguments: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
        environment = {**os.environ, "FLOODMARK_DATABASE_URL": database.url}
        command = [*before, sys.executable, "-m", "floodmark", "import", *arguments]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
        )

    def whole(*arguments: str, before: Sequence[str] = ()) -> Ran:
        with begin(*arguments, before=before) as process:
            out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        return Ran(process.returncode, out, err)

    whole.begin = begin
    return whole


@pytest.fixture
def imported(database):
    """The identifiers in the database."""

    def ask() -> set[str]:
        with database.connect() as connection:
            return {row[0] for row in connection.execute("SELECT iati_activity_id FROM rsr_project")}

    return ask


BAD = {
    "cut-off": (HEAD + activity("XM-T-1") + "<iati-activity>\n<title>", r"bad.xml:13: not well-formed XML: "),
    "wrong-tag": (HEAD + activity("XM-T-1") + "<iati-activity>\n<title></titel>", "bad.xml:13: not well-formed XML: "),
    "nul": (HEAD + activity("XM-T-1") + "\0" + TAIL, "bad.xml:12: not well-formed XML: "),
    "lying-encoding": ((HEAD + activity("XM-T-1") + activity("XM-T-2", title="é")).encode("latin-1"),
                       "bad.xml:15: not well-formed XML: "),
    "unknown-encoding": (HEAD.replace("UTF-8", "KLINGON") + TAIL, "bad.xml:1: not well-formed XML: "),
    "doctype": ("<!-- x -->\n<!DOCTYPE iati-activities>\n" + GOOD.partition("\n")[2], "bad.xml:2: has a DOCTYPE"),
    "doctype-in-utf-16": (("<!DOCTYPE iati-activities>\n" + GOOD.partition("\n")[2]).encode("utf-16"),
                          "bad.xml:1: has a DOCTYPE"),
    "bomb": (BOMB, "bad.xml:2: has a DOCTYPE"),
    "external-entity": ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<iati-activities version="2.03">&x;'
                        "</iati-activities>", "bad.xml:1: has a DOCTYPE"),
    "late-doctype": ("<!--" + "x" * 70_000 + '-->\n<!DOCTYPE a>\n<iati-activities version="2.03"/>',
                     "bad.xml:3: has a DOCTYPE"),
    "wrong-root": ("<rss>\n</rss>", "bad.xml:1: begins with <rss>, not with iati-activities or iati-organisations"),
    "unknown-version": (HEAD.replace("2.03", "1.05") + TAIL, "bad.xml:2: says version '1.05'; 2.01 to 2.03"),
    "no-version": ("<iati-activities/>", "bad.xml:1: says version ''; 2.01 to 2.03"),
    "empty": ("", "bad.xml: is empty"),
    "white": (" \n\n", "bad.xml: is empty"),
    "no-xml": ("name,value\n1,2\n", "bad.xml:1: not well-formed XML: "),
    "binary": (bytes(range(256)) * 100, "bad.xml:1: not well-formed XML: "),
    "no-identifier": (HEAD + activity("XM-T-1") + "<iati-activity>\n<activity-scope code='1'/></iati-activity>" + TAIL,
                      "bad.xml:12: iati-activity has no identifier: not imported"),
    "empty-identifier": (HEAD + activity("XM-T-1") + activity(" ") + TAIL,
                         "bad.xml:12: the identifier is empty: not imported"),
    "long-identifier": (HEAD + activity("XM-T-1") + activity("X" * 101) + TAIL,
                        "bad.xml:12: the identifier is longer than 100 characters: not imported"),
    "late-identifier": (HEAD + "<iati-activity>\n" + '<sector code="1"/>' * 101 + "<iati-identifier>X</iati-identifier>"
                        "</iati-activity>" + TAIL, "bad.xml:3: iati-activity has its identifier too late"),
    "stranger": (HEAD + "<iati-organisation><x>1</x></iati-organisation>" + activity("XM-T-1") + TAIL,
                 "bad.xml:3: <iati-organisation> is no activity or organisation: left out"),
    "duplicate": (HEAD + activity("XM-T-1") + activity("XM-T-1", title="Other") + TAIL,
                  "bad.xml:12: XM-T-1 stood already at bad.xml:3: this one is not imported"),
    "long-text": (HEAD + activity("XM-T-1") + activity("XM-T-2", title="x" * 10_500_000) + TAIL,
                  "bad.xml:15: not well-formed XML: "),
    "large-unit": (HEAD + activity("XM-T-1") + activity("XM-T-2", "<location>" + (("<x>" + "x" * 999 + "</x>") * 21_000)
                   + "</location>") + TAIL, "bad.xml:12: a <location> of more than 20 MB: not imported"),
}  # fmt: skip
"""Content and the beginning of the line said about it. What stands before the mistake is an activity XM-T-1, or none."""


def _bytes(name: str) -> bytes:
    """The content of a bad file, with an identifier of its own where it has a good activity."""
    content = BAD[name][0]
    data = content if isinstance(content, bytes) else content.encode()
    return data.replace(b"XM-T-1<", f"XM-T-{name}<".encode())


@pytest.mark.parametrize("number", ["1_000", "\uff11\uff12", "1,000", "1 000", "NaN", "0x10"])
def test_what_is_a_number_to_python_alone_is_reported_and_not_taken(run, database, tmp_path, number):
    period = '<period-start iso-date="2020-01-01"/><period-end iso-date="2020-12-31"/>'
    more = (
        f'<sector vocabulary="1" code="110" percentage="{number}"/>\n'
        f'<budget>{period}<value value-date="2020-01-01">{number}</value></budget>\n'
        f'<fss extraction-date="2020-01-01" phaseout-year="{number}"/>\n'
    )
    (tmp_path / "odd.xml").write_text(HEAD + activity("XM-T-1", more) + TAIL)
    assert run("odd.xml", "--report", "losses.jsonl").status == 0
    losses = [json.loads(line) for line in (tmp_path / "losses.jsonl").read_text().splitlines()]
    told = {(loss["element"], loss["problem"]) for loss in losses if loss["text"] == number}
    assert told == {
        ("sector/@percentage", "not a number that percentage can hold"),
        ("budget/value", "not a number that amount can hold"),
        ("fss/@phaseout-year", "not a whole number that phaseout_year can hold"),
    }
    with database.connect() as connection:
        assert connection.execute("SELECT amount FROM rsr_budgetitem").fetchall() == [(None,)]


def test_bad_input_costs_one_line_each_and_the_rest_goes_on(run, imported, tmp_path):
    for name in BAD:
        (tmp_path / name).mkdir()
        (tmp_path / name / "bad.xml").write_bytes(_bytes(name))
    (tmp_path / "good.xml").write_text(GOOD)
    ran = run(*BAD, "good.xml", "--report", "report.jsonl")
    assert ran.status == 1
    said = dict(zip(BAD, ran.problems, strict=True))
    expected = {name: f"{name}/{line}" for name, (_, line) in BAD.items()}
    expected["duplicate"] = "duplicate/bad.xml:12: XM-T-duplicate stood already at duplicate/bad.xml:3: this one is"
    assert {name: line[: len(expected[name])] for name, line in said.items()} == expected
    assert imported() == {f"XM-T-{name}" for name in BAD if f"XM-T-{name}<".encode() in _bytes(name)} | {"XM-T-GOOD"}
    refused = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert [line["problem"] for line in refused if line["done"] == "not imported"] == ran.problems


def test_where_nothing_could_be_imported_it_exits_with_3(run, tmp_path):
    (tmp_path / "bad.xml").write_text(BOMB)
    ran = run("bad.xml")
    assert ran.status == 3
    assert ran.problems[-1] == "nothing was imported"


def test_a_path_that_is_not_there_is_told_before_anything_is_imported(run, imported, tmp_path):
    (tmp_path / "good.xml").write_text(GOOD)
    ran = run("good.xml", "none.xml")
    assert (ran.status, ran.problems) == (2, ["none.xml: no such file or folder"])
    assert imported() == set()


def test_a_report_that_cannot_be_written_is_told_before_anything_is_imported(run, imported, tmp_path):
    (tmp_path / "good.xml").write_text(GOOD)
    ran = run("good.xml", "--report", "nowhere/report.jsonl")
    assert (ran.status, ran.problems) == (5, ["nowhere/report.jsonl: No such file or directory"])
    assert imported() == set()


def test_a_full_disk_under_the_report_is_one_line(run, tmp_path):
    (tmp_path / "good.xml").write_text(GOOD.replace("2.03", '2.03" x="1'))
    ran = run("good.xml", "--report", "/dev/full")
    assert (ran.status, ran.problems) == (5, ["the report cannot be written: No space left on device"])


def test_folders_are_read_in_order_and_loops_of_links_are_not_followed(run, imported, tmp_path):
    folder = tmp_path / "files" / "inner"
    folder.mkdir(parents=True)
    (folder / "loop").symlink_to(tmp_path / "files")
    (folder / "gone.xml").symlink_to(tmp_path / "not-there")
    (folder / "self.xml").symlink_to(folder / "self.xml")
    (folder / "note.txt").write_text("no XML")
    (folder / "one.XML").write_text(GOOD)
    ran = run("files")
    assert ran.status == 1
    assert imported() == {"XM-T-GOOD"}
    assert ran.problems == [
        "files/inner/gone.xml: cannot be read: No such file or directory",
        "files/inner/self.xml: cannot be read: Too many levels of symbolic links",
    ]


@pytest.fixture
def open_socket(postgres_server):
    """The server's socket for a command that is bound by modes too: the way there is its own account's."""
    cluster = postgres_server.folder / "cluster"
    way = {path: path.stat().st_mode for path in (cluster.parent, cluster, *cluster.glob(".s.PGSQL.*"))}
    for path, mode in way.items():
        path.chmod(mode | 0o077)
    yield
    for path, mode in way.items():
        path.chmod(mode)


@pytest.mark.usefixtures("open_socket")
def test_a_file_without_permission_is_told_and_the_others_are_imported(run, imported, tmp_path):
    (tmp_path / "bad.xml").write_text(GOOD)
    (tmp_path / "bad.xml").chmod(0)
    (tmp_path / "good.xml").write_text(GOOD)
    ran = run("bad.xml", "good.xml", before=bound_by_modes())
    assert (ran.status, ran.problems) == (1, ["bad.xml: cannot be read: Permission denied"])
    assert imported() == {"XM-T-GOOD"}


def test_other_encodings_are_read(run, database, tmp_path):
    for encoding in ("utf-16", "iso-8859-1", "utf-8-sig"):
        text = GOOD.replace("A title", "Naïve café").replace("UTF-8", encoding.removesuffix("-sig"))
        (tmp_path / f"{encoding}.xml").write_bytes(text.replace("GOOD", encoding).encode(encoding))
    assert run(".").status == 0
    with database.connect() as connection:
        assert connection.execute("SELECT title FROM rsr_project").fetchall() == [("Naïve café",)] * 3


def test_a_text_of_200_mb_is_refused_in_bounded_memory(run, tmp_path):
    with (tmp_path / "bad.xml").open("w") as file:
        file.write(HEAD + activity("XM-T-1") + "<iati-activity><iati-identifier>X</iati-identifier><title><narrative>")
        for _ in range(200):
            file.write("x" * 10**6)
        file.write("</narrative></title></iati-activity>" + TAIL)
    ran = run("bad.xml", "--stats", "stats.json")
    assert ran.status == 1
    assert ran.problems[0].startswith("bad.xml:12: not well-formed XML: ")
    stats = json.loads((tmp_path / "stats.json").read_text())
    assert stats["activities"] == 1
    assert stats["peak_mb"] - stats["base_mb"] < 60


MANY = HEAD + "".join(activity(f"XM-T-{number}") for number in range(20_000)) + TAIL


def _wait_for_some(process: subprocess.Popen[str], database) -> None:
    deadline = time.monotonic() + 60
    with database.connect() as connection:
        while connection.execute("SELECT count(*) FROM rsr_project").fetchone()[0] < 20:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_database_that_goes_away_ends_the_run_and_what_was_imported_stays(run, imported, database, tmp_path):
    (tmp_path / "many.xml").write_text(MANY)
    with run.begin("many.xml") as process:
        _wait_for_some(process, database)
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE '%count(*)%'"
            )
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert "the database has gone: " in err
    assert "what was imported before stays" in err
    assert "Traceback" not in err
    assert 20 <= len(imported()) < 20_000


def test_ctrl_c_ends_the_run_between_two_activities(run, imported, database, tmp_path):
    (tmp_path / "many.xml").write_text(MANY)
    with run.begin("many.xml") as process:
        _wait_for_some(process, database)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    # The last one may have gone in when the signal came, before it was counted.
    assert int(out.split(" ")[0]) in (len(imported()), len(imported()) - 1)


def test_the_command_is_quiet_in_a_pipe(run, tmp_path):
    (tmp_path / "good.xml").write_text(GOOD)
    ran = run("good.xml")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == "1 activities and 0 organisations from 1 files; 0 losses, 0 not imported\n"
