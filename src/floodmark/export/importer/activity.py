"""One activity into the tables: a method or function an element, named in the table at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from floodmark.export import models
from floodmark.export.formats.base import Links
from floodmark.export.importer import classification, documents, finance
from floodmark.export.importer.fitting import Fitting, moment
from floodmark.export.importer.losses import Reporter
from floodmark.export.importer.nodes import AKVO, XML_LANG, Node, narrative_of
from floodmark.export.importer.organisations import Known, Organisations
from floodmark.export.importer.own import RSR, OwnPages
from floodmark.export.importer.publication import REPORTING
from floodmark.export.importer.results import ResultImport
from floodmark.export.importer.rows import NO_PLACE, Row, Rows, report_leftovers
from floodmark.export.importer.standing_in import StandingIn
from floodmark.export.importer.tables import clear_project

ROLES = range(1, 5)
"""IATI's roles of participating organisations."""
INTERNAL_ID_CHARACTERS = 75
HELD_PARTNERS = 2_000
"""Partnerships of one activity that wait for the other-identifiers after them."""

DESCRIPTIONS = {
    ("1", "4"): "subtitle", ("1", "5"): "project_plan_summary", ("1", "6"): "background", ("1", "7"): "project_plan",
    ("1", "9"): "current_status", ("1", "10"): "sustainability", ("2", "8"): "goals_overview",
    ("3", "3"): "target_group",
}  # fmt: skip
"""(@type, @akvo:type) -> column, as the export writes them."""

GENERAL = ("project_plan_summary", "background", "project_plan", "current_status", "sustainability")
"""Columns for general descriptions without @akvo:type, in the order in which they are filled."""

BY_TYPE = {"": GENERAL, "1": GENERAL, "2": ("goals_overview",), "3": ("target_group",)}

DATES = {"1": "date_start_planned", "2": "date_start_actual", "3": "date_end_planned", "4": "date_end_actual"}

STATUS = {"1": "H", "2": "A", "3": "C", "4": "C", "5": "L", "6": "R"}
"""RSR's own status of an IATI one; N, none, for any other, or the export would take RSR's default for a fact."""

OWN_COLUMNS = (
    "title", "language", "currency", "hierarchy", "humanitarian", "iati_status", "project_scope", "collaboration_type",
    "default_flow_type", "default_finance_type", "default_tied_status", "default_aid_type",
    "default_aid_type_vocabulary", "capital_spend_percentage", "country_budget_vocabulary", *DESCRIPTIONS.values(),
    *DATES.values(),
)  # fmt: skip
"""Columns of the project that a file decides."""


def _empty(column: str) -> Any:
    field = models.Project._meta.get_field(column)
    return None if field.null else ""


class ActivityImport:
    """Takes the pieces of one activity and adds rows; `finish` adds the project itself."""

    def __init__(
        self, rows: Rows, organisations: Organisations, reporter: Reporter, element: Any, links: Links | None = None
    ) -> None:
        self.rows, self.organisations, self.reporter, self.links = rows, organisations, reporter, links
        self.fitting = Fitting(reporter)
        self.start = Node(element, "iati-activity")
        self.language = self.start.attribute(XML_LANG)
        self.project = Row(models.Project, self.fitting)
        self.id, self.is_known = 0, False
        self.own = OwnPages()
        self.reporting: Known | None = None
        self.reporting_values: dict[str, Any] = {}
        self.partnerships: list[dict[str, Any]] = []
        self.has_partner = False
        self.standing_in = StandingIn()
        self.documents: list[tuple[Row, list[Row]]] = []
        self.filled: set[str] = set()
        self.results = ResultImport(self)

    def begin(self, identifier: str, known_id: int | None) -> None:
        """The identifier is known: a project that has it already keeps its id, and its old rows go."""
        self.id, self.is_known = known_id or self.rows.number(models.Project), known_id is not None
        if known_id:
            clear_project(self.rows.connection, known_id)
            self.own = OwnPages(self.rows.connection.alias, known_id, self.links)
        self.own.number = str(self.id)
        # A column that the file says nothing of is empty: RSR's defaults would come out as data.
        self.project.values |= {column: _empty(column) for column in OWN_COLUMNS}
        self.project.values["iati_activity_id"] = identifier
        self._attributes()

    def piece(self, path: str, element: Any) -> None:
        """Take one complete piece."""
        node = Node(element, path)
        if path.startswith("result/"):
            self.results.piece(path, node)
        elif path in CODES:
            if self.once(CODES[path], node):
                self.project.put(CODES[path], node.attribute("code"), node, "@code")
                self.project.needs(node, CODES[path])
        elif path in HANDLERS:
            HANDLERS[path](self, node)
        else:
            self.reporter.lost(path, node.line, NO_PLACE, "left out", node.whole())
            return
        report_leftovers(node.leftovers(), self.reporter)

    def finish(self) -> None:
        """Add the project, its partnerships and the row that makes it public."""
        report_leftovers(self.start.attributes_left(), self.reporter)
        documents.add_documents(self)
        if self.reporting is None or not self.reporting.ref:
            problem = "names no reporting organisation with an identifier"
            self.reporter.lost("iati-activity", self.start.line, problem, "stored, but does not come out")
        if recorded := self.standing_in.recorded:
            self.project.values["created_at"] = recorded
        # By UPDATE: photos, custom fields and whatever else RSR alone has in the row stay as they are.
        values = self.project.values | {"status": STATUS.get(self.project.values["iati_status"], "N")}
        if self.is_known:
            found = models.Project.objects.using(self.rows.connection.alias).filter(id=self.id)
            found.update(**values)
        else:
            self.rows.add(models.Project, values | {"id": self.id, "path": f"p{self.id}", "uuid": uuid4()})
        self.rows.add(models.PublishingStatus, {"status": "published", "project_id": self.id})
        if self.reporting is not None:
            self.partnerships.append({
                "organisation_id": self.reporting.id, "iati_organisation_role": REPORTING, **self.reporting_values
            })  # fmt: skip
        self._add_partners()

    def written(self) -> None:
        """All rows are in the tables: what the export put in by itself comes out again, or is reported."""
        secondary_alone = not self.has_partner and bool(self.reporting_values.get("is_secondary_reporter"))
        self.standing_in.report(self.rows.connection, self.id, self.reporter, is_alone=secondary_alone)

    def add(self, model: Any, row: Row | None = None, **values: Any) -> int:
        """A row that belongs to this project."""
        return self.rows.add(model, {"project_id": self.id, **(row.values if row else {}), **values})

    def row(self, model: Any, **given: Any) -> Row:
        """A row to fill."""
        return Row(model, self.fitting, **given)

    def once(self, column: str, node: Node) -> bool:
        """Whether this is the first of its kind; a further one is reported."""
        if column in self.filled:
            self.reporter.lost(node.path, node.line, "the tables hold only one", "left out", node.whole())
            node.element.clear()
            return False
        self.filled.add(column)
        return True

    # ------------------------------------------------------------------ the activity's own columns

    def _attributes(self) -> None:
        row, start = self.project, self.start
        row.put("language", self.language, start, "@xml:lang")
        row.attributes(start, currency="default-currency", hierarchy="hierarchy", humanitarian="humanitarian")
        if row.values["hierarchy"] == 0:
            self.reporter.lost("iati-activity/@hierarchy", start.line, "0 does not come out", "stored", "0")
        at = moment(start, "last-updated-datetime", self.reporter)
        if at is not None:
            row.values["created_at"] = row.values["last_modified_at"] = at

    def identifier(self, node: Node) -> None:
        """Taken already, in `begin`."""
        node.text()

    def title(self, node: Node) -> None:
        """The title's narrative."""
        if self.once("title", node):
            self.project.narrative("title", node, self.language)

    def description(self, node: Node) -> None:
        """Into the column of its types; without @akvo:type into the next free one of its kind."""
        kind, own = node.element.get("type", ""), node.element.get(f"{AKVO}type", "")
        columns = (DESCRIPTIONS[kind, own],) if (kind, own) in DESCRIPTIONS else BY_TYPE.get(kind, ())
        column = next((one for one in columns if one not in self.filled), None)
        chosen = narrative_of(node, self.language)
        problem = "no column is free for a description of this type" if chosen and chosen.text() else "has no text"
        if column is None or problem == "has no text":
            self.reporter.lost(node.path, node.line, problem, "left out", node.whole())
            node.element.clear()
            return
        self.filled.add(column)
        node.attribute("type")
        if (kind, own) in DESCRIPTIONS:
            node.attribute(f"{AKVO}type")
        assert chosen is not None
        self.project.put(column, chosen.text(), chosen)

    def aid_type(self, node: Node) -> None:
        """default-aid-type, with its vocabulary."""
        if self.once("default_aid_type", node):
            self.project.attributes(node, default_aid_type="code", default_aid_type_vocabulary="vocabulary")
            self.project.needs(node, "default_aid_type")

    def date(self, node: Node) -> None:
        """activity-date, by its type. One that the export put there says so in its narrative, and is no date of its own."""
        if self.standing_in.take(node):
            return
        column = DATES.get(node.attribute("type"))
        if column is None:
            self.reporter.lost(node.path, node.line, "its type is not one of 1 to 4", "left out", node.whole())
        elif self.once(column, node):
            self.project.put(column, node.attribute("iso-date"), node, "@iso-date")
            self.project.needs(node, column)

    def capital_spend(self, node: Node) -> None:
        """capital-spend."""
        if self.once("capital_spend_percentage", node):
            self.project.attributes(node, capital_spend_percentage="percentage")
            self.project.needs(node, "capital_spend_percentage")

    # ------------------------------------------------------------------ organisations

    def reporting_org(self, node: Node) -> None:
        """The reporting organisation: whose dataset this activity is in."""
        if self.once("reporting-org", node):
            self.reporting = self.organisations.of(node, self.reporter, self.language)
            is_secondary = node.attribute("secondary-reporter") in ("1", "true")
            self.reporting_values = {"is_secondary_reporter": is_secondary}

    def participating_org(self, node: Node) -> None:
        """A participating organisation."""
        if self.standing_in.take(node):
            return
        known = self.organisations.of(node, self.reporter, self.language)
        row = self.row(models.Partnership)
        row.attributes(node, iati_organisation_role="role", iati_activity_id="activity-id")
        if known is None or row.values["iati_organisation_role"] not in ROLES:
            problem = "names no organisation" if known is None else "its role is not one of 1 to 4"
            self.reporter.lost(node.path, node.line, problem, "left out", node.whole())
            node.element.clear()
            return
        row.values |= {"organisation_id": known.id, "iati_activity_id": row.values["iati_activity_id"] or None}
        self.has_partner = True
        if len(self.partnerships) >= HELD_PARTNERS:
            self._add_partners()
        self.partnerships.append(row.values)

    def _add_partners(self) -> None:
        for values in self.partnerships:
            self.rows.add(models.Partnership, {"project_id": self.id, **values})
        self.partnerships.clear()

    def other_identifier(self, node: Node) -> None:
        """RSR keeps one internal id a partnership: the reporting organisation's (A1), or a partner's (B9)."""
        owner, text, kind = node.child("owner-org"), node.element.get("ref", ""), node.element.get("type", "")
        ref = owner.element.get("ref", "") if owner else ""
        if (text, kind, ref) == (self.own.number, "B9", RSR):
            node.element.clear()
            return
        known = self.organisations.find(owner, self.language) if owner else None
        partner = self._partner_without_id(kind, known, has_owner=owner is not None)
        if partner is None or not text or len(text) > INTERNAL_ID_CHARACTERS:
            self.reporter.lost(node.path, node.line, "no partnership to keep it with", "left out", text)
            node.element.clear()
            return
        partner["internal_id"] = text
        for name in ("ref", "type"):
            node.attribute(name)
        if owner is not None:
            self.organisations.of(owner, self.reporter, self.language)

    def _partner_without_id(self, kind: str, known: Known | None, *, has_owner: bool) -> dict[str, Any] | None:
        """The values of the partnership that can take an internal id of that kind and owner."""
        if kind == "A1":
            owners = (known.id if known else 0,) if has_owner else (self.reporting.id if self.reporting else 0,)
            fits = self.reporting is not None and self.reporting.id in owners
            return self.reporting_values if fits and not self.reporting_values.get("internal_id") else None
        partners = (one for one in self.partnerships if known and one["organisation_id"] == known.id)
        return next((one for one in partners if not one.get("internal_id")), None) if kind == "B9" else None


CODES = {
    "activity-status": "iati_status",
    "activity-scope": "project_scope",
    "collaboration-type": "collaboration_type",
    "default-flow-type": "default_flow_type",
    "default-finance-type": "default_finance_type",
    "default-tied-status": "default_tied_status",
}
"""Element -> column of the project that takes its code."""

Handler = Callable[[ActivityImport, Node], None]

HANDLERS: dict[str, Handler] = {
    "iati-identifier": ActivityImport.identifier,
    "reporting-org": ActivityImport.reporting_org,
    "title": ActivityImport.title,
    "description": ActivityImport.description,
    "participating-org": ActivityImport.participating_org,
    "other-identifier": ActivityImport.other_identifier,
    "activity-date": ActivityImport.date,
    "contact-info": classification.contact,
    "recipient-country": classification.country,
    "recipient-region": classification.region,
    "location": classification.location,
    "sector": classification.sector,
    "country-budget-items": classification.country_budget_items,
    "humanitarian-scope": classification.humanitarian_scope,
    "policy-marker": classification.policy_marker,
    "default-aid-type": ActivityImport.aid_type,
    "budget": finance.budget,
    "planned-disbursement": finance.planned_disbursement,
    "capital-spend": ActivityImport.capital_spend,
    "transaction": finance.transaction,
    "document-link": documents.document,
    "related-activity": documents.related_activity,
    "legacy-data": documents.legacy_data,
    "conditions": documents.conditions,
    "crs-add": finance.crs_add,
    "fss": finance.fss,
}
"""Element -> what takes it. What is in neither table is reported."""
