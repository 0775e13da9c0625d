"""Does a series fit what else is known? Every rule with a case that fires and a near miss that must not."""

from __future__ import annotations

import numpy as np

from floodmark.evidence.nouns import Dose, Place, Route

FLAT = np.full(20, 3.3e8)


def requests(
    name: str, count: float, *, service: str = "web", bytes_each: float = 500.0, monitoring: bool = False
) -> Dose:
    starts = np.array([count])
    return Dose(
        service, "endpoint", name, Place("access.log", 1), np.array([28_000_000]), starts, starts * 0.1,
        starts * bytes_each, starts * 0, monitoring=monitoring,
    )  # fmt: skip


def test_a_service_seen_only_through_its_metrics_page_is_monitored_by_itself(series, problems) -> None:
    own = series("rss", FLAT, metric="Application Memory", labels={"view": "prometheus-django-metrics"})
    assert "20 of 20 values" in problems(own)["monitored-by-itself"]


def test_a_metrics_page_among_other_views_is_nothing_special(series, problems) -> None:
    views = [
        series("rss", FLAT, metric="Application Memory", labels={"view": name}) for name in ("metrics", "org-iati")
    ]
    assert "monitored-by-itself" not in problems(*views)


def test_a_service_that_gets_only_probes_is_monitored_by_itself(series, audited) -> None:
    size = series("rss", FLAT, metric="container_memory_rss", instance="a")
    audit = audited(size, doses=(requests("/healthz", 400, monitoring=True), requests("/", 3)))
    assert audit.usable == (size,)
    assert "400 of 403 requests" in audit.problems[0].explanation


def test_a_service_with_work_of_its_own_is_not(series, problems) -> None:
    size = series("rss", FLAT, metric="container_memory_rss", instance="a")
    assert problems(size, doses=(requests("/healthz", 400, monitoring=True), requests("/", 300))) == {}


def objects(series, value, service: str = "web"):
    return series("objects", value, metric="Python Object Counts", labels={"type": "dict objects"}, service=service)


def test_a_leak_is_contradicted_by_flat_objects(series, problems) -> None:
    events = series("events", [109, 461, 1299, 365], metric="Memory Leak Events (1h)")
    flat = objects(series, 46_098 + np.array([2, 11, 0, 54, -1, -120, 49, 50, 2, 1, -1, 99]))
    assert "46,100 dict objects" in problems(events, flat)["contradicted-by-companion"]


def test_objects_that_grow_contradict_nothing(series, problems) -> None:
    events = series("events", [109, 461, 1299, 365], metric="Memory Leak Events (1h)")
    assert "contradicted-by-companion" not in problems(events, objects(series, 46_098 + 400 * np.arange(12)))


def test_flat_objects_of_another_service_contradict_nothing(series, problems) -> None:
    events = series("events", [109, 461, 1299, 365], metric="Memory Leak Events (1h)")
    assert "contradicted-by-companion" not in problems(events, objects(series, np.full(12, 46_098), service="worker"))


ROUTES = (
    Route("/", 8000, "web", Place("nginx.conf", 9)),
    Route("/py-reports/", 9000, "reports", Place("nginx.conf", 5)),
)


def test_memory_put_down_to_a_path_that_another_service_answers_is_refused(series, audited) -> None:
    blamed = series("rss", FLAT, metric="by path", service="reports", labels={"path": "/organisation/42/iati/"})
    audit = audited(blamed, routes=ROUTES)
    assert audit.refused == (blamed,)
    assert (
        "served by web, not by reports"
        in {one.problem: one.explanation for one in audit.problems}["impossible-routing"]
    )


def test_a_path_goes_to_the_service_with_the_longest_prefix(series, problems) -> None:
    fair = series("rss", FLAT, metric="by path", service="reports", labels={"path": "/py-reports/7/pdf"})
    assert "impossible-routing" not in problems(fair, routes=ROUTES)


def test_growth_by_request_is_measured_too_early_for_streamed_answers(series, problems) -> None:
    events = series(
        "events", [1, 2, 3, 4], metric="Leak events", expr="increase(django_memory_growth_events_total[1h])"
    )
    large, small = requests("/project/{id}/iati/", 60, bytes_each=9e6), requests("/", 60)
    assert "/project/{id}/iati/" in problems(events, doses=(large, small))["measured-too-early"]
    assert "measured-too-early" not in problems(events, doses=(small,))


def test_the_size_of_a_container_is_not_measured_too_early(series, problems) -> None:
    size = series("rss", FLAT, metric="container_memory_rss", instance="a")
    assert problems(size, doses=(requests("/project/{id}/iati/", 60, bytes_each=9e6),)) == {}
