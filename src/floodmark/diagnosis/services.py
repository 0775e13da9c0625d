"""Judge every service: its pattern, its verdict with the reason, how fast it grows and since when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floodmark.diagnosis.audit import Audit
from floodmark.diagnosis.dose import WORK, Shared
from floodmark.diagnosis.growth import Rate, rate
from floodmark.diagnosis.incident import Chart, Growth, Point, Service, SeverityWord, Time
from floodmark.diagnosis.options import DEFAULT, Options
from floodmark.diagnosis.patterns import Finding, find
from floodmark.diagnosis.scene import Scene, View, redated, scene
from floodmark.evidence.nouns import MEMORY_MEASURES, Evidence, Floats

MB = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A service as the incident file has it, with what it was judged by."""

    service: Service
    scene: Scene
    finding: Finding
    rate: Rate | None

    @property
    def view(self) -> View | None:
        """What the finding speaks of: the best track, or the container as a whole."""
        return shown(self.scene, self.finding)


def judge(evidence: Evidence, audit: Audit, options: Options = DEFAULT) -> tuple[Judged, ...]:
    """Every service with a measure of memory, usable or not, by name. Equal evidence gives equal judgements."""
    shared: Shared = {}
    return tuple(_judge_service(evidence, audit, name, options, shared) for name in _names(evidence, audit))


def _judge_service(evidence: Evidence, audit: Audit, name: str, options: Options, shared: Shared) -> Judged:
    seen = scene(evidence, audit, name, options, shared)
    finding = find(seen)
    if finding.verdict == "leak":
        seen, finding = _redated(seen, finding)
    measured = rate(seen) if seen.view is not None else None
    return Judged(_service(seen, finding, measured), seen, finding, measured)


def _redated(seen: Scene, finding: Finding) -> tuple[Scene, Finding]:
    """A leak from where its doses say that it began. Never asked of what the curve alone does not call a leak: from a
    begin that was looked for, two warm-ups of 995 services looked like leaks (measured on generated cases)."""
    later = redated(seen)
    again = find(later)
    return (later, again) if again.verdict == finding.verdict else (seen, finding)


def _names(evidence: Evidence, audit: Audit) -> list[str]:
    """Services with any series of memory, refused or not, and those that did any work: what is not known is said."""
    named = {one.service for one in evidence.series if one.measure in (*MEMORY_MEASURES, "rate", "events")}
    named |= {one.service for one in audit.usable}
    named |= {one.service for one in evidence.doses if one.kind in WORK and one.service is not None}
    return sorted(name for name in named if name)


def shown(seen: Scene, finding: Finding) -> View | None:
    """The view that a finding speaks of."""
    return seen.whole if finding.of_container else seen.view


def _service(seen: Scene, finding: Finding, measured: Rate | None) -> Service:
    view, leaking = shown(seen, finding), finding.verdict == "leak"
    growth = _growth(seen, finding, measured)
    current = _current_mb(seen)
    return Service(
        service=seen.service,
        instances=_instances(seen),
        measure=None if view is None else view.track.measure,
        growth=growth,
        pattern=finding.pattern,
        verdict=finding.verdict,
        severity=severity(growth.low if growth and leaking else None, seen.options),
        onset=Time(view.start) if leaking and view is not None else None,
        end=Time(view.end) if leaking and view is not None and not view.stretch.lasting else None,
        restarts=len(seen.starts) if view is not None or seen.starts else None,
        processes_peak=_processes_peak(seen),
        reason=finding.reason,
        hours_to_limit=_hours_to_limit(seen, growth, current) if leaking else None,
        limit_mb=seen.limit_mb,
        chart=_chart(seen),
    )


def severity(low_mb_per_hour: float | None, options: Options) -> SeverityWord:
    """From the lower bound: a page must be true. The thresholds are the origin report's."""
    if low_mb_per_hour is None or low_mb_per_hour < options.warning_mb_per_hour:
        return "none"
    if low_mb_per_hour < options.critical_mb_per_hour:
        return "warning"
    return "critical" if low_mb_per_hour < options.emergency_mb_per_hour else "emergency"


def _growth(seen: Scene, finding: Finding, measured: Rate | None) -> Growth | None:
    """The rate over its stretch where there is growth to speak of, else over all of the evidence."""
    view = shown(seen, finding)
    if measured is None or view is None or (finding.verdict == "unknown" and finding.pattern == "unknown"):
        return None
    if finding.verdict == "leak":
        at = None if measured.peak_at is None else Time(measured.peak_at)
        return Growth(
            measured.mb_per_hour, measured.low, measured.high, Time(measured.start), Time(measured.end),
            measured.peak_mb_per_hour, at,
        )  # fmt: skip
    return _whole_growth(view)


def _whole_growth(view: View) -> Growth:
    """Growth that stayed over the whole of the evidence, for a service that does not leak."""
    track = view.track
    hours = max(track.span_hours, 1e-9)
    mb = float(np.median(view.excess[-5:]) - np.median(view.excess[:5]))
    warmed = float(view.warm.gain[-1] - view.warm.gain[0])
    error = float(np.hypot(1.5 * view.stretch.noise_mb, 0.1 * warmed))
    low, high = (mb - 1.645 * error) / hours, (mb + 1.645 * error) / hours
    return Growth(mb / hours, low, high, Time(float(track.at[0])), Time(float(track.at[-1])))


def _instances(seen: Scene) -> tuple[str, ...]:
    return tuple(sorted({one.instance for one in seen.series if one.instance}))


def _current_mb(seen: Scene) -> float | None:
    view = seen.whole or seen.view
    return None if view is None else float(np.median(view.track.level[-5:]))


def _hours_to_limit(seen: Scene, growth: Growth | None, current: float | None) -> float | None:
    """Hours until the limit at the rate of the growth; None without limit, or where the growth has ended."""
    if seen.limit_mb is None or growth is None or current is None or not growth.mb_per_hour:
        return None
    if seen.view is None or not seen.view.stretch.lasting or growth.mb_per_hour <= 0:
        return None
    return max((seen.limit_mb - current) / growth.mb_per_hour, 0.0)


def _processes_peak(seen: Scene) -> int | None:
    """Most processes alive at one instant."""
    counted = [int(one.value.max()) for one in seen.of("processes") if len(one.value)]
    if counted:
        return max(counted)
    if seen.view is not None and seen.view.track.grain == "process":
        return int(seen.view.track.alive.max())
    return None


def _chart(seen: Scene) -> Chart | None:
    """The floor of the service and its containers (or the container and its parts), thinned."""
    view = seen.view
    if view is None:
        return None
    shown = seen.whole or view
    # Only what is shown: a median of every stretch of every life was a third of a diagnosis of a hundred processes.
    lives = shown.track.lives[-seen.options.max_chart_lines :]
    lines = [_line(life.instance or seen.service, life.at, life.mb, seen.options) for life in lives]
    if seen.whole is not None:
        alive = view.track.alive > 0
        lines.append(_line("floor of its processes", view.track.at[alive], view.track.level[alive], seen.options))
    return Chart(shown.track.measure, tuple(lines[-seen.options.max_chart_lines :]))


def _line(name: str, at: Floats, mb: Floats, options: Options) -> tuple[str, tuple[Point, ...]]:
    """At most `max_chart_points`: the median of each stretch, and the last sample as it is."""
    width = max(1, -(-len(at) // (options.max_chart_points - 1)))
    whole = len(at) // width * width
    medians = np.median(mb[:whole].reshape(-1, width), axis=1).tolist()
    if whole < len(at):
        medians.append(float(np.median(mb[whole:])))
    points = [Point(Time(moment), round(one, 3)) for moment, one in zip(at[::width].tolist(), medians, strict=True)]
    points.append(Point(Time(float(at[-1])), round(float(mb[-1]), 3)))
    return name, tuple(points)
