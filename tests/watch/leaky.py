"""An application with a leak that can be switched on: one route keeps memory, one is slow and keeps none.

`LEAK_FILE` names a file; while it exists, every request of `/report/{id}/` keeps `LEAK_KB` of memory for good.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

LEAK_FILE = Path(os.environ["LEAK_FILE"])
LEAK_BYTES = int(os.environ.get("LEAK_KB", "512")) * 1024
kept: list[bytearray] = []


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path.startswith("/report/") and LEAK_FILE.exists():
        # Written to, so that the pages are really there.
        kept.append(bytearray(os.urandom(64) * (LEAK_BYTES // 64)))
    elif path.startswith("/slow/"):
        time.sleep(0.15)
    elif path.startswith("/item/"):
        sum(len(bytearray(4096)) for _ in range(50))
    body = f"{path}\n".encode()
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
