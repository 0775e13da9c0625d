"""Whoever interrupts a command in the middle of a query has interrupted it: no second try, no lost database."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from django.db import OperationalError, connections

from floodmark.errors import SourceError
from floodmark.export.interruption import raise_interruption
from floodmark.export.rows.database import Database


def in_the_wake_of(cause: BaseException) -> OperationalError:
    try:
        try:
            raise cause
        finally:
            raise OperationalError("can't change 'autocommit' now")
    except OperationalError as error:
        return error


@pytest.mark.parametrize("cause", [KeyboardInterrupt(), SystemExit(143)])
def test_an_interruption_is_found_behind_the_error_that_hid_it(cause) -> None:
    with pytest.raises(type(cause)):
        raise_interruption(in_the_wake_of(cause))


def test_any_other_error_stays_what_it_is() -> None:
    raise_interruption(in_the_wake_of(ValueError("a row")))
    raise_interruption(OperationalError("gone"))


def test_ctrl_c_during_a_query_is_no_reason_to_ask_again(sample_database) -> None:
    rows = Database(patience_s=20.0)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        rows.snapshot(lambda fetch: fetch("SELECT pg_sleep(10)", []))
    timer.join()
    assert rows.snapshots == 1
    connections["default"].close()


def test_a_rollback_that_fails_after_an_interruption_hides_it_from_nobody(sample_database) -> None:
    rows = Database(patience_s=20.0)

    def read(fetch):
        connections["default"].connection.close()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rows.snapshot(read)
    connections["default"].close()


def test_a_database_that_is_gone_without_an_interruption_is_told(sample_database) -> None:
    def read(fetch):
        connections["default"].connection.close()
        return fetch("SELECT 1", [])

    with pytest.raises(SourceError, match="the database cannot be read"):
        Database(patience_s=0.0).snapshot(read)
