"""Sample data that the project makes itself: `generate` fills Floodmark's own database. Equal plans give equal rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql

from floodmark.errors import CannotWrite, SourceError, UsageError
from floodmark.export.models import IatiActivityExport, IatiExport, Project
from floodmark.export.router import OWN
from floodmark.export.sample.author import Author, Cast, Reporter
from floodmark.export.sample.flaws import flaw_of
from floodmark.export.sample.loader import BUFFER_MB, Loader, loading, rsr_models
from floodmark.export.sample.money import write_money
from floodmark.export.sample.organisations import write_cast, write_organisation, write_organisation_file
from floodmark.export.sample.plan import CURRENCIES, EPOCH, Draw, Plan
from floodmark.export.sample.projects import (
    write_classification,
    write_documents,
    write_partners,
    write_places,
    write_project,
    write_texts,
)
from floodmark.export.sample.results import write_giant_results, write_results
from floodmark.export.sample.words import ENGLISH, LANGUAGES

__all__ = ["Plan", "generate", "open_for_load", "refuse_rows"]

PARTS: tuple[Callable[[Author], None], ...] = (
    write_partners,
    write_classification,
    write_places,
    write_texts,
    write_documents,
    write_money,
)


@contextmanager
def open_for_load() -> Iterator[psycopg.Connection[Any]]:
    """A connection of its own to Floodmark's own database, in autocommit.

    Inside, CannotWrite is raised for a full disk and SourceError for whatever else the database refuses.
    """
    parameters = connections[OWN].get_connection_params()
    try:
        with psycopg.connect(**{**parameters, "autocommit": True}) as connection:
            yield connection
    except psycopg.errors.DiskFull:
        raise CannotWrite("the database has no space left on its disk; nothing was changed") from None
    except psycopg.Error as error:
        raise SourceError(f"the database refused: {' '.join(str(error).split())}; nothing was changed") from None


def refuse_rows(connection: psycopg.Connection[Any]) -> None:
    """Raise UsageError where one of RSR's tables holds a row."""
    for table in sorted(model._meta.db_table for model in rsr_models()):
        query = sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table))
        if connection.execute(query).fetchone():
            raise UsageError(f"the database already holds rows, in {table} for one; --replace deletes them all first")


def generate(
    plan: Plan,
    connection: psycopg.Connection[Any],
    done: Callable[[int], None] = lambda projects: None,
    *,
    buffer_mb: float = BUFFER_MB,
) -> Loader:
    """Replace all rows of RSR's tables by those of the plan, in one transaction; `done` hears of every project.

    Returns the loader, which counted rows and bytes.
    """
    with loading(connection, buffer_mb) as load:
        draw = Draw(Random(f"{plan.seed}/shared"), ENGLISH, plan.rich)  # noqa: S311  # not for secrets
        reporters = [write_organisation(load, draw, number) for number in range(plan.reporters)]
        cast = write_cast(load, draw, plan.reporters)
        for place, reporter in enumerate(reporters):
            write_organisation_file(load, draw, reporter, cast)
            giant = place >= plan.organisations
            first = place * plan.projects + 1
            numbers = range(first, first + (1 if giant else plan.projects))
            for number in numbers:
                _write_project(load, plan, cast, reporter, number, giant=giant)
                done(1)
            _write_export(load, reporter, numbers)
    return load


def _write_project(load: Loader, plan: Plan, cast: Cast, reporter: Reporter, number: int, *, giant: bool) -> None:
    random = Random(f"{plan.seed}/{number}")  # noqa: S311
    draw = Draw(random, ENGLISH if giant else random.choice(LANGUAGES), plan.rich)
    flaw = flaw_of(number) if plan.flawed and not giant else None
    author = Author(
        load,
        draw,
        cast,
        reporter,
        number,
        currency=random.choice(CURRENCIES),
        without=flaw.without if flaw else frozenset(),
    )
    write_project(author, plan.seed, _parent(number, reporter, plan), flaw.values if flaw else {})
    for part in PARTS:
        part(author)
    if giant:
        write_giant_results(author, plan.giant_periods)
    else:
        write_results(author)
    if flaw:
        flaw.rows(author)
    _write_labels(author)


def _parent(number: int, reporter: Reporter, plan: Plan) -> int | None:
    """Every project whose place ends in 2 to 4 is a child of the one before whose place ends in 1."""
    place = (number - 1) % plan.projects + 1 if plan.projects else 1
    last = place % 10
    return number - last + 1 if last in (2, 3, 4) else None


def _write_labels(author: Author) -> None:
    if author.draw.chance(0.3):
        author.add(Project.keywords.through, keyword_id=author.draw.random.choice(author.cast.keywords))
    if author.draw.chance(0.1):
        author.add(Project.categories.through, category_id=author.cast.categories[0])
    author.add(Project.validations.through, projecteditorvalidationset_id=author.cast.validation_sets["RSR"])
    if author.number % 25 == 0:
        author.add(Project.validations.through, projecteditorvalidationset_id=author.cast.validation_sets["DGIS IATI"])


def _write_export(load: Loader, reporter: Reporter, projects: range) -> None:
    """An export of an earlier day with half of the projects, and the newest one with all."""
    for days_ago, held in ((30, projects[::2]), (1, projects)):
        made = EPOCH - timedelta(days=days_ago)
        export = load.add(
            IatiExport,
            reporting_organisation_id=reporter.id,
            status=3,
            latest=days_ago == 1,
            created_at=made,
            last_modified_at=made,
        )
        for number in held:
            load.add(IatiExport.projects.through, iatiexport_id=export, project_id=number)
            load.add(IatiActivityExport, iati_export_id=export, project_id=number, status=2)
