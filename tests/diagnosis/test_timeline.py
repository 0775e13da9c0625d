"""The timeline: what happened, in order, grouped where it came in crowds."""

from __future__ import annotations

from floodmark.diagnosis.incident import Alert, Growth, LogPattern, Service, Time
from floodmark.diagnosis.timeline import MAX_ENTRIES, build
from floodmark.evidence.nouns import Event, Place

START = 1_756_260_000.0


def at(hours: float) -> Time:
    return Time(START + hours * 3600)


def event(kind: str, hours: float, service: str | None = "web", text: str = "it happened", count: int = 1) -> Event:
    place = Place("events.txt", 1)
    return Event(START + hours * 3600, kind, service, None, None, text, place, count)  # type: ignore[arg-type]


LEAK = Service(
    "web", (), "rss", Growth(212.0, 180.0, 241.0, at(3), at(9), 461.0, at(5)), "leak", "leak", "critical", at(3), at(9),
    0, 3, "",
)  # fmt: skip


def kinds(*arguments: object) -> list[str]:
    return [one.kind for one in build(*arguments)]  # type: ignore[arg-type]


def test_growth_has_its_beginning_its_steepest_time_and_its_end() -> None:
    entries = build([LEAK], (), (), ())
    assert [(one.kind, str(one.at)[11:16]) for one in entries] == [
        ("onset", "05:00"), ("peak", "07:00"), ("end", "11:00")
    ]  # fmt: skip
    assert entries[1].text == "Memory grows fastest: 461 MB/h."


def test_a_service_that_does_not_move_has_no_entry() -> None:
    quiet = Service("web", (), "rss", None, "steady", "no-leak", "none", at(1), None, 0, 1, "")
    assert build([quiet], (), (), ()) == ()


def test_events_are_told_once_and_in_order() -> None:
    events = (event("restart", 5), event("deploy", 1, text="Replica set b began"), event("oom-kill", 4.9))
    assert kinds((), events, (), ()) == ["deploy", "oom-kill", "restart"]


def test_containers_that_start_after_a_deploy_are_part_of_it() -> None:
    assert kinds((), (event("deploy", 1), event("start", 1.05)), (), ()) == ["deploy"]
    assert kinds((), (event("start", 3),), (), ()) == ["restart"]


def test_restarts_in_a_crowd_are_counted_in_one_entry() -> None:
    entries = build((), tuple(event("restart", 0.2 * k) for k in range(60)), (), ())
    assert len(entries) == 1
    assert entries[0].text.startswith("60 times within 11 h 48 min: it happened")


def test_workers_that_boot_and_recycle_are_not_told() -> None:
    assert build((), (event("recycled", 1), event("worker-boot", 1), event("worker-exit", 1)), (), ()) == ()


def test_patterns_and_grave_alerts_are_told_and_what_events_say_already_is_not() -> None:
    patterns = [
        LogPattern(name, "web", at(2), at(3), 9, (), ("error.log",), "Six routes timed out.")
        for name in ("timeout-cascade", "deploys", "oom-kills", "connection-churn")
    ]
    alerts = [
        Alert("growth-critical", "web", "critical", at(4), None, 212.0, "MB/h", 200.0),
        Alert("growth-warning", "web", "warning", at(3), None, 212.0, "MB/h", 50.0),
    ]
    entries = build((), (), patterns, alerts)
    assert [one.kind for one in entries] == ["timeout-cascade", "alert"]
    assert entries[0].text == "Six routes timed out. Until 27 Aug 05:00 UTC."
    assert entries[0].source == "error.log"


def test_the_timeline_is_bounded_and_keeps_the_growth() -> None:
    many = tuple(event("deploy", 7.0 * k, service=f"s{k % 40}") for k in range(3000))
    entries = build([LEAK], many, (), ())
    assert len(entries) == MAX_ENTRIES
    assert {"onset", "peak", "end"} <= {one.kind for one in entries}
