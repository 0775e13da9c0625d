"""The whole intake: bad input costs itself, the rest goes on, and the same evidence gives the same answer."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rights import bound_by_modes

from floodmark.evidence import assemble_counts
from floodmark.evidence.intake import IntakeOptions, gather
from floodmark.evidence.nouns import Evidence
from floodmark.evidence.readers import Head
from floodmark.evidence.sniff import READERS, reader_for

LOOK = Callable[[Any], Any]
AT = 1_756_793_700  # 2025-09-02T06:15:00Z


def access(count: int, first: int = 0, agent: str = "curl", path: str = "/project/{n}/") -> str:
    return "".join(
        f'10.0.{n % 7}.9 - - [02/Sep/2025:{6 + n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d} +0000] "GET {path.format(n=n)} HTTP/1.1" '
        f'200 {n} "-" "{agent}" 0.{n % 1000:03d} 0.000 0.000\n'
        for n in range(first, first + count)
    )


def plain(value: Any) -> Any:
    """Evidence as values that compare."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return {key: plain(each) for key, each in value.items()} if isinstance(value, dict) else value


def test_nothing_at_all_is_an_evidence_with_nothing_in_it(tmp_path: Path) -> None:
    evidence = gather([tmp_path])
    assert plain(evidence) == plain(Evidence(None, 60.0, evidence.sources))
    assert [(row.path, row.kind, row.remark) for row in evidence.sources] == [(".", "empty", "an empty folder")]


def test_everything_bad_at_once_costs_only_itself(gathered: Any, look: LOOK, tmp_path: Path) -> None:
    good = access(500)
    files = {
        "good.log": good,
        "random.bin": os.urandom(50_000),
        "wrong.gz": b"\x1f\x8b" + os.urandom(500),
        "cut.log.gz": gzip.compress(access(500, 500).encode())[:-400],
        "nul.log": access(200, 1000).encode().replace(b"\n", b"\0\n", 3),
        "hole.log": bytes(3_000_000) + access(100, 1200).encode(),
        "bom.log": b"\xef\xbb\xbf" + access(100, 1300).encode(),
        "dos.log": access(100, 1400).replace("\n", "\r\n"),
        "wide.log": access(100, 1500).encode("utf-16"),
        "colour.log": "".join(f"\x1b[32m{line}\x1b[0m\n" for line in access(100, 1600).splitlines()),
        "latin.log": access(100, 1700, agent="caf\xe9").encode("latin-1"),
        "long.log": access(50, 1800).encode() + b"x" * 3_000_000 + b"\n" + access(50, 1850).encode(),
        "cut.log": access(100, 1900)[:-40],
        "mixed.log": access(100, 2000) + "what is this\nand this\n" + access(100, 2100),
        "notes.txt": "call the provider on Monday\n",
        "empty.log": "",
    }
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    seen = look(gathered(files))
    kinds = {row.path: row.kind for row in seen.evidence.sources}
    assert {path: kinds[path] for path in ("random.bin", "notes.txt", "empty.log", "loop", "pipe")} == {
        "random.bin": "unknown", "notes.txt": "unknown", "empty.log": "empty", "loop": "duplicate", "pipe": "unreadable",
    }  # fmt: skip
    assert kinds["wrong.gz"] in ("unknown", "unreadable")
    read = {row.path: (row.records, row.rejected, row.damaged) for row in seen.evidence.sources}
    assert read["good.log"] == (500, 0, 0)
    assert read["nul.log"] == (200, 0, 3)
    assert (
        read["hole.log"] == read["bom.log"] == read["dos.log"] == read["wide.log"] == read["colour.log"] == (100, 0, 0)
    )
    assert read["latin.log"] == (100, 0, 100)
    assert read["long.log"] == (100, 1, 1)
    assert read["cut.log"] == (99, 1, 0)
    assert read["mixed.log"] == (200, 2, 0)
    assert "cut" in seen.source("cut.log.gz").remark
    assert 0 < read["cut.log.gz"][0] < 500


def test_a_file_that_cannot_be_opened_is_named_and_the_others_are_read(gathered: Any, tmp_path: Path) -> None:
    gathered({"a.log": access(5), "b.log": access(5)})
    (tmp_path / "evidence" / "a.log").chmod(0)
    command = [*bound_by_modes(), sys.executable, "-m", "floodmark", "analyze", "evidence", "--out", "out"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    bad, good = json.loads((tmp_path / "out" / "incident.json").read_text())["sources"]
    assert (bad["kind"], bad["remark"]) == ("unreadable", "cannot be opened: Permission denied")
    assert good["records"] == 5


def test_files_are_known_by_content_and_not_by_name(gathered: Any, look: LOOK) -> None:
    seen = look(
        gathered(
            {
                "prometheus.json": access(5),
                "error.csv": access(5, 10),
                "x.gz.txt": gzip.compress(access(5, 20).encode()),
            }
        )
    )
    assert {row.kind for row in seen.evidence.sources} == {"nginx-access"}


def test_the_same_evidence_gives_the_same_answer(tmp_path: Path) -> None:
    chance = random.Random(3)
    names = [f"{chance.randrange(10**6)}.log" for _ in range(8)]
    answers = []
    for order in (names, names[::-1]):
        folder = tmp_path / f"e{len(answers)}"
        folder.mkdir()
        for name in order:
            (folder / name).write_text(access(300, int(name[:-4]) % 3000))
            os.utime(folder / name, (AT, AT))
        answers.append(plain(gather([folder])))
    assert answers[0] == answers[1]


def test_starts_are_ends_minus_durations_in_bins(gathered: Any, look: LOOK) -> None:
    line = '10.0.0.1 - - [02/Sep/2025:06:20:30 +0000] "GET /slow/ HTTP/1.1" {status} 7 "-" "curl" {took} {took} 0.000\n'
    text = (
        line.format(status=200, took="299.900")
        + line.format(status=504, took="60.000")
        + line.format(status=200, took="0.100")
    )
    dose = look(gathered({"a.log": text})).dose("/slow/")
    assert (dose.bin * 60 - AT).tolist() == [0, 240, 300]
    assert (dose.starts.tolist(), dose.failed.tolist(), dose.bytes_out.tolist()) == ([1, 1, 1], [0, 1, 0], [7, 7, 7])
    assert dose.seconds.tolist() == pytest.approx([299.9, 60.0, 0.1])


def test_slow_and_failed_requests_are_tallied_by_their_end(gathered: Any, look: LOOK) -> None:
    line = '10.0.0.1 - - [02/Sep/2025:06:20:30 +0000] "GET /x/{n}/ HTTP/1.1" {status} 7 "-" "curl" {took:.3f} 0.000 0.000\n'
    text = "".join(
        line.format(n=n, status=status, took=took)
        for n, (status, took) in enumerate([(200, 9), (200, 11), (504, 60), (499, 31), (429, 0)])
    )
    seen = look(gathered({"a.log": text}))
    told = {
        kind: seen.tally(kind)
        for kind in ("request-over-10s", "request-over-30s", "status-504", "status-499", "status-429")
    }
    assert told == {
        "request-over-10s": {"/x/{id}/": 3.0}, "request-over-30s": {"/x/{id}/": 2.0}, "status-504": {"/x/{id}/": 1.0},
        "status-499": {"/x/{id}/": 1.0}, "status-429": {"/x/{id}/": 1.0},
    }  # fmt: skip
    (tally,) = seen.tallies("status-504")
    assert (tally.bin * 60 - AT).tolist() == [300]
    assert (tally.examples[0][1].line, "504" in tally.examples[0][2]) == (3, True)
    assert sum(seen.tally("request").values()) == 5.0


def test_what_the_proxy_answers_itself_is_no_dose_of_a_service(gathered: Any, look: LOOK) -> None:
    line = '10.0.0.1 - - [02/Sep/2025:06:20:30 +0000] "GET /x/ HTTP/1.1" {status} 7 "-" "curl" {took} {up} -\n'
    text = (
        line.format(status=503, took="0.000", up="-")
        + line.format(status=499, took="30.000", up="-")
        + line.format(status=200, took="1.000", up="1.000")
    )
    assert look(gathered({"a.log": text})).dose("/x/").starts.tolist() == [2.0]


def test_routes_of_probes_are_monitoring_and_no_others(gathered: Any, look: LOOK) -> None:
    text = access(100, path="/scraped/", agent="Prometheus/2.53.0") + access(
        100, 100, path="/used/", agent="kube-probe/1.30"
    )
    text += access(50, 200, path="/used/") + access(5, 300, path="/metrics")
    seen = look(gathered({"a.log": text}))
    assert {one.name: one.monitoring for one in seen.evidence.doses} == {
        "/scraped/": True,
        "/used/": False,
        "/metrics": True,
    }


def test_a_client_that_sweeps_many_objects_is_shown(gathered: Any, look: LOOK) -> None:
    text = access(400, agent="IATI Bulk Data Service 0.1").replace("10.0.1.9", "10.0.0.9")
    for n in range(7):
        text = text.replace(f"10.0.{n}.9", "192.0.2.44")
    text += access(400, 1000, path="/same/")
    clients = look(gathered({"a.log": text})).evidence.clients
    assert (clients[0].name, clients[0].address) == ("IATI Bulk Data Service 0.1", "192.0.2.44")
    assert clients[0].targets.sum() == clients[0].requests.sum() == 400
    assert all(client.address == "192.0.2.44" for client in clients)


def test_the_volume_of_log_an_hour_is_that_of_the_files(gathered: Any, look: LOOK) -> None:
    first, second = access(3600), access(1800, 3600)
    (volume,) = look(gathered({"a.log.1": first, "a.log": second})).evidence.volumes
    assert (volume.name, volume.hour.tolist()) == ("a.log", [AT // 3600, AT // 3600 + 1])
    assert volume.lines.tolist() == [3600.0, 1800.0]
    assert volume.bytes.tolist() == [float(len(first)), float(len(second))]


def test_a_window_cuts_everything_to_it(gathered: Any, look: LOOK) -> None:
    files = {
        "a.log": access(3600),
        "ps.csv": "time,container,pid,comm,rss_bytes\n"
        + "".join(f"{AT - 900 + 60 * n},web,7,gunicorn,{10**8}\n" for n in range(60)),
    }
    window = (AT - 300.0, AT + 300.0)
    evidence = gathered(files, window=window)
    assert evidence.window == window
    assert {int(number * 60) for one in evidence.doses for number in one.bin} == {AT + 60 * n for n in range(-5, 5)}
    assert [(one.at[0], one.at[-1]) for one in evidence.series] == [window]
    assert look(evidence).source("a.log").records == 3600


def test_names_beyond_the_limit_are_lumped(gathered: Any, look: LOOK) -> None:
    text = "".join(access(5 + n, n * 40, path=f"/{chr(97 + n)}{chr(97 + n)}/x/") for n in range(20))
    evidence = gathered({"a.log": text}, max_routes=5)
    names = {one.name: float(one.starts.sum()) for one in evidence.doses}
    assert len(names) == 6
    assert names["(other)"] == sum(5 + n for n in range(15))


def test_the_two_halves_of_a_restart_are_events_in_order(gathered: Any, look: LOOK) -> None:
    text = "".join(f"[2025-09-02 06:15:{n:02d} +0000] [1] [INFO] {message}\n" for n, message in enumerate(
        ["Handling signal: term", "Shutting down: Master", "Starting gunicorn 22.0.0", "Booting worker with pid: 9"]))  # fmt: skip
    assert [kind for _, kind, _ in look(gathered({"web/g.log": text})).events()] == ["stop", "start", "worker-boot"]


def test_services_may_be_given_for_files(gathered: Any, look: LOOK) -> None:
    text = "[2025-09-02 06:15:01 +0000] [7] [INFO] Booting worker with pid: 7\n"
    seen = look(gathered({"x/1.log": text, "x/2.log": text}, services=(("x/1.log", "one"), ("x/2.log", "two"))))
    assert [one.service for one in seen.evidence.events] == ["one", "two"]


def test_a_full_disk_for_the_spill_costs_every_long_series_alike_and_is_said(gathered: Any, look: LOOK) -> None:
    def table(services: str, samples: int, every: int) -> str:
        rows = (f"{AT + every * n},{services[n % 2]},{10**8 + 100 * n}\n" for n in range(samples))
        return "time,service,rss_bytes\n" + "".join(rows)

    files = {"big.csv": table("ab", 450_000, 1), "less.csv": table("cd", 150_000, 3), "small.csv": table("ef", 150, 60)}
    seen = look(gathered({**files, "z.log": access(100)}, memory_mb=15, max_spill_mb=1))
    told = {name: seen.source(name).remark for name in files}
    kept = {one.service: len(one.at) for one in seen.evidence.series}
    share = int(told["big.csv"].partition("one in ")[2].split()[0])
    assert share > 1
    assert f"one in {share} of its samples was kept" in told["less.csv"]
    assert "neither into memory nor onto the disk of the spill" in told["less.csv"]
    assert "samples was kept" not in told["small.csv"]
    assert (kept["e"], kept["f"]) == (75, 75)
    assert 0.7 * min(225_000 / share, 20_000) < kept["a"] <= 20_000
    assert 0.7 * min(75_000 / share, 20_000) < kept["c"] <= 20_000
    for one in seen.evidence.series:
        quarters = np.histogram(one.at, 4)[0]
        assert quarters.min() > 0.85 * quarters.max()  # no part of the time is worse off than another
        assert np.polyfit(one.at - one.at[0], one.value, 1)[0] > 0
    assert seen.dose("/project/{id}/").starts.sum() == 100


def test_an_example_never_shows_a_secret(gathered: Any, look: LOOK) -> None:
    line = '10.0.0.1 - jane [02/Sep/2025:06:20:30 +0000] "GET /x/?token=s3cr3t HTTP/1.1" 504 7 "-" "jane@example.org" 60.000 60.000 0.000\n'
    seen = look(gathered({"a.log": line + line[:120] + "\n" + line[:-20]}))
    text = repr(plain(seen.evidence))
    assert "s3cr3t" not in text
    assert "jane" not in text


def test_many_lines_of_no_format_are_said_with_what_they_are(gathered: Any, look: LOOK) -> None:
    odd = "".join(f"tick {n} of the cron\n" for n in range(20))
    seen = look(
        gathered(
            {
                "few.log": access(5000) + odd[:80],
                "some.log": access(500, 5000) + odd,
                "most.log": access(20, 6000) + odd,
            }
        )
    )
    assert "could not be read" not in seen.source("few.log").remark
    assert (
        "3.8% of the lines could not be read (20 x no known format: tick # of the cron)"
        in seen.source("some.log").remark
    )
    assert "may be another format than it was read as" in seen.source("most.log").remark
    assert [example.line for example in seen.source("some.log").examples] == [501, 502]


def test_every_reader_has_a_name_of_its_own_and_bears_any_head() -> None:
    assert len({reader.kind for reader in READERS}) == len(READERS)
    for data in (b"", b"\0" * 100, b"{", b"[", b"{}", b"[]", b"\n\n", os.urandom(2000), b"time,a\n", b"a" * 5000):
        lines = tuple(data.split(b"\n"))
        assert reader_for(Head(data, True, lines)) is None or data


def test_progress_is_told_file_by_file(tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.log").write_text(access(10, n * 100))
    told: list[tuple[str, int, int]] = []
    gather([tmp_path], IntakeOptions(), lambda *step: told.append(step))
    assert told == [("0.log", 0, 3), ("1.log", 1, 3), ("2.log", 2, 3), ("", 3, 3)]


def test_what_is_remembered_is_bounded_and_changes_nothing(gathered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from floodmark.evidence import counting, routes

    text = "".join(
        access(
            3, 3 * n, agent=f"client {n}" if n % 3 else "kube-probe/1.30", path=f"/{chr(97 + n % 9)}/{{n}}/{n % 40}.x"
        )
        for n in range(300)
    )
    expected = plain(gathered({"a.log": text}))
    for module, name in ((counting, "REMEMBERED_AGENTS"), (counting, "REMEMBERED_PATHS"), (routes, "REMEMBERED_PATHS")):
        monkeypatch.setattr(module, name, 20)
    monkeypatch.setattr("floodmark.evidence.sources.BLOCK_BYTES", 2000)
    assert plain(gathered({"a.log": text})) == expected


def test_of_very_many_families_of_files_the_smaller_ones_share_a_volume(
    gathered: Any, look: LOOK, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assemble_counts, "MAX_VOLUMES", 2)
    sizes = {"a": 30, "b": 20, "c": 3, "d": 2}
    files = {f"web/{name}.log": access(lines, 100 * n) for n, (name, lines) in enumerate(sizes.items())}
    found = {one.name: float(one.lines.sum()) for one in gathered(files).volumes}
    assert found == {"web/a.log": 30.0, "web/b.log": 20.0, "(other)": 5.0}
