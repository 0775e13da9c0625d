"""The tasks. Their functions find what they work with in `at_work`, which the worker sets for the time of a job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from floodmark.export.datasets import Dataset, Kind
from floodmark.export.jobs.builder import Builder
from floodmark.export.jobs.compat import task

_builder: ContextVar[Builder] = ContextVar("builder")


@contextmanager
def at_work(builder: Builder) -> Iterator[None]:
    """While the block runs, tasks build with `builder`."""
    token = _builder.set(builder)
    try:
        yield
    finally:
        _builder.reset(token)


@task  # type: ignore[untyped-decorator]
def build_dataset(kind: str, organisation_id: int) -> dict[str, Any]:
    """Build one dataset; the value says what it came to."""
    built = _builder.get().build(Dataset(cast(Kind, kind), organisation_id))
    return {"dataset": built.dataset.slug, "came": built.word, "seconds": round(built.seconds, 3)}
