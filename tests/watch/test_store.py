"""The store keeps what it was given, coarsens as it ages, stays in its bounds, and survives being killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from floodmark.errors import CannotWrite
from floodmark.evidence.nouns import Dose, Event, Place, Tally, Volume
from floodmark.watch.ageing import used_mb
from floodmark.watch.collect.base import Sample
from floodmark.watch.store import Retention, WatchStore
from floodmark.watch.tables import evidence

DAY = 86_400.0
PLACE = Place("access.log", 7)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[WatchStore]:
    made = WatchStore(tmp_path / "samples.duckdb", Retention())
    yield made
    made.close()


def sample(at: float, value: float, *, service: str = "web", process: str | None = "7", measure: str = "rss") -> Sample:
    return Sample(service, "host", process, measure, at, value, 1.0)


def dose(number: int, name: str = "/a/", starts: float = 3.0) -> Dose:
    return Dose(
        "web", "endpoint", name, PLACE, np.array([number]), np.array([starts]), np.array([np.nan]), np.array([9.0]),
        np.array([0.0]),
    )  # fmt: skip


def test_what_was_put_in_comes_out_as_evidence(store: WatchStore) -> None:
    event = Event(130.0, "restart", "web", "host", None, "again", PLACE)
    tally = Tally("upstream-timeout", "web", "/a/", np.array([2]), np.array([4.0]), ((125.0, PLACE, "line"),))
    volume = Volume("access.log", "web", np.array([0]), np.array([500.0]), np.array([5.0]))
    store.add([sample(120.0, 1e8)], [dose(2)], [tally], [event], [volume])
    store.add([sample(135.0, 1.1e8)], [dose(2, starts=2.0), dose(2, "/b/")])
    seen = evidence(store, (0.0, 300.0), 60.0)
    (series,) = seen.series
    assert (series.service, series.process, series.measure, series.started) == ("web", "7", "rss", 1.0)
    assert list(series.at) == [120.0, 135.0]
    assert list(series.value) == [1e8, 1.1e8]
    assert [(one.name, list(one.starts)) for one in seen.doses] == [("/a/", [5.0]), ("/b/", [3.0])]
    assert np.isnan(seen.doses[0].seconds).all()
    assert seen.events == (event,)
    assert [(one.kind, list(one.count), one.examples) for one in seen.tallies] == [
        ("upstream-timeout", [4.0], ((125.0, PLACE, "line"),))
    ]
    assert [(one.name, list(one.bytes)) for one in seen.volumes] == [("access.log", [500.0])]


def test_only_the_window_comes_out(store: WatchStore) -> None:
    store.add([sample(float(at), 1e8) for at in range(0, 600, 60)])
    (series,) = evidence(store, (120.0, 240.0), 60.0).series
    assert list(series.at) == [120.0, 180.0]


def test_a_pid_given_out_again_is_another_series(store: WatchStore) -> None:
    store.add([sample(10.0, 1e8), Sample("web", "host", "7", "rss", 20.0, 5e7, started=15.0)])
    assert len(evidence(store, (0.0, 100.0), 60.0).series) == 2


def test_hostile_names_are_values_and_not_sql(store: WatchStore) -> None:
    name = "x'); drop table sample; --"
    store.add([sample(10.0, 1e8, service=name)], events=[Event(11.0, "restart", name, None, None, name, PLACE)])
    seen = evidence(store, (0.0, 100.0), 60.0)
    assert seen.series[0].service == seen.events[0].text == name


def test_old_samples_become_medians_of_five_minutes_and_then_go(store: WatchStore) -> None:
    store.add([sample(1000 * DAY + 15.0 * step, 1e8 + step) for step in range(40)])
    store.age(1000 * DAY + 2 * DAY)
    columns = store.samples(0.0, 1e12)
    assert list(columns["moment"]) == [1000 * DAY, 1000 * DAY + 300]
    assert list(columns["value"]) == [1e8 + 9.5, 1e8 + 29.5]
    store.age(1000 * DAY + 31 * DAY)
    assert len(store.samples(0.0, 1e12)["value"]) == 0
    assert len(store.series()["id"]) == 0


def test_ageing_twice_changes_nothing(store: WatchStore) -> None:
    store.add([sample(1000 * DAY + 15.0 * step, 1e8 + step) for step in range(40)])
    store.age(1002 * DAY)
    before = {name: list(values) for name, values in store.samples(0.0, 1e12).items()}
    store.age(1002 * DAY)
    assert {name: list(values) for name, values in store.samples(0.0, 1e12).items()} == before


def test_thirty_days_of_a_hundred_processes_stay_in_the_bounds_on_disk(tmp_path: Path) -> None:
    store = WatchStore(tmp_path / "samples.duckdb", Retention(raw_seconds=3600, max_disk_mb=12))
    for hour in range(0, 24 * 40, 8):
        now = 1000 * DAY + hour * 3600.0
        store.add([
            sample(now + 60 * minute, 1e8 + hour * minute, process=str(process))
            for process in range(100) for minute in range(0, 480, 5)
        ])  # fmt: skip
        store.age(now + 8 * 3600)
    assert store.disk_mb() < 2 * 12
    store.close()


def test_a_store_that_is_full_keeps_its_newest_history_and_stays_within_the_bound(tmp_path: Path) -> None:
    store = WatchStore(tmp_path / "samples.duckdb", Retention(raw_seconds=3600, max_disk_mb=4))
    for day in range(30):
        now = (1000 + day) * DAY
        store.add([
            sample(now + 300 * slot, 1e8 + day * slot, process=str(process))
            for process in range(60) for slot in range(288)
        ])  # fmt: skip
        store.age(now + DAY)
    for hour in range(12):
        store.age(1030 * DAY + hour * 3600)
    assert used_mb(store.connection) <= 4
    first, last = store.connection.execute("select min(moment), max(moment) from sample_coarse").fetchone()
    assert (last - first) / DAY > 2
    assert last > 1029 * DAY
    store.close()


def test_series_beyond_the_bound_are_left_out(tmp_path: Path) -> None:
    store = WatchStore(tmp_path / "samples.duckdb", Retention(max_series=3))
    store.add([sample(10.0, 1e8, process=str(number)) for number in range(10)])
    assert len(evidence(store, (0.0, 100.0), 60.0).series) == 3
    assert store.left_out == 7
    store.close()


KILLED = """
import sys
from pathlib import Path
from floodmark.watch.collect.base import Sample
from floodmark.watch.store import Retention, WatchStore
store = WatchStore(Path(sys.argv[1]), Retention())
for number in range(10_000):
    store.add([Sample("web", "host", str(one), "rss", float(number), 1e8) for one in range(5)])
    print(number, flush=True)
    if sys.argv[2:] == ["anew"]:
        store.reopen()
"""


@pytest.mark.parametrize(("words", "rounds"), [((), 25), (("anew",), 25), (("anew",), 31), (("anew",), 38)])
def test_a_killed_watch_loses_at_most_the_round_it_was_writing(
    tmp_path: Path, words: tuple[str, ...], rounds: int
) -> None:
    """Also where it was opening its file anew, which it then does most of the time."""
    path = tmp_path / "samples.duckdb"
    command = [sys.executable, "-c", KILLED, str(path), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        last = next(int(line) for line in process.stdout if int(line) >= rounds)
        os.kill(process.pid, signal.SIGKILL)
        last = max([last, *(int(line) for line in process.stdout if line.endswith("\n"))])
    store = WatchStore(path, Retention())
    assert store.moved_aside is None
    columns = store.samples(0.0, 1e9)
    per_round = np.bincount(np.asarray(columns["moment"], dtype=int))
    assert len(per_round) >= last + 1
    assert set(per_round) == {5}
    store.close()


def test_a_damaged_file_is_moved_aside_and_the_watch_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "samples.duckdb"
    path.write_bytes(b"not a database " * 1000)
    store = WatchStore(path, Retention())
    assert store.moved_aside
    assert store.moved_aside.read_bytes().startswith(b"not a database")
    store.add([sample(10.0, 1e8)])
    store.close()


def test_a_file_that_another_watch_holds_is_not_moved_aside(store: WatchStore) -> None:
    code = (
        "import sys; from pathlib import Path; from floodmark.watch.store import *\n"
        "from floodmark.errors import CannotWrite\n"
        "try: WatchStore(Path(sys.argv[1]), Retention())\n"
        "except CannotWrite as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(store.path)], capture_output=True, text=True, check=True)
    assert "cannot be opened" in done.stdout
    assert list(store.path.parent.glob("*.damaged*")) == []


def test_a_folder_that_cannot_be_written_to_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="cannot be opened"):
        WatchStore(tmp_path / "file" / "samples.duckdb", Retention())


def test_the_screen_adds_the_growth_of_a_services_processes(store: WatchStore) -> None:
    store.add([
        sample(60.0 * minute, 1e8 + rate * 1e6 * minute / 60, process=process)
        for minute in range(30) for process, rate in (("1", 120.0), ("2", 80.0), ("3", -50.0))
    ])  # fmt: skip
    assert store.slopes(0.0, 1e9) == {"web": pytest.approx(200.0)}
    totals = store.totals("web", 0.0, 1e9, 60.0)
    assert totals["value"][0] == 3e8


def test_a_file_opened_anew_has_everything_and_takes_more(store: WatchStore) -> None:
    store.add([sample(15.0 * number, 1e8 + number) for number in range(100)], [dose(2)])
    before = evidence(store, (0.0, 1e4), 60.0)
    store.reopen()
    after = evidence(store, (0.0, 1e4), 60.0)
    assert list(after.series[0].value) == list(before.series[0].value)
    assert [list(one.starts) for one in after.doses] == [[3.0]]
    store.add([sample(1515.0, 2e8)])
    (series,) = evidence(store, (0.0, 1e4), 60.0).series
    assert series.value[-1] == 2e8


def test_pages_are_read_while_the_file_is_opened_anew_and_written_to(store: WatchStore) -> None:
    """Readers in threads of their own meet neither a closed file nor a round that is half there."""
    store.add([sample(0.0, 1e8, process=str(number)) for number in range(20)])
    over, seen, failed = threading.Event(), [], []

    def look() -> None:
        while not over.is_set():
            try:
                seen.append(len(store.samples(0.0, 1e9)["value"]))
            except CannotWrite as error:
                failed.append(str(error))

    readers = [threading.Thread(target=look) for _ in range(3)]
    for one in readers:
        one.start()
    for moment in range(1, 60):
        store.add([sample(float(moment), 1e8, process=str(number)) for number in range(20)])
        store.reopen()
    over.set()
    for one in readers:
        one.join()
    assert failed == []
    assert {count % 20 for count in seen} == {0}
    assert len(store.samples(0.0, 1e9)["value"]) == 60 * 20


def test_a_file_that_cannot_be_opened_anew_is_said_and_opened_when_it_can(store: WatchStore, tmp_path: Path) -> None:
    store.add([sample(10.0, 1e8)])
    store.close()
    aside = store.path.rename(tmp_path / "aside")
    store.path.write_bytes(b"not a database " * 1000)
    with pytest.raises(CannotWrite, match=r"samples\.duckdb"):
        store.reopen()
    with pytest.raises(CannotWrite, match=r"samples\.duckdb"):
        store.samples(0.0, 1e9)
    aside.replace(store.path)
    store.add([sample(20.0, 1.1e8)])
    assert list(store.samples(0.0, 1e9)["value"]) == [1e8, 1.1e8]


GROWING = """
import sys
from pathlib import Path
from floodmark.own_memory import give_back
from floodmark.watch.collect.base import Sample
from floodmark.watch.store import Retention, WatchStore

def own_mb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("RssAnon"))

store = WatchStore(Path(sys.argv[1]), Retention(raw_seconds=4 * 3600))
now, figures = 1.7568e9, []
for hour in range(264):
    store.add([Sample("web", "host", str(one), "rss", now + 60 * minute, 1e8 + minute * one, 1.0)
               for minute in range(60) for one in range(100)])
    now += 3600
    store.age(now)
    store.samples(now - 21_600, now)
    store.reopen()
    give_back()
    if hour in (23, 263):
        figures.append(own_mb())
store.close()
print(figures[1] - figures[0])
"""


def test_ten_days_of_use_leave_nothing_in_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GROWING, str(tmp_path / "samples.duckdb")], capture_output=True, text=True, check=True
    )
    # Ten days: 0.2 MB by measurement, 4.0 without opening the file anew.
    assert float(done.stdout) < 1.5


def test_a_day_that_was_slept_through_is_coarsened_within_the_memory_that_is_allowed(tmp_path: Path) -> None:
    store = WatchStore(tmp_path / "samples.duckdb", Retention(memory_mb=16, max_series=2_000))
    for hour in range(6):
        store.add([
            sample(1000 * DAY + hour * 3600 + 60.0 * minute, 1e8 + process, process=str(process))
            for minute in range(60) for process in range(1_000)
        ])  # fmt: skip
    store.age(1002 * DAY)
    columns = store.samples(0.0, 1e12)
    assert len(columns["value"]) == 6 * 12 * 1_000
    store.close()


def test_too_little_memory_names_the_setting_to_raise(tmp_path: Path) -> None:
    store = WatchStore(tmp_path / "samples.duckdb", Retention(memory_mb=1))
    with pytest.raises(CannotWrite, match="watch_store_memory_mb = 1 is too little"):
        store.add([sample(0.01 * number, 1e8 + number, process=str(number % 50)) for number in range(100_000)])
    store.close()
