"""The common forms of an access line, a whole block of lines at once.

A line is taken here only if every byte that decides stands where `nginx_access.parse` would find it, so both give the
same request (a test holds them together); all other lines of the block are handed back to be read one by one.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from floodmark.evidence.logs import times
from floodmark.evidence.logs.requests import NO_UPSTREAM, SPARE, Bytes, RequestBatch, Spans, Words, holds, words_of
from floodmark.evidence.nouns import Floats, Ints

Mask = NDArray[np.bool_]

_LF, _QUOTE, _QUESTION, _SPACE, _DASH, _DOT, _BACKSLASH = 10, 34, 63, 32, 45, 46, 92
_MARKS = bytes(byte < 32 or byte in (_QUOTE, _QUESTION) for byte in range(256))
_TENS = 10 ** np.arange(16, dtype=np.int64)
_KEEP = [np.uint64((1 << (8 * count)) - 1) for count in range(9)]
_METHODS = (b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"PATCH", b"OPTIONS")
_VERSIONS = (b" HTTP/1.", b" HTTP/2.")
_MAX_ADDRESS = 45
MAX_WHOLE_DIGITS = 6
"""Digits of a request time before its dot: up to eleven days."""


def word(text: bytes) -> np.uint64:
    """Up to 8 bytes as the word that `words_of` gives for them."""
    return np.uint64(int.from_bytes(text.ljust(8, b"\0"), "little"))


class Lines(NamedTuple):
    """The lines of a block that have six or eight quotes and no control characters: places of what divides them."""

    row: Ints
    start: Ints
    end: Ints
    quote: tuple[Ints, ...]
    question: Ints


def parse_block(block: bytes, first_line: int) -> tuple[RequestBatch, Ints]:
    """(the requests of the lines that were read, the rows that were not), rows counted from 0.

    `block` holds whole lines, each with its end.
    """
    raw = block + bytes(SPARE)
    data = np.frombuffer(raw, np.uint8)
    words = words_of(raw)
    rows, groups = _split(block, data)
    batch = _joined(*(_read(lines, data, words, raw, first_line) for lines in groups))
    missing = np.ones(rows, np.bool_)
    missing[batch.line - first_line] = False
    return batch, np.flatnonzero(missing)


def _split(block: bytes, data: Bytes) -> tuple[int, list[Lines]]:
    # translate marks all bytes that divide or spoil a line in one pass of C: quotes, line ends, the rest of the controls
    marks = np.flatnonzero(np.frombuffer(block.translate(_MARKS), np.bool_))
    value = data[marks]
    is_end, is_quote, is_question = value == _LF, value == _QUOTE, value == _QUESTION
    ends = marks[is_end]
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1)) if len(ends) else ends
    quotes = marks[is_quote]
    quotes_before = np.cumsum(is_quote)[is_end]
    counts = np.diff(quotes_before, prepend=0)
    clean = np.diff(np.cumsum(~(is_end | is_quote | is_question))[is_end], prepend=0) == 0
    questions = np.append(marks[is_question], len(block))
    questions_before = np.cumsum(is_question)[is_quote]
    groups = []
    # six quotes: combined and its tails; eight: main with $http_x_forwarded_for. All others go to the exact parser
    for count in (6, 8):
        row = np.flatnonzero((counts == count) & clean)
        first = quotes_before[row] - count
        quote = tuple(quotes[first + index] for index in range(count))
        groups.append(
            Lines(row, starts[row], ends[row], quote, questions[questions_before[first]] if len(row) else row)
        )
    return len(ends), groups


def _read(lines: Lines, data: Bytes, words: Words, raw: bytes, first_line: int) -> RequestBatch:
    q1, q2, q3, q4, q5, q6 = lines.quote[:6]
    good = (data[q1 - 29] == ord("[")) & (data[q1 - 2] == ord("]")) & (data[q1 - 1] == _SPACE)
    # 35 bytes are the shortest "a - - [02/Sep/2025:06:15:09 +0000] "; places before the line's start belong to the line before
    good &= (lines.start <= q1 - 35) & (data[q4 + 1] == _SPACE) & (q5 == q4 + 2) & (q2 - q1 > 14)
    good &= (data[q2 + 1] == _SPACE) & (data[q2 + 5] == _SPACE) & (data[q3 - 1] == _SPACE)
    if len(lines.quote) == 8:
        good &= (data[q6 + 1] == _SPACE) & (lines.quote[6] == q6 + 2)
    # gunicorn and Apache write \" inside of a field, so that a quote after a backslash closes nothing
    for closing in lines.quote[3::2]:
        good &= data[closing - 1] != _BACKSLASH
    end, dated = _times(q1, good, words, raw)
    address, named = _address(lines.start, q1, data)
    status, status_read = _digits(data, q2 + 5, np.full(len(q1), 3))
    sent, sent_read = _digits(data, q3 - 1, q3 - q2 - 7)
    path, target_read = _target(q1, q2, lines.question, data, words)
    seconds, port, tail_read = _tail(data, lines.quote[-1] + 1, lines.end)
    good &= dated & named & status_read & sent_read & target_read & tail_read
    good[good] = ~holds(words, _chosen(address, good), _SPACE)
    # the client gave up: the application may be at work on it all the same, as nginx_access says
    port[status == 499] = 0
    agent = Spans(q5 + 1, np.where((q6 == q5 + 2) & (data[q5 + 1] == _DASH), 0, q6 - q5 - 1))
    batch = RequestBatch(
        raw, lines.row + first_line, Spans(lines.start, lines.end - lines.start), end + 0.5, seconds, status,
        sent.astype(np.float64), path, address, agent, port, ("", NO_UPSTREAM),
    )  # fmt: skip
    return batch if good.all() else _part(batch, good)


def _chosen(spans: Spans, rows: Mask | Ints) -> Spans:
    return Spans(spans.start[rows], spans.length[rows])


def _part(batch: RequestBatch, rows: Mask | Ints) -> RequestBatch:
    return RequestBatch(
        batch.raw, batch.line[rows], _chosen(batch.text, rows), batch.end[rows], batch.seconds[rows],
        batch.status[rows], batch.sent[rows], _chosen(batch.path, rows), _chosen(batch.address, rows),
        _chosen(batch.agent, rows), batch.port[rows], batch.ports,
    )  # fmt: skip


def _joined(first: RequestBatch, second: RequestBatch) -> RequestBatch:
    """Two batches over the same bytes as one, in the order of the lines."""
    if not len(second):
        return first
    if not len(first):
        return second

    def both(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate((a, b))

    def spans(a: Spans, b: Spans) -> Spans:
        return Spans(both(a.start, b.start), both(a.length, b.length))

    whole = RequestBatch(
        first.raw, both(first.line, second.line), spans(first.text, second.text), both(first.end, second.end),
        both(first.seconds, second.seconds), both(first.status, second.status), both(first.sent, second.sent),
        spans(first.path, second.path), spans(first.address, second.address), spans(first.agent, second.agent),
        both(first.port, second.port), first.ports,
    )  # fmt: skip
    return _part(whole, np.argsort(whole.line))


def _times(quote: Ints, good: Mask, words: Words, raw: bytes) -> tuple[Floats, Mask]:
    """The end of every request; date, minute and zone are read once for each run of lines that share them."""
    if not len(quote):
        return np.empty(0), np.empty(0, np.bool_)
    place = np.where(good, quote, 29)
    parts = (words[place - 28], words[place - 20], words[place - 12] & _NO_SECOND, words[place - 10] & _ONLY_ZONE)
    # a busy log has hundreds of lines a minute: only the first of each run is parsed as a date
    new = np.ones(len(quote), np.bool_)
    new[1:] = np.logical_or.reduce([part[1:] != part[:-1] for part in parts])
    heads = np.flatnonzero(new)
    minutes = np.array(
        [_minute(raw, at) if fine else math.nan for at, fine in zip(place[heads].tolist(), good[heads], strict=True)]
    )
    second, second_read = _digits(np.frombuffer(raw, np.uint8), place - 8, np.full(len(quote), 2))
    end = minutes[np.cumsum(new) - 1] + second
    return end, second_read & (second < 60) & ~np.isnan(end)


_NO_SECOND = np.uint64(0xFFFFFFFF0000FFFF)
_ONLY_ZONE = np.uint64(0xFFFFFFFFFFFF0000)


def _minute(raw: bytes, quote: int) -> float:
    try:
        return float(times.common(raw[quote - 28 : quote - 10] + b"00" + raw[quote - 8 : quote - 2])[0])
    except ValueError:
        return math.nan


def _address(start: Ints, quote: Ints, data: Bytes) -> tuple[Spans, Mask]:
    """The first word of `address - name [time`; the name is `-` or anything."""
    stop = quote - 34
    plain = (data[stop] == _SPACE) & (data[stop + 1] == _DASH) & (data[stop + 2] == _SPACE) & (data[stop + 3] == _DASH)
    plain &= data[stop + 4] == _SPACE
    named = np.flatnonzero(~plain)
    if len(named):
        stop = stop.copy()
        stop[named] = start[named] + _MAX_ADDRESS
        for offset in range(_MAX_ADDRESS, 0, -1):
            here = start[named] + offset
            stop[named] = np.where(data[np.minimum(here, len(data) - 1)] == _SPACE, here, stop[named])
        place = np.minimum(stop[named], len(data) - 3)
        plain[named] = (data[place + 1] == _DASH) & (data[place + 2] == _SPACE) & (place + 3 <= quote[named] - 30)
    return Spans(start, np.maximum(stop - start, 0)), plain


def _digits(data: Bytes, stop: Ints, length: Ints) -> tuple[Ints, Mask]:
    """The numbers of `length` digits that end before `stop`, and whether they are numbers of 1 to 15 digits."""
    value = np.zeros(len(stop), np.int64)
    read = (length >= 1) & (length <= 15)
    for index in range(min(int(length.max(initial=0)), 15)):
        digit = data[stop - 1 - index].astype(np.int64) - 48
        inside = length > index
        read &= ((digit >= 0) & (digit <= 9)) | ~inside
        value += np.where(inside, digit, 0) * _TENS[index]
    return value, read


def _target(opening: Ints, closing: Ints, question: Ints, data: Bytes, words: Words) -> tuple[Spans, Mask]:
    """The path of `GET /path?query HTTP/1.1`."""
    first, last = words[opening + 1], words[closing - 9]
    size = np.zeros(len(opening), np.int64)
    for method in _METHODS:
        size[(first & _KEEP[len(method) + 1]) == word(method + b" ")] = len(method)
    version = np.logical_or.reduce([last == word(text) for text in _VERSIONS])
    start = opening + size + 2
    length = np.minimum(closing - 9, question) - start
    digit = data[closing - 1]
    read = (size > 0) & version & (digit >= 48) & (digit <= 57) & (length >= 1) & (data[start] == ord("/"))
    return Spans(start, np.maximum(length, 0)), read


def _tail(data: Bytes, start: Ints, stop: Ints) -> tuple[Floats, Ints, Mask]:
    """(request time, 1 where there was no upstream, whether it was read): nothing, or one to three words."""
    none = start == stop
    dot, first, timed = _decimal(data, start)
    one = timed & (first == stop)
    _, second, answered = _decimal(data, first)
    dash = (data[first] == _SPACE) & (data[first + 1] == _DASH)
    second = np.where(dash, first + 2, second)
    answered |= dash
    two = timed & answered & (second == stop)
    _, third, connected = _decimal(data, second)
    letter = data[second + 1]
    single = (data[second] == _SPACE) & ((letter == _DASH) | (letter == _DOT) | (letter == ord("p")))
    third = np.where(single, second + 2, third)
    three = timed & answered & (connected | single) & (third == stop)
    seconds = np.where(none, np.nan, _thousandths(data, dot) / 1000)
    return seconds, (dash & ~none & ~one).astype(np.int64), none | one | two | three


def _decimal(data: Bytes, start: Ints) -> tuple[Ints, Ints, Mask]:
    """(place of the dot, end, whether it is one) of ` 60.001` at `start`: up to six digits, a dot, three digits."""
    dot = start + 2
    # nearly all requests take less than ten seconds: only the others are searched for their dot
    longer = np.flatnonzero(data[dot] != _DOT)
    whole = _is_digit(data[start + 1])
    for offset in range(3, MAX_WHOLE_DIGITS + 2):
        if not len(longer):
            break
        dot[longer] = start[longer] + offset
        whole[longer] &= _is_digit(data[start[longer] + offset - 1])
        longer = longer[data[dot[longer]] != _DOT]
    whole[longer] = False
    three = _is_digit(data[dot + 1]) & _is_digit(data[dot + 2]) & _is_digit(data[dot + 3])
    return dot, dot + 4, whole & three & (data[start] == _SPACE)


def _is_digit(byte: Bytes) -> Mask:
    # below "0" the difference wraps around to more than nine
    return (byte - np.uint8(48)) <= 9


def _thousandths(data: Bytes, dot: Ints) -> Ints:
    """The number around a dot, in thousandths; it begins at the digit after the last blank before it."""
    value = np.zeros(len(dot), np.int64)
    for place, factor in ((-1, 1000), (1, 100), (2, 10), (3, 1)):
        value += (data[dot + place].astype(np.int64) - 48) * factor
    rows = np.flatnonzero(data[dot - 2] != _SPACE)
    for digit in range(2, MAX_WHOLE_DIGITS + 1):
        value[rows] += (data[dot[rows] - digit].astype(np.int64) - 48) * 10 ** (digit + 2)
        rows = rows[data[dot[rows] - digit - 1] != _SPACE]
    return value
