"""Evidence as it comes on a bad day, each case through the whole intake: a clear line for it, and the rest goes on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from floodmark.evidence import intake, overlap
from floodmark.evidence.intake import gather
from floodmark.evidence.overlap import Pool

AT = 1_756_793_700  # 2025-09-02T06:15:00Z
LOOK = Callable[[Any], Any]


def access(count: int, first: int = 0, zone: str = "+0000", hour: int = 6) -> str:
    return "".join(
        f"10.0.{n % 7}.9 - - [02/Sep/2025:{hour + n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d} {zone}] "
        f'"GET /project/{n}/ HTTP/1.1" 200 {n} "-" "curl" 0.100 0.100 0.000\n'
        for n in range(first, first + count)
    )


def matrix(samples: int, at: int = AT) -> str:
    values = [[at + 60 * k, str(400_000_000 + k)] for k in range(samples)]
    metric = {"__name__": "container_memory_rss", "container": "web"}
    return json.dumps(
        {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": metric, "values": values}]}}
    )


@pytest.mark.parametrize(
    "deep",
    ["[" * 100_000, '{"a":' * 100_000, '{"log":"x","stream":' + "[" * 100_000, '{"status":"success","data":{"resultType":"matrix","result":' + "[" * 100_000,
     '{"logName":"l","textPayload":' + "[" * 100_000, '{"kind":"List","items":[{"kind":"Event","a":' + "[" * 100_000],
    ids=["arrays", "objects", "docker", "prometheus", "cloud logging", "events"],
)  # fmt: skip
def test_json_nested_too_deep_is_named_and_costs_only_itself(gathered: Any, look: LOOK, deep: str) -> None:
    seen = look(gathered({"deep.json": deep, "good.log": access(20)}))
    assert seen.source("good.log").records == 20
    row = seen.source("deep.json")
    assert row.records == 0
    assert row.remark
    assert intake.FAULT not in row.remark


def test_a_reader_that_fails_to_recognise_a_file_costs_only_that_file(
    gathered: Any, look: LOOK, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = intake.reader_for

    def failing(head: Any) -> Any:
        if b"explode" in head.data:
            raise KeyError("a fault of ours")
        return known(head)

    monkeypatch.setattr(intake, "reader_for", failing)
    seen = look(gathered({"a.log": access(5), "b.log": "explode\n"}))
    assert seen.source("a.log").records == 5
    assert seen.source("b.log").kind == "unreadable"
    assert seen.source("b.log").remark.startswith(f"{intake.FAULT}: KeyError in failing:")


def test_a_file_that_is_gone_when_its_turn_comes_is_named(tmp_path: Path, look: LOOK) -> None:
    (tmp_path / "a.log").write_text(access(5))
    (tmp_path / "b.log").write_text(access(5, 100))

    def remove(path: str, done: int, count: int) -> None:
        (tmp_path / "b.log").unlink(missing_ok=True)

    seen = look(gather([tmp_path], progress=remove))
    assert seen.source("a.log").records == 5
    assert (seen.source("b.log").kind, seen.source("b.log").remark) == (
        "unreadable", "cannot be opened: No such file or directory",
    )  # fmt: skip


@pytest.mark.parametrize("grown", [True, False], ids=["grown", "truncated"])
def test_a_file_that_changes_after_it_was_recognised_is_read_as_it_is_then(
    tmp_path: Path, look: LOOK, grown: bool
) -> None:
    (tmp_path / "b.log").write_text(access(5, 100))

    def change(path: str, done: int, count: int) -> None:
        (tmp_path / "b.log").write_text(access(50 if grown else 1, 100))

    assert look(gather([tmp_path], progress=change)).source("b.log").records == (50 if grown else 1)


def test_nothing_inside_is_told_from_what_nobody_knows(gathered: Any, look: LOOK) -> None:
    files = {"holes.log": bytes(200_000), "empty.log.gz": gzip.compress(b""), "cut.gz": b"\x1f\x8b", "x.txt": "hello\n"}
    rows = {row.path: (row.kind, row.remark) for row in gathered(files).sources}
    assert rows == {
        "holes.log": ("empty", "nothing but NUL bytes"),
        "empty.log.gz": ("empty", "nothing inside"),
        "cut.gz": ("unreadable", "the archive is cut: it ends after 0 bytes of content"),
        "x.txt": ("unknown", "no reader knows what this file is"),
    }


def test_a_wrong_checksum_costs_no_more_than_the_end_of_a_small_archive(gathered: Any, look: LOOK) -> None:
    text = access(1000).encode()
    row = look(gathered({"a.log.gz": gzip.compress(text)[:-8] + bytes(8)})).source("a.log.gz")
    assert row.records > 850
    assert "the archive is damaged after" in row.remark


def test_zones_that_contradict_each_other_in_one_file_are_said_and_each_line_is_believed(
    gathered: Any, look: LOOK
) -> None:
    mixed = "".join(access(1, n) + access(1, n, "+0200", 8) for n in range(300))
    row = look(gathered({"a.log": mixed})).source("a.log")
    assert row.remark == "more than one zone in the file: +00:00 (300 lines), +02:00 (300 lines)"
    assert 299 <= row.last - row.first <= 301


def test_logs_and_metrics_that_do_not_overlap_are_said_on_both_sides(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"a.log": access(50), "rss.json": matrix(50, AT + 90 * 86_400), "near.log": access(5, 100)}))
    said = {row.path: row.remark for row in seen.evidence.sources}
    assert said == {
        "a.log": "no metric of the evidence lies in its time, so nothing can be compared",
        "near.log": "no metric of the evidence lies in its time, so nothing can be compared",
        "rss.json": "no log of the evidence lies in its time, so nothing can be compared",
    }
    together = look(gathered({"rss.json": matrix(50, AT - 900)})).evidence.sources
    assert [row.remark for row in together] == ["", "", ""]


def test_a_last_number_that_was_cut_is_not_read_as_another_number(gathered: Any, look: LOOK) -> None:
    table = "time,container,rss_bytes\n" + "".join(f"{AT + 60 * k},web,{400_000_000 + k}\n" for k in range(50))
    page = "".join(f'process_resident_memory_bytes{{job="api"}} 4.6e8 {AT + 60 * k}000\n' for k in range(50))
    files = {"cut.csv": table[:-6], "whole.csv": table.replace("web", "other")[:-1], "page.prom": page[:-7]}
    seen = look(gathered(files))
    for path, good, bad in (("cut.csv", 49, 1), ("whole.csv", 50, 0), ("page.prom", 49, 1)):
        assert (seen.source(path).records, seen.source(path).rejected) == (good, bad), path
    assert min(float(one.value.min()) for one in seen.evidence.series) >= 4e8


def test_thousands_of_small_files_are_compared_without_comparing_each_with_each(
    gathered: Any, look: LOOK, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    same = overlap._same_run
    monkeypatch.setattr(overlap, "_same_run", lambda run, begin: compared.append(1) or same(run, begin))
    files = {f"{n:04d}.log": access(10, 10 * n) for n in range(300)} | {"copy.log": access(10, 1500)}
    seen = look(gathered(files))
    assert seen.source("copy.log").duplicates + seen.source("0150.log").duplicates == 10
    assert sum(row.records for row in seen.evidence.sources) == 3000
    assert len(compared) < 300, "most files are known to repeat nothing without a look at the others"


def test_what_a_pool_forgets_by_joining_runs_it_still_finds() -> None:
    pool = Pool()
    runs = [np.arange(1 + 10 * n, 11 + 10 * n, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) for n in range(100)]
    for run in runs:
        pool.remember(run)
    assert len(pool.runs) < 20
    assert all(overlap._overlap(pool, run) is not None for run in runs)
    across = np.concatenate((runs[3][-3:], runs[4][:3]))
    assert overlap._overlap(pool, across) is None, "the end of one file and the begin of the next are no run"
