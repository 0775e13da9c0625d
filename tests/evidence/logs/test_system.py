"""Kills by the kernel and restarts by systemd, in syslog and in the journal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

LOOK = Callable[[Any], Any]
AT = 1_756_793_700  # 2025-09-02T06:15:00Z
KILL = "Out of memory: Killed process 2345 (gunicorn) total-vm:2345678kB, anon-rss:1234567kB, file-rss:0kB"


def syslog(*lines: tuple[int, str, str]) -> str:
    return "".join(f"2025-09-02T06:15:{second:02d}+00:00 web1 {program}: {line}\n" for second, program, line in lines)


def told(evidence: Any) -> list[tuple[float, str, str | None, str | None]]:
    return [(one.at - AT, one.kind, one.service, one.process) for one in evidence.events]


@pytest.mark.parametrize(
    "line",
    [
        KILL,
        "[12345.678901] " + KILL,
        "Memory cgroup out of memory: Killed process 2345 (gunicorn) total-vm:1kB, anon-rss:1kB, file-rss:0kB, UID:1000",
        "Killed process 2345 (gunicorn) total-vm:2345678kB, anon-rss:1234567kB, file-rss:0kB",
    ],
)
def test_a_kill_of_the_kernel_names_the_process(gathered: Any, line: str) -> None:
    evidence = gathered({"kern.log": syslog((0, "kernel", line))})
    assert told(evidence) == [(0, "oom-kill", None, "2345")]


def test_what_announces_a_kill_is_not_another_one(gathered: Any, look: LOOK) -> None:
    text = syslog(
        (0, "kernel", "gunicorn invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0"),
        (0, "kernel", "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),task=gunicorn,pid=2345,uid=1000"),
        (0, "kernel", "Out of memory: Kill process 2345 (gunicorn) score 900 or sacrifice child"),
        (0, "kernel", KILL),
        (1, "kernel", "oom_reaper: reaped process 2345 (gunicorn), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB"),
    )
    seen = look(gathered({"kern.log": text}))
    assert told(seen.evidence) == [(0, "oom-kill", None, "2345")]
    assert seen.source("kern.log").rejected == 0


def test_a_kill_that_systemd_tells_of_too_is_one_kill_of_the_unit(gathered: Any) -> None:
    unit = "rsr-web.service: A process of this unit has been killed by the OOM killer."
    restart = "rsr-web.service: Scheduled restart job, restart counter is at 3."
    text = syslog((0, "kernel", KILL), (1, "systemd[1]", unit), (3, "systemd[1]", restart))
    assert told(gathered({"syslog": text})) == [(0, "oom-kill", "rsr-web", "2345"), (3, "restart", "rsr-web", None)]


def test_a_kill_that_only_the_unit_tells_of_counts_and_a_later_one_of_the_kernel_is_another(gathered: Any) -> None:
    unit = "rsr-web.service: A process of this unit has been killed by the OOM killer."
    text = syslog((0, "systemd[1]", unit), (30, "kernel", KILL))
    assert told(gathered({"syslog": text})) == [(0, "oom-kill", "rsr-web", None), (30, "oom-kill", None, "2345")]


def test_a_unit_that_tells_of_a_kill_a_minute_later_tells_of_another_one(gathered: Any) -> None:
    unit = "rsr-web.service: A process of this unit has been killed by the OOM killer."
    text = syslog((0, "kernel", KILL), (58, "systemd[1]", unit))
    assert sorted(told(gathered({"syslog": text}))) == [
        (0, "oom-kill", None, "2345"),
        (58, "oom-kill", "rsr-web", None),
    ]


def test_a_ring_buffer_without_dates_is_refused_with_what_helps(gathered: Any, look: LOOK) -> None:
    row = look(gathered({"dmesg": f"[12345.678901] {KILL}\n"})).source("dmesg")
    assert (row.records, row.rejected) == (0, 1)
    assert "dmesg -T" in row.examples[0].reason


# ---------------------------------------------------------------- the journal


def entry(number: int, message: object, **fields: object) -> dict[str, object]:
    return {
        "__CURSOR": f"s=abc;i={number:x}", "__REALTIME_TIMESTAMP": str((AT + number) * 10**6), "_HOSTNAME": "web1",
        "SYSLOG_IDENTIFIER": "gunicorn", "_SYSTEMD_UNIT": "rsr-web.service", "MESSAGE": message, **fields,
    }  # fmt: skip


def written(entries: list[dict[str, object]], indent: int | None = None) -> str:
    return "".join(json.dumps(one, indent=indent) + "\n" for one in entries)


BOOT = "[2025-09-02 06:15:07 +0000] [23] [INFO] Booting worker with pid: 23"


@pytest.mark.parametrize(
    ("fields", "service"),
    [
        ({}, "rsr-web"),
        ({"_SYSTEMD_UNIT": "rsr-web@2.service"}, "rsr-web"),
        ({"_SYSTEMD_UNIT": "docker.service", "CONTAINER_NAME": "akvo_rsr-backend_1"}, "rsr-backend"),
        ({"_SYSTEMD_UNIT": "session-12.scope"}, "gunicorn"),
    ],
)
def test_the_unit_or_the_container_is_the_service(gathered: Any, fields: dict[str, object], service: str) -> None:
    evidence = gathered({"journal.json": written([entry(7, BOOT, **fields)])})
    assert told(evidence) == [(7, "worker-boot", service, "23")]
    assert evidence.events[0].instance == "web1"


def test_an_entry_of_several_lines_is_one_record(gathered: Any, look: LOOK) -> None:
    trace = f"{BOOT}\nTraceback (most recent call last):\n  File x\nKeyError: 7"
    row = look(gathered({"journal.json": written([entry(7, trace)])})).source("journal.json")
    assert (row.records, row.rejected) == (1, 0)


def test_an_entry_that_was_exported_twice_counts_once(gathered: Any, look: LOOK) -> None:
    some = [entry(number, BOOT) for number in range(3)]
    seen = look(gathered({"a.json": written(some), "b.json": written([*some[1:], entry(9, BOOT)])}))
    assert (seen.source("a.json").records, seen.source("b.json").records, seen.source("b.json").duplicates) == (3, 1, 2)


def test_entries_without_cursors_are_all_counted(gathered: Any, look: LOOK) -> None:
    some = [{name: text for name, text in entry(number, BOOT).items() if name != "__CURSOR"} for number in range(3)]
    assert look(gathered({"a.json": written(some)})).source("a.json").records == 3


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"MESSAGE": None}, "journalctl --all"),
        ({"__REALTIME_TIMESTAMP": "yesterday"}, "without a time"),
        ({"__REALTIME_TIMESTAMP": None}, "without a time"),
    ],
)
def test_a_broken_entry_costs_itself_and_says_why(
    gathered: Any, look: LOOK, broken: dict[str, object], reason: str
) -> None:
    row = look(gathered({"journal.json": written([entry(1, BOOT), entry(2, BOOT, **broken)])})).source("journal.json")
    assert (row.records, row.rejected) == (1, 1)
    assert reason in row.examples[0].reason


def test_a_message_in_binary_of_the_export_is_refused_with_what_helps(gathered: Any, look: LOOK) -> None:
    fields = {name: text for name, text in entry(1, BOOT).items() if name != "MESSAGE"}
    text = "".join(f"{name}={value}\n" for name, value in fields.items())
    binary = text + "MESSAGE\n\x05\0\0\0\0\0\0\0a=b\nc\n\n" + text.replace("i=1", "i=2") + f"MESSAGE={BOOT}\n\n"
    seen = look(gathered({"journal.export": binary}))
    assert len(seen.evidence.events) == 1
    assert any("export with -o json" in one.reason for one in seen.source("journal.export").examples)


@pytest.mark.parametrize("form", ["lines", "pretty", "seq", "sse", "export", "verbose"])
def test_the_forms_of_the_journal_say_the_same(gathered: Any, look: LOOK, form: str) -> None:
    some = [entry(number, BOOT) for number in range(3)]
    fields = ["".join(f"{name}={text}\n" for name, text in one.items()) for one in some]
    verbose = "".join(
        f"Tue 2025-09-02 06:15:{number:02d}.000000 UTC [s=abc;i={number:x};b=1;m=1;t={(AT + number) * 10**6:x};x=2]\n"
        + "".join(f"    {line}\n" for line in text.splitlines() if not line.startswith("__"))
        for number, text in enumerate(fields)
    )
    forms = {
        "lines": written(some), "pretty": written(some, 1), "seq": "".join("\x1e" + written([one]) for one in some),
        "sse": "".join(f"data: {written([one])}\n" for one in some), "export": "\n".join(fields), "verbose": verbose,
    }  # fmt: skip
    seen = look(gathered({"journal": forms[form]}))
    assert (seen.source("journal").records, seen.source("journal").rejected) == (3, 0)
    assert told(seen.evidence) == [(7, "worker-boot", "rsr-web", "23")]
