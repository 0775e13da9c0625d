"""`floodmark build` from inside: builds in the calling process, under a lease like any worker."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from django.db import Error as DatabaseError

from floodmark.errors import Ended, FloodmarkError, SourceError
from floodmark.export.artifacts.shelf import read_entry
from floodmark.export.datasets import KINDS, Dataset
from floodmark.export.index_page import size
from floodmark.export.jobs.assembly import builder_of, heart_of
from floodmark.export.jobs.builder import Built, Busy, line
from floodmark.export.jobs.heart import Heart, Stopped
from floodmark.export.jobs.queue import WANTED, Standing, ask
from floodmark.export.jobs.schedule import published
from floodmark.export.jobs.tasks import build_dataset
from floodmark.export.serving import family
from floodmark.export.storage import open_storage
from floodmark.settings import Settings

BUSY_POLL_S = 0.5


def datasets_of(names: Iterable[str]) -> list[Dataset]:
    """`41` is both datasets of an organisation, `41/activities` is one. Raises UsageError."""
    found: list[Dataset] = []
    for name in names:
        if name.isascii() and name.isdigit():
            found += [Dataset(kind, int(name)) for kind in KINDS]
        else:
            found.append(Dataset.parse(name))
    return found


def all_datasets() -> list[Dataset]:
    """Every dataset that ought to be on the shelf."""
    return published()


def enqueue(wanted: Iterable[Dataset]) -> Iterator[tuple[Dataset, Standing]]:
    """Ask for each; what came of it."""
    for dataset in wanted:
        yield dataset, ask(dataset, build_dataset, reason="floodmark build", priority=WANTED, again=True).standing


def expected_bytes(settings: Settings, dataset: Dataset) -> int | None:
    """As much as last time, for a progress bar; None where there was none."""
    entry = read_entry(open_storage(settings.artifacts_url, settings.data_dir / "artifacts"), dataset.slug)
    return entry.whole.xml.bytes if entry else None


def build_now(settings: Settings, dataset: Dataset, advance: Callable[[int], None]) -> str:
    """Build it, waiting for whoever builds it already; returns a line about it. Raises FloodmarkError."""
    name = f"{family()}:build"
    heart = _Watched(heart_of(settings, name, name), advance)
    try:
        with heart.beating():
            built = _when_free(settings, dataset, heart.heart)
    except Stopped as stopped:
        raise Ended(heart.ended) if heart.ended else FloodmarkError(str(stopped)) from stopped
    except DatabaseError as error:
        raise SourceError(f"the database does not answer: {line(error)}") from error
    return _told(built)


def _when_free(settings: Settings, dataset: Dataset, heart: Heart) -> Built:
    builder = builder_of(settings, heart)
    while True:
        try:
            return builder.build(dataset)
        except Busy:
            if heart.stopping:
                raise
            time.sleep(BUSY_POLL_S)


class _Watched:
    """A heart whose progress is seen, and which Ctrl-C and SIGTERM stop gently: `ended` says which."""

    def __init__(self, heart: Heart, advance: Callable[[int], None]) -> None:
        self.heart, self.ended = heart, ""
        beat = heart.progress

        def progress(count: int) -> None:
            advance(count)
            beat(count)

        heart.progress = progress  # type: ignore[method-assign]

    @contextmanager
    def beating(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._end) for number in (signal.SIGINT, signal.SIGTERM)}
        self.heart.start()
        try:
            yield
        finally:
            self.heart.stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.ended = "interrupted" if number == signal.SIGINT else "terminated"
        self.heart.ask_to_stop(self.ended)


def _told(built: Built) -> str:
    if built.outcome is None:
        return f"{built.dataset}: nothing to publish"
    entry = built.outcome.entry
    cut = f", {len(entry.segments)} segments" if entry.segments else ""
    return (
        f"{built.dataset}: {built.word}, {entry.whole.activities:,} activities, {size(entry.whole.xml.bytes)}"
        f"{cut}, {entry.left_out or 0:,} remarks, {built.seconds:.1f} s"
    )
