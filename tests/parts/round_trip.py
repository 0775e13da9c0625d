"""Files through the tables and out again."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from iati_facts import Lost, facts, false, identifier, invented, items, silent, torn

from floodmark.export import catalogue
from floodmark.export.build import NothingToPublish, pieces
from floodmark.export.importer.losses import LossReport
from floodmark.export.importer.run import Importer, Summary
from floodmark.export.report import BuildReport
from floodmark.export.rows.database import Database
from floodmark.export.validity import check

GENERATED = datetime(2026, 1, 1, tzinfo=UTC)


def export() -> dict[str, bytes]:
    """Every dataset of the database, by slug; each valid against the schema."""
    files: dict[str, bytes] = {}
    for dataset in catalogue.every(Database()):
        try:
            made = pieces(dataset, BuildReport(), generated=GENERATED)
            files[dataset.slug] = b"".join(piece.data for piece in made)
        except NothingToPublish:
            continue
        assert check([files[dataset.slug]]) == []
    return files


def published(files: Mapping[str, bytes]) -> dict[tuple[str, str], Any]:
    """Each item by kind and identifier; none may be there twice."""
    found: dict[tuple[str, str], Any] = {}
    for data in files.values():
        for item in items(data):
            key = (item.tag, identifier(item))
            assert key not in found, f"{key} came out twice"
            found[key] = item
    return found


@dataclass
class Imported:
    """What one import did, and what it said."""

    summary: Summary
    losses: dict[tuple[str, str], list[Lost]] = field(default_factory=lambda: defaultdict(list))
    """By file and identifier."""
    lines: list[dict[str, object]] = field(default_factory=list)


def import_files(paths: Sequence[Path], alias: str = "default") -> Imported:
    out = io.StringIO()
    imported = Imported(Importer(alias, LossReport(out)).run(paths))
    for text in out.getvalue().splitlines():
        line = json.loads(text)
        imported.lines.append(line)
        imported.losses[line["file"], line["identifier"]].append(Lost(line["element"], line["line"], line["done"]))
    return imported


@dataclass
class Comparison:
    """What is wrong with a round trip, and what the export added."""

    silent: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    added: dict[str, list[str]] = field(default_factory=dict)


def compare(paths: Iterable[Path], imported: Imported, after: Mapping[tuple[str, str], Any]) -> Comparison:
    """Each item of the files against what came out of it. Of an identifier that is there twice the first counts."""
    result, seen = Comparison(), set()
    for path in paths:
        for item in items(path.read_bytes()):
            key = (item.tag, identifier(item))
            if key in seen:
                continue
            seen.add(key)
            before, losses = facts(item), imported.losses[str(path), key[1]]
            where = f"{path.name} {key[1]}: "
            if key not in after and any(loss.element == item.tag for loss in losses):
                continue
            came = facts(after[key]) if key in after else []
            result.silent += [where + one for one in silent(before, came, losses)]
            result.false += [where + one for one in false(before, came, losses)]
            result.torn += [where + one for one in torn(item, after[key], losses)] if key in after else []
            result.added[where] = [f"{name} = {value!r}" for name, value in invented(before, came)]
    return result
