"""Charts without a script: inline SVG that a screen reader can name and a printer can print."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from floodmark.dashboard.history import Line

WIDTH, HEIGHT = 900.0, 260.0
LEFT, BOTTOM, TOP, RIGHT = 64.0, 26.0, 12.0, 10.0


def spark(line: Line, points: int) -> SafeString | str:
    """A line as small as a word; empty where there is nothing to draw."""
    if len(line.at) < 2:
        return ""
    starts = np.unique(np.linspace(0, len(line.mb), points, endpoint=False).astype(int))
    values = np.maximum.reduceat(line.mb, starts)
    low, high = float(values.min()), float(values.max())
    span = max(high - low, 0.02 * high, 1.0)
    x = np.linspace(1, 119, len(values))
    y = 27 - (values - low) / span * 24
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return format_html(
        '<svg class="spark" viewBox="0 0 120 30" role="img" aria-label="memory from {} to {} MB">'
        '<polyline points="{}"/></svg>',
        f"{values[0]:.0f}", f"{values[-1]:.0f}", path,
    )  # fmt: skip


def chart(line: Line, marks: list[dict[str, Any]]) -> SafeString | str:
    """Memory over time with what happened drawn in."""
    if len(line.at) < 2:
        return ""
    start, end = float(line.at[0]), float(line.at[-1])
    top = _round_up(float(line.mb.max()) * 1.05)
    x = LEFT + (line.at - start) / max(end - start, 1.0) * (WIDTH - LEFT - RIGHT)
    y = HEIGHT - BOTTOM - line.mb / top * (HEIGHT - BOTTOM - TOP)
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="memory in MB, from {} to {} MB">{}{}'
        '<polyline class="memory" points="{}"/></svg>',
        f"{WIDTH:.0f}", f"{HEIGHT:.0f}", f"{line.mb[0]:.0f}", f"{line.mb[-1]:.0f}", _grid(top),
        _marks(marks, start, end), path,
    )  # fmt: skip


def _grid(top: float) -> SafeString:
    left, right, beside = f"{LEFT:.0f}", f"{WIDTH - RIGHT:.0f}", f"{LEFT - 8:.0f}"
    rows = [
        (left, right, f"{y:.1f}", f"{y:.1f}", beside, f"{y + 4:.1f}", f"{value:,.0f}")
        for value in np.linspace(0, top, 5)
        for y in [HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP)]
    ]
    return format_html_join(
        "", '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>', rows
    )


def _marks(marks: list[dict[str, Any]], start: float, end: float) -> SafeString:
    rows = []
    for mark in marks:
        share = (float(mark["at"]) - start) / max(end - start, 1.0)
        if 0 <= share <= 1:
            x = f"{LEFT + share * (WIDTH - LEFT - RIGHT):.1f}"
            rows.append((mark["kind"], x, x, f"{TOP:.0f}", f"{HEIGHT - BOTTOM:.0f}", mark["kind"], mark["text"]))
    return format_html_join(
        "", '<line class="mark mark-{}" x1="{}" x2="{}" y1="{}" y2="{}"><title>{}: {}</title></line>', rows
    )


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 5 or 10 times a power of ten."""
    power = 10 ** np.floor(np.log10(max(value, 1.0)))
    return float(next(step * power for step in (1, 2, 4, 5, 10) if step * power >= value))
