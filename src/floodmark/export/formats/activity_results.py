"""The results of an activity, streamed from the result down to the single value: 100,000 periods may be in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from floodmark.export.formats.activity_identity import Activity
from floodmark.export.formats.base import Part
from floodmark.export.formats.xml import attribute, flag, narrative, quoted, texts
from floodmark.export.rows.results import Disaggregation, Indicator, Period, PeriodLocation, Reference, Result

# Whatever measure such an indicator has, RSR publishes 5.
QUALITATIVE = 2


def results(activity: Activity) -> Iterator[Part]:
    """The results that have an indicator to publish."""
    table = "rsr_result"
    row: Result
    for row in activity.rows.results.take(activity.project.id):
        # Written with its first indicator: 2.03 wants one in each result, and RSR drops a result without.
        start = None
        for part in indicators(activity, row):
            if start is None:
                start = result_start(activity, row)
                yield start, table, row.id
            yield part
        if start is not None:
            yield "</result>", table, row.id


def result_start(activity: Activity, row: Result) -> str:
    """A result up to its indicators."""
    if not row.type:
        activity.remarks.add("result-type", "rsr_result", row.id, "result/@type")
    if not row.title:
        activity.remarks.add("text", "rsr_result", row.id, "result/title")
    return (
        f'<result type="{quoted(row.type or "9")}"{flag("aggregation-status", row.aggregation_status)}>'
        f"<title>{narrative(row.title)}</title>{texts('description', row.description)}"
    )


def indicators(activity: Activity, result: Result) -> Iterator[Part]:
    """The indicators of a result with their references, baseline and periods."""
    table = "rsr_indicator"
    row: Indicator
    for row in activity.rows.indicators.take(result.id):
        inner = chain(references(activity, row), baseline(activity, row), periods(activity, row))
        first = next(inner, None)
        if first is None and not any(row[3:]) and row.ascending is None:
            continue
        yield indicator_start(activity, row), table, row.id
        if first is not None:
            yield first
            yield from inner
        yield "</indicator>", table, row.id


def indicator_start(activity: Activity, row: Indicator) -> str:
    """An indicator up to its references."""
    measure = "5" if row.type == QUALITATIVE else row.measure
    if not measure:
        activity.remarks.add("measure", "rsr_indicator", row.id, "result/indicator/@measure")
    if not row.title:
        activity.remarks.add("text", "rsr_indicator", row.id, "result/indicator/title")
    return (
        f'<indicator measure="{quoted(measure or "1")}"{flag("ascending", row.ascending)}>'
        f"<title>{narrative(row.title)}</title>{texts('description', row.description)}"
    )


def references(activity: Activity, indicator: Indicator) -> Iterator[Part]:
    """The references of an indicator, which need both their code and their vocabulary."""
    table, element = "rsr_indicatorreference", "result/indicator/reference"
    row: Reference
    for row in activity.rows.references.take(indicator.id):
        if row.reference and row.vocabulary:
            address = activity.remarks.uri(row.vocabulary_uri, table, row.id, f"{element}/@indicator-uri")
            yield (
                f'<reference vocabulary="{quoted(row.vocabulary)}" code="{quoted(row.reference)}"'
                f"{attribute('indicator-uri', address)}/>",
                table,
                row.id,
            )
        elif any(row[2:]):
            activity.remarks.add("code-vocabulary", table, row.id, element)


def baseline(activity: Activity, row: Indicator) -> Iterator[Part]:
    """The baseline of an indicator, which needs a year; DGIS's validation sets demand one everywhere."""
    table = "rsr_indicator"
    dgis = activity.project.dgis
    if not (row.baseline_year or row.baseline_value or row.baseline_comment or dgis):
        return
    year = row.baseline_year or (1 if dgis else 0)
    if year < 1:
        activity.remarks.add("baseline-year", table, row.id, "result/indicator/baseline")
        return
    yield (
        f'<baseline year="{year}"{measured(row.type, row.baseline_value)}>'
        f"{texts('comment', row.baseline_comment)}</baseline>",
        table,
        row.id,
    )


def measured(indicator_type: int, text: str | None) -> str:
    """The value attribute of a quantitative indicator, 0 for none; none of a qualitative one, as RSR has it."""
    return "" if indicator_type == QUALITATIVE else f' value="{quoted(text or "0")}"'


def periods(activity: Activity, indicator: Indicator) -> Iterator[Part]:
    """The periods of an indicator, which need both their ends."""
    table, element = "rsr_indicatorperiod", "result/indicator/period"
    row: Period
    for row in activity.rows.periods.take(indicator.id):
        start = activity.remarks.date(row.period_start, table, row.id, f"{element}/period-start")
        end = activity.remarks.date(row.period_end, table, row.id, f"{element}/period-end")
        if start and end:
            head = f'<period><period-start iso-date="{start}"/><period-end iso-date="{end}"/>'
            yield head, table, row.id
            yield from target(activity, indicator, row)
            yield from actual(activity, indicator, row)
            yield "</period>", table, row.id
        elif any(row[2:]) or has_rows(activity, row):
            activity.remarks.add("period", table, row.id, element)


def has_rows(activity: Activity, row: Period) -> bool:
    """Whether anything hangs on a period."""
    rows = activity.rows
    return any(
        True
        for _ in chain(
            rows.target_locations.take(row.id), rows.actual_locations.take(row.id), rows.disaggregations.take(row.id)
        )
    )


def locations(rows: Iterable[PeriodLocation]) -> Iterator[str]:
    """The location of each row that has one."""
    return (f'<location ref="{quoted(row.location)}"/>' for row in rows if row.location)


def target(activity: Activity, indicator: Indicator, row: Period) -> Iterator[Part]:
    """The target of a period."""
    table = "rsr_indicatorperiod"
    places = locations(activity.rows.target_locations.take(row.id))
    first = next(places, None)
    if row.target_value or row.target_comment or first or activity.project.dgis:
        yield f"<target{measured(indicator.type, row.target_value)}>{first or ''}", table, row.id
        for place in places:
            yield place, table, row.id
        yield f"{texts('comment', row.target_comment)}</target>", table, row.id


def actual(activity: Activity, indicator: Indicator, row: Period) -> Iterator[Part]:
    """The actual value of a period, then one for each disaggregation."""
    table = "rsr_indicatorperiod"
    places = locations(activity.rows.actual_locations.take(row.id))
    first = next(places, None)
    is_told = row.narrative is None or row.narrative  # None is a long one, not yet read
    if not (row.actual_value or row.actual_comment or is_told or first or activity.project.dgis):
        return
    value = actual_value(indicator, row)
    opened = f"<actual{value or ''}"
    if value is None:
        for part in activity.long_text((table, "narrative", row.id), "actual/@value", f'{opened} value="', quoted, '"'):
            yield part
            opened = ""  # so that it is written all the same where the text has gone meanwhile
    yield f"{opened}>{first or ''}", table, row.id
    for place in places:
        yield place, table, row.id
    yield f"{texts('comment', row.actual_comment)}</actual>", table, row.id
    yield from disaggregations(activity, row)


def actual_value(indicator: Indicator, row: Period) -> str | None:
    """The value attribute of an actual; None where it is a text too long to be read with its row."""
    if indicator.type != QUALITATIVE:
        return measured(indicator.type, row.actual_value)
    # In 2.03 the value of a result is a string, so RSR's free text passes the schema.
    return None if row.narrative is None else attribute("value", row.narrative)


def disaggregations(activity: Activity, row: Period) -> Iterator[Part]:
    """An actual for each disaggregated value of a period."""
    item: Disaggregation
    for item in activity.rows.disaggregations.take(row.id):
        dimension = f"{attribute('name', item.dimension_name)}{attribute('value', item.dimension_value)}"
        yield (
            f'<actual value="{item.value or "0"}"><dimension{dimension}/></actual>',
            "rsr_indicatorperioddisaggregation",
            item.id,
        )
