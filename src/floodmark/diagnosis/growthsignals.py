"""Growth over time, for the rules: the slow clock for services that leak, quarter hours of IATI work, how many leak.

The growth of a window is what neither warm-up nor load explains (`scene.View.excess`), and its interval is made as that
of the whole growth is (`growth.rate`): noise of the floor at both ends, what is uncertain in warm-up and load.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from floodmark.diagnosis.growth import LEAST_ERROR, WARM_UP_ERROR, Z90
from floodmark.diagnosis.incident import Service
from floodmark.diagnosis.options import Options
from floodmark.diagnosis.rules import Signal, SignalName
from floodmark.diagnosis.scene import View
from floodmark.diagnosis.services import Judged
from floodmark.diagnosis.signals import HOUR, endpoints, is_iati, summed, times
from floodmark.evidence.nouns import Evidence, Floats, Place

STEP_SECONDS = 900.0
"""How often growth is looked at, at most, and the length of the quarter hours of IATI work."""

STEPS = 12
"""Looks within one length of the slow clock: with its three hours that is every 15 minutes. A watch over a shorter
window has a shorter clock, and would else say "for 15 min" of growth that it saw for two."""

ENDS_ERROR = 1.5
LOAD_ERROR = 0.25
"""Shares of noise and of memory in use by load that are uncertain in a difference (as in `growth.rate`)."""


def growth_signals(evidence: Evidence, judged: Sequence[Judged]) -> Iterator[Signal]:
    """`growth` for each service that leaks, `iati-growth` for each that served IATI, `leaking-services` for all."""
    for one in judged:
        view = one.scene.view
        if view is None:
            continue
        if one.service.verdict == "leak":
            step = step_seconds(one.scene.options)
            slow = min(one.scene.options.min_hours * HOUR, max(view.hours * HOUR / 2, step))
            yield from _between(replace(_slopes("growth", one, view, slow, step), ends=view.end), view)
        yield from _iati_growth(evidence, one, view)
    steps = [step_seconds(one.scene.options) for one in judged]
    yield from leaking_services([one.service for one in judged], min(steps, default=STEP_SECONDS))


def step_seconds(options: Options) -> float:
    """How often growth is looked at."""
    return min(STEP_SECONDS, options.min_hours * HOUR / STEPS)


def _slopes(name: SignalName, judged: Judged, view: View, width_seconds: float, step: float) -> Signal:
    """Growth over each stretch of that width, one every `step` seconds; `at` is where the stretch begins."""
    track = view.track
    width = max(round(width_seconds / track.step), 1)
    every = max(round(step / track.step), 1)
    begin = np.arange(0, max(len(track.at) - width, 0), every)
    end = begin + width
    hours = np.maximum((track.at[end] - track.at[begin]) / HOUR, 1e-9)
    mb = view.excess[end] - view.excess[begin]
    error = np.sqrt(
        (ENDS_ERROR * view.stretch.noise_mb) ** 2
        + (WARM_UP_ERROR * (view.warm.gain[end] - view.warm.gain[begin])) ** 2
        + (LOAD_ERROR * (view.load.mb[end] - view.load.mb[begin])) ** 2
        + (LEAST_ERROR * mb) ** 2
    )
    low, high = (mb - Z90 * error) / hours, (mb + Z90 * error) / hours
    return Signal(
        name, judged.service.service, track.at[begin], mb / hours, every * track.step, low, high, _place(judged)
    )


def _place(judged: Judged) -> Place | None:
    series = judged.scene.of(judged.service.measure or "")
    return series[0].place if series else None


def _between(signal: Signal, view: View) -> Iterator[Signal]:
    """The part of a signal whose stretches begin within the growth: outside it there is nothing to alarm about."""
    inside = (signal.at >= view.start - signal.step_seconds) & (signal.at < view.end)
    if inside.any():
        yield _part(signal, inside)


def _part(signal: Signal, chosen: np.ndarray) -> Signal:
    return Signal(
        signal.name, signal.service, signal.at[chosen], signal.value[chosen], signal.step_seconds,
        None if signal.low is None else signal.low[chosen], None if signal.high is None else signal.high[chosen],
        signal.place, signal.ends,
    )  # fmt: skip


def _iati_growth(evidence: Evidence, judged: Judged, view: View) -> Iterator[Signal]:
    """Growth in the quarter hours in which the service answered IATI requests."""
    doses = [one for one in endpoints(evidence) if one.service == judged.service.service and is_iati(one.name)]
    if not doses:
        return
    asked, _ = summed((one.bin, one.starts) for one in doses)
    signal = _slopes("iati-growth", judged, view, STEP_SECONDS, STEP_SECONDS)
    busy = _busy(signal.at, signal.step_seconds, times(asked, evidence.bin_seconds))
    if busy.any():
        yield _part(signal, busy)


def _busy(at: Floats, step: float, asked: Floats) -> np.ndarray:
    """Which stretches [at, at + step) hold one of the times asked (ascending)."""
    return np.searchsorted(asked, at + step) > np.searchsorted(asked, at)


def leaking_services(services: Sequence[Service], step: float = STEP_SECONDS) -> Iterator[Signal]:
    """How many services leak at the same time, from the first onset to the last end."""
    leaking = [one for one in services if one.verdict == "leak" and one.growth is not None]
    if not leaking:
        return
    begun = [(one.onset or one.growth.start).seconds for one in leaking if one.growth]
    ended = [(one.end or one.growth.end).seconds for one in leaking if one.growth]
    at = np.arange(min(begun), max(ended), step)
    count = np.array([sum(b <= t < e for b, e in zip(begun, ended, strict=True)) for t in at], np.float64)
    if len(at):
        yield Signal("leaking-services", None, at, count, step)
