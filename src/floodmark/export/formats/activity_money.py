"""The money of an activity: budget, planned-disbursement, capital-spend, transaction."""

from __future__ import annotations

from collections.abc import Iterator

from floodmark.export.formats.activity_classification import OWN_VOCABULARIES, closed
from floodmark.export.formats.activity_identity import PROJECT, Activity
from floodmark.export.formats.base import Part
from floodmark.export.formats.xml import attribute, code, flag, narrative, quoted, texts
from floodmark.export.rows.finance import Budget, PlannedDisbursement, Transaction, TransactionSector

Money = Budget | PlannedDisbursement | Transaction


def value_xml(
    activity: Activity, row: Money, amount: str, of: str | None, where: tuple[str, str], more: str = ""
) -> str:
    """A value; the date `of` what it belongs to stands in for a missing value date. `where` is table and element."""
    table, element = where
    value_date = activity.remarks.date(row.value_date, table, row.id, f"{element}/value/@value-date")
    if not value_date:
        activity.remarks.add("value-date", table, row.id, f"{element}/value/@value-date")
        value_date = of
    return f'<value{attribute("currency", row.currency)} value-date="{value_date}"{more}>{amount}</value>'


def organisation(kind: str, activity_id: str, row: tuple[int | None, str | None, int | None, str | None]) -> str:
    """A provider-org or receiver-org; `row` is its id, IATI identifier, type and name."""
    known, ref, type_, name = row
    if known is None:
        return ""
    return (
        f"<{kind}-org{attribute(kind + '-activity-id', activity_id)}{attribute('ref', ref)}"
        f"{attribute('type', str(type_ or ''))}>{narrative(name)}</{kind}-org>"
    )


def organisations(row: PlannedDisbursement | Transaction) -> str:
    """The provider-org and the receiver-org of a row."""
    provider = (row.provider_id, row.provider_ref, row.provider_type, row.provider_name)
    receiver = (row.receiver_id, row.receiver_ref, row.receiver_type, row.receiver_name)
    return organisation("provider", row.provider_organisation_activity, provider) + organisation(
        "receiver", row.receiver_organisation_activity, receiver
    )


def budgets(activity: Activity) -> Iterator[Part]:
    """The budgets, which need both ends of their period and a value."""
    table = "rsr_budgetitem"
    row: Budget
    for row in activity.rows.budgets.take(activity.project.id):
        if not any(row[2:]):
            continue
        start = activity.remarks.date(row.period_start, table, row.id, "budget/period-start")
        end = activity.remarks.date(row.period_end, table, row.id, "budget/period-end")
        amount = activity.remarks.number(row.amount, table, row.id, "budget/value")
        if not (start and end):
            activity.remarks.add("period", table, row.id, "budget")
        elif not amount:
            activity.remarks.add("value", table, row.id, "budget")
        else:
            value = value_xml(activity, row, amount, start, (table, "budget"), attribute("akvo:label", row.label))
            yield (
                f"<budget{attribute('type', row.type)}{attribute('status', row.status)}>"
                f'<period-start iso-date="{start}"/><period-end iso-date="{end}"/>{value}</budget>',
                table,
                row.id,
            )


def planned_disbursements(activity: Activity) -> Iterator[Part]:
    """The planned-disbursements, which need the start of their period and a value."""
    table, element = "rsr_planneddisbursement", "planned-disbursement"
    row: PlannedDisbursement
    for row in activity.rows.planned_disbursements.take(activity.project.id):
        # The ids of the two activities do not count: RSR writes them only inside of an organisation.
        counts = any(row[2:8]) or row.provider_id is not None or row.receiver_id is not None
        if not counts:
            continue
        start = activity.remarks.date(row.period_start, table, row.id, f"{element}/period-start")
        amount = activity.remarks.number(row.value, table, row.id, f"{element}/value")
        if not start:
            activity.remarks.add("period", table, row.id, element)
        elif not amount:
            activity.remarks.add("value", table, row.id, element)
        else:
            end = activity.remarks.date(row.period_end, table, row.id, f"{element}/period-end")
            period_end = f'<period-end iso-date="{end}"/>' if end else ""
            yield (
                f'<{element}{attribute("type", row.type)}><period-start iso-date="{start}"/>{period_end}'
                f"{value_xml(activity, row, amount, start, (table, element))}{organisations(row)}</{element}>",
                table,
                row.id,
            )


def capital_spend(activity: Activity) -> Iterator[Part]:
    """The capital-spend; 0 is one."""
    project = activity.project
    percentage = activity.remarks.number(
        project.capital_spend_percentage, PROJECT, project.id, "capital-spend/@percentage"
    )
    if percentage:
        yield f'<capital-spend percentage="{percentage}"/>', PROJECT, project.id


def transactions(activity: Activity) -> Iterator[Part]:
    """The transactions, each with its sectors."""
    table = "rsr_transaction"
    row: Transaction
    for row in activity.rows.transactions.take(activity.project.id):
        start = transaction_start(activity, row)
        if start is None:
            continue
        # The sectors stand in the middle and may be many, so they go out one by one.
        for sector in activity.rows.transaction_sectors.take(row.id):
            xml = transaction_sector(activity, sector)
            if xml:
                yield start + xml, table, row.id
                start = ""
        yield f"{start}{transaction_end(activity, row)}", table, row.id


def transaction_start(activity: Activity, row: Transaction) -> str | None:
    """A transaction up to its sectors; None where what it needs is missing: type, date, value."""
    table, element = "rsr_transaction", "transaction"
    when = activity.remarks.date(row.transaction_date, table, row.id, "transaction/transaction-date")
    amount = activity.remarks.number(row.value, table, row.id, "transaction/value")
    if not (row.transaction_type and when and amount):
        rule = missing(activity, row, when, amount)
        if rule:
            activity.remarks.add(rule, table, row.id, element)
        if rule != "transaction-date":
            return None
        when = row.value_date
    assert amount is not None
    return (
        f"<transaction{attribute('ref', row.reference)}{flag('humanitarian', row.humanitarian)}>"
        f'<transaction-type code="{quoted(row.transaction_type)}"/><transaction-date iso-date="{when}"/>'
        f"{value_xml(activity, row, amount, when, (table, element))}{texts('description', row.description)}"
        f"{organisations(row)}{code('disbursement-channel', row.disbursement_channel)}"
    )


def missing(activity: Activity, row: Transaction, when: str | None, amount: str | None) -> str | None:
    """The rule for a transaction that lacks something; None where the row holds nothing at all."""
    # The vocabulary of an aid type is no data by itself: RSR writes no transaction for it either.
    counts = row._replace(aid_type_vocabulary="")[2:]
    if (
        not any(counts)
        and row.humanitarian is None
        and not any(any(sector[2:]) for sector in activity.rows.transaction_sectors.take(row.id))
    ):
        return None
    if not row.transaction_type:
        return "transaction-type"
    if not amount:
        return "value"
    value_date = activity.remarks.date(row.value_date, "rsr_transaction", row.id, "transaction/value/@value-date")
    return "transaction-date" if value_date and not when else "transaction-date-none"


def transaction_sector(activity: Activity, row: TransactionSector) -> str:
    """A sector of a transaction."""
    table, element = "rsr_transactionsector", "transaction/sector"
    if not row.code:
        if any(row[3:]):
            activity.remarks.add("code", table, row.id, element)
        return ""
    address = activity.remarks.uri(row.vocabulary_uri, table, row.id, f"{element}/@vocabulary-uri")
    xml = (
        f'<sector code="{quoted(row.code)}"{attribute("vocabulary", row.vocabulary)}'
        f"{attribute('vocabulary-uri', address)}"
    )
    if row.vocabulary in OWN_VOCABULARIES and not row.text:
        return f"{xml}><narrative/></sector>"
    return closed(xml, "sector", row.text)


def transaction_end(activity: Activity, row: Transaction) -> str:
    """A transaction from its recipient-country on."""
    aid_type = ""
    if row.aid_type:
        aid_type = f'<aid-type code="{quoted(row.aid_type)}"{attribute("vocabulary", row.aid_type_vocabulary)}/>'
    return (
        f"{code('recipient-country', row.recipient_country)}{transaction_region(activity, row)}"
        f"{code('flow-type', row.flow_type)}{code('finance-type', row.finance_type)}{aid_type}"
        f"{code('tied-status', row.tied_status)}</transaction>"
    )


def transaction_region(activity: Activity, row: Transaction) -> str:
    """The recipient-region of a transaction: nothing without a code."""
    # RSR writes the code only beside a vocabulary URI: with a vocabulary alone its element is empty, and invalid.
    table, element = "rsr_transaction", "transaction/recipient-region"
    if not row.recipient_region:
        if row.recipient_region_vocabulary or row.recipient_region_vocabulary_uri:
            activity.remarks.add("transaction-region", table, row.id, element)
        return ""
    address = activity.remarks.uri(row.recipient_region_vocabulary_uri, table, row.id, f"{element}/@vocabulary-uri")
    return (
        f'<recipient-region code="{quoted(row.recipient_region)}"'
        f"{attribute('vocabulary', row.recipient_region_vocabulary)}{attribute('vocabulary-uri', address)}/>"
    )
