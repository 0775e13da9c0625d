"""The tables of an activity's results, down to the disaggregations."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from floodmark.export.rows.activity import OfProject
from floodmark.export.rows.table import Iso, NonZero, Table


class Result(NamedTuple):
    """A result."""

    id: int
    parent: OfProject
    type: str
    aggregation_status: bool | None
    title: str
    description: str


# `order` is a smallint that may be NULL, which sorts last: above the largest, and as an int, for a smallint ends below it.
RESULT = Table(Result, "rsr_result", order=('coalesce(t."order"::int, 32768)',))


class Indicator(NamedTuple):
    """An indicator; `type` 1 is quantitative, 2 qualitative."""

    id: int
    parent: Annotated[int, "t.result_id"]
    type: int
    measure: str
    ascending: bool | None
    title: str
    description: str
    baseline_year: int | None
    baseline_value: str
    baseline_comment: str


INDICATOR = Table(Indicator, "rsr_indicator", where="t.export_to_iati", order=('coalesce(t."order"::int, 32768)',))


class Reference(NamedTuple):
    """A reference of an indicator."""

    id: int
    parent: Annotated[int, "t.indicator_id"]
    vocabulary: str
    reference: str
    vocabulary_uri: str


REFERENCE = Table(Reference, "rsr_indicatorreference")


class Period(NamedTuple):
    """A period of an indicator."""

    id: int
    parent: Annotated[int, "t.indicator_id"]
    period_start: Iso
    period_end: Iso
    target_value: str
    target_comment: str
    actual_value: str
    actual_comment: str
    narrative: str | None
    """None where it is longer than LONG_BYTES: `ActivityRows.long_text` reads it when its turn comes."""


LONG_BYTES = 20_000
"""Of RSR's texts that hang on a project in any number only this one has no limit, so a page of them could be any size."""

PERIOD = Table(
    Period,
    "rsr_indicatorperiod",
    order=("coalesce(t.period_start, 'infinity')", "coalesce(t.period_end, 'infinity')"),
    first_chars=LONG_BYTES,
    values={"narrative": f"CASE WHEN octet_length(t.narrative) <= {LONG_BYTES} THEN t.narrative END"},
)


class PeriodLocation(NamedTuple):
    """Where a target or an actual value applies."""

    id: int
    parent: Annotated[int, "t.period_id"]
    location: str


TARGET_LOCATION = Table(PeriodLocation, "rsr_indicatorperiodtargetlocation")
ACTUAL_LOCATION = Table(PeriodLocation, "rsr_indicatorperiodactuallocation")


class Disaggregation(NamedTuple):
    """A value of a period for one value of one dimension; 0 and NULL are both published as 0."""

    id: int
    parent: Annotated[int, "t.period_id"]
    value: NonZero
    dimension_value: Annotated[str | None, "dv.value"]
    dimension_name: Annotated[str | None, "dn.name"]


DISAGGREGATION = Table(
    Disaggregation,
    "rsr_indicatorperioddisaggregation",
    joins=""" LEFT JOIN rsr_indicatordimensionvalue dv ON dv.id = t.dimension_value_id
        LEFT JOIN rsr_indicatordimensionname dn ON dn.id = dv.name_id""",
)
