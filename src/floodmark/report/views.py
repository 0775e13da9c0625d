"""What both reports show, in their order: the document with its parts grouped and the words of its vocabulary.

There are no figures here: a word stands for a word of the contract, and every number comes from the document.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from floodmark.report import figures
from floodmark.report.document import Document

Row = dict[str, Any]

SEVERITIES = ("emergency", "critical", "warning", "none")

VERDICTS = {"leak": "leak", "no-leak": "no leak", "unknown": "not known"}

PATTERNS = {
    "leak": "rises steadily and does not come back",
    "plateau": "rose, then levelled off",
    "sawtooth": "rises within each life of a process, and recycling takes it back",
    "step": "moved to another level once",
    "fragmentation": "high water that the allocator keeps",
    "traffic-bound": "follows the traffic and returns",
    "process-count": "more processes, each of the same size",
    "restart-loop": "restarts too often to be judged",
    "page-cache": "file cache, not memory of the program",
    "steady": "flat",
    "unknown": "no known shape, or too little of it",
}

MEASURES = {
    "pss": "PSS (shared pages counted once)",
    "rss": "RSS (resident memory)",
    "working_set": "working set (with active file cache)",
    "usage": "usage (with page cache)",
    "heap": "heap (what the allocator counts)",
}

KINDS = {
    "endpoint": "requests",
    "task": "background task",
    "connections": "database connections",
    "processes": "number of processes",
    "monitoring": "the monitoring itself",
    "cache": "a cache that fills",
    "fragmentation": "fragmentation",
    "native": "native memory",
    "traffic": "traffic",
    "page-cache": "page cache",
    "database": "the database",
    "unknown": "not known",
}

BASES = {
    "stated": "stated in each line",
    "given": "given by the user",
    "inferred": "inferred from other sources",
    "assumed": "assumed",
}

FEW = 4
"""Sources of one kind that are shown side by side; of more the first stands for all, the others are folded."""

MOST = 500
"""Sources of one kind that a report lists: 5,000 rows made 2.4 MB of page, and folders of 100,000 files exist. incident.json
has them all."""

PROSE = frozenset({
    "text", "reason", "how", "action", "explanation", "against", "would_decide", "headline", "sentences", "not_known",
    "method", "remark",
})  # fmt: skip
"""Fields of the document that hold sentences."""

NO_PROSE = frozenset({"examples", "chart"})

URGENCIES = {"immediate": "Now", "short-term": "In the next days", "prevention": "So that it does not happen again"}


def view(document: Document) -> Row:
    """The document and its groups, as both templates read it."""
    document = _grouped(document)
    services, causes, actions = document["services"], document["causes"], document["actions"]
    whole = _groups(document["sources"])
    groups = [_telling(group) for group in whole]
    listed = {one["path"] for group in groups for one in group}
    quiet, at_issue = _parted(services, "verdict", "no-leak")
    victims, culprits = _parted(causes, "role", "victim")
    return {
        "incident": document,
        "summary": document["summary"] or {"headline": "Incident report", "sentences": [], "not_known": []},
        "worst": _worst(services),
        "at_issue": at_issue,
        "quiet": quiet,
        "culprits": culprits,
        "victims": victims,
        "named": {one["service"]: _named(one["service"], causes) for one in services},
        "urgencies": [(words, _parted(actions, "urgency", word)[0]) for word, words in URGENCIES.items()],
        "immediate": _parted(actions, "urgency", "immediate")[0],
        "sources": [one for group in groups for one in group[: _shown(group)]],
        "folded": list(filter(None, (group[_shown(group) :] for group in groups))),
        "listed": [one for one in document["sources"] if one["path"] in listed],
        "cut": [group[0] for group, shown in zip(whole, groups, strict=True) if len(shown) < len(group)],
        "source_ids": {
            one["path"]: f"source-{position}" for position, one in enumerate(document["sources"]) if one["path"] in listed
        },
        "verdicts": VERDICTS, "patterns": PATTERNS, "measures": MEASURES, "kinds": KINDS, "bases": BASES,
    }  # fmt: skip


def _grouped(value: Any, key: str = "") -> Any:
    """The document with the large numbers in its sentences grouped; lines of logs, names and paths as they are."""
    if isinstance(value, dict):
        return {name: one if name in NO_PROSE else _grouped(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_grouped(one, key) for one in value]
    return figures.prose(value) if isinstance(value, str) and key in PROSE else value


def _parted(rows: Iterable[Row], key: str, word: str) -> tuple[list[Row], list[Row]]:
    """The rows that have this word under that key, and the others."""
    rows = list(rows)
    return [one for one in rows if one[key] == word], [one for one in rows if one[key] != word]


def _shown(group: list[Row]) -> int:
    """How many sources of a group stand in the table; the others are folded."""
    return len(group) if len(group) <= FEW else 1


def _groups(sources: Iterable[Row]) -> list[list[Row]]:
    """Sources of one kind, service and clock together, in the order in which they were met."""
    found: dict[tuple[object, ...], list[Row]] = {}
    for one in sources:
        clock = one["clock"] or {}
        found.setdefault((one["kind"], one["service"], clock.get("basis"), clock.get("zone")), []).append(one)
    return list(found.values())


def _telling(group: list[Row]) -> list[Row]:
    """At most `MOST` of a group in their order; of more, first those with something to tell."""
    if len(group) <= MOST:
        return group
    ranked = sorted(group, key=lambda one: not (one["rejected"] or one["damaged"] or one["remark"]))
    kept = {one["path"] for one in ranked[:MOST]}
    return [one for one in group if one["path"] in kept]


def _worst(services: Iterable[Row]) -> str:
    severities = {one["severity"] for one in services}
    return next((word for word in SEVERITIES if word in severities), "none")


def _named(service: str, causes: Iterable[Row]) -> list[Row]:
    """The causes that a line of the overview names: culprits of that service, and only where they say something."""
    return [one for one in causes if one["service"] == service and one["role"] == "culprit"]
