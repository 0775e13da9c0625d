"""The three files of an incident, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from floodmark.diagnosis.incident import Incident
from floodmark.errors import CannotWrite
from floodmark.report import html, markdown
from floodmark.report.document import json_pieces, plain

JSON_NAME, HTML_NAME, MARKDOWN_NAME = "incident.json", "report.html", "report.md"

NAMES = (JSON_NAME, HTML_NAME, MARKDOWN_NAME)


def write(incident: Incident, folder: Path) -> None:
    """Write `incident.json`, `report.html` and `report.md` into `folder`, which is made where it is missing.

    Raises CannotWrite; the files of an earlier run then stand as they were.
    """
    document = plain(incident)
    page, text = html.render(document), markdown.render(document)
    write_files(folder, {JSON_NAME: json_pieces(document), HTML_NAME: [page], MARKDOWN_NAME: [text]})


def write_files(folder: Path, texts: Mapping[str, Iterable[str]]) -> None:
    """Every text (in pieces) beside its name first, and only when all are on the disk, each in its place."""
    parts = {name: folder / f".{name}.{os.getpid()}.part" for name in texts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, part in parts.items():
            _write_through(part, texts[name])
        for name, part in parts.items():
            part.replace(folder / name)
        _sync_folder(folder)
    except OSError as error:
        raise CannotWrite(_explained(folder, error)) from None
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _explained(folder: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{folder}: the report cannot be written: {reason}; name a folder that can be written to with --out"


def _write_through(path: Path, pieces: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
