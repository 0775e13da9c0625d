"""Django configured before test modules import models; the fixture `database` says later which database it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TextIO

import pytest

from floodmark.export import bootstrap
from floodmark.export.build import Piece
from floodmark.export.router import OWN

bootstrap.configure({OWN: bootstrap.database("postgresql://nobody@127.0.0.1:1/no_database_yet", "database_url")})


class Invented:
    """Stands where the writer of formats stands: `projects` maps ids to the text of their title."""

    def __init__(self, projects: dict[int, str], *, pieces_of_each: int = 1, remarks: int = 0) -> None:
        self.projects, self.pieces_of_each, self.remarks = projects, pieces_of_each, remarks
        self.before_each: Callable[[int], None] = lambda project: None

    def pieces(self, lines: TextIO, generated: datetime) -> Iterator[Piece]:
        yield Piece(None, HEAD.replace(b"0000-00-00T00:00:00Z", f"{generated:%Y-%m-%dT%H:%M:%SZ}".encode()))
        for project in sorted(self.projects, reverse=True):
            self.before_each(project)
            text = f"<iati-activity><title>{self.projects[project]}</title></iati-activity>".encode()
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


@pytest.fixture
def invent() -> type[Invented]:
    """Makes datasets without a database; see Invented."""
    return Invented
