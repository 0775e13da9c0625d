"""How the figures were made, in words and with the constants in force, for the last pages of the report."""

from __future__ import annotations

from floodmark.diagnosis.options import Options
from floodmark.diagnosis.rules import Rule
from floodmark.diagnosis.wording import figure, listed, per_cent, span

MB_BYTES = 1_000_000


def told(options: Options, rules: tuple[Rule, ...]) -> tuple[str, ...]:
    """The paragraphs of the method."""
    return (
        f"Units. MB are {MB_BYTES} bytes, rates are MB per hour, times are UTC. What is not known is said to be not "
        "known; it is never taken as nought. Estimates are given with three digits.",
        "Audit. Before any figure is used it is asked whether it can be what its label says: a level or a count, one "
        "process or a mixture, memory of the program or file cache. What fails stands among the refused figures, with "
        "what that leaves of it.",
        "Growth. Memory is followed within the lives of processes, or of containers where processes were not "
        f"measured, and never across a restart. What lasts less than {figure(options.floor_minutes)} minutes is work, "
        "not growth; warm-up after a start and memory in use by requests are taken off. The rate is the mean between "
        f"onset and end. An interval is meant to hold the truth in {per_cent(options.interval)} of cases.",
        f"Verdict. There are three: leak, no leak, not known. Less than {figure(options.min_hours)} h of evidence is "
        "not enough for a leak, unless growth is at the emergency threshold for "
        f"{figure(options.fast_minutes)} minutes. Severity follows the lower bound of the interval: "
        f"warning from {figure(options.warning_mb_per_hour)}, critical from {figure(options.critical_mb_per_hour)}, "
        f"emergency from {figure(options.emergency_mb_per_hour)} MB/h.",
        "Cause. Growth is regressed on how often each route, task or connection began, with the delay, the time and "
        f"the requests in flight beside them; delays up to {span(60 * max(options.lags_minutes))} are tried. A cause "
        f"must explain more than {per_cent(options.certify_share)} of the growth at the lower end, be chosen in "
        f"{per_cent(options.certify_frequency)} of {options.resamples} resamples, and beat shifted copies of the "
        f"traffic (probability below {figure(options.permutation_p)}). Names that come together more closely than a "
        f"correlation of {figure(options.collinear_r)} are named together. Where this fails no culprit is named.",
        "Alerts. The rules were evaluated over the whole window. They fire on: "
        f"{listed([_rule(one) for one in rules], len(rules))}.",
    )


def _rule(rule: Rule) -> str:
    lasting = f" for {span(rule.for_seconds)}" if rule.for_seconds else ""
    return f"{rule.condition.format(figure(rule.threshold))}{lasting}"
