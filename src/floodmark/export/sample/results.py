"""Rows of a project's results: indicators, periods and their disaggregation."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from floodmark.export.models import (
    Indicator,
    IndicatorDimensionName,
    IndicatorDimensionValue,
    IndicatorPeriod,
    IndicatorPeriodActualLocation,
    IndicatorPeriodDisaggregation,
    IndicatorPeriodTargetLocation,
    IndicatorReference,
    Result,
)
from floodmark.export.sample.author import Author
from floodmark.export.sample.plan import EPOCH

DimensionNames = Indicator.dimension_names.through
PERIODS_OF_AN_INDICATOR = 50  # in the giant project
INDICATORS_OF_A_RESULT = 40


def write_results(author: Author) -> None:
    """None to three results; a third of the projects has none."""
    draw = author.draw
    if not draw.chance(0.65):
        return
    name, values = _write_dimension(author) if draw.chance(0.5) else (None, ())
    for order in range(1 + draw.count(2)):
        result = _write_result(author, order)
        for place in range(1 + draw.count(2)):
            indicator = _write_indicator(author, result, place, qualitative=place == 2)
            if name and place == 0:
                author.load.add(DimensionNames, indicator_id=indicator, indicatordimensionname_id=name)
            for number in range(1 + draw.count(6)):
                _write_period(author, indicator, number, values if place == 0 else (), qualitative=place == 2)


def write_giant_results(author: Author, periods: int) -> None:
    """As many results and indicators as it takes to hold so many periods."""
    _, values = _write_dimension(author)
    result = indicator = 0
    for number in range(periods):
        place, within = divmod(number, PERIODS_OF_AN_INDICATOR)
        if within == 0:
            if place % INDICATORS_OF_A_RESULT == 0:
                result = _write_result(author, place // INDICATORS_OF_A_RESULT)
            indicator = _write_indicator(author, result, place % INDICATORS_OF_A_RESULT, qualitative=False)
        _write_period(author, indicator, within, values[:1], qualitative=False, sentences=4)


def _write_dimension(author: Author) -> tuple[int, tuple[int, ...]]:
    """A dimension with its values; returns its id and those of the values."""
    name = author.add(IndicatorDimensionName, name="Sex")
    values = ("Women", "Men")
    return name, tuple(author.load.add(IndicatorDimensionValue, name_id=name, value=value) for value in values)


def _write_result(author: Author, order: int) -> int:
    draw = author.draw
    return author.add(
        Result,
        type=draw.random.choice("123"),
        aggregation_status=True,
        title=draw.text(1, 500),
        description=draw.text(2, 2000),
        order=order,
    )


def _write_indicator(author: Author, result: int, order: int, *, qualitative: bool) -> int:
    draw = author.draw
    indicator = author.load.add(
        Indicator,
        result_id=result,
        type=2 if qualitative else 1,
        measure="" if qualitative else draw.random.choice("12"),
        ascending=True,
        title=draw.text(1, 500),
        description=draw.text(1, 2000),
        baseline_year=2019,
        baseline_value="" if qualitative else str(draw.random.randrange(100)),
        baseline_comment=draw.text(1, 2000),
        order=order if draw.chance(0.9) else None,
        export_to_iati=draw.random.random() > 0.03,
    )
    if draw.chance(0.3):
        code = f"{draw.random.randrange(1, 17)}.{draw.random.randrange(1, 6)}.1"
        author.load.add(IndicatorReference, indicator_id=indicator, reference=code, vocabulary="9")
    return indicator


def _write_period(
    author: Author, indicator: int, number: int, values: tuple[int, ...], *, qualitative: bool, sentences: int = 1
) -> None:
    draw, random = author.draw, author.draw.random
    start = date(2019, 1, 1) + timedelta(days=91 * number)
    actual = random.randrange(1000)
    period = author.load.add(
        IndicatorPeriod,
        indicator_id=indicator,
        period_start=start,
        period_end=start + timedelta(days=90),
        target_value="" if qualitative else str(actual + 50),
        target_comment=draw.text(sentences, 2000),
        actual_value="" if qualitative else str(actual),
        actual_comment=draw.text(sentences, 2000),
        narrative=draw.text(2, 2000) if qualitative else "",
        locked=False,
    )
    if draw.chance(0.1):
        author.load.add(IndicatorPeriodTargetLocation, period_id=period, location="AF-0")
        author.load.add(IndicatorPeriodActualLocation, period_id=period, location="AF-0")
    for share, value in enumerate(values, start=1):
        author.load.add(
            IndicatorPeriodDisaggregation,
            period_id=period,
            dimension_value_id=value,
            value=Decimal(actual * share) / (len(values) + 1),
            created_at=EPOCH,
            last_modified_at=EPOCH,
        )
