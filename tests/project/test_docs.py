"""The documents say what is true: each setting, command and exit status has its place, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from floodmark import errors
from floodmark.cli import app
from floodmark.settings import ENV_PREFIX, SETTINGS, Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def headings(path: Path) -> set[str]:
    return {line.lstrip("#").strip().strip("`") for line in path.read_text().splitlines() if line.startswith("#")}


def commands(group: Any, above: str = "") -> dict[str, Any]:
    """Whole name -> command, for every command below `group` that is not a group itself."""
    found = {}
    for name, command in group.commands.items():
        whole = f"{above} {name}".strip()
        found |= commands(command, whole) if hasattr(command, "commands") else {whole: command}
    return found


COMMANDS = commands(typer.main.get_command(app))


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_has_its_heading(name: str) -> None:
    assert name in headings(ROOT / "docs/settings.md")


def test_every_heading_of_the_settings_is_a_setting() -> None:
    text = (ROOT / "docs/settings.md").read_text()
    named = set(re.findall(r"^#+ `([a-z0-9_]+)`", text, re.MULTILINE))
    assert named == set(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_says_what_it_is_for(name: str) -> None:
    description = SETTINGS[name].description or ""
    assert len(description) > 20
    assert description.endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_heading(name: str) -> None:
    assert name in headings(ROOT / "docs/commands.md")


def test_every_heading_of_the_commands_is_a_command() -> None:
    text = (ROOT / "docs/commands.md").read_text()
    assert set(re.findall(r"^#+ `([a-z ]+)`", text, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_each_of_its_options_has_help(name: str) -> None:
    assert COMMANDS[name].help
    assert not [option.name for option in COMMANDS[name].params if not getattr(option, "help", None)]


def test_every_exit_status_is_explained() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    statuses = {kind.exit_status for kind in kinds} | set(errors.Ended.statuses.values()) | {0}
    explained = {int(number) for number in re.findall(r"^## (\d+)", (ROOT / "docs/errors.md").read_text(), re.M)}
    assert statuses <= explained


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text())
    inside = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert not [link for link in inside if not (document.parent / link).exists()]


SHOWN = re.compile(r"^(?: {4}|\$ )?(?:\S+=\S+ )*floodmark +([^|>#\n]+)", re.MULTILINE)
"""A command line: in a block of shell, or indented as a block of its own."""


def shown_in(document: Path) -> list[list[str]]:
    text = document.read_text()
    blocks = re.findall(r"```(?:console|sh|bash)\n(.*?)```", text, re.DOTALL)
    indented = re.findall(r"^ {4}.*$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return [line.split() for block in [*blocks, *indented] for line in SHOWN.findall(block)]


def test_command_lines_are_found_in_the_documents() -> None:
    assert len([line for document in DOCUMENTS for line in shown_in(document)]) >= 8


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_command_shown_in_the_documents_exists_with_its_options(document: Path) -> None:
    for words in shown_in(document):
        name = next((" ".join(words[:count]) for count in (2, 1) if " ".join(words[:count]) in COMMANDS), None)
        assert name, f"floodmark {' '.join(words)}"
        known = {
            option for parameter in COMMANDS[name].params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        used = {word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)}
        assert used <= known | {"--help"}, f"floodmark {' '.join(words)}"


def test_the_readme_has_the_two_commands_and_the_makefile_too() -> None:
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for target in ("run", "test"):
        assert f"make {target}" in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_ci_calls_exactly_what_a_person_calls() -> None:
    lines = (ROOT / ".ci/run").read_text().splitlines()
    code = [line for line in lines if line.strip() and not line.startswith("#")]
    assert code[-1].split() == ["make", "test"]


def test_the_modules_named_in_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = re.findall(r"`(src/[\w/.]+|tests/[\w/.]+|docs/[\w/.]+|benchmarks/[\w/.]+)`", text)
    assert named
    assert not [path for path in named if not (ROOT / path).exists()]


def test_settings_come_from_environment_before_file_before_default(tmp_path: Path) -> None:
    file = tmp_path / "floodmark.toml"
    file.write_text('data_dir = "from-file"\n')
    command = [sys.executable, "-m", "floodmark", "--settings", str(file), "settings"]
    from_file = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert "data_dir = from-file" in from_file
    environment = {"FLOODMARK_DATA_DIR": "from-environment", "PATH": ""}
    both = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment).stdout
    assert "data_dir = from-environment" in both


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('\n\ndata_dirr = "x"\n', "floodmark.toml:3: no setting is called 'data_dirr'"),
        ("data_dir = [1]\n", "floodmark.toml:1: data_dir: "),
        ("data_dir = \n", "floodmark.toml: not TOML: "),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_with_file_and_line(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "floodmark.toml").write_text(text)
    command = [sys.executable, "-m", "floodmark", "settings"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_variable_of_ours_is_refused() -> None:
    command = [sys.executable, "-m", "floodmark", "settings"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={ENV_PREFIX + "TYPO": "1"})
    assert done.returncode == 2
    assert "FLOODMARK_TYPO" in done.stderr


def test_a_secret_is_never_printed() -> None:
    command = [sys.executable, "-m", "floodmark", "settings"]
    environment = {"FLOODMARK_DATABASE_URL": "postgresql://user:hunter2@127.0.0.1/x"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "hunter2" not in done.stdout + done.stderr
    assert "hunter2" not in repr(Settings(database_url="postgresql://user:hunter2@127.0.0.1/x"))
