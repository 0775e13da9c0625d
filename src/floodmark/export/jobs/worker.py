"""The worker: claims jobs one at a time, tries them again when they fail, takes over those of the dead.

Jobs are rows of django-tasks-db; who tried one stands in its `worker_ids`, so their number is the number of tries. A
job that was put back because the worker had to stop does not count as tried.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.core.exceptions import SuspiciousOperation
from django.db import Error as DatabaseError
from django.db import connections, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django_tasks_db.models import DBTaskResult, DBTaskResultQuerySet

from floodmark.errors import FloodmarkError, SourceError
from floodmark.export.jobs.builder import Builder, Busy, line
from floodmark.export.jobs.compat import FAILED, READY, RUNNING, SUCCESSFUL, task_finished, task_started
from floodmark.export.jobs.heart import Heart, Stopped
from floodmark.export.jobs.lease import drop_all
from floodmark.export.jobs.schedule import Schedule
from floodmark.export.jobs.tasks import at_work
from floodmark.export.models import WorkerState
from floodmark.export.process import RECYCLE, resident_bytes
from floodmark.settings import Settings

log = logging.getLogger("floodmark.jobs")

Job: TypeAlias = "DBTaskResult[Any, Any]"

BUSY_PAUSE_S = 5.0
DATABASE_PAUSE_MAX_S = 5.0


@dataclass
class Worker:
    """One worker process. `run` returns its exit status."""

    settings: Settings
    heart: Heart
    builder: Builder
    schedule: Schedule
    revive: Callable[[], None] = lambda: None
    """Called while the database stays silent."""
    jobs_done: int = 0
    _unsure: bool = field(default=False, init=False)
    _bury_at: float = field(default=0.0, init=False)

    def run(self, *, until_empty: bool = False) -> int:
        """Work until asked to stop, until memory has grown too far, or (`until_empty`) until no job is ready."""
        # Alive first, then burials: otherwise two workers that start at once could bury each other's jobs.
        self._patiently(self.heart.start)
        self._patiently(self._bury_family)
        try:
            while not self.heart.stopping:
                found = self._patiently(self._round)
                if self._has_grown():
                    return RECYCLE
                if not found and until_empty:
                    return 0
                if not found and not self.heart.stopping:
                    time.sleep(self.settings.worker_poll_seconds)
            return 0
        finally:
            self.heart.stop()
            connections.close_all()

    def _round(self) -> bool:
        """Bury the dead, look at the schedule, do one job. Returns whether there was one."""
        if time.monotonic() >= self._bury_at:
            bury_silent(self.settings.job_attempts)
            self._bury_at = time.monotonic() + self.settings.heartbeat_seconds
        # Before the claim, so that a long queue of harvesters' wishes does not keep changes from being seen.
        self.schedule.look(self.heart)
        job = self._claim()
        if job is None:
            return False
        self._do(job)
        self.jobs_done += 1
        return True

    def _patiently(self, step: Callable[[], bool | None]) -> bool:
        """Do `step`, again and again while the database does not answer."""
        pause = 0.2
        while True:
            try:
                return bool(step())
            except (DatabaseError, SourceError) as error:
                if self.heart.stopping:
                    return False
                log.warning("the database cannot be used, trying again in %.1f s: %s", pause, line(error))
                connections.close_all()
                self._unsure = True
                time.sleep(pause)
                if pause >= DATABASE_PAUSE_MAX_S:
                    self._revive()
                pause = min(2 * pause, DATABASE_PAUSE_MAX_S)

    def _revive(self) -> None:
        try:
            self.revive()
        except FloodmarkError as error:
            log.warning("%s", error)

    def _bury_family(self) -> None:
        """Of one supervisor only one worker lives: the others of the family are dead, and need not be waited for."""
        others = WorkerState.objects.filter(family=self.heart.family).exclude(worker_id=self.heart.worker_id)
        for worker_id in others.values_list("worker_id", flat=True):
            bury(worker_id, self.settings.job_attempts)

    def _claim(self) -> Job | None:
        if self._unsure:
            # The connection may have broken after the server took our claim and before we heard of it.
            for mine in DBTaskResult.objects.filter(status=RUNNING, worker_ids__contains=self.heart.worker_id):
                if mine.worker_ids[-1] == self.heart.worker_id:
                    put_back(mine)
            self._unsure = False
        with transaction.atomic():
            job: Job | None = DBTaskResult.objects.ready().get_locked()
            if job is not None:
                job.claim(self.heart.worker_id)
        return job

    def _do(self, job: Job) -> None:
        settle: Callable[[], None]
        try:
            task_started.send(sender=type(self), task_result=job.task_result)
            with at_work(self.builder):
                value = job.task.func(*job.args_kwargs["args"], **job.args_kwargs["kwargs"])
        except Stopped as stopped:
            log.info("%s: put back: %s", _name(job), stopped)
            outcome, settle = "put back", lambda: put_back(job)
        except Busy as busy:
            log.info("%s", busy)
            outcome, settle = "busy", lambda: put_back(job, timezone.now() + timedelta(seconds=BUSY_PAUSE_S))
        except Exception as error:  # noqa: BLE001  # whatever a build raises must not end the worker; it is kept and shown
            outcome, settle = self._failed(job, error)
        else:
            log.info("%s: %s", _name(job), value)
            outcome, settle = str(value["came"]), lambda: finish(job, value)
        self.builder.meters.jobs.labels(outcome).inc()
        self._patiently(settle)

    def _failed(self, job: Job, error: Exception) -> tuple[str, Callable[[], None]]:
        tries = len(job.worker_ids)
        if tries >= self.settings.job_attempts:
            log.error("%s: failed after %d tries: %s", _name(job), tries, line(error))
            return "failed", lambda: _fail(job, error)
        pause = self._pause(tries)
        log.warning("%s: try %d failed, again in %.0f s: %s", _name(job), tries, pause, line(error))
        return "retried", lambda: _again(job, timezone.now() + timedelta(seconds=pause))

    def _pause(self, tries: int) -> float:
        longest = self.settings.job_backoff_max_seconds
        # At most half of it is chance, so that jobs that failed together do not come back together.
        return min(self.settings.job_backoff_seconds * 2.0 ** (tries - 1), longest) * random.uniform(0.75, 1.25)  # noqa: S311

    def _has_grown(self) -> bool:
        resident = resident_bytes()
        if resident is None or resident <= self.settings.worker_max_mb * 1e6 or not self.jobs_done:
            return False
        log.info("memory is %.0f MB, above worker_max_mb: this worker is replaced", resident / 1e6)
        return True


def put_back(job: Job, at: datetime | None = None) -> None:
    """The job waits again, as if this worker had never had it."""
    _mine(job).update(status=READY, worker_ids=job.worker_ids[:-1], run_after=at or timezone.now())


def _again(job: Job, at: datetime) -> None:
    _mine(job).update(status=READY, run_after=at)


def _mine(job: Job) -> DBTaskResultQuerySet:
    # A worker that was taken for dead finds its job in other hands, and leaves it there.
    return DBTaskResult.objects.filter(id=job.id, status=RUNNING, worker_ids=job.worker_ids)


def finish(job: Job, value: object) -> None:
    """The job has gone well, if it is still ours."""
    if _mine(job).update(status=SUCCESSFUL, finished_at=timezone.now(), return_value=value):
        _tell(job)


def _fail(job: Job, error: Exception) -> None:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    facts = {"exception_class_path": kind, "traceback": line(error), "finished_at": timezone.now()}
    if _mine(job).update(status=FAILED, **facts):
        _tell(job)


def _tell(job: Job) -> None:
    """Tell those who listen to the Tasks API's signal."""
    job.refresh_from_db()
    with suppress(ImportError, SuspiciousOperation):  # the task may be gone, which is why the job has failed
        task_finished.send(sender=Worker, task_result=job.task_result)


def bury_silent(attempts: int) -> None:
    """Bury every worker that has been silent for longer than it said it would be."""
    silent = WorkerState.objects.filter(until__lt=Now())
    for worker_id in silent.values_list("worker_id", flat=True):
        log.warning("worker %s is silent and counts as dead", worker_id)
        bury(worker_id, attempts)


def bury(worker_id: str, attempts: int) -> None:
    """Give the job and the leases of a dead worker back; a job that has killed too many workers has failed."""
    with transaction.atomic():
        running = DBTaskResult.objects.select_for_update(skip_locked=True).filter(status=RUNNING)
        for job in running:
            if not job.worker_ids or job.worker_ids[-1] != worker_id:
                continue
            if len(job.worker_ids) < attempts:
                log.warning("%s: taken over from dead worker %s", _name(job), worker_id)
                _again(job, timezone.now())
            else:
                died = RuntimeError(f"its worker died, {len(job.worker_ids)} times; was it killed for its memory?")
                log.error("%s: %s", _name(job), died)
                _fail(job, died)
        drop_all(worker_id)
        WorkerState.objects.filter(worker_id=worker_id).delete()


def _name(job: Job) -> str:
    return f"{job.task_path.rpartition('.')[2]}{tuple(job.args_kwargs['args'])}"
