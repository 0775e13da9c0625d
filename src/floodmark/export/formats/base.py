"""What a format is made of: `begin`, `item` for each item, `end`, all yielding bytes of bounded length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote

from floodmark.export.formats.rules import RULES
from floodmark.export.formats.values import is_date, is_language, is_number, is_uri
from floodmark.export.formats.xml import illegal, is_legal, without_illegal
from floodmark.export.report import BuildReport, Remark
from floodmark.settings import Settings

Part = tuple[str, str, int | None]
"""Some XML, and the table and row it was made of."""


class Format(Protocol):
    """A file format. `item` may yield several runs of bytes, none for an item that cannot be published."""

    def begin(self, generated: datetime) -> bytes:
        """What stands before the items."""

    def item(self, item: Any) -> Iterator[bytes]:
        """One item."""

    def end(self) -> bytes:
        """What stands after the items."""


def stamp(moment: datetime) -> str:
    """UTC in whole seconds with Z: always 20 characters, `2025-08-27T07:30:00Z`."""
    # RSR's has no zone, which a reader may take for its own.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


@dataclass(frozen=True)
class Links:
    """The addresses that published files point to."""

    base_url: str = "https://rsr.akvo.org"
    media_url: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Links:
        """From the settings rsr_base_url and rsr_media_url."""
        return cls(settings.rsr_base_url, settings.rsr_media_url)

    def media(self, path: str) -> str:
        """The address of an uploaded file, its path percent-encoded as Django does."""
        folder = self.media_url or self.base_url.rstrip("/") + "/media"
        return folder.rstrip("/") + "/" + quote(path.lstrip("/"), safe="/~!*()'")

    def update(self, project_id: int, update_id: int) -> str:
        """The page of a project update."""
        return f"{self.base_url.rstrip('/')}/project/{project_id}/update/{update_id}/"


@dataclass(slots=True)
class Remarks:
    """The build report, as seen by what is written of one item."""

    report: BuildReport
    project: int | None = None

    def add(self, rule: str, table: str, row: int | None, element: str, problem: str | None = None) -> None:
        """Say that `rule` was applied to `element` of a row; `problem` where the rule's own words are too general."""
        problem_of_rule, done = RULES[rule]
        self.report.add(Remark(rule, self.project, table, row, element, problem or problem_of_rule, done))

    def illegal(self, letters: Iterable[str], table: str, row: int | None, element: str) -> None:
        """Say which characters were removed that XML cannot hold."""
        names = ", ".join(f"U+{ord(letter):04X}" for letter in letters)
        self.add("illegal-character", table, row, element, f"characters that XML cannot hold: {names}")

    def date(self, value: str | None, table: str, row: int, element: str) -> str | None:
        """A date as it is, or None with a remark for what no calendar has."""
        if not value or is_date(value):
            return value
        self.add("date", table, row, element, f"not a date of the calendar: {value}")
        return None

    def number(self, value: str | None, table: str, row: int, element: str) -> str | None:
        """A number as it is, or None with a remark for NaN."""
        if not value or is_number(value):
            return value
        self.add("number", table, row, element, f"not a number: {value}")
        return None

    def uri(self, value: str | None, table: str, row: int, element: str) -> str | None:
        """A URI as it is, or None with a remark for what is none."""
        if not value or is_uri(value):
            return value
        self.add("uri", table, row, element)
        return None

    def language(self, value: str | None, table: str, row: int, element: str) -> str | None:
        """A language as it is, or None with a remark for what is none."""
        if not value or is_language(value):
            return value
        self.add("language", table, row, element)
        return None

    def stamp(self, value: str | None, table: str, row: int, element: str) -> str | None:
        """A time stamp as it is, or None with a remark for what no calendar of four-digit years has."""
        if not value or len(value) == len("2025-08-27T07:30:00+00:00"):
            return value
        self.add("date", table, row, element, f"not a date of the calendar: {value}")
        return None


@dataclass
class Pieces:
    """Joins parts to runs of bytes of about `piece_chars` characters, without what XML cannot hold."""

    remarks: Remarks
    piece_chars: int
    parts: list[Part] = field(default_factory=list)

    def of(self, parts: Iterable[Part]) -> Iterator[bytes]:
        """The parts as bytes."""
        held, length, limit = self.parts, 0, self.piece_chars
        for part in parts:
            held.append(part)
            length += len(part[0])
            if length >= limit:
                yield self._flush()
                length = 0
        if held:
            yield self._flush()

    def _flush(self) -> bytes:
        text = "".join([xml for xml, _, _ in self.parts])
        if "\r" in text:  # a parser would make a line feed of it; the markup itself holds none
            text = text.replace("\r", "&#13;")
        data = text.encode("utf-8", "surrogatepass")
        if not is_legal(data):
            data = self._legal().replace("\r", "&#13;").encode()
        self.parts.clear()
        return data

    def _legal(self) -> str:
        """The slow way: each part without its illegal characters, each such part in the report."""
        for xml, table, row in self.parts:
            for element, letters in _where(xml).items():
                self.remarks.illegal(letters, table, row, element)
        return "".join([without_illegal(xml) for xml, _, _ in self.parts])


def _where(xml: str) -> dict[str, list[str]]:
    """Which elements of well-formed markup (but for those characters) hold which illegal ones, as `title/narrative`."""
    found: dict[str, list[str]] = {}
    for position, letter in illegal(xml):
        found.setdefault(_path(xml[:position]), []).append(letter)
    return found


def _path(before: str) -> str:
    """The elements still open at the end of this markup, and the attribute if it ends in one."""
    opened: list[str] = []
    last = ""
    for chunk in before.split("<")[1:]:
        last = chunk
        name = chunk.lstrip("/").split(">")[0].split(" ")[0].rstrip("/")
        if chunk.startswith("/"):
            if opened and opened[-1] == name:
                opened.pop()
        elif ">" not in chunk or not chunk.split(">")[0].endswith("/"):
            opened.append(name)
    if ">" not in last and "=" in last:
        opened.append("@" + last.rsplit("=", 1)[0].split(" ")[-1])
    return "/".join(opened)
