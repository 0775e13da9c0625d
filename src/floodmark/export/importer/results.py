"""Results, piece by piece: an indicator with a hundred thousand periods is never in memory as a whole."""

from __future__ import annotations

from typing import Any

from floodmark.export import models
from floodmark.export.importer.nodes import Node
from floodmark.export.importer.rows import NO_PLACE, Row, report_leftovers
from floodmark.export.importer.taking import Taking

QUALITATIVE = "5"
"""IATI's measure for qualitative indicators, RSR's type 2; any other measure is its type 1."""

MAX_ORDER = 32_767
"""Of a smallint column."""

INDICATOR_TEXTS = ("measure", "title", "description", "baseline_year", "baseline_value", "baseline_comment")
"""Columns any of which lets an indicator come out."""

DIMENSION_CHARACTERS = 100
MAX_DIMENSIONS = 10_000
"""Values of dimensions in one activity; they are remembered."""


class ResultImport:
    """The result and the indicator that are being read, and how far."""

    def __init__(self, activity: Taking) -> None:
        self.activity = activity
        self.result: Row | None = None
        self.indicator: Row | None = None
        self.result_id = self.indicator_id = 0
        self.results = self.indicators = 0
        self.actual_comes_out = self.indicator_comes_out = self.result_comes_out = False
        self.starts: list[Node] = []
        self.dimensions: dict[tuple[str, str], int] = {}
        self.names: dict[str, int] = {}

    def begin(self, path: str, element: Any) -> None:
        """A result or an indicator begins: its attributes are there, its children come."""
        start = Node(element, path)
        self.starts.append(start)
        if path == "result":
            self.results += 1
            self.indicators, self.result_comes_out = 0, False
            self.result_id = self.activity.rows.number(models.Result)
            order = min(self.results, MAX_ORDER)
            self.result = self.activity.row(models.Result, id=self.result_id, order=order)
            self.result.attributes(start, type="type", aggregation_status="aggregation-status")
        else:
            self.indicators += 1
            self.indicator_comes_out = False
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
            if not self.result_comes_out:
                self._lost_whole(start, self.result, "a result without indicators does not come out again")
            self.activity.add(models.Result, self.result)
        elif self.indicator is not None:
            values = [value for name, value in self.indicator.values.items() if name in INDICATOR_TEXTS]
            if any(values) or self.indicator.values["ascending"] is not None or self.indicator_comes_out:
                self.result_comes_out = True
            else:
                self._lost_whole(start, self.indicator, "an empty indicator does not come out again")
            self.activity.rows.add(models.Indicator, {"result_id": self.result_id, **self.indicator.values})

    def _lost_whole(self, start: Node, row: Row, problem: str) -> None:
        self.activity.reporter.lost(start.path, start.line, problem, "stored", str(row.values.get("title", "")))

    def piece(self, path: str, node: Node) -> None:
        """One complete piece of a result or of an indicator."""
        name = path.rpartition("/")[2]
        holder = self.indicator if path.startswith("result/indicator/") else self.result
        assert holder is not None
        if name in ("title", "description") and name not in holder.values:
            holder.narrative(name, node, self.activity.language)
        elif path == "result/indicator/reference":
            row = self.activity.row(models.IndicatorReference, indicator_id=self.indicator_id)
            row.attributes(node, vocabulary="vocabulary", reference="code", vocabulary_uri="indicator-uri")
            self.indicator_comes_out |= row.needs(node, "reference", "vocabulary")
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
            self._zero(node, row.values["baseline_value"])
        row.narrative("baseline_comment", node.child("comment"), self.activity.language)
        if row.needs(node, "baseline_year") and not row.values["baseline_year"]:
            self.activity.reporter.lost(node.path, node.line, "the year 0 does not come out", "stored")

    def _zero(self, node: Node, value: str) -> None:
        """A figure that is not there comes out as 0, as RSR writes it."""
        if not value:
            self.activity.reporter.lost(f"{node.path}/@value", node.line, "there is none", "comes out as 0")

    def _period(self, node: Node) -> None:
        number = self.activity.rows.number(models.IndicatorPeriod)
        row = self.activity.row(models.IndicatorPeriod, id=number, indicator_id=self.indicator_id)
        row.date(node, "period-start", "period_start")
        row.date(node, "period-end", "period_end")
        self.indicator_comes_out |= row.needs(node, "period_start", "period_end")
        target = node.child("target")
        if target is not None:
            self._figures(row, target, "target", models.IndicatorPeriodTargetLocation, number)
        # The value for all comes before the values for some, whatever the order in the file.
        self.actual_comes_out = False
        found = sorted(node.children("actual"), key=lambda actual: actual.element.find("dimension") is not None)
        for actual in found:
            if not self._actual(row, actual, number):
                node.give_back(actual)
        self.activity.rows.add(models.IndicatorPeriod, row.values)

    def _actual(self, row: Row, actual: Node, number: int) -> bool:
        """Whether the tables can hold it: one value for all, and beside it one for each value of one dimension."""
        dimensions = actual.element.findall("dimension")
        if not dimensions and "actual_comment" not in row.values:
            return self._figures(row, actual, "actual", models.IndicatorPeriodActualLocation, number)
        return len(dimensions) == 1 and self.actual_comes_out and self._part(actual, number)

    def _figures(self, row: Row, node: Node, kind: str, locations: Any, number: int) -> bool:
        """Take a target or an actual value; False where nothing of it can come out."""
        value = ""
        if not self.is_qualitative:
            row.put(f"{kind}_value", node.attribute("value"), node, "@value")
            value = row.values[f"{kind}_value"]
        elif kind == "actual":
            row.put("narrative", node.attribute("value"), node, "@value")
        row.narrative(f"{kind}_comment", node.child("comment"), self.activity.language)
        comes_out = bool(value or row.values.get("narrative") or row.values[f"{kind}_comment"])
        for location in node.children("location"):
            inner = self.activity.row(locations, period_id=number)
            inner.attributes(location, location="ref")
            comes_out = inner.needs(location, "location") or comes_out
            self.activity.rows.add(locations, inner.values)
        if kind == "actual":
            self.actual_comes_out = comes_out
        if not comes_out:
            self.activity.reporter.lost(node.path, node.line, "holds nothing that can be kept", "left out")
        elif not self.is_qualitative:
            self._zero(node, value)
        return True

    def _part(self, node: Node, number: int) -> bool:
        """A value for one value of one dimension."""
        dimension = node.child("dimension")
        row = self.activity.row(models.IndicatorPeriodDisaggregation, period_id=number)
        row.attributes(node, value="value")
        names = ("", "") if dimension is None else (dimension.attribute("name"), dimension.attribute("value"))
        is_known = names in self.dimensions or len(self.dimensions) < MAX_DIMENSIONS
        if row.values["value"] is None or max(map(len, names)) > DIMENSION_CHARACTERS or not is_known:
            return False
        row.values["dimension_value_id"] = self._dimension(*names)
        self.activity.rows.add(models.IndicatorPeriodDisaggregation, row.values)
        return True

    def _dimension(self, name: str, value: str) -> int:
        if (name, value) not in self.dimensions:
            if name not in self.names:
                self.names[name] = self.activity.add(models.IndicatorDimensionName, name=name)
            self.dimensions[name, value] = self.activity.rows.add(
                models.IndicatorDimensionValue, {"value": value, "name_id": self.names[name]}
            )
        return self.dimensions[name, value]
