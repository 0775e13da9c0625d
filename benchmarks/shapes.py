"""False alarms on hard shapes and recall of leaks, on single series without logs, as rules in use were compared.

    python benchmarks/shapes.py              32 series of each of six shapes without a leak, 32 of each of five rates
    python benchmarks/shapes.py --count 8

Prints what was said of each shape and rate, and the error of the rate. Exit status 1 where a bar is missed: fewer than 20
of 192 shapes called a leak (docs/accuracy.md has what other rules call), every leak of 109 MB/h and more found or, where
the evidence cannot tell it from a cache, called growing.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import numpy as np

from floodmark.diagnosis.incident import Service
from floodmark.diagnosis.pipeline import diagnose
from floodmark.evidence.nouns import Floats
from floodmark.testing.shapes import HARD_NEGATIVES, RATES_MB_PER_HOUR, evidence_of, hours_of, leak, natural

MOST_ALARMS = 20 / 192
"""The bar: of 192 hard shapes, Coroot's rule of an hour calls 151, `deriv[1h] > 50` calls 184."""


def main() -> int:
    """Print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=32, help="series of each shape and rate [32]")
    parser.add_argument("--first-seed", type=int, default=1, help="the first seed [1]")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.count)
    alarms = sum(_told(name, seeds, make)["leak"] for name, make in {"natural": natural, **HARD_NEGATIVES}.items())
    missed = sum(_recall(rate, seeds) for rate in RATES_MB_PER_HOUR)
    shapes = len(seeds) * len(HARD_NEGATIVES)
    print(f"alarms {alarms} of {shapes} hard and {len(seeds)} natural series; {missed} leaks called harmless")
    return int(alarms > MOST_ALARMS * shapes or missed > 0)


def _told(name: str, seeds: range, make: object) -> Counter[str]:
    said: Counter[str] = Counter()
    for seed in seeds:
        random = np.random.default_rng([seed, sum(map(ord, name))])
        hours = hours_of(random)
        web = _judged(hours, make(random, hours))  # type: ignore[operator]
        said[web.verdict] += 1
        said[f"({web.pattern})"] += 1
    print(f"{name:12} " + "  ".join(f"{word} {count}" for word, count in sorted(said.items())))
    return said


def _recall(rate: float, seeds: range) -> int:
    """How many of the leaks were called harmless."""
    said, errors, inside = Counter[str](), [], 0
    for seed in seeds:
        random = np.random.default_rng([seed, int(rate)])
        hours = hours_of(random)
        web = _judged(hours, leak(random, hours, rate))
        said[web.verdict] += 1
        if web.verdict == "leak" and web.growth is not None:
            errors.append(abs((web.growth.mb_per_hour or 0.0) / rate - 1.0))
            inside += (web.growth.low or 0.0) <= rate <= (web.growth.high or 0.0)
    error = f"error of the rate {np.median(errors):.1%} (worst {max(errors):.1%}), inside {inside}" if errors else ""
    print(f"{rate:6.0f} MB/h  " + "  ".join(f"{word} {count}" for word, count in sorted(said.items())) + f"  {error}")
    return said["no-leak"]


def _judged(hours: Floats, mb: Floats) -> Service:
    (web,) = diagnose(evidence_of(hours, mb)).services
    return web


if __name__ == "__main__":
    sys.exit(main())
