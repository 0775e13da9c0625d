"""Money: budget, planned-disbursement, transaction, crs-add, fss."""

from __future__ import annotations

from floodmark.export import models
from floodmark.export.importer.nodes import AKVO, Node
from floodmark.export.importer.rows import Row
from floodmark.export.importer.taking import Taking


def budget(activity: Taking, node: Node) -> None:
    """budget; the label of RSR's own exports comes back into `other_extra`."""
    row = activity.row(models.BudgetItem)
    row.attributes(node, type="type", status="status")
    row.date(node, "period-start", "period_start")
    row.date(node, "period-end", "period_end")
    value = node.child("value")
    if value is not None:
        row.put("amount", value.text(), value)
        row.attributes(value, currency="currency", value_date="value-date")
        row.put("other_extra", value.attribute(f"{AKVO}label"), value, "@akvo:label")
    row.needs(node, "period_start", "period_end", "amount")
    activity.add(models.BudgetItem, row)


def planned_disbursement(activity: Taking, node: Node) -> None:
    """planned-disbursement, with provider and receiver."""
    row = activity.row(models.PlannedDisbursement)
    row.attributes(node, type="type")
    row.date(node, "period-start", "period_start")
    row.date(node, "period-end", "period_end")
    row.money(node)
    _parties(activity, row, node)
    row.needs(node, "period_start", "value")
    activity.add(models.PlannedDisbursement, row)


def transaction(activity: Taking, node: Node) -> None:
    """transaction, with its sectors."""
    row = activity.row(models.Transaction)
    row.attributes(node, reference="ref", humanitarian="humanitarian")
    row.code(node, "transaction-type", "transaction_type")
    row.date(node, "transaction-date", "transaction_date")
    row.money(node)
    row.narrative("description", node.child("description"), activity.language)
    _parties(activity, row, node)
    row.code(node, "disbursement-channel", "disbursement_channel")
    sectors = list(node.children("sector"))
    row.code(node, "recipient-country", "recipient_country")
    region = node.child("recipient-region")
    row.attributes(
        region, recipient_region="code", recipient_region_vocabulary="vocabulary",
        recipient_region_vocabulary_uri="vocabulary-uri",
    )  # fmt: skip
    row.code(node, "flow-type", "flow_type")
    row.code(node, "finance-type", "finance_type")
    aid_type = node.child("aid-type")
    row.attributes(aid_type, aid_type="code", aid_type_vocabulary="vocabulary")
    if aid_type is not None:
        row.needs(aid_type, "aid_type")
    row.code(node, "tied-status", "tied_status")
    if region is not None and not row.values["recipient_region"]:
        row.needs(region, "recipient_region")
    if row.needs(node, "transaction_type", "value") and not row.values.get("transaction_date"):
        row.needs(node, "value_date")
    number = activity.add(models.Transaction, row)
    for sector in sectors:
        inner = activity.row(models.TransactionSector, transaction_id=number)
        inner.attributes(sector, code="code", vocabulary="vocabulary", vocabulary_uri="vocabulary-uri")
        inner.narrative("text", sector, activity.language)
        inner.needs(sector, "code")
        activity.rows.add(models.TransactionSector, inner.values)


def _parties(activity: Taking, row: Row, node: Node) -> None:
    for side in ("provider", "receiver"):
        party = node.child(f"{side}-org")
        if party is None:
            continue
        known = activity.organisations.of(party, activity.reporter, activity.language)
        row.values[f"{side}_organisation_id"] = known.id if known else None
        if known is None:
            problem = "names no organisation, so nothing of it comes out"
            activity.reporter.lost(party.path, party.line, problem, "left out", party.whole())
        name = f"{side}-activity-id"
        row.put(f"{side}_organisation_activity", party.attribute(name), party, f"@{name}")


def crs_add(activity: Taking, node: Node) -> None:
    """crs-add, one an activity."""
    if not activity.once("crs-add", node):
        return
    row = activity.row(models.CrsAdd)
    for flag in node.children("other-flags"):
        inner = activity.row(models.CrsAddOtherFlag, crs_id=activity.id)
        inner.attributes(flag, code="code", significance="significance")
        inner.needs(flag, "code", "significance")
        activity.rows.add(models.CrsAddOtherFlag, inner.values)
    terms = node.child("loan-terms")
    if terms is not None:
        row.attributes(terms, loan_terms_rate1="rate-1", loan_terms_rate2="rate-2")
        row.code(terms, "repayment-type", "repayment_type")
        row.code(terms, "repayment-plan", "repayment_plan")
        for name in ("commitment", "repayment-first", "repayment-final"):
            row.date(terms, f"{name}-date", f"{name.replace('-', '_')}_date")
    status = node.child("loan-status")
    if status is not None:
        row.attributes(
            status, loan_status_year="year", loan_status_currency="currency", loan_status_value_date="value-date"
        )
        for name in ("interest-received", "principal-outstanding", "principal-arrears", "interest-arrears"):
            row.text(name.replace("-", "_"), status, name)
        row.needs(status, "loan_status_year", "loan_status_value_date")
    row.text("channel_code", node, "channel-code")
    activity.add(models.CrsAdd, row)


def fss(activity: Taking, node: Node) -> None:
    """fss, with its forecasts."""
    if not activity.once("fss", node):
        return
    row = activity.row(models.Fss)
    row.attributes(node, extraction_date="extraction-date", priority="priority", phaseout_year="phaseout-year")
    row.needs(node, "extraction_date")
    activity.add(models.Fss, row)
    for forecast in node.children("forecast"):
        inner = activity.row(models.FssForecast, fss_id=activity.id)
        inner.attributes(forecast, year="year", value_date="value-date", currency="currency")
        inner.put("value", forecast.text(), forecast)
        inner.needs(forecast, "value", "year")
        activity.rows.add(models.FssForecast, inner.values)
