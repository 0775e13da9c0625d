"""Numbers and units as exports write them: `461 MB`, `1,5`, `734.0 MiB`, `1.101e+04`, `undefined`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from floodmark.evidence.nouns import Floats

UNITS: dict[str, tuple[str, float]] = {
    # as written (lower case) -> (as we write it, bytes in it)
    "b": ("B", 1.0), "byte": ("B", 1.0), "bytes": ("B", 1.0), "decbytes": ("B", 1.0),
    "kb": ("kB", 1e3), "deckbytes": ("kB", 1e3), "kilobytes": ("kB", 1e3),
    "kib": ("KiB", 2.0**10), "ki": ("KiB", 2.0**10), "kbytes": ("KiB", 2.0**10),
    "mb": ("MB", 1e6), "decmbytes": ("MB", 1e6), "megabytes": ("MB", 1e6), "megs": ("MB", 1e6),
    "mib": ("MiB", 2.0**20), "mi": ("MiB", 2.0**20), "mbytes": ("MiB", 2.0**20), "mebibytes": ("MiB", 2.0**20),
    "gb": ("GB", 1e9), "decgbytes": ("GB", 1e9), "gigabytes": ("GB", 1e9),
    "gib": ("GiB", 2.0**30), "gi": ("GiB", 2.0**30), "gbytes": ("GiB", 2.0**30), "gibibytes": ("GiB", 2.0**30),
    "tb": ("TB", 1e12), "tib": ("TiB", 2.0**40), "ti": ("TiB", 2.0**40), "tbytes": ("TiB", 2.0**40),
}  # fmt: skip
"""Units of memory. Grafana's `mbytes` is MiB, its `decmbytes` MB."""

TIMES = {
    "ns": 1e-9,
    "µs": 1e-6,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "mins": 60.0,
    "min": 60.0,
    "hours": 3600.0,
}
SHORT_SCALE = {"k": 1e3, "mil": 1e6, "bil": 1e9, "tri": 1e12}
"""Grafana's unit `short`."""

NOTHING = frozenset({"", "-", "--", "nan", "null", "none", "undefined", "n/a", "na", "no data", "<na>", "nat", "?"})
"""Cells that hold no value; never 0."""

_CELL = re.compile(
    r"([+-]?(?:\d[\d.,\u00a0\u202f' ]*)?\.?\d(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?)\s*([^\d\s][^\d]*)?", re.IGNORECASE
)


def bytes_in(unit: str) -> float | None:
    """How many bytes a unit of memory is, or None for what is none: `MB` 1e6, `MiB` 2**20."""
    known = UNITS.get(unit.strip().lower())
    return known[1] if known else None


def spelled(unit: str) -> str:
    """The unit as we write it: `mbytes` is MiB. What is not a unit of memory stays as it is."""
    known = UNITS.get(unit.strip().lower())
    return known[0] if known else unit.strip()


@lru_cache(16_384)
def number(text: str, decimal_comma: bool = False) -> float:
    """A number, with thousands separated or not. Raises ValueError; cells that hold nothing are NaN.

    >>> number("1,234.5"), number("1.234,5", decimal_comma=True), number("1,5", decimal_comma=True)
    (1234.5, 1234.5, 1.5)
    """
    plain = text.strip().strip("\u00a0\u202f")
    if plain.lower() in NOTHING:
        return float("nan")
    plain = re.sub(r"(?<=\d)[ \u00a0\u202f'](?=\d{3}(?!\d))", "", plain)
    if decimal_comma:
        plain = plain.replace(".", "").replace(",", ".") if "," in plain else plain
    elif "," in plain:
        if not re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?([eE][+-]?\d+)?", plain):
            raise ValueError(f"not a number: {text!r}")
        plain = plain.replace(",", "")
    return float(plain)


@lru_cache(16_384)
def cell(text: str, decimal_comma: bool = False) -> tuple[float, str]:
    """(value, unit) of a cell: bytes ("B") where it has a unit of memory, seconds ("s") for times, "" without one.

    Raises ValueError for what holds no number.
    """
    try:
        return number(text, decimal_comma), ""
    except ValueError:
        match = _CELL.fullmatch(text.strip())
    if not match or not match.group(2):
        raise ValueError(f"not a number: {text!r}")
    value, unit = number(match.group(1), decimal_comma), match.group(2).strip()
    if (size := bytes_in(unit)) is not None:
        return value * size, "B"
    if unit.lower() in TIMES:
        return value * TIMES[unit.lower()], "s"
    if unit.lower() in SHORT_SCALE:
        return value * SHORT_SCALE[unit.lower()], ""
    rate = re.fullmatch(r"(\w+?)\s*(/|p)\s*(s|sec|h|hr|hour|min)", unit)
    if rate and bytes_in(rate.group(1)) is not None:
        return value * (bytes_in(rate.group(1)) or 1.0), f"B/{rate.group(3)}"
    return value, unit


def column(cells: Sequence[str], decimal_comma: bool = False) -> tuple[Floats, str, tuple[int, ...]]:
    """(values, unit, indices of cells that hold no number though they hold something) of a column of a table."""
    if not any(cells):
        return np.full(len(cells), np.nan), "", ()
    if not decimal_comma:
        try:
            return np.array([text or "nan" for text in cells], dtype=np.float64), "", ()
        except ValueError:
            pass
    values = np.full(len(cells), np.nan)
    unit, bad = "", []
    for index, text in enumerate(cells):
        try:
            values[index], found = cell(text, decimal_comma)
        except ValueError:
            bad.append(index)
            continue
        unit = found or unit
    return values, unit, tuple(bad)
