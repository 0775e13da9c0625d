"""How each dataset stands: what is served, and what the jobs are doing about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db.models.functions import Now
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from floodmark.export.artifacts.entry import Entry
from floodmark.export.artifacts.shelf import Shelf, is_intact
from floodmark.export.datasets import Dataset
from floodmark.export.jobs.compat import READY, RUNNING
from floodmark.export.jobs.schedule import known
from floodmark.export.models import DatasetState, Lease
from floodmark.settings import Settings

State = Literal["ready", "stale", "damaged", "kept", "building", "queued", "failed", "nothing", "absent"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One dataset. What is not known, or not there, is None.

    ready     served, and nothing to do            stale    served, but too long unchecked
    damaged   served, but a file is missing        building, queued   a job runs, or waits
    kept      served, though by now its rows give nothing to publish (`problem`)
    failed    the last build failed (`problem`)    nothing  there is nothing to publish (`problem`)
    absent    never built, and not asked for
    """

    dataset: str
    organisation: str
    state: State
    bytes: int | None = None
    gzip_bytes: int | None = None
    activities: int | None = None
    segments: int | None = None
    remarks: int | None = None
    built_at: datetime | None = None
    checked_at: datetime | None = None
    seconds: float | None = None
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """For --json: times as ISO 8601."""
        return {
            name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
        }


def standings(settings: Settings, shelf: Shelf) -> list[Standing]:
    """Every dataset that is published, was asked for, or is on the shelf."""
    states = {state.slug: state for state in DatasetState.objects.all()}
    jobs = dict(DBTaskResult.objects.filter(status__in=[READY, RUNNING]).order_by().values_list("id", "status"))
    leases = set(Lease.objects.filter(name__startswith="build:", until__gte=Now()).values_list("name", flat=True))
    found = []
    for dataset in known(shelf):
        state, entry = states.get(dataset.slug), shelf.entry(dataset.slug)
        job = jobs.get(state.task_id) if state and state.task_id else None
        doing = "building" if f"build:{dataset.slug}" in leases or job == RUNNING else "queued" if job else None
        found.append(_standing(dataset, entry, state, doing or _resting(settings, shelf, entry, state)))
    return found


def _resting(settings: Settings, shelf: Shelf, entry: Entry | None, state: DatasetState | None) -> str:
    """The state of a dataset that no job is about."""
    came = state.came if state else DatasetState.Came.NEVER
    if came == DatasetState.Came.FAILED:
        return "failed"
    if entry is None:
        return "nothing" if came == DatasetState.Came.NOTHING else "absent"
    if not all(is_intact(shelf.storage, artifact) for artifact in entry.artifacts()):
        return "damaged"
    if came == DatasetState.Came.NOTHING:
        return "kept"
    # Half as long again: a rebuild that is due takes its turn first.
    longest = timedelta(hours=settings.rebuild_hours * 1.5) if settings.rebuild_hours else timedelta.max
    return "stale" if timezone.now() - entry.checked > longest else "ready"


def _standing(dataset: Dataset, entry: Entry | None, state: DatasetState | None, word: Any) -> Standing:
    return Standing(
        dataset=dataset.slug,
        organisation=entry.title if entry else "",
        state=word,
        bytes=entry.whole.xml.bytes if entry else None,
        gzip_bytes=entry.whole.gzip.bytes if entry else None,
        activities=entry.whole.activities if entry else None,
        segments=len(entry.segments) if entry else None,
        remarks=entry.left_out if entry else None,
        built_at=entry.whole.generated if entry else None,
        checked_at=entry.checked if entry else None,
        seconds=state.seconds if state else None,
        problem=state.error if state else "",
    )
