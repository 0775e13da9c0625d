"""All that is known about the memory of one service, computed once, for the patterns to look at and judge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from floodmark.diagnosis.audit import Audit
from floodmark.diagnosis.coverage import covered, stitched
from floodmark.diagnosis.dose import Candidate, Shared, candidates, in_flight, served_per_life
from floodmark.diagnosis.doseonset import since
from floodmark.diagnosis.explain import Explanation, explain
from floodmark.diagnosis.load import Load, load_memory
from floodmark.diagnosis.onset import Stretch, stretch
from floodmark.diagnosis.options import Options
from floodmark.diagnosis.regress import Matrix
from floodmark.diagnosis.saturation import Saturation, saturation
from floodmark.diagnosis.track import Track, container_track, track
from floodmark.diagnosis.warmup import WarmUp, warm_up
from floodmark.evidence.nouns import Event, Evidence, Floats, Series

MB = 1e6

NEWS = ("start", "restart", "deploy", "oom-kill", "evicted", "scaled")
"""Events after which something may be different."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One track with what is no growth taken off (n, MB each).

    excess   growth that stays: gain less warm-up and load
    fine     the track's fine gain less warm-up, load left in: for the regressions, which weigh the load themselves
    """

    track: Track
    warm: WarmUp
    load: Load
    excess: Floats
    fine: Floats
    stretch: Stretch

    @property
    def start(self) -> float:
        """When the growth begins, in seconds."""
        return float(self.track.at[self.stretch.begin])

    @property
    def end(self) -> float:
        """When it ends, or the evidence does."""
        return float(self.track.at[self.stretch.end])

    @property
    def hours(self) -> float:
        """Length of the growth."""
        return max((self.end - self.start) / 3600.0, 1e-9)

    @property
    def level_mb(self) -> float:
        """What the service held before the growth, or at its begin where nothing was before."""
        before = self.track.level[: self.stretch.begin][self.track.alive[: self.stretch.begin] > 0]
        return float(np.median(before)) if len(before) >= 10 else float(np.median(self.track.level[:10]))


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One service.

    view       the best track; None where nothing usable was measured
    whole      the container as a whole, where the best track is per process
    starts     times at which its container began anew (not the recycling of workers)
    news       events of the service that may have changed something
    """

    service: str
    options: Options
    window: tuple[float, float]
    view: View | None
    whole: View | None
    candidates: tuple[Candidate, ...]
    explanation: Explanation | None
    saturation: Saturation | None
    series: tuple[Series, ...]
    starts: tuple[float, ...]
    news: tuple[Event, ...]
    limit_mb: float | None

    def of(self, *measures: str) -> list[Series]:
        """Series of the service that may at least corroborate."""
        return [one for one in self.series if one.measure in measures]


def scene(evidence: Evidence, audit: Audit, service: str, options: Options, shared: Shared) -> Scene:
    """Look at one service. Costs about a second for five days at two minutes and eighty routes."""
    usable = [one for one in audit.usable if one.service == service]
    events = [one for one in evidence.events if one.service in (None, service)]
    found = candidates(evidence, service, options, shared)
    best = track(service, usable, events, options)
    view = _view(best, found, events, options) if best is not None else None
    container = (
        container_track(service, usable, events, options) if best is not None and best.grain == "process" else None
    )
    whole = _view(container, found, events, options) if container is not None else None
    said, bent = _asked(view, found, options) if view is not None else (None, None)
    series = tuple(one for one in (*audit.usable, *audit.corroborating) if one.service == service)
    window = evidence.window or _window(series)
    return Scene(
        service, options, window, view, whole, found, said, bent, series, _starts(events, view, whole),
        tuple(one for one in events if one.kind in NEWS and one.process is None), _limit(evidence, service),
    )  # fmt: skip


def by_container(one: Scene) -> Scene:
    """The same service judged by its container as a whole; it must have one beside its processes."""
    assert one.whole is not None
    return replace(_looked_at(one, one.whole), whole=None)


def redated(one: Scene) -> Scene:
    """The same service looked at from where its doses say that the growth began; itself where they say nothing else."""
    view, said = one.view, one.explanation
    begin = None if view is None or said is None else since(
        view.track, view.fine - view.load.mb, view.stretch, said, one.options
    )  # fmt: skip
    if view is None or begin is None:
        return one
    moved = _snapped(replace(view.stretch, begin=begin), view.track, one.news, one.options)
    return one if moved.begin == view.stretch.begin else _looked_at(one, replace(view, stretch=moved))


def _looked_at(one: Scene, view: View) -> Scene:
    said, bent = _asked(view, one.candidates, one.options)
    return replace(one, view=view, explanation=said, saturation=bent)


def _view(found: Track, doses: tuple[Candidate, ...], events: list[Event], options: Options) -> View:
    warm = warm_up(found, served_per_life(doses, found))
    # Twice: where growth begins with the load still in it says from which quiet time the load may be learned.
    first = stretch(found.hours, found.gain - warm.gain, options)
    load = load_memory(found, found.gain - warm.gain, doses, first.begin)
    excess, fine = found.gain - warm.gain - load.mb, found.fine - warm.gain
    return View(
        found, warm, load, excess, fine, _snapped(stretch(found.hours, excess, options), found, events, options)
    )


def _snapped(found: Stretch, where: Track, events: Iterable[Event], options: Options) -> Stretch:
    """A growth that begins soon after a deploy or start began with it: requests had to come first."""
    at = float(where.at[found.begin])
    grown = float(where.at[found.end] - at) / 3600.0
    reach = min(max(options.snap_hours, options.snap_share * grown), options.snap_most_hours)
    # What is told up to a quarter of an hour after the begin counts too: clocks differ.
    near = [one.at for one in events if one.kind in NEWS and one.process is None
            and -0.25 <= (at - one.at) / 3600.0 <= reach]  # fmt: skip
    if not near:
        return found
    return replace(found, begin=min(where.index(max(near)), found.end - 1))


def _asked(
    view: View, found: tuple[Candidate, ...], options: Options
) -> tuple[Explanation | None, Saturation | None]:  # fmt: skip
    """What explains the growth, and whether it saturates; nothing where there is no growth to explain, or too little."""
    if view.stretch.mb < options.min_growth_mb or view.stretch.end - view.stretch.begin < options.min_samples:
        return None, None
    times, growth, nuisance = regression_rows(view, found)
    said = explain(times, growth, nuisance, found, options) if len(times) >= options.min_samples else None
    # What passes is taken off before the shape is asked for: an hour of a large request looks like a bend.
    passes = [] if said is None else [said.passing(view.track.at)]
    every = np.column_stack([view.warm.gain, view.load.mb, in_flight(found, view.track), *passes])
    return said, saturation(view.track, view.fine, view.stretch, every, found, said)


def regression_rows(view: View, found: tuple[Candidate, ...]) -> tuple[Floats, Floats, Matrix]:
    """(times, growth in MB, nuisances) of the growth's stretch, where there are logs."""
    part = slice(view.stretch.begin, view.stretch.end + 1)
    nuisance = np.column_stack([view.warm.gain, view.load.mb, in_flight(found, view.track)])[part]
    times = view.track.at[part]
    kept = covered(found, times)
    return times[kept], stitched(view.fine[part], kept), stitched(nuisance, kept)


def _starts(events: list[Event], view: View | None, whole: View | None) -> tuple[float, ...]:
    """Starts of the container after its first: from events and from its own series, each counted once.

    Two sources tell of one start up to five minutes apart; what one source tells of a minute apart is two starts.
    """
    told = [one for one in events if one.kind in ("start", "restart", "oom-kill") and one.process is None]
    times = [(one.at, one.place.source) for one in told] + [(at, "") for at in _births(view, whole)]
    merged: list[tuple[float, str]] = []
    for at, source in sorted(times):
        if not merged or at - merged[-1][0] > (60.0 if source == merged[-1][1] else 300.0):
            merged.append((at, source))
    return tuple(at for at, _ in merged)


def _births(view: View | None, whole: View | None) -> list[float]:
    """When lives of the container began, as its own series shows; none where only its processes were measured."""
    container = whole or view
    if container is None or container.track.grain != "container":
        return []
    return [life.born for life in container.track.lives if life.born is not None]


def _window(series: tuple[Series, ...]) -> tuple[float, float]:
    times = [float(edge) for one in series for edge in (one.at[0], one.at[-1])]
    return (min(times), max(times)) if times else (0.0, 0.0)


def _limit(evidence: Evidence, service: str) -> float | None:
    """The memory limit of the service in MB, the least where several are stated."""
    stated = [one.value / MB for one in evidence.limits if one.kind == "memory" and one.service == service]
    stated += [float(np.median(one.value)) / MB for one in evidence.series
               if one.service == service and one.measure == "limit" and len(one.value)]  # fmt: skip
    return min((value for value in stated if value > 0), default=None)
