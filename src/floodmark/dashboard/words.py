"""Template filters: figures and times as people read them. What is not known is a dash, never 0."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

UNKNOWN = "–"


def known(value: Any) -> float | None:
    """A figure, or None for what is not known: None, NaN, and the "" that a template makes of a missing attribute."""
    return float(value) if isinstance(value, int | float) and value == value else None


@register.filter
def mb(given: Any) -> str:
    """Memory in MB, with GB from 10,000 MB."""
    value = known(given)
    if value is None:
        return UNKNOWN
    return f"{value / 1000:,.1f} GB" if abs(value) >= 10_000 else f"{value:,.0f} MB"


@register.filter
def rate(given: Any) -> str:
    """Growth in MB/h with its sign; what rounds to nothing has none ("+0 (-0 to +1)" was read as noise)."""
    value = known(given)
    if value is None:
        return UNKNOWN
    return f"{value:+,.0f}" if abs(value) > 0.5 else "0"


@register.filter
def figure(given: Any) -> str:
    """Any figure with three significant digits."""
    value = known(given)
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@register.filter
def percent(given: Any) -> str:
    """A share as a percentage."""
    value = known(given)
    return UNKNOWN if value is None else f"{value:.0%}"


@register.filter
def duration(given: Any) -> str:
    """Seconds in the unit that a person would use."""
    value = known(given)
    if value is None:
        return UNKNOWN
    if value < 1:
        return milliseconds(1000 * value)
    for unit, size in (("h", 3600), ("min", 60)):
        if value >= 2 * size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} s"


@register.filter
def milliseconds(given: Any) -> str:
    """A short time; below a millisecond nobody needs to know it."""
    value = known(given)
    if value is None:
        return UNKNOWN
    return "< 1 ms" if value < 1 else f"{value:,.0f} ms"


@register.filter
def hours(given: Any) -> str:
    """A time to something, in hours or days."""
    value = known(given)
    if value is None or value == float("inf"):
        return UNKNOWN
    return f"{value:.1f} h" if value < 48 else f"{value / 24:.0f} days"


@register.filter
def when(seconds: float | None) -> SafeString | str:
    """A moment as a `time` element in UTC; the page's script turns it into the reader's own time."""
    if seconds is None:
        return UNKNOWN
    moment = datetime.fromtimestamp(seconds, UTC)
    return format_html(
        '<time datetime="{}">{}</time>', moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment.strftime("%Y-%m-%d %H:%M UTC")
    )


@register.filter
def ago(seconds: float | None, now: float) -> str:
    """How long ago, in the largest unit that fits."""
    if seconds is None:
        return "never"
    past = max(now - seconds, 0)
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if past >= size:
            return f"{past / size:.0f} {unit} ago"
    return f"{past:.0f} s ago"


@register.filter
def get(table: dict[str, Any], key: str) -> Any:
    """A value of a dictionary, or None."""
    return table.get(key)
