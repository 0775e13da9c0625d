"""The alert rules as a Prometheus rule file, with its tests: for those who alert with Prometheus alone.

Prometheus has no bootstrap and no lives of processes, so a rule here is the nearest that PromQL can say: growth is
`deriv()` of the working set over three hours, taken only where it also rose in the last hour and did so without a
restart. It fires later than the watch and more often on caches that fill; docs/alerts.md says so beside each rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from floodmark.diagnosis.rules import RULES, Rule

MEMORY = 'container_memory_working_set_bytes{container!="",container!="POD"}'
RESTARTS = "kube_pod_container_status_restarts_total"
MB_PER_HOUR = "* 3600 / 1e6"


@dataclass(frozen=True, slots=True)
class PrometheusRule:
    """One alert: its expression, how long it must hold, and series on which it must and must not fire."""

    rule: Rule
    expr: str
    for_seconds: float
    metrics: str
    """What has to be scraped for it, in words."""

    firing: dict[str, str]
    """Series (in promtool's notation) on which it fires at `at_minutes`."""

    quiet: dict[str, str]
    at_minutes: int = 300

    @property
    def alert(self) -> str:
        """Its name: `Floodmark_growth_critical`."""
        return f"Floodmark_{self.rule.name.replace('-', '_')}"


def rules() -> Iterator[PrometheusRule]:
    """Every rule that PromQL can say, in the order of the table."""
    for rule in RULES:
        made = _made(rule)
        if made:
            yield made


def rule_file() -> str:
    """The text of the rule file (YAML), for `rule_files:`."""
    lines = ["# Written by `floodmark rules prometheus`; checked by `promtool test rules`."]
    lines += ["groups:", "- name: floodmark", "  rules:"]
    for one in rules():
        lines += [
            f"  - alert: {one.alert}",
            f"    expr: {json.dumps(one.expr)}",
            f"    for: {one.for_seconds:.0f}s",
            "    labels:",
            f"      severity: {one.rule.severity}",
            "    annotations:",
            f"      summary: {json.dumps(_summary(one.rule))}",
            f"      description: {json.dumps('Needs: ' + one.metrics)}",
        ]
    return "\n".join(lines) + "\n"


def test_file(rule_file_name: str) -> str:
    """The text of the tests of the rule file, for `promtool test rules`."""
    lines = [f"rule_files: [{json.dumps(rule_file_name)}]", "evaluation_interval: 1m", "tests:"]
    for one in rules():
        for series, fires in ((one.firing, True), (one.quiet, False)):
            lines += ["- interval: 1m", "  input_series:"]
            for name, values in series.items():
                lines += [f"  - series: {json.dumps(name)}", f"    values: {json.dumps(values)}"]
            lines += ["  alert_rule_test:", f"  - eval_time: {one.at_minutes}m", f"    alertname: {one.alert}"]
            lines += ["    exp_alerts:", *_expected(one)] if fires else ["    exp_alerts: []"]
    return "\n".join(lines) + "\n"


def _expected(one: PrometheusRule) -> list[str]:
    labels = {"severity": one.rule.severity, **_labels_of(one)}
    # promtool compares annotations after Prometheus has filled them in.
    summary = _summary(one.rule).replace("{{ $labels.container }}", "web")
    annotations = {"summary": summary, "description": f"Needs: {one.metrics}"}
    return [f"    - exp_labels: {json.dumps(labels)}", f"      exp_annotations: {json.dumps(annotations)}"]


def _labels_of(one: PrometheusRule) -> dict[str, str]:
    return {} if one.expr.startswith("count(") else {"container": "web"}


def _summary(rule: Rule) -> str:
    where = "{{ $labels.container }}: " if rule.signal in ("growth", "restarts", "processes") else ""
    return where + rule.condition.format(f"{rule.threshold:g}")


def _made(rule: Rule) -> PrometheusRule | None:
    maker: Any = {"growth": _growth, "restarts": _restarts, "processes": _processes, "leaking-services": _together}
    made = maker.get(rule.signal)
    return made(rule) if made else None


def _slope(window: str) -> str:
    return f"sum by (container) (deriv({MEMORY}[{window}])) {MB_PER_HOUR}"


def _growth_expr(threshold: float) -> str:
    stayed = f"sum by (container) (increase({RESTARTS}[3h])) > 0.5"
    return f"({_slope('3h')} > {threshold:g} and {_slope('1h')} > {threshold / 2:g}) unless {stayed}"


def _series(mb_per_hour: float, restarts: str = "0+0x600", container: str = "web") -> dict[str, str]:
    labels = f'container="{container}",pod="p"'
    step = mb_per_hour * 1e6 / 60
    return {
        f"container_memory_working_set_bytes{{{labels}}}": f"400000000+{step:.0f}x600",
        f"{RESTARTS}{{{labels}}}": restarts,
    }


def _growth(rule: Rule) -> PrometheusRule:
    return PrometheusRule(
        rule, _growth_expr(rule.threshold), 900.0,
        "container_memory_working_set_bytes, kube_pod_container_status_restarts_total",
        firing=_series(rule.threshold * 1.2), quiet=_series(rule.threshold * 0.8),
    )  # fmt: skip


def _together(rule: Rule) -> PrometheusRule:
    return PrometheusRule(
        rule, f"count({_growth_expr(50)}) > {rule.threshold:g}", 900.0,
        "container_memory_working_set_bytes, kube_pod_container_status_restarts_total",
        firing={**_series(90), **_series(90, container="reports")},
        quiet={**_series(90), **_series(10, container="reports")},
    )  # fmt: skip


def _restarts(rule: Rule) -> PrometheusRule:
    expr = f"sum by (container) (increase({RESTARTS}[1h])) > {rule.threshold:g}"
    return PrometheusRule(
        rule, expr, max(rule.for_seconds, 60.0), "kube_pod_container_status_restarts_total",
        firing=_series(0, restarts="0+0.15x600"), quiet=_series(0, restarts="0+0.02x600"),
    )  # fmt: skip


def _processes(rule: Rule) -> PrometheusRule:
    labels = 'container="web",pod="p"'
    return PrometheusRule(
        rule, f"sum by (container) (container_processes) > {rule.threshold:g}", rule.for_seconds,
        "container_processes",
        firing={f"container_processes{{{labels}}}": f"{rule.threshold + 5:g}+0x600"},
        quiet={f"container_processes{{{labels}}}": f"{rule.threshold - 5:g}+0x600"},
    )  # fmt: skip
