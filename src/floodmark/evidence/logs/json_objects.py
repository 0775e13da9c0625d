"""The objects of a JSON text of any length, one at a time: of an array, of the `items` of a list, or one after another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from floodmark.errors import InputError

MAX_OBJECT_BYTES = 4 << 20
READ_BYTES = 1 << 18

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|["\[{}\n]', re.DOTALL)


def objects_in(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(number of its first line, bytes) of each object. One that is cut at the end is dropped.

    Raises InputError for an object of more than MAX_OBJECT_BYTES.
    """
    return _Scanner().run(stream)


class _Scanner:
    """Where in the text the reading is."""

    def __init__(self) -> None:
        self.rest = b""
        self.line = 1
        self.depth = 0
        self.base = 0
        self.begin: int | None = None
        self.began_at = 1
        self.word = b""

    def run(self, stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
        scanned = 0
        while piece := stream.read(READ_BYTES):
            self.rest += piece
            for token in _TOKENS.finditer(self.rest, scanned):
                if token[0] == b'"':  # a string that goes on in the next piece: what is in it are no tokens
                    break
                scanned = token.end()
                found = self._token(token[0], token.start(), scanned)
                if found is not None:
                    yield self.began_at, found
            # a string that is not closed yet is scanned again with what follows it
            opened = self.rest.find(b'"', scanned)
            scanned = opened if opened >= 0 else len(self.rest)
            keep = scanned if self.begin is None else self.begin
            if len(self.rest) - keep > MAX_OBJECT_BYTES:
                raise InputError(f"a JSON object of more than {MAX_OBJECT_BYTES} bytes", None, self.began_at)
            self.rest, scanned = self.rest[keep:], scanned - keep
            self.begin = None if self.begin is None else 0

    def _token(self, mark: bytes, start: int, stop: int) -> bytes | None:
        if mark == b"{":
            if self.depth == self.base:
                self.begin, self.began_at = start, self.line
            self.depth += 1
        elif mark == b"[":
            if self.depth == 1 and self.word == b'"items"':
                self.base, self.begin = 1, None
        elif mark == b"}":
            self.depth = max(self.depth - 1, 0)
            if self.depth == self.base and self.begin is not None:
                found, self.begin = self.rest[self.begin : stop], None
                return found
            self.base = min(self.base, self.depth)
        elif mark == b"\n":
            self.line += 1
        else:
            self.word = mark
        return None
