"""Every constant of the diagnosis, named, with its unit and where it comes from. One frozen object, passed on.

"bench" is the project's own measurement on real pod series (docs/diagnosis.md); "origin" is the report on RSR's
incident of August 2025, whose thresholds operators know.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Thresholds, clocks, bins and bounds. `floodmark analyze` sets the first three from its settings."""

    warning_mb_per_hour: float = 50.0
    """origin: growth that is warned about."""
    critical_mb_per_hour: float = 200.0
    """origin: growth that is critical."""
    emergency_mb_per_hour: float = 500.0
    """origin: growth that triggered restarts."""

    seed: int = 20250827
    """Of every random draw: equal evidence gives equal figures."""
    interval: float = 0.90
    """Coverage that intervals aim at."""
    resamples: int = 200
    """Draws of a block bootstrap."""
    block_hours: float = 2.0
    """Length of its blocks: longer than a garbage collection, shorter than a day."""

    max_points: int = 3600
    """Grid points of one service: five days at two minutes. A longer window gets a coarser grid."""
    max_doses: int = 80
    """Doses of one service that enter the regression, the most frequent and the most telling first."""
    max_lives: int = 5000
    """Lives (processes, or containers between restarts) of one service that are told apart."""
    max_chart_points: int = 240
    """Points of one line of a chart."""
    max_chart_lines: int = 12
    """Lines of one chart."""

    floor_minutes: float = 8.0
    """A level counts once it has held so long: shorter peaks are requests at work, not growth."""
    drop_share: float = 0.5
    """A container that loses more than this share of its memory at once began anew, whatever the events say."""
    settle_minutes: float = 12.0
    """How long after a reported start the old level may still be scraped."""

    min_hours: float = 3.0
    """The slow clock: no verdict of leak from less, unless the fast clock speaks (bench: warm-up ends before)."""
    fast_minutes: float = 40.0
    """The fast clock: enough for growth at the emergency threshold."""
    min_samples: int = 20
    """Samples of a series below which nothing is said about it."""

    sparse_ratio: float = 8.0
    """PSS with so many times fewer samples than RSS is too sparse to be read growth from: the watch takes one PSS for
    twenty RSS. Their levels differ by the shared pages; their slopes, of one process, by what it shares anew."""

    min_growth_mb: float = 20.0
    """Growth of a service below which it is steady."""
    min_growth_share: float = 0.06
    """The same as a share of its own level."""
    min_growth_sigmas: float = 6.0
    """The same in standard deviations of the detrended floor."""
    min_mb_per_hour: float = 1.5
    """Growth below this is drift: large requests raise the mark of a service by up to 1 MB/h for days (measured)."""
    min_share_per_hour: float = 0.003
    """The same as a share of the service's own level."""

    onset_share: float = 0.01
    """The growth begins where this share of it has happened."""
    tail_share: float = 0.15
    """Growth that goes on at this share of its mean rate has not ended."""
    snap_hours: float = 1.0
    """An onset this long after a deploy or start is put there: requests had to come first..."""
    snap_share: float = 0.1
    """...or after this share of the growth's length, because a warm-up hides the first of it..."""
    snap_most_hours: float = 4.0
    """...but not after more than this."""

    young_hours: float = 8.0
    """The first hours of a cache with a time constant of a few hours are a line to the eye: growth that follows no dose
    must not have slowed down at all in them."""
    long_hours: float = 24.0
    """Growth that went on for a day, in a curve that has not levelled off, is no cache that anyone would build."""
    doseless_hours: float = 12.0
    """Growth that followed no dose for so long would have found one, where doses are known."""
    plateau_share: float = 0.25
    """A plateau grows at its end at less than this share of its mean rate per request (or hour)."""
    step_count: int = 3
    """Growth explained by no more jumps than this is a step."""
    step_share: float = 0.7
    """Share of the growth that those jumps explain."""
    heap_flat_share: float = 0.2
    """Where the heap grew by less than this share of the growth, Python's objects did not cause it."""

    traffic_rise_share: float = 0.15
    """Swing of memory with load, as a share of the level, that makes a service traffic-bound."""
    traffic_rise_mb: float = 40.0
    """The same in MB."""
    count_rise_share: float = 0.5
    """Rise of the number of processes, against its median before, that counts as proliferation."""
    page_cache_rise_share: float = 0.5
    """Rise of usage above RSS, as a share of the level, that is called page cache."""
    page_cache_rise_mb: float = 300.0
    """The same in MB."""
    loop_restarts: int = 5
    """Restarts of the container within the window that make a loop, where lives are short."""
    loop_life_hours: float = 2.0
    """Median life of a container in a restart loop, at most."""
    recycle_lives: int = 3
    """Lives per worker within the growth that make it recycling."""

    lags_minutes: tuple[float, ...] = (0.0, 1.0, -1.0, 2.0, -2.0, 5.0, 12.0, 30.0)
    """Delays between a request and the growth after it that are tried, the likeliest first. Two clocks may differ by a
    minute or two, so growth may seem to come before; never by more."""
    min_events: int = 6
    """Events of a dose within the growth below which nothing is said: the second and third must raise it again."""
    contributing_share: float = 0.08
    """A dose below this share of the growth is not listed."""
    culprit_share: float = 0.2
    """A dose below this share is no culprit beside a larger one, but contributes."""
    sure_share: float = 0.08
    """Its lower bound must be above this."""
    certify_share: float = 0.15
    """The strict rule: the 5% quantile of a culprit's share is above this..."""
    certify_frequency: float = 0.8
    """...and it is chosen in this share of the block resamples."""
    permutation_p: float = 0.05
    """Family-wise probability of the circular-shift test below which a link counts."""
    collinear_r: float = 0.95
    """Doses that move together at least this much cannot be told apart."""
    monitoring_slowdown_seconds: float = 0.15
    """Slow-down of nearly all routes at once that speaks for the monitoring itself."""


DEFAULT = Options()
