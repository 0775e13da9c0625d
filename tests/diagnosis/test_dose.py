"""Doses: counted at the end of requests, never falling between bins; connections that were never closed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.diagnosis.dose import ALL, KEPT, candidates, cumulated, parts
from floodmark.diagnosis.options import DEFAULT
from floodmark.evidence.nouns import Dose, DoseKind, Evidence, Place, Route, Tally

PLACE = Place("access.log", 1)


def dose(name: str, bins: list[int], counts: list[float], service: str | None = "web", kind: DoseKind = "endpoint",
         seconds: float = 0.0) -> Dose:  # fmt: skip
    count = np.array(counts, float)
    return Dose(service, kind, name, PLACE, np.array(bins), count, count * seconds, 0 * count, 0 * count)


def found(*doses: Dose, service: str = "web", **more: object):
    return candidates(Evidence(window=None, bin_seconds=60.0, doses=doses, **more), service, DEFAULT, {})  # type: ignore[arg-type]


sparse = st.dictionaries(st.integers(0, 200), st.integers(1, 9), min_size=1, max_size=40)


@given(sparse, st.floats(0.0, 200.0), st.floats(0.0, 1800.0))
def test_events_up_to_a_time_are_those_that_had_ended_by_then(counted, seconds, lag) -> None:
    bins = sorted(counted)
    (one,) = found(dose("/x/", bins, [float(counted[at]) for at in bins], seconds=seconds))
    times = np.arange(0.0, 250.0 * 60.0, 60.0)
    got = cumulated([one], times, lag)[:, 0]
    for time, value in zip(times, got, strict=True):
        # within a bin they are spread evenly, after it all have begun
        share = [min(max((time - lag - seconds - 60.0 * at) / 60.0, 0.0), 1.0) for at in bins]
        assert value == pytest.approx(sum(part * counted[at] for part, at in zip(share, bins, strict=True)))
    assert (np.diff(got) >= 0).all()


def test_parts_of_one_route_are_one_dose_and_all_routes_are_one_more() -> None:
    both = found(dose("/a/", [1], [2.0]), dose("/a/", [1, 5], [3.0, 1.0]), dose("/b/", [2], [4.0]))
    assert {one.name: float(one.total[-1]) for one in both} == {"/a/": 6.0, "/b/": 4.0, ALL: 10.0}
    assert {one.name for one in parts(both)} == {"/a/", "/b/"}


def test_a_route_that_is_served_elsewhere_is_no_candidate_and_one_of_unknown_service_is_everybodys() -> None:
    routes = (Route("/reports/", None, "reports", PLACE), Route("/", None, "web", PLACE))
    doses = (dose("/reports/x/", [1], [9.0], None), dose("/y/", [1], [9.0], None), dose("/z/", [1], [9.0], "web"))
    assert {one.name for one in found(*doses, service="reports", routes=routes)} == {"/reports/x/"}
    assert {one.name for one in found(*doses, routes=routes)} == {"/y/", "/z/", ALL}
    assert "/y/" in {one.name for one in found(*doses, service="other")}


def test_no_more_doses_than_the_bound_the_most_frequent_first() -> None:
    many = [dose(f"/{number}/", [1], [float(number + 1)]) for number in range(30)]
    evidence = Evidence(window=None, bin_seconds=60.0, doses=tuple(many))
    kept = parts(candidates(evidence, "web", replace(DEFAULT, max_doses=5), {}))
    assert [one.name for one in kept] == ["/29/", "/28/", "/27/", "/26/", "/25/"]


@given(st.integers(0, 10**6), st.integers(80, 160))
def test_connections_kept_open_are_those_that_no_later_close_accounts_for(seed, kept) -> None:
    """Open at a time are opens less closes; what is open for good is the least of that from then on."""
    random = np.random.default_rng(seed)
    opened, closed = np.zeros(400), np.zeros(400)
    for _ in range(600):
        begin = int(random.integers(0, 350))
        opened[begin] += 1
        closed[begin + int(random.integers(0, 40))] += 1
    for begin in random.integers(100, 350, kept):
        opened[begin] += 1
    tallies = tuple(
        Tally(kind, None, "db", np.flatnonzero(count), count[count > 0])
        for kind, count in (("connection-open", opened), ("connection-close", closed))
    )
    one = next(one for one in found(dose("/x/", [1], [9.0]), tallies=tallies) if one.name == KEPT)
    still = np.cumsum(opened) - np.cumsum(closed)
    for_good = np.array([still[minute:].min() for minute in range(400)])
    first = int(np.flatnonzero(opened + closed)[0])  # what was open before the log began is nobody's dose
    assert one.at(60.0 * np.arange(1.0, 401.0), 0.0)[first:] == pytest.approx((for_good - for_good[first])[first:])
    assert still[-1] == kept


def test_a_few_connections_left_open_at_the_end_are_no_dose() -> None:
    tallies = (
        Tally("connection-open", None, "db", np.arange(100), np.full(100, 10.0)),
        Tally("connection-close", None, "db", np.arange(100), np.full(100, 9.9)),
    )
    assert KEPT not in {one.name for one in found(dose("/x/", [1], [9.0]), tallies=tallies)}
