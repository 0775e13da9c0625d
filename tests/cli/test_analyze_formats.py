"""Files as operators make them with the commands at hand, all given to one `floodmark analyze`: each is read or named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

START = 1_756_792_800  # 2025-09-02T06:00:00Z
MINUTES = 300
MB_PER_HOUR = 120.0
MIB = 2**20
Lines = Callable[[str, float], str]
"""(service, bytes) -> one output of a command."""


def at(minute: int, form: str) -> str:
    return datetime.fromtimestamp(START + 60 * minute, UTC).strftime(form)


def held(minute: int) -> float:
    return 400e6 + MB_PER_HOUR * 1e6 * minute / 60


# ---------------------------------------------------------------- outputs of commands, and how their time stands


def pods(service: str, size: float) -> str:
    return f"NAME{' ' * 30}CPU(cores)   MEMORY(bytes)   \n{service}-6f7d9c8b5-x2x4z   250m         {size / MIB:.0f}Mi           \n"


def containers(service: str, size: float) -> str:
    return (
        "NAMESPACE   POD                     NAME         CPU(cores)   MEMORY(bytes)   \n"
        f"default     web-6f7d9c8b5-x2x4z     {service}   250m         {size / MIB:.0f}Mi           \n"
        f"default     web-6f7d9c8b5-x2x4z     istio-proxy   3m         <unknown>           \n"
        "                                                 ________     ________        \n"
        f"                                                 253m         {size / MIB:.0f}Mi           \n"
    )


def bare_pods(service: str, size: float) -> str:
    return pods(service, size).partition("\n")[2]


def docker(service: str, size: float) -> str:
    return (
        "CONTAINER ID   NAME       CPU %     MEM USAGE / LIMIT     MEM %     NET I/O           BLOCK I/O    PIDS\n"
        f"1f2e3d4c5b6a   {service}   1.20%     {size / MIB:.1f}MiB / 7.6GiB   23.17%    1.2MB / 3.4MB     12.3MB / 0B   12\n"
        f"2f2e3d4c5b6b   stopped    --        -- / --               --        --                --           --\n"
    )


def docker_short(service: str, size: float) -> str:
    return f"NAME      MEM USAGE / LIMIT\n{service}   {size / MIB:.1f}MiB / 7.6GiB\n"


def ps(service: str, size: float) -> str:
    return (
        "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n"
        f"app           38  0.1  1.2 9312476 {size / 1024:.0f} ?     S    06:02   0:01 /srv/bin/{service}: worker [rsr.wsgi]\n"
    )


def grepped_ps(service: str, size: float) -> str:
    return ps(service, size).partition("\n")[2]


def smem(service: str, size: float) -> str:
    kib = round(size / 1024)
    return (
        "  PID User     Command                         Swap      USS      PSS      RSS \n"
        f"   38 app      /srv/bin/{service} --workers 4       0    {kib - 9}    {kib}    {kib + 90} \n"
        "-------------------------------------------------------------------------------\n"
        f"    1 1                                            0    {kib - 9}    {kib}    {kib + 90} \n"
    )


def pod_metrics(service: str, size: float) -> str:
    usage = {"cpu": "12345678n", "memory": f"{size / 1024:.0f}Ki"}
    pod = {
        "metadata": {"name": "web-6f7d9c8b5-x2x4z", "namespace": "default"},
        "timestamp": "{time}",
        "window": "15s",
        "containers": [{"name": service, "usage": usage}],
    }
    return json.dumps({"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "items": [pod]}) + "\n"


def above(form: str) -> Callable[[int, str], str]:
    return lambda minute, output: f"{at(minute, form)}\n{output}"


def before(form: str) -> Callable[[int, str], str]:
    return lambda minute, output: "".join(f"{at(minute, form)} {line}\n" for line in output.splitlines())


def inside(form: str) -> Callable[[int, str], str]:
    return lambda minute, output: output.replace("{time}", at(minute, form))


WATCH = "\x1b[H\x1b[2JEvery 60.0s: the command        bastion: %a %b %e %H:%M:%S %Y\n"
DATE, ISO = "%a %b %e %H:%M:%S UTC %Y", "%Y-%m-%dT%H:%M:%SZ"

SNAPSHOTS: dict[str, tuple[str, str, Lines, Callable[[int, str], str]]] = {
    # file -> (service, kind, output, how its time stands)
    "top-pods.txt": ("alder", "kubectl-top", pods, above(DATE)),
    "top-watched.txt": ("beech", "kubectl-top", pods, above(WATCH)),
    "top-containers.txt": ("cedar", "kubectl-top", containers, above(ISO)),
    "top-stamped.txt": ("dogwood", "kubectl-top", bare_pods, before(ISO)),
    "top-epoch.txt": ("elm", "kubectl-top", pods, before("%s")),
    "pod-metrics.json": ("fir", "pod-metrics", pod_metrics, inside(ISO)),
    "docker-stats.txt": ("ginkgo", "docker-stats", docker, above("%a %b %e %I:%M:%S %p UTC %Y")),
    "docker-watched.txt": ("hazel", "docker-stats", docker, above(WATCH)),
    "docker-stamped.txt": ("ilex", "docker-stats", docker, before("%Y-%m-%d %H:%M:%S+00:00")),
    "docker-short.txt": ("juniper", "docker-stats", docker_short, above("%a %e %b %H:%M:%S UTC %Y")),
    "ps-dated.txt": ("katsura", "process-list", ps, above("%a %d %b %Y %I:%M:%S %p UTC")),
    "ps-stamped.txt": ("larch", "process-list", ps, before(ISO)),
    "ps-grepped.txt": ("maple", "process-list", grepped_ps, before(DATE)),
    "ps-watched.txt": ("nutmeg", "process-list", ps, above(WATCH)),
    "smem.txt": ("oak", "process-list", smem, above(DATE)),
}

# ---------------------------------------------------------------- logs

OPEN = "LOG:  connection authorized: user=rsr database=rsr"
EPOCH = f"{START}.087"
ACCESS = (
    '10.0.0.9 - - [02/Sep/2025:06:00:00 +0000] "GET /project/7/ HTTP/1.1" 200 910 "-" "curl/8.5.0" 0.100 0.100 0.000'
)
KILL = (
    "Out of memory: Killed process 2345 (gunicorn) total-vm:2345678kB, anon-rss:1234567kB, file-rss:0kB, shmem-rss:0kB"
)


def journal(number: int, program: str, unit: str, message: object, minute: int = 0) -> dict[str, object]:
    return {
        "__CURSOR": f"s=abc;i={number:x};b=1", "__REALTIME_TIMESTAMP": str((START + 60 * minute) * 10**6 + 120_934),
        "_HOSTNAME": "web1", "SYSLOG_IDENTIFIER": program, "_SYSTEMD_UNIT": unit, "PRIORITY": "6", "MESSAGE": message,
    }  # fmt: skip


ENTRIES = [
    journal(1, "nginx", "nginx.service", ACCESS),
    journal(2, "postgres", "postgresql@15-main.service", f"2025-09-02 06:00:00.087 UTC [771] {OPEN}"),
    journal(3, "nginx", "nginx.service", list(ACCESS.encode())),
    journal(4, "kernel", "", KILL, 1),
    journal(5, "systemd", "init.scope", "web.service: A process of this unit has been killed by the OOM killer.", 1),
    journal(6, "sshd", "ssh.service", "Accepted publickey for admin from 10.0.0.9 port 50112", 2),
]
EXPORT = "".join(
    "".join(f"{name}={value}\n" for name, value in {**one, "__CURSOR": f"e{one['__CURSOR']}"}.items()) + "\n"
    for one in ENTRIES
    if isinstance(one["MESSAGE"], str)
)

LOGS: dict[str, tuple[str, str, int]] = {
    # file -> (content, kind, records)
    "pg-n.log": (f"{EPOCH} [771] {OPEN}\n" * 3, "postgres", 3),
    "pg-pid-first.log": (f"[771] 2025-09-02 06:00:00 UTC {OPEN}\n" * 3, "postgres", 3),
    "pg-user-first.log": (f"rsr@rsr {EPOCH} [771] {OPEN}\n" * 3, "postgres", 3),
    "pg-brackets.log": (f"< 2025-09-02 06:00:00.087 UTC >{OPEN}\n" * 3, "postgres", 3),
    "pg-syslog.log": (
        f"Sep  2 06:00:00 db1 postgres[771]: [3-1] user=rsr,db=rsr {OPEN}\n"
        "Sep  2 06:00:00 db1 postgres[771]: [3-2] #011and more of it\n"
        f"Sep  2 06:00:00 db1 postgres[771]: [4-1] {EPOCH} [771] {OPEN}\n",
        "postgres",
        3,
    ),
    "journal.json": ("".join(json.dumps(one) + "\n" for one in ENTRIES), "nginx-access", 5),
    "journal.export": (EXPORT, "system-log", 4),
    "dmesg.txt": (f"[Tue Sep  2 07:00:00 2025] {KILL}\n", "system-log", 1),
    "nothing-known.txt": ("lorem ipsum dolor\n" * 9, "unknown", 0),
}


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("operator")
    for name, (service, _, output, stamped) in SNAPSHOTS.items():
        path = folder / "evidence" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(stamped(minute, output(service, held(minute))) for minute in range(MINUTES)))
    for name, (content, _, _) in LOGS.items():
        (folder / "evidence" / name).write_text(content)
    command = [sys.executable, "-m", "floodmark", "analyze", str(folder / "evidence"), "--out", str(folder / "out")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert run.returncode == 0, run.stderr
    return json.loads((folder / "out" / "incident.json").read_text())


def source(incident: dict[str, Any], path: str) -> dict[str, Any]:
    (row,) = [row for row in incident["sources"] if row["path"] == path]
    return row


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_the_leak_in_the_output_of_a_command_is_found_at_its_rate(incident: dict[str, Any], name: str) -> None:
    service, kind, _, _ = SNAPSHOTS[name]
    row = source(incident, name)
    assert (row["kind"], row["rejected"]) == (kind, 0)
    (found,) = [one for one in incident["services"] if one["service"] == service]
    assert found["verdict"] == "leak"
    assert found["growth"]["mb_per_hour"] == pytest.approx(MB_PER_HOUR, rel=0.03)
    assert (found["growth"]["start"][:13], found["growth"]["end"][:13]) == ("2025-09-02T06", "2025-09-02T10")


@pytest.mark.parametrize("name", LOGS)
def test_a_log_in_another_of_its_forms_is_read_whole_or_named(incident: dict[str, Any], name: str) -> None:
    _, kind, records = LOGS[name]
    row = source(incident, name)
    assert (row["kind"], row["records"], row["rejected"]) == (kind, records, 0)
    if records:
        assert row["first"].startswith("2025-09-02T0") or name == "pg-syslog.log"


def test_what_other_programs_of_the_machine_wrote_is_named_and_not_called_misread(incident: dict[str, Any]) -> None:
    assert "lines of other programs were not read: sshd (1)" in source(incident, "journal.json")["remark"]


def test_the_year_that_syslog_leaves_out_is_said_to_be_taken_from_the_file(incident: dict[str, Any]) -> None:
    assert "without a year" in source(incident, "pg-syslog.log")["remark"]
