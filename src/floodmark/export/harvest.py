"""From a harvester's headers and a stored artifact to the answer: encoding, validators, ranges, one block at a time.

The rules are those of RFC 9110. HEAD and GET get the same headers from the index entry; a HEAD opens no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

from floodmark.errors import FloodmarkError
from floodmark.export.artifacts.entry import Artifact, Encoding
from floodmark.export.artifacts.shelf import Shelf
from floodmark.export.middleware import note

# Not text/xml, as RSR says: without a charset Python's requests takes that for Latin-1.
XML = "application/xml; charset=utf-8"
BLOCK_BYTES = 1 << 16

# No more digits than any file needs: int() of a header full of them takes its square in time.
_RANGE = re.compile(r"bytes=\s*(\d{0,15})-(\d{0,15})\s*", re.ASCII | re.IGNORECASE)
_QUALITY = re.compile(r"q=(\d(?:\.\d{0,3})?)", re.IGNORECASE)


def encoding_for(accept: str | None) -> Encoding:
    """The content encoding for an Accept-Encoding header: gzip where the client likes it at least as well as none."""
    if not accept:
        return "identity"
    likes: dict[str, float] = {}
    for word in accept.lower().split(","):
        name, _, parameters = word.strip().partition(";")
        quality = _QUALITY.search(parameters)
        likes[name.strip()] = min(float(quality[1]), 1.0) if quality else 1.0
    gzip = likes.get("gzip", likes.get("x-gzip", likes.get("*", 0.0)))
    # Not named, identity is acceptable but never preferred.
    identity = likes.get("identity", 0.0)
    return "gzip" if gzip > 0 and gzip >= identity else "identity"


def range_of(header: str | None, length: int) -> tuple[int, int] | None:
    """Offset and length that a Range header asks for; None for the whole (no range, several, or none that is one).

    Raises IndexError for a range outside the file.
    """
    # Several ranges would need a multipart body, which no harvester, curl -C or wget -c asks for; RFC 9110 allows the whole.
    found = _RANGE.fullmatch(header or "")
    if not found or found[1] == found[2] == "":
        return None
    if found[1] == "":
        wanted = int(found[2])
        if wanted == 0 or length == 0:
            raise IndexError
        return max(0, length - wanted), min(wanted, length)
    start, end = int(found[1]), int(found[2] or length)
    if found[2] and end < start:
        return None
    if start >= length:
        raise IndexError
    return start, min(end + 1, length) - start


class Body(Iterator[bytes]):
    """`length` bytes of an open file, a block at a time. A file that ends before raises: a short body must not pass."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self.file, self.left = file, length

    def __next__(self) -> bytes:
        if self.left <= 0:
            raise StopIteration
        block = self.file.read(min(BLOCK_BYTES, self.left))
        if not block:
            raise FloodmarkError(f"a stored file ended {self.left} bytes before its recorded length")
        self.left -= len(block)
        return block

    def close(self) -> None:
        """Close the file; Django calls this when the response is closed."""
        self.file.close()


def serve(request: HttpRequest, shelf: Shelf, artifact: Artifact) -> HttpResponseBase | None:
    """The answer to a GET or HEAD of an artifact; None where its files are gone."""
    encoding = encoding_for(request.headers.get("Accept-Encoding"))
    # Found out before the headers: a HEAD must say what the GET after it will do.
    if encoding == "gzip" and not shelf.has(artifact, "gzip"):
        encoding = "identity"
    if encoding == "identity" and not shelf.has(artifact, "identity"):
        return None
    length = artifact.file(encoding).bytes
    plain = HttpResponse(content_type=XML, headers=headers_of(artifact, encoding))
    answer = get_conditional_response(
        # Django compares as RFC 9110 has it: If-None-Match weakly and before If-Modified-Since, If-Match strongly.
        request,
        etag=artifact.etag(encoding),
        last_modified=int(artifact.generated.timestamp()),
        response=plain,
    )
    note(request, outcome="stored", encoding=encoding)
    if answer is not None and answer is not plain:
        note(request, outcome="unchanged" if answer.status_code == 304 else "precondition")
        return answer
    # A range is defined for GET alone (RFC 9110, 14.2).
    if request.method == "HEAD":
        return plain
    try:
        wanted = range_of(request.headers.get("Range"), length) if _range_holds(request, artifact, encoding) else None
    except IndexError:
        return _unsatisfiable(length)
    return _body(shelf, artifact, encoding, plain, wanted)


def headers_of(artifact: Artifact, encoding: Encoding) -> dict[str, str]:
    """The headers of HEAD and GET alike, but for Content-Type."""
    headers = {
        # D-Portal compares it with the size it has and fetches anew where it is missing; without one a cut body passes.
        "Content-Length": str(artifact.file(encoding).bytes),
        "ETag": artifact.etag(encoding),
        # On HEAD and GET both: with one alone the bulk service raises, and fetches everything in every cycle.
        "Last-Modified": artifact.last_modified,
        "Accept-Ranges": "bytes",
        "Vary": "Accept-Encoding",
        # A cache may keep it and must ask each time, which costs a 304: how long content stays nobody can promise.
        "Cache-Control": "public, no-cache",
    }
    return headers if encoding == "identity" else {**headers, "Content-Encoding": encoding}


def _range_holds(request: HttpRequest, artifact: Artifact, encoding: Encoding) -> bool:
    """Whether If-Range, where there is one, names exactly what we have."""
    # A weak tag never holds here (RFC 9110, 13.1.5): parts of two files that are merely alike must not be joined.
    condition = request.headers.get("If-Range")
    return condition is None or condition.strip() in (artifact.etag(encoding), artifact.last_modified)


def _unsatisfiable(length: int) -> HttpResponse:
    return HttpResponse(
        f"The range lies outside the file of {length} bytes.\n",
        status=416,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Range": f"bytes */{length}", "Vary": "Accept-Encoding"},
    )


def _body(
    shelf: Shelf, artifact: Artifact, encoding: Encoding, plain: HttpResponse, wanted: tuple[int, int] | None
) -> HttpResponseBase | None:
    file = shelf.reader(artifact, encoding)
    if file is None:
        return None
    length = artifact.file(encoding).bytes
    start, count = wanted or (0, length)
    file.seek(start)
    response = StreamingHttpResponse(Body(file, count), headers=plain.headers)
    if wanted:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{start + count - 1}/{length}"
        response.headers["Content-Length"] = str(count)
    return response
