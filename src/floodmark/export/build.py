"""From rows to the bytes of an IATI file, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from floodmark.errors import NothingUsable
from floodmark.export.datasets import Dataset
from floodmark.export.report import BuildReport


class NothingToPublish(NothingUsable):
    """The dataset would be empty: no export, no project, or none that can be valid. An empty file is not valid IATI."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file. `item_id` is the project whose activity they belong to, None for what stands around."""

    item_id: int | None
    data: bytes


def pieces(dataset: Dataset, report: BuildReport, *, generated: datetime) -> Iterator[Piece]:
    """The file of a dataset, valid whatever the database holds.

    First the XML declaration and the opened root (item_id None), then for each activity one or more pieces (at most a
    little over 64 KB each), ids descending, then the closed root (item_id None). What had to be completed or left out
    goes to `report`. Raises NothingToPublish, before the first piece; UsageError for an unknown organisation.
    """
    raise NotImplementedError


def project_pieces(project_id: int, report: BuildReport, *, generated: datetime) -> Iterator[Piece]:
    """The file of one project's activity alone, as `pieces`. Raises UsageError for an unknown project."""
    raise NotImplementedError


def generated_span(head: bytes) -> slice:
    """Where in the first piece the value of generated-datetime stands: always 20 bytes, `2025-08-27T07:30:00Z`."""
    start = head.index(b' generated-datetime="') + len(b' generated-datetime="')
    return slice(start, start + 20)
