"""Artifacts: a build replaces all or nothing, the same content keeps its bytes, a change rewrites one segment."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from floodmark.errors import CannotStart, CannotWrite, FloodmarkError
from floodmark.export.artifacts.build import Build, Outcome, Rules, sweep
from floodmark.export.artifacts.entry import INDEX, Artifact, Entry
from floodmark.export.artifacts.shelf import Shelf, read_entry
from floodmark.export.storage import FsspecStorage, LocalStorage, Storage, open_storage

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, UTC)
SLUG = "41/activities"
RULES = Rules(segment_max_bytes=40_000_000, grace=timedelta(hours=1))
SMALL = Rules(segment_max_bytes=2_000, grace=timedelta(hours=1))


@pytest.fixture
def local(tmp_path) -> LocalStorage:
    return LocalStorage(tmp_path / "store")


def well_formed(blocks) -> str | None:
    try:
        etree.fromstring(b"".join(blocks))
    except etree.XMLSyntaxError as error:
        return str(error)
    return None


def build(storage: Storage, producer, at: datetime = NOON, rules: Rules = RULES, **more) -> Outcome:
    return Build(storage, SLUG, at, rules, well_formed).run(producer, **more)


def body(storage: Storage, artifact: Artifact, encoding="identity") -> bytes:
    with storage.open(artifact.file(encoding).name) as file:
        return file.read()


def names(storage: Storage) -> set[str]:
    return {found.name for found in storage.files(SLUG)}


def in_force(entry: Entry) -> set[str]:
    return {file.name for file in entry.files()} | {f"{SLUG}/{INDEX}"}


def test_a_build_writes_the_whole_its_gzip_sibling_the_report_and_the_entry(store, invent) -> None:
    outcome = build(store, invent({7: "seven", 9: "nine"}, remarks=2))
    entry = read_entry(store, SLUG)
    assert entry == outcome.entry
    assert outcome.changed
    xml = body(store, entry.whole)
    assert xml == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<iati-activities generated-datetime="2026-11-23T12:00:00Z" version="2.03">'
        b"<iati-activity><title>nine</title></iati-activity><iati-activity><title>seven</title></iati-activity>"
        b"</iati-activities>"
    )
    assert gzip.decompress(body(store, entry.whole, "gzip")) == xml
    assert (entry.whole.xml.bytes, entry.whole.activities, entry.left_out) == (len(xml), 2, 2)
    assert entry.whole.xml.sha256 == hashlib.sha256(xml).hexdigest()
    assert entry.whole.gzip.sha256 == hashlib.sha256(body(store, entry.whole, "gzip")).hexdigest()
    assert entry.whole.last_modified == "Mon, 23 Nov 2026 12:00:00 GMT"
    with store.open(entry.report.name) as report:
        assert [json.loads(line) for line in report.read().splitlines()] == [{"problem": "invented"}] * 2
    assert names(store) == in_force(entry)


def test_the_same_content_later_keeps_every_byte_and_validator(store, invent) -> None:
    first = build(store, invent({7: "seven"})).entry
    second = build(store, invent({7: "seven"}), NOON + timedelta(days=1))
    assert not second.changed
    assert second.entry.whole == first.whole
    assert second.entry.checked == NOON + timedelta(days=1)
    assert names(store) - in_force(second.entry) == {first.report.name}


def test_other_content_gets_other_validators_and_a_later_date_even_if_the_clock_goes_back(store, invent) -> None:
    first = build(store, invent({7: "seven"})).entry
    second = build(store, invent({7: "sieben"}), NOON - timedelta(days=1)).entry
    assert second.whole.etag("identity") != first.whole.etag("identity")
    assert second.whole.etag("gzip") != second.whole.etag("identity")
    assert second.whole.generated == first.whole.generated + timedelta(seconds=1)
    assert b'generated-datetime="2026-11-23T12:00:01Z"' in body(store, second.whole)


def test_equal_content_gives_equal_bytes_in_another_store(tmp_path, invent) -> None:
    entries = [build(LocalStorage(tmp_path / name), invent({7: "x" * 10**6})).entry for name in ("one", "two")]
    assert entries[0].whole.gzip.sha256 == entries[1].whole.gzip.sha256
    assert entries[0].whole.xml.sha256 == entries[1].whole.xml.sha256


def test_a_small_file_has_no_segments(store, invent) -> None:
    assert build(store, invent({7: "seven"})).entry.segments == ()


def test_a_file_as_large_as_a_segment_may_be_needs_none_and_one_byte_more_does(local, invent) -> None:
    projects = {1: "one " * 100, 2: "two " * 100}
    size = build(local, invent(projects)).entry.whole.xml.bytes
    later = NOON + timedelta(minutes=1)
    assert build(local, invent(projects), later, Rules(size, timedelta(0))).entry.segments == ()
    cut = build(local, invent(projects), later, Rules(size - 1, timedelta(0))).entry.segments
    assert sorted(segment.number for segment in cut) == [1, 2], "numbers begin with 1: they stand in addresses"


def test_segments_are_complete_files_that_together_are_the_whole(store, invent) -> None:
    entry = build(store, invent(dict.fromkeys(range(1, 31), "t" * 200), pieces_of_each=3), rules=SMALL).entry
    assert len(entry.segments) > 3
    titles = []
    for segment in entry.segments:
        xml = body(store, segment.artifact)
        assert len(xml) <= SMALL.segment_max_bytes
        assert gzip.decompress(body(store, segment.artifact, "gzip")) == xml
        root = etree.fromstring(xml)
        assert root.get("generated-datetime") == "2026-11-23T12:00:00Z"
        assert len(root) == segment.artifact.activities
        titles += [etree.tostring(each) for each in root]
    assert titles == [etree.tostring(each) for each in etree.fromstring(body(store, entry.whole))]


@pytest.mark.parametrize("changed", [1, 15, 30, 31])
def test_a_changed_or_added_project_changes_one_segment(store, invent, changed) -> None:
    projects = dict.fromkeys(range(1, 31), "t" * 200)
    first = build(store, invent(projects), rules=SMALL).entry
    second = build(store, invent({**projects, changed: "u" * 201}), NOON + timedelta(days=1), SMALL).entry
    before = {segment.number: segment.artifact for segment in first.segments}
    after = {segment.number: segment.artifact for segment in second.segments}
    assert len(before.items() - after.items()) <= 1, "at most one segment is replaced"
    assert len(after.items() - before.items()) == 1, "exactly one is new or other"
    (_number, new) = (after.items() - before.items()).pop()
    assert new.generated == NOON.replace(microsecond=0) + timedelta(days=1)
    kept = next(artifact for artifact in after.values() if artifact != new)
    assert kept.generated == NOON.replace(microsecond=0)
    assert b"2026-11-23T12:00:00Z" in body(store, kept)


def test_an_activity_larger_than_the_limit_gets_a_segment_of_its_own(store, invent) -> None:
    entry = build(store, invent({1: "a", 2: "b" * 5_000, 3: "c"}, pieces_of_each=50), rules=SMALL).entry
    assert [segment.artifact.activities for segment in entry.segments] == [1, 1, 1]
    assert entry.segments[1].artifact.xml.bytes > SMALL.segment_max_bytes


def test_a_single_giant_activity_has_no_segments_for_the_whole_is_one(store, invent) -> None:
    assert build(store, invent({2: "b" * 5_000}), rules=SMALL).entry.segments == ()


def test_segments_once_published_stay_when_the_whole_becomes_small(store, invent) -> None:
    build(store, invent(dict.fromkeys(range(1, 31), "t" * 200)), rules=SMALL)
    entry = build(store, invent({30: "t"}), NOON + timedelta(days=1), SMALL).entry
    assert [segment.artifact.activities for segment in entry.segments] == [1]


def test_an_invalid_file_never_comes_into_force(store, invent) -> None:
    first = build(store, invent({7: "seven"})).entry
    with pytest.raises(FloodmarkError, match="41/activities: the new file is not valid, the last good one stays: Op"):
        build(store, invent({7: "</title>"}))
    assert read_entry(store, SLUG) == first
    assert names(store) == in_force(first)


def test_a_build_that_fails_half_way_leaves_all_as_it_was(store, invent) -> None:
    first = build(store, invent({7: "seven"})).entry
    failing = invent(dict.fromkeys(range(1, 50), "t" * 10**5))

    def fail(project: int) -> None:
        if project == 3:
            raise ConnectionError("the database has gone")

    failing.before_each = fail
    with pytest.raises((ConnectionError, CannotWrite)):
        build(store, failing)
    assert read_entry(store, SLUG) == first
    assert names(store) == in_force(first)


def test_a_build_that_lost_its_lease_does_not_switch(store, invent) -> None:
    first = build(store, invent({7: "seven"})).entry

    def refuse() -> None:
        raise FloodmarkError("another worker has taken over")

    with pytest.raises(FloodmarkError, match="taken over"):
        build(store, invent({7: "sieben"}), may_switch=refuse)
    assert read_entry(store, SLUG) == first
    assert names(store) == in_force(first)


def test_replaced_files_stay_for_the_grace_and_are_swept_after_it(store, invent) -> None:
    first = build(store, invent({7: "one"})).entry
    second = build(store, invent({7: "two"}), NOON + timedelta(minutes=10)).entry
    sweep(store, SLUG)
    assert {file.name for file in first.files()} <= names(store)
    third = build(store, invent({7: "two"}), NOON + timedelta(minutes=75)).entry
    sweep(store, SLUG)
    assert names(store) == in_force(third) | {second.report.name}


def test_what_a_killed_build_left_is_swept_and_what_is_in_force_is_not(store, invent) -> None:
    entry = build(store, invent({7: "one"})).entry
    with store.create(f"{SLUG}/20260101T000000Z-aaaaaa.xml") as file:
        file.write(b"<iati-act")
    assert sweep(store, SLUG) == [f"{SLUG}/20260101T000000Z-aaaaaa.xml"]
    assert names(store) == in_force(entry)


@pytest.mark.parametrize("which", ["xml", "gzip", "both"])
def test_a_file_deleted_by_hand_comes_back_with_the_same_bytes(store, invent, which) -> None:
    first = build(store, invent({7: "seven"})).entry
    before = body(store, first.whole)
    for name in {"xml": [first.whole.xml.name], "gzip": [first.whole.gzip.name]}.get(
        which, [first.whole.xml.name, first.whole.gzip.name]
    ):
        store.delete(name)
    second = build(store, invent({7: "seven"}), NOON + timedelta(days=1)).entry
    assert body(store, second.whole) == before
    assert gzip.decompress(body(store, second.whole, "gzip")) == before
    for encoding in ("identity", "gzip"):
        assert second.whole.etag(encoding) == first.whole.etag(encoding)
    assert second.whole.last_modified == first.whole.last_modified


def test_a_segment_deleted_by_hand_comes_back_with_the_same_bytes(store, invent) -> None:
    projects = invent(dict.fromkeys(range(1, 31), "t" * 200))
    first = build(store, projects, rules=SMALL).entry
    store.delete(first.segments[1].artifact.xml.name)
    second = build(store, projects, NOON + timedelta(days=1), SMALL).entry
    assert [s.artifact.etag("identity") for s in second.segments] == [
        s.artifact.etag("identity") for s in first.segments
    ]
    body(store, second.segments[1].artifact)


def test_the_shelf_sees_a_new_entry_at_once_in_a_folder(local, invent) -> None:
    shelf = Shelf(local)
    assert shelf.entry(SLUG) is None
    first = build(local, invent({7: "one"})).entry
    assert shelf.entry(SLUG) == first
    second = build(local, invent({7: "two"}), NOON + timedelta(minutes=1)).entry
    assert shelf.entry(SLUG) == second
    assert list(shelf.entries()) == [second]


def test_the_shelf_remembers_a_bounded_number_of_entries(local) -> None:
    shelf = Shelf(local, limit=3)
    for number in range(10):
        shelf.entry(f"{number}/activities")
    assert len(shelf._known) == 3


def test_an_entry_spoilt_by_hand_counts_as_absent_and_the_next_build_mends_it(local, invent, caplog) -> None:
    build(local, invent({7: "one"}))
    local.put(f"{SLUG}/{INDEX}", b'{"slug": "41/activities", "who')
    assert Shelf(local).entry(SLUG) is None
    assert "cannot be read and counts as absent" in caplog.text
    sweep(local, SLUG)
    entry = build(local, invent({7: "one"})).entry
    assert names(local) == in_force(entry)


def test_a_reader_goes_on_when_the_file_is_replaced_and_swept_behind_it(local, invent) -> None:
    first = build(local, invent({7: "one" * 10**5})).entry
    reader = Shelf(local).reader(first.whole, "identity")
    begun = reader.read(1000)
    build(local, invent({7: "two"}), NOON + timedelta(days=1))
    build(local, invent({7: "two"}), NOON + timedelta(days=2))
    sweep(local, SLUG)
    assert local.stat(first.whole.xml.name) is None
    rest = b"".join(iter(lambda: reader.read(65536), b""))
    reader.close()
    assert hashlib.sha256(begun + rest).hexdigest() == first.whole.xml.sha256


def test_the_shelf_unpacks_the_sibling_where_the_xml_is_gone_and_finds_nothing_where_both_are(store, invent) -> None:
    entry = build(store, invent({7: "seven" * 10**5})).entry
    store.remembers_seconds = 0.0
    shelf, before = Shelf(store), body(store, entry.whole)
    store.delete(entry.whole.xml.name)
    assert shelf.has(entry.whole, "identity")
    with shelf.reader(entry.whole, "identity") as reader:
        reader.seek(100)
        assert reader.read(50) == before[100:150]
    store.delete(entry.whole.gzip.name)
    assert shelf.reader(entry.whole, "identity") is None
    assert shelf.reader(entry.whole, "gzip") is None
    assert not shelf.has(entry.whole, "identity")


def test_a_shelf_on_a_far_store_believes_what_it_saw_for_a_while(invent) -> None:
    far = FsspecStorage("memory://far")
    entry = build(far, invent({7: "seven"})).entry
    shelf = Shelf(far)
    assert shelf.entry(SLUG) == entry
    assert shelf.has(entry.whole, "gzip")
    far.fs.rm("/far", recursive=True)
    assert shelf.entry(SLUG) == entry
    assert shelf.has(entry.whole, "gzip")
    assert shelf.reader(entry.whole, "gzip") is None


def test_a_small_file_is_packed_as_tightly_as_at_once(local, invent) -> None:
    entry = build(local, invent(dict.fromkeys(range(1, 31), "title of a project"))).entry
    assert entry.whole.gzip.bytes < len(gzip.compress(body(local, entry.whole))) * 1.3


def test_a_file_cut_short_by_hand_counts_as_gone(local, invent) -> None:
    entry = build(local, invent({7: "seven"})).entry
    os.truncate(local.root / entry.whole.gzip.name, 10)
    assert Shelf(local).reader(entry.whole, "gzip") is None


def test_a_put_that_fails_leaves_the_old_file_and_no_rubbish(local) -> None:
    local.put("a/b", b"old")
    (local.root / "a" / "c").mkdir()
    with pytest.raises(CannotWrite, match=r"store/a/c: .*what was there before is untouched"):
        local.put("a/c", b"new")
    assert (local.root / "a" / "b").read_bytes() == b"old"
    assert sorted(path.name for path in (local.root / "a").iterdir()) == ["b", "c"]


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path, invent) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CannotWrite, match="Not a directory; what was there before is untouched"):
        build(LocalStorage(tmp_path / "file" / "store"), invent({7: "seven"}))


def test_the_store_is_chosen_by_url(tmp_path) -> None:
    assert open_storage(None, tmp_path).root == tmp_path
    assert open_storage(f"file://{tmp_path}/x", Path("other")).root == tmp_path / "x"
    assert isinstance(open_storage("memory://x", tmp_path), FsspecStorage)
    with pytest.raises(CannotStart, match="artifacts_url nosuch://x: cannot be opened"):
        open_storage("nosuch://x", tmp_path)


def test_an_80_mb_activity_goes_through_in_little_memory(local, invent) -> None:
    import tracemalloc

    class Giant(invent):
        def pieces(self, lines, generated):
            flow = super().pieces(lines, generated)
            yield next(flow)
            block = b"<title>" + b"x" * 65_000 + b"</title>"
            yield from (type(head)(2, data) for data in [b"<iati-activity>", *[block] * 1231, b"</iati-activity>"])
            yield from flow

    head = next(iter(invent({}).pieces(None, NOON)))
    tracemalloc.start()
    outcome = Build(local, SLUG, NOON, RULES, lambda file: None).run(Giant({1: "one"}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert outcome.entry.whole.xml.bytes > 80_000_000
    assert [segment.artifact.activities for segment in outcome.entry.segments] == [1, 1]
    assert peak < 8_000_000
