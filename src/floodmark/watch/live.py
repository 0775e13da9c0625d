"""The watch itself: collect -> store -> diagnose -> tell -> act, round after round.

One thread collects, stores and diagnoses; one delivers messages and one acts, so that an endpoint that hangs or a
restart that takes a minute costs no sample. The cost of a round follows the number of suspects: a plain line through
each series is the screen, and the whole diagnosis runs often only while something passes it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from floodmark.diagnosis.incident import Incident
from floodmark.diagnosis.options import DEFAULT, Options
from floodmark.diagnosis.pipeline import diagnose
from floodmark.diagnosis.rules import RULES, with_thresholds
from floodmark.errors import CannotWrite, FloodmarkError
from floodmark.evidence.nouns import Clock, Limit, SourceHealth
from floodmark.own_memory import give_back
from floodmark.settings import Settings
from floodmark.watch import conditions
from floodmark.watch.alerting import Alerting, Condition, Manners
from floodmark.watch.collect.base import Collected, Collector, Health
from floodmark.watch.collect.logs import LogCollector, LogRound
from floodmark.watch.collectors import collectors
from floodmark.watch.config import WatchConfig
from floodmark.watch.incidents import Incidents, Keeping
from floodmark.watch.notify.messengers import messengers
from floodmark.watch.notify.outbox import Outbox, Patience
from floodmark.watch.remedy.acting import Acting
from floodmark.watch.remedy.guard import Caution
from floodmark.watch.state import State
from floodmark.watch.store import Retention, WatchStore
from floodmark.watch.tables import evidence
from floodmark.watch.trend import Trend

log = logging.getLogger(__name__)

AGE_SECONDS = 3600.0
STANDARD_WINDOW_SECONDS = 21_600.0
"""The window that the diagnosis's own clocks are made for; another window scales them."""


@dataclass(slots=True)
class View:
    """What the dashboard and `/metrics` show: replaced as a whole after each round, read by other threads."""

    at: float = 0.0
    started: float = 0.0
    rounds: int = 0
    round_seconds: float = 0.0
    diagnose_seconds: float = 0.0
    diagnosed_at: float | None = None
    incident: Incident | None = None
    slopes: dict[str, float] = field(default_factory=dict)
    healths: tuple[Health, ...] = ()
    remarks: tuple[str, ...] = ()
    waiting: int = 0
    disk_mb: float = 0.0


class Watch:
    """Everything that runs. `run` until `stop`; `round` is one turn, for tests and for `run`, and never raises."""

    def __init__(
        self,
        settings: Settings,
        config: WatchConfig,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings, self.config, self.folder, self.clock = settings, config, folder, clock
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(f"{folder}: {error.strerror}") from None
        self.state = State(folder / "state.sqlite")
        self.store = WatchStore(folder / "samples.duckdb", _retention(settings))
        self.trend = Trend(self.store, every_seconds=settings.watch_trend_seconds)
        self.remarks = [f"{one} was damaged and moved aside" for one in _moved(self.state, self.store)]
        self.collectors = collectors(config, settings)
        self.logs = LogCollector(config, settings, self.state)
        self.healths = [Health(one.name) for one in self.collectors]
        self.outbox = Outbox(
            self.state, messengers(config, timeout_seconds=settings.watch_timeout_seconds), _patience(settings)
        )
        self.alerting = Alerting(self.state, self.outbox, _manners(settings))
        self.incidents = Incidents(self.state, self._keeping(), self._diagnose_window)
        thresholds = {one.name: float(getattr(settings, one.setting)) for one in RULES}
        self.rules = with_thresholds(thresholds)
        self.options = scaled(DEFAULT, settings.watch_window_seconds / STANDARD_WINDOW_SECONDS)
        self.started = self.clock()
        self.view = View(started=self.started)
        self._limits: dict[tuple[str | None, str], Limit] = {}
        self._aged_at = self._diagnosed_at = self._screened_at = float("-inf")
        self._slopes: dict[str, float] = {}
        self._last_at = self.started
        self._rounds = 0
        self._stopping = threading.Event()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="watch")
        self._delivery: Future[None] | None = None
        self._action: Future[None] | None = None

    # ------------------------------------------------------------------ life

    def run(self) -> None:
        """Round after round until `stop`; one that takes too long is followed at once by the next, and none is made up."""
        next_at = time.monotonic()
        while not self._stopping.is_set():
            self.round()
            next_at = max(next_at + self.settings.watch_interval_seconds, time.monotonic())
            self._stopping.wait(next_at - time.monotonic())

    def stop(self) -> None:
        """End after the round in hand."""
        self._stopping.set()

    def close(self) -> None:
        """Wait for what is under way, write everything, close everything."""
        self._threads.shutdown(wait=True)
        for collector in self.collectors:
            collector.close()
        self.logs.close()
        self.store.close()
        self.state.close()

    def remark(self, text: str) -> None:
        """Something the operator should know: logged, and on the page of sources; the last twenty are kept."""
        log.warning("%s", text)
        self.remarks = [*(one for one in self.remarks if one != text), text][-20:]

    # ------------------------------------------------------------------ one round

    def round(self) -> None:
        """Collect and store, judge where it is due, tell, tidy up: what fails of these keeps none of the rest from it.

        A full disk must not keep people from being told, nor a diagnosis that fails the samples from being stored.
        """
        begun, now = time.perf_counter(), self._now()
        steps = (self._collect, self.trend.judge, self._judge_if_due, self._deliver, self._age, self._slim)
        for step in steps:
            self._attempt(step, now)
        self._rounds += 1
        self._attempt(self._show, now, begun)

    def _attempt(self, step: Callable[..., None], *words: float) -> None:
        try:
            step(*words)
        except FloodmarkError as error:
            self.remark(str(error))
        except Exception as error:
            # Not expected, and so with its traceback in the log; it ends this step and not the watch.
            log.exception("%s failed", step.__name__)
            self.remark(f"{step.__name__.strip('_')} failed: {type(error).__name__}: {error}"[:300])

    def _judge_if_due(self, now: float) -> None:
        self._screen(now)
        if self._due(now):
            self._judge(now)

    def _show(self, now: float, begun: float) -> None:
        if self.store.left_out:
            self.remark(f"{self.store.left_out} series are left out: the store holds watch_max_series already")
        self.view = replace(
            self.view, at=now, rounds=self._rounds, round_seconds=time.perf_counter() - begun, slopes=self._slopes,
            healths=tuple(replace(one, history=list(one.history)) for one in [*self.healths, *self.logs.healths]),
            remarks=tuple(self.remarks), waiting=self.outbox.waiting(), disk_mb=self.store.disk_mb(),
        )  # fmt: skip

    def _now(self) -> float:
        now = self.clock()
        if now < self._last_at - 1:
            self.remark(f"the clock was set back by {self._last_at - now:.0f} s; samples of that time may lie twice")
        self._last_at = now
        return now

    def _collect(self, now: float) -> None:
        rounds: list[Collected] = []
        for collector, health in zip(self.collectors, self.healths, strict=True):
            begun = time.perf_counter()
            collected = _collected(collector, now)
            health.count(now, collected, time.perf_counter() - begun)
            rounds.append(collected)
            self._limits |= {(limit.service, limit.kind): limit for limit in collected.limits}
        read = self._read_logs(now)
        samples = [sample for one in rounds for sample in one.samples]
        # What a log says of a process that is measured already is the same memory a second time.
        measured = {(one.service, one.process) for one in samples}
        self.store.add(
            samples + [one for one in read.samples if (one.service, one.process) not in measured],
            read.doses,
            read.tallies,
            [event for one in rounds for event in one.events] + list(read.events),
            read.volumes,
        )
        self.logs.remember()

    def _read_logs(self, now: float) -> LogRound:
        try:
            return self.logs.collect(now)
        except Exception as error:
            # A line that breaks a reader costs the lines of this round, not the figures of the collectors.
            log.exception("logs failed")
            self.remark(f"logs: lines of one round are lost, {type(error).__name__}: {error}"[:300])
            return LogRound()

    def _screen(self, now: float) -> None:
        """Plain lines through everything, no more often than a diagnosis could follow: it reads the whole window.

        Measured with a hundred processes: once a round it was three quarters of what the watch costs.
        """
        if 0 <= now - self._screened_at < self.settings.watch_diagnose_seconds:
            return
        self._screened_at = now
        self._slopes = self.store.slopes(now - self.settings.watch_window_seconds, now + 1)

    def _due(self, now: float) -> bool:
        suspects = any(slope > self.settings.watch_screen_mb_per_hour for slope in self._slopes.values())
        busy = suspects or bool(self.state.rows("select 1 from alert where state = 'firing' limit 1"))
        wait = self.settings.watch_diagnose_seconds if busy else self.settings.watch_quiet_seconds
        return now - self._diagnosed_at >= wait or now < self._diagnosed_at

    def _judge(self, now: float) -> None:
        begun = time.perf_counter()
        self._diagnosed_at = now
        incident = self._diagnose_window(now - self.settings.watch_window_seconds, now)
        incident = replace(incident, targets=self.trend.into(incident.targets))
        found = [*conditions.of_incident(incident), *self._own_troubles(now)]
        found = [replace(one, incident=self.incidents.begin(one, now)) for one in found]
        self.alerting.update(found, now)
        self._act(incident, now)
        self.incidents.update(found, self._firing, now)
        self._keep_targets(incident, now)
        self.view = replace(
            self.view, incident=incident, diagnosed_at=now, diagnose_seconds=time.perf_counter() - begun
        )

    def _keep_targets(self, incident: Incident, now: float) -> None:
        """One row an hour and target: the last judgement of the hour, for the page over 30 days."""
        rows = [(int(now // 3600), one.name, one.target, one.unit, one.value, one.met) for one in incident.targets]
        with self.state.changes() as database:
            database.executemany("insert or replace into target values (?, ?, ?, ?, ?, ?)", rows)
            oldest = (now - self.settings.watch_keep_days * 86_400) // 3600
            database.execute("delete from target where hour < ?", (oldest,))

    def _own_troubles(self, now: float) -> list[Condition]:
        healths = [*self.healths, *self.logs.healths]
        return list(conditions.of_collectors(healths, now, self.started, self.settings.watch_blind_seconds))

    def _firing(self, service: str | None) -> bool:
        return bool(self.state.rows("select 1 from alert where state = 'firing' and service is ?", service))

    def _diagnose_window(self, since: float, until: float) -> Incident:
        seen = evidence(
            self.store, (since, until), self.settings.watch_bin_seconds,
            limits=self._limits.values(), sources=self._sources(),
        )  # fmt: skip
        return diagnose(replace(seen, routes=self.logs.routes), self.options, self.rules)

    def _sources(self) -> tuple[SourceHealth, ...]:
        own = Clock("+00:00", "stated")
        return tuple(
            SourceHealth(
                path=one.name, kind="watch", service=None, records=one.samples, rejected=one.failures,
                first=self.started, last=one.last_good_at, clock=own, remark=one.problem or "",
            )
            for one in [*self.healths, *self.logs.healths]
        )  # fmt: skip

    # ------------------------------------------------------------------ telling and acting, in threads of their own

    def _deliver(self, now: float) -> None:
        if self._delivery is None or self._delivery.done():
            self._delivery = self._threads.submit(self._in_thread, self._deliver_now, now)

    def _deliver_now(self, state: State, now: float) -> None:
        box = Outbox(state, self.outbox.messengers, self.outbox.patience)
        box.deliver(now)

    def _act(self, incident: Incident, now: float) -> None:
        if not self.config.remedy or (self._action and not self._action.done()):
            return
        self._action = self._threads.submit(self._in_thread, self._act_now, incident, now)

    def _act_now(self, state: State, incident: Incident, now: float) -> None:
        acting = Acting(
            state, self.config.remedy, self._caution(), pids_of=self._pids_of,
            verify_after_seconds=self.settings.watch_verify_seconds,
        )  # fmt: skip
        rows = state.rows("select id, service from incident where closed is null and service is not null")
        numbers = {row["service"]: row["id"] for row in rows}
        said: list[tuple[str | None, str]] = [(None, line) for line in acting.verify(self._measured, now)]
        for finding in conditions.findings(incident, now, self._youngest(now), numbers):
            folder = self.incidents.folder_of(finding.incident)
            said += [(finding.incident, line) for line in acting.consider(finding, folder, now)]
        for number, line in said:
            log.warning("%s", line)
            if number:
                self.incidents.note(number, now, "action", line)

    def _in_thread(self, work: Callable[..., None], *words: object) -> None:
        """SQLite's connections belong to one thread: each piece of work opens its own."""
        try:
            state = State(self.state.path)
            try:
                work(state, *words)
            finally:
                state.close()
        except FloodmarkError as error:
            log.error("%s", error)
        except Exception:
            # A thread's error would vanish: it is said, and the next round tries again.
            log.exception("%s failed", work.__name__)

    def _measured(self, service: str, since: float, until: float) -> tuple[float, float] | None:
        """(memory in MB at the end, growth in MB/h) of a service, or None where there are fewer than four samples."""
        interval = self.settings.watch_interval_seconds
        totals = self.store.totals(service, since, until, 2 * interval, interval)
        at, value = np.asarray(totals["moment"]), np.asarray(totals["value"]) / 1e6
        if len(at) < 4:
            return None
        slope = float(np.polyfit(at - at[0], value, 1)[0]) * 3600 if at[-1] > at[0] else 0.0
        return float(np.median(value[-max(len(value) // 4, 2) :])), slope

    def _youngest(self, now: float) -> dict[str, float]:
        latest = self.store.latest(now - 4 * self.settings.watch_interval_seconds, now)
        ages: dict[str, float] = {}
        for service, started in zip(latest["service"], latest["started"], strict=True):
            if started is not np.ma.masked and started == started:
                ages[str(service)] = min(ages.get(str(service), np.inf), now - float(started))
        return ages

    def _pids_of(self, service: str) -> list[int]:
        latest = self.store.latest(self._last_at - 4 * self.settings.watch_interval_seconds, self._last_at)
        rows = zip(latest["service"], latest["process"], strict=True)
        return sorted({int(process) for name, process in rows if name == service and str(process).isdigit()})

    # ------------------------------------------------------------------ housekeeping

    def _age(self, now: float) -> None:
        if 0 <= now - self._aged_at < AGE_SECONDS:
            return
        self._aged_at = now
        keep = max(2 * self.settings.watch_window_seconds, self.settings.watch_raw_hours * 3600)
        self.store.drop_counts_before(int((now - keep) // self.settings.watch_bin_seconds))
        self.store.age(now)
        self.outbox.prune(now)

    def _slim(self, now: float) -> None:
        """Between rounds the watch holds what it knows and little else; after work that read much, that is let go too."""
        if now in (self._diagnosed_at, self._aged_at):
            self.store.reopen()
        give_back()

    def _keeping(self) -> Keeping:
        window = self.settings.watch_window_seconds
        return Keeping(
            folder=self.folder / "incidents",
            lead_seconds=window,
            max_window_seconds=max(8 * window, 48 * 3600.0 * window / STANDARD_WINDOW_SECONDS),
            rewrite_seconds=max(300.0 * window / STANDARD_WINDOW_SECONDS, self.settings.watch_diagnose_seconds),
            reopen_seconds=window,
            max_incidents=self.settings.watch_max_incidents,
        )

    def _caution(self) -> Caution:
        return Caution(
            severity=self.settings.watch_act_severity,
            slow_clock_seconds=self.settings.watch_act_after_seconds,
            start_up_seconds=self.settings.watch_start_up_seconds,
        )


def _collected(collector: Collector, now: float) -> Collected:
    """One round of one collector. Whatever it meets costs its own samples: an answer that no API describes, a race
    with a process that ends, a kernel that says something new. It is said on the page of sources, with its traceback
    in the log, and must not blind the watch to everything else.
    """
    try:
        return collector.collect(now)
    except Exception as error:
        log.exception("%s failed", collector.name)
        return Collected(problem=f"{collector.name}: failed with {type(error).__name__}: {error}"[:300])


def scaled(options: Options, factor: float) -> Options:
    """The diagnosis's clocks for a window `factor` times the standard one; thresholds stay as they are."""
    return replace(
        options,
        block_hours=options.block_hours * factor,
        floor_minutes=options.floor_minutes * factor,
        settle_minutes=options.settle_minutes * factor,
        min_hours=options.min_hours * factor,
        fast_minutes=options.fast_minutes * factor,
        snap_hours=options.snap_hours * factor,
        loop_life_hours=options.loop_life_hours * factor,
        young_hours=options.young_hours * factor,
        long_hours=options.long_hours * factor,
        doseless_hours=options.doseless_hours * factor,
        lags_minutes=tuple(lag * factor for lag in options.lags_minutes),
    )


def _moved(state: State, store: WatchStore) -> list[Path]:
    return [one.path for one in (state, store) if one.moved_aside]


def _retention(settings: Settings) -> Retention:
    return Retention(
        raw_seconds=settings.watch_raw_hours * 3600,
        keep_seconds=settings.watch_keep_days * 86_400,
        max_disk_mb=settings.watch_max_disk_mb,
        memory_mb=settings.watch_store_memory_mb,
        max_series=settings.watch_max_series,
    )


def _patience(settings: Settings) -> Patience:
    return Patience(
        first_retry_seconds=settings.watch_retry_seconds,
        give_up_seconds=settings.watch_give_up_seconds,
        max_waiting=settings.watch_max_waiting,
    )


def _manners(settings: Settings) -> Manners:
    return Manners(
        repeat_seconds=settings.watch_repeat_seconds,
        resolve_after_seconds=settings.watch_resolve_seconds,
        link=settings.watch_public_url or None,
    )
