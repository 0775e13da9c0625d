"""Secrets do not get into examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.masks import KEPT_CHARACTERS, masked


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ('"GET /x?token=s3cr3t&q=1 HTTP/1.1"', "s3cr3t"),
        ('"GET /x?q=1&access_token=s3cr3t HTTP/1.1"', "s3cr3t"),
        ('"GET /x?api_key=s3cr3t HTTP/1.1"', "s3cr3t"),
        ("password: s3cr3t next", "s3cr3t"),
        ('{"client_secret": "s3cr3t"}', "s3cr3t"),
        ("Authorization: Bearer s3cr3ts3cr3t", "s3cr3ts3cr3t"),
        ("postgres://rsr:s3cr3t@10.0.0.1/rsr", "s3cr3t"),
        ("mail to jane.doe+x@aid.example.org failed", "jane.doe"),
        ('"GET /u/jane%40example.org/ HTTP/1.1"', "jane%40"),
        ('203.0.113.7 - jane doe [02/Sep/2025:06:15:09 +0000] "GET / HTTP/1.1"', "jane doe"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc", "eyJzdWIi"),
        ('"GET /reset/Mw/c3k2ab9f8d9e1a2b3c4d5e6f7a8b9c0d1e2f3a4/ HTTP/1.1"', "9f8d9e1a2b3c4d5e"),
    ],
)
def test_a_secret_is_masked(line: str, secret: str) -> None:
    assert secret not in masked(line)
    assert secret not in masked(line.encode())


def test_what_an_example_is_for_stays() -> None:
    line = (
        '203.0.113.7 - - [02/Sep/2025:06:15:09 +0000] "GET /organisation/42/iati/?page=2 HTTP/1.1" 504 167 "-" "curl/8"'
    )
    assert masked(line) == line
    line = "Liveness probe failed with statuscode: 503; Container web exited with exit code: 137"
    assert masked(line) == line


def test_an_example_is_one_short_line_of_printable_text() -> None:
    text = masked(b"a\x00b\x1b[31mc\nd\xff" + b"x" * 10_000)
    assert text.isprintable()
    assert len(text) == KEPT_CHARACTERS
    assert text.startswith("a\\x00b\\x1b[31mc\\nd\\xff")


@given(st.binary(max_size=600))
def test_no_bytes_break_the_mask(data: bytes) -> None:
    text = masked(data)
    assert len(text) <= KEPT_CHARACTERS * 4
    assert text.isprintable()
