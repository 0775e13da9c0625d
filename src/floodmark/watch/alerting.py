"""From what is true now to what people are told: grouping, repeats, silences, and a reason for every message.

Whether a rule fires is the diagnosis's word (`diagnosis/rules.py`: thresholds, for-durations, hysteresis), so that what
fires live fires in `analyze` on the same evidence. Here it is only decided whom to tell, and when.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

from floodmark.watch.notify.message import Message, Status
from floodmark.watch.notify.outbox import Outbox
from floodmark.watch.state import State

HOLDS_REPEATS = 1.5
"""An alert counts as true until it was not repeated for so many times `repeat_seconds`: one repeat may be late."""

SEVERITIES = ("none", "warning", "critical", "emergency")


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is wrong now. Conditions of one `family` and service are one alert: its worst is told.

    `family` is the signal behind the rule ("growth"): 50, 200 and 500 MB/h of one service are one trouble, not three.
    """

    family: str
    rule: str
    service: str | None
    severity: str
    since: float
    value: float | None
    unit: str
    threshold: float | None
    text: str
    incident: str | None = None

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that name the trouble, whatever its severity and however often it returns."""
        return hashlib.sha256(f"{self.family}\0{self.service or ''}".encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Told:
    """Under which rule and severity an alert was told last."""

    rule: str | None = None
    severity: str = "none"


@dataclass(frozen=True, slots=True)
class Manners:
    """How often people are told."""

    repeat_seconds: float = 4 * 3600.0
    resolve_after_seconds: float = 300.0
    keep_decisions_seconds: float = 30 * 86_400.0
    keep_resolved_seconds: float = 30 * 86_400.0
    link: str | None = None


class Alerting:
    """The alerts that are firing, kept in `State`; `update` is called once a round."""

    def __init__(self, state: State, outbox: Outbox, manners: Manners) -> None:
        self.state, self.outbox, self.manners = state, outbox, manners

    def update(self, conditions: Iterable[Condition], now: float) -> None:
        """Take in what is true at `now`: write down changes, reasons and messages, all in one transaction."""
        current = worst_of_each(conditions)
        with self.state.changes() as database:
            for fingerprint, condition in current.items():
                self._firing(database, fingerprint, condition, now)
            quiet = database.execute("select * from alert where state = 'firing'").fetchall()
            for row in quiet:
                if row["fingerprint"] not in current:
                    self._quiet(database, row, now)
            self._forget(database, now)

    def _firing(self, database: sqlite3.Connection, fingerprint: str, condition: Condition, now: float) -> None:
        row = database.execute("select * from alert where fingerprint = ?", (fingerprint,)).fetchone()
        begun = row is None or row["state"] == "resolved"
        since = condition.since if begun else row["since"]
        told_at = None if begun else row["told"]
        before = Told() if begun else Told(row["told_rule"], row["told_severity"] or "none")
        told = before
        count = 0 if begun else row["told_count"]
        tell, reason = self._whether(database, condition, told_at, before.severity, now)
        if tell:
            count += 1
            told_at, told = now, Told(condition.rule, condition.severity)
            self._send(
                database, "firing", fingerprint, condition, since, now, count, before if before != told else None
            )
        self._decide(database, fingerprint, tell, reason, now)
        database.execute(
            "insert or replace into alert (fingerprint, rule, service, severity, state, since, changed, cleared, value,"
            " unit, threshold, told, told_rule, told_severity, told_count, reason, incident)"
            " values (?, ?, ?, ?, 'firing', ?, ?, null, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                fingerprint, condition.rule, condition.service, condition.severity, since, now, condition.value,
                condition.unit, condition.threshold, told_at, told.rule, told.severity, count, condition.text, condition.incident,
            ),
        )  # fmt: skip

    def _whether(
        self, database: sqlite3.Connection, condition: Condition, told_at: float | None, told_severity: str, now: float
    ) -> tuple[bool, str]:
        """(tell, why). The first that applies, in the order in which a person would ask."""
        silence = silence_for(database, condition.service, condition.rule, condition.family, now)
        if silence:
            return False, f"silenced by {silence['author']}: {silence['reason']}"
        if told_at is None:
            return True, "new"
        if SEVERITIES.index(condition.severity) > SEVERITIES.index(told_severity):
            return True, f"severity rose from {told_severity} to {condition.severity}"
        if now - told_at >= self.manners.repeat_seconds:
            return True, f"still true after {self.manners.repeat_seconds / 3600:g} h"
        return False, f"told already; repeated every {self.manners.repeat_seconds / 3600:g} h"

    def _quiet(self, database: sqlite3.Connection, row: sqlite3.Row, now: float) -> None:
        fingerprint, cleared = row["fingerprint"], row["cleared"] or now
        if now - cleared < self.manners.resolve_after_seconds:
            self._decide(
                database, fingerprint, False,
                f"not true any more; resolved after {self.manners.resolve_after_seconds:g} s of that", now,
            )  # fmt: skip
            database.execute("update alert set cleared = ? where fingerprint = ?", (cleared, fingerprint))
            return
        if row["told"] is not None:
            # Under the name under which it was told: it may have eased since, and what was told has to be taken back.
            condition = Condition(
                "", row["told_rule"] or row["rule"], row["service"], row["told_severity"] or row["severity"],
                row["since"], row["value"], row["unit"], row["threshold"], row["reason"], row["incident"],
            )  # fmt: skip
            self._send(database, "resolved", fingerprint, condition, row["since"], now, row["told_count"])
        self._decide(database, fingerprint, row["told"] is not None, "resolved", now)
        database.execute(
            "update alert set state = 'resolved', cleared = ?, changed = ? where fingerprint = ?",
            (cleared, now, fingerprint),
        )

    def _send(
        self,
        database: sqlite3.Connection,
        status: Status,
        fingerprint: str,
        condition: Condition,
        since: float,
        now: float,
        count: int,
        before: Told | None = None,
    ) -> None:
        where = f" in {condition.service}" if condition.service else ""
        word = "Resolved: " if status == "resolved" else ""
        self.outbox.put(
            Message(
                # Of nothing but the alert's own story: a watch that was killed says the same thing under the same key.
                key=f"{fingerprint}-{since:.0f}-{status}-{count}",
                fingerprint=fingerprint, status=status, rule=condition.rule, service=condition.service,
                severity=condition.severity, title=f"{word}{condition.rule}{where} ({condition.severity})",
                text=condition.text, at=now, started=since, value=condition.value, unit=condition.unit,
                threshold=condition.threshold, incident=condition.incident, link=self._link(condition),
                replaces_rule=before.rule if before else None,
                replaces_severity=before.severity if before and before.rule else None,
                holds_until=now + HOLDS_REPEATS * self.manners.repeat_seconds if status == "firing" else None,
            ),
            database,
        )  # fmt: skip

    def _link(self, condition: Condition) -> str | None:
        """The page of the incident, where the dashboard's public address is known."""
        if not self.manners.link:
            return None
        page = f"/incidents/{condition.incident}/" if condition.incident else "/alerts/"
        return self.manners.link.rstrip("/") + page

    def _decide(self, database: sqlite3.Connection, fingerprint: str, told: bool, reason: str, now: float) -> None:
        """Write down why; the same reason round after round is one row."""
        last = database.execute(
            "select told, reason from decision where fingerprint = ? order by id desc limit 1", (fingerprint,)
        ).fetchone()
        if last is None or told or (bool(last["told"]), last["reason"]) != (told, reason):
            database.execute(
                "insert into decision (at, fingerprint, told, reason) values (?, ?, ?, ?)",
                (now, fingerprint, int(told), reason),
            )

    def _forget(self, database: sqlite3.Connection, now: float) -> None:
        database.execute("delete from decision where at < ?", (now - self.manners.keep_decisions_seconds,))
        database.execute(
            "delete from alert where state = 'resolved' and changed < ?", (now - self.manners.keep_resolved_seconds,)
        )
        database.execute("delete from silence where until < ?", (now - self.manners.keep_decisions_seconds,))


def worst_of_each(conditions: Iterable[Condition]) -> dict[str, Condition]:
    """Fingerprint -> its worst condition, with the earliest start of all of the group: that is when it began."""
    groups: dict[str, list[Condition]] = {}
    for condition in conditions:
        groups.setdefault(condition.fingerprint, []).append(condition)
    return {name: _worst(group) for name, group in sorted(groups.items())}


def _worst(group: list[Condition]) -> Condition:
    worst = max(group, key=lambda one: SEVERITIES.index(one.severity))
    return replace(worst, since=min(one.since for one in group))


def silence_for(
    database: sqlite3.Connection, service: str | None, rule: str, family: str, now: float
) -> sqlite3.Row | None:
    """The silence that covers this rule of this service at `now`, or None."""
    row: sqlite3.Row | None = database.execute(
        "select * from silence where until > ? and created <= ? and (service is null or service = ?)"
        " and (rule is null or rule in (?, ?)) order by until desc limit 1",
        (now, now, service, rule, family),
    ).fetchone()
    return row


def add_silence(
    state: State, *, service: str | None, rule: str | None, until: float, author: str, reason: str, now: float
) -> None:
    """Silence a service, a rule, or one rule of one service until a time."""
    with state.changes() as database:
        database.execute(
            "insert into silence (service, rule, until, author, reason, created) values (?, ?, ?, ?, ?, ?)",
            (service, rule, until, author, reason, now),
        )


def end_silence(state: State, number: int, now: float) -> None:
    """End a silence now; it stays in the record."""
    with state.changes() as database:
        database.execute("update silence set until = ? where id = ? and until > ?", (now, number, now))
