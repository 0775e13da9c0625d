"""The registry of families, and the one function that writes a case."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

FAMILIES: dict[str, Callable[[int], object]] = {}


def write_case(family: str, seed: int, folder: Path) -> None:
    """Write `folder/evidence/` and `folder/truth.json`. Raises KeyError for a family that does not exist."""
    raise KeyError(family)
