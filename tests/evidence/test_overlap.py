"""Lines that stand in two files are counted once, and only those."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from typing import Any

import pytest

LOOK = Callable[[Any], Any]


def access(first: int, last: int, client: str = "10.0.0.1") -> str:
    return "".join(
        f'{client} - - [02/Sep/2025:06:{n // 60 % 60:02d}:{n % 60:02d} +0000] "GET /p/{n}/ HTTP/1.1" 200 {n} "-" "curl"'
        f" 0.00{n % 10} 0.001 0.000\n"
        for n in range(first, last)
    )


def proxy(seconds: range, seed: int) -> str:
    """Lines of which many are equal, even within a second."""
    chance = random.Random(seed)
    words = ('New connection for "p:r:db"', "Client closed local connection on 127.0.0.1:5432")
    return "".join(
        f"2025/09/02 06:{n // 60 % 60:02d}:{n % 60:02d} {chance.choice(words)}\n"
        for n in seconds
        for _ in range(chance.randint(1, 4))
    )


def test_the_end_of_one_file_again_at_the_begin_of_the_next_is_dropped(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"log.1": access(0, 1000), "log": access(900, 1500)}))
    assert seen.dose("/p/{id}/").starts.sum() == 1500
    assert (seen.source("log.1").records, seen.source("log").records) == (1000, 500)
    assert seen.source("log").duplicates == 100


def test_equal_lines_of_a_busy_proxy_are_not_taken_for_repeats(gathered: Any, look: LOOK) -> None:
    older, newer = proxy(range(900), 1), proxy(range(899, 1500), 2)
    seen = look(gathered({"proxy.log.1": older, "proxy.log": newer}))
    assert seen.source("proxy.log").duplicates == 0
    assert seen.source("proxy.log").records == newer.count("\n")


def test_an_overlap_of_a_busy_proxy_is_dropped_line_by_line(gathered: Any, look: LOOK) -> None:
    whole = proxy(range(1500), 3).splitlines(keepends=True)
    seen = look(gathered({"proxy.log.1": "".join(whole[:2000]), "proxy.log": "".join(whole[1800:])}))
    assert seen.source("proxy.log").duplicates == 200
    assert sum(seen.tally("connection-open").values()) == sum("New" in line for line in whole)


def test_two_replicas_are_two(gathered: Any, look: LOOK) -> None:
    files = {"pod-a/proxy.log": proxy(range(900), 4), "pod-b/proxy.log": proxy(range(900), 5)}
    seen = look(gathered(files))
    assert [seen.source(path).duplicates for path in files] == [0, 0]
    seen = look(gathered({"a/log": access(0, 500), "b/log": access(0, 500, "10.0.0.2")}))
    assert seen.dose("/p/{id}/").starts.sum() == 1000


def test_a_file_and_its_packed_copy_are_one(gathered: Any, look: LOOK) -> None:
    text = access(0, 1000)
    seen = look(gathered({"access.log.1": text, "access.log.1.gz": text}))
    assert seen.dose("/p/{id}/").starts.sum() == 1000
    (copy,) = [row for row in seen.evidence.sources if row.kind == "duplicate"]
    assert copy.remark.startswith("the same content as access.log.1")


def test_a_short_copy_under_another_name_is_one_too(gathered: Any, look: LOOK) -> None:
    text = access(0, 100)
    seen = look(gathered({"a/access.log": text, "b/saved.txt": text}))
    assert seen.dose("/p/{id}/").starts.sum() == 100
    assert sum(row.duplicates for row in seen.evidence.sources) == 100


def test_the_same_line_twice_in_one_file_is_two_requests(gathered: Any, look: LOOK) -> None:
    line = access(0, 1)
    seen = look(gathered({"log": line * 3 + access(1, 5)}))
    assert seen.dose("/p/{id}/").starts.sum() == 7


def test_repeats_keep_the_numbers_of_the_lines_after_them(gathered: Any, look: LOOK) -> None:
    later = access(950, 1000) + "what is this\n" + access(1000, 1010)
    seen = look(gathered({"log.1": access(0, 1000), "log": later}))
    assert [(example.line, example.text) for example in seen.source("log").examples] == [(51, "what is this")]


@pytest.mark.parametrize("split", [1, 333, 998])
def test_a_log_cut_anywhere_with_some_lines_in_both_halves_is_whole(gathered: Any, look: LOOK, split: int) -> None:
    lines = access(0, 1000).splitlines(keepends=True)
    files = {"log.1": "".join(lines[: split + 1]), "log": "".join(lines[max(split - 40, 0) :])}
    seen = look(gathered(files))
    expected = 1000 if split > 6 else 1000 + split + 1 - max(split - 40, 0)
    assert seen.dose("/p/{id}/").starts.sum() == expected


def test_members_packed_in_pieces_are_the_same_file(gathered: Any, look: LOOK) -> None:
    text = access(0, 1000).encode()
    packed = gzip.compress(text[:4000]) + gzip.compress(text[4000:])
    seen = look(gathered({"a.log": text, "b.log": packed}))
    assert seen.dose("/p/{id}/").starts.sum() == 1000
