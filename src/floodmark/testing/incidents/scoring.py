"""What an examiner says of an `incident.json` when the truth of the case is known; the rules stand in docs/accuracy.md.

Works on the two files as JSON and on nothing else of ours: a fault of the analyser cannot hide in a shared type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

RATE_TOLERANCE = 0.30
"""A rate or an MB per event is right within this share of the truth."""

SMALLEST_RATE_MB_PER_HOUR = 1.0
"""Rates below this are compared by their absolute error: 30% of nothing is nothing."""

VERDICTS = ("leak", "no-leak", "unknown")
PATTERNS = ("leak", "plateau", "sawtooth", "step", "fragmentation", "traffic-bound", "process-count", "restart-loop",
            "page-cache", "steady", "unknown")  # fmt: skip
KINDS = ("endpoint", "task", "connections", "processes", "monitoring", "cache", "fragmentation", "native", "traffic",
         "page-cache", "database", "unknown")  # fmt: skip
ROLES = ("culprit", "contributing", "victim")
LISTS = ("sources", "services", "causes", "metric_problems", "patterns", "alerts", "timeline", "targets", "actions")

JSON = dict[str, Any]


@dataclass
class Mark:
    """One thing that was judged: whether it is right, and in words what was expected and found."""

    what: str
    service: str
    right: bool
    note: str = ""


@dataclass
class CaseScore:
    """Every mark of one case. `marks` of one `what` are counted together over cases."""

    family: str
    case: str
    marks: list[Mark] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, what: str, service: str, right: bool, note: str = "") -> None:
        """Count one judgement."""
        self.marks.append(Mark(what, service, right, note))

    def of(self, what: str) -> list[Mark]:
        """The marks of one kind."""
        return [mark for mark in self.marks if mark.what == what]

    def wrong(self) -> list[Mark]:
        """What went wrong, in the order it was judged."""
        return [mark for mark in self.marks if not mark.right]


def score_case(truth: JSON, incident: JSON | None, case: str = "") -> CaseScore:
    """Judge `incident` (None where the analyser wrote none) against `truth`, both as parsed JSON."""
    score = CaseScore(family=str(truth.get("variant", "?")), case=case)
    faults = contract_faults(incident)
    score.add("contract", "", not faults, "; ".join(faults[:3]))
    found = incident if isinstance(incident, dict) else {}
    for service in truth["services"]:
        _score_service(score, truth, service, found)
    _score_focus(score, truth, found)
    _score_culprits(score, truth, found)
    _score_accusations(score, truth, found)
    if truth.get("metric_invalid"):
        score.add("refusal", truth["focus"], bool(found.get("metric_problems")), "no metric was refused")
    return score


def contract_faults(incident: JSON | None) -> list[str]:
    """What in the file no reader of the contract could accept."""
    if not isinstance(incident, dict):
        return ["no incident.json"]
    faults = [] if incident.get("schema") == "floodmark.incident/1" else ["schema is not floodmark.incident/1"]
    faults += [f"{name} is not a list" for name in LISTS if not isinstance(incident.get(name), list)]
    for service in incident.get("services") or []:
        faults += _bad_word(service, "verdict", VERDICTS) + _bad_word(service, "pattern", PATTERNS)
    for cause in incident.get("causes") or []:
        faults += _bad_word(cause, "kind", KINDS) + _bad_word(cause, "role", ROLES)
    return faults


def _bad_word(row: JSON, key: str, allowed: tuple[str, ...]) -> list[str]:
    return [] if row.get(key) in allowed else [f"{key} is {row.get(key)!r}"]


def _service(incident: JSON, name: str) -> JSON | None:
    return next((one for one in incident.get("services") or [] if one.get("service") == name), None)


def _score_service(score: CaseScore, truth: JSON, expected: JSON, incident: JSON) -> None:
    name = expected["service"]
    found = _service(incident, name)
    verdict = "unknown" if found is None else found.get("verdict")
    verdicts = expected.get("verdicts") or [expected["verdict"]]
    said = f"said {verdict}, truth {' or '.join(verdicts)}" + ("" if found else " (service not in the file)")
    if found is not None or expected["role"] in {"web", "rep", "worker"}:
        score.add("verdict", name, verdict in verdicts, said)
    if "leak" not in verdicts:
        score.add("false alarm", name, verdict != "leak", said)
    if verdicts == ["leak"]:
        score.add("detection", name, verdict == "leak", said)
        if verdict == "leak" and found is not None:
            _score_rate(score, truth, expected, found)
    _score_pattern(score, expected, found)


def _score_pattern(score: CaseScore, expected: JSON, found: JSON | None) -> None:
    """Of the services with work of their own, where the truth has a pattern."""
    name, patterns = expected["service"], expected.get("patterns") or [one for one in [expected.get("pattern")] if one]
    if patterns and expected["role"] in {"web", "rep", "worker"}:
        pattern = "nothing" if found is None else found.get("pattern")
        score.add("pattern", name, pattern in patterns, f"said {pattern}, truth {' or '.join(patterns)}")


def _score_rate(score: CaseScore, truth: JSON, expected: JSON, found: JSON) -> None:
    """The rate over the window that the analyser chose for itself, read from what really leaked in that window."""
    name, growth = expected["service"], found.get("growth") or {}
    real = leaked_rate(truth, expected, growth.get("start"), growth.get("end"))
    value, low, high = (growth.get(key) for key in ("mb_per_hour", "low", "high"))
    each = real / truth.get("replicas", 1)
    if value is not None and abs(value - each) < abs(value - real):
        real = each  # the contract leaves open whether the rate of a service is that of all its instances or of one
    said = f"said {_figure(value)} [{_figure(low)}, {_figure(high)}], truth {_figure(real)} MB/h"
    score.add("rate", name, _close(value, real, SMALLEST_RATE_MB_PER_HOUR), said)
    score.add("rate interval", name, _covers(low, high, real), said)
    whole = float(expected["leaked_mb_per_hour"])
    score.add(
        "rate of incident", name, _close(value, whole, SMALLEST_RATE_MB_PER_HOUR), said + f", {whole:.4g} overall"
    )


def leaked_rate(truth: JSON, expected: JSON, start: str | None, end: str | None) -> float:
    """MB/h that leaked between two times; over the incident where a time is missing or nothing is known between."""
    leaked = expected.get("leaked_mb_every_10_min")
    if not leaked or not start or not end:
        return float(expected["leaked_mb_per_hour"])
    origin = seconds(truth["window"]["start"])
    first, last = ((seconds(when) - origin) / 600.0 for when in (start, end))
    if last - first < 1.0:
        return float(expected["leaked_mb_per_hour"])
    return (_at(leaked, last) - _at(leaked, first)) / (last - first) * 6.0


def _at(series: list[float], position: float) -> float:
    position = min(max(position, 0.0), len(series) - 1.0)
    below = min(int(position), len(series) - 2)
    return series[below] + (series[below + 1] - series[below]) * (position - below)


def _score_focus(score: CaseScore, truth: JSON, incident: JSON) -> None:
    found = _service(incident, truth["focus"]) or {}
    verdict, pattern = found.get("verdict", "unknown"), found.get("pattern", "unknown")
    verdicts, patterns = truth["expected_verdicts"], truth["expected_patterns"]
    score.add("focus verdict", truth["focus"], verdict in verdicts, f"said {verdict}, truth {' or '.join(verdicts)}")
    if patterns:
        score.add(
            "focus pattern", truth["focus"], pattern in patterns, f"said {pattern}, truth {' or '.join(patterns)}"
        )
    if truth.get("no_leak"):
        said = [one["service"] for one in incident.get("services") or [] if one.get("verdict") == "leak"]
        score.add("quiet case", truth["focus"], not said, f"leak claimed in {', '.join(said)}")
    start = (truth.get("incident") or {}).get("start")
    if start and found.get("onset") and "leak" in verdicts and verdict == "leak":
        hours = (seconds(found["onset"]) - seconds(start)) / 3600.0
        score.add("onset", truth["focus"], abs(hours) <= 2.0, f"{hours:+.1f} h from the truth")


def _score_culprits(score: CaseScore, truth: JSON, incident: JSON) -> None:
    """Top-1 per service that has a culprit; or, where the truth cannot be known, that none was claimed."""
    if truth.get("expected_abstain"):
        claims = [one for one in named(incident, truth["focus"]) if one["kind"] not in truth["allowed_kinds"]]
        score.add("abstention", truth["focus"], not claims, f"claimed {_names(claims)}")
        return
    what = "benign cause" if truth.get("no_leak") else "top-1"
    for service in dict.fromkeys(one["service"] for one in truth["culprits"]):
        _score_top(score, what, truth, service, named(incident, service))


def _score_top(score: CaseScore, what: str, truth: JSON, service: str, claims: list[JSON]) -> None:
    culprits = [one for one in truth["culprits"] if one["service"] == service]
    pair = inseparable_group(truth, culprits)
    if not claims:
        _score_abstained(score, what, service, culprits, bool(pair))
        return
    top = top_claim(claims)
    hit = next((one for one in culprits if matches(top, one)), None)
    right = _is_of_pair(top, pair, hit) if pair else hit is not None
    score.add(what, service, right, f"said {_names([top])}, truth {_names(culprits)}" + (" as a group" if pair else ""))
    _score_every(score, service, culprits, claims)
    if right and hit is not None and hit.get("mb_per_event") and not pair:
        _score_dose(score, service, hit, top)


def _score_every(score: CaseScore, service: str, culprits: list[JSON], claims: list[JSON]) -> None:
    """Whether each of several culprits was named at all."""
    for culprit in culprits if len(culprits) > 1 else []:
        score.add("every culprit", service, any(matches(one, culprit) for one in claims), _names([culprit]))


def _score_abstained(score: CaseScore, what: str, service: str, culprits: list[JSON], pair: bool) -> None:
    """Nothing was named: right only where the truth is a pair that no evidence can part."""
    if what == "top-1" and pair:
        score.add(what, service, True, "abstained between inseparable endpoints")
        return
    score.add(what, service, False, f"named nothing, truth {_names(culprits)}")
    score.remarks.append(f"{service}: abstained")


def _is_of_pair(claim: JSON, pair: set[str], hit: JSON | None) -> bool:
    """Whether the claim names one of the pair and says that it cannot be told from another of it."""
    if hit is None and plain_name(claim["name"]) not in pair:
        return False
    others = {plain_name(one) for one in claim.get("inseparable_from") or []}
    return bool(others & (pair - {plain_name(claim["name"])}))


def _score_dose(score: CaseScore, service: str, culprit: JSON, claim: JSON) -> None:
    real, dose = float(culprit["mb_per_event"]), claim.get("mb_per_event") or {}
    value, low, high = (dose.get(key) for key in ("value", "low", "high"))
    said = f"said {_figure(value)} [{_figure(low)}, {_figure(high)}], truth {real:.4g} MB per event"
    score.add("MB per event", service, _close(value, real, 0.0), said)
    score.add("MB interval", service, _covers(low, high, real), said)


def _score_accusations(score: CaseScore, truth: JSON, incident: JSON) -> None:
    """Innocents named as culprits: victims, decoys, and anything at all that is not in the truth."""
    innocent = {plain_name(one) for one in truth.get("victims", [])}, {plain_name(one) for one in truth["decoys"]}
    claims = [one for one in culprits_named(incident) if one["kind"] != "unknown"]
    wrong = [one for one in claims if not _is_true(one, truth)]
    for what, names in zip(("victim accused", "decoy accused"), innocent, strict=True):
        accused = [one for one in wrong if plain_name(one["name"]) in names]
        score.add(what, truth["focus"], not accused, _names(accused))
    score.add("innocent accused", truth["focus"], not wrong, _names(wrong))


def _is_true(claim: JSON, truth: JSON) -> bool:
    culprits = [one for one in truth["culprits"] if one["service"] == claim.get("service")]
    if any(matches(claim, one) for one in culprits):
        return True
    if plain_name(claim["name"]) in inseparable_group(truth, culprits) and claim.get("inseparable_from"):
        return True
    services = truth.get("allowed_services", [truth["focus"]])
    return claim["kind"] in truth.get("allowed_kinds", []) and claim.get("service") in services


def named(incident: JSON, service: str) -> list[JSON]:
    """The culprits that the file names for a service; kind `unknown` is to abstain."""
    return [one for one in culprits_named(incident) if one["service"] == service and one["kind"] != "unknown"]


def culprits_named(incident: JSON) -> list[JSON]:
    """Every cause with the role culprit; fields that are missing read as empty."""
    blank: JSON = {"service": "", "kind": "", "name": ""}
    return [{**blank, **one} for one in incident.get("causes") or [] if one.get("role") == "culprit"]


def top_claim(claims: list[JSON]) -> JSON:
    """The culprit with the largest share; the first listed where shares are equal or unknown."""
    return max(claims, key=lambda one: one.get("share") or 0.0)


def matches(claim: JSON, culprit: JSON) -> bool:
    """Whether the claim names this culprit: service, kind, and the name where the culprit has one."""
    if claim.get("service") != culprit["service"] or claim.get("kind") not in culprit["kinds"]:
        return False
    names = culprit.get("names") or []
    return not names or claim["kind"] not in {"endpoint", "task"} or plain_name(claim["name"]) in map(plain_name, names)


def inseparable_group(truth: JSON, culprits: list[JSON]) -> set[str]:
    """The names that the evidence cannot tell apart from one of `culprits`; empty where there are none."""
    names = {plain_name(name) for one in culprits for name in [one["name"], *(one.get("names") or [])]}
    groups = truth.get("inseparable") or []
    groups = groups if groups and isinstance(groups[0], list) else [groups]
    return next((set(group) | names for group in ({plain_name(one) for one in each} for each in groups)
                 if group & names), set())  # fmt: skip


def plain_name(name: str) -> str:
    """A route with every `{...}` written `{}`: the word inside the braces is the analyser's own choice."""
    return re.sub(r"\{[^}/]*\}", "{}", name or "")


def seconds(when: str) -> float:
    """Seconds since the epoch of an ISO 8601 time with Z."""
    return datetime.fromisoformat(when.replace("Z", "+00:00")).timestamp()


def _close(value: float | None, real: float, smallest: float) -> bool:
    return value is not None and abs(value - real) <= max(RATE_TOLERANCE * abs(real), smallest * RATE_TOLERANCE)


def _covers(low: float | None, high: float | None, real: float) -> bool:
    return low is not None and high is not None and low <= real <= high


def _names(causes: list[JSON]) -> str:
    return ", ".join(f"{one['kind']} {one.get('name')}" for one in causes) or "nothing"


def _figure(value: float | None) -> str:
    return "null" if value is None else f"{value:.4g}"
