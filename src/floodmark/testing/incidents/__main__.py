"""`python -m floodmark.testing.incidents --family rare-route --seed 3 --out FOLDER` writes a case."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from floodmark.testing.incidents.cases import write_case
from floodmark.testing.incidents.families import FAMILIES


def main() -> int:
    """Write the cases asked for, one folder each where there are several."""
    parser = argparse.ArgumentParser(prog="floodmark.testing.incidents", description=__doc__)
    parser.add_argument("--family", action="append", choices=sorted(FAMILIES), help="may be repeated [all]")
    parser.add_argument("--seed", type=int, action="append", help="may be repeated [1]")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    options = parser.parse_args()
    families, seeds = options.family or sorted(FAMILIES), options.seed or [1]
    for family in families:
        for seed in seeds:
            alone = len(families) == 1 and len(seeds) == 1
            folder = options.out if alone else options.out / family / str(seed)
            truth = write_case(family, seed, folder)
            print(f"{folder}: {truth['log_lines']} log lines, focus {truth['focus']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
