"""One build of one dataset: pieces in, a new generation of files out, or the last good one left as it was.

    pieces -> whole + gzip -> validate -> compare with the last -> segments -> switch the index -> sweep

The whole is written in one pass that notes where each activity lies; segments are then cut from it. A build must be the
only one of its dataset (floodmark.export.jobs sees to that); readers need no lock, the index is replaced in one step.
"""

from __future__ import annotations

import io
import secrets
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol, TextIO

from floodmark.errors import FloodmarkError, NothingUsable
from floodmark.export.artifacts.entry import INDEX, Artifact, Entry, File, Retired, Segment, encode
from floodmark.export.artifacts.shelf import is_intact, read_entry
from floodmark.export.artifacts.sink import Progress, Writer, blank_hash, blocks_of, stamped
from floodmark.export.segments import Plan, Span, plan
from floodmark.export.storage import Storage
from floodmark.export.validity import check


class Piece(Protocol):
    """A run of bytes of the file; `item_id` is the project's, None for what belongs to the root."""

    @property
    def item_id(self) -> int | None: ...
    @property
    def data(self) -> bytes: ...


class Producer(Protocol):
    """What is to be built."""

    def pieces(self, lines: TextIO, generated: datetime) -> Iterable[Piece]:
        """The file, head first; the build report goes to `lines`."""

    def finish(self) -> int:
        """Ends the report, and says how many remarks it has."""


Validate = Callable[[Iterable[bytes]], str | None]
"""Says what is wrong with a finished file, given in blocks; None where nothing is."""


def first_problem(blocks: Iterable[bytes]) -> str | None:
    """What the schema says against a file."""
    return next(iter(check(blocks, max_problems=1)), None)


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings a build goes by."""

    segment_max_bytes: int
    """IATI recommends at most 40 MB; its Validator and Datastore refuse files from 60 MB on."""
    grace: timedelta
    """For how long files that are in force no more stay on the disk."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a build came to. `changed` is False where the content was what it had been: then every byte stayed."""

    entry: Entry
    changed: bool


@dataclass
class Build:
    """A build of the dataset `slug` at `now`.

    `generated` is the moment the new content will bear: later than the last one even where clocks go back, so that
    Last-Modified always moves with content.
    """

    storage: Storage
    slug: str
    now: datetime
    rules: Rules
    validate: Validate = first_problem
    progress: Progress = lambda count: None
    title: str = ""
    previous: Entry | None = field(init=False)
    generated: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.previous = read_entry(self.storage, self.slug)
        # Last-Modified has whole seconds, and is this moment.
        self.generated = self.now.replace(microsecond=0)
        if self.previous:
            newest = max(artifact.generated for artifact in self.previous.artifacts())
            self.generated = max(self.generated, newest + timedelta(seconds=1))
        self._token = f"{self.slug}/{self.generated:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self._writer = Writer(self.storage, self.progress)

    def run(self, producer: Producer, *, may_switch: Callable[[], None] = lambda: None) -> Outcome:
        """Build what `producer` yields and put it in force.

        `may_switch` is called last and raises where this build must not win (another took over). Whatever raises, the
        entry and all its files are as they were.
        """
        try:
            whole, outline, left_out = self._write_whole(producer)
            # Before segments are cut: they are runs of the same activities under the same root, so valid if this is.
            self._refuse_invalid(whole)
            entry = self._entry(whole, outline, left_out)
            # Last of all: from here on only one small file is written.
            may_switch()
            self.storage.put(f"{self.slug}/{INDEX}", encode(entry))
        except BaseException:
            self._writer.undo()
            raise
        changed = self.previous is None or set(entry.artifacts()) != set(self.previous.artifacts())
        return Outcome(entry, changed)

    def _write_whole(self, producer: Producer) -> tuple[Artifact, Outline, int]:
        name, report, outline = f"{self._token}.xml", f"{self._token}.jsonl", Outline()
        self._writer.made.append(report)
        with self.storage.create(report) as file:
            lines = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
            pieces = iter(producer.pieces(lines, self.generated))
            head = next(pieces, None)
            if head is None:
                raise NothingUsable(f"{self.slug}: there is nothing to publish; an empty file is not valid IATI")
            outline.head = stamped(head.data, self.generated)
            with self._writer.sink(name, outline.head) as sink:
                for piece in pieces:
                    outline.note(piece)
                    sink.write(piece.data)
                whole = sink.finish(name, name + ".gz", self.generated, len(outline.ids))
            left_out = producer.finish()
            lines.detach()
        return whole, outline, left_out

    def _refuse_invalid(self, whole: Artifact) -> None:
        with self.storage.open(whole.xml.name) as file:
            problem = self.validate(self._watched(blocks_of(file, 0, whole.xml.bytes)))
        if problem:
            raise FloodmarkError(f"{self.slug}: the new file is not valid, the last good one stays: {problem}")

    def _watched(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The blocks, with a chance to stop at each."""
        for block in blocks:
            self.progress(0)
            yield block

    def _entry(self, new: Artifact, outline: Outline, left_out: int) -> Entry:
        with self.storage.open(new.xml.name) as source:
            # Segments first: they are cut from the new whole, which goes again where its content is the old one's.
            segments, next_segment = self._segments(new, outline, source)
            whole = self._keep_or_take(new, outline, source)
        last = self.previous
        report = self.storage.stat(f"{self._token}.jsonl")
        names = {file.name for kept in (whole, *(segment.artifact for segment in segments)) for file in _files(kept)}
        retired = last.retired if last else ()
        if last:
            gone = [file.name for file in last.files() if file.name not in names]
            retired += tuple(Retired(name, self.now) for name in gone)
        # Readers hold files open, but those that have read the old entry and not opened its file need a moment.
        due = self.now - self.rules.grace
        return Entry(
            slug=self.slug, whole=whole, checked=self.now, segments=segments, next_segment=next_segment,
            report=File(report.name, report.bytes, "") if report else None,
            left_out=left_out,
            title=self.title, retired=tuple(one for one in retired if one.at > due),
        )  # fmt: skip

    def _keep_or_take(self, new: Artifact, outline: Outline, source: BinaryIO) -> Artifact:
        """The artifact of the last build where the content is equal, the new one where it is not."""
        last = self.previous.whole if self.previous else None
        if last is None or last.content_sha256 != new.content_sha256:
            return new
        kept = last
        if not is_intact(self.storage, last):
            # Somebody deleted a file by hand. The same content gets the same bytes back, its date included.
            start = len(outline.head)
            rest = blocks_of(source, start, new.xml.bytes - start)
            kept = self._writer.write(f"{self._token}.again.xml", outline.head, rest, last.generated, last.activities)
        self._writer.discard(new)
        return kept

    def _segments(self, whole: Artifact, outline: Outline, source: BinaryIO) -> tuple[tuple[Segment, ...], int]:
        last = self.previous.segments if self.previous else ()
        number = self.previous.next_segment if self.previous else 1
        # Segments that were published stay, whatever became of the whole: their URLs are registered somewhere.
        if whole.xml.bytes <= self.rules.segment_max_bytes and not last:
            return (), number
        room = self.rules.segment_max_bytes - len(outline.head) - len(outline.tail)
        spans = [Span(segment.number, segment.low, segment.high) for segment in last]
        plans, number = plan(outline.ids, outline.sizes, room_bytes=room, spans=spans, next_number=number)
        if len(plans) == 1 and not last:
            return (), number
        known = {segment.number: segment.artifact for segment in last}
        cut = [(each.span, self._cut(each, outline, source, known.get(each.span.number))) for each in plans]
        return tuple(Segment(span.number, span.low, span.high, artifact) for span, artifact in cut), number

    def _cut(self, each: Plan, outline: Outline, source: BinaryIO, last: Artifact | None) -> Artifact:
        """One segment: the last build's where its content is equal and its files are there."""
        start, length = outline.extent(each.first, each.last)
        name, count = f"{self._token}.{each.span.number}.xml", each.last - each.first + 1
        generated = self.generated
        if last:
            content = blank_hash(outline.head)
            for block in self._watched(outline.framed(source, start, length)):
                content.update(block)
            if content.hexdigest() == last.content_sha256:
                if is_intact(self.storage, last):
                    return last
                generated = last.generated
        return self._writer.write(name, outline.head, outline.framed(source, start, length), generated, count)


@dataclass
class Outline:
    """Where things lie in the whole file: head, items in file order, tail. 16 bytes an item."""

    head: bytes = b""
    tail: bytes = b""
    ids: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))

    def note(self, piece: Piece) -> None:
        """Take in the piece after the head."""
        if piece.item_id is None:
            self.tail += piece.data
        elif self.ids and self.ids[-1] == piece.item_id:
            self.sizes[-1] += len(piece.data)
        else:
            self.ids.append(piece.item_id)
            self.sizes.append(len(piece.data))

    def extent(self, first: int, last: int) -> tuple[int, int]:
        """Offset and length of the items `first` to `last` in the whole file."""
        return len(self.head) + sum(self.sizes[:first]), sum(self.sizes[first : last + 1])

    def framed(self, source: BinaryIO, start: int, length: int) -> Iterator[bytes]:
        """The bytes that follow the head in a segment."""
        yield from blocks_of(source, start, length)
        yield self.tail


def sweep(storage: Storage, slug: str) -> list[str]:
    """Delete what killed builds left behind and what is out of force and grace; returns the names.

    Only for who holds the dataset's lease: a build in progress looks like a killed one.
    """
    entry = read_entry(storage, slug)
    kept = {f"{slug}/{INDEX}"}
    if entry:
        kept |= {file.name for file in entry.files()} | {retired.name for retired in entry.retired}
    gone = [found.name for found in storage.files(slug) if found.name not in kept]
    for name in gone:
        storage.delete(name)
    return gone


def _files(artifact: Artifact) -> tuple[File, File]:
    return artifact.xml, artifact.gzip
