"""Causes of what is no leak: load, a cache, the allocator, files, more processes."""

from __future__ import annotations

from collections.abc import Callable

from floodmark.diagnosis.incident import Cause, CauseKind, EvidenceItem, Interval, Rival
from floodmark.diagnosis.patterns import Finding
from floodmark.diagnosis.patterns.plateau import known_level
from floodmark.diagnosis.patterns.process_count import keeps_rising
from floodmark.diagnosis.scene import Scene
from floodmark.diagnosis.slowness import Slowness, slowness
from floodmark.diagnosis.wording import figure, moment, per_cent


def benign(scene: Scene, finding: Finding) -> tuple[Cause, ...]:
    """The cause of a harmless pattern; nothing where there is nothing to explain."""
    slow = slowness(scene) if finding.pattern in ("traffic-bound", "steady", "sawtooth") else None
    if slow is not None:
        return (_database(scene, slow),)
    make = MAKERS.get(finding.pattern)
    cause = make(scene, finding) if make is not None else None
    return () if cause is None else (cause,)


def _database(scene: Scene, slow: Slowness) -> Cause:
    text = (
        f"From {moment(slow.start)} to {moment(slow.end)} requests of every route took {figure(slow.factor)} times as long "
        f"as usual, fast ones too, with {per_cent(slow.traffic)} of the usual traffic: what they all wait for was slow, "
        f"the database first of all."
    )
    rival = Rival(
        "a starved machine", "Nothing here tells it from the database.",
        "Read the database's own log of slow statements, and the throttling of the container, for those hours.",
    )  # fmt: skip
    return _cause(scene, "database", "what every request waits for", None, 0.6, text, rival)


def _cause(
    scene: Scene, kind: CauseKind, name: str, share: float | None, confidence: float, text: str, rival: Rival
) -> Cause:
    source = scene.series[0].place.source if scene.series else None
    view = scene.whole or scene.view
    if view is not None and view.track.lives:
        source = view.track.lives[0].source
    return Cause(
        scene.service, kind, name, "culprit", share, confidence, mb_per_event=None,
        evidence=(EvidenceItem(text, source),), rivals=(rival,),
    )  # fmt: skip


def _traffic(scene: Scene, finding: Finding) -> Cause:
    view = next(one for one in (scene.whole, scene.view) if one is not None and one.load.swing_mb == finding.swing_mb)
    text = (
        f"{per_cent(view.load.share)} of the variance of memory follows the requests at work and the request rate; "
        f"{figure(view.load.swing_mb)} MB come and go with them."
    )
    rival = Rival(
        "a leak", "The floor after the load is that of before.",
        "Compare the floor at equal load before and after: the same floor clears it.",
    )  # fmt: skip
    return _cause(
        scene, "traffic", "traffic", min(view.load.share, 1.0), min(0.5 + 0.5 * view.load.share, 0.97), text, rival
    )


def _cache(scene: Scene, finding: Finding) -> Cause | None:
    # Where the container levelled off and its processes are flat, no cache of theirs is what filled.
    if scene.view is None or finding.of_container or known_level(scene.view) is not None:
        return None
    bent = scene.saturation
    clock = "hours" if bent is None else bent.clock
    text = f"{finding.reason} The curve that fits best fills up with {clock.strip('()')}."
    rival = Rival(
        "a leak", "Growth per request went down while requests went on.",
        "Watch the next full day: a cache stays at its level, a leak leaves it.",
    )  # fmt: skip
    return _cause(scene, "cache", "a cache that fills", 1.0, 0.8, text, rival)


def _fragmentation(scene: Scene, finding: Finding) -> Cause:
    rival = Rival(
        "a leak in native code", "It would go on per request; this bends.",
        "Read mallinfo2 (in use against free), or call malloc_trim on one worker: what returns was fragmentation.",
    )  # fmt: skip
    return _cause(scene, "fragmentation", "the allocator", 1.0, 0.75, finding.reason, rival)


def _page_cache(scene: Scene, finding: Finding) -> Cause:
    rival = Rival(
        "a leak", "The memory of the processes is flat.", "Read anon and file in memory.stat: only anon can leak."
    )
    return _cause(scene, "page-cache", "files kept by the kernel", 1.0, 0.9, finding.reason, rival)


def _processes(scene: Scene, finding: Finding) -> Cause | None:
    if not keeps_rising(scene):
        return None
    rival = Rival(
        "a leak within a process", "One process holds the same throughout.",
        "Count distinct pids at one instant, and find what starts them.",
    )  # fmt: skip
    return _cause(scene, "processes", "more processes", 1.0, 0.9, finding.reason, rival)


MAKERS: dict[str, Callable[[Scene, Finding], Cause | None]] = {
    "traffic-bound": _traffic,
    "plateau": _cache,
    "fragmentation": _fragmentation,
    "page-cache": _page_cache,
    "process-count": _processes,
}
"""pattern -> its cause."""

__all__ = ["Interval", "benign"]
