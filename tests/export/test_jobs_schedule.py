"""The schedule: what is due is built, what is not is left alone; one worker looks for all."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from floodmark.export.artifacts.entry import INDEX, encode
from floodmark.export.artifacts.shelf import Shelf, read_entry
from floodmark.export.catalogue import export_of
from floodmark.export.datasets import Dataset
from floodmark.export.jobs.assembly import assemble
from floodmark.export.jobs.lease import take
from floodmark.export.jobs.schedule import LOOK, known
from floodmark.export.models import DatasetState, IatiExport, Organisation, Project, Round
from floodmark.export.rows.database import Database


@pytest.fixture
def work(sample_database):
    """Makes the schedule look now, does what it asks for, and says what it was."""

    def look(*, build: bool = True, **changes: object) -> dict[str, str]:
        settings = sample_database.settings.model_copy(update={"job_backoff_seconds": 0.0, **changes})
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
        Round.objects.update(ran_at=timezone.now() - timedelta(days=9))
        worker = assemble(settings, f"here/{timezone.now().timestamp()}", "here")
        if build:
            worker.run(until_empty=True)
        else:
            worker.heart.start()
            worker.schedule.look(worker.heart)
            worker.heart.stop()
        asked = dict(DatasetState.objects.exclude(reason="").values_list("slug", "reason"))
        DatasetState.objects.update(reason="")
        return asked

    return look


def test_what_was_never_built_is_due_and_then_nothing_is(sample_database, work) -> None:
    first = work()
    assert {"1/activities", "1/organisation", "2/activities", "2/organisation"} <= set(first)
    assert set(first.values()) == {"never built"}
    shelf = Shelf(assemble(sample_database.settings, "x", "x").builder.storage)
    assert {entry.slug for entry in shelf.entries()} == set(first)
    assert work() == {}
    assert known(shelf) == sorted(map(Dataset.parse, first), key=lambda d: (d.organisation_id, d.kind))


def test_a_changed_row_makes_its_dataset_due_and_no_other(sample_database, work) -> None:
    work()
    shelf = Shelf(assemble(sample_database.settings, "x", "x").builder.storage)
    before = {entry.slug: entry.whole for entry in shelf.entries()}
    project = Project.objects.filter(iati_exports__reporting_organisation_id=1).order_by("id").first()
    Project.objects.filter(pk=project.pk).update(title="Another title altogether")
    assert work() == {"1/activities": "rows changed"}
    after = {entry.slug: entry.whole for entry in shelf.entries()}
    assert {slug for slug in after if after[slug] != before[slug]} == {"1/activities"}


def test_a_write_that_changes_no_content_is_built_once_and_keeps_every_byte(sample_database, work) -> None:
    work()
    shelf = Shelf(assemble(sample_database.settings, "x", "x").builder.storage)
    before = shelf.entry("1/organisation")
    Organisation.objects.filter(pk=1).update(id=1)
    assert "1/organisation" in work()
    after = shelf.entry("1/organisation")
    assert after.whole == before.whole
    assert after.checked > before.checked
    assert work() == {}


def test_a_failed_build_is_due_at_every_look(sample_database, work) -> None:
    work()
    DatasetState.objects.filter(slug="2/activities").update(came="failed")
    assert work() == {"2/activities": "the last build failed"}
    assert work() == {}


def test_what_was_unchecked_for_too_long_is_built_anew(sample_database, work) -> None:
    first = work()
    assert set(work(rebuild_hours=1e-9)) == set(first)
    assert work(rebuild_hours=0) == {}


def test_a_file_that_is_kept_without_rows_is_not_built_at_every_look(sample_database, work) -> None:
    work()
    IatiExport.objects.get(pk=export_of(Database(), 1)).projects.clear()
    assert work() == {"1/activities": "rows changed"}
    old = assemble(sample_database.settings, "x", "x").builder.storage
    entry = read_entry(old, "1/activities")
    far = msgspec.structs.replace(entry, checked=entry.checked - timedelta(days=9))
    old.put(f"1/activities/{INDEX}", encode(far))
    assert work() == {}
    DatasetState.objects.filter(slug="1/activities").update(ended_at=timezone.now() - timedelta(days=9))
    assert work() == {"1/activities": "regular rebuild"}


def test_rows_are_not_looked_at_where_that_is_switched_off(sample_database, work) -> None:
    work()
    Organisation.objects.filter(pk=1).update(long_name="Another name")
    assert work(check_minutes=0, rebuild_hours=1000) == {}
    assert "1/organisation" in work()


def test_what_is_in_the_queue_is_not_asked_for_twice(sample_database, work) -> None:
    work(build=False)
    count = DBTaskResult.objects.count()
    work(build=False)
    assert DBTaskResult.objects.count() == count > 0


def test_of_several_workers_one_looks(sample_database, work) -> None:
    take(LOOK, "another", 1000)
    assert work(build=False) == {}


def test_the_schedule_keeps_its_interval_across_workers(sample_database) -> None:
    for _ in range(2):
        worker = assemble(sample_database.settings, "here/1", "here")
        worker.heart.start()
        asked = worker.schedule.look(worker.heart)
        worker.heart.stop()
    assert asked == 0, "the second worker sees that the first has just looked"
