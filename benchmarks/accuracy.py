"""How right the analyser is: cases with known truth through `floodmark analyze`, judged as docs/accuracy.md says.

    python benchmarks/accuracy.py                          2 generated cases of every family
    python benchmarks/accuracy.py --family cache-fill --seeds 5
    python benchmarks/accuracy.py --cases FOLDER           every folder below FOLDER that has truth.json and evidence/
    python benchmarks/accuracy.py --reuse --out FOLDER     judge the incident.json files that are there, run nothing

Prints a table per family and in total, then every judgement that went wrong. Exit status 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from floodmark.testing.incidents import FAMILIES, CaseScore, score_case, write_case

BARS = {
    "contract": 1.0,
    "quiet case": 0.95,
    "false alarm": 0.95,
    "victim accused": 0.95,
    "top-1": 0.90,
    "abstention": 0.95,
}
"""The least share of judgements that must be right (issue: false alarms and victims at most 5%, top-1 at least 90%)."""

COLUMNS = ("contract", "verdict", "false alarm", "focus verdict", "focus pattern", "quiet case", "detection", "onset",
           "rate", "rate interval", "rate of incident", "top-1", "every culprit", "benign cause", "MB per event",
           "MB interval", "abstention", "refusal", "victim accused", "decoy accused", "innocent accused")  # fmt: skip


@dataclass
class Run:
    """One case analysed: the score, what it cost, and the exit status."""

    score: CaseScore
    seconds: float
    peak_mb: float
    status: int


def main() -> int:
    """Analyse, judge, print; 1 where a bar is missed, 2 where the analyser cannot be run at all."""
    options = _options()
    if not options.reuse and not _analyser_works():
        return 2
    with tempfile.TemporaryDirectory(prefix="floodmark-accuracy-") as scratch:
        out = options.out or Path(scratch)
        with ThreadPoolExecutor(options.jobs) as pool:
            runs = list(pool.map(lambda case: _reported(case, out, options), _cases(options, out)))
    if not runs:
        print("accuracy: no cases found", file=sys.stderr)
        return 2
    if options.json:
        options.json.write_text(json.dumps([asdict(run) for run in runs], indent=1))
    _print_table([run.score for run in runs])
    _print_wrong([run.score for run in runs])
    return _print_bars(runs)


def _reported(case: Path, out: Path, options: argparse.Namespace) -> Run:
    run = _run(case, out / "incidents" / case.parent.name / case.name, options)
    print(_line(run), file=sys.stderr, flush=True)
    return run


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, help="folder of cases, each with evidence/ and truth.json")
    parser.add_argument("--family", action="append", choices=sorted(FAMILIES), help="only these families")
    parser.add_argument("--seeds", type=int, default=2, help="generated cases of each family [2]")
    parser.add_argument("--first-seed", type=int, default=1, help="the first seed [1]")
    parser.add_argument("--out", type=Path, help="keep cases and incidents here [a temporary folder]")
    parser.add_argument("--reuse", action="store_true", help="judge what an earlier run left in --out")
    parser.add_argument("--json", type=Path, help="write every judgement to this file")
    parser.add_argument("--jobs", type=int, default=1, help="analyses at once [1]")
    parser.add_argument("--timeout-seconds", type=float, default=300.0, help="for one analysis [300]")
    return parser.parse_args()


def _analyser_works() -> bool:
    asked = subprocess.run([sys.executable, "-m", "floodmark", "analyze", "--help"], capture_output=True, text=True)
    if asked.returncode:
        problem = (asked.stderr or asked.stdout).strip().splitlines()[-1:] or ["no output"]
        print(f"accuracy: `floodmark analyze` cannot be run: {problem[0]}", file=sys.stderr)
    return asked.returncode == 0


def _cases(options: argparse.Namespace, out: Path) -> Iterator[Path]:
    if options.cases:
        yield from sorted(truth.parent for truth in options.cases.glob("**/truth.json"))
        return
    for family in options.family or sorted(FAMILIES):
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            folder = out / "cases" / family / str(seed)
            if not (folder / "truth.json").exists():
                write_case(family, seed, folder)
            yield folder


def _run(case: Path, out: Path, options: argparse.Namespace) -> Run:
    truth = json.loads((case / "truth.json").read_text())
    began, status, peak_mb = time.monotonic(), 0, 0.0
    if not options.reuse:
        status, peak_mb = _analyse(case / "evidence", out, options.timeout_seconds)
    took = time.monotonic() - began
    score = score_case(truth, _incident(out), f"{case.parent.name}/{case.name}")
    score.add("exit status", "", status == 0, f"exit {status}, see {out / 'analyze.log'}")
    return Run(score, took, peak_mb, status)


def _incident(out: Path) -> dict[str, object] | None:
    try:
        found = json.loads((out / "incident.json").read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _analyse(evidence: Path, out: Path, timeout_seconds: float) -> tuple[int, float]:
    """Exit status and peak memory, MB, of `floodmark analyze`; 124 where it took too long."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "incident.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "floodmark", "analyze", str(evidence), "--out", str(out)]
    with (out / "analyze.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        too_long = threading.Timer(timeout_seconds, process.kill)
        too_long.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        late = not too_long.is_alive()
        too_long.cancel()
    return 124 if late else process.returncode, usage.ru_maxrss / 1000.0


def _line(run: Run) -> str:
    wrong = ", ".join(sorted({mark.what for mark in run.score.wrong()})) or "all right"
    return f"{run.score.case:32} {run.seconds:6.1f} s  {run.peak_mb:5.0f} MB  exit {run.status}  {wrong}"


def _print_table(scores: list[CaseScore]) -> None:
    families = sorted({score.family for score in scores})
    width = max(map(len, [*families, "total"])) + 1
    for part in (COLUMNS[:7], COLUMNS[7:14], COLUMNS[14:]):
        print("\n" + "family".ljust(width) + " cases " + " ".join(f"{column:>16}" for column in part))
        for family in [*families, None]:
            chosen = [score for score in scores if family in (None, score.family)]
            cells = " ".join(f"{_share(chosen, column):>16}" for column in part)
            print((family or "total").ljust(width) + f" {len(chosen):5} " + cells)


def _share(scores: list[CaseScore], what: str) -> str:
    marks = [mark for score in scores for mark in score.of(what)]
    return f"{sum(mark.right for mark in marks)}/{len(marks)}" if marks else "."


def _print_wrong(scores: list[CaseScore]) -> None:
    print("\nwhat went wrong")
    for score in scores:
        for mark in score.wrong():
            print(f"  {score.case:32} {mark.what:18} {mark.service:20} {mark.note}")


def _print_bars(runs: list[Run]) -> int:
    missed = 0
    print("\nbars")
    for what, bar in BARS.items():
        marks = [mark for run in runs for mark in run.score.of(what)]
        if not marks:
            continue
        share = sum(mark.right for mark in marks) / len(marks)
        missed += share < bar
        print(f"  {what:18} {share:6.1%} right of {len(marks):4}, bar {bar:4.0%}  {'ok' if share >= bar else 'MISSED'}")
    answered = [mark for run in runs for mark in run.score.of("top-1") if "named nothing" not in mark.note]
    if answered:
        right = sum(mark.right for mark in answered)
        total = sum(len(run.score.of("top-1")) for run in runs)
        print(f"  selective accuracy {right / len(answered):6.1%} at {len(answered) / total:.0%} answered")
    seconds, memory = max(run.seconds for run in runs), max(run.peak_mb for run in runs)
    print(f"  at most {seconds:.1f} s and {memory:.0f} MB a case")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
