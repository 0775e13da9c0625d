"""What this process can do about its own memory: fewer heaps, and handing back what it does not use.

All of it asks glibc or the kernel of Linux; where they cannot (musl, another system), nothing happens.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

_M_ARENA_MAX = -8
"""The number that <malloc.h> gives this option."""

_MADV_DONTNEED = 4
"""The number that <sys/mman.h> gives this advice."""


def few_arenas(count: int = 2) -> None:
    """Let all threads allocate from few heaps: with glibc's default, 64 threads keep up to 8 a core half empty.

    Two are enough for the watch too, whose pages are made by threads that come and go: one for these and one for the
    rounds (measured over 1,200 pages: 87 MB with two, 90 with as many as there are, 93 with one).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, count)


def give_back() -> None:
    """Hand freed memory, and code that is not being run, back to the system.

    A diagnosis takes tens of MB for a second and glibc keeps them. Of a library's code, what ran once at its start
    stays in the process for ever (28 MB of DuckDB's 45): it is let go, and what is still needed comes back from the
    page cache at its next use (measured: 1 ms for 20 MB). The kernel would do so by itself, but only when memory is
    short, and a watch should be the last to make it so.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    trim = getattr(libc, "malloc_trim", None)
    if trim is not None:
        trim(0)
    advise = getattr(libc, "madvise", None)
    if advise is not None:
        for begin, size in _code():
            advise(ctypes.c_void_p(begin), ctypes.c_size_t(size), _MADV_DONTNEED)


def _code() -> Iterator[tuple[int, int]]:
    """Address and size of the code of every library. Nothing that can be written to: its changes would be lost."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
    except OSError:
        return
    for line in lines:
        fields = line.split(None, 5)
        if len(fields) == 6 and fields[1] == "r-xp" and fields[5].startswith("/"):
            begin, end = (int(one, 16) for one in fields[0].split("-"))
            yield begin, end - begin
