"""May a figure be used at all? The audit comes before growth: it refuses what cannot be read, and says why.

`audit` tidies the series (order, duplicates, parts of one series joined), lets every rule of `RULES` look at them, and
sorts them into those from which growth may be read and those that only corroborate. docs/audit.md has a heading for
each rule with what it sees, what it leaves of a series, and when it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from floodmark.diagnosis.incident import MetricProblem
from floodmark.evidence.nouns import Evidence, Series

from . import containers, context, identity, kinds, rates, sizes, times
from .case import LEVELS, Case, Finding, Use
from .tidy import tidied


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition under which a figure cannot be used as it is. `name` is the word in `metric_problems`."""

    name: str
    look: Callable[[Case], Iterator[Finding]]


RULES = (
    Rule("event-count-read-as-rate", kinds.event_count_read_as_rate),
    Rule("gauge-under-rate", rates.gauge_under_rate),
    Rule("wrong-time-unit", rates.wrong_time_unit),
    Rule("self-counting-counter", kinds.self_counting_counter),
    Rule("extrapolated-counts", kinds.extrapolated_counts),
    Rule("censored-values", kinds.censored_values),
    Rule("process-mixture", identity.process_mixture),
    Rule("columns-are-copies", identity.columns_are_copies),
    Rule("processes-counted-over-time", identity.processes_counted_over_time),
    Rule("impossible-size", sizes.impossible_size),
    Rule("labels-summed", identity.labels_summed),
    Rule("page-cache-included", sizes.page_cache_included),
    Rule("duplicate-cadvisor-rows", containers.duplicate_cadvisor_rows),
    Rule("unit-prefix", sizes.unit_prefix),
    Rule("measured-too-early", context.measured_too_early),
    Rule("monitored-by-itself", context.monitored_by_itself),
    Rule("contradicted-by-companion", context.contradicted_by_companion),
    Rule("impossible-routing", context.impossible_routing),
    Rule("picked-windows", times.picked_windows),
    Rule("several-pods-under-one-name", containers.several_pods_under_one_name),
    Rule("mostly-empty", times.mostly_empty),
    Rule("gaps", times.gaps),
    Rule("clock-jump", times.clock_jump),
    Rule("duplicate-samples", times.duplicate_samples),
)
"""Every rule, in the order in which the problems are listed."""


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """What may be used, and what may not and why.

    usable         sizes of memory that growth may be read from; each series once, ascending, joined over its sources
    corroborating  what may support or contradict: heap, objects, restarts, processes, limits, requests, and sizes for
                   which a better reading is there
    refused        what must not be used for anything
    problems       one for each rule and metric, in words
    """

    usable: tuple[Series, ...]
    corroborating: tuple[Series, ...]
    problems: tuple[MetricProblem, ...]
    refused: tuple[Series, ...] = ()


def audit(evidence: Evidence) -> Audit:
    """Sort the series of `evidence` by what they may be used for. Equal evidence gives an equal audit."""
    case = tidied(evidence)
    found = [(rule, finding) for rule in RULES for finding in rule.look(case)]
    left = _left(case, [finding for _, finding in found])
    refused = tuple(one for one in case.series if left.get(id(one)) is Use.REFUSE)
    usable = _parts_first([one for one in case.series if left.get(id(one)) is Use.CAUTION and one.measure in LEVELS])
    taken = {id(one) for one in (*refused, *usable)}
    corroborating = tuple(one for one in case.series if id(one) in left and id(one) not in taken)
    return Audit(usable, corroborating, tuple(_problem(rule, finding) for rule, finding in found), refused)


def _left(case: Case, findings: list[Finding]) -> dict[int, Use]:
    """What the worst finding leaves of each series that has samples at all."""
    left = {id(one): Use.CAUTION for one in case.series if len(one.at)}
    for finding in findings:
        for one in finding.series:
            if id(one) in left:
                left[id(one)] = max(finding.use, left[id(one)])
    return left


def _parts_first(sound: list[Series]) -> tuple[Series, ...]:
    """Without those for which the same is there by instance."""
    parts: dict[str, list[Series]] = {}
    for one in sound:
        if one.instance is not None:
            parts.setdefault(one.service, []).append(one)
    return tuple(one for one in sound if not superseded(one, parts.get(one.service, [])))


def superseded(series: Series, by_instance: list[Series]) -> bool:
    """Is a size of a whole service there by instance as well, in the same measure, for most of the time?

    Never a sum where a part exists: a panel beside the series it was drawn from would count twice.
    """
    if series.instance is not None or series.process is not None:
        return False
    parts = [one for one in by_instance if one.measure == series.measure]
    if not parts:
        return False
    common = min(series.at[-1], max(one.at[-1] for one in parts)) - max(series.at[0], min(one.at[0] for one in parts))
    return bool(common >= 0.5 * (series.at[-1] - series.at[0]))


def _problem(rule: Rule, finding: Finding) -> MetricProblem:
    """The finding as the incident file has it. Where it holds for several sources, the first is named."""
    first = finding.series[0]
    paths = list(dict.fromkeys(one.place.source for one in finding.series))
    more = f" (Also in {len(paths) - 1} other source{'s' if len(paths) > 2 else ''}.)" if len(paths) > 1 else ""
    return MetricProblem(first.metric, rule.name, finding.text + more, first.place.source)


__all__ = ["RULES", "Audit", "Rule", "audit"]
