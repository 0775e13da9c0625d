"""What the rules would have said over the window: signals in, alerts out. The live watch fires the same rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from floodmark.diagnosis.incident import Alert, Time
from floodmark.diagnosis.rules import RULES, Episode, Rule, Signal, episodes
from floodmark.diagnosis.wording import counted, figure, moment, span

MAX_ALERTS = 20
"""Alerts of one rule and service; what is beyond is counted in the last."""


def fire(signals: Iterable[Signal], rules: Sequence[Rule] = RULES, until: float | None = None) -> tuple[Alert, ...]:
    """Every alert of `rules` on `signals`, in the order of their start; one that fires at `until` has no end."""
    found = [
        alert
        for signal in signals
        for rule in rules
        if rule.signal == signal.name
        for alert in _alerts(rule, signal, until)
    ]
    return tuple(sorted(found, key=lambda one: (one.start.seconds, one.rule, one.service or "")))


def _alerts(rule: Rule, signal: Signal, until: float | None) -> Iterator[Alert]:
    groups: list[list[Episode]] = []
    for episode in episodes(rule, signal, until):
        near = groups and episode.start - groups[-1][-1].end <= rule.repeat_seconds
        if near or len(groups) == MAX_ALERTS:
            groups[-1].append(episode)
        else:
            groups.append([episode])
    yield from (_alert(rule, signal, group) for group in groups)


def _alert(rule: Rule, signal: Signal, group: Sequence[Episode]) -> Alert:
    worst = max(group, key=lambda one: signal.compared[one.worst]).worst
    last = group[-1]
    return Alert(
        rule=rule.name, service=signal.service, severity=rule.severity,
        start=Time(group[0].start), end=None if last.open else Time(last.end),
        value=float(signal.value[worst]), unit=rule.unit, threshold=rule.threshold,
        low=None if signal.low is None else float(signal.low[worst]),
        high=None if signal.high is None else float(signal.high[worst]),
        count=len(group), text=_text(rule, signal, group, worst),
        source=None if signal.place is None else signal.place.source,
    )  # fmt: skip


def _text(rule: Rule, signal: Signal, group: Sequence[Episode], worst: int) -> str:
    """The rule read aloud, how long it fired in all, and how bad it was when it was worst."""
    said = rule.condition.format(figure(rule.threshold))
    often = f", {counted(len(group), 'time')}" if len(group) > 1 else ""
    lasting = span(sum(one.end - one.start for one in group))
    value = f"{figure(float(signal.value[worst]))} {rule.unit}"
    if signal.low is not None and signal.high is not None:
        value += f" ({figure(float(signal.low[worst]))} to {figure(float(signal.high[worst]))})"
    when = moment(float(signal.at[worst]))
    return f"{said[0].upper()}{said[1:]}{often}, {lasting} in all; at its worst {value} at {when}."
