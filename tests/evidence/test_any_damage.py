"""Every format with every damage: nothing raises, nothing is lost in silence, and no reader falls over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floodmark.evidence.intake import FAULT, gather
from floodmark.request_record import RequestRecord, encode

ACCESS = '10.0.3.9 - - [02/Sep/2025:06:15:09 +0000] "GET /project/7/ HTTP/1.1" 200 9 "-" "curl" 0.100 0.100 0.000\n'
ENTRY = {"insertId": "i1", "logName": "projects/p/logs/x", "timestamp": "2025-09-02T06:15:12.5Z", "severity": "ERROR",
         "resource": {"type": "k8s_container", "labels": {"container_name": "worker", "pod_name": "rsr-abc"}},
         "textPayload": "06:15:12 [Q] INFO Process-1:2 processing [a-b-c-d]"}  # fmt: skip

SAMPLES: dict[str, bytes] = {
    "access": ACCESS.encode() * 4,
    "ingress": ACCESS.replace(" 0.100 0.100 0.000", " 345 1.204 [d-r-80] [] 10.4.0.9:8000 5 1.203 504 4b").encode() * 4,
    "json access": (json.dumps({"time": "2025-09-02T06:15:09Z", "request": "GET /x HTTP/1.1", "status": 200, "request_time": 1.5}) + "\n").encode() * 4,
    "nginx error": (
        b"2025/09/02 06:15:09 [error] 31#31: *8841 upstream timed out (110: x) while reading response header from upstream, client: "
        b'10.0.3.9, server: _, request: "GET /x/ HTTP/1.1", upstream: "http://127.0.0.1:8000/x/", host: "h"\n'
    ) * 4,
    "gunicorn": b"[2025-09-02 06:15:11 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:23)\nTraceback (most recent call last):\nSystemExit: 1\n" * 4,
    "uwsgi": (
        b"{address space usage: 312475648 bytes/298MB} {rss usage: 96468992 bytes/92MB} [pid: 51|app: 0|req: 12/40] 10.0.3.9 () {38 vars in "
        b"611 bytes} [Tue Sep  2 06:14:09 2025] GET /p/7/ => generated 910 bytes in 41 msecs (HTTP/1.1 200) 4 headers in 120 bytes (1 s)\n"
    ) * 4,
    "cloudsql": b'2025/09/02 06:15:12 New connection for "p:r:db"\n2025/09/02 06:15:12 Client closed local connection on 127.0.0.1:5432\n' * 4,
    "django-q": b"06:15:12 [Q] INFO Process-1:2 processing [a-b-c-d]\n06:15:13 [Q] INFO Processed [a-b-c-d]\n" * 4,
    "application": b"INFO 2025-09-02 08:15:13,204 heartbeat Starting cache heartbeat for 'unique:x' with timeout 30\n" * 4,
    "postgres": b"2025-09-02 06:15:14.087 UTC [771] LOG:  connection authorized: user=rsr database=rsr\n\tmore\n" * 4,
    "postgres csv": b'2025-09-02 06:15:14.087 UTC,"rsr","rsr",771,"h:1",68b,1,"idle",2025-09-02 06:15:13 UTC,3/1,0,LOG,00000,"a ""b""\nc",,,,,,,,,""\n' * 4,
    "record": encode(RequestRecord(1_756_793_713.0, 2.5, "GET", "/x/", 200, 7, True, pid=7, rss=10**7)) * 4,
    "gcp": (json.dumps(ENTRY) + "\n").encode() * 4,
    "gcp array": json.dumps([ENTRY] * 4, indent=2).encode(),
    "gcp csv": b'insertId,logName,textPayload,timestamp\ni1,l,"08:15:13 [Q] INFO x",2025-09-02T06:15:12Z\n',
    "gcp yaml": b"---\ninsertId: i1\nlogName: l\ntextPayload: 'ERROR 2025-09-02 06:15:12,000 views\n  no'\ntimestamp: '2025-09-02T06:15:12Z'\n" * 3,
    "docker": (json.dumps({"log": ACCESS, "stream": "stdout", "time": "2025-09-02T06:15:15.120934Z"}) + "\n").encode() * 4,
    "cri": b"2025-09-02T06:15:15.120934871Z stdout F " + ACCESS.encode() * 1,
    "events": b"LAST SEEN   TYPE      REASON      OBJECT        MESSAGE\n44m   Warning   Unhealthy   pod/rsr-abc   Liveness probe failed\n",
    "events json": json.dumps({"kind": "List", "items": [{"kind": "Event", "reason": "Evicted", "involvedObject": {"kind": "Pod", "name": "p"},
                                                           "lastTimestamp": "2025-09-02T06:15:00Z"}]}).encode(),
    "pods": json.dumps({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "w", "ports": [{"containerPort": 1}]}]}}).encode(),
    "describe": b"Name:  rsr-abc\nNamespace:  default\nContainers:\n  web:\n    Port:  8000/TCP\n    Command:\n      gunicorn\n    Limits:\n      memory:  2Gi\n",
    "conf": b"upstream u { server a:1; }\nserver { listen 80; location / { proxy_pass http://u; proxy_read_timeout 10m; } # web\n }\n",
}  # fmt: skip

damages = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 40),
        st.one_of(
            st.binary(max_size=12),
            st.sampled_from([b"\n", b'"', b"{", b"}", b"[", b"]", b"\x00", b"null", b"-1", b"9" * 30, b"\\", b","]),
        ),
    ),
    max_size=6,
)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_sample_is_recognised_and_read_whole(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(SAMPLES[name])
    (row,) = gather([tmp_path]).sources
    assert row.kind not in ("unknown", "unreadable"), row
    assert row.records > 0
    assert row.rejected == 0, row.examples


@pytest.mark.parametrize("name", sorted(SAMPLES))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(changes=damages, keep=st.booleans())
def test_no_damage_to_a_file_stops_anything(
    tmp_path: Path, name: str, changes: list[tuple[float, int, bytes]], keep: bool
) -> None:  # fmt: skip
    data = SAMPLES[name]
    for place, size, new in changes:
        at = int(place * len(data))
        data = data[:at] + new + data[at + size :]
    # a sound beginning lets the reader get its file whatever follows
    (tmp_path / "file").write_bytes(SAMPLES[name] + data if keep else data)
    (tmp_path / "other").write_text(ACCESS)
    rows = {row.path: row for row in gather([tmp_path]).sources}
    assert FAULT not in rows["file"].remark
    assert rows["other"].records + rows["other"].duplicates == 1
