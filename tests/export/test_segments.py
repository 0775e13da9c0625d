"""Segments: every activity in exactly one, none too large, and a change in one project changes one of them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodmark.export.segments import FILL, Plan, Span, plan

ROOM = 1000

projects = st.dictionaries(st.integers(1, 10**6), st.integers(1, 1500), max_size=60)


def cut(sizes: dict[int, int], before: list[Plan] | None = None, next_number: int = 1) -> tuple[list[Plan], int]:
    ids = sorted(sizes, reverse=True)
    spans = [each.span for each in before or ()]
    return plan(ids, [sizes[i] for i in ids], room_bytes=ROOM, spans=spans, next_number=next_number)


def members(sizes: dict[int, int], plans: list[Plan]) -> dict[int, list[int]]:
    ids = sorted(sizes, reverse=True)
    return {each.span.number: ids[each.first : each.last + 1] for each in plans}


@given(projects)
def test_every_project_is_in_exactly_one_segment_in_the_order_of_the_file(sizes: dict[int, int]) -> None:
    plans, _ = cut(sizes)
    assert [i for each in plans for i in members(sizes, [each])[each.span.number]] == sorted(sizes, reverse=True)


@given(projects)
def test_a_segment_passes_the_limit_only_with_a_single_project_that_does(sizes: dict[int, int]) -> None:
    for ids in members(sizes, cut(sizes)[0]).values():
        assert len(ids) == 1 or sum(sizes[i] for i in ids) <= ROOM


@given(projects, st.lists(projects, max_size=4))
def test_numbers_are_never_given_twice_whatever_changes(sizes: dict[int, int], changes: list[dict[int, int]]) -> None:
    plans, number = cut(sizes)
    seen: dict[int, int] = {}
    for change in [{}, *changes]:
        sizes = {**sizes, **change}
        for gone in list(sizes)[:: 1 + len(change)]:
            del sizes[gone]
        plans, number = cut(sizes, plans, number)
        numbers = [each.span.number for each in plans]
        assert len(set(numbers)) == len(numbers)
        assert all(n < number for n in numbers)
        for each in plans:
            assert seen.setdefault(each.span.number, each.span.low) == each.span.low, "a range keeps its lower end"


@given(projects.filter(bool), st.integers(1, 10**6), st.integers(1, 1500))
def test_adding_or_changing_one_project_touches_one_segment_or_splits_it(
    sizes: dict[int, int], project: int, size: int
) -> None:
    plans, number = cut(sizes)
    before = members(sizes, plans)
    after_sizes = {**sizes, project: size}
    after = members(after_sizes, cut(after_sizes, plans, number)[0])
    touched = {n for n, ids in before.items() if after.get(n) != ids or project in after.get(n, ())}
    new = set(after) - set(before)
    assert len(touched) <= 1
    assert all(after[n] != [] for n in new)
    moved = {i for n in new for i in after[n]} - {project}
    assert not moved or touched, "a project moves only out of the one segment that was split"


@given(projects.filter(bool))
def test_the_same_projects_give_the_same_plan(sizes: dict[int, int]) -> None:
    plans, number = cut(sizes)
    assert cut(sizes, plans, number) == (plans, number)


def test_new_projects_leave_a_well_filled_top_segment_as_it_was() -> None:
    sizes = dict.fromkeys(range(1, 9), 100)
    plans, number = cut(sizes)
    assert len(plans) == 1
    sizes[9] = 100
    after, _ = cut(sizes, plans, number)
    assert members(sizes, after) == {1: [8, 7, 6, 5, 4, 3, 2, 1], 2: [9]}


def test_a_year_of_growth_rewrites_each_segment_a_bounded_number_of_times() -> None:
    sizes: dict[int, int] = {}
    plans: list[Plan] = []
    number, rewritten = 1, 0
    chance = random.Random(7)
    for project in range(1, 400):
        sizes[project] = chance.randint(20, 120)
        before = members({k: v for k, v in sizes.items() if k != project}, plans)
        plans, number = cut(sizes, plans, number)
        rewritten += sum(1 for n, ids in members(sizes, plans).items() if before.get(n) != ids)
    assert rewritten <= 2 * 400
    full = [sum(sizes[i] for i in ids) for ids in members(sizes, plans).values()]
    assert sum(full) / len(full) > 0.6 * FILL * ROOM, "segments are not left nearly empty"


def test_a_removed_segment_gives_its_range_to_nobody_and_its_number_to_no_other() -> None:
    sizes = dict.fromkeys(range(1, 7), 500)
    plans, number = cut(sizes)
    first = plans[-1].span.number
    rest = {i: size for i, size in sizes.items() if i not in members(sizes, plans)[first]}
    after, number = cut(rest, plans, number)
    assert first not in [each.span.number for each in after]
    back, _ = cut(sizes, after, number)
    assert first not in [each.span.number for each in back]


def test_items_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="descending"):
        plan([1, 2], [10, 10], room_bytes=ROOM)
    with pytest.raises(ValueError, match="descending"):
        plan([2, 2], [10, 10], room_bytes=ROOM)


def test_no_projects_give_no_segments_and_keep_the_next_number() -> None:
    assert plan([], [], room_bytes=ROOM, spans=[Span(4, 0, 9)], next_number=5) == ([], 5)
