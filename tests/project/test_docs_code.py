"""Code in the documents is code: fences are closed, settings load, JSON parses; command lines are test_docs.py's."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from floodmark.watch.config import read

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

FENCE = re.compile(r"^(`{3,})(\w*)$")
LANGUAGES = {"", "sh", "console", "toml", "json", "python", "nginx"}


def blocks(document: Path) -> Iterator[tuple[str, str]]:
    """(language, text) of every fenced block; a line of one or two backticks alone is a fence that went wrong."""
    language, lines = None, []
    for number, line in enumerate(document.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        assert fence or not re.match(r"^`{1,2}\w*$", line), f"{document.name}:{number}: {line}"
        if fence and language is None:
            language, lines = fence[2], []
            assert language in LANGUAGES, f"{document.name}:{number}: {line}"
        elif fence:
            yield language or "", "\n".join(lines)
            language = None
        else:
            lines.append(line)
    assert language is None, f"{document.name}: the last block is not closed"


def of_language(*languages: str) -> list[Any]:
    return [
        pytest.param(text, id=f"{document.name}-{number}")
        for document in DOCUMENTS
        for number, (language, text) in enumerate(blocks(document))
        if language in languages
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_is_opened_and_closed_and_its_language_known(document: Path) -> None:
    list(blocks(document))


@pytest.mark.parametrize("text", of_language("json"))
def test_json_that_is_shown_is_json(text: str) -> None:
    while text := text.strip():
        text = text[json.JSONDecoder().raw_decode(text)[1] :]


@pytest.mark.parametrize("text", of_language("toml"))
def test_toml_that_is_shown_is_toml(text: str) -> None:
    assert tomllib.loads(text)


def test_the_tables_of_the_watch_s_document_are_one_configuration_that_loads(tmp_path: Path) -> None:
    tables = [text for language, text in blocks(ROOT / "docs/watch.md") if language == "toml"]
    path = tmp_path / "watch.toml"
    path.write_text("\n".join(tables))
    loaded = read(path)
    assert loaded.remedy
    assert loaded.processes
