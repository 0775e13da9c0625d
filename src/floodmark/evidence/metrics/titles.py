"""The title of a panel or query, from the name of the file that was exported from it."""

from __future__ import annotations

import re

_ENDINGS = re.compile(
    r"(\.(gz|bz2|xz|zst|zip|json|jsonl|ndjson|csv|tsv|txt|prom|metrics|log|out|dat|\d{1,3}))+$", re.IGNORECASE
)
_GRAFANA = re.compile(
    r"[-_ ](data|table)(?:[-_ ]as[-_ ](?:seriestocolumns|joinbyfield|seriestorows|merge|concatenate|\w+))?"
    r"(?:[-_ ]\d{4}-\d{2}-\d{2}[T _\d:.-]*)?$", re.IGNORECASE,
)  # fmt: skip
_STAMP = re.compile(r"[-_ ]\d{4}-?\d{2}-?\d{2}[T _\d:.Zz-]*$")


def title_of(path: str) -> str:
    """`x/Memory (MB)-data-as-seriestocolumns.csv` -> `Memory (MB)`; copies like `panel (1).csv` lose their number.

    A `/` of the title has become `_` in the file's name and stays so.
    """
    stem = _ENDINGS.sub("", path.replace("\\", "/").rsplit("/", 1)[-1])
    stem = re.sub(r"\s\(\d+\)$", "", stem)
    stem = _GRAFANA.sub("", stem)
    return _STAMP.sub("", stem).strip() or stem


def slug(title: str) -> str:
    """The words of a title, for comparing what a dashboard, a file and a person wrote: `memory growth rate mb h`."""
    return re.sub(r"[^a-z0-9]+", " ", title.lower()).strip()
