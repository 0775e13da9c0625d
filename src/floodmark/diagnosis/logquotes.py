"""Examples of a pattern as lines with their place: "nginx/error.log:204: upstream timed out ..."."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from floodmark.diagnosis.signals import place_text
from floodmark.evidence.nouns import Event, Place, Tally

MAX_QUOTES = 3
MAX_CHARACTERS = 240
"""Of one example; the file and the line lead to the rest."""


def quote(place: Place, text: str) -> str:
    """One line as it stood, cut, behind its file and line."""
    text = " ".join(text.split())
    cut = text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"
    return f"{place_text(place)}: {cut}" if cut else place_text(place)


def tally_quotes(ones: Iterable[Tally], start: float, end: float) -> tuple[str, ...]:
    """The first few examples between two times; of any time where there is none between."""
    rows = sorted(
        (at, place.source, place.line or 0, text, place) for one in ones for at, place, text in one.examples
    )  # fmt: skip
    inside = [row for row in rows if start <= row[0] <= end] or rows
    return tuple(dict.fromkeys(quote(place, text) for _, _, _, text, place in inside))[:MAX_QUOTES]


def event_quotes(ones: Sequence[Event]) -> tuple[str, ...]:
    """The first two events and the last."""
    chosen = [*ones[: MAX_QUOTES - 1], *ones[-1:]]
    return tuple(dict.fromkeys(quote(one.place, one.text) for one in chosen))


def sources_of(ones: Iterable[Tally]) -> tuple[str, ...]:
    """The files that the examples come from, in the order met."""
    return tuple(dict.fromkeys(place.source for one in ones for _, place, _ in one.examples))
