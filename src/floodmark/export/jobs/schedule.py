"""Which datasets there are, and which are due: never built, changed, failed, or too long unchecked."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from floodmark.errors import UsageError
from floodmark.export import catalogue
from floodmark.export.artifacts.entry import Entry
from floodmark.export.artifacts.shelf import Shelf
from floodmark.export.datasets import Dataset
from floodmark.export.jobs import changes
from floodmark.export.jobs.heart import Heart
from floodmark.export.jobs.lease import take
from floodmark.export.jobs.queue import REGULAR, ask, prune
from floodmark.export.models import DatasetState, Round
from floodmark.export.rows.database import Database
from floodmark.settings import Settings

log = logging.getLogger("floodmark.jobs")

LOOK = "look"
LOOK_LEASE_S = 60.0


def published() -> list[Dataset]:
    """The datasets that ought to be on the shelf. Raises SourceError."""
    return catalogue.every(Database())


def known(shelf: Shelf) -> list[Dataset]:
    """Those, and whatever was asked for or built before."""
    found = set(published())
    for slug in [*DatasetState.objects.values_list("slug", flat=True), *(entry.slug for entry in shelf.entries())]:
        with suppress(UsageError):  # a folder of somebody else's
            found.add(Dataset.parse(slug))
    return sorted(found, key=lambda dataset: (dataset.organisation_id, dataset.kind))


@dataclass
class Schedule:
    """Looks at intervals; of several workers one at a time looks."""

    settings: Settings
    shelf: Shelf
    build: object
    """The task that builds."""
    _next: float = field(default=0.0, init=False)

    def look(self, heart: Heart) -> int:
        """If it is time: ask for all that is due, and prune. Returns how many builds were asked for."""
        every = self.settings.check_minutes * 60 or self.settings.rebuild_hours * 3600
        if not every or time.monotonic() < self._next:
            return 0
        # More often than `every`: when the last look was stands in the database, and its worker may have died since.
        self._next = time.monotonic() + min(every, 30.0)
        lease = take(LOOK, heart.worker_id, LOOK_LEASE_S)
        if lease is None:
            return 0
        with heart.holding(lease):
            last = Round.objects.get_or_create(name=LOOK)[0]
            if last.ran_at and timezone.now() - last.ran_at < timedelta(seconds=every):
                return 0
            return self._look(heart, last)

    def _look(self, heart: Heart, last: Round) -> int:
        # Both before the datasets: what changes while they are looked at is seen by the next look.
        began, stamp = timezone.now(), changes.activity_stamp() if self.settings.check_minutes else ""
        asked = 0
        for dataset in known(self.shelf):
            if heart.stopping:
                return asked
            reason = self._due(dataset, rows_moved=stamp is None or stamp != last.seen)
            if reason:
                standing = ask(dataset, self.build, reason=reason, priority=REGULAR, again=True).standing
                asked += standing == "queued"
        Round.objects.filter(name=LOOK).update(ran_at=began, seen=stamp or "")
        if asked:
            log.info("%d datasets are due and were put in the queue", asked)
        prune(timedelta(days=self.settings.job_keep_days))
        return asked

    def _due(self, dataset: Dataset, *, rows_moved: bool) -> str:
        """Why the dataset should be built; "" where it should not."""
        entry = self.shelf.entry(dataset.slug)
        state = DatasetState.objects.filter(slug=dataset.slug).first()
        came = state.came if state else DatasetState.Came.NEVER
        if came == DatasetState.Came.FAILED:
            return "the last build failed"
        if came != DatasetState.Came.NOTHING and entry is None:
            return "never built"
        if self._is_old(entry, state):
            return "regular rebuild"
        # Without a fingerprint (the last build failed before it had one) only taking one can tell.
        if self.settings.check_minutes and (rows_moved or state is None or not state.fingerprint):
            before = state.fingerprint if state else ""
            return "rows changed" if changes.fingerprint(dataset) != before else ""
        return ""

    def _is_old(self, entry: Entry | None, state: DatasetState | None) -> bool:
        """Whether nobody has looked at the dataset's rows for `rebuild_hours`; one with nothing to publish too."""
        looked = entry.checked if entry else None
        # A build that found nothing to publish leaves an older entry as it is: its time would make this due for ever.
        if state and state.came == DatasetState.Came.NOTHING:
            looked = state.ended_at
        longest = timedelta(hours=self.settings.rebuild_hours)
        return bool(longest) and (looked is None or timezone.now() - looked > longest)
