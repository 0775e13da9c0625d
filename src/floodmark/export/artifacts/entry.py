"""The index entry of a dataset: what is in force, as one JSON file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Literal

import msgspec
from django.utils.http import http_date

INDEX = "index.json"
Encoding = Literal["identity", "gzip"]


class File(msgspec.Struct, frozen=True):
    """One stored file. `name` is its whole name in the store."""

    name: str
    bytes: int
    sha256: str


class Artifact(msgspec.Struct, frozen=True):
    """One thing that can be asked for: the XML, its gzip sibling, and the moment its content last changed.

    `content_sha256` is that of the XML with generated-datetime blanked: equal content, equal hash.
    """

    xml: File
    gzip: File
    content_sha256: str
    generated: datetime
    activities: int

    def file(self, encoding: Encoding) -> File:
        """The stored file for a content encoding."""
        return self.gzip if encoding == "gzip" else self.xml

    def etag(self, encoding: Encoding) -> str:
        """The strong validator: the same in every process and host, and another for each encoding."""
        # A strong tag names bytes, and the two encodings are different bytes: RFC 9110, 8.8.3.3.
        return f'"{self.xml.sha256[:32]}"' if encoding == "identity" else f'"{self.gzip.sha256[:32]}-gz"'

    @property
    def last_modified(self) -> str:
        """`generated` as an IMF-fixdate."""
        return http_date(self.generated.timestamp())


class Segment(msgspec.Struct, frozen=True):
    """A part of the whole that is a valid file of its own; see floodmark.export.segments for number, low and high."""

    number: int
    low: int
    high: int
    artifact: Artifact


class Retired(msgspec.Struct, frozen=True):
    """A file that is in force no more, and since when; it stays for readers that have it half read."""

    name: str
    at: datetime


class Entry(msgspec.Struct, frozen=True):
    """All that serving needs to know of a dataset, and what the next build needs to know of this one."""

    slug: str
    whole: Artifact
    checked: datetime
    """When a build last found the content to be this."""
    valid: bool = True
    schema: str = "2.03"
    segments: tuple[Segment, ...] = ()
    next_segment: int = 1
    report: File | None = None
    left_out: int | None = None
    """Rows, elements or attributes the build report lists; None where no report was kept."""
    retired: tuple[Retired, ...] = ()
    title: str = ""
    """The organisation's name, for people."""
    version: int = 1

    def artifacts(self) -> Iterator[Artifact]:
        """The whole and every segment."""
        return chain([self.whole], (segment.artifact for segment in self.segments))

    def files(self) -> Iterator[File]:
        """Every file in force."""
        for artifact in self.artifacts():
            yield artifact.xml
            yield artifact.gzip
        if self.report:
            yield self.report

    def segment(self, number: int) -> Segment | None:
        """The segment of that number."""
        return next((segment for segment in self.segments if segment.number == number), None)


def encode(entry: Entry) -> bytes:
    """The entry as JSON, indented for people."""
    return msgspec.json.format(msgspec.json.encode(entry), indent=1) + b"\n"


def decode(data: bytes) -> Entry:
    """The entry in `data`. Raises msgspec.MsgspecError for anything else."""
    return msgspec.json.decode(data, type=Entry)
