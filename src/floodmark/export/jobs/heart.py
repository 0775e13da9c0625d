"""A worker's heartbeat: a thread that says we live, renews the leases in hand, and stops a build that hangs."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import Error as DatabaseError
from django.db import connection
from django.db.models.functions import Now

from floodmark.export.jobs.lease import Held, LeaseLost
from floodmark.export.models import WorkerState
from floodmark.export.process import resident_bytes

log = logging.getLogger("floodmark.jobs")

STALLED = 70
"""Exit status of a worker that stopped itself because its job hung."""


class Stopped(Exception):
    """The job in hand must end now and be put back: the worker is to stop, or has lost its lease."""


class Heart:
    """Beats every `every_s` seconds from `start` to `stop`; `progress` is what the job in hand calls as it goes on."""

    def __init__(self, worker_id: str, family: str, *, every_s: float, dead_s: float, stall_s: float) -> None:
        self.worker_id, self.family = worker_id, family
        self.every_s, self.dead_s, self.stall_s = every_s, dead_s, stall_s
        self.doing = ""
        self.done_bytes = 0
        self._held: list[Held] = []
        self._moved = time.monotonic()
        self._stop_worker: str | None = None
        self._stop_job: str | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> None:
        """Register the worker, and begin to beat."""
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """The last beat; the worker is gone from the table afterwards, if the database answers."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            WorkerState.objects.filter(worker_id=self.worker_id).delete()
        except DatabaseError as error:
            log.warning("the database does not answer; others will notice that this worker has gone: %s", _line(error))

    def ask_to_stop(self, reason: str) -> None:
        """Let the job in hand end at its next progress, and the worker after it."""
        self._stop_worker = reason

    @property
    def stopping(self) -> bool:
        """Whether somebody asked."""
        return self._stop_worker is not None

    def progress(self, count: int) -> None:
        """So many bytes more. Raises Stopped where the job must end."""
        self.done_bytes += count
        self._moved = time.monotonic()
        reason = self._stop_worker or self._stop_job
        if reason:
            raise Stopped(reason)

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """While the block runs it must make progress at least every `stall_s` seconds."""
        self.doing, self.done_bytes, self._moved, self._stop_job = what, 0, time.monotonic(), None
        try:
            yield
        finally:
            self.doing = ""

    @contextmanager
    def holding(self, lease: Held) -> Iterator[None]:
        """While the block runs the lease is renewed; it is let go at the end."""
        self._held.append(lease)
        try:
            yield
        finally:
            self._held.remove(lease)
            try:
                lease.release()
            except DatabaseError as error:
                log.warning("%s: not let go, it will run out: %s", lease.name, _line(error))

    def _run(self) -> None:
        try:
            while not self._end.wait(self.every_s):
                self._die_if_stalled()
                try:
                    self._beat()
                except DatabaseError as error:
                    # The lease may run out meanwhile; whoever builds asks once more before the result comes into force.
                    log.warning("no heartbeat, the database does not answer: %s", _line(error))
                    connection.close()
        finally:
            connection.close()

    def _beat(self) -> None:
        resident = resident_bytes()
        until = Now() + timedelta(seconds=self.dead_s)
        facts = {"until": until, "resident_mb": resident / 1e6 if resident else None, "doing": self.doing}
        # Made anew where another has buried us in error: then at least it sees that we live.
        if not WorkerState.objects.filter(worker_id=self.worker_id).update(**facts):
            WorkerState.objects.create(worker_id=self.worker_id, family=self.family, **facts)
        # A copy: the main thread takes and lets go of leases meanwhile.
        for lease in list(self._held):
            try:
                lease.renew()
            except LeaseLost as error:
                if lease in self._held:
                    self._stop_job = str(error)

    def _die_if_stalled(self) -> None:
        if self.doing and time.monotonic() - self._moved > self.stall_s:
            log.error(
                "%s: nothing was written for %.0f s; this worker stops, another will try", self.doing, self.stall_s
            )
            # The main thread hangs, so nothing gentler would be heard. Half-written files are swept by the next build.
            os._exit(STALLED)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
