"""Files of single projects: built while the request waits, kept for a while, bounded in number, size and disk."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

from django.utils import timezone

from floodmark.errors import CannotWrite, SourceError, UsageError
from floodmark.export import build as formats
from floodmark.export.artifacts.build import Build, Rules, sweep
from floodmark.export.artifacts.entry import Artifact, Entry
from floodmark.export.artifacts.shelf import Shelf
from floodmark.export.build import Options, Piece
from floodmark.export.models import Project
from floodmark.export.report import BuildReport
from floodmark.export.service import NotNow, Service
from floodmark.export.source import alias
from floodmark.export.storage import LocalStorage

log = logging.getLogger("floodmark.export")

PATIENCE_S = 2.0
LOCK_FILES = 64
TIDY_EVERY_S = 60.0


class Unknown(UsageError):
    """There is no such project."""


class Private(UsageError):
    """The project is not public."""


class _Producer:
    def __init__(self, project_id: int, options: Options) -> None:
        self.project_id, self.options = project_id, options

    def pieces(self, lines: TextIO, generated: datetime) -> Iterator[Piece]:
        report = BuildReport(lines, max_lines=self.options.report_lines)
        return formats.project_pieces(self.project_id, report, generated=generated, options=self.options)

    def finish(self) -> int:
        return 0


class ProjectFiles:
    """The files of single projects, in a folder of this machine."""

    def __init__(self, service: Service) -> None:
        self.service, self.settings = service, service.settings
        self.root = service.settings.data_dir / "projects"
        self.storage = LocalStorage(self.root)
        self.shelf = Shelf(self.storage)
        self._builds = threading.BoundedSemaphore(self.settings.project_builds)
        self._tidy_at = time.monotonic() + TIDY_EVERY_S

    def artifact(self, project_id: int) -> Artifact:
        """A file no older than the setting allows; an older one where it cannot be made now.

        Raises Unknown, Private, NotNow, or NothingUsable where the project cannot be a valid activity.
        """
        entry = self.shelf.entry(str(project_id))
        if entry and self._is_fresh(entry):
            return entry.whole
        try:
            return self._build(project_id).whole
        except (NotNow, SourceError, CannotWrite) as error:
            if entry is None:
                raise NotNow(str(error)) from error
            return entry.whole

    def _is_fresh(self, entry: Entry) -> bool:
        return timezone.now() - entry.checked < timedelta(seconds=self.settings.project_fresh_seconds)

    def _build(self, project_id: int) -> Entry:
        if not self._builds.acquire(timeout=self.settings.project_wait_seconds):
            raise NotNow("other projects are being built")
        try:
            # The lock first: a turn at the database must not be held by one who waits for another.
            with self._alone(project_id), self.service.database():
                entry = self.shelf.entry(str(project_id))
                if entry and self._is_fresh(entry):
                    return entry  # somebody else has built it meanwhile
                self._refuse_hidden(project_id)
                rules = Rules(segment_max_bytes=self.settings.project_max_mb * 10**6, grace=timedelta(0))
                work = Build(self.storage, str(project_id), timezone.now(), rules, progress=self._bound())
                options = replace(Options.of(self.settings), patience_s=PATIENCE_S)
                made = work.run(_Producer(project_id, options)).entry
                # At once: who has the replaced file open reads on, and who has only its entry looks again.
                sweep(self.storage, str(project_id))
                return made
        finally:
            self._builds.release()
            self._tidy()

    @contextmanager
    def _alone(self, project_id: int) -> Iterator[None]:
        """One process and thread at a time builds a project."""
        self.root.mkdir(parents=True, exist_ok=True)
        # Not a file a project: none could be deleted while somebody may be waiting for it.
        handle = os.open(self.root / f".lock-{project_id % LOCK_FILES}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _refuse_hidden(self, project_id: int) -> None:
        found = Project.objects.using(alias()).filter(pk=project_id).values_list("is_public", flat=True).first()
        if found is None:
            raise Unknown(f"there is no project {project_id}")
        if not found:
            raise Private(f"project {project_id} is not public")

    def _bound(self) -> _Bound:
        return _Bound(self.settings.project_max_mb * 10**6)

    def _tidy(self) -> None:
        """Keep the disk that all files take below the setting; those built longest ago go first."""
        if time.monotonic() < self._tidy_at:
            return
        self._tidy_at = time.monotonic() + TIDY_EVERY_S
        folders = [path for path in self.root.iterdir() if path.is_dir()]
        sizes = {path: sum(file.stat().st_size for file in path.iterdir()) for path in folders}
        room = self.settings.project_cache_mb * 10**6
        for path in sorted(folders, key=_built_at, reverse=True):
            room -= sizes[path]
            if room < 0:
                shutil.rmtree(path, ignore_errors=True)


class _Bound:
    """Stops a build that grows beyond so many bytes."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = self.left = limit_bytes

    def __call__(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise NotNow(f"the file is larger than {self.limit_bytes // 10**6} MB; see its organisation's file")


def _built_at(path: Path) -> float:
    return path.stat().st_mtime
