"""What donors report to the OECD: crs-add and fss."""

from __future__ import annotations

from collections.abc import Iterator

from floodmark.export.formats.activity_identity import Activity
from floodmark.export.formats.base import Part
from floodmark.export.formats.xml import attribute, code, flag, plain, quoted
from floodmark.export.rows.activity import CrsAdd, Forecast, Fss, OtherFlag

CRS = "rsr_crsadd"


def crs_add(activity: Activity) -> Iterator[Part]:
    """The crs-add; its loan terms and its loan status do not depend on each other."""
    row: CrsAdd
    for row in activity.rows.crs_adds.take(activity.project.id):
        # Written for every row, as RSR does: nothing in it is mandatory.
        start = "<crs-add>"
        flag_row: OtherFlag
        for flag_row in activity.rows.other_flags.take(row.id):
            if flag_row.code and flag_row.significance is not None:
                significance = flag("significance", flag_row.significance)
                xml = f'{start}<other-flags code="{quoted(flag_row.code)}"{significance}/>'
                yield xml, "rsr_crsaddotherflag", flag_row.id
                start = ""
            elif flag_row.code or flag_row.significance is not None:
                activity.remarks.add("other-flags", "rsr_crsaddotherflag", flag_row.id, "crs-add/other-flags")
        yield (
            f"{start}{loan_terms(activity, row)}{loan_status(activity, row)}{plain('channel-code', row.channel_code)}"
            "</crs-add>",
            CRS,
            row.id,
        )


def loan_terms(activity: Activity, row: CrsAdd) -> str:
    """The loan-terms, or nothing."""
    element = "crs-add/loan-terms"
    attributes = ""
    for name, value in (("rate-1", row.loan_terms_rate1), ("rate-2", row.loan_terms_rate2)):
        attributes += attribute(name, activity.remarks.number(value, CRS, row.id, f"{element}/@{name}"))
    inner = f"{code('repayment-type', row.repayment_type)}{code('repayment-plan', row.repayment_plan)}"
    for name, value in (
        ("commitment-date", row.commitment_date),
        ("repayment-first-date", row.repayment_first_date),
        ("repayment-final-date", row.repayment_final_date),
    ):
        when = activity.remarks.date(value, CRS, row.id, f"{element}/{name}")
        if when:
            inner += f'<{name} iso-date="{when}"/>'
    return f"<loan-terms{attributes}>{inner}</loan-terms>" if attributes or inner else ""


def loan_status(activity: Activity, row: CrsAdd) -> str:
    """The loan-status, which needs a year and a value date, or nothing."""
    element = "crs-add/loan-status"
    inner = "".join(
        plain(name, activity.remarks.number(value, CRS, row.id, f"{element}/{name}"))
        for name, value in (
            ("interest-received", row.interest_received),
            ("principal-outstanding", row.principal_outstanding),
            ("principal-arrears", row.principal_arrears),
            ("interest-arrears", row.interest_arrears),
        )
    )
    year = row.loan_status_year
    when = activity.remarks.date(row.loan_status_value_date, CRS, row.id, f"{element}/@value-date")
    if year is None or not when:
        if inner or year is not None or when or row.loan_status_currency:
            activity.remarks.add("loan-status", CRS, row.id, element)
        return ""
    currency = attribute("currency", row.loan_status_currency)
    return f'<loan-status year="{year}"{currency} value-date="{when}">{inner}</loan-status>'


def fss(activity: Activity) -> Iterator[Part]:
    """The fss, which needs an extraction date, with its forecasts, which need a value and a year."""
    row: Fss
    for row in activity.rows.fss.take(activity.project.id):
        extraction = activity.remarks.date(row.extraction_date, "rsr_fss", row.id, "fss/@extraction-date")
        if not extraction:
            activity.remarks.add("fss", "rsr_fss", row.id, "fss")
            continue
        phaseout = "" if row.phaseout_year is None else f' phaseout-year="{row.phaseout_year}"'
        yield f'<fss extraction-date="{extraction}"{flag("priority", row.priority)}{phaseout}>', "rsr_fss", row.id
        for forecast in activity.rows.forecasts.take(row.id):
            xml = forecast_xml(activity, forecast)
            if xml:
                yield xml, "rsr_fssforecast", forecast.id
        yield "</fss>", "rsr_fss", row.id


def forecast_xml(activity: Activity, row: Forecast) -> str:
    """A forecast."""
    table, element = "rsr_fssforecast", "fss/forecast"
    value = activity.remarks.number(row.value, table, row.id, element)
    when = activity.remarks.date(row.value_date, table, row.id, f"{element}/@value-date")
    if not value or row.year is None:
        if any(row[2:]) or row.year is not None:
            activity.remarks.add("forecast", table, row.id, element)
        return ""
    return (
        f'<forecast year="{row.year}"{attribute("value-date", when)}{attribute("currency", row.currency)}>'
        f"{value}</forecast>"
    )
