"""Floodmark's own tables: what is known of each dataset's builds, who works, and who holds what."""

from __future__ import annotations

from django.db import models


class Lease(models.Model):
    """The right to do something alone for a while, such as building a dataset. A row, not a session's lock, so that it
    works through a transaction pooler and outlives nobody: it runs out unless it is renewed."""

    name = models.CharField(max_length=100, primary_key=True)
    holder = models.CharField(max_length=100, blank=True)
    token = models.BigIntegerField(default=0)
    until = models.DateTimeField(null=True)

    class Meta:
        db_table = "floodmark_lease"


class DatasetState(models.Model):
    """What became of the builds of a dataset. What is served stands in the index entry beside the files, not here."""

    class Came(models.TextChoices):
        """How the last build ended."""

        NEVER = "", "not built yet"
        BUILT = "built", "built"
        NOTHING = "nothing", "nothing to publish"
        FAILED = "failed", "failed"

    slug = models.CharField(max_length=60, primary_key=True)
    came = models.CharField(max_length=10, choices=Came.choices, default=Came.NEVER, blank=True)
    task_id = models.UUIDField(null=True)
    """The job that will build it or is building it; the queue says which."""
    asked_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=100, blank=True)
    ended_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    """Of the rows, taken before the last build that ended well began."""
    error = models.TextField(blank=True)

    class Meta:
        db_table = "floodmark_dataset"


class WorkerState(models.Model):
    """A worker process and its last sign of life."""

    worker_id = models.CharField(max_length=100, primary_key=True)
    family = models.CharField(max_length=90, db_index=True)
    """The supervisor it belongs to: of one family only one lives."""
    began_at = models.DateTimeField(auto_now_add=True)
    until = models.DateTimeField()
    """When it counts as dead, unless it is heard of before; by its own settings, which may not be those of others."""
    resident_mb = models.FloatField(null=True)
    doing = models.CharField(max_length=100, blank=True)

    class Meta:
        db_table = "floodmark_worker"


class Round(models.Model):
    """Something done at intervals by one worker for all: when it was done last, and what was seen then."""

    name = models.CharField(max_length=40, primary_key=True)
    ran_at = models.DateTimeField(null=True)
    seen = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "floodmark_round"
