"""Results, piece by piece: an indicator with a hundred thousand periods is never in memory as a whole."""

from __future__ import annotations

from typing import Any

from floodmark.export import models
from floodmark.export.importer.nodes import Node, narrative
from floodmark.export.importer.rows import NO_PLACE, Row, report_leftovers
from floodmark.export.importer.taking import Taking

QUALITATIVE = "5"
"""IATI's measure for qualitative indicators, RSR's type 2; any other measure is its type 1."""

MAX_ORDER = 32_767
"""Of a smallint column."""


class ResultImport:
    """The result and the indicator that are being read, and how far."""

    def __init__(self, activity: Taking) -> None:
        self.activity = activity
        self.result: Row | None = None
        self.indicator: Row | None = None
        self.result_id = self.indicator_id = 0
        self.results = self.indicators = 0
        self.starts: list[Node] = []
        self.dimensions: dict[tuple[str, str], int] = {}
        self.names: dict[str, int] = {}

    def begin(self, path: str, element: Any) -> None:
        """A result or an indicator begins: its attributes are there, its children come."""
        start = Node(element, path)
        self.starts.append(start)
        if path == "result":
            self.results += 1
            self.indicators = 0
            self.result_id = self.activity.rows.number(models.Result)
            order = min(self.results, MAX_ORDER)
            self.result = self.activity.row(models.Result, id=self.result_id, order=order)
            self.result.attributes(start, type="type", aggregation_status="aggregation-status")
        else:
            self.indicators += 1
            self.indicator_id = self.activity.rows.number(models.Indicator)
            order = min(self.indicators, MAX_ORDER)
            self.indicator = self.activity.row(models.Indicator, id=self.indicator_id, order=order)
            self.indicator.attributes(start, ascending="ascending")
            self._measure(start, self.indicator)

    def end(self, path: str) -> None:
        """A result or an indicator is complete: its row can be added."""
        start = self.starts.pop()
        # Its children are gone from the element by now; what is left over are attributes.
        report_leftovers(start.attributes_left(), self.activity.reporter)
        if path == "result" and self.result is not None:
            if not self.indicators:
                problem = "a result without indicators does not come out again"
                self.activity.reporter.lost(
                    "result", start.line, problem, "stored", str(self.result.values.get("title", ""))
                )
            self.activity.add(models.Result, self.result)
        elif self.indicator is not None:
            self.activity.rows.add(models.Indicator, {"result_id": self.result_id, **self.indicator.values})

    def piece(self, path: str, node: Node) -> None:
        """One complete piece of a result or of an indicator."""
        name = path.rpartition("/")[2]
        holder = self.indicator if path.startswith("result/indicator/") else self.result
        assert holder is not None
        if name in ("title", "description") and name not in holder.values:
            holder.put(name, narrative(node, self.activity.language), node, "narrative")
        elif path == "result/indicator/reference":
            row = self.activity.row(models.IndicatorReference, indicator_id=self.indicator_id)
            row.attributes(node, vocabulary="vocabulary", reference="code", vocabulary_uri="indicator-uri")
            self.activity.rows.add(models.IndicatorReference, row.values)
        elif path == "result/indicator/baseline" and "baseline_year" not in holder.values:
            self._baseline(holder, node)
        elif path == "result/indicator/period":
            self._period(node)
        else:
            self.activity.reporter.lost(path, node.line, NO_PLACE, "left out", node.whole())
            return
        report_leftovers(node.leftovers(), self.activity.reporter)

    def _measure(self, start: Node, row: Row) -> None:
        measure = start.attribute("measure")
        row.values["type"] = 2 if measure == QUALITATIVE else 1
        row.put("measure", "" if measure == QUALITATIVE else measure, start, "@measure")

    @property
    def is_qualitative(self) -> bool:
        """Whether the indicator being read has texts for values."""
        return self.indicator is not None and self.indicator.values["type"] == 2

    def _baseline(self, row: Row, node: Node) -> None:
        row.attributes(node, baseline_year="year")
        if not self.is_qualitative:
            row.attributes(node, baseline_value="value")
        row.put("baseline_comment", narrative(node.child("comment"), self.activity.language), node, "comment/narrative")

    def _period(self, node: Node) -> None:
        number = self.activity.rows.number(models.IndicatorPeriod)
        row = self.activity.row(models.IndicatorPeriod, id=number, indicator_id=self.indicator_id)
        row.date(node, "period-start", "period_start")
        row.date(node, "period-end", "period_end")
        target = node.child("target")
        if target is not None:
            self._figures(row, target, "target", models.IndicatorPeriodTargetLocation, number)
        for actual in list(node.children("actual")):
            self._actual(row, actual, node, number)
        self.activity.rows.add(models.IndicatorPeriod, row.values)

    def _actual(self, row: Row, actual: Node, period: Node, number: int) -> None:
        dimensions = actual.element.findall("dimension")
        if not dimensions and "actual_comment" not in row.values:
            self._figures(row, actual, "actual", models.IndicatorPeriodActualLocation, number)
        elif len(dimensions) == 1 and "actual_comment" in row.values:
            self._disaggregation(actual, number)
        else:
            period.give_back(actual)

    def _figures(self, row: Row, node: Node, kind: str, locations: Any, number: int) -> None:
        if not self.is_qualitative:
            row.put(f"{kind}_value", node.attribute("value"), node, "@value")
        elif kind == "actual":
            row.put("narrative", node.attribute("value"), node, "@value")
        row.put(f"{kind}_comment", narrative(node.child("comment"), self.activity.language), node, "comment/narrative")
        for location in node.children("location"):
            inner = self.activity.row(locations, period_id=number)
            inner.attributes(location, location="ref")
            self.activity.rows.add(locations, inner.values)

    def _disaggregation(self, node: Node, number: int) -> None:
        dimension = node.child("dimension")
        assert dimension is not None
        row = self.activity.row(models.IndicatorPeriodDisaggregation, period_id=number)
        row.attributes(node, value="value")
        if row.values["value"] is None:
            return
        row.values["dimension_value_id"] = self._dimension(dimension.attribute("name"), dimension.attribute("value"))
        self.activity.rows.add(models.IndicatorPeriodDisaggregation, row.values)

    def _dimension(self, name: str, value: str) -> int:
        if (name, value) not in self.dimensions:
            if name not in self.names:
                self.names[name] = self.activity.add(models.IndicatorDimensionName, name=name[:100])
            self.dimensions[name, value] = self.activity.rows.add(
                models.IndicatorDimensionValue, {"value": value[:100], "name_id": self.names[name]}
            )
        return self.dimensions[name, value]
