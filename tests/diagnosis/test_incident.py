"""Words, axes and the summary of an incident."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as with_any
from hypothesis import strategies as st

from floodmark.diagnosis.causewords import in_words
from floodmark.diagnosis.charts import MAX_MARKS, axes, dressed, mb_labels, time_labels
from floodmark.diagnosis.impact import felt
from floodmark.diagnosis.incident import (
    Alert,
    Cause,
    Chart,
    Growth,
    Interval,
    LogPattern,
    MetricProblem,
    Point,
    Service,
    Time,
    TimelineEntry,
    Window,
)
from floodmark.diagnosis.summary import MAX_OPEN, summarise
from floodmark.diagnosis.wording import counted, figure, listed, moment, per_cent, span
from floodmark.evidence.nouns import Clock, Dose, Event, Evidence, Place, Series, SourceHealth, Tally

START = 1_756_260_000.0
PLACE = Place("a.log", 1)


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (2.137, "2.14"), (212.4, "212"), (1299.4, "1299"), (48210.0, "48210"), (0.0417, "0.0417"), (-7.0, "-7")],
)
def test_a_figure_has_three_digits_and_no_exponent(value: float, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.83, "83%"), (0.004, "0.4%"), (0.0, "0%"), (1.0, "100%"), (0.9996, "more than 99%"), (0.095, "9.5%")],
)
def test_a_share_is_never_rounded_to_certainty(share: float, text: str) -> None:
    assert per_cent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(42, "42 s"), (900, "15 min"), (23_400, "6 h 30 min"), (86_400, "1 day"), (180_000, "2 days 2 h"), (0, "0 s")],
)
def test_a_span_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_lists_counts_and_moments() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefg"), 3) == "a, b and 5 others"
    assert counted(1, "restart") == "1 restart"
    assert counted(4, "entry", "entries") == "4 entries"
    assert moment(START) == "27 Aug 02:00 UTC"


# ---------------------------------------------------------------- axes


@with_any(st.floats(0, 1e6), st.floats(0, 1e6))
def test_labels_of_memory_are_few_round_and_enclose_the_values(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    labels = mb_labels(low, high)
    assert 2 <= len(labels) <= 8
    assert labels[0] <= low + 1e-6
    assert labels[-1] >= high - 1e-6
    steps = np.diff(labels)
    assert np.allclose(steps, steps[0], rtol=1e-6)


def test_memory_labels_begin_at_zero_unless_all_values_are_high() -> None:
    assert mb_labels(300, 1000)[0] == 0
    assert mb_labels(985, 1003) == (985, 990, 995, 1000, 1005)


@with_any(st.floats(1e9, 2e9), st.floats(60, 1e7))
def test_labels_of_time_are_few_and_inside_the_window(start: float, seconds: float) -> None:
    labels = time_labels(start, start + seconds)
    assert len(labels) <= 8
    assert all(start <= one.seconds <= start + seconds for one in labels)
    assert all(one.seconds % 60 == 0 for one in labels)


def service(name: str = "web", **more: object) -> Service:
    line = tuple(Point(Time(START + 600 * k), 100.0 + k) for k in range(60))
    base = Service(
        name, (), "rss", Growth(60.0, 50.0, 70.0, Time(START), Time(START + 36_000)), "leak", "leak", "warning",
        Time(START), None, 0, 2, "It rises.", chart=Chart("rss", (("pod", line),)),
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


WINDOW = Window(Time(START - 3600), Time(START + 40_000))


def test_a_chart_runs_over_the_window_and_has_its_events_and_alerts() -> None:
    timeline = (
        TimelineEntry(Time(START + 60), "deploy", None, "Release 2.", None),
        TimelineEntry(Time(START + 90), "restart", "web", "Restarted.", None),
        TimelineEntry(Time(START + 90), "restart", "other", "Restarted.", None),
        TimelineEntry(Time(START + 95), "timeout-cascade", "web", "Timeouts.", None),
    )
    alerts = (Alert("growth-warning", "web", "warning", Time(START + 99), None, 60.0, "MB/h", 50.0),)
    chart = dressed(service(), WINDOW, timeline, alerts).chart
    assert chart is not None
    assert chart.axes is not None
    assert (chart.axes.start, chart.axes.end) == (WINDOW.start, WINDOW.end)
    assert [(mark.kind, mark.text) for mark in chart.marks] == [
        ("deploy", "Release 2."), ("restart", "Restarted."), ("alert-warning", "growth-warning")
    ]  # fmt: skip


def test_a_service_that_is_flat_looks_flat() -> None:
    line = tuple(Point(Time(START + 600 * k), 24.0 + k % 3) for k in range(60))
    labels = axes(Chart("rss", (("pod", line),)), WINDOW).mb
    assert labels[-1] - labels[0] >= 0.2 * 26
    assert labels[0] > 0


def test_a_limit_near_the_memory_is_in_the_chart_and_a_far_one_is_not() -> None:
    chart = service().chart
    assert chart is not None
    assert axes(chart, None, 300.0).mb[-1] >= 300
    assert axes(chart, None, 4000.0).mb[-1] < 300


def test_a_service_without_points_stays_as_it_is() -> None:
    empty = service(chart=Chart("rss", (("pod", ()),)))
    assert dressed(empty, WINDOW, (), ()) == empty
    assert dressed(service(chart=None), WINDOW, (), ()).chart is None


def test_marks_are_bounded() -> None:
    crowd = tuple(TimelineEntry(Time(START + k), "restart", "web", "Restarted.", None) for k in range(999))
    chart = dressed(service(), WINDOW, crowd, ()).chart
    assert chart is not None
    assert len(chart.marks) == MAX_MARKS


# ---------------------------------------------------------------- impact and summary


def dose(failed: float = 0.0) -> Dose:
    bins = np.arange(100, dtype=np.int64) + int(START // 60)
    starts, failures = np.full(100, 10.0), np.zeros(100)
    failures[0] = failed
    return Dose("web", "endpoint", "/slow/", PLACE, bins, starts, starts * 3.0, starts, failures)


def evidence(**parts: object) -> Evidence:
    health = SourceHealth("a.log", "nginx-access", "web", 1000, 0, START, START + 9, Clock("UTC", "stated"))
    memory = Series("web", None, None, "rss", "m", PLACE, np.empty(0), np.empty(0))
    whole: dict[str, object] = {"sources": (health,), "series": (memory,), "doses": (dose(),)} | parts
    return Evidence(window=(START, START + 86_400), bin_seconds=60.0, **whole)  # type: ignore[arg-type]


def test_the_impact_counts_requests_failures_slowness_restarts_and_what_did_not_come_back() -> None:
    tallies = (
        Tally("status-504", "web", "/slow/", np.array([1]), np.array([10.0])),
        Tally("request-over-10s", "web", "/slow/", np.array([1]), np.array([30.0])),
    )
    found = {one.name: one for one in felt(evidence(doses=(dose(10),), tallies=tallies), [service(restarts=4)])}
    assert found["Requests"].value == 1000
    assert found["Failed requests"].value == 10
    assert "1% of all" in found["Failed requests"].text
    assert "10 answered 504" in found["Failed requests"].text
    assert (found["Requests over 10 s"].value, found["Slowest route"].value) == (30, 3)
    assert (found["Restarts"].value, found["Restarts"].text) == (4, "web 4.")
    assert found["Memory that did not come back"].value == pytest.approx(600)


def test_what_users_felt_is_not_known_without_a_log_of_requests() -> None:
    (requests, restarts) = felt(evidence(doses=()), [service(verdict="unknown", restarts=None)])
    assert requests.value is None
    assert restarts.value is None


def test_workers_that_were_lost_are_told_with_how() -> None:
    kinds = ("worker-timeout", "worker-killed", "request-lost")
    events = tuple(Event(START, kind, "web", None, None, "", PLACE) for kind in kinds)  # type: ignore[arg-type]
    found = {one.name: one for one in felt(evidence(events=events), [])}
    assert found["Workers lost"].value == 2
    assert "1 requests are known to have been lost" in found["Workers lost"].text


def summary(
    *services: Service, causes: tuple[Cause, ...] = (), given: Evidence | None = None, problems: int = 0
) -> tuple:
    refused = tuple(MetricProblem(f"m{k}", "gauge-under-rate", "", None) for k in range(problems))
    one = summarise(given or evidence(), services, causes, refused, ())
    return one.headline, one.sentences, one.not_known


CULPRIT = Cause("web", "endpoint", "/x/", "culprit", 0.83, 0.94, None)


def test_a_leak_is_the_headline_with_its_rate_and_its_cause_comes_next() -> None:
    headline, sentences, _ = summary(service(), causes=(CULPRIT,))
    assert headline == "web (60 MB/h) leaks memory"
    assert sentences[0] == "web leaks since 27 Aug 02:00 UTC, 60 MB/h (90% interval 50 to 70)."
    assert sentences[1] == "/x/ causes 83% of the growth of web (confidence 0.94)."


def test_two_leaks_are_named_fastest_first() -> None:
    fast = service("fast", growth=Growth(300.0, 290.0, 310.0, Time(START), Time(START + 3600)))
    assert summary(service(), fast)[0] == "fast (300 MB/h) and web (60 MB/h) leak memory"


def test_no_leak_is_said_as_plainly() -> None:
    quiet = service(verdict="no-leak", pattern="steady", severity="none")
    moved = service("cache", verdict="no-leak", pattern="plateau", severity="none")
    headline, sentences, _ = summary(quiet, moved)
    assert headline == "No leak found in 2 services"
    assert sentences == ("Memory moved without a leak in cache (plateau).", "1 other service did not grow.")


def test_no_verdict_is_a_headline_of_its_own() -> None:
    loop = service(verdict="unknown", pattern="restart-loop", growth=None, reason="54 restarts in 6 h.")
    headline, _, questions = summary(loop)
    assert headline == "No verdict: the evidence does not say whether memory leaks"
    assert questions[0] == "Whether web leaks. 54 restarts in 6 h."


def test_nothing_usable_is_said_in_the_headline() -> None:
    unread = SourceHealth("a.bin", "unknown", None, 0, 0, None, None, None)
    headline, _, questions = summary(given=Evidence(None, 60.0, sources=(unread,)))
    assert headline == "Nothing in the evidence could be used"
    assert any("a.bin" in one for one in questions)


def test_what_is_not_known_is_listed() -> None:
    assumed = SourceHealth("q.log", "django-q", "web", 10, 5, START, START, Clock("UTC", "assumed"))
    given = evidence(sources=(assumed,))
    questions = summary(service(), given=given)[2]
    assert "What makes web grow." in questions
    assert "When web would run out of memory: no limit is in the evidence." in questions
    assert "Whether the times of q.log are right: the lines carry no zone and one was assumed." in questions
    assert "What 5 lines of q.log say: they could not be read." in questions


def test_every_cause_has_a_sentence() -> None:
    certain = replace(CULPRIT, mb_per_event=Interval(2.14, 1.7, 2.6))
    assert in_words(certain).text == (
        "It causes 83% of the growth of web. Each time, a request leaves 2.14 MB (1.7 to 2.6) behind. "
        "The confidence in that is 94%."
    )
    assert "may add to" in in_words(replace(CULPRIT, role="contributing")).text
    assert "suffers" in in_words(replace(CULPRIT, role="victim")).text
    assert "names no cause" in in_words(replace(CULPRIT, kind="unknown")).text
    assert "with it or with /y/" in in_words(replace(CULPRIT, inseparable_from=("/y/",))).text
    assert in_words(replace(CULPRIT, text="As it was.")).text == "As it was."


def test_a_pair_that_cannot_be_told_apart_is_an_open_question() -> None:
    pair = (replace(CULPRIT, inseparable_from=("/y/",)), replace(CULPRIT, name="/y/", inseparable_from=("/x/",)))
    _, sentences, questions = summary(service(), causes=pair)
    assert "cannot be told apart" in sentences[1]
    assert "Which of /x/ and /y/ it is: they came together." in questions


def test_a_culprit_of_half_the_growth_leaves_the_rest_open() -> None:
    questions = summary(service(), causes=(replace(CULPRIT, share=0.5),))[2]
    assert "What the rest of the growth of web comes from: /x/ explains 50%." in questions


@pytest.mark.parametrize(("last", "said"), [(46_152.0, True), (91_000.0, False)])
def test_python_objects_that_stay_the_same_are_told(last: float, said: bool) -> None:
    at = START + 900.0 * np.arange(6)
    counts = np.array([46_100.0, 46_098.0, 46_147.0, 46_099.0, last, last])
    objects = Series("web", None, None, "objects", "Objects", PLACE, at, counts)
    _, sentences, _ = summary(service(), given=evidence(series=(objects,)))
    told = [one for one in sentences if "Python objects" in one]
    assert bool(told) is said
    assert not said or told == [
        "The Python objects of web did not grow: the largest count lies between 46098 and 46152."
    ]


def test_the_largest_cascade_belongs_into_the_summary_and_churn_does_not() -> None:
    def pattern(name: str, count: int) -> LogPattern:
        return LogPattern(name, "web", Time(START), Time(START), count, (), (), f"{count} of them. Read it so.")

    patterns = [pattern("timeout-cascade", 7), pattern("timeout-cascade", 1397), pattern("connection-churn", 9999)]
    one = summarise(evidence(), [service()], (), (), (), patterns)
    assert "Timeout cascade of web from 27 Aug 02:00 UTC: 1397 of them." in one.sentences
    assert not any(
        "9999" in sentence or "7 of them" in sentence for sentence in one.sentences if "1397" not in sentence
    )


def test_open_questions_are_bounded_and_refused_metrics_are_counted() -> None:
    unknown = [service(f"s{k}", verdict="unknown", reason="Too short.") for k in range(40)]
    _, sentences, questions = summary(*unknown, problems=3)
    assert len(questions) == MAX_OPEN
    assert sentences[-1] == "3 metrics could not be taken at face value; the report says which and why."


def test_a_nan_never_becomes_a_label() -> None:
    assert all(math.isfinite(one) for one in mb_labels(0.0, 0.0))
