"""The files of a report: all of them whole, or none."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from floodmark.diagnosis.incident import Incident
from floodmark.errors import CannotWrite
from floodmark.report.write import NAMES, write, write_files


def test_the_three_files_are_written_and_nothing_else(incident: Incident, tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there yet"
    write(incident, folder)
    assert sorted(one.name for one in folder.iterdir()) == sorted(NAMES)
    assert json.loads((folder / "incident.json").read_text())["schema"] == "floodmark.incident/1"


def test_writing_twice_gives_the_same_bytes(incident: Incident, tmp_path: Path) -> None:
    write(incident, tmp_path)
    before = [(tmp_path / name).read_bytes() for name in NAMES]
    write(incident, tmp_path)
    assert [(tmp_path / name).read_bytes() for name in NAMES] == before


def test_a_hostile_incident_is_written_whatever_its_characters(hostile: Incident, tmp_path: Path) -> None:
    write(hostile, tmp_path)
    assert json.loads((tmp_path / "incident.json").read_text())["method"]


def test_a_lone_surrogate_does_not_stop_the_report(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.json": ['"\udc80"']})
    assert json.loads((tmp_path / "a.json").read_text()) == "\udc80"


def test_a_file_in_the_place_of_the_folder_is_said(incident: Incident, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(CannotWrite, match=r"out: the report cannot be written: .*--out"):
        write(incident, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


FULL = """
import resource, signal, sys
from pathlib import Path
from floodmark.errors import CannotWrite
from floodmark.report.write import write_files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write_files(Path(sys.argv[1]), {"incident.json": ["new"], "report.html": ["x" * 50_000]})
except CannotWrite as error:
    print(error)
"""


def test_a_disk_that_fills_up_leaves_the_earlier_report_as_it_was(tmp_path: Path) -> None:
    write_files(tmp_path, {"incident.json": ["old"], "report.html": ["old"]})
    assert hasattr(resource, "RLIMIT_FSIZE")
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "the report cannot be written: File too large" in done.stdout
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {
        "incident.json": "old",
        "report.html": "old",
    }
