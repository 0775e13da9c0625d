"""Reading ahead: the same items in the same order, errors where they belong, and no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from floodmark.evidence.ahead import Ahead


def threads() -> int:
    return sum(one.name == "ahead" for one in threading.enumerate())


def test_items_come_in_their_order_and_all_of_them() -> None:
    with Ahead(iter(range(1000))) as items:
        assert list(items) == list(range(1000))
    assert threads() == 0


def test_an_error_comes_after_the_items_before_it() -> None:
    def failing() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("the third")

    with Ahead(failing()) as items:
        assert [next(items), next(items)] == [1, 2]
        with pytest.raises(ValueError, match="the third"):
            next(items)
    assert threads() == 0


def test_a_consumer_that_leaves_early_ends_the_thread_and_closes_what_was_read() -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 7
        finally:
            closed.set()

    with Ahead(endless()) as items:
        assert next(items) == 7
    assert closed.is_set()
    assert threads() == 0


def test_no_more_is_read_ahead_than_may_wait() -> None:
    read: list[int] = []

    def counted() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    with Ahead(counted(), depth=3) as items:
        assert next(items) == 0
        # one in hand, three waiting, one more on its way into the queue
        assert len(read) <= 5
