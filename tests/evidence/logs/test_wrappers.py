"""What runtimes put around lines: Docker, CRI, kubectl, Compose, syslog; and formats that share one stream."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.evidence.logs.entries import Entry
from floodmark.evidence.logs.wrappers import Cri, Docker

LOOK = Callable[[Any], Any]
AT = 1_756_793_709.0  # 2025-09-02T06:15:09Z

ACCESS = '10.0.3.9 - - [02/Sep/2025:06:15:09 +0000] "GET /project/7/ HTTP/1.1" 200 9 "-" "curl" 0.100 0.100 0.000'
ERROR = (
    "2025/09/02 06:15:09 [error] 31#31: *1 upstream timed out (110: x) while reading response header from upstream, client: "
    '10.0.3.9, server: _, request: "GET /project/8/ HTTP/1.1", upstream: "http://127.0.0.1:8000/project/8/"'
)
WORKER = "[2025-09-02 06:15:09 +0000] [7] [INFO] Booting worker with pid: 7"


def docker(text: str, stream: str = "stdout") -> str:
    return json.dumps({"log": text, "stream": stream, "time": "2025-09-02T06:15:10.120934Z"}) + "\n"


def test_lines_inside_dockers_json(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"nginx/x-json.log": docker(ACCESS + "\n") * 3 + docker(ERROR + "\n", "stderr")}))
    assert seen.dose("/project/{id}/").starts.sum() == 3.0
    assert seen.tally("upstream-timeout") == {"/project/{id}/": 1.0}
    assert "wrapped: docker" in seen.source("nginx/x-json.log").remark


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text("ab\n", max_size=9)), max_size=20))
def test_fragments_of_docker_join_per_stream(pieces: list[tuple[str, str]]) -> None:
    wrapper, told = Docker(), {"stdout": "", "stderr": ""}
    for stream, text in pieces:
        for part in text.splitlines(keepends=True):
            entry = wrapper.peel(Entry(1, docker(part, stream).encode()))
            if entry is not None:
                told[entry.stream] += entry.data.decode() + "\n"
    for stream in told:
        whole = "".join(text for name, text in pieces if name == stream)
        assert told[stream] == whole[: whole.rfind("\n") + 1]


def cri(text: str, flag: str = "F", stream: str = "stdout", stamp: str = "2025-09-02T06:15:10.120934871Z") -> str:
    return f"{stamp} {stream} {flag} {text}\n"


def test_lines_inside_cri(gathered: Any, look: LOOK) -> None:
    half = len(ACCESS) // 2
    text = cri(ACCESS) + cri(ACCESS[:half], "P") + cri(ERROR, stream="stderr") + cri(ACCESS[half:])
    text += cri(ACCESS, stamp="2025-09-02T08:15:10+02:00")
    seen = look(gathered({"var/log/containers/rsr-abc_default_rsr-nginx-0f3.log": text}))
    assert seen.dose("/project/{id}/").starts.sum() == 3.0
    assert seen.tally("upstream-timeout") == {"/project/{id}/": 1.0}
    (row,) = seen.evidence.sources
    assert row.rejected == 0


@given(
    st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.booleans(), st.text("ab ", max_size=5)), max_size=20)
)
def test_fragments_of_cri_join_per_stream(pieces: list[tuple[str, bool, str]]) -> None:
    wrapper, told, expected = Cri(), [], []
    waiting = {"stdout": "", "stderr": ""}
    for stream, last, text in pieces:
        entry = wrapper.peel(Entry(1, cri(text, "F" if last else "P", stream)[:-1].encode()))
        waiting[stream] += text
        if entry is not None:
            told.append((entry.stream, entry.data.decode()))
        if last:
            expected.append((stream, waiting[stream]))
            waiting[stream] = ""
    assert told == expected


def test_the_pod_of_kubectls_prefix_is_the_instance(gathered: Any, look: LOOK) -> None:
    text = f"[pod/rsr-abc/rsr-backend] {WORKER}\n[pod/rsr-xyz/rsr-reports] {WORKER}\n"
    seen = look(gathered({"pods.log": text}))
    assert [(one.service, one.instance) for one in seen.evidence.events] == [
        ("rsr-backend", "rsr-abc"), ("rsr-reports", "rsr-xyz"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "prefix",
    [
        "[pod/rsr-abc/worker] 2025-09-02T06:15:13.120934871Z ",
        "2025-09-02T06:15:13.120934871Z ",
        "2025-09-02T08:15:13.120934871+02:00 ",
        "worker-1  | 2025-09-02T06:15:13.120934871Z ",
    ],
)
def test_a_time_before_the_line_dates_it(gathered: Any, look: LOOK, prefix: str) -> None:
    text = f"{prefix}08:15:13 [Q] INFO Process-1:2 ready for work at 53\n" * 3
    seen = look(gathered({"worker/out.log": text}))
    assert {(round(at), kind) for at, kind, _ in seen.events()} == {(1_756_793_713, "worker-boot")}


def test_the_name_before_composes_bar_is_the_service(gathered: Any, look: LOOK) -> None:
    text = f"rsr-backend-1  | {WORKER}\nrsr-reports-2  | {WORKER}\n"
    seen = look(gathered({"compose.log": text}))
    assert [(one.service, one.instance) for one in seen.evidence.events] == [("rsr-backend", "1"), ("rsr-reports", "2")]


def test_a_line_of_syslog_is_the_line_in_it(gathered: Any, look: LOOK) -> None:
    text = f"Sep  2 06:15:11 web1 gunicorn[23]: {WORKER}\nSep  2 06:15:11 web1 nginx: {ACCESS}\n"
    seen = look(gathered({"syslog": text}))
    assert seen.events() == [(AT, "worker-boot", "7")]
    assert seen.dose("/project/{id}/").instance == "web1"


def test_formats_may_share_one_stream(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"all.log": "\n".join([ACCESS, ERROR, WORKER] * 10 + ["printed by somebody"]) + "\n"}))
    row = seen.source("all.log")
    assert (row.records, row.rejected) == (30, 1)
    assert "also lines of" in row.remark
    assert seen.tally("upstream-timeout") == {"/project/{id}/": 10.0}


def test_a_wrapper_that_breaks_off_in_the_middle_costs_its_line(gathered: Any, look: LOOK) -> None:
    text = docker(ACCESS + "\n") * 5 + docker(ACCESS + "\n")[:70] + "\n" + docker(ACCESS + "\n") * 5
    row = look(gathered({"x.log": text})).source("x.log")
    assert (row.records, row.rejected, row.examples[0].line) == (10, 1, 6)
