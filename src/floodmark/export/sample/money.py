"""Rows of a project's money: budgets, planned disbursements, transactions, and what donors report to the OECD."""

from __future__ import annotations

from datetime import date

from floodmark.export.models import (
    BudgetItem,
    CrsAdd,
    CrsAddOtherFlag,
    Fss,
    FssForecast,
    PlannedDisbursement,
    Transaction,
    TransactionSector,
)
from floodmark.export.sample.author import Author
from floodmark.export.sample.projects import SECTORS

TRANSACTION_TYPES = ("1", "2", "3", "3", "4", "7")


def write_money(author: Author) -> None:
    """Everything of this module."""
    _write_budgets(author)
    _write_disbursements(author)
    for number in range(1 + author.draw.count(5)):
        _write_transaction(author, number)
    if author.draw.chance(0.2) and "donor-reporting" not in author.without:
        _write_donor_reporting(author)


def _write_budgets(author: Author) -> None:
    draw = author.draw
    for year in range(2020, 2022 + draw.count(2)):
        author.add(
            BudgetItem,
            type=draw.random.choice("12"),
            status=draw.random.choice("12"),
            period_start=date(year, 1, 1),
            period_end=date(year, 12, 31),
            amount=draw.money(),
            value_date=date(year, 1, 1),
            currency=author.currency,
            label_id=draw.random.choice(author.cast.labels),
            other_extra=draw.text(1, 30) if draw.chance(0.1) else None,
        )


def _write_disbursements(author: Author) -> None:
    draw = author.draw
    for year in range(2021, 2022 + draw.count(2)):
        author.add(
            PlannedDisbursement,
            type="1",
            period_start=date(year, 1, 1),
            period_end=date(year, 6, 30),
            provider_organisation_id=author.reporter.id,
            provider_organisation_activity=f"{author.reporter.identifier}-{author.number:06d}",
            receiver_organisation_id=author.partner(),
            **author.amount(),
        )


def _write_transaction(author: Author, number: int) -> None:
    draw, random = author.draw, author.draw.random
    region = draw.random.random() < 0.2
    transaction = author.add(
        Transaction,
        reference=f"T{author.number}/{number}",
        humanitarian=True if draw.chance(0.1) else None,
        transaction_type=random.choice(TRANSACTION_TYPES),
        transaction_date=draw.day(),
        description=draw.text(1, 255),
        provider_organisation_id=author.reporter.id,
        provider_organisation_activity=f"{author.reporter.identifier}-{author.number:06d}",
        receiver_organisation_id=author.partner() if draw.chance(0.8) else None,
        disbursement_channel="1",
        recipient_country="" if region else random.choice(sorted(author.cast.countries)),
        recipient_region="298" if region else "",
        recipient_region_vocabulary="1" if region else "",
        flow_type="10",
        finance_type="110",
        aid_type="C01",
        aid_type_vocabulary="1",
        tied_status="5",
        **author.amount(),
    )
    if draw.chance(0.5):
        code = random.choice(SECTORS)
        author.load.add(
            TransactionSector, transaction_id=transaction, code=code, vocabulary="1", text=draw.text(1, 100)
        )


def _write_donor_reporting(author: Author) -> None:
    draw = author.draw
    author.add(
        CrsAdd,
        loan_terms_rate1="4.00",
        loan_terms_rate2="3.50",
        repayment_type="1",
        repayment_plan="2",
        commitment_date=date(2020, 3, 1),
        repayment_first_date=date(2022, 3, 1),
        repayment_final_date=date(2032, 3, 1),
        loan_status_year=2024,
        loan_status_currency=author.currency,
        loan_status_value_date=date(2024, 5, 20),
        interest_received=draw.money(5000),
        principal_outstanding=draw.money(),
        principal_arrears="0.00",
        interest_arrears="0.00",
        channel_code="21039",
    )
    author.load.add(CrsAddOtherFlag, crs_id=author.number, code=draw.random.choice("1234"), significance=True)
    author.add(Fss, extraction_date=date(2025, 5, 6), priority=True, phaseout_year=2030)
    for year in (2026, 2027):
        author.load.add(FssForecast, fss_id=author.number, year=year, **author.amount())
