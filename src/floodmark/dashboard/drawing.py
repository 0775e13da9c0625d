"""Charts without a script: inline SVG that a screen reader can name and a printer can print. Times are in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from floodmark.dashboard.history import Line
from floodmark.evidence.nouns import Floats

WIDTH, HEIGHT = 900.0, 280.0
LEFT, BOTTOM, TOP, RIGHT = 60.0, 40.0, 22.0, 12.0
RIGHT_EDGE, FLOOR = WIDTH - RIGHT, HEIGHT - BOTTOM

STEPS = (60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 2 * 86_400, 7 * 86_400)
"""Distances of the marks on the time axis that fall on round times of the day."""

MOST_TICKS = 8


def spark(line: Line, points: int) -> SafeString | str:
    """A line as small as a word; empty where there is nothing to draw."""
    mb = line.mb[~np.isnan(line.mb)]
    if len(mb) < 2:
        return ""
    starts = np.unique(np.linspace(0, len(mb), points, endpoint=False).astype(int))
    values = np.maximum.reduceat(mb, starts)
    low, high = float(values.min()), float(values.max())
    # A fifth of the level at least: noise of a megabyte must not look like a mountain beside a leak.
    span = max(high - low, 0.2 * high, 1.0)
    x = np.linspace(1, 119, len(values))
    y = 27 - (values - low) / span * 24
    return format_html(
        '<svg class="spark" viewBox="0 0 120 30" role="img" aria-label="memory from {} to {} MB">'
        '<polyline points="{}"/></svg>',
        f"{values[0]:.0f}", f"{values[-1]:.0f}", _points(x, y),
    )  # fmt: skip


def chart(line: Line, marks: list[dict[str, Any]]) -> SafeString | str:
    """Memory over time with its gaps, and with what happened drawn in."""
    mb = line.mb[~np.isnan(line.mb)]
    if len(mb) < 2:
        return ""
    top = _round_up(float(mb.max()) * 1.05)
    words = f"memory in MB, from {mb[0]:.0f} to {mb[-1]:.0f} MB between {_utc(line.since)} and {_utc(line.until)}"
    parts = (_grid(top), _times(line), _marks(line, marks), _curve(line, top))
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        f"{WIDTH:.0f}", f"{HEIGHT:.0f}", words, format_html_join("", "{}", [(part,) for part in parts]),
    )  # fmt: skip


def _curve(line: Line, top: float) -> SafeString:
    """One polyline for each stretch without a gap."""
    x, y = _x(line, line.at), FLOOR - line.mb / top * (FLOOR - TOP)
    ends = [*np.flatnonzero(np.isnan(y)).tolist(), len(y)]
    pieces = [slice(start, end) for start, end in zip([0, *(end + 1 for end in ends)], ends, strict=False)]
    rows = [(_points(x[piece], y[piece]),) for piece in pieces if piece.stop > piece.start]
    return format_html_join("", '<polyline class="memory" points="{}"/>', rows)


def _grid(top: float) -> SafeString:
    left, right, beside = f"{LEFT:.0f}", f"{RIGHT_EDGE:.0f}", f"{LEFT - 8:.0f}"
    rows = [
        (left, right, f"{y:.1f}", f"{y:.1f}", beside, f"{y + 4:.1f}", f"{value:,.0f}")
        for value in np.linspace(0, top, 5)
        for y in [FLOOR - value / top * (FLOOR - TOP)]
    ]
    lines = format_html_join(
        "", '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>', rows
    )
    return format_html('<text x="{}" y="12" text-anchor="end">MB</text>{}', beside, lines)


def _times(line: Line) -> SafeString:
    length = line.until - line.since
    step = next((one for one in STEPS if length / one <= MOST_TICKS), STEPS[-1])
    at = np.arange(np.ceil(line.since / step) * step, line.until, step)
    form = "%d %b" if step >= 86_400 else "%H:%M"
    rows = [
        (
            f"{x:.1f}",
            f"{x:.1f}",
            f"{FLOOR:.0f}",
            f"{FLOOR + 5:.0f}",
            f"{x:.1f}",
            f"{FLOOR + 18:.0f}",
            _utc(second, form),
        )
        for second, x in zip(at.tolist(), _x(line, at).tolist(), strict=True)
    ]
    ticks = format_html_join(
        "", '<line class="tick" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="middle">{}</text>',
        rows,
    )  # fmt: skip
    return format_html(
        '{}<text x="{}" y="{}" text-anchor="end">UTC</text>', ticks, f"{RIGHT_EDGE:.0f}", f"{HEIGHT - 4:.0f}"
    )


def _marks(line: Line, marks: list[dict[str, Any]]) -> SafeString:
    rows = []
    for mark in marks:
        if line.since <= mark["at"] <= line.until:
            x = f"{_x(line, np.array([mark['at']]))[0]:.1f}"
            rows.append((mark["kind"], x, x, f"{TOP:.0f}", f"{FLOOR:.0f}", mark["kind"], mark["text"]))
    return format_html_join(
        "", '<line class="mark mark-{}" x1="{}" x2="{}" y1="{}" y2="{}"><title>{}: {}</title></line>', rows
    )


def _x(line: Line, at: Floats) -> Floats:
    share = (at - line.since) / max(line.until - line.since, 1.0)
    return np.asarray(LEFT + np.clip(share, 0, 1) * (RIGHT_EDGE - LEFT))


def _points(x: Floats, y: Floats) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def _utc(second: float, form: str = "%d %b %H:%M UTC") -> str:
    return datetime.fromtimestamp(second, UTC).strftime(form)


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 5 or 10 times a power of ten."""
    power = 10 ** np.floor(np.log10(max(value, 1.0)))
    return float(next(step * power for step in (1, 2, 4, 5, 10) if step * power >= value))
