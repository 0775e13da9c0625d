"""People are told once, again when it is worse or lasts, and when it is over; every silence has a reason."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from floodmark.watch.alerting import Alerting, Condition, Manners, add_silence, end_silence
from floodmark.watch.notify.http import DeliveryError
from floodmark.watch.notify.message import Message
from floodmark.watch.notify.outbox import Outbox, Patience
from floodmark.watch.state import State

GROWTH = Condition(
    "growth", "growth-warning", "web", "warning", since=90.0, value=61.0, unit="MB/h", threshold=50.0, text="grows"
)
WORSE = replace(GROWTH, rule="growth-critical", severity="critical", value=240.0, threshold=200.0)
HOUR = 3600.0


class Recorder:
    """A messenger that keeps what it gets, and can be down."""

    name = "recorder"

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.down = self.refuses = False

    def send(self, message: Message) -> None:
        if self.down or self.refuses:
            raise DeliveryError("down", final=self.refuses)
        self.got.append(message)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def outbox(state: State, recorder: Recorder) -> Outbox:
    return Outbox(state, [recorder], Patience(first_retry_seconds=5, longest_retry_seconds=60, give_up_seconds=7200))


@pytest.fixture
def alerting(state: State, outbox: Outbox) -> Alerting:
    return Alerting(state, outbox, Manners(repeat_seconds=4 * HOUR, resolve_after_seconds=300))


def told(outbox: Outbox, recorder: Recorder, now: float) -> list[str]:
    before = len(recorder.got)
    outbox.deliver(now)
    return [f"{one.status} {one.severity}" for one in recorder.got[before:]]


def reasons(state: State) -> list[tuple[bool, str]]:
    return [(bool(row["told"]), row["reason"]) for row in state.rows("select * from decision order by id")]


def test_a_new_trouble_is_told_once(alerting: Alerting, outbox: Outbox, recorder: Recorder) -> None:
    for now in (100.0, 115.0, 130.0):
        alerting.update([GROWTH], now)
    assert told(outbox, recorder, 130.0) == ["firing warning"]


def test_three_thresholds_of_one_service_are_one_message(
    alerting: Alerting, outbox: Outbox, recorder: Recorder
) -> None:
    alerting.update([GROWTH, WORSE], 100.0)
    assert told(outbox, recorder, 100.0) == ["firing critical"]


def test_two_services_are_two_messages(alerting: Alerting, outbox: Outbox, recorder: Recorder) -> None:
    alerting.update([GROWTH, replace(GROWTH, service="reports")], 100.0)
    assert len(told(outbox, recorder, 100.0)) == 2


def test_a_trouble_that_gets_worse_is_told_again_and_one_that_eases_is_not(
    alerting: Alerting, outbox: Outbox, recorder: Recorder
) -> None:
    alerting.update([GROWTH], 100.0)
    alerting.update([WORSE], 115.0)
    alerting.update([GROWTH], 130.0)
    alerting.update([WORSE], 145.0)
    assert told(outbox, recorder, 145.0) == ["firing warning", "firing critical"]


def test_a_trouble_that_lasts_is_repeated(alerting: Alerting, outbox: Outbox, recorder: Recorder) -> None:
    for now in (100.0, 100.0 + 3.9 * HOUR, 100.0 + 4 * HOUR, 100.0 + 4.1 * HOUR):
        alerting.update([GROWTH], now)
    assert told(outbox, recorder, 1e6) == ["firing warning"] * 2


def test_a_trouble_that_is_over_is_told_after_a_pause(alerting: Alerting, outbox: Outbox, recorder: Recorder) -> None:
    alerting.update([GROWTH], 100.0)
    alerting.update([], 115.0)
    assert told(outbox, recorder, 115.0) == ["firing warning"]
    alerting.update([], 420.0)
    assert told(outbox, recorder, 420.0) == ["resolved warning"]
    alerting.update([], 435.0)
    assert told(outbox, recorder, 435.0) == []


def test_a_trouble_that_flickers_is_one_trouble(alerting: Alerting, outbox: Outbox, recorder: Recorder) -> None:
    for number in range(20):
        alerting.update([GROWTH] if number % 3 else [], 100.0 + 15 * number)
    assert told(outbox, recorder, 1e6) == ["firing warning"]


def test_a_trouble_that_comes_back_after_it_was_over_is_new(
    alerting: Alerting, outbox: Outbox, recorder: Recorder
) -> None:
    alerting.update([GROWTH], 100.0)
    alerting.update([], 200.0)
    alerting.update([], 600.0)
    alerting.update([replace(GROWTH, since=700.0)], 700.0)
    assert told(outbox, recorder, 1e6) == ["firing warning", "resolved warning", "firing warning"]


def test_a_silenced_trouble_is_withheld_with_the_reason_and_told_when_the_silence_ends(
    alerting: Alerting, outbox: Outbox, recorder: Recorder, state: State
) -> None:
    add_silence(state, service="web", rule=None, until=1000.0, author="mia", reason="known, fix is out", now=50.0)
    alerting.update([GROWTH], 100.0)
    alerting.update([GROWTH], 115.0)
    assert told(outbox, recorder, 115.0) == []
    assert reasons(state) == [(False, "silenced by mia: known, fix is out")]
    end_silence(state, 1, 120.0)
    alerting.update([GROWTH], 130.0)
    assert told(outbox, recorder, 130.0) == ["firing warning"]


@pytest.mark.parametrize(("service", "rule", "covers"), [
    ("web", "growth-warning", True), (None, "growth", True), ("web", "log-volume", False), ("reports", None, False),
])  # fmt: skip
def test_a_silence_covers_what_it_names_and_nothing_else(
    alerting: Alerting, outbox: Outbox, recorder: Recorder, state: State,
    service: str | None, rule: str | None, covers: bool,
) -> None:  # fmt: skip
    add_silence(state, service=service, rule=rule, until=1000.0, author="mia", reason="r", now=50.0)
    alerting.update([GROWTH], 100.0)
    assert (told(outbox, recorder, 100.0) == []) is covers


def test_every_message_sent_or_withheld_has_its_reason(alerting: Alerting, state: State) -> None:
    for now, conditions in ((100.0, [GROWTH]), (115.0, [GROWTH]), (130.0, [WORSE]), (145.0, []), (500.0, [])):
        alerting.update(conditions, now)
    assert reasons(state) == [
        (True, "new"),
        (False, "told already; repeated every 4 h"),
        (True, "severity rose from warning to critical"),
        (False, "not true any more; resolved after 300 s of that"),
        (True, "resolved"),
    ]


def test_a_watch_that_is_started_again_does_not_repeat_itself(
    alerting: Alerting, outbox: Outbox, recorder: Recorder, state: State
) -> None:
    alerting.update([GROWTH], 100.0)
    outbox.deliver(100.0)
    again = State(state.path)
    box = Outbox(again, [recorder], Patience())
    Alerting(again, box, Manners()).update([GROWTH], 200.0)
    assert told(box, recorder, 200.0) == []
    again.close()


def test_an_endpoint_that_is_down_for_an_hour_gets_everything_once_and_in_order(
    alerting: Alerting, outbox: Outbox, recorder: Recorder
) -> None:
    recorder.down = True
    alerting.update([GROWTH], 100.0)
    alerting.update([WORSE], 200.0)
    for minute in range(60):
        outbox.deliver(200.0 + 60 * minute)
    recorder.down = False
    assert outbox.waiting() == 2
    for minute in range(60, 70):
        outbox.deliver(200.0 + 60 * minute)
    assert [one.severity for one in recorder.got] == ["warning", "critical"]
    assert outbox.waiting() == 0


def test_an_endpoint_that_refuses_for_good_does_not_hold_up_the_rest(
    alerting: Alerting, outbox: Outbox, recorder: Recorder, state: State
) -> None:
    recorder.refuses = True
    alerting.update([GROWTH], 100.0)
    outbox.deliver(100.0)
    recorder.refuses = False
    alerting.update([WORSE], 115.0)
    assert told(outbox, recorder, 115.0) == ["firing critical"]
    (row,) = state.rows("select failed from outbox where failed is not null")
    assert row["failed"] == "down"


def test_what_waits_is_bounded_and_the_newest_are_kept(state: State, recorder: Recorder) -> None:
    recorder.down = True
    box = Outbox(state, [recorder], Patience(max_waiting=3))
    alerting = Alerting(state, box, Manners(repeat_seconds=1))
    for second in range(10):
        alerting.update([GROWTH], 100.0 + 2 * second)
    assert box.waiting() == 3
    recorder.down = False
    box.deliver(1000.0)
    assert [one.at for one in recorder.got] == [114.0, 116.0, 118.0]


def test_a_damaged_state_is_moved_aside_and_the_watch_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"this is no database, " * 100)
    state = State(path)
    assert state.moved_aside is not None
    assert state.moved_aside.read_bytes().startswith(b"this is no database")
    assert state.rows("select * from alert") == []
    state.close()


def test_what_got_worse_takes_the_place_of_what_was_told_and_is_taken_back_under_its_name(
    alerting: Alerting, outbox: Outbox, recorder: Recorder
) -> None:
    for at, conditions in ((100.0, [GROWTH]), (115.0, [WORSE]), (130.0, [GROWTH]), (200.0, []), (600.0, [])):
        alerting.update(conditions, at)
    outbox.deliver(600.0)
    first, worse, over = recorder.got
    assert (first.replaces_rule, worse.replaces_rule) == (None, "growth-warning")
    assert (over.status, over.rule, over.severity) == ("resolved", "growth-critical", "critical")


def test_a_group_began_when_its_first_rule_fired(alerting: Alerting, state: State) -> None:
    alerting.update([replace(WORSE, since=95.0), GROWTH], 100.0)
    assert [row["since"] for row in state.rows("select since from alert")] == [90.0]


def test_an_alert_counts_as_true_until_well_after_it_is_repeated(
    alerting: Alerting, outbox: Outbox, recorder: Recorder
) -> None:
    alerting.update([GROWTH], 100.0)
    outbox.deliver(100.0)
    assert (recorder.got[0].holds_until or 0) > 100.0 + 4 * HOUR


def test_a_clock_that_is_set_back_holds_up_no_message(alerting: Alerting, outbox: Outbox, recorder: Recorder) -> None:
    alerting.update([GROWTH], 10 * HOUR)
    assert told(outbox, recorder, 2 * HOUR) == ["firing warning"]


def test_why_a_message_waits_is_kept(alerting: Alerting, outbox: Outbox, recorder: Recorder, state: State) -> None:
    recorder.down = True
    alerting.update([GROWTH], 100.0)
    outbox.deliver(100.0)
    assert [(row["problem"], row["failed"]) for row in state.rows("select * from outbox")] == [("down", None)]


def test_a_state_of_an_earlier_version_is_read(tmp_path: Path, recorder: Recorder) -> None:
    path = tmp_path / "state.sqlite"
    State(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("alter table alert drop column told_rule")
        database.execute("alter table outbox drop column problem")
    state = State(path)
    Alerting(state, Outbox(state, [recorder], Patience()), Manners()).update([GROWTH], 100.0)
    assert [row["told_rule"] for row in state.rows("select * from alert")] == ["growth-warning"]
    state.close()
