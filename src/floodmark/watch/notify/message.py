"""What is told: one change of one alert group, in words and in fields."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Status = Literal["firing", "resolved"]


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said about one group of alerts. `key` is the same for the same thing said again, whoever restarts.

    `at` and `started` are seconds since the epoch; `value` is in `unit`.
    """

    key: str
    fingerprint: str
    status: Status
    rule: str
    service: str | None
    severity: str
    title: str
    text: str
    at: float
    started: float
    value: float | None
    unit: str
    threshold: float | None
    incident: str | None = None
    link: str | None = None
    replaces_rule: str | None = None
    replaces_severity: str | None = None
    """What was told of this alert before under another rule or severity; this message stands in its place."""
    holds_until: float | None = None
    """Until when it counts as true if nothing more is said: Alertmanager ends an alert by itself after 5 minutes."""

    def fields(self) -> dict[str, Any]:
        """The JSON that webhooks and commands get; times in ISO 8601 with Z."""
        until = None if self.holds_until is None else iso(self.holds_until)
        times = {"at": iso(self.at), "started": iso(self.started), "holds_until": until}
        return {**asdict(self), **times, "source": "floodmark"}

    def plain_text(self) -> str:
        """The message as a person reads it in a mail or a chat."""
        lines = [self.text, "", f"since {iso(self.started)}"]
        if self.link:
            lines.append(self.link)
        return "\n".join(lines)


def iso(seconds: float) -> str:
    """ISO 8601 in UTC with Z, whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
