"""Samples of each process as a small psutil script writes them, one clock error a container."""

from __future__ import annotations

import numpy as np

from floodmark.testing.incidents.memory import Memory
from floodmark.testing.incidents.world import Container, World
from floodmark.testing.incidents.writers.files import Output

SAMPLE_SECONDS = 120.0


def write_processes(worlds: list[World], out: Output) -> None:
    """time,pod,container,pid,ppid,comm,rss_bytes,pss_bytes; the host's clock is off by up to a minute."""
    rows: list[tuple[float, int, str]] = []
    for world in worlds:
        for container in world.containers.values():
            rows += _container_rows(world, container)
    rows.sort(key=lambda row: (row[0], row[1]))
    lines = ["time,pod,container,pid,ppid,comm,rss_bytes,pss_bytes", *(text for _, _, text in rows)]
    out.write("psutil/processes.csv.gz", "metric", "\n".join(lines) + "\n", len(rows))


def _container_rows(world: World, container: Container) -> list[tuple[float, int, str]]:
    random = world.stream("psutil " + container.service.name)
    error, phase = float(round(random.uniform(-60, 60))), float(random.uniform(0, SAMPLE_SECONDS))
    times = np.arange(world.plan.start + phase, world.plan.end, SAMPLE_SECONDS)
    command = "python" if container.service.role == "worker" else "gunicorn"
    rows = []
    for memory in container.memories:
        own = _own_mb(world, memory, times)
        shared = container.service.shared_mb
        pages = shared / container.service.workers if memory.life.constant_mb is None else 0.0
        whole = shared if memory.life.constant_mb is None else 0.0
        alive = np.flatnonzero(memory.alive(times))
        noise = random.normal(0.0, 0.12, len(alive))
        for row, wobble in zip(alive.tolist(), noise.tolist(), strict=True):
            size = own[row] + wobble
            at = int(times[row] + error)
            rows.append((float(times[row]), memory.life.pid,
                         f"{at},{memory.life.pod},{container.service.name},{memory.life.pid},1,{command},"
                         f"{int((size + whole) * 1e6)},{int((size + pages) * 1e6)}"))  # fmt: skip
    return rows


def _own_mb(
    world: World, memory: Memory, times: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    own = memory.steady(times) + memory.leak(times)
    return own + memory.passing(times) if world.plan.evidence.processes_see_all else own
