"""The output of commands: ps, top, pidstat, docker stats, and dumps of control groups and /proc."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

import pytest

from floodmark.evidence.metrics.snapshots import Held
from floodmark.evidence.nouns import Clock, Floats
from floodmark.evidence.readers import SeriesKey

AT = 1756793700
"""2025-09-02 06:15:00 UTC."""

PS = """USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
app           38  0.1  1.2 312476 96468 ?        S    06:02   0:01 gunicorn: worker [rsr.wsgi]
app           43  0.1  1.2 312476 96500 ?        S    06:02   0:01 gunicorn: worker [rsr.wsgi]
root           1  0.0  0.0   2576  1024 ?        Ss   06:02   0:00 nginx
"""


@pytest.mark.parametrize(
    "time", ["2025-09-02T06:15:00Z", "Tue Sep  2 06:15:00 UTC 2025", "1756793700", "=== 2025-09-02 06:15:00+00:00 ==="]
)
def test_lists_of_ps_have_the_time_before_each(read, time: str) -> None:
    reading = read(f"{time}\n{PS}\n{time.replace('06:15', '06:16').replace('3700', '3760')}\n{PS}")
    assert reading.kind == "process-list"
    assert reading.clocks == [Clock("+00:00", "stated")]
    assert [(one.service, one.process, list(one.at), one.value[0]) for one in reading.series] == [
        ("gunicorn", "38", [AT, AT + 60], 96468 * 1024.0),
        ("gunicorn", "43", [AT, AT + 60], 96500 * 1024.0),
        ("nginx", "1", [AT, AT + 60], 1024 * 1024.0),
    ]


def test_the_folder_says_of_which_service_the_processes_are(read) -> None:
    assert {one.service for one in read(f"{AT}\n{PS}", service="rsr-backend").series} == {"rsr-backend"}


def test_one_list_without_a_time_has_the_time_of_its_file_and_further_ones_none(read, tmp_path) -> None:
    reading = read(PS + PS)
    assert reading.series[0].at[0] == pytest.approx((tmp_path / "metrics").stat().st_mtime)
    assert "3 lines of further lists have no time" in reading.remarks[-1]


TOP = """top - {time} up 10 days,  1:02,  0 users,  load average: 0.10, 0.12, 0.09
Tasks:   3 total,   1 running,   2 sleeping,   0 stopped,   0 zombie
%Cpu(s):  1.0 us,  0.5 sy,  0.0 ni, 98.0 id,  0.5 wa,  0.0 hi,  0.0 si,  0.0 st
MiB Mem :  64307.6 total,  20000.1 free,  30000.5 used,  14307.0 buff/cache

    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND
     38 app       20   0  312476  {res}  12000 S   0.3   1.2   0:01.25 gunicorn

"""


def test_top_says_the_time_of_day_and_passes_midnight(read, tmp_path) -> None:
    reading = read(TOP.format(time="23:59:30", res="96468") + TOP.format(time="00:00:30", res="94.5m"))
    one = reading.one()
    assert one.at[1] - one.at[0] == 60
    assert (tmp_path / "metrics").stat().st_mtime - one.at[0] < 86_400
    assert list(one.value) == [96468 * 1024.0, 94.5 * 2**20]
    assert reading.clocks == [Clock(None, "assumed")]
    assert "day on which the file was written" in reading.remarks[0]


PIDSTAT = """Linux 5.15.0 (node-1)  {date}  _x86_64_  (4 CPU)

06:15:00 {half}     UID       PID  minflt/s  majflt/s     VSZ     RSS   %MEM  Command
06:15:00 {half}    1000        38      0.10      0.00  312476   96468   1.20  gunicorn

06:16:00 {half}     UID       PID  minflt/s  majflt/s     VSZ     RSS   %MEM  Command
06:16:00 {half}    1000        38      0.10      0.00  312476   96500   1.20  gunicorn
Average:     1000        38      0.10      0.00  312476   96480   1.20  gunicorn
"""


@pytest.mark.parametrize(("date", "half"), [("2025-09-02", ""), ("09/02/25", "AM")])
def test_pidstat_has_its_date_on_top_and_its_time_in_each_line(read, date: str, half: str) -> None:
    one = read(PIDSTAT.format(date=date, half=half)).one()
    assert (one.instance, one.process, list(one.at)) == ("node-1", "38", [AT, AT + 60])
    assert list(one.value) == [96468 * 1024.0, 96500 * 1024.0]


def test_a_line_that_is_no_process_is_rejected_with_its_number(read) -> None:
    reading = read(f"{AT}\n{PS}error: something is wrong here and long enough to fill all of the columns\n")
    assert [line for line, _ in reading.rejected] == [6]


DOCKER = """CONTAINER ID   NAME          CPU %     MEM USAGE / LIMIT     MEM %     NET I/O          BLOCK I/O   PIDS
1f2e3d4c5b6a   rsr_web_1     1.20%     461.2MiB / 1.944GiB   23.17%    1.2kB / 0B       0B / 0B     12
2f2e3d4c5b6a   redis         0.10%     8.5MiB / 64GiB        0.01%     1.2kB / 0B       0B / 0B     4
"""


def test_docker_stats_are_working_sets_processes_and_limits(read) -> None:
    reading = read(f"2025-09-02T06:15:00Z\n{DOCKER}2025-09-02T06:16:00Z\n{DOCKER}")
    assert reading.kind == "docker-stats"
    web = reading.one("working_set", "web")
    assert (web.instance, list(web.at)) == ("rsr_web_1", [AT, AT + 60])
    assert web.value[0] == pytest.approx(461.2 * 2**20)
    assert list(reading.one("processes", "redis").value) == [4, 4]
    assert reading.limits == [("memory", "web", pytest.approx(1.944 * 2**30)), ("memory", "redis", 64 * 2.0**30)]


def test_docker_stats_as_json_lines_carry_their_own_time(read) -> None:
    line = '{"time":"2025-09-02T06:15:00Z","Name":"web","MemUsage":"461.2MiB / 1.944GiB","PIDs":"12"}\n'
    assert list(read(line + line.replace("06:15", "06:16")).one("working_set").at) == [AT, AT + 60]


def test_docker_stats_without_times_are_one_sample_and_a_hint(read) -> None:
    reading = read(DOCKER + DOCKER)
    assert len(reading.one("working_set", "web").at) == 1
    assert "2 lines have no time" in reading.remarks[-1]


CGROUP = """memory.current:483729408
memory.max:536870912
memory.stat:anon 412876800
memory.stat:file 61865984
memory.stat:inactive_file 41865984
memory.events:oom_kill {kills}
"""


def test_a_dump_of_a_control_group_is_its_measures_limit_and_kills(read) -> None:
    text = f"2025-09-02T06:15:00Z\n{CGROUP.format(kills=1)}2025-09-02T06:16:00Z\n{CGROUP.format(kills=3)}"
    reading = read(text, service="web")
    assert reading.kind == "cgroup-memory"
    assert {one.measure: one.value[0] for one in reading.series} == {
        "usage": 483729408, "pss": 412876800, "working_set": 441863424,
    }  # fmt: skip
    assert reading.limits == [("memory", "web", 536870912.0)]
    assert reading.events == [(AT + 60, "oom-kill", "web", 2)]


def test_a_path_names_the_control_group(read) -> None:
    text = "1756793700\n" + "".join(
        f"/sys/fs/cgroup/system.slice/{name}.service/memory.stat:anon {size}\n"
        for name, size in (("rsr", 1e9), ("db", 2e9))
    ).replace(".0", "")
    assert [(one.service, one.value[0]) for one in read(text).series] == [("rsr", 1e9), ("db", 2e9)]


def test_status_and_smaps_of_a_process_are_in_kib(read) -> None:
    reading = read(
        "1756793700\n/proc/38/status:VmRSS:\t  96468 kB\n/proc/38/smaps_rollup:Pss:   60501 kB\n", service="web"
    )
    assert [(one.process, one.measure, one.value[0]) for one in reading.series] == [
        ("38", "rss", 96468 * 1024), ("38", "pss", 60501 * 1024),
    ]  # fmt: skip


def test_version_one_of_control_groups_is_read_too(read) -> None:
    lines = ("memory.usage_in_bytes:483729408", "cache 61865984", "rss 412876800", "total_inactive_file 41865984")
    text = "\n".join([str(AT), *lines, ""])
    assert {one.measure for one in read(text, service="web").series} == {"usage", "rss", "working_set"}


def test_the_epochs_of_pidstat_are_a_column_and_no_stamp(read) -> None:
    table = "# Time        UID       PID     VSZ     RSS   %MEM  Command\n"
    row = " {at}  1000        38  312476   96468   1.20  gunicorn\n"
    one = read(
        "Linux 5.15.0 (node-1)  2025-09-02  _x86_64_\n\n" + table + row.format(at=AT) + row.format(at=AT + 60)
    ).one()
    assert (one.process, list(one.at), list(one.value)) == ("38", [AT, AT + 60], [96468 * 1024.0] * 2)


def test_stamps_without_a_year_are_of_the_latest_before_the_file_was_written(read, tmp_path) -> None:
    lines = [f"Feb 29 06:15:00 {line}\n" for line in PS.splitlines()]
    reading = read("".join(lines))
    assert len(reading.series) == 3
    stamped = datetime.fromtimestamp(reading.series[0].at[0], UTC)
    assert (stamped.month, stamped.day, stamped.year % 4) == (2, 29, 0)
    assert stamped.timestamp() <= (tmp_path / "metrics").stat().st_mtime + 86_400
    assert "without a year" in reading.remarks[0]


TOP_PODS = """POD                       NAME          CPU(cores)   MEMORY(bytes)
rsr-web-6f7d9c8b5-x2x4z   rsr-backend   250m         812Mi
rsr-web-6f7d9c8b5-x2x4z   rsr-nginx     3m           12Mi
"""


def test_containers_of_kubectl_top_are_services_and_pods_their_instances(read) -> None:
    reading = read(f"2025-09-02T06:15:00Z\n{TOP_PODS}2025-09-02T06:16:00Z\n{TOP_PODS}")
    assert reading.kind == "kubectl-top"
    assert [(one.service, one.instance, one.measure, list(one.at), one.value[0]) for one in reading.series] == [
        ("rsr-backend", "rsr-web-6f7d9c8b5-x2x4z", "working_set", [AT, AT + 60], 812 * 2.0**20),
        ("rsr-nginx", "rsr-web-6f7d9c8b5-x2x4z", "working_set", [AT, AT + 60], 12 * 2.0**20),
    ]


@pytest.mark.parametrize(
    ("row", "service", "instance"),
    [
        ("rsr-web-6f7d9c8b5-x2x4z   250m   812Mi", "rsr-web", "rsr-web-6f7d9c8b5-x2x4z"),
        ("rsr-web-6f7d9c8b5-x2x4z   rsr-backend   250m   812Mi", "rsr-backend", "rsr-web-6f7d9c8b5-x2x4z"),
        ("default   rsr-web-6f7d9c8b5-x2x4z   250m   812Mi", "rsr-web", "rsr-web-6f7d9c8b5-x2x4z"),
        ("default   rsr-web-6f7d9c8b5-x2x4z   backend   250m   1Gi", "backend", "rsr-web-6f7d9c8b5-x2x4z"),
    ],
)
def test_rows_without_headings_are_told_apart_by_the_names_of_pods(read, row: str, service: str, instance: str) -> None:
    one = read(f"2025-09-02T06:15:00Z\n{row}\n2025-09-02T06:16:00Z\n{row}\n").one()
    assert (one.service, one.instance, len(one.at)) == (service, instance, 2)


def test_what_is_no_pod_is_rejected_and_what_has_no_figure_is_not(read) -> None:
    reading = read(f"{AT}\n{TOP_PODS}error: Metrics API not available\nnew   rsr-backend   <unknown>   <unknown>\n")
    assert [line for line, _ in reading.rejected] == [5]
    assert len(reading.series) == 2


def test_nodes_are_left_out_and_it_is_said(read) -> None:
    table = "NAME      CPU(cores)   CPU%   MEMORY(bytes)   MEMORY%\nnode-1    512m         54%    9021Mi          72%\n"
    reading = read(f"{AT}\n{table}")
    assert (reading.kind, reading.series) == ("kubectl-top", [])
    assert "kubectl top pods --containers" in reading.remarks[0]


def test_an_answer_of_the_metrics_api_has_the_time_of_each_pod(read) -> None:
    item = '{"metadata":{"name":"rsr-web-6f7d9c8b5-x2x4z"},"timestamp":"%s","containers":[{"name":"web","usage":{"memory":"%s"}}]}'
    items = ",".join(item % pair for pair in [("2025-09-02T06:15:00Z", "1024Ki"), ("yesterday", "1Ki")])
    more = item % ("2025-09-02T06:16:00Z", "2097152")
    reading = read(f'{{"kind":"PodMetricsList","items":[{items}]}}\n{{"kind":"PodMetricsList","items":[{more}]}}\n')
    one = reading.one()
    assert (one.service, list(one.at), list(one.value)) == ("web", [AT, AT + 60], [2.0**20, 2.0**21])
    assert len(reading.rejected) == 1


def test_samples_go_to_the_sink_before_they_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sink:
        taken: ClassVar[list[int]] = []

        def samples(self, key: SeriesKey, at: Floats, value: Floats, line: int | None = None) -> None:
            self.taken.append(len(at))

    monkeypatch.setattr("floodmark.evidence.metrics.snapshots.SAMPLES_HELD", 10)
    held = Held(Sink())
    for n in range(25):
        held.add(SeriesKey("web", "rss", "rss"), n, n, 1)
    assert (Sink.taken, held.count) == ([10, 10], 5)
    held.flush()
    assert Sink.taken == [10, 10, 5]
