"""Running a program of the configuration within a time limit: for messages and for remedies alike.

Never a shell, so no word of a log becomes a command. The program's output goes into a file and not into a pipe: a
restart command leaves a daemon behind that inherits the pipe, and waiting for the pipe's end would be waiting for the
daemon's (and killing at the limit would kill the service that was just started).
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress

SAID_BYTES = 4096
SAID_CHARACTERS = 200


def run(argv: Sequence[str], timeout_seconds: float, body: bytes = b"") -> str | None:
    """Run a program with `body` on standard input; None where it ended well, else what went wrong, in one line.

    One that hangs is killed with its children, which is why it gets a session of its own. Never raises.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(body)
        given.seek(0)
        try:
            process = subprocess.Popen(
                argv, stdin=given, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
            )
        except OSError as error:
            return f"{argv[0]}: {error.strerror}"
        with process:
            try:
                status = process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                # Ended between the time-out and the signal: the group is gone.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                return f"{argv[0]}: not done after {timeout_seconds:g} s, killed"
        if status:
            size = said.seek(0, os.SEEK_END)
            said.seek(max(size - SAID_BYTES, 0))
            last = said.read().decode(errors="replace").strip().splitlines()[-1:]
            return f"{argv[0]}: exit status {status} {' '.join(last)[:SAID_CHARACTERS]}".rstrip()
    return None
