"""Doing it: snapshot, act, write down, and look afterwards whether it helped.

The table `action` has a row an action, completed as more is known: what was seen, what was done (or would have been),
what came of it. Each of those steps is also a row of the table `audit`, in the same transaction, which the database
itself lets nobody change or delete. An action that cannot be written down (disk full) is not done. A watch that is
killed in the middle finds its row again and judges by the memory.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

from floodmark.errors import FloodmarkError
from floodmark.watch.config import Remedy
from floodmark.watch.remedy import snapshot
from floodmark.watch.remedy.guard import Caution, Finding, objection
from floodmark.watch.remedy.outcome import Way
from floodmark.watch.remedy.ways import way_of
from floodmark.watch.state import State


class Acting:
    """The remedies of a configuration. `consider` is called with each finding, `verify` with each measurement."""

    def __init__(
        self,
        state: State,
        remedies: Iterable[Remedy],
        caution: Caution,
        *,
        pids_of: Callable[[str], Iterable[int]],
        verify_after_seconds: float,
    ) -> None:
        self.state, self.caution = state, caution
        self.pids_of, self.verify_after_seconds = pids_of, verify_after_seconds
        self._remedies: list[tuple[Remedy, Way]] = [(one, way_of(one)) for one in remedies]

    def consider(self, finding: Finding, folder: Path, now: float) -> list[str]:
        """Do, or say what would be done, for one finding; returns a line for each thing done, for the timeline.

        `folder` is the incident's: snapshots go there. The first remedy of a service that nothing speaks against is
        taken, and only that one: least impact first is the order of the configuration.
        """
        for remedy, way in self._remedies:
            if remedy.service != finding.service:
                continue
            against = objection(finding, remedy, self.caution, self.state, now)
            if against is None:
                return [self._act(finding, remedy, way, folder, now)]
            self._withheld(finding, remedy, way, against, now)
        return []

    def _act(self, finding: Finding, remedy: Remedy, way: Way, folder: Path, now: float) -> str:
        if not remedy.allowed:
            text = f"would {way.describe()}; not allowed by the configuration"
            self._row(finding, remedy, way, now, dry=True, status="would", done=text)
            return text
        taken = self._snapshot(finding, folder, now)
        if remedy.action != "snapshot" and taken.startswith("no snapshot"):
            # A restart destroys the evidence: without a snapshot there is no restart.
            self._row(finding, remedy, way, now, dry=False, status="failed", done=f"{taken}; not done without")
            return f"{taken}; {remedy.action} not done without"
        number = self._row(finding, remedy, way, now, dry=False, status="started", done=f"{taken}; {way.describe()}")
        outcome = way.do(remedy.timeout_seconds)
        # A snapshot changes nothing that could be looked for afterwards.
        status = "failed" if not outcome.worked else "verified" if remedy.action == "snapshot" else "done"
        with self.state.changes() as database:
            database.execute(
                "update action set status = ?, outcome = ?, finished = ? where id = ?",
                (status, outcome.text, now, number),
            )
            _audit(database, now, number, status, outcome.text)
        return f"{remedy.action}: {outcome.text}"

    def _snapshot(self, finding: Finding, folder: Path, now: float) -> str:
        try:
            return f"snapshot {snapshot.take(finding, self.pids_of(finding.service), folder, now).name}"
        except FloodmarkError as error:
            return f"no snapshot: {error}"

    def _withheld(self, finding: Finding, remedy: Remedy, way: Way, reason: str, now: float) -> None:
        """Write down why not; the same reason in the same words is one row an incident."""
        known = self.state.rows(
            "select 1 from action where incident = ? and action = ? and status = 'withheld' and done like ? limit 1",
            finding.incident,
            remedy.action,
            f"{_kind_of(reason)}%",
        )
        if not known:
            self._row(finding, remedy, way, now, dry=not remedy.allowed, status="withheld", done=reason)

    def _row(self, finding: Finding, remedy: Remedy, way: Way, now: float, *, dry: bool, status: str, done: str) -> int:
        with self.state.changes() as database:
            cursor = database.execute(
                "insert into action (at, service, action, way, dry, status, seen, done, incident)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    now, finding.service, remedy.action, way.describe(), int(dry), status, finding.seen(), done,
                    finding.incident,
                ),
            )  # fmt: skip
            number = int(cursor.lastrowid or 0)
            _audit(database, now, number, status, f"{remedy.action} of {finding.service}: {finding.seen()}; {done}")
            return number

    def verify(self, measured: Callable[[str, float, float], tuple[float, float] | None], now: float) -> list[str]:
        """Look at actions old enough to judge; returns (as lines for the timeline) what came of them.

        `measured(service, since, until)` gives (memory in MB at the start, growth in MB/h since), or None where there
        is not enough to say.
        """
        rows = self.state.rows(
            "select * from action where not dry and status in ('started', 'done') and at <= ?",
            now - self.verify_after_seconds,
        )
        return [self._judge(row["id"], row["service"], row["action"], row["at"], measured, now) for row in rows]

    def _judge(
        self,
        number: int,
        service: str,
        action: str,
        at: float,
        measured: Callable[[str, float, float], tuple[float, float] | None],
        now: float,
    ) -> str:
        before = measured(service, at - self.verify_after_seconds, at)
        after = measured(service, at, now)
        text = verdict_on(action, service, before, after)
        with self.state.changes() as database:
            database.execute(
                "update action set status = 'verified', outcome = coalesce(outcome || '; ', '') || ?, checked = ?"
                " where id = ?",
                (text, now, number),
            )
            _audit(database, now, number, "verified", text)
        return text


def _audit(database: sqlite3.Connection, now: float, action: int, kind: str, text: str) -> None:
    database.execute("insert into audit (at, action, kind, text) values (?, ?, ?, ?)", (now, action, kind, text))


def verdict_on(action: str, service: str, before: tuple[float, float] | None, after: tuple[float, float] | None) -> str:
    """What the memory says of an action: (MB at the end, MB/h) before and after it, either unknown."""
    if before is None or after is None:
        return f"after the {action} of {service} there is too little to say whether it helped"
    fell, slowed = before[0] - after[0], after[1] < 0.5 * before[1]
    figures = f"{before[0]:.0f} MB before, {after[0]:.0f} MB after; {before[1]:.0f} MB/h before, {after[1]:.0f} after"
    if fell > 0.1 * before[0]:
        # A restart is no recovery: it empties what fills again.
        goes_on = "" if slowed or after[1] <= 0 else ", but it grows on as before"
        return f"memory came back after the {action} of {service}{goes_on}: {figures}"
    if before[1] <= 0:
        # What was measured did not grow: there is no growth of which a half could be gone.
        return f"after the {action} of {service} nothing tells whether it helped: {figures}"
    if slowed:
        return f"growth slowed after the {action} of {service}: {figures}"
    return f"the {action} of {service} did not help: {figures}"


def _kind_of(reason: str) -> str:
    """The words of a reason before its first figure: figures change from round to round."""
    return re.split(r"\d", reason, maxsplit=1)[0]
