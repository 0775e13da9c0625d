"""Rows that are bad on purpose, so that an export of sample data has something to report.

The first five make RSR's exporter lose the whole file; the others it writes as they are, which the schema refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from floodmark.export.models import (
    AdministrativeLocation,
    BudgetItem,
    CountryBudgetItem,
    CrsAdd,
    CrsAddOtherFlag,
    Fss,
    FssForecast,
    Indicator,
    IndicatorPeriod,
    PlannedDisbursement,
    ProjectCondition,
    ProjectDocument,
    ProjectLocation,
    Result,
    Transaction,
)
from floodmark.export.sample.author import Author


@dataclass(frozen=True)
class Flaw:
    """One kind of bad project: values of its own row, and rows added to it."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    rows: Callable[[Author], object] = lambda author: None
    without: frozenset[str] = frozenset()
    """Parts that are left out."""


def _result_without_years_and_dates(author: Author) -> None:
    result = author.add(Result, title="Without a type")
    indicator = author.load.add(Indicator, result_id=result, title="Without measure", baseline_value="1")
    author.load.add(IndicatorPeriod, indicator_id=indicator, target_value="5", actual_value="4")


def _location_without_vocabulary(author: Author) -> None:
    location = author.load.add(ProjectLocation, location_target_id=author.number, location_code="123", name="Nowhere")
    author.load.add(AdministrativeLocation, location_id=location, code="7")


def _forecast_and_flag_without_attributes(author: Author) -> None:
    author.add(CrsAdd, channel_code="99999")
    author.load.add(CrsAddOtherFlag, crs_id=author.number, code="1")
    author.add(Fss)
    author.load.add(FssForecast, fss_id=author.number, value="10.00")


FLAWS: tuple[Flaw, ...] = (
    Flaw("control-character", {"background": "A form feed\fand a vertical tab\vin running text."}),
    Flaw("condition-without-type", rows=lambda a: a.add(ProjectCondition, text="Counterpart funds are paid in")),
    Flaw("disbursement-without-value", rows=lambda a: a.add(PlannedDisbursement, currency="USD")),
    Flaw(
        "loan-terms-without-status",
        rows=lambda a: a.add(CrsAdd, loan_terms_rate1="4.00", repayment_type="1"),
        without=frozenset({"donor-reporting"}),
    ),
    Flaw("budget-item-without-code", rows=lambda a: a.add(CountryBudgetItem, description="Rural roads")),
    Flaw("no-identifier", {"iati_activity_id": None}),
    Flaw("no-title", {"title": ""}),
    Flaw("no-reporter", without=frozenset({"reporter"})),
    Flaw("no-dates", {"date_start_planned": None, "date_start_actual": None, "date_end_planned": None}),
    Flaw("unknown-language", {"language": "", "currency": ""}),
    Flaw("markup-in-text", {"subtitle": "a < b & c ]]> <b>bold</b> &amp; ns12:type=\"1\" 'q' \r\n\t 😀 \u0085\u2028"}),
    Flaw("value-without-date", rows=lambda a: a.add(BudgetItem, amount="1000.00", currency="EUR")),
    Flaw("transaction-without-anything", rows=lambda a: a.add(Transaction, recipient_region_vocabulary="1")),
    Flaw("transaction-of-nothing", rows=lambda a: a.add(Transaction, value="0.00", transaction_type="3")),
    Flaw("document-without-category", rows=lambda a: a.add(ProjectDocument, url="https://files.example.org/x")),
    Flaw("document-without-url", rows=lambda a: a.add(ProjectDocument, title="Lost", format="application/pdf")),
    Flaw("result-without-anything", rows=_result_without_years_and_dates),
    Flaw("location-without-vocabulary", rows=_location_without_vocabulary),
    Flaw(
        "forecast-without-year", rows=_forecast_and_flag_without_attributes, without=frozenset({"donor-reporting"})
    ),
    Flaw("zero-coordinates", rows=lambda a: a.load.add(
        ProjectLocation, location_target_id=a.number, latitude=0.0, longitude=0.0
    )),
)  # fmt: skip


def flaw_of(number: int) -> Flaw | None:
    """The flaw of the project of that number: every tenth has one, each kind in turn."""
    turn, rest = divmod(number, 10)
    return FLAWS[turn % len(FLAWS)] if rest == 5 else None
