"""A build from end to end, for the job and for `floodmark build`: lease, rows, artifact, state."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TextIO

from django.db import Error as DatabaseError
from django.utils import timezone

from floodmark.errors import FloodmarkError, NothingUsable
from floodmark.export import build as formats
from floodmark.export.artifacts import build
from floodmark.export.artifacts.build import Build, Outcome, Rules, sweep
from floodmark.export.build import Options, Piece
from floodmark.export.datasets import Dataset
from floodmark.export.jobs import changes
from floodmark.export.jobs.heart import Heart, Stopped
from floodmark.export.jobs.lease import Held, holder_of, take
from floodmark.export.metrics import Meters
from floodmark.export.models import DatasetState, Organisation
from floodmark.export.report import BuildReport
from floodmark.export.source import alias
from floodmark.export.storage import Storage
from floodmark.settings import Settings

log = logging.getLogger("floodmark.jobs")


class Busy(FloodmarkError):
    """Somebody else builds this dataset now."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build came to; `outcome` is None where there was nothing to publish."""

    dataset: Dataset
    outcome: Outcome | None
    seconds: float

    @property
    def word(self) -> str:
        """One word for it: built, unchanged, nothing."""
        if self.outcome is None:
            return "nothing"
        return "built" if self.outcome.changed else "unchanged"


class Producer:
    """The rows of a dataset as pieces, with the report beside them."""

    def __init__(self, dataset: Dataset, options: Options) -> None:
        self.dataset, self.options = dataset, options
        self._report = BuildReport()

    def pieces(self, lines: TextIO, generated: datetime) -> Iterator[Piece]:
        """See artifacts.build.Producer."""
        self._report = BuildReport(lines, max_lines=self.options.report_lines)
        return formats.pieces(self.dataset, self._report, generated=generated, options=self.options)

    def finish(self) -> int:
        """See artifacts.build.Producer."""
        self._report.close()
        return self._report.total


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds datasets into a store as `settings` say, under the worker's heart."""

    settings: Settings
    storage: Storage
    heart: Heart
    meters: Meters
    produce: Callable[[Dataset, Options], build.Producer] = Producer

    def build(self, dataset: Dataset) -> Built:
        """One dataset. Raises Busy, Stopped, LeaseLost, or what the build raises; then the last good one stays."""
        lease = take(f"build:{dataset.slug}", self.heart.worker_id, self.settings.worker_dead_seconds)
        if lease is None:
            raise Busy(f"{dataset.slug}: being built by {holder_of(f'build:{dataset.slug}') or 'somebody else'}")
        with self.heart.holding(lease), self.heart.working(f"build {dataset.slug}"):
            began = time.monotonic()
            try:
                built = self._build(dataset, lease, began)
            except Stopped:
                raise
            except Exception as error:
                with suppress(DatabaseError):  # it may be what failed; the job's own row will tell
                    _note(dataset, DatasetState.Came.FAILED, time.monotonic() - began, error=line(error))
                raise
        self._count(built)
        return built

    def _build(self, dataset: Dataset, lease: Held, began: float) -> Built:
        # Before the first row is read: what is written meanwhile must look like a change to the next look.
        fingerprint = changes.fingerprint(dataset)
        # Under the lease and before anything is written: what is in no entry now was left by a build that died.
        sweep(self.storage, dataset.slug)
        rules = Rules(
            segment_max_bytes=int(self.settings.segment_max_mb * 1e6),
            grace=timedelta(minutes=self.settings.artifact_grace_minutes),
        )
        work = Build(
            self.storage, dataset.slug, timezone.now(), rules, progress=self.heart.progress, title=_name(dataset)
        )
        outcome: Outcome | None = None
        came, why = DatasetState.Came.BUILT, ""
        try:
            outcome = work.run(self.produce(dataset, Options.of(self.settings)), may_switch=lease.confirm)
        except NothingUsable as nothing:
            log.info("%s: %s", dataset.slug, nothing)
            came, why = DatasetState.Came.NOTHING, line(nothing)
        seconds = time.monotonic() - began
        _note(dataset, came, seconds, error=why, fingerprint=fingerprint)
        return Built(dataset, outcome, seconds)

    def _count(self, built: Built) -> None:
        self.meters.builds.labels(built.dataset.kind).observe(built.seconds)
        if built.outcome:
            self.meters.built.labels(built.dataset.kind).inc(built.outcome.entry.whole.xml.bytes)


def _name(dataset: Dataset) -> str:
    names = Organisation.objects.using(alias()).filter(pk=dataset.organisation_id).values_list("long_name", "name")
    long_name, name = names.first() or ("", "")
    return long_name or name


def _note(dataset: Dataset, came: DatasetState.Came, seconds: float, *, error: str = "", fingerprint: str = "") -> None:
    facts = {"came": came, "seconds": seconds, "error": error, "ended_at": timezone.now()}
    if fingerprint:
        facts["fingerprint"] = fingerprint
    DatasetState.objects.update_or_create(slug=dataset.slug, defaults=facts)


def line(error: BaseException) -> str:
    """An error as one line, for people."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, FloodmarkError) else f"{type(error).__name__}: {text}"
