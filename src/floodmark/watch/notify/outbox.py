"""The outbox: a message is written down before it is sent, and crossed out after. So none is lost, none goes twice.

An endpoint that is down for an hour gets what it missed, in order, once. A message is given up after
`give_up_seconds`, or at once where the endpoint says that it will never take it. What was not delivered, and why, stands
on the page of alerts.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from floodmark.watch.notify.http import DeliveryError
from floodmark.watch.notify.message import Message
from floodmark.watch.notify.messengers import Messenger
from floodmark.watch.state import State

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often delivery is tried, and how much may wait."""

    first_retry_seconds: float = 5.0
    longest_retry_seconds: float = 300.0
    give_up_seconds: float = 86_400.0
    max_waiting: int = 10_000
    keep_delivered_seconds: float = 7 * 86_400.0


class Outbox:
    """Messages waiting for each messenger."""

    def __init__(self, state: State, messengers: Sequence[Messenger], patience: Patience) -> None:
        self.state, self.messengers, self.patience = state, messengers, patience

    def put(self, message: Message, database: sqlite3.Connection) -> None:
        """Write the message down for every messenger, in the transaction of the caller; the same key changes nothing.

        The caller's own change (this alert was told) and the message stand or fall together.
        """
        body = json.dumps(asdict(message))
        database.executemany(
            "insert or ignore into outbox (key, messenger, message, created, due) values (?, ?, ?, ?, ?)",
            [(message.key, one.name, body, message.at, message.at) for one in self.messengers],
        )
        # When nothing can be delivered for days, the newest say more than the oldest.
        database.execute(
            "update outbox set failed = 'too many waiting' where delivered is null and failed is null and id <="
            " (select max(id) from outbox) - ?",
            (self.patience.max_waiting * max(len(self.messengers), 1),),
        )

    def deliver(self, now: float) -> int:
        """Send what is due, in order; returns how many got through. After a failure its messenger waits."""
        return sum(self._deliver_for(messenger, now) for messenger in self.messengers)

    def waiting(self) -> int:
        """How many deliveries are still to be made."""
        (row,) = self.state.rows("select count(*) from outbox where delivered is null and failed is null")
        return int(row[0])

    def prune(self, now: float) -> None:
        """Forget what was delivered or given up long ago."""
        with self.state.changes() as database:
            database.execute(
                "delete from outbox where (delivered is not null or failed is not null) and created < ?",
                (now - self.patience.keep_delivered_seconds,),
            )

    def _deliver_for(self, messenger: Messenger, now: float) -> int:
        rows = self.state.rows(
            "select * from outbox where messenger = ? and delivered is null and failed is null order by id limit 100",
            messenger.name,
        )
        sent = 0
        for row in rows:
            # In order: what waits behind one that is not yet due waits with it. One that is due later than any wait
            # is from a clock that was set back since: it must not wait until that time comes again.
            waits = now < row["due"] <= now + self.patience.longest_retry_seconds
            if waits or not self._attempt(messenger, row["id"], row["message"], row["attempts"], now):
                break
            sent += 1
        return sent

    def _attempt(self, messenger: Messenger, number: int, body: str, attempts: int, now: float) -> bool:
        message = Message(**json.loads(body))
        try:
            messenger.send(message)
        except DeliveryError as error:
            log.warning("message %s not delivered: %s", message.title, error)
            given_up = error.final or now - message.at > self.patience.give_up_seconds
            self._put_off(number, attempts, now, str(error), given_up=given_up)
            return given_up
        with self.state.changes() as database:
            database.execute("update outbox set delivered = ?, attempts = attempts + 1 where id = ?", (now, number))
        return True

    def _put_off(self, number: int, attempts: int, now: float, problem: str, *, given_up: bool) -> None:
        wait = min(self.patience.first_retry_seconds * 2.0 ** min(attempts, 30), self.patience.longest_retry_seconds)
        with self.state.changes() as database:
            database.execute(
                "update outbox set attempts = attempts + 1, due = ?, problem = ?, failed = ? where id = ?",
                (now + wait, problem, problem if given_up else None, number),
            )
