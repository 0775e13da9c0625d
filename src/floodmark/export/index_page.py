"""What the index page shows, in words and units for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from math import ceil

from floodmark.export.artifacts.entry import Artifact, Entry

ORGANISATIONS_A_PAGE = 100
UNITS = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Line:
    """One file: a dataset, or a segment of one."""

    label: str
    path: str
    size: str
    packed: str
    activities: str
    changed: datetime
    ago: str


@dataclass(frozen=True, slots=True)
class File:
    """One dataset."""

    line: Line
    checked: datetime
    checked_ago: str
    schema: str
    valid: bool
    remarks: str
    segments: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation with its datasets."""

    number: int
    name: str
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of organisations, and the sums over all of them."""

    organisations: tuple[Organisation, ...]
    number: int
    count: int
    total_organisations: int
    total_files: int
    total_activities: str
    total_size: str
    newest: datetime | None
    newest_ago: str

    @property
    def before(self) -> int | None:
        """The number of the page before."""
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        """The number of the page after."""
        return self.number + 1 if self.number < self.count else None


def page_of(entries: Sequence[Entry], number: int, now: datetime | None = None) -> Page:
    """Page `number`, or the nearest there is; entries come by organisation."""
    now = now or datetime.now(UTC)
    groups = [(int(key), list(group)) for key, group in groupby(entries, lambda entry: entry.slug.partition("/")[0])]
    count = max(1, ceil(len(groups) / ORGANISATIONS_A_PAGE))
    number = min(max(number, 1), count)
    shown = groups[(number - 1) * ORGANISATIONS_A_PAGE : number * ORGANISATIONS_A_PAGE]
    newest = max((entry.whole.generated for entry in entries), default=None)
    return Page(
        organisations=tuple(_organisation(key, group, now) for key, group in shown),
        number=number,
        count=count,
        total_organisations=len(groups),
        total_files=len(entries),
        total_activities=f"{sum(e.whole.activities for e in entries if e.slug.endswith('/activities')):,}",
        total_size=size(sum(entry.whole.xml.bytes for entry in entries)),
        newest=newest,
        newest_ago=ago(newest, now) if newest else "",
    )


def _organisation(number: int, entries: Iterable[Entry], now: datetime) -> Organisation:
    found = list(entries)
    name = next((entry.title for entry in found if entry.title), f"Organisation {number}")
    return Organisation(number, name, tuple(_file(entry, number, now) for entry in found))


def _file(entry: Entry, number: int, now: datetime) -> File:
    is_activities = entry.slug.endswith("/activities")
    path = f"/organisation/{number}/" + ("iati/" if is_activities else "iati-org/")
    label = "Activities" if is_activities else "Organisation"
    return File(
        line=_line(label, path, entry.whole, now),
        checked=entry.checked,
        checked_ago=ago(entry.checked, now),
        schema=entry.schema,
        valid=entry.valid,
        remarks="" if not entry.left_out else f"{entry.left_out:,} remark{'s' if entry.left_out > 1 else ''}",
        segments=tuple(
            _line(f"Segment {segment.number}", f"{path}segments/{segment.number}.xml", segment.artifact, now)
            for segment in entry.segments
        ),
    )


def _line(label: str, path: str, artifact: Artifact, now: datetime) -> Line:
    return Line(
        label=label,
        path=path,
        size=size(artifact.xml.bytes),
        packed=size(artifact.gzip.bytes),
        activities=f"{artifact.activities:,}",
        changed=artifact.generated,
        ago=ago(artifact.generated, now),
    )


def size(count: int) -> str:
    """Bytes as people write them, in powers of ten: `7.1 MB`."""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return (
        f"{count} bytes"
        if unit == 0
        else f"{value:.1f} {UNITS[unit]}"
        if value < 99.95
        else f"{value:.0f} {UNITS[unit]}"
    )


def ago(then: datetime, now: datetime) -> str:
    """How long ago, in one unit: `3 hours ago`."""
    seconds = max(0.0, (now - then).total_seconds())
    for unit, plural, length in (("day", "days", 86400), ("hour", "hours", 3600), ("min", "min", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit if count == 1 else plural} ago"
    return "just now"
