"""The drawing of one service's memory over time: an SVG that stretches with the page, its labels as text beside it.

The SVG holds lines only and may be stretched in one direction (strokes keep their width), so that a label has the same
size on a phone and on a wall. Positions are per cent of the plot, from its left and from its bottom.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from floodmark.report import figures
from floodmark.report.document import Document

WIDTH, HEIGHT = 1000.0, 300.0
"""Units of the SVG's own system; its shape on the page is set by the style sheet."""

DECIMALS = 2
"""Of a position in per cent: a tenth of a pixel on the widest screen."""

LEAST_BAND = 0.4
"""Per cent of the width below which a short alert could not be seen."""

GAP_FACTOR = 3.5
"""A line is broken where two points are further apart than this many times the usual distance."""

FLOORS = ("floor", "trend")
"""Words in the name of a line that is computed, drawn heavier than what was measured."""

SMALL_EVERY = 3
"""A small chart has every third label of the axis of time."""

LABEL_APART = 9.0
"""Per cent of the plot's width below which the label of a mark would run into the one before."""

WORDS = {"restart": "restart", "deploy": "deploy", "oom-kill": "OOM kill", "evicted": "evicted"}
"""Kinds of marks that are drawn as a line across the plot, with their label."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a position along an axis, in per cent."""

    at: float
    text: str
    below: str = ""
    """A second line: the day, where the text is a time of day."""

    minor: bool = False
    """True for a label that a narrow screen leaves out."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the plot at a moment."""

    at: float
    kind: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time in which an alert was firing or growth was measured."""

    left: float
    width: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything the template places; `paths` are (class of the line, path data)."""

    paths: tuple[tuple[str, str], ...]
    y: tuple[Label, ...]
    x: tuple[Label, ...]
    rules: tuple[Rule, ...]
    bands: tuple[Band, ...]
    growth: Band | None
    limit: Label | None
    names: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...]
    """(class of the line, what it is) for the legend: of what was measured, and of what happened."""


class _Scale:
    """From times and MB of the document to per cent of the plot."""

    def __init__(self, axes: dict[str, Any]) -> None:
        self.start, self.end = figures.position(axes["start"]), figures.position(axes["end"])
        self.bottom, self.top = float(axes["mb"][0]), float(axes["mb"][-1])

    def x(self, moment: str | None) -> float:
        """Per cent from the left, kept inside the plot; the right edge for None."""
        if moment is None:
            return 100.0
        share = (figures.position(moment) - self.start) / (self.end - self.start)
        return round(100 * min(max(share, 0.0), 1.0), DECIMALS)

    def y(self, mb: float) -> float:
        """Per cent from the bottom."""
        return round(100 * (mb - self.bottom) / (self.top - self.bottom), DECIMALS)


def drawing(service: Document, small: bool = False) -> Drawing | None:
    """What to draw for one of the document's services, with fewer labels if small; None where there is nothing."""
    chart = service["chart"]
    if not chart or not chart["axes"]:
        return None
    scale = _Scale(chart["axes"])
    lines = [line for line in chart["lines"] if line["at"]]
    kinds = [_kind(line["name"], position, len(lines)) for position, line in enumerate(lines)]
    return Drawing(
        paths=tuple((kind, _path(line, scale)) for kind, line in zip(kinds, lines, strict=True)),
        y=tuple(_mb_labels(chart["axes"]["mb"], scale)),
        x=tuple(_time_labels(chart["axes"]["at"][:: SMALL_EVERY if small else 1], scale, small)),
        rules=tuple(_rules(chart["marks"], scale)),
        bands=tuple(_alert_bands(chart["marks"], scale)),
        growth=_growth(service, scale),
        limit=_limit(service["limit_mb"], scale),
        names=tuple(_legend(kinds, lines)),
        kinds=tuple((kind, WORDS[kind]) for kind in WORDS if any(mark["kind"] == kind for mark in chart["marks"])),
    )


def _kind(name: str, position: int, count: int) -> str:
    if any(word in name for word in FLOORS):
        return "floor"
    return "measured" if count == 1 else f"measured c{position % 6}"


def _path(line: dict[str, Any], scale: _Scale) -> str:
    at = [figures.position(one) for one in line["at"]]
    usual = median(b - a for a, b in pairwise(at)) if len(at) > 1 else 0.0
    steps, before = [], None
    for when, moment, mb in zip(at, line["at"], line["mb"], strict=True):
        broken = before is None or when - before > GAP_FACTOR * usual
        x, y = scale.x(moment) / 100 * WIDTH, HEIGHT - scale.y(mb) / 100 * HEIGHT
        steps.append(f"{'M' if broken else 'L'}{x:.1f} {y:.1f}")
        before = when
    return "".join(steps)


def _mb_labels(values: Sequence[float], scale: _Scale) -> Iterator[Label]:
    """The values with as many decimals each as the one that needs most."""
    texts = [figures.number(mb) for mb in values]
    decimals = max(len(text.partition(".")[2]) for text in texts)
    yield from (Label(scale.y(mb), f"{mb:,.{decimals}f}") for mb in values)


def _time_labels(moments: Sequence[str], scale: _Scale, small: bool) -> Iterator[Label]:
    """Days where labels are a day or more apart, else the time of day, with the day where it changes."""
    daily = all(figures.clock(one) == "00:00" for one in moments)
    shown = ""
    for position, one in enumerate(moments):
        day = figures.day(one)
        # A narrow screen leaves out every second label; what it keeps must name its day.
        minor = position % 2 == 1 and not small
        below = "" if daily or day == shown else day
        shown = shown if minor else day
        yield Label(scale.x(one), day if daily else figures.clock(one), below, minor)


def _rules(marks: Sequence[dict[str, Any]], scale: _Scale) -> Iterator[Rule]:
    labelled = -100.0
    for mark in marks:
        kind = mark["kind"]
        if kind not in WORDS:
            continue
        at = scale.x(mark["at"])
        crowded = at - labelled < LABEL_APART
        labelled = labelled if crowded else at
        yield Rule(at, kind, "" if crowded else WORDS[kind], mark["text"] or WORDS[kind])


def _alert_bands(marks: Sequence[dict[str, Any]], scale: _Scale) -> Iterator[Band]:
    for mark in marks:
        if mark["kind"].startswith("alert-"):
            left = scale.x(mark["at"])
            width = round(max(scale.x(mark["until"]) - left, LEAST_BAND), DECIMALS)
            yield Band(left, width, mark["kind"], mark["text"])


def _growth(service: Document, scale: _Scale) -> Band | None:
    growth = service["growth"]
    if not growth or growth["mb_per_hour"] is None or service["verdict"] != "leak":
        return None
    left = scale.x(growth["start"])
    return Band(
        left, round(scale.x(growth["end"]) - left, DECIMALS), "growth", f"{figures.number(growth['mb_per_hour'])} MB/h"
    )


def _limit(limit_mb: float | None, scale: _Scale) -> Label | None:
    if limit_mb is None or not scale.bottom <= limit_mb <= scale.top:
        return None
    return Label(scale.y(limit_mb), figures.number(limit_mb))


def _legend(kinds: Sequence[str], lines: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Every line by its name; a crowd of measured lines is left to the caption."""
    if len(lines) <= 8:
        yield from zip(kinds, (line["name"] for line in lines), strict=True)
    else:
        yield from ((kind, line["name"]) for kind, line in zip(kinds, lines, strict=True) if kind == "floor")
