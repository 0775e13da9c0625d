"""PostgreSQL opened read-only; the server enforces it, in one of two ways.

Directly, every transaction of the session is read-only by `default_transaction_read_only`, given as the session opens.
A transaction pooler refuses that (`unsupported startup parameter`), and setting it later would make sessions read-only
that other programs share. There each statement or atomic block gets a transaction of its own, begun as READ ONLY.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, IsolationLevel, OperationalError
from psycopg.pq import TransactionStatus

READ_ONLY = "-c default_transaction_read_only=on"
REFUSED = "unsupported startup parameter"


def open_read_only(parameters: dict[str, Any]) -> tuple[Connection[Any], bool]:
    """A read-only connection, and whether its transactions must be begun by us (True behind a pooler).

    Raises psycopg.OperationalError where the server cannot be reached.
    """
    given = parameters.get("options", "")
    try:
        return Connection.connect(**{**parameters, "options": f"{given} {READ_ONLY}".strip()}), False
    except OperationalError as error:
        if REFUSED not in str(error):
            raise
    connection: Connection[Any] = Connection.connect(**parameters)
    connection.read_only = True
    return connection, True


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL backend on such a connection."""

    display_name = "PostgreSQL, read-only"
    _by_transaction = False

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        """Open it, and see to the transactions where the session may not be told once for all."""
        connection, self._by_transaction = open_read_only(conn_params)
        self.isolation_level = IsolationLevel.READ_COMMITTED
        if self._by_transaction and self._in_its_own_transaction not in self.execute_wrappers:
            self.execute_wrappers.append(self._in_its_own_transaction)
        return connection

    def init_connection_state(self) -> None:
        """Django's, and no transaction left open by it."""
        super().init_connection_state()
        self._end_transaction()

    def is_usable(self) -> bool:
        """Django's, and no transaction left open by it."""
        usable = super().is_usable()
        if usable:
            self._end_transaction()
        return usable

    def _set_autocommit(self, autocommit: bool) -> None:
        if not self._by_transaction:
            super()._set_autocommit(autocommit)  # type: ignore[misc]  # the stubs do not know it

    def _in_its_own_transaction(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        """Run one statement; outside of an atomic block its transaction ends with it."""
        try:
            return execute(*arguments)
        finally:
            self._end_transaction()

    def _end_transaction(self) -> None:
        if self._by_transaction and not self.in_atomic_block and self.connection is not None:
            if self.connection.info.transaction_status == TransactionStatus.INERROR:
                self.connection.rollback()
            elif self.connection.info.transaction_status == TransactionStatus.INTRANS:
                self.connection.commit()
