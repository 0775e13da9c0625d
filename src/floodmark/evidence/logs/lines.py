"""Files of lines: what is wrapped around them is taken off, and each goes to the format that knows it.

Formats may change from line to line (a container writes nginx's two logs into one stream, gunicorn's two into another);
the one that took the last line is asked first. What none knows belongs to the record before it if it looks like it, and
is rejected otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

from floodmark.evidence.ahead import Ahead
from floodmark.evidence.logs import nginx_fast, times
from floodmark.evidence.logs.access import Access, rank_of
from floodmark.evidence.logs.access_custom import UNITLESS, CustomAccess, usable, usual_format, written_so
from floodmark.evidence.logs.application import Application
from floodmark.evidence.logs.cloudsql import CloudSql
from floodmark.evidence.logs.django_q import DjangoQ
from floodmark.evidence.logs.entries import Entry, Unreadable
from floodmark.evidence.logs.formats import LineFormat
from floodmark.evidence.logs.gunicorn import GunicornError
from floodmark.evidence.logs.nginx_access import TIME_BYTES
from floodmark.evidence.logs.nginx_error import NginxError
from floodmark.evidence.logs.postgres import Postgres
from floodmark.evidence.logs.request_records import RequestRecords
from floodmark.evidence.logs.requests import RequestBatch
from floodmark.evidence.logs.system import System
from floodmark.evidence.logs.tasks import TaskBook
from floodmark.evidence.logs.times import first_in
from floodmark.evidence.logs.uwsgi import Uwsgi
from floodmark.evidence.logs.wrappers import MAX_DEPTH, WRAPPERS, Syslog, Wrapper
from floodmark.evidence.nouns import Ints
from floodmark.evidence.overlap import OverlapBook
from floodmark.evidence.readers import Head, Sink, Source
from floodmark.evidence.sinks import SourceSink
from floodmark.evidence.sinks_lines import LineSink
from floodmark.evidence.sources import BLOCK_BYTES, FileSource, ends_in

SAMPLED_LINES = 300
MAX_FOLLOWING = 500
"""Lines of one traceback."""

ZONES_SAMPLED = 64
YEAR_HALF = 182 * 86_400
FOREIGN_NAMED = 6
"""Programs of a machine's log that are named though nothing of them was read."""

_FOLLOWS = re.compile(
    rb"[\t ]|Traceback \(most recent call last\)|File \"|During handling of the above|The above exception was"
    rb"|[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning|Timeout|DoesNotExist)(?::|$| )|\^+$|\}|\]|\)"
)
_TRACEBACK = b"Traceback (most recent call last)"


def formats(stated: Sequence[str] = ()) -> tuple[LineFormat, ...]:
    """One of each, for one stream; those that tell of tasks share what they know of them.

    `stated` are formats of access lines that somebody states: they come before the usual ones if they differ from them.
    """
    tasks = TaskBook()
    access: tuple[LineFormat, ...] = (CustomAccess(), Access()) if usable(stated) else (Access(), CustomAccess())
    return (
        *access, NginxError(), GunicornError(), CloudSql(), DjangoQ(tasks), Uwsgi(), Postgres(), RequestRecords(),
        Application(tasks), System(),
    )  # fmt: skip


MATCHERS: tuple[tuple[str, Callable[[bytes], bool]], ...] = tuple((each.kind, each.matches) for each in formats())


class Stream:
    """The lines of one stream on their way to their formats."""

    def __init__(self, sink: LineSink) -> None:
        self.sink = sink
        self.kinds: Counter[str] = Counter()
        self.programs: set[str] = set()
        self.foreign: Counter[str] = Counter()
        """Programs of which no line was known -> how many lines they wrote."""

        self._formats = list(formats([*sink.ledger.access_formats, *sink.row.access_formats]))
        self._last: LineFormat | None = None
        self._following = 0
        self._in_traceback = False

    @property
    def access(self) -> Access:
        """The format of access lines of this stream."""
        return next(each for each in self._formats if isinstance(each, Access))

    def feed(self, entry: Entry, cut: bool = False) -> None:
        """Read one line."""
        row = self.sink.row
        if not entry.data.strip():
            row.blank += 1
            return
        try:
            taken = self._take(entry)
        except Unreadable as reason:
            self._in_traceback = False
            self.sink.reject(entry.line, "cut off at the end of the file" if cut else str(reason), entry.data)
            return
        if taken is not None:
            if not isinstance(taken, System):  # of what kernel and systemd say most is no evidence
                self.programs.add(entry.program)
            self._last, self._following, self._in_traceback = taken, 0, _TRACEBACK in entry.data
            self.kinds[taken.kind] += 1
            row.records += 1
        elif self._follows(entry):
            self._following += 1
            row.continued += 1
        elif entry.program and entry.program not in self.programs:
            # of everything that runs on a machine most is nobody's evidence: sshd is not a format that was misread
            self.foreign[entry.program] += 1
        else:
            self.sink.reject(entry.line, "cut off at the end of the file" if cut else "no known format", entry.data)

    def _take(self, entry: Entry) -> LineFormat | None:
        for index, each in enumerate(self._formats):
            if each.feed(entry, self.sink):
                if index:
                    # the format of the last line first: most streams have one, and asking all takes 4 microseconds a line
                    self._formats.insert(0, self._formats.pop(index))
                return each
        return None

    def _follows(self, entry: Entry) -> bool:
        if entry.part:
            return True
        if self._last is None or self._following >= MAX_FOLLOWING:
            return False
        if entry.data.startswith(_TRACEBACK):
            self._in_traceback = True
        if not self._in_traceback and not _FOLLOWS.match(entry.data):
            return False
        self._last.follow(entry, self.sink)
        return True

    def took_batch(self, batch: RequestBatch, rank: int) -> None:
        """Access lines that were read all at once."""
        self.sink.took(batch, _zones(batch), rank)
        self.access.had_full_lines()
        self.kinds[self.access.kind] += len(batch)
        self.sink.row.records += len(batch)
        self._last = self.access

    def finish(self) -> None:
        """The stream has ended."""
        for each in sorted(self._formats, key=lambda each: each.kind):
            each.finish(self.sink)
        self.sink.finish()


class Streams:
    """All streams of one source, made as they are met."""

    def __init__(self, sink: SourceSink) -> None:
        self.sink = sink
        self.streams: dict[tuple[str | None, str | None, str], Stream] = {}

    def of(self, entry: Entry) -> Stream:
        """The stream an entry belongs to."""
        key = (entry.service, entry.instance, entry.stream)
        stream = self.streams.get(key)
        if stream is None:
            name = "/".join(part for part in (entry.instance, entry.service, entry.stream) if part)
            service = entry.service or self.sink.row.service
            stream = self.streams[key] = Stream(LineSink(self.sink, name, service, entry.instance))
        return stream

    def feed(self, entry: Entry, size: int, cut: bool = False) -> None:
        """Read one entry; `size` is what it takes in the file."""
        stream = self.of(entry)
        stream.feed(entry, cut)
        stream.sink.volume(size)

    def finish(self) -> None:
        """All of them have ended: settle what they are."""
        kinds: Counter[str] = Counter()
        foreign: Counter[str] = Counter()
        for _, stream in sorted(self.streams.items(), key=lambda item: tuple(map(str, item[0]))):
            stream.finish()
            kinds.update(stream.kinds)
            foreign.update(stream.foreign)
            if stream.sink.service:
                services = self.sink.row.services
                services[stream.sink.service] = services.get(stream.sink.service, 0) + sum(stream.kinds.values())
        if foreign:
            most_of = sorted(foreign, key=lambda name: (-foreign[name], name))
            told = ", ".join(f"{name} ({foreign[name]})" for name in most_of[:FOREIGN_NAMED])
            more = f" and {len(most_of) - FOREIGN_NAMED} more" if len(most_of) > FOREIGN_NAMED else ""
            self.sink.remark(f"lines of other programs were not read: {told}{more}")
        if kinds:
            most = max(sorted(kinds), key=lambda kind: kinds[kind])
            self.sink.row.kind = most
            others = sorted(kind for kind in kinds if kind != most)
            if others:
                self.sink.remark("also lines of " + ", ".join(f"{kind} ({kinds[kind]})" for kind in others))


def _zones(batch: RequestBatch) -> Counter[int]:
    """Seconds east of UTC -> lines that state it. All lines are asked only where a sample of them does not agree."""
    size = len(batch)
    sample = Counter(_east(batch, row) for row in range(0, size, max(size // ZONES_SAMPLED, 1)))
    if len(sample) > 1:
        return Counter(_east(batch, row) for row in range(size))
    return Counter(dict.fromkeys(sample, size))


def _east(batch: RequestBatch, row: int) -> int:
    line = batch.cut(batch.text, row)
    quote = line.find(b'"')
    return times.common(line[quote - TIME_BYTES : quote - 2])[1]


def content_kind(lines: Sequence[bytes]) -> str:
    """What most of these lines are: the format of most, or the wrapper around most."""
    found: Counter[str] = Counter()
    for line in lines[:SAMPLED_LINES]:
        kind = next((kind for kind, matches in MATCHERS if matches(line)), None)
        if kind:
            found[kind] += 1
    return max(sorted(found), key=lambda kind: found[kind]) if found else "wrapped"


def wrapping(lines: Sequence[bytes]) -> list[type[Wrapper]]:
    """Which wrappers most of these lines have around them, from the outside in."""
    chain: list[type[Wrapper]] = []
    entries = [Entry(number, line) for number, line in enumerate(lines) if line.strip()]
    while entries and len(chain) < MAX_DEPTH:
        plain = sum(any(matches(entry.data) for _, matches in MATCHERS) for entry in entries)
        counts = [(sum(each.matches(entry.data) for entry in entries), each) for each in WRAPPERS]
        best, wrapper = max(counts, key=lambda pair: pair[0])
        # a format with free text before its time knows lines of syslog too, but not whose they are
        if best <= len(entries) / 2 or (plain > len(entries) / 2 and wrapper is not Syslog):
            break
        chain.append(wrapper)
        peeler = wrapper()
        peeled = [peeler.peel(entry) for entry in entries]
        entries = [entry for entry in peeled if entry is not None]
    return chain


class LogReader:
    """Any file of log lines."""

    kind = "log"

    def recognise(self, head: Head) -> float:
        """The share of lines that a format knows, or that a wrapper is around."""
        lines = [line for line in head.lines[:SAMPLED_LINES] if line.strip()]
        if not lines:
            return 0.0
        chain = wrapping(lines)
        peeled = _peel_all(chain, [Entry(number, line) for number, line in enumerate(lines)])
        known = follows = 0
        for entry in peeled:
            if any(matches(entry.data) for _, matches in MATCHERS):
                known += 1
            elif known and _FOLLOWS.match(entry.data):
                follows += 1
        if not known:
            return 0.4 if chain else 0.0
        share = known / max(len(peeled) - follows, 1)
        return 0.3 + 0.65 * share

    def read(self, source: Source, sink: Sink) -> None:
        """Read the whole source."""
        assert isinstance(sink, SourceSink)
        assert isinstance(source, FileSource)
        streams = Streams(sink)
        head = source.head().lines[:SAMPLED_LINES]
        sink.row.kind = content_kind(head)
        chain = [wrapper() for wrapper in wrapping(head)]
        for each in chain:
            if isinstance(each, Syslog):
                each.written = _written(source.modified, head)
        if chain:
            sink.remark("wrapped: " + ", ".join(wrapper.name for wrapper in chain))
            peeled = _peel_all(map(type, chain), [Entry(number, line) for number, line in enumerate(head, 1)])
            _in_usual_format([entry.data for entry in peeled], sink)
            _read_wrapped(source, chain, streams)
        else:
            own = written_so(sink.ledger.access_formats, head) or _in_usual_format(head, sink)
            _read_plain(source, streams, None if own else rank_of(list(head)))
        streams.finish()


def _written(modified: float | None, head: Sequence[bytes]) -> float | None:
    """When a file may have been written at the latest: copies get new times, so a date in its first lines goes before."""
    dated = next((at for line in head if (at := first_in(line[:2000])) is not None), None)
    known = [at for at in (modified, None if dated is None else dated + YEAR_HALF) if at]
    return min(known, default=None)


def _in_usual_format(head: Sequence[bytes], sink: SourceSink) -> bool:
    """Whether a file is in one of the formats that need no saying; the sink then knows it."""
    if content_kind(head) != Access.kind or (written := usual_format(head)) is None:
        return False
    sink.row.access_formats += (written,)
    if written in UNITLESS:
        sink.remark("the number after the client's name has no unit, so durations are not known: --access-format tells")
    return True


def _peel_all(chain: Iterable[type[Wrapper]], entries: list[Entry]) -> list[Entry]:
    for wrapper in chain:
        peeler = wrapper()
        entries = [peeled for entry in entries if (peeled := peeler.peel(entry)) is not None]
    return entries


def _read_wrapped(source: FileSource, chain: Sequence[Wrapper], streams: Streams) -> None:
    for first, block in _new_blocks(source, streams.sink):
        pieces = block.split(b"\n")
        if not pieces[-1]:
            pieces.pop()
        for number, data in enumerate(pieces, first):
            entry: Entry | None = Entry(number, data)
            for wrapper in chain:
                entry = wrapper.peel(entry) if entry is not None else None
            if entry is not None:
                streams.feed(entry, len(data) + 1, cut=number == source.cut_line)


def _new_blocks(source: FileSource, sink: SourceSink) -> Iterator[tuple[int, bytes]]:
    """Blocks without the lines that an earlier file has as well: those are empty."""
    for first, block, repeated in sink.ledger.overlaps.blocks(source):
        _repeated(sink, repeated)
        yield first, block


def _repeated(sink: SourceSink, lines: int) -> None:
    sink.duplicate(lines)
    sink.row.blank -= lines


class Parsed(NamedTuple):
    """A block, what was read of it at once, the rows that were not, and what stands after its last whole line."""

    first: int
    block: bytes
    repeated: int
    batch: RequestBatch | None
    rest: Ints | None
    tail: bytes


def _parsed_blocks(source: FileSource, overlaps: OverlapBook, fast: bool) -> Generator[Parsed]:
    for first, block, repeated in overlaps.blocks(source):
        whole = block.rfind(b"\n") + 1
        tail = block[whole:]
        block = block[:whole] if tail else block
        batch, rest = nginx_fast.parse_block(block, first) if fast and block else (None, None)
        yield Parsed(first, block, repeated, batch, rest, tail)


def _read_plain(source: FileSource, streams: Streams, rank: int | None) -> None:
    """Lines without a wrapper: access lines in whole blocks, all others one by one.

    `rank` says whose access lines these are, None that they are in a format of their own.
    """
    stream = streams.of(Entry(0, b""))
    if rank is not None:
        stream.access.decide(rank)
    parsing = _parsed_blocks(source, streams.sink.ledger.overlaps, rank is not None)
    # a thread for each of 100,000 small files took four fifths of the time, and there is nothing ahead of one block
    with Ahead(parsing) if source.size > BLOCK_BYTES // 4 else closing(parsing) as blocks:
        for parsed in blocks:
            _repeated(streams.sink, parsed.repeated)
            _feed_block(stream, parsed, rank)


def _feed_block(stream: Stream, parsed: Parsed, rank: int | None) -> None:
    if parsed.batch is not None and rank is not None and len(parsed.batch):
        stream.took_batch(parsed.batch, rank)
    if parsed.rest is None or len(parsed.rest):
        lines = parsed.block.split(b"\n")
        rows = range(len(lines) - 1) if parsed.rest is None else parsed.rest.tolist()
        for row in rows:
            stream.feed(Entry(parsed.first + row, lines[row]))
            stream.sink.volume(len(lines[row]) + 1)
    if parsed.tail:
        number = parsed.first + ends_in(parsed.block)
        stream.feed(Entry(number, parsed.tail), cut=True)
        stream.sink.volume(len(parsed.tail))
