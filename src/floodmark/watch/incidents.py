"""Incidents open, are updated and close by themselves; at every state the whole report lies on disk.

An incident belongs to one service (or to none, where a rule speaks of all) and lives as long as an alert of that
service fires. Its folder holds what `analyze` writes, over the time from well before it opened until now, the
snapshots that were taken, and `timeline.jsonl`: what was found, told and done, appended line by line.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from floodmark.diagnosis.incident import Incident
from floodmark.errors import CannotWrite
from floodmark.report.write import write
from floodmark.watch.alerting import SEVERITIES, Condition
from floodmark.watch.notify.message import iso
from floodmark.watch.state import State

log = logging.getLogger(__name__)

Diagnose = Callable[[float, float], Incident]
"""(since, until) -> the diagnosis of that window."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How reports are kept."""

    folder: Path
    lead_seconds: float
    max_window_seconds: float
    rewrite_seconds: float = 300.0
    reopen_seconds: float = 6 * 3600.0
    max_incidents: int = 500


class Incidents:
    """The open incidents, in `State`; `update` is called after each diagnosis."""

    def __init__(self, state: State, keeping: Keeping, diagnose: Diagnose) -> None:
        self.state, self.keeping, self.diagnose = state, keeping, diagnose

    def open_for(self, service: str | None) -> str | None:
        """The id of the service's open incident."""
        rows = self.state.rows("select id from incident where closed is null and service is ?", service)
        return str(rows[0]["id"]) if rows else None

    def _closed_lately(self, service: str | None, now: float) -> str | None:
        rows = self.state.rows(
            "select id from incident where service is ? and closed > ? order by closed desc limit 1",
            service,
            now - self.keeping.reopen_seconds,
        )
        return str(rows[0]["id"]) if rows else None

    def folder_of(self, number: str) -> Path:
        """Where the files of an incident lie."""
        return self.keeping.folder / number

    def begin(self, condition: Condition, now: float) -> str:
        """The id of the incident that a condition belongs to; opened where there is none.

        What comes back within `reopen_seconds` is the same incident: the window still holds the evidence of the last
        time, and three incidents of one morning hide that it is one trouble.
        """
        known = self.open_for(condition.service)
        if known:
            return known
        lately = self._closed_lately(condition.service, now)
        if lately:
            with self.state.changes() as database:
                database.execute("update incident set closed = null, outcome = null where id = ?", (lately,))
            self.note(lately, now, "reopened", condition.text)
            return lately
        number = self._new_id(condition.service, now)
        with self.state.changes() as database:
            database.execute(
                "insert into incident (id, service, opened, updated, severity, title, folder)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                (number, condition.service, now, now, condition.severity, _title(condition), number),
            )
        self.note(number, now, "opened", condition.text)
        return number

    def update(self, conditions: Iterable[Condition], firing: Callable[[str | None], bool], now: float) -> None:
        """Rewrite the reports of open incidents that changed or are due; close those whose alerts are over.

        `firing(service)` says whether an alert of that service is still open (a pause counts as open).
        """
        worst: dict[str | None, Condition] = {}
        for one in conditions:
            known = worst.get(one.service)
            if known is None or SEVERITIES.index(one.severity) > SEVERITIES.index(known.severity):
                worst[one.service] = one
        for row in self.state.rows("select * from incident where closed is null order by opened"):
            condition = worst.get(row["service"])
            over = condition is None and not firing(row["service"])
            # An action often silences its alert at once; whether it helped is only known later, and belongs in here.
            if over and not self._awaits_judgement(row["id"]):
                self._close(row, now)
            elif condition and SEVERITIES.index(condition.severity) > SEVERITIES.index(row["severity"]):
                self.note(row["id"], now, "worse", condition.text)
                self._rewrite(row, now, severity=condition.severity, title=_title(condition))
            elif now - row["updated"] >= self.keeping.rewrite_seconds or not self._written(row["id"]):
                self._rewrite(row, now)
        self._forget()

    def note(self, number: str, now: float, kind: str, text: str) -> None:
        """One line of the incident's own timeline; a full disk costs the line and is said."""
        line = json.dumps({"at": iso(now), "kind": kind, "text": text})
        folder = self.folder_of(number)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "timeline.jsonl").open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            log.error("%s: timeline not written: %s", folder, error.strerror)

    def _awaits_judgement(self, number: str) -> bool:
        unjudged = "select 1 from action where incident = ? and not dry and status in ('started', 'done') limit 1"
        return bool(self.state.rows(unjudged, number))

    def _close(self, row: sqlite3.Row, now: float) -> None:
        outcomes = self.state.rows(
            "select outcome from action where incident = ? and outcome is not null and not dry order by id", row["id"]
        )
        outcome = "; ".join(one["outcome"] for one in outcomes) or "it ended without an action of the watch"
        self.note(row["id"], now, "closed", outcome)
        self._rewrite(row, now, closed=now, outcome=outcome)

    def _rewrite(
        self,
        row: sqlite3.Row,
        now: float,
        *,
        severity: str | None = None,
        title: str | None = None,
        closed: float | None = None,
        outcome: str | None = None,
    ) -> None:
        since = max(row["opened"] - self.keeping.lead_seconds, now - self.keeping.max_window_seconds)
        try:
            write(self.diagnose(since, now), self.folder_of(row["id"]))
        except CannotWrite as error:
            # The incident's state matters more than its files: they are written when there is room again.
            log.error("incident %s: %s", row["id"], error)
        with self.state.changes() as database:
            database.execute(
                "update incident set updated = ?, severity = coalesce(?, severity), title = coalesce(?, title), closed = ?,"
                " outcome = coalesce(?, outcome) where id = ?",
                (now, severity, title, closed, outcome, row["id"]),
            )

    def _written(self, number: str) -> bool:
        return (self.folder_of(number) / "incident.json").exists()

    def _new_id(self, service: str | None, now: float) -> str:
        # A service's name comes from logs and labels: it must not lead out of the folder.
        word = re.sub(r"[^a-z0-9]+", "-", (service or "all").lower()).strip("-")[:40] or "service"
        base = f"{iso(now)[:16].replace(':', '').replace('-', '').replace('T', '-')}-{word}"
        taken = {row["id"] for row in self.state.rows("select id from incident where id like ?", base + "%")}
        return next(one for one in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if one not in taken)

    def _forget(self) -> None:
        rows = self.state.rows(
            "select id from incident where closed is not null order by opened desc limit -1 offset ?",
            self.keeping.max_incidents,
        )
        for row in rows:
            shutil.rmtree(self.folder_of(row["id"]), ignore_errors=True)
            with self.state.changes() as database:
                database.execute("delete from incident where id = ?", (row["id"],))


def _title(condition: Condition) -> str:
    return f"{condition.rule} in {condition.service}" if condition.service else condition.rule
