"""A worker from its parts."""

from __future__ import annotations

from collections.abc import Callable

from floodmark.export.artifacts.shelf import Shelf
from floodmark.export.jobs.builder import Builder
from floodmark.export.jobs.heart import Heart
from floodmark.export.jobs.schedule import Schedule
from floodmark.export.jobs.tasks import build_dataset
from floodmark.export.jobs.worker import Worker
from floodmark.export.metrics import Metrics
from floodmark.export.storage import open_storage
from floodmark.settings import Settings


def heart_of(settings: Settings, worker_id: str, family: str) -> Heart:
    """A heart that beats as the settings say."""
    return Heart(
        worker_id,
        family,
        every_s=settings.heartbeat_seconds,
        dead_s=settings.worker_dead_seconds,
        stall_s=settings.build_stall_minutes * 60,
    )


def builder_of(settings: Settings, heart: Heart) -> Builder:
    """A builder on the store of the settings."""
    storage = open_storage(settings.artifacts_url, settings.data_dir / "artifacts")
    return Builder(settings, storage, heart, Metrics(Shelf(storage)).meters)


def assemble(settings: Settings, worker_id: str, family: str, *, revive: Callable[[], None] = lambda: None) -> Worker:
    """A worker, ready to run."""
    heart = heart_of(settings, worker_id, family)
    builder = builder_of(settings, heart)
    schedule = Schedule(settings, Shelf(builder.storage), build_dataset)
    return Worker(settings, heart, builder, schedule, revive)
