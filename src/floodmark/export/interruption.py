"""Ctrl-C or SIGTERM in the middle of a query: the error of the transaction that could not be ended hides it."""

from __future__ import annotations


def raise_interruption(error: BaseException) -> None:
    """Raise the KeyboardInterrupt or SystemExit that `error` was raised in the wake of; return where there is none.

    psycopg leaves a connection that is busy when it comes, Django's rollback on it then fails, and what
    arrives is a database error like any other. Taken for one, it would be tried again, or told as a lost database.
    """
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, KeyboardInterrupt | SystemExit):
            raise one from None
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            waiting += [one.__cause__, one.__context__]
