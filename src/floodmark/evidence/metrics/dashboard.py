"""Dashboards of Grafana as JSON: for each panel its title, queries and unit, which its CSV has lost.

A panel goes to the sink as a series without samples whose labels say `panel: definition`; `attached` gives its query
to the series of the CSV with that title once all files are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from floodmark.evidence.nouns import MEMORY_MEASURES, Series
from floodmark.evidence.readers import Head, SeriesKey, Sink, Source

from .json_stream import BadJson, CutShort, JsonStream
from .meaning import Meaning, of_query
from .titles import slug
from .units import bytes_in, spelled

DEFINITION = "definition"
"""Value of the label `panel` on the series that carry a panel's query."""

MAX_DASHBOARD_BYTES = 64 << 20


class Dashboard:
    """Reader of dashboards, as exported or as the API returns them."""

    kind = "grafana-dashboard"

    def recognise(self, head: Head) -> float:
        """By panels with targets."""
        data = head.data.lstrip()
        if not data.startswith(b"{") or b'"panels"' not in data:
            return 0.0
        return 0.97 if b'"targets"' in data or b'"schemaVersion"' in data or b'"dashboard"' in data else 0.6

    def read(self, source: Source, sink: Sink) -> None:
        """Every panel that has a query."""
        with source.stream() as stream:
            try:
                whole = JsonStream(stream).value(MAX_DASHBOARD_BYTES)
            except CutShort:
                sink.remark("the file ends inside the dashboard: nothing was read")
                sink.damaged()
                return
            except BadJson as error:
                sink.reject(1, str(error))
                return
        found = 0
        for panel in panels(whole):
            found += 1
            labels = SeriesKey.sorted_labels({"panel": DEFINITION, "legend": panel.legend})
            key = SeriesKey("", "unknown", panel.title, labels=labels, expr=panel.expr, unit=panel.unit)
            sink.samples(key, np.empty(0), np.empty(0), 1)
            sink.record()
        if not found:
            sink.remark("a dashboard without queries")


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel's title, one of its queries with the form of its legend, and the unit it is drawn in."""

    title: str
    expr: str
    legend: str
    unit: str


def panels(value: object) -> Iterator[Panel]:
    """Every panel with a query anywhere in a dashboard: in rows, in collapsed rows, below `dashboard`."""
    if isinstance(value, list):
        for one in value:
            yield from panels(one)
    elif isinstance(value, dict):
        targets = value.get("targets")
        if isinstance(targets, list) and isinstance(value.get("title"), str):
            for target in targets:
                expr = target.get("expr") or target.get("query") if isinstance(target, dict) else None
                if isinstance(expr, str) and expr.strip():
                    yield Panel(
                        value["title"].strip(), expr.strip(), str(target.get("legendFormat") or ""), _unit(value)
                    )
        for name in ("panels", "rows", "dashboard", "spec", "elements"):
            yield from panels(value.get(name))


def _unit(panel: Mapping[str, object]) -> str:
    """The unit of a panel, new (`fieldConfig`) or old (`yaxes`)."""
    config = panel.get("fieldConfig")
    defaults = config.get("defaults") if isinstance(config, dict) else None
    unit = defaults.get("unit") if isinstance(defaults, dict) else None
    if unit is None and isinstance(axes := panel.get("yaxes"), list) and axes and isinstance(axes[0], dict):
        unit = axes[0].get("format")
    return str(unit) if unit and unit not in ("none", "short") else ""


def attached(series: tuple[Series, ...]) -> tuple[Series, ...]:
    """The series with what dashboards say of them: query, unit, and so what they measure. Definitions are left out.

    A panel and a CSV belong together by their titles; of several queries the one with most of the legend's words.
    """
    definitions = [one for one in series if one.labels.get("panel") == DEFINITION]
    by_title: dict[str, list[Series]] = {}
    for one in definitions:
        by_title.setdefault(slug(one.metric), []).append(one)
    rest = [one for one in series if one.labels.get("panel") != DEFINITION]
    return tuple(_with_query(one, by_title.get(slug(one.metric), [])) if "panel" in one.labels else one for one in rest)


def _with_query(series: Series, definitions: list[Series]) -> Series:
    if not definitions:
        return series
    legend = set(re.findall(r"\w+", series.labels.get("legend", "").lower()))
    best = max(definitions, key=lambda one: len(legend & set(re.findall(r"\w+", one.labels.get("legend", "").lower()))))
    meaning = of_query(best.expr)
    if meaning is None:
        return replace(series, expr=best.expr)
    labels = {**series.labels, **meaning.labels()}
    return replace(
        series, expr=best.expr, measure=meaning.measure, unit=_unit_shown(series, meaning, best.unit),
        value=series.value * _rescaled(series, meaning), labels=labels,
    )  # fmt: skip


def _unit_shown(series: Series, meaning: Meaning, drawn: str) -> str:
    if meaning.measure in MEMORY_MEASURES:
        return series.unit if series.unit == "B" else meaning.unit or spelled(drawn) or series.unit
    return meaning.unit or series.unit


def _rescaled(series: Series, meaning: Meaning) -> float:
    """What turns the values as the title was read into bytes as the query says; cells with units were right already."""
    memory, was = (
        meaning.measure in MEMORY_MEASURES,
        bytes_in(series.unit) if series.measure in MEMORY_MEASURES else 1.0,
    )
    if series.measure in MEMORY_MEASURES and series.unit == "B" and memory:
        return 1.0
    return (meaning.scale if memory else 1.0) / (was or 1.0)
