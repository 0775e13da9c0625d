"""What a detector says: a pattern, a verdict, and why, with its figures."""

from __future__ import annotations

from dataclasses import dataclass

from floodmark.diagnosis.incident import PatternWord, VerdictWord


@dataclass(frozen=True, slots=True)
class Finding:
    """`swing_mb` is the amplitude of what rises and falls, where that is the finding.

    `of_container` where it speaks of the container as a whole, not of the processes in it.
    """

    pattern: PatternWord
    verdict: VerdictWord
    reason: str
    swing_mb: float | None = None
    of_container: bool = False
