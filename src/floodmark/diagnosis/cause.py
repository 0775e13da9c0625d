"""Attribute: who caused the growth of each service, how strongly, how surely; or nobody.

Doses that explain growth and pass the checks are culprits. What grows with the clock, or with every request alike, is
no route's: then the cause is unknown, unless all requests slowed down at once with it (the monitoring). Routes that
only got slower are victims.
"""

from __future__ import annotations

import numpy as np

from floodmark.diagnosis.benign import benign
from floodmark.diagnosis.certify import Checks, check
from floodmark.diagnosis.collinear import inseparable
from floodmark.diagnosis.dose import ALL
from floodmark.diagnosis.explain import Explanation
from floodmark.diagnosis.growthclock import assumed_sources
from floodmark.diagnosis.incident import Cause, CauseKind, EvidenceItem, Interval, Rival, Role
from floodmark.diagnosis.options import DEFAULT, Options
from floodmark.diagnosis.patterns.fragmentation import heap_share
from floodmark.diagnosis.rivals import rivals
from floodmark.diagnosis.scene import Scene, View, regression_rows
from floodmark.diagnosis.services import Judged
from floodmark.diagnosis.strength import Strength, strengths
from floodmark.diagnosis.victims import Victim, slowdown, victims
from floodmark.diagnosis.wording import figure, per_cent
from floodmark.evidence.nouns import Evidence, Floats

KINDS: dict[str, CauseKind] = {"endpoint": "endpoint", "task": "task", "connections": "connections"}

CONFIDENCE = {"certified": 0.95, "suspected": 0.7, "correlated": 0.4}
"""Of a culprit by its grade. Measured on 279 generated cases: of 161 routes and tasks that were named with 0.9 and more 158
were culprits; with less only 14 were named, 13 of them rightly, too few to calibrate by."""


def attribute(evidence: Evidence, judged: tuple[Judged, ...], options: Options = DEFAULT) -> tuple[Cause, ...]:
    """Causes of every service, culprits first, the largest share first."""
    doubtful = assumed_sources(evidence)
    return tuple(cause for one in judged for cause in causes_of(one, options, doubtful))


def causes_of(judged: Judged, options: Options, doubtful: frozenset[str] = frozenset()) -> tuple[Cause, ...]:
    """Causes of one service. `doubtful` are paths of logs whose clock nobody knows."""
    scene = judged.scene
    if judged.finding.verdict != "leak" or scene.view is None:
        return benign(scene, judged.finding) if judged.finding.verdict == "no-leak" else ()
    said = scene.explanation
    if said is None or not said.chosen:
        return (_nobody(scene, said, doubtful),)
    suffering = victims(scene, frozenset(said.candidates[index].name for index in said.chosen))
    found = _chosen(scene, scene.view, said, suffering, options)
    nobody = () if any(cause.role == "culprit" for cause in found) else (_nobody(scene, said, doubtful),)
    return (*nobody, *found, *(_victim(scene, one) for one in suffering))


def _chosen(
    scene: Scene, view: View, said: Explanation, suffering: tuple[Victim, ...], options: Options
) -> list[Cause]:  # fmt: skip
    """The causes that the chosen doses are, culprits first; those too small to be worth a word are left out."""
    rows, growth, nuisance = regression_rows(view, scene.candidates)
    known = strengths(said, rows, growth, nuisance, _covered_mb(view, growth), options)
    found = []
    for index in said.chosen:
        if known[index].share >= options.contributing_share:
            checks = check(said, index, rows, growth, nuisance, options)
            found += _dosed(scene, said, index, known[index], checks, suffering, rows, options)
    return sorted(found, key=lambda cause: (cause.role != "culprit", -(cause.share or 0.0), cause.name))


def _covered_mb(view: View, growth: Floats) -> float:
    """The growth that doses can explain: all of it, or what happened while there were logs."""
    whole = float(view.fine[view.stretch.end] - view.fine[view.stretch.begin])
    return (
        view.stretch.mb * float(np.clip((growth[-1] - growth[0]) / whole, 0.0, 1.0)) if whole > 0 else view.stretch.mb
    )


def _dosed(
    scene: Scene, said: Explanation, index: int, strength: Strength, checks: Checks, suffering: tuple[Victim, ...],
    rows: Floats, options: Options,
) -> list[Cause]:  # fmt: skip
    """The cause that a chosen dose is, and those that cannot be told from it."""
    one = said.candidates[index]
    if one.name == ALL or one.dose.monitoring:
        least = options.culprit_share if said.chosen[0] != index else options.certify_share
        return [_everything(scene, said, strength)] if strength.share >= least else []
    group = inseparable(said, index, rows, options)
    grade = checks.grade(options)
    role: Role = "culprit" if _guilty(said, index, strength, grade, options) else "contributing"
    confidence = CONFIDENCE[grade] * min(1.0, 0.5 + checks.frequency / 2.0)
    if group:
        confidence = min(confidence, 0.5)
    members = [index, *group]
    causes = []
    for member in members:
        candidate, events = said.candidates[member], max(float(said.events[member]), 1.0)
        scale = strength.events / events
        interval = Interval(strength.mb_per_event * scale, strength.low * scale, strength.high * scale)
        others = tuple(said.candidates[k].name for k in members if k != member)
        kind = "monitoring" if candidate.dose.monitoring else KINDS[candidate.dose.kind]
        causes.append(Cause(
            scene.service, kind, candidate.name, role, strength.share, round(confidence, 4), interval, others,
            _evidence(said, index, member, strength, checks, others), rivals(scene, said, index, checks, suffering),
        ))  # fmt: skip
    return causes


def _guilty(said: Explanation, index: int, strength: Strength, grade: str, options: Options) -> bool:
    if grade == "correlated":
        return False
    first = said.chosen[0] == index
    least = options.culprit_share if not first else options.certify_share
    # Beside a larger cause, a small one must be sure to be there at all.
    return strength.share >= least and (first or (grade == "certified" and strength.share_low >= options.sure_share))


def _evidence(
    said: Explanation, index: int, member: int, strength: Strength, checks: Checks, others: tuple[str, ...]
) -> tuple[EvidenceItem, ...]:
    """The chain: what was counted, what follows it, and each check in words."""
    place = said.candidates[member].dose.place
    name = said.candidates[member].name
    items = [
        f"{figure(strength.events)} of {name} in {figure(said.hours)} h; {_followed(said.lag_minutes)}: "
        f"{figure(strength.mb_per_event)} MB each (90% interval {figure(strength.low)} to {figure(strength.high)}), "
        f"{per_cent(strength.share)} of the growth.",
        f"Chance: shifted in time, no route matches the growth as well in {per_cent(1 - checks.p)} of the shifts.",
        f"Replication: it leads in {per_cent(checks.frequency)} of the block resamples, and stands without any sixth "
        f"of the time in {per_cent(checks.left_out)} of the cases.",
        "Its later requests raise memory as its first did: no high water mark." if checks.again else
        "Its later requests raise memory less than its first.",
    ]  # fmt: skip
    if checks.precedes is not None:
        items.append("Growth follows it in time." if checks.precedes else "Growth does not clearly follow it in time.")
    if others:
        items.append(
            f"Its requests come together with those of {', '.join(others)}: the evidence cannot tell them apart."
        )
    return tuple(EvidenceItem(text, place.source, place.line) for text in items)


def _followed(lag_minutes: float) -> str:
    """How memory moves with what was counted; a negative lag is that of a log whose lines are written at the end."""
    if lag_minutes < 0:
        return f"memory moves with them minute by minute, {figure(-lag_minutes)} min ahead of their lines in the log"
    later = f", {figure(lag_minutes)} min later" if lag_minutes else ""
    return f"memory follows them minute by minute{later}"


def _everything(scene: Scene, said: Explanation, strength: Strength) -> Cause:
    """Growth with every request alike: the monitoring where all routes slowed down with it, else unknown."""
    if _monitoring(scene):
        return _monitor(scene, strength)
    text = (
        f"Memory grows with requests of every kind alike, {figure(1000 * strength.mb_per_event)} kB each: "
        f"something that all pass through, not one route."
    )
    decide = "Switch middlewares off one by one on a canary, the monitoring first."
    return Cause(
        scene.service, _unseen(scene), "something every request passes through", "culprit", strength.share, 0.4,
        Interval(strength.mb_per_event, strength.low, strength.high), (), (EvidenceItem(text),),
        (Rival("the monitoring itself", "Requests did not all slow down when growth began.", decide),),
    )  # fmt: skip


def _unseen(scene: Scene) -> CauseKind:
    """native where Python's heap is known not to have grown; else unknown."""
    seen = heap_share(scene)
    return "native" if seen is not None and seen <= scene.options.heap_flat_share else "unknown"


def _monitoring(scene: Scene) -> bool:
    slower = slowdown(scene)
    return slower is not None and slower[0] >= scene.options.monitoring_slowdown_seconds and slower[1] >= 0.8


def _monitor(scene: Scene, strength: Strength | None) -> Cause:
    slower = slowdown(scene)
    assert slower is not None
    text = (
        f"{per_cent(slower[1])} of the routes slowed down together by about {figure(slower[0])} s when growth began, "
        f"fast ones too: a cost that every request pays."
    )
    rival = Rival(
        "a single route", "No route explains the growth better than all of them together.",
        "Switch the profiling middleware off on one replica and compare both growth and the fastest route.",
    )  # fmt: skip
    return Cause(
        scene.service, "monitoring", "monitoring middleware", "culprit", None if strength is None else strength.share,
        0.7, None if strength is None else Interval(strength.mb_per_event, strength.low, strength.high), (),
        (EvidenceItem(text),), (rival,),
    )  # fmt: skip


def _nobody(scene: Scene, said: Explanation | None, doubtful: frozenset[str]) -> Cause:
    """No dose explains the growth: unknown, with what was asked and what would decide."""
    if _monitoring(scene):
        return _monitor(scene, None)
    assert scene.view is not None
    if said is None:
        text = "There is no record of requests, tasks or connections of this service that the growth could follow."
    else:
        share = max(said.time_mb_per_hour * said.hours, 0.0) / max(scene.view.stretch.mb, 1e-9)
        text = (
            f"{per_cent(min(share, 1.0))} of the growth goes on with the clock, whatever is asked for: none of "
            f"{len(said.candidates)} doses explains it."
        )
    decide = "Take the traffic off one replica: growth that goes on is a timer's, a thread's or the monitoring's."
    return Cause(
        scene.service, "unknown", "unknown", "culprit", None, 0.0, None, (), (EvidenceItem(text),),
        (
            Rival("the monitoring itself", "It comes at a constant pace, as the growth does.",
                  "Switch it off on one replica."),
            Rival("a background task or thread", "Nothing is recorded of it.", decide),
            *_other_clock(scene, doubtful),
        ),
    )  # fmt: skip


def _other_clock(scene: Scene, doubtful: frozenset[str]) -> tuple[Rival, ...]:
    """Work that a log tells of whose clock is not known may be hours from where it is looked for."""
    paths = sorted({one.dose.place.source for one in scene.candidates if one.dose.place.source in doubtful})
    if not paths:
        return ()
    against = (
        f"No zone is stated in {paths[0]}, so its times were taken as UTC; at no other offset does it explain more."
    )
    return (Rival("work at other times than its log seems to say", against,
                  f"Give the zone of its clock: --zone '{paths[0]}=Continent/City'."),)  # fmt: skip


def _victim(scene: Scene, one: Victim) -> Cause:
    place = one.candidate.dose.place
    text = (
        f"Its mean duration went from {figure(one.before)} s before the growth to {figure(one.late)} s late in it; "
        f"memory does not follow its requests."
    )
    return Cause(
        scene.service, KINDS[one.candidate.dose.kind], one.candidate.name, "victim", None, 0.8, None, (),
        (EvidenceItem(text, place.source, place.line),), (),
    )  # fmt: skip
