"""The tables of an activity's money and documents."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from floodmark.export.rows.activity import NAME, OfProject, original
from floodmark.export.rows.table import Iso, Number, Table


class Budget(NamedTuple):
    """A budget; `label` is what RSR's users see instead of a name."""

    id: int
    parent: OfProject
    type: str
    status: str
    period_start: Iso
    period_end: Iso
    amount: Number
    value_date: Iso
    currency: str
    label: Annotated[str | None, "coalesce(nullif(t.other_extra, ''), l.label)"]


BUDGET = Table(Budget, "rsr_budgetitem", joins=" LEFT JOIN rsr_budgetitemlabel l ON l.id = t.label_id")

_ORGANISATIONS = original("1", "provider_organisation_id") + original("2", "receiver_organisation_id")
ProviderId = Annotated[int | None, "o1.id"]
ProviderRef = Annotated[str | None, "o1.iati_org_id"]
ProviderType = Annotated[int | None, "o1.new_organisation_type"]
ProviderName = Annotated[str | None, NAME.format("o1")]
ReceiverId = Annotated[int | None, "o2.id"]
ReceiverRef = Annotated[str | None, "o2.iati_org_id"]
ReceiverType = Annotated[int | None, "o2.new_organisation_type"]
ReceiverName = Annotated[str | None, NAME.format("o2")]


class PlannedDisbursement(NamedTuple):
    """A planned-disbursement."""

    id: int
    parent: OfProject
    type: str
    period_start: Iso
    period_end: Iso
    value: Number
    value_date: Iso
    currency: str
    provider_id: ProviderId
    provider_ref: ProviderRef
    provider_type: ProviderType
    provider_name: ProviderName
    provider_organisation_activity: str
    receiver_id: ReceiverId
    receiver_ref: ReceiverRef
    receiver_type: ReceiverType
    receiver_name: ReceiverName
    receiver_organisation_activity: str


PLANNED_DISBURSEMENT = Table(PlannedDisbursement, "rsr_planneddisbursement", joins=_ORGANISATIONS)


class Transaction(NamedTuple):
    """A transaction."""

    id: int
    parent: OfProject
    reference: str
    humanitarian: bool | None
    transaction_type: str
    transaction_date: Iso
    value: Number
    value_date: Iso
    currency: str
    description: str
    provider_id: ProviderId
    provider_ref: ProviderRef
    provider_type: ProviderType
    provider_name: ProviderName
    provider_organisation_activity: str
    receiver_id: ReceiverId
    receiver_ref: ReceiverRef
    receiver_type: ReceiverType
    receiver_name: ReceiverName
    receiver_organisation_activity: str
    disbursement_channel: str
    recipient_country: str
    recipient_region: str
    recipient_region_vocabulary: str
    recipient_region_vocabulary_uri: str
    flow_type: str
    finance_type: str
    aid_type: str
    aid_type_vocabulary: str
    tied_status: str


TRANSACTION = Table(Transaction, "rsr_transaction", joins=_ORGANISATIONS)


class TransactionSector(NamedTuple):
    """A sector of a transaction."""

    id: int
    parent: Annotated[int, "t.transaction_id"]
    code: str
    vocabulary: str
    vocabulary_uri: str
    text: str


TRANSACTION_SECTOR = Table(TransactionSector, "rsr_transactionsector")


class Link(NamedTuple):
    """A document-link made of a link."""

    id: int
    parent: OfProject
    url: str
    caption: str


LINK = Table(Link, "rsr_link")


class Document(NamedTuple):
    """A document-link made of a document; `document` is a path under the media folder."""

    id: int
    parent: OfProject
    url: str
    document: str
    format: str
    title: str
    title_language: str
    language: str
    document_date: Iso


# RSR has the newest first; keys of pages have to ascend.
DOCUMENT = Table(Document, "rsr_projectdocument", order=("-t.id",))


class Category(NamedTuple):
    """A category of a document."""

    id: int
    parent: Annotated[int, "t.document_id"]
    category: str


CATEGORY = Table(Category, "rsr_projectdocumentcategory", order=("-t.id",))


class Update(NamedTuple):
    """A document-link made of a project update."""

    id: int
    parent: OfProject
    title: str
    language: str


UPDATE = Table(Update, "rsr_projectupdate", order=("-extract(epoch FROM t.event_date)", "-t.id"))
