"""Lines that stand in two files: a copy taken while a log went on, an hour exported twice, the same file packed and not.

Two files overlap only if the later one begins with a run of lines that the earlier one has in the same order; single
equal lines prove nothing, as a proxy writes the same line many times a second. Where they do, a line of the later file
is dropped as often as the earlier one has it. Only lines that can lie in an overlap are remembered, 8 bytes each.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from floodmark.errors import InputError
from floodmark.evidence.logs.requests import SPARE, Spans, Words, hashes, words_of
from floodmark.evidence.logs.times import first_in
from floodmark.evidence.nouns import Ints
from floodmark.evidence.sources import FileSource

MAX_REMEMBERED_LINES = 4_000_000
RUN_LINES = 64
MIN_RUN = 6
ANCHORS_TRIED = 4
SAME_FILE_BYTES = 64_000
SLACK_SECONDS = 5.0


MET_BITS = 24
"""Bits of a line's hash by which a pool knows that it never met the line: 16 MB, where there are many files."""

FEW_RUNS = 8


@dataclass(slots=True)
class Pool:
    """What is remembered of the files of one kind: hashes in the order of each file, and the latest time in them.

    Runs of many small files are joined (0 stands between them), and `met` tells at once that a line is in none:
    comparing each of 100,000 files with each other one took hours.
    """

    runs: list[Words] = field(default_factory=list)
    lines: int = 0
    last: float = float("-inf")
    full: bool = False
    met: NDArray[np.bool_] | None = None

    def remember(self, run: Words) -> None:
        """The lines of one more file, in their order."""
        self.runs.append(run)
        if self.met is not None:
            self.met[_slot(run)] = True
        elif len(self.runs) > FEW_RUNS:
            self.met = np.zeros(1 << MET_BITS, np.bool_)
            for each in self.runs:
                self.met[_slot(each)] = True
        while len(self.runs) > FEW_RUNS and len(self.runs[-1]) * 2 > len(self.runs[-2]):
            last, before = self.runs.pop(), self.runs.pop()
            self.runs.append(np.concatenate((before, np.zeros(1, np.uint64), last)))

    def may_have(self, line: np.uint64) -> bool:
        """False where the line is in none of the files for sure."""
        return self.met is None or bool(self.met[_slot(line)])


def _slot(lines: Words | np.uint64) -> Any:
    return lines >> np.uint64(64 - MET_BITS)


@dataclass(slots=True)
class Expected:
    """A file that will be read: its kind of content, and the first time in it."""

    path: str
    kind: str
    first: float | None


class OverlapBook:
    """Finds repeated lines between files that are read one after the other."""

    def __init__(self, expected: Sequence[Expected] = ()) -> None:
        self._expected = {each.path: each for each in expected}
        self._unread: dict[str, list[tuple[float, str]]] = {}
        for each in expected:
            if each.first is not None:
                heapq.heappush(self._unread.setdefault(each.kind, []), (each.first, each.path))
        self._read: set[str] = set()
        self._pools: dict[str, Pool] = {}

    def blocks(self, source: FileSource) -> Iterator[tuple[int, bytes, int]]:
        """(first line, whole lines, how many of them were emptied as repeated) of a source."""
        me = self._expected.pop(source.path, None)
        self._read.add(source.path)
        # lines without a time cannot be put beside others; equal ones may be honest repeats
        if me is None or me.first is None:
            yield from ((first, block, 0) for first, block in source.blocks())
            return
        pool = self._pools.setdefault(me.kind, Pool())
        yield from self._watched(source, me, pool, self._next(me.kind) - SLACK_SECONDS)

    def _next(self, kind: str) -> float:
        """The earliest time in the files of a kind that are still to be read."""
        unread = self._unread.get(kind, [])
        while unread and unread[0][1] in self._read:
            heapq.heappop(unread)
        return unread[0][0] if unread else float("inf")

    def _watched(
        self, source: FileSource, me: Expected, pool: Pool, keep_from: float
    ) -> Iterator[tuple[int, bytes, int]]:
        begun = me.first is not None and me.first <= pool.last + SLACK_SECONDS and bool(pool.runs)
        drop: _Drop | None = None
        kept: list[Words] = []
        newest = float("-inf")
        for first, block in source.blocks():
            newest = max(newest, _last_time(block) or float("-inf"))
            remember = newest >= keep_from and not pool.full
            repeated = 0
            if begun or drop is not None or remember:
                spans, lines = lines_of(block)
                if begun:
                    drop, begun = _overlap(pool, lines), False
                if drop is not None:
                    block, repeated = drop.emptied(block, spans, lines)
                if remember:
                    kept.append(lines)
                    self._account(pool, len(lines), source)
            yield first, block, repeated
        if sum(map(len, kept)) >= MIN_RUN and not pool.full:
            pool.remember(np.concatenate(kept))
        pool.last = max(pool.last, newest)

    def _account(self, pool: Pool, lines: int, source: FileSource) -> None:
        pool.lines += lines
        if pool.lines > MAX_REMEMBERED_LINES:
            pool.full = True
            pool.runs.clear()
            source.remark(f"more than {MAX_REMEMBERED_LINES} lines: repeats in later files were not looked for")


class _Drop:
    """The lines that a file may repeat, and how often."""

    def __init__(self, runs: Sequence[Words]) -> None:
        self._known, self._left = np.unique(np.concatenate(runs), return_counts=True)

    def emptied(self, block: bytes, spans: Spans, lines: Words) -> tuple[bytes, int]:
        """The block with repeated lines emptied, so that the others keep their numbers."""
        # as often as the earlier file has a line and no more: a proxy writes equal lines within a second
        distinct, inverse, count = np.unique(lines, return_inverse=True, return_counts=True)
        place = np.minimum(np.searchsorted(self._known, distinct), len(self._known) - 1)
        left = np.where(self._known[place] == distinct, self._left[place], 0)
        order = np.argsort(inverse, kind="stable")
        rank = np.empty(len(lines), np.int64)
        rank[order] = np.arange(len(lines)) - np.repeat(np.cumsum(count) - count, count)
        repeated = np.flatnonzero((rank < left[inverse]) & (spans.length > 0))
        hit = self._known[place] == distinct
        self._left[place[hit]] -= np.minimum(count, left)[hit]
        if not len(repeated):
            return block, 0
        gone = np.zeros(len(lines), np.bool_)
        gone[repeated] = True
        pieces = block.split(b"\n")
        return b"\n".join(b"" if row < len(gone) and gone[row] else piece for row, piece in enumerate(pieces)), len(
            repeated
        )


def _overlap(pool: Pool, lines: Words) -> _Drop | None:
    """What to drop, if one of the first lines begins a run that stands in an earlier file as well."""
    anchors = [offset for offset in range(min(ANCHORS_TRIED, len(lines))) if pool.may_have(lines[offset])]
    for run in pool.runs:
        for offset in anchors:
            if _same_run(run, lines[offset : offset + RUN_LINES]):
                return _Drop(pool.runs)
    return None


def _same_run(run: Words, begin: Words) -> bool:
    for start in np.flatnonzero(run == begin[0]).tolist():
        size = min(len(run) - start, len(begin))
        if (
            size >= MIN_RUN
            and len(np.unique(begin[:size])) >= 3
            and bool((run[start : start + size] == begin[:size]).all())
        ):
            return True
    return False


def lines_of(block: bytes) -> tuple[Spans, Words]:
    """The places of a block's lines, and a hash of each."""
    data = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(data == 10)
    if not block.endswith(b"\n"):
        ends = np.append(ends, len(block))
    starts: Ints = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1)) if len(ends) else ends
    spans = Spans(starts, ends - starts)
    return spans, hashes(words_of(block + bytes(SPARE)), spans)


def _last_time(block: bytes) -> float | None:
    end = len(block) - 1 if block.endswith(b"\n") else len(block)
    # the last lines may be a traceback or cut: a few steps back there is one with a time
    for _ in range(5):
        start = block.rfind(b"\n", 0, max(end, 0)) + 1
        found = first_in(block[start : min(end, start + 2000)])
        if found is not None or start == 0:
            return found
        end = start - 1
    return None


def same_files(files: Sequence[FileSource]) -> dict[str, str]:
    """Path -> path of an earlier file with the same content, told by size and CRC-32 of what is inside."""
    by_size: dict[int, list[FileSource]] = {}
    for source in files:
        size = _size_inside(source)
        if size >= SAME_FILE_BYTES:
            by_size.setdefault(size, []).append(source)
    same: dict[str, str] = {}
    for group in by_size.values():
        seen: dict[int, str] = {}
        for source in group if len(group) > 1 else []:
            crc = _crc(source)
            if crc is not None:
                first = seen.setdefault(crc, source.path)
                if first != source.path:
                    same[source.path] = first
    return same


def _size_inside(source: FileSource) -> int:
    """Bytes after decompression: of gzip as its trailer says it (modulo 2**32), of other files as they are."""
    try:
        with open(source.file, "rb") as file:
            if file.read(2) != b"\x1f\x8b":
                return source.size
            # the trailer of gzip holds the size inside: no need to unpack to see that two files differ
            file.seek(-4, 2)
            return int.from_bytes(file.read(4), "little")
    except OSError:
        return 0


def _crc(source: FileSource) -> int | None:
    crc = 0
    try:
        with source.stream() as stream:
            while piece := stream.read(1 << 20):
                crc = zlib.crc32(piece, crc)
    except (InputError, OSError):
        return None
    return crc
