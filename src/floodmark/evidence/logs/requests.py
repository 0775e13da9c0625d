"""Requests read from any access log, many at once: parallel arrays over the bytes they were read from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from floodmark.evidence.nouns import Floats, Ints

NO_UPSTREAM = "-"
"""The `port` of a request that the proxy answered by itself."""

PROXY, INGRESS, RECORD, UWSGI, APPLICATION, BALANCER, LOST = 0, 1, 2, 3, 4, 5, 9
"""Ranks of sources that tell of the same requests: the lowest one met for a route is used. Of LOST ones only an error
log tells."""

HIDDEN_STATUSES = (400, 404, 405, 408, 410, 414)
"""Answers that do not show that a path exists."""

FAILED_STATUSES = (499, 502, 503, 504)

SPARE = 64
"""Bytes after those of a batch, so that looking a little past the end needs no care."""

Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]


MAX_SECONDS = 1e6
"""A request of more than eleven days is a mistake in the line."""

MAX_BYTES = 1e15
MAX_TIME = 7.3e9
"""The year 2201; log times are between 1970 and it."""


class Request(NamedTuple):
    """One request as a line tells it. `end` is in the lane's clock; what is not told is NaN, 0 or empty.

    port   the upstream's port, "" if not known, NO_UPSTREAM if there was none
    """

    line: int
    text: bytes
    end: float
    seconds: float
    status: int
    sent: float
    path: bytes
    address: bytes = b""
    agent: bytes = b""
    port: str = ""


class Spans(NamedTuple):
    """Places in the bytes of a batch: start and length of one field of every request."""

    start: Ints
    length: Ints


@dataclass(slots=True, eq=False)
class RequestBatch:
    """Requests in the order of the source. `port` indexes `ports`; `raw` ends with SPARE bytes of nothing."""

    raw: bytes
    line: Ints
    text: Spans
    end: Floats
    seconds: Floats
    status: Ints
    sent: Floats
    path: Spans
    address: Spans
    agent: Spans
    port: Ints
    ports: tuple[str, ...] = ("",)

    def __len__(self) -> int:
        return len(self.line)

    def cut(self, spans: Spans, index: int) -> bytes:
        """The bytes of one field of one request."""
        start = int(spans.start[index])
        return self.raw[start : start + int(spans.length[index])]


def batch_of(requests: Sequence[Request]) -> RequestBatch:
    """A batch of requests that were read one by one. Figures that no server writes become unknown."""
    fields = [piece for each in requests for piece in (each.text, each.path, each.address, each.agent)]
    length = np.array([len(piece) for piece in fields], np.int64)
    spans = [Spans(*pair) for pair in zip(_columns(np.cumsum(length) - length), _columns(length), strict=True)]
    ports = tuple(dict.fromkeys(request.port for request in requests)) or ("",)
    end, seconds, sent = (np.array(column, np.float64) for column in _figures(requests))
    status = np.array([each.status if 0 < each.status < 1000 else 0 for each in requests], np.int64)
    return RequestBatch(
        raw=b"".join(fields) + bytes(SPARE),
        line=np.array([request.line for request in requests], np.int64),
        text=spans[0],
        end=np.clip(end, 0.0, MAX_TIME),
        seconds=np.where((seconds >= 0) & (seconds <= MAX_SECONDS), seconds, np.nan),
        status=status,
        sent=np.clip(sent, 0.0, MAX_BYTES),
        path=spans[1],
        address=spans[2],
        agent=spans[3],
        port=np.array([ports.index(request.port) for request in requests], np.int64),
        ports=ports,
    )


def _columns(values: Ints) -> list[Ints]:
    """The four columns of values that stand in rows of four."""
    return list(values.reshape(-1, 4).T)


def _figures(requests: Sequence[Request]) -> tuple[list[float], list[float], list[float]]:
    return [each.end for each in requests], [each.seconds for each in requests], [each.sent for each in requests]


_SEED, _FACTOR = (np.frombuffer(os.urandom(16), np.uint64) | np.uint64(1)).tolist()
_KEEP = np.array([(1 << (8 * count)) - 1 for count in range(9)], np.uint64)
_HALF = np.uint64(32)


def words_of(raw: bytes) -> Words:
    """`raw` as overlapping little-endian words of 8 bytes, one at every place; it ends with SPARE bytes of nothing."""
    return np.ndarray((max(len(raw) - 8, 0),), np.dtype("<u8"), raw, 0, (1,))


def hashes(words: Words, spans: Spans, limit: int | None = None) -> Words:
    """A 64-bit hash of every span. The key is drawn anew for each process, so no client can aim at a collision.

    With a `limit` only that many bytes from the beginning, the last eight and the length decide.
    """
    start, length = spans.start, spans.length
    out = np.empty(len(start), np.uint64)
    rows: Ints | None = None
    state = (length.astype(np.uint64) ^ np.uint64(_SEED)) * np.uint64(_FACTOR)
    if limit is not None:
        last = words[start + np.maximum(length - 8, 0)] & _KEEP[np.minimum(length, 8)]
        state = (state ^ last) * np.uint64(_FACTOR)
        length = np.minimum(length, limit)
    offset = 0
    longest = int(length.max(initial=0))
    while offset < longest:
        rest = length - offset
        mixed = (state ^ (words[start + np.minimum(offset, length)] & _KEEP[np.clip(rest, 0, 8)])) * np.uint64(_FACTOR)
        state = np.where(rest > 0, mixed ^ (mixed >> _HALF), state)
        offset += 8
        going = length > offset
        # most fields are short: go on with the long ones only
        if offset < longest and np.count_nonzero(going) < 0.7 * len(going):
            _put(out, rows, state)
            rows = np.flatnonzero(going) if rows is None else rows[going]
            start, length, state = start[going], length[going], state[going]
    _put(out, rows, state)
    return out


def hash_of(data: bytes) -> int:
    """The hash of one piece of bytes, equal to that of a span with the same bytes."""
    spans = Spans(np.zeros(1, np.int64), np.array([len(data)], np.int64))
    return int(hashes(words_of(data + bytes(SPARE)), spans)[0])


def _put(out: Words, rows: Ints | None, state: Words) -> None:
    if rows is None:
        out[:] = state
    else:
        out[rows] = state


def holds(words: Words, spans: Spans, byte: int) -> NDArray[np.bool_]:
    """Whether a span holds a byte (the classic test for a zero byte in a word)."""
    ones, highs = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
    wanted = np.uint64(byte * 0x0101010101010101)
    found = np.zeros(len(spans.start), np.bool_)
    for offset in range(0, int(spans.length.max(initial=0)), 8):
        rest = np.clip(spans.length - offset, 0, 8)
        word = (words[spans.start + np.minimum(offset, spans.length)] ^ wanted) | ~_KEEP[rest]
        found |= ((word - ones) & ~word & highs) != 0
    return found
