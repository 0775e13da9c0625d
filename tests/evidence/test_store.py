"""Cells and samples: added up, spilled to disk, and a clear error where the disk is full."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floodmark.errors import CannotWrite
from floodmark.evidence import store as store_module
from floodmark.evidence.clients import ClientBook
from floodmark.evidence.ledger import Ledger, SeriesRow, SourceRow
from floodmark.evidence.readers import SeriesKey
from floodmark.evidence.relief import LEFT_OUT, Relieved, relieve, with_relief
from floodmark.evidence.routes import RouteBook
from floodmark.evidence.seen import SeenBook
from floodmark.evidence.store import Key, Store

cells = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(-5, 5), st.integers(1, 9)), max_size=60)


def key(name: str) -> Key:
    return Key("tally", "error", None, None, 0, name)


@settings(max_examples=25, deadline=None)
@given(cells)
def test_cells_add_up_however_they_were_added(rows: list[tuple[int, int, int, int]]) -> None:
    expected: dict[tuple[int, int, int], float] = {}
    with Store(50) as store:
        for index, (number, lane, second, n) in enumerate(rows):
            expected[number, lane, second] = expected.get((number, lane, second), 0.0) + n
            if index % 2:
                store.count(number, lane, second, n)
            else:
                one = np.array([1])
                store.cells(one * number, lane, one * second, one * float(n), one * 0.0, one * 0.0, one * 0.0)
        store.settle()
        found = store.query("SELECT key, lane, second, sum(n) AS n FROM cells GROUP BY 1, 2, 3")
    columns = (found["key"].tolist(), found["lane"].tolist(), found["second"].tolist())
    assert dict(zip(zip(*columns, strict=True), found["n"].tolist(), strict=True)) == expected


def test_cells_that_are_met_again_are_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "BUFFERED_ROWS", 1000)
    monkeypatch.setattr(store_module, "COMPACT_ROWS", 5000)
    with Store(50) as store:
        for _ in range(40):
            seconds = np.arange(1000)
            ones = np.ones(1000)
            store.cells(np.zeros(1000, np.int64), 0, seconds, ones, ones, ones, ones)
        store.settle()
        assert store.query("SELECT count(*) AS n FROM cells")["n"][0] <= 6000
        assert store.query("SELECT sum(n) AS n FROM cells")["n"][0] == 40_000


def test_a_key_has_one_number_and_the_place_of_its_first_sight() -> None:
    with Store(50) as store:
        assert [store.key(key("a"), 0, 7), store.key(key("b"), 1, 8), store.key(key("a"), 2, 9)] == [0, 1, 0]
        assert (store.seen[0].source, store.seen[0].line) == (0, 7)


def test_what_is_larger_than_memory_spills_and_the_folder_goes(tmp_path: Path) -> None:
    with Store(40, tmp_path) as store:
        for start in range(0, 4_000_000, 200_000):
            seconds = np.arange(start, start + 200_000)
            store.samples(0, 0, seconds.astype(np.float64), seconds.astype(np.float64))
        store.settle()
        assert store.query("SELECT count(DISTINCT moment) AS n FROM samples")["n"][0] == 4_000_000
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_clear_error(tmp_path: Path) -> None:
    wanted = pytest.raises(CannotWrite, match="neither into memory nor onto")
    with Store(30, tmp_path, max_spill_mb=1) as store, wanted:
        for start in range(0, 20_000_000, 200_000):
            seconds = np.arange(start, start + 200_000).astype(np.float64)
            store.samples(0, 0, seconds, np.sin(seconds))


def test_no_place_to_spill_to_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="gone: no folder to spill to: No such file or directory"):
        Store(50, tmp_path / "gone")


@given(st.lists(st.lists(st.integers(-50, 50), max_size=20), max_size=20))
def test_only_the_first_of_equal_hashes_is_new(batches: list[list[int]]) -> None:
    book, known = SeenBook(), set()
    for batch in batches:
        expected = []
        for number in batch:
            expected.append(number not in known)
            known.add(number)
        assert book.new("x", batch) == expected


def test_the_oldest_hashes_are_forgotten_first() -> None:
    book = SeenBook(max_hashes=1000)
    assert all(book.new("x", range(800)))
    assert all(book.new("x", range(800, 1100)))
    assert not any(book.new("x", range(800, 1100)))
    assert sum(map(len, book._runs["x"])) <= 1000


def test_where_nothing_fits_what_takes_most_is_still_known_and_can_be_given_up(tmp_path: Path) -> None:
    one = np.ones(50_000)

    def fill(store: Store) -> None:
        for number in range(400):
            store.samples(7 if number % 3 else 0, 0, np.arange(50_000) + one * number, one * np.pi * number)

    with Store(20, tmp_path, max_spill_mb=0) as store:
        with pytest.raises(CannotWrite):
            fill(store)
        put = store.rows("samples")
        assert put[7] > put[0] > 0
        store.forget("samples", [7])
        assert store.rows("samples").get(7, 0) == 0
        store.samples(1, 0, one, one)
        store.settle()
        assert store.rows("samples")[1] == 50_000


def relieved(store: Store) -> Ledger:
    """A ledger of one source with one series and one lane, which makes room in its store."""
    ledger = Ledger(store, 60.0, RouteBook(100), ClientBook())
    ledger.sources.append(SourceRow("a.log", "uwsgi", 0, records=1))
    ledger.lane(0, "wall")
    ledger.series_rows.append(SeriesRow(SeriesKey("web", "rss", "rss"), 0, 1))
    store.relief = partial(relieve, ledger)
    return ledger


def test_counts_that_find_no_room_are_put_together_in_longer_steps_and_none_is_lost(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    with Store(60, tmp_path, max_spill_mb=20) as store:
        ledger = relieved(store)
        for _ in range(30):
            second = chance.integers(1_756_000_000, 1_756_600_000, 100_000)
            one, took = np.ones(100_000), chance.random(100_000)
            store.cells(chance.integers(0, 50, 100_000), 0, second, one, took, one, one * 0)
        store.settle()
        found = with_relief(ledger, lambda: store.query("SELECT sum(n) AS n, min(second % 60) AS s FROM cells"))
        assert (found["n"][0], store.step > 1) == (3_000_000, True)
        assert found["s"][0] == 0
        assert Relieved(ledger).remarks(0) == [
            f"its counts were put together in steps of {store.step} s: finer ones were {LEFT_OUT}"
        ]


def test_samples_are_kept_or_not_by_the_same_rule_before_and_in_the_store(tmp_path: Path) -> None:
    at = np.arange(1_756_000_000.25, 1_756_000_000 + 100_000, 15)
    with Store(50, tmp_path) as before, Store(50, tmp_path) as after:
        before.one_in = 8
        before.met[0] = 1000
        for store in (before, after):
            store.samples(0, 0, at, at)
            store.settle()
        assert after.thin(8)
        kept = [store.query("SELECT moment FROM samples ORDER BY 1")["moment"].tolist() for store in (before, after)]
        assert kept[0] == kept[1]
        assert len(kept[0]) == pytest.approx(len(at) / 8, rel=0.1)
        assert np.diff(kept[0]).max() < 100 * 15


def test_where_thinning_does_not_help_the_largest_source_goes_and_says_so(tmp_path: Path) -> None:
    with Store(50, tmp_path) as store:
        ledger = relieved(store)
        store.samples(0, 0, np.arange(50.0), np.arange(50.0))
        store.settle()
        assert relieve(ledger)
        assert ledger.sources[0].remarks == [f"its samples were {LEFT_OUT}"]
        assert not relieve(ledger)
