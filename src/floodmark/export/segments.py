"""Which activities go into which segment, so that a change in one project changes one segment.

A segment owns a range of project ids from its `low` up to the next segment's `low`; the range and the number are born
once and kept in the index. A project therefore stays where it is whatever happens to others. Only a segment that would
pass the limit is split, and only the new part gets a new number: a published URL goes on naming the same range.

Ranges are filled to `FILL` of the limit at birth, so that projects have room to grow before a split is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

FILL = 0.8


@dataclass(frozen=True, slots=True)
class Span:
    """A range of project ids that has a number. `high` is the largest id that was in it at the last build."""

    number: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One segment of the new file: the span it keeps and its items `first` to `last` (inclusive), in file order."""

    span: Span
    first: int
    last: int


def plan(
    ids: Sequence[int], sizes: Sequence[int], *, room_bytes: int, spans: Iterable[Span] = (), next_number: int = 1
) -> tuple[list[Plan], int]:
    """Segments in file order, and the next number to give.

    `ids` are strictly descending (the order of the file), `sizes` the bytes of each item, `room_bytes` what a segment
    may hold between its root's tags. An item larger than that gets a segment of its own. Raises ValueError for ids out
    of order, for then ranges of ids are not ranges of the file.
    """
    if any(below >= above for above, below in pairwise(ids)):
        raise ValueError("segments need items in strictly descending order of id")
    items = _Items(ids, sizes, room_bytes)
    owned = sorted(spans, key=lambda span: span.low) or [Span(next_number, 0, 0)]
    next_number = max(next_number, *(span.number + 1 for span in owned))
    plans: list[Plan] = []
    # From the last item of the file upwards: ids ascend, as the spans do. A span whose projects are all gone gets no plan.
    end = len(ids) - 1
    for span, above in zip(owned, [*owned[1:], None], strict=True):
        start = end
        while start >= 0 and (above is None or ids[start] < above.low):
            start -= 1
        for part in items.fit(span, start + 1, end, is_top=above is None) if start < end else ():
            number = part.number
            if number is None:
                number, next_number = next_number, next_number + 1
            plans.append(Plan(Span(number, part.low, ids[part.first]), part.first, part.last))
        end = start
    return plans[::-1], next_number


@dataclass(frozen=True, slots=True)
class _Part:
    """Items `first` to `last` under one number; None is a number to be given."""

    number: int | None
    low: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Items:
    ids: Sequence[int]
    sizes: Sequence[int]
    room_bytes: int

    def fit(self, span: Span, first: int, last: int, *, is_top: bool) -> list[_Part]:
        """The items of one span, ids ascending: one part where they fit, else more, the first with the old number."""
        total = sum(self.sizes[first : last + 1])
        if is_top and span.high and total > FILL * self.room_bytes:
            # New projects come in at the top. A new range for them leaves the old one as it was, byte for byte.
            newest = next((index for index in range(last, first - 1, -1) if self.ids[index] > span.high), None)
            if newest is not None and newest < last and sum(self.sizes[newest + 1 : last + 1]) <= self.room_bytes:
                kept = _Part(span.number, span.low, newest + 1, last)
                return [kept, *self.cut(None, span.high + 1, first, newest)]
        if total <= self.room_bytes:
            return [_Part(span.number, span.low, first, last)]
        return self.cut(span.number, span.low, first, last)

    def cut(self, number: int | None, low: int, first: int, last: int) -> list[_Part]:
        """Parts of about equal size, none above FILL of the room but for single items, ids ascending."""
        total, full = sum(self.sizes[first : last + 1]), int(FILL * self.room_bytes)
        even = -(-total // max(1, -(-total // max(1, full))))
        parts: list[_Part] = []
        end, filled = last, 0
        for index in range(last, first - 1, -1):
            if index < end and (filled >= even or filled + self.sizes[index] > full):
                parts.append(_Part(number, low, index + 1, end))
                number, low, end, filled = None, self.ids[index], index, 0
            filled += self.sizes[index]
        return [*parts, _Part(number, low, first, end)]
