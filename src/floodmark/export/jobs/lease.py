"""Leases: one holder at a time, for as long as it renews. Times are the database's, so clocks may differ."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now

from floodmark.errors import FloodmarkError
from floodmark.export.models import Lease

PAUSE_S = 0.5


class LeaseLost(FloodmarkError):
    """Somebody else holds the lease now; what was done under it must not come into force."""


@dataclass(frozen=True, slots=True)
class Held:
    """A lease in hand. `token` rises with each holder, so that a late one is told from the present one."""

    name: str
    token: int
    seconds: float

    def renew(self) -> None:
        """Hold it for the same time again. Raises LeaseLost."""
        mine = Lease.objects.filter(name=self.name, token=self.token, until__isnull=False)
        if not mine.update(until=Now() + timedelta(seconds=self.seconds)):
            raise LeaseLost(f"{self.name}: another worker has taken over")

    def confirm(self) -> None:
        """Renew it, waiting for a database that restarts for as long as the lease may last. Raises LeaseLost."""
        deadline = time.monotonic() + self.seconds
        while True:
            try:
                return self.renew()
            except DatabaseError:
                connection.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE_S)

    def release(self) -> None:
        """Let go of it, if it is still ours."""
        Lease.objects.filter(name=self.name, token=self.token).update(until=None)


def take(name: str, holder: str, seconds: float) -> Held | None:
    """The lease, None while somebody else holds it."""
    # One UPDATE decides who gets it; the row has to be there first, and whoever else makes it does no harm.
    Lease.objects.bulk_create([Lease(name=name)], ignore_conflicts=True)
    free = Lease.objects.filter(name=name).filter(Q(until=None) | Q(until__lt=Now()))
    if not free.update(holder=holder, token=F("token") + 1, until=Now() + timedelta(seconds=seconds)):
        return None
    token = Lease.objects.filter(name=name, holder=holder).values_list("token", flat=True).first()
    return None if token is None else Held(name, token, seconds)


def holder_of(name: str) -> str | None:
    """Who holds the lease now, None where nobody does."""
    return Lease.objects.filter(name=name, until__gte=Now()).values_list("holder", flat=True).first()


def drop_all(holder: str) -> None:
    """Free what a dead holder held."""
    Lease.objects.filter(holder=holder).update(until=None)
