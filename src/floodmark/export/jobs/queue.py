"""Asking for a build: however many ask, one job waits or runs for each dataset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.db import connections, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from floodmark.export import catalogue
from floodmark.export.datasets import Dataset
from floodmark.export.jobs.compat import FAILED, READY, RUNNING, SUCCESSFUL
from floodmark.export.models import DatasetState, Organisation
from floodmark.export.source import alias

FIRST, WANTED, REGULAR = 20, 10, 0
"""Priorities: somebody waits for the first build; somebody asked; the schedule."""

Standing = Literal["queued", "waiting", "building", "nothing", "unknown"]
"""A new job, a job that was waiting or running already, or none: nothing to publish, no such organisation."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to `ask`. `error` is how the last try ended, "" where it did not fail."""

    standing: Standing
    error: str = ""


def ask(dataset: Dataset, build: Any, *, reason: str, priority: int, again: bool = False) -> Asked:
    """Have the dataset built by the task `build`, unless it is waiting or being built already.

    A dataset that had nothing to publish is not tried again unless `again`: the schedule does so when rows change.
    """
    with transaction.atomic():
        # The row is locked, so that of many who ask at once one finds no job and makes it.
        state, _ = DatasetState.objects.select_for_update().get_or_create(slug=dataset.slug)
        jobs = DBTaskResult.objects.filter(id=state.task_id) if state.task_id else DBTaskResult.objects.none()
        status = jobs.values_list("status", flat=True).first()
        if status in (READY, RUNNING):
            return Asked("waiting" if status == READY else "building", state.error)
        # After the lock, so that guessing ids makes one row at most, and deletes it again.
        if not is_known(dataset.organisation_id):
            state.delete()
            return Asked("unknown")
        if state.came == DatasetState.Came.NOTHING and not again:
            return Asked("nothing")
        state.task_id = build.using(priority=priority).enqueue(dataset.kind, dataset.organisation_id).id
        state.asked_at, state.reason = timezone.now(), reason
        state.save(update_fields=["task_id", "asked_at", "reason"])
        return Asked("queued", state.error)


def is_known(organisation_id: int) -> bool:
    """Whether there is such an organisation."""
    return Organisation.objects.using(alias()).filter(pk=organisation_id).exists()


def has_content(dataset: Dataset) -> bool:
    """Whether there is anything to build a file of: projects in the export, or an identifier of the organisation.

    True is no promise: whether any of it can be valid, only a build can tell.
    """
    if dataset.kind == "organisation":
        named = Organisation.objects.using(alias()).filter(pk=dataset.organisation_id, iati_org_id__gt="")
        return named.exists()
    with connections[alias()].cursor() as cursor:
        cursor.execute(catalogue.HOLDS_PROJECTS, [dataset.organisation_id])
        return cursor.fetchone() is not None


def prune(keep: timedelta, *, at_most: int = 1000) -> int:
    """Delete finished jobs older than `keep`, at most so many at once; returns how many."""
    # django-tasks-db was reported to be slow with 230,000 finished rows.
    old = DBTaskResult.objects.filter(status__in=[FAILED, SUCCESSFUL], finished_at__lt=timezone.now() - keep)
    ids = list(old.order_by().values_list("id", flat=True)[:at_most])
    return DBTaskResult.objects.filter(id__in=ids).delete()[0] if ids else 0
