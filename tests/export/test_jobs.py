"""Jobs: one for each dataset however many ask, tried again, taken over from the dead, never ending the worker."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from floodmark.errors import FloodmarkError, NothingUsable
from floodmark.export.artifacts.shelf import Shelf
from floodmark.export.datasets import Dataset
from floodmark.export.jobs.assembly import assemble, builder_of, heart_of
from floodmark.export.jobs.builder import Busy
from floodmark.export.jobs.heart import STALLED, Heart, Stopped
from floodmark.export.jobs.lease import LeaseLost, holder_of, take
from floodmark.export.jobs.queue import FIRST, REGULAR, ask, prune
from floodmark.export.jobs.standing import standings
from floodmark.export.jobs.tasks import build_dataset
from floodmark.export.jobs.worker import bury_silent, finish
from floodmark.export.models import DatasetState, Lease, Organisation, WorkerState
from floodmark.export.process import RECYCLE

ONE = Dataset("activities", 1)


@pytest.fixture
def settings(database):
    """Quick to try again; the schedule keeps still."""
    return database.settings.model_copy(
        update={"job_backoff_seconds": 0.0, "check_minutes": 0, "rebuild_hours": 0, "worker_poll_seconds": 0.01}
    )


@pytest.fixture
def organisation(database) -> Organisation:
    return Organisation.objects.create(id=1, name="One", long_name="Organisation One")


@pytest.fixture
def worker_of(settings, valid):
    """Workers whose datasets are invented; `made` maps ids of organisations to what they publish."""

    def make(made: object, family: str = "here", number: int = 1, **changes: object):
        worker = assemble(settings.model_copy(update=changes), f"{family}/{number}", family)
        produce = made if callable(made) else lambda dataset, options: valid(made)
        object.__setattr__(worker.builder, "produce", produce)
        return worker

    return make


def wanted(dataset: Dataset = ONE, priority: int = REGULAR):
    return ask(dataset, build_dataset, reason="test", priority=priority)


def jobs() -> list[tuple[str, int]]:
    return [(job.status, len(job.worker_ids)) for job in DBTaskResult.objects.order_by("enqueued_at")]


def closing(function):
    """For threads: with its own connection, closed at the end."""

    def run(*arguments):
        try:
            return function(*arguments)
        finally:
            connections.close_all()

    return run


def test_however_many_ask_at_once_there_is_one_job(organisation) -> None:
    barrier = threading.Barrier(12)

    @closing
    def asking(_number: int) -> str:
        barrier.wait()
        return wanted().standing

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(asking, range(12)))
    assert sorted(answers) == ["queued"] + ["waiting"] * 11
    assert jobs() == [("READY", 0)]


def test_an_unknown_organisation_gets_no_job_and_leaves_no_trace(database) -> None:
    assert wanted(Dataset("activities", 99)).standing == "unknown"
    assert jobs() == []
    assert not DatasetState.objects.exists()


def test_a_worker_builds_what_was_asked_for_and_ends_when_nothing_is_left(organisation, worker_of, settings) -> None:
    wanted()
    wanted(Dataset("organisation", 1))
    worker = worker_of({7: "seven"})
    assert worker.run(until_empty=True) == 0
    assert jobs() == [("SUCCESSFUL", 1)] * 2
    entry = Shelf(worker.builder.storage).entry("1/activities")
    assert (entry.whole.activities, entry.title) == (1, "Organisation One")
    state = DatasetState.objects.get(slug="1/activities")
    assert (state.came, state.error) == ("built", "")
    assert len(state.fingerprint) == 64
    assert not WorkerState.objects.exists(), "the worker has signed off"
    assert not Lease.objects.filter(until__isnull=False).exists()
    assert wanted().standing == "queued", "a finished job does not stand in the way of the next"


def test_a_worker_without_jobs_leaves_the_database_alone_between_two_looks(organisation, worker_of) -> None:
    worker = worker_of({}, worker_poll_seconds=0.5)
    claims: list[int] = []
    claim = worker._claim
    worker._claim = lambda: claims.append(1) or claim()
    threading.Timer(1.2, worker.heart.ask_to_stop, ["enough"]).start()
    assert worker.run() == 0
    assert 1 <= len(claims) <= 5, "without the pause it would be hundreds"


def test_who_waits_for_a_first_build_goes_before_the_schedule(organisation, worker_of) -> None:
    order: list[int] = []
    Organisation.objects.create(id=2, name="Two")

    def produce(dataset, options):
        order.append(dataset.organisation_id)
        raise NothingUsable("nothing")

    wanted(ONE)
    wanted(Dataset("activities", 2), FIRST)
    worker_of(produce).run(until_empty=True)
    assert order == [2, 1]


def test_a_failing_build_is_tried_again_and_then_has_failed_with_its_reason(organisation, worker_of, settings) -> None:
    tries: list[int] = []

    def produce(dataset, options):
        tries.append(1)
        raise FloodmarkError("the disk is on fire")

    wanted()
    worker_of(produce, job_attempts=3).run(until_empty=True)
    assert len(tries) == 3
    assert jobs() == [("FAILED", 3)]
    job = DBTaskResult.objects.get()
    assert job.traceback == "the disk is on fire"
    assert job.exception_class_path == "floodmark.errors.FloodmarkError"
    [standing] = standings(settings, Shelf(worker_of({}).builder.storage))
    assert (standing.state, standing.problem) == ("failed", "the disk is on fire")
    assert wanted().standing == "queued", "asking again tries again"


def test_a_build_that_comes_right_at_the_second_try_is_good(organisation, worker_of, valid) -> None:
    tries: list[int] = []

    def produce(dataset, options):
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError("gone")
        return valid({7: "seven"})

    wanted()
    worker_of(produce).run(until_empty=True)
    assert jobs() == [("SUCCESSFUL", 2)]
    assert DatasetState.objects.get().error == ""


def test_between_two_tries_there_is_a_growing_and_bounded_pause(organisation, worker_of) -> None:
    worker = worker_of({}, job_backoff_seconds=5.0, job_backoff_max_seconds=60.0)
    for tries, least, most in ((1, 3.75, 6.25), (2, 7.5, 12.5), (3, 15, 25), (10, 45, 75), (100, 45, 75)):
        assert all(least <= worker._pause(tries) <= most for _ in range(50))


def test_nothing_to_publish_is_an_answer_and_not_a_failure(organisation, worker_of, settings) -> None:
    def produce(dataset, options):
        raise NothingUsable("no project is valid")

    wanted()
    worker_of(produce).run(until_empty=True)
    assert jobs() == [("SUCCESSFUL", 1)]
    assert wanted().standing == "nothing"
    [standing] = standings(settings, Shelf(worker_of({}).builder.storage))
    assert (standing.state, standing.problem) == ("nothing", "no project is valid")
    assert ask(ONE, build_dataset, reason="rows changed", priority=REGULAR, again=True).standing == "queued"


def test_a_file_whose_rows_have_gone_is_served_on_and_said_to_be_kept(organisation, worker_of, settings) -> None:
    def produce(dataset, options):
        raise NothingUsable("its IATI export holds no projects")

    wanted()
    worker_of({7: "seven"}).run(until_empty=True)
    ask(ONE, build_dataset, reason="rows changed", priority=REGULAR, again=True)
    worker = worker_of(produce)
    worker.run(until_empty=True)
    [standing] = standings(settings, Shelf(worker.builder.storage))
    assert (standing.state, standing.problem) == ("kept", "its IATI export holds no projects")
    assert standing.activities == 1, "the file is there as it was"


def test_an_error_of_any_kind_ends_the_job_and_not_the_worker(organisation, worker_of, valid) -> None:
    Organisation.objects.create(id=2, name="Two")

    def produce(dataset, options):
        if dataset.organisation_id == 1:
            raise RecursionError("too deep")
        return valid({7: "seven"})

    wanted()
    wanted(Dataset("activities", 2))
    worker_of(produce, job_attempts=1).run(until_empty=True)
    assert sorted(jobs()) == [("FAILED", 1), ("SUCCESSFUL", 1)]


def test_a_job_whose_task_is_gone_has_failed(database, worker_of) -> None:
    far = timezone.now()
    DBTaskResult.objects.create(
        args_kwargs={"args": [], "kwargs": {}}, task_path="floodmark.gone.task", backend_name="default", run_after=far
    )
    worker_of({}, job_attempts=1).run(until_empty=True)
    assert jobs() == [("FAILED", 1)]


def test_a_worker_that_must_stop_puts_its_job_back_uncounted(organisation, worker_of, valid) -> None:
    worker = worker_of(None)
    made = valid(dict.fromkeys(range(20), "x" * 300_000))
    made.before_each = lambda project: worker.heart.ask_to_stop("enough") if project == 10 else None
    object.__setattr__(worker.builder, "produce", lambda dataset, options: made)
    wanted()
    assert worker.run() == 0
    assert jobs() == [("READY", 0)]
    assert list(worker.builder.storage.files("1/activities")) == []
    assert holder_of("build:1/activities") is None
    worker_of({7: "seven"}, number=2).run(until_empty=True)
    assert jobs() == [("SUCCESSFUL", 1)]


def test_the_job_of_a_silent_worker_is_taken_over(organisation, worker_of) -> None:
    wanted()
    dead = worker_of({}, family="there")
    job = dead._claim()
    WorkerState.objects.create(worker_id="there/1", family="there", until=timezone.now() - timedelta(seconds=1))
    take("build:1/activities", "there/1", 1000)
    assert jobs() == [("RUNNING", 1)]
    worker_of({7: "seven"}).run(until_empty=True)
    assert jobs() == [("SUCCESSFUL", 2)]
    finish(job, {"came": "late"})
    assert DBTaskResult.objects.get().return_value["came"] == "built", "the late one finds its job in other hands"


def test_a_living_worker_keeps_its_job(organisation, worker_of) -> None:
    wanted()
    worker_of({}, family="there")._claim()
    WorkerState.objects.create(worker_id="there/1", family="there", until=timezone.now() + timedelta(seconds=10))
    worker_of({7: "seven"}).run(until_empty=True)
    assert jobs() == [("RUNNING", 1)]


def test_of_one_family_only_the_newest_lives(organisation, worker_of) -> None:
    wanted()
    worker_of({}, number=1)._claim()
    WorkerState.objects.create(worker_id="here/1", family="here", until=timezone.now() + timedelta(seconds=30))
    take("build:1/activities", "here/1", 1000)
    worker_of({7: "seven"}, number=2).run(until_empty=True)
    assert jobs() == [("SUCCESSFUL", 2)], "taken over at once, without waiting for silence"


def test_a_job_that_kills_its_workers_has_failed_in_the_end(organisation, worker_of, settings) -> None:
    wanted()
    for number in range(settings.job_attempts):
        assert worker_of({}, number=number)._claim() is not None
        WorkerState.objects.create(
            worker_id=f"here/{number}", family="here", until=timezone.now() - timedelta(seconds=60)
        )
        bury_silent(settings.job_attempts)
    assert jobs() == [("FAILED", settings.job_attempts)]
    assert "its worker died, 4 times" in DBTaskResult.objects.get().traceback


def test_a_claim_that_was_never_heard_of_is_put_back(organisation, worker_of) -> None:
    wanted()
    worker = worker_of({7: "seven"})
    assert worker._claim() is not None  # and then the connection breaks before we know
    worker._unsure = True
    worker.run(until_empty=True)
    assert jobs() == [("SUCCESSFUL", 1)]


def test_a_worker_whose_memory_has_grown_asks_to_be_replaced_after_a_job(organisation, worker_of) -> None:
    wanted()
    assert worker_of({7: "seven"}, worker_max_mb=20).run() == RECYCLE
    assert jobs() == [("SUCCESSFUL", 1)]
    assert worker_of({}, worker_max_mb=20).run(until_empty=True) == 0, "without a job there is nothing to gain"


def test_only_one_builds_a_dataset_and_the_other_waits_its_turn(organisation, worker_of, settings) -> None:
    held = take("build:1/activities", "somebody", 1000)
    wanted()
    worker_of({7: "seven"}).run(until_empty=True)
    [job] = DBTaskResult.objects.all()
    assert (job.status, job.worker_ids) == ("READY", []), "busy does not count as tried"
    assert job.run_after > timezone.now()
    held.release()
    take("build:1/activities", "other", 1000)
    builder = builder_of(settings, heart_of(settings, "x", "x"))
    with pytest.raises(Busy, match="1/activities: being built by other"):
        builder.build(ONE)


def test_a_build_that_lost_its_lease_does_not_come_into_force(organisation, worker_of, valid) -> None:
    worker = worker_of(None, job_attempts=1)

    def steal(project: int) -> None:
        Lease.objects.filter(name="build:1/activities").update(until=timezone.now() - timedelta(seconds=1))
        assert take("build:1/activities", "thief", 1000)

    made = valid({7: "seven"})
    made.before_each = steal
    object.__setattr__(worker.builder, "produce", lambda dataset, options: made)
    wanted()
    worker.run(until_empty=True)
    assert jobs() == [("FAILED", 1)]
    assert "another worker has taken over" in DBTaskResult.objects.get().traceback
    assert Shelf(worker.builder.storage).entry("1/activities") is None
    assert holder_of("build:1/activities") == "thief"


def test_a_lease_has_one_holder_until_it_runs_out(database) -> None:
    first = take("thing", "a", 1000)
    assert take("thing", "b", 1000) is None
    assert holder_of("thing") == "a"
    Lease.objects.update(until=timezone.now() - timedelta(seconds=1))
    second = take("thing", "b", 1000)
    assert second.token == first.token + 1
    with pytest.raises(LeaseLost):
        first.renew()
    first.release()
    assert holder_of("thing") == "b", "a late release does not touch the new holder"
    second.renew()
    second.release()
    assert holder_of("thing") is None


def test_of_many_who_take_a_lease_at_once_one_gets_it(database) -> None:
    barrier = threading.Barrier(10)

    @closing
    def taking(number: int) -> bool:
        barrier.wait()
        return take("thing", f"taker {number}", 1000) is not None

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(taking, range(10))) == 1


def test_the_heart_renews_leases_and_says_what_is_done(database) -> None:
    heart = Heart("here/1", "here", every_s=0.02, dead_s=30, stall_s=1000)
    heart.start()
    lease = take("build:x", "here/1", 1000)
    with heart.holding(lease), heart.working("build x"):
        Lease.objects.update(until=timezone.now() + timedelta(seconds=2))
        deadline = timezone.now() + timedelta(seconds=10)
        while timezone.now() < deadline:
            row = WorkerState.objects.get()
            if row.doing == "build x" and Lease.objects.get().until > timezone.now() + timedelta(seconds=500):
                break
        else:
            pytest.fail("no beat renewed the lease")
        assert row.resident_mb > 10
    heart.stop()
    assert not WorkerState.objects.exists()
    assert holder_of("build:x") is None


def test_a_job_hears_at_its_next_progress_that_its_lease_is_lost(database) -> None:
    heart = Heart("here/1", "here", every_s=0.02, dead_s=30, stall_s=1000)
    heart.start()
    lease = take("build:x", "here/1", 1000)
    with heart.holding(lease), heart.working("build x"):
        heart.progress(1)
        Lease.objects.update(token=99)
        with pytest.raises(Stopped, match="another worker has taken over"):
            for _ in iter(lambda: heart.progress(1), 1):
                pass
    assert not heart.stopping, "the worker goes on with other jobs"
    with heart.working("build y"):
        heart.progress(1)
    heart.stop()


def test_finished_jobs_are_pruned_when_old_and_no_others(organisation, worker_of) -> None:
    wanted()
    worker_of({7: "seven"}).run(until_empty=True)
    wanted()
    assert prune(timedelta(days=7)) == 0
    DBTaskResult.objects.filter(status="SUCCESSFUL").update(finished_at=timezone.now() - timedelta(days=8))
    assert prune(timedelta(days=7)) == 1
    assert jobs() == [("READY", 0)]


def test_standings_tell_building_queued_ready_stale_and_damaged_apart(organisation, worker_of, settings) -> None:
    worker = worker_of({7: "seven"})
    shelf = Shelf(worker.builder.storage)

    def state(**changes: object) -> str:
        return standings(settings.model_copy(update=changes), shelf)[0].state

    wanted()
    assert state() == "queued"
    job = worker._claim()
    assert state() == "building"
    worker._do(job)
    assert state() == "ready"
    entry = shelf.entry("1/activities")
    assert state(rebuild_hours=1e-9) == "stale"
    worker.builder.storage.delete(entry.whole.gzip.name)
    assert state() == "damaged"
    held = take("build:1/activities", "somebody", 1000)
    assert state() == "building"
    held.release()


def test_the_worker_waits_for_a_database_that_does_not_answer(organisation, worker_of) -> None:
    from django.db import OperationalError

    worker = worker_of({7: "seven"})
    fails = iter([OperationalError("gone"), OperationalError("gone")])

    def step() -> bool:
        error = next(fails, None)
        if error:
            raise error
        return True

    assert worker._patiently(step)
    assert worker._unsure


def test_a_worker_that_never_reached_its_database_stops_when_asked(database, worker_of) -> None:
    worker = worker_of({})
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE floodmark_worker RENAME TO gone")
    threading.Timer(0.5, worker.heart.ask_to_stop, ["enough"]).start()
    assert worker.run() == 0


def test_the_meters_count_what_jobs_came_to(organisation, worker_of) -> None:
    wanted()
    worker = worker_of({7: "seven"})
    worker.run(until_empty=True)
    assert worker.builder.meters.jobs.labels("built")._value.get() == 1
    assert worker.builder.meters.builds.labels("activities")._sum.get() > 0


STALLING = """
import sys, time
from floodmark.export import bootstrap
from floodmark.settings import Settings
bootstrap.setup(Settings(database_url=sys.argv[1]))
from floodmark.export.jobs.heart import Heart
heart = Heart("here/1", "here", every_s=0.05, dead_s=30, stall_s=0.5)
heart.start()
with heart.working("build x"):
    for _ in range(20):
        time.sleep(0.1)
        heart.progress(1)
    print("progress was made", flush=True)
    time.sleep(60)
"""


def test_a_job_that_hangs_ends_its_worker_and_one_that_is_slow_does_not(database) -> None:
    done = subprocess.run([sys.executable, "-c", STALLING, database.url], capture_output=True, text=True, timeout=50)
    assert done.returncode == STALLED
    assert done.stdout == "progress was made\n"
    assert "build x: nothing was written for 0 s; this worker stops" in done.stderr
    assert WorkerState.objects.get().doing == "build x", "the next worker finds out what it was at"
