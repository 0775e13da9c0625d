"""What is shipped is what is tested: the wheel holds every file that the package needs at run time."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), str(wheel)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder


def test_the_wheel_holds_every_tracked_file_of_the_package(wheel: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "src/floodmark"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.fail("this test needs the git checkout that CI has")
    inside = set(names_in(wheel))
    assert {name.removeprefix("src/") for name in listed.stdout.split()} - inside == set()


def test_the_wheel_carries_licence_and_type_marker(wheel: Path) -> None:
    names = names_in(wheel)
    assert "floodmark/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def run(installed: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "floodmark", *words]
    return subprocess.run(command, cwd=installed, env=environment, capture_output=True, text=True, check=False)


def test_the_installed_wheel_runs(installed: Path) -> None:
    code = "import floodmark; print(floodmark.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    where = subprocess.run(
        [sys.executable, "-c", code], cwd=installed, env=environment, capture_output=True, text=True, check=True
    )
    assert where.stdout.startswith(str(installed))
    assert run(installed, "--version").stdout.startswith("floodmark ")
    assert run(installed, "settings").returncode == 0
