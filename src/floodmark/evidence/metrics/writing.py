"""From a named row of samples to the sink: what it measures, who it is of, in bytes; limits and starts on the side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from floodmark.evidence.nouns import Floats
from floodmark.evidence.readers import SeriesKey, Sink, Source

from .meaning import Meaning, of_metric, of_query, of_title, weighed
from .naming import Who, from_labels

UNLIMITED_BYTES = 2.0**60
"""Limits above this mean "none": cgroups write 2**63, exporters 1.8e19."""


@dataclass(frozen=True, slots=True)
class Named:
    """A row of samples as the source names it. Where it names no metric (an aggregating query), the title stands in."""

    metric: str
    labels: Mapping[str, str] = field(default_factory=dict)
    expr: str = ""
    title: str = ""

    @property
    def name(self) -> str:
        """The metric, or the title of what it was exported from."""
        return self.metric or self.title

    def meaning(self) -> Meaning:
        """By query where there is one, else by the name: of a metric, or of a panel."""
        asked = of_query(self.expr) if self.expr and not self.metric else None
        if asked is not None:
            return asked
        is_metric = bool(self.metric) or ("_" in self.title and " " not in self.title and "-" not in self.title)
        return of_metric(self.name, dict(self.labels)) if is_metric else of_title(self.name)


@dataclass(slots=True)
class Writer:
    """Writes the rows of one source. Remembers what each row is, so that a row may come in many pieces."""

    source: Source
    sink: Sink
    _known: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[SeriesKey, Meaning]] = field(default_factory=dict)

    def write(self, named: Named, at: Floats, value: Floats, line: int | None = None) -> None:
        """A piece of one row: times in seconds, values as the source has them."""
        identity = (named.name, SeriesKey.sorted_labels(named.labels))
        if identity not in self._known:
            self._known[identity] = self._learn(named, value)
        key, meaning = self._known[identity]
        self.put(key, meaning, at, value, line)
        if meaning.measure == "limit":
            self._limits(key, value * meaning.scale, line)
        elif named.metric.endswith("_start_time_seconds"):
            self._starts(key, at, value, line)

    def put(self, key: SeriesKey, meaning: Meaning, at: Floats, value: Floats, line: int | None = None) -> None:
        """Samples to the sink, in bytes where they are memory; what is not a number is left out there."""
        scaled = value * meaning.scale if meaning.scale != 1.0 else value
        self.sink.samples(key, at, scaled, line)
        self.sink.record(len(at))

    def _learn(self, named: Named, value: Floats) -> tuple[SeriesKey, Meaning]:
        meaning = named.meaning()
        if not meaning.unit:
            meaning = weighed(meaning, value)
        who = from_labels(named.labels, self.source.service)
        return series_key(named.name, who, meaning, named.labels, named.expr), meaning

    def _limits(self, key: SeriesKey, value: Floats, line: int | None) -> None:
        """The largest limit in the piece, for the service or for the node; "none" is no limit."""
        real = value[np.isfinite(value) & (value > 0) & (value < UNLIMITED_BYTES)]
        if not len(real):
            return
        node = key.metric.startswith(("node_", "machine_", "kube_node_"))
        service = None if node else key.service
        self.sink.limit("node-memory" if node else "memory", float(real.max()), line, service=service)

    def _starts(self, key: SeriesKey, at: Floats, value: Floats, line: int | None) -> None:
        """An event for each start that lies within what was sampled; earlier ones are no news."""
        if not len(at):
            return
        for started in np.unique(value[np.isfinite(value)]):
            if at[0] <= started <= at[-1]:
                text = f"{key.service} started ({key.metric})"
                self.sink.event(
                    float(started), "start", text, line, service=key.service, instance=key.instance, process=key.process
                )


def series_key(name: str, who: Who, meaning: Meaning, labels: Mapping[str, str], expr: str = "") -> SeriesKey:
    """The key of a row: labels of the source, of the legend, and what the meaning adds (`window`, `kind`)."""
    together = {**labels, **who.labels, **meaning.labels()}
    return SeriesKey(
        service=who.service, measure=meaning.measure, metric=name, instance=who.instance, process=who.process,
        labels=SeriesKey.sorted_labels(together), expr=expr, unit=meaning.unit,
    )  # fmt: skip
