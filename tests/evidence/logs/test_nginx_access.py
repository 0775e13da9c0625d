"""Access lines: read exactly, the fast way and the slow way alike, and never fooled by what clients send."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from floodmark.evidence.logs import nginx_fast
from floodmark.evidence.logs.entries import Unreadable
from floodmark.evidence.logs.nginx_access import parse
from floodmark.evidence.logs.requests import NO_UPSTREAM, Request, RequestBatch

SECOND = 1_756_793_709.5  # the middle of 2025-09-02T06:15:09Z
LINE = '203.0.113.7 - - [02/Sep/2025:06:15:09 +0000] "GET /organisation/42/iati/ HTTP/1.1" 504 167 "-" "curl/8.5.0"'


def one(line: str) -> tuple[float, float, int, float, bytes, bytes, bytes, str]:
    """(end, seconds, status, sent, path, address, agent, port) of a line."""
    request = parse(line.encode(), 1)
    assert request is not None
    return told(request)


def told(request: Request) -> tuple[float, float, int, float, bytes, bytes, bytes, str]:
    took = -1.0 if math.isnan(request.seconds) else request.seconds
    return (
        request.end, took, request.status, request.sent, request.path, request.address, request.agent, request.port
    )  # fmt: skip


PATH, CLIENT, CURL = b"/organisation/42/iati/", b"203.0.113.7", b"curl/8.5.0"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (LINE, (SECOND, -1.0, 504, 167.0, PATH, CLIENT, CURL, "")),
        (LINE + ' "198.51.100.9, 10.0.0.1"', (SECOND, -1.0, 504, 167.0, PATH, CLIENT, CURL, "")),
        (LINE + " 60.001 60.000 0.000", (SECOND, 60.001, 504, 167.0, PATH, CLIENT, CURL, "")),
        (LINE + " 0.004 0.000, 0.003 -, 0.000", (SECOND, 0.004, 504, 167.0, PATH, CLIENT, CURL, "")),
        (LINE + " 0.006 0.002 : 0.000, 0.003 0.000 : -, 0.000", (SECOND, 0.006, 504, 167.0, PATH, CLIENT, CURL, "")),
        (LINE + " 0.000 - -", (SECOND, 0.0, 504, 167.0, PATH, CLIENT, CURL, NO_UPSTREAM)),
        (LINE + " 0.004 0.003 .", (SECOND, 0.004, 504, 167.0, PATH, CLIENT, CURL, "")),
        (LINE + " 0.004 0.003 p", (SECOND, 0.004, 504, 167.0, PATH, CLIENT, CURL, "")),
        (LINE + " 0.004", (SECOND, 0.004, 504, 167.0, PATH, CLIENT, CURL, "")),
        (LINE + " 0.004 0.003", (SECOND, 0.004, 504, 167.0, PATH, CLIENT, CURL, "")),
        (LINE + " 0.041213", (SECOND, 0.041213, 504, 167.0, PATH, CLIENT, CURL, "")),
        (
            LINE + " 345 1.204 [default-rsr-8000] [] 10.4.0.9:8000 512 1.203 504 4bd3a1f0",
            (SECOND, 1.204, 504, 167.0, PATH, CLIENT, CURL, "8000"),
        ),
        (
            LINE + " 345 1.204 [rsr] [] 10.4.0.8:8000, 10.4.0.9:8001 0, 512 0.003, 1.203 502, 504 4bd3a1f0",
            (SECOND, 1.204, 504, 167.0, PATH, CLIENT, CURL, "8001"),
        ),
        (LINE + ' rt=1.204 uct="0.000" uht="1.203" urt="1.203"', (SECOND, 1.204, 504, 167.0, PATH, CLIENT, CURL, "")),
        (LINE + ' rt=0.001 urt="-"', (SECOND, 0.001, 504, 167.0, PATH, CLIENT, CURL, NO_UPSTREAM)),
        (
            LINE + ' request_time=0.5 upstream_addr="10.0.0.1:9000"',
            (SECOND, 0.5, 504, 167.0, PATH, CLIENT, CURL, "9000"),
        ),
        (LINE.partition(' "-"')[0], (SECOND, -1.0, 504, 167.0, PATH, CLIENT, b"", "")),
        (LINE.replace("504", "499") + " 30.000 - -", (SECOND, 30.0, 499, 167.0, PATH, CLIENT, CURL, "")),
        (LINE.replace(" 167 ", " - "), (SECOND, -1.0, 504, 0.0, PATH, CLIENT, CURL, "")),
        (LINE.replace("06:15:09 +0000", "08:15:09 +0200"), (SECOND, -1.0, 504, 167.0, PATH, CLIENT, CURL, "")),
        (LINE.replace("06:15:09 +0000", "09:45:09 +0330"), (SECOND, -1.0, 504, 167.0, PATH, CLIENT, CURL, "")),
        ("rsr.example.org " + LINE, (SECOND, -1.0, 504, 167.0, PATH, CLIENT, CURL, "")),
        ("rsr.example.org:443 " + LINE, (SECOND, -1.0, 504, 167.0, PATH, CLIENT, CURL, "")),
        (LINE.replace("203.0.113.7", "2001:db8::7"), (SECOND, -1.0, 504, 167.0, PATH, b"2001:db8::7", CURL, "")),
        (LINE.replace("203.0.113.7", "unix:"), (SECOND, -1.0, 504, 167.0, PATH, b"unix:", CURL, "")),
        (LINE.replace("- - [", "- jane doe [x] [", 1), (SECOND, -1.0, 504, 167.0, PATH, CLIENT, CURL, "")),
        (
            LINE.replace("curl/8.5.0", 'a \\"quoted\\" client'),
            (SECOND, -1.0, 504, 167.0, PATH, CLIENT, b'a \\"quoted\\" client', ""),
        ),
    ],
)
def test_every_known_form_is_read(line: str, expected: tuple[object, ...]) -> None:
    assert one(line) == expected


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("GET /x HTTP/1.1", b"/x"),
        ("HEAD /x?y=1 HTTP/2.0", b"/x"),
        ("GET /x", b"/x"),
        ("GET /a b c HTTP/1.1", b"/a b c"),
        ("GET http://rsr.example.org/x?y HTTP/1.1", b"http://rsr.example.org/x"),
        ("OPTIONS * HTTP/1.1", b"*"),
        ("CONNECT rsr.example.org:443 HTTP/1.1", b"rsr.example.org:443"),
        ("PRI * HTTP/2.0", b"*"),
        ("", b""),
        ("-", b""),
        ("\\x16\\x03\\x01\\x02\\x00\\x01", b""),
        ("get /x HTTP/1.1", b""),
        ("GET /" + "x" * 8000 + " HTTP/1.1", b"/" + b"x" * 8000),
        ("GET /caf\\xC3\\xA9 HTTP/1.1", b"/caf\\xC3\\xA9"),
    ],
)
def test_the_path_of_every_kind_of_request(target: str, path: bytes) -> None:
    assert one(LINE.replace("GET /organisation/42/iati/ HTTP/1.1", target))[4] == path


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINE + " 0.004 0.000, 0.003 -", "differ in length"),
        (LINE + " 0.004 0.000, 0.003 - : 0.000", "differ in length"),
        (LINE + " 0.004 0.003 0.002 0.001", "no known format"),
        (LINE + " 4", "no known format"),
        (LINE + " 0.04 0.03", "no known format"),
        (LINE + " rt=fast", "no number"),
        (LINE + " something else", "no known format"),
        (LINE[:-1], "not those of an access line"),
        (LINE[:80], "not those of an access line"),
        (LINE.replace("504", "50"), "not those of an access line"),
        (LINE.replace("02/Sep", "32/Sep"), "no such time"),
        (LINE.replace("203.0.113.7 - - ", "- "), "no client address"),
    ],
)
def test_what_is_broken_is_refused_with_a_reason(line: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        parse(line.encode(), 1)


@pytest.mark.parametrize(
    "line", ["", "hello", '{"a": "b"}', "2025/09/02 06:15:09 [error] 31#31: x", '[02/Sep/2025] "x"']
)
def test_what_is_no_access_line_is_left_to_others(line: str) -> None:
    assert parse(line.encode(), 1) is None


def test_a_line_without_a_client_is_cut_where_others_have_one() -> None:
    with pytest.raises(Unreadable, match="ends before the client's name"):
        parse(LINE.partition(' "-"')[0].encode(), 1, short=False)


# ---------------------------------------------------------------- what a client can do


def escaped(text: bytes) -> str:
    """As nginx writes a variable: bytes below 0x20, quotes, backslashes, 0x7f and above as \\xHH."""
    return "".join(f"\\x{byte:02X}" if byte < 32 or byte in b'"\\' or byte >= 127 else chr(byte) for byte in text)


hostile = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([
        b'x" 200 1 "-" "-" 9.999 9.999 9.999', b'" 500 9 "-" "-"', b"\\", b'\\"', b"] \"GET /fake HTTP/1.1\" 200 1",
        b"[01/Jan/2020:00:00:00 +0000] \"GET /fake HTTP/1.1\" 200 1", b"\n203.0.113.9 - - [", b"\r\n\x00\x1b[31m", b"?", b" ", b"",
        b" - - [01/Jan/2020:00:00:00 +0000] ", b"HTTP/1.1", b" HTTP/1.1 HTTP/1.0",
    ]),
)  # fmt: skip


@settings(max_examples=300)
@given(user=hostile, path=hostile, referer=hostile, agent=hostile, took=st.integers(0, 10**6))
@example(user=b"[01/Jan/2020:00:00:00 +0000]", path=b'" 200 1', referer=b"", agent=b'" 0.001 0.001 0.001', took=1)
def test_no_client_can_fake_a_field_or_a_time(
    user: bytes, path: bytes, referer: bytes, agent: bytes, took: int
) -> None:
    line = (
        f'203.0.113.7 - {escaped(user) or "-"} [02/Sep/2025:06:15:09 +0000] "GET /{escaped(path)} HTTP/1.1" 504 167'
        f' "{escaped(referer) or "-"}" "{escaped(agent) or "-"}" {took / 1000:.3f} 1.000 0.000'
    )
    end, seconds, status, sent, _, address, _, port = one(line)
    assert (end, status, sent, address, port) == (SECOND, 504, 167.0, b"203.0.113.7", "")
    assert seconds == took / 1000


@settings(max_examples=300)
@given(path=st.text("abc/?=%41\\x\"' -", max_size=30), agent=st.text('abc" \\', max_size=20))
def test_unescaped_quotes_are_refused_or_read_right(path: str, agent: str) -> None:
    """escape=none lets a client write quotes: such a line may be refused, but its status and times stay nginx's."""
    line = LINE.replace("/organisation/42/iati/", f"/{path}").replace("curl/8.5.0", agent) + " 60.001 60.000 0.000"
    try:
        request = parse(line.encode(), 1)
    except Unreadable:
        return
    assert request is not None
    if '"' not in path and '"' not in agent:
        assert (request.status, request.seconds) == (504, 60.001)
    assert request.end == SECOND


# ---------------------------------------------------------------- the fast way and the slow way


def rows_of(batch: RequestBatch) -> dict[int, tuple[object, ...]]:
    found = {}
    for row in range(len(batch)):
        took = -1.0 if math.isnan(batch.seconds[row]) else float(batch.seconds[row])
        found[int(batch.line[row])] = (
            float(batch.end[row]), took, int(batch.status[row]), float(batch.sent[row]), batch.cut(batch.path, row),
            batch.cut(batch.address, row), batch.cut(batch.agent, row), batch.ports[int(batch.port[row])],
        )  # fmt: skip
    return found


def check_block(lines: list[bytes]) -> tuple[int, int]:
    """The fast reader agrees with the slow one on every line it takes; (lines taken, lines left)."""
    block = b"".join(line + b"\n" for line in lines)
    batch, rest = nginx_fast.parse_block(block, 1)
    fast = rows_of(batch)
    assert sorted([number - 1 for number in fast] + rest.tolist()) == list(range(len(lines)))
    for number, row in fast.items():
        request = parse(lines[number - 1], number)
        assert request is not None
        assert row == told(request)
        assert batch.cut(batch.text, list(fast).index(number)) == lines[number - 1]
    return len(fast), len(rest)


FAST = [
    LINE, LINE + ' "198.51.100.9"', LINE + " 60.001 60.000 0.000", LINE + " 0.000 - -", LINE + " 0.004 0.003 .",
    LINE + " 0.004", LINE + " 0.004 0.003", LINE + ' "-" 1.000 1.000 0.000', LINE.replace("GET", "OPTIONS"),
    LINE.replace("HTTP/1.1", "HTTP/2.0"), LINE.replace("curl/8.5.0", "-"), LINE.replace("- - [", "- jane doe [", 1),
    LINE.replace("203.0.113.7", "2001:db8:1:2:3:4:5:6"), LINE.replace("/iati/", "/iati/?page=2&q=%22"),
    LINE.replace("+0000", "+0330"), LINE.replace("504 167", "200 0"), LINE.replace('"-"', '"https://x.example/?a=\\x22"'),
    LINE.replace("504", "499") + " 30.000 - -",
]  # fmt: skip
SLOW = [
    "", "x", LINE[:80], LINE + " 0.004 0.000, 0.003 -, 0.000", LINE.replace("GET ", "BREW "), LINE + " 0.04 0.03 0.00",
    LINE.replace("curl/8.5.0", 'a \\"b\\" c'), LINE.replace("02/Sep/2025", "32/Sep/2025"), LINE.replace("GET /", "GET http://x/"),
    LINE.replace("203.0.113.7", "host 203.0.113.7"), LINE.replace(" 167 ", " - "), LINE.replace("curl", "cu\trl"),
    LINE.replace("HTTP/1.1", "HTTP/0.9x"), LINE.replace(" 167 ", " 1234567890123456 "), LINE + " ", LINE + '"',
    LINE.replace("06:15:09", "06:15:60"), LINE.replace("06:15:09", "06:1x:09"), LINE.replace('"curl/8.5.0"', '"curl\\"'),
]  # fmt: skip


def test_the_common_forms_are_read_the_fast_way() -> None:
    assert check_block([line.encode() for line in FAST]) == (len(FAST), 0)


def test_what_needs_care_is_handed_back() -> None:
    assert check_block([line.encode() for line in SLOW])[0] == 0


def test_fast_and_slow_lines_may_stand_in_any_order() -> None:
    mixed = [line.encode() for pair in zip(FAST, SLOW, strict=False) for line in pair]
    assert check_block(mixed) == (len(mixed) - min(len(FAST), len(SLOW)), min(len(FAST), len(SLOW)))


pieces = st.one_of(st.sampled_from([line.encode() for line in FAST + SLOW]), st.binary(max_size=80))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(pieces, st.integers(0, 200), st.binary(max_size=3)), max_size=12))
def test_lines_with_any_damage_are_read_alike_or_handed_back(damaged: list[tuple[bytes, int, bytes]]) -> None:
    lines = []
    for line, place, change in damaged:
        place = min(place, len(line))
        lines.append((line[:place] + change + line[place + len(change) :]).replace(b"\n", b"~"))
    block = b"".join(line + b"\n" for line in lines)
    batch, _ = nginx_fast.parse_block(block, 1)
    for number, row in rows_of(batch).items():
        request = parse(lines[number - 1], number)
        assert request is not None
        assert row == told(request)


@settings(max_examples=100, deadline=None)
@given(
    seconds=st.lists(st.integers(10**6, 2 * 10**9), min_size=1, max_size=8),
    east=st.integers(-48, 56),
    took=st.integers(0, 999_999_999),
    sent=st.integers(0, 10**12),
    status=st.integers(100, 599),
)
def test_what_is_written_is_read(seconds: list[int], east: int, took: int, sent: int, status: int) -> None:
    from datetime import UTC, datetime, timedelta, timezone

    zone = timezone(timedelta(minutes=15 * east))
    lines = [
        (
            f'10.0.0.1 - - [{datetime.fromtimestamp(at, UTC).astimezone(zone):%d/%b/%Y:%H:%M:%S %z}] "GET /p/{at} HTTP/1.1"'
            f' {status} {sent} "-" "x" {took // 1000}.{took % 1000:03d} 0.001 0.000'
        ).encode()
        for at in seconds
    ]
    batch, rest = nginx_fast.parse_block(b"".join(line + b"\n" for line in lines), 1)
    assert len(rest) == 0
    assert batch.end.tolist() == [at + 0.5 for at in seconds]
    assert np.allclose(batch.seconds, took / 1000, rtol=0, atol=1e-9)
    assert set(batch.sent.tolist()) == {float(sent)}
    assert set(batch.status.tolist()) == {status}
