"""Panels exported as CSV, in the browser's zone and without it; two of them lie about what they show."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from floodmark.testing.incidents.traffic import Floats
from floodmark.testing.incidents.world import World
from floodmark.testing.incidents.writers.files import Output, local, zone
from floodmark.testing.incidents.writers.samples import MB, names_of, scraped_process, working_set_of

PANEL_STEP_MINUTES = 5
Cell = Callable[[float], str]
_PANELS = (
    ("Memory Growth Rate (MB per hour)", "max by (container) (rate(django_memory_usage_bytes[1h])) / 1024 / 1024"),
    ("Memory Leak Events (1h)", 'increase(django_memory_growth_events_total{threshold="10mb"}[1h])'),
)


def write_grafana(worlds: list[World], out: Output) -> None:
    """Memory by container; and the growth panels, with the dashboard that gives them away."""
    world, several = worlds[0], len(worlds) > 1
    if world.plan.evidence.grafana_memory:
        memory = {f"{one.pods[-1].pod} - {name}" if several else name: working_set_of(one, name)
                  for one in worlds for name in names_of(one)}  # fmt: skip
        _write_panel(world, out, "memory-working-set-by-container", memory, _memory_cell(world))
    if not world.plan.evidence.bad_panels:
        return
    gauges = {}
    for name in (world.plan.theme.web, world.plan.theme.rep):
        gauges[name] = scraped_process(worlds, name, world.plan.stream("panel " + name))[0]
    rates = {name: rate_of_gauge(gauge) / 1024 / 1024 for name, gauge in gauges.items()}
    _write_panel(world, out, "memory-growth-rate-mb-per-hour", rates, "{:.4g}".format)
    events = {name: _events(gauge) for name, gauge in gauges.items()}
    _write_panel(world, out, "memory-leak-events-1h", events, "{:.4g}".format)
    out.write("grafana/dashboard.json", "config", json.dumps(_dashboard(), indent=1) + "\n", 0)


def rate_of_gauge(gauge: Floats) -> Floats:
    """What rate(...[1h]) makes of a gauge: every fall counts as a reset and adds the whole value; bytes a second."""
    filled = np.where(np.isfinite(gauge), gauge, 0.0)
    step = np.diff(filled, prepend=filled[:1])
    risen = np.cumsum(np.where(step < 0, filled, step))
    rate = np.full(len(gauge), np.nan)
    rate[60:] = (risen[60:] - risen[:-60]) / 3600.0
    return rate


def _events(gauge: Floats) -> Floats:
    """increase(...[1h]) of a counter of growth events that counts itself again at every request: a count, not MB/h."""
    jumps = np.abs(np.diff(np.nan_to_num(gauge), prepend=np.nan_to_num(gauge[:1]))) > 2 * MB
    counted = np.cumsum(jumps * (60.0 + np.arange(len(gauge)) * 0.5))
    events = np.full(len(gauge), np.nan)
    events[60:] = counted[60:] - counted[:-60]
    return events


def _memory_cell(world: World) -> Cell:
    if world.plan.stream("cells").random() < 0.5:
        return "{:.0f}".format
    return lambda value: f"{value / 1048576:.1f} MiB"


def _write_panel(world: World, out: Output, name: str, columns: dict[str, Floats], cell: Cell) -> None:
    random, where = world.plan.stream("panel file " + name), zone(world.plan.theme.browser_zone)
    lines = ['"Time",' + ",".join(f'"{column}"' for column in columns)]
    for row in range(0, len(world.minutes), PANEL_STEP_MINUTES):
        moment = local(float(world.minutes[row]), where)
        cells = ["" if not np.isfinite(values[row]) or random.random() < 0.008 else cell(float(values[row]))
                 for values in columns.values()]  # fmt: skip
        lines.append(f"{moment:%Y-%m-%d %H:%M:%S}," + ",".join(cells))
    out.write(f"grafana/{name}.csv", "metric", "\n".join(lines) + "\n", len(lines) - 1)


def _dashboard() -> dict[str, object]:
    panels = [{"title": title, "type": "timeseries", "targets": [{"expr": expression}],
               "fieldConfig": {"defaults": {"unit": "none"}}} for title, expression in _PANELS]  # fmt: skip
    return {"title": "Memory", "timezone": "browser", "panels": panels}
