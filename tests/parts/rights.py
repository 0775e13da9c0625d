"""Words to put before a command: what the superuser may do, and what file modes forbid even him."""

from __future__ import annotations

import os


def as_root() -> list[str]:
    """For what only the superuser may do, such as mounting a small disk."""
    return ["sudo", "-n"] if os.geteuid() else []


def bound_by_modes() -> list[str]:
    """For what must fail on a file without permission: the superuser would read and write it all the same."""
    if os.geteuid():
        return []
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]
