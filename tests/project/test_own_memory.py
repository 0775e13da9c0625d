"""A process hands back what it does not use, and goes on as before."""

from __future__ import annotations

import subprocess
import sys

MEASURED = """
import duckdb
from floodmark.own_memory import few_arenas, give_back

def mb(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1e3 for line in file if line.startswith(name))

few_arenas()
connection = duckdb.connect()
blocks = [bytes(2000) for _ in range(20_000)]
connection.execute("select median(range) from range(1000)").fetchall()
kept = blocks[::100]
del blocks
before = mb("RssFile"), mb("RssAnon")
give_back()
after = mb("RssFile"), mb("RssAnon")
answer = connection.execute("select median(range) from range(1001)").fetchone()[0]
give_back()
assert kept == [bytes(2000)] * 200
connection.close()
print(before[0] - after[0], before[1] - after[1], answer)
"""


def test_code_that_ran_once_and_freed_memory_are_handed_back_and_all_still_works() -> None:
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True)
    code_mb, freed_mb, answer = (float(one) for one in done.stdout.split())
    assert code_mb > 20
    assert freed_mb > 20
    assert answer == 500.0
