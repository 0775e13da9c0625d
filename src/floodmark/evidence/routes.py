"""Paths to route templates: `/organisation/42/iati/?page=2` -> `/organisation/{id}/iati/`.

Two steps. The form of a single segment tells numbers, UUIDs, hashes, dates and tokens (`shape_of`); that needs no other
path. What is variable only because there are very many of it (slugs, file names) is learned over the whole evidence:
`RouteBook.templates` looks at how many different segments stand at one place. `/maps/courses.json` stays, as does
`/rest/v1/project/` among sixty resources; `/media/thumbs/water.jpg` among its siblings becomes `{name}.jpg`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from floodmark.evidence.nouns import OTHER

MALFORMED = "(malformed)"
"""The name of requests that carry no path: nothing sent, binary bytes, no HTTP."""

MAX_SEGMENTS = 12
MAX_PATH_CHARACTERS = 2048
REMEMBERED_PATHS = 100_000

Shape = tuple[str, ...]
"""The segments of a path after the first slash, variable ones in braces; an empty last one for a closing slash."""

_ID, _DATE, _NAME, _REST = "{id}", "{date}", "{name}", "{path}"

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*\Z")
_UUID = re.compile(r"\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?\Z")
_HEX = re.compile(r"(?=.*\d)[0-9a-fA-F]{12,}\Z")
_SHORT_HEX = re.compile(r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\Z")
_DATE_FORM = re.compile(r"(?:19|20)\d{2}-[01]\d(?:-[0-3]\d)?(?:[T_ ][\d:.%AZ+-]*)?\Z")
_TOKEN = re.compile(r"(?![A-Za-z]+[-_])(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_=~+-]{20,}\Z")
_NUMBERED = re.compile(r"\d{2,}[-_](?=.*[A-Za-z])")
_WORD_AND_NUMBER = re.compile(r"([A-Za-z]+)\d{3,}\Z")
_EXTENSION = re.compile(r"(.+)\.([A-Za-z][A-Za-z0-9]{0,4})\Z")
_PARTS = re.compile(r"([-._~])")
_NUMERIC = re.compile(rb"(?<=/)\d+(?=/|\n|\Z|\.[A-Za-z][A-Za-z0-9]{0,4}(?:/|\n|\Z))")
"""Segments that are `{id}` or `{id}.ext` whatever the number: one of them may stand for all."""

_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*")

_ASSETS = frozenset(
    ("jpg", "jpeg", "png", "gif", "svg", "webp", "avif", "ico", "bmp", "css", "js", "mjs", "map", "woff", "woff2", "ttf",
     "otf", "eot", "mp4", "webm", "mp3", "wav", "ogg")
)  # fmt: skip
_ALIAS = re.compile(r"/?(?:\.(?:xml|json))?/?\Z")


def segment_shape(segment: str) -> str:
    """One segment, in braces as far as its form alone shows that it is variable."""
    if segment.isascii() and segment.isdigit():
        return _ID
    # words of a program: most segments end here, before any pattern is tried
    if not segment or (len(segment) < 20 and segment.isascii() and segment.isalpha()):
        return segment
    return _mixed_shape(segment)


@lru_cache(20_000)
def _mixed_shape(segment: str) -> str:
    if len(segment) > 80 or segment == "*" or "@" in segment or "\\x" in segment or not segment.isprintable():
        return _NAME
    whole = _stem_shape(segment)
    if whole is not None:
        return whole
    extension = _EXTENSION.match(segment)
    stem = extension[1] if extension else segment
    shaped = _stem_shape(stem) if extension else None
    if shaped is None:
        shaped = "{id}-{name}" if _NUMBERED.match(stem) else _parts_shape(stem)
    return f"{shaped}.{extension[2]}" if extension else shaped


def _stem_shape(stem: str) -> str | None:
    if _NUMBER.match(stem) or _UUID.match(stem) or _HEX.match(stem) or _TOKEN.match(stem):
        return _ID
    return _DATE if _DATE_FORM.match(stem) else None


def _parts_shape(stem: str) -> str:
    """Variable parts inside a segment: `app.3f2a1b9c` -> `app.{id}`, `report-2041` -> `report-{id}`."""
    if not any(letter.isdigit() for letter in stem):
        return stem
    return "".join(_part_shape(part) for part in _PARTS.split(stem))


def _part_shape(part: str) -> str:
    if (part.isdigit() and len(part) > 2) or _SHORT_HEX.match(part):
        return _ID
    numbered = _WORD_AND_NUMBER.match(part)
    return f"{numbered[1]}{_ID}" if numbered else part


def shape_of(path: str) -> Shape | None:
    """The shape of a request's target; None where there is no path in it. Query, host and parameters are left out."""
    for mark in "?#":
        path = path.partition(mark)[0]
    path = path[:MAX_PATH_CHARACTERS]
    if path == "*":
        return ("*",)
    if not path.startswith("/"):
        host = _HOST.match(path)
        if host is None:
            return None
        path = path[host.end() :] or "/"
    segments = [segment_shape(segment.partition(";")[0]) for segment in re.sub("/{2,}", "/", path).split("/")[1:]]
    if len(segments) > MAX_SEGMENTS:
        segments = [*segments[:MAX_SEGMENTS], _REST]
    return tuple(segments)


@dataclass(slots=True)
class RouteBook:
    """Numbers for shapes while lines are read, names for the numbers in the end.

    Never more than about `max_shapes` shapes are held: beyond that, what was learned so far folds them, and a shape
    that still finds no room is counted as OTHER.
    """

    max_shapes: int = 50_000
    shapes: list[Shape | None] = field(default_factory=lambda: [None])
    good: list[float] = field(default_factory=lambda: [0.0])
    full: bool = False
    _numbers: dict[Shape | None, int] = field(default_factory=lambda: {None: 0})
    _forward: dict[int, int] = field(default_factory=dict)
    _learned: dict[Shape, dict[str, str]] = field(default_factory=dict)
    _folded: dict[bytes, int] = field(default_factory=dict)
    _live: int = 1

    def number(self, path: bytes | str) -> int:
        """The number of a path's shape; 0 is the malformed one, -2 stands for OTHER."""
        if isinstance(path, bytes):
            path = path.decode("utf-8", "backslashreplace")
        shape = shape_of(path)
        known = self._numbers.get(shape)
        if known is not None:
            return known
        if self._learned and shape is not None:
            shape = self._apply(shape)
            known = self._numbers.get(shape)
            if known is not None:
                return known
        # scanners and session ids in paths would fill any table: fold first, lump what is left
        if self._live >= self.max_shapes:
            if not self.full:
                self._fold()
                return self.number(path)
            return -2
        return self._new(shape)

    def numbers(self, paths: Sequence[bytes]) -> list[int]:
        """The numbers of many paths: their numeric segments are folded all at once, what is left is mostly known."""
        # one substitution over all paths of a block was measured to be six times as fast as looking at each
        folded = _NUMERIC.sub(b"0", b"\n".join(paths)).split(b"\n")
        found: list[int] = []
        for path in folded:
            number = self._folded.get(path)
            if number is None:
                number = self.number(path)
                if len(self._folded) >= REMEMBERED_PATHS:
                    self._folded.clear()
                self._folded[path] = number
            found.append(number)
        return found

    def saw(self, numbers: Iterable[int], counts: Iterable[float]) -> None:
        """How many requests of a shape were answered as if it exists (not 400, 404, 405, 410, 414)."""
        for number, count in zip(numbers, counts, strict=True):
            if number >= 0:
                self.good[number] += count

    def templates(self) -> list[str]:
        """The template of every number, in order."""
        weights = [0.0] * len(self.shapes)
        for number, count in enumerate(self.good):
            weights[self._resolved(number)] += count
        live = {number: shape for shape, number in self._numbers.items() if shape is not None}
        learned = learn({shape: weights[number] for number, shape in live.items()})
        names = {number: "/" + "/".join(substituted(shape, learned)) for number, shape in live.items()}
        totals: dict[str, float] = {}
        for number, name in names.items():
            totals[name] = totals.get(name, 0.0) + weights[number]
        same = aliases(totals)
        return [self._name(number, names, same) for number in range(len(self.shapes))]

    def _name(self, number: int, names: Mapping[int, str], same: Mapping[str, str]) -> str:
        name = names.get(self._resolved(number), MALFORMED)
        return "*" if name == "/*" else same.get(name, name)

    def _resolved(self, number: int) -> int:
        while number in self._forward:
            number = self._forward[number]
        return number

    def _new(self, shape: Shape | None) -> int:
        number = len(self.shapes)
        self.shapes.append(shape)
        self.good.append(0.0)
        self._numbers[shape] = number
        self._live += 1
        return number

    def _apply(self, shape: Shape) -> Shape:
        return substituted(shape, self._learned)

    def _fold(self) -> None:
        """Learn from what there is, and let shapes that became equal share one number."""
        weights = {shape: 1.0 + self.good[number] for shape, number in self._numbers.items() if shape is not None}
        for prefix, rules in learn(weights).items():
            self._learned.setdefault(prefix, {}).update(rules)
        folded: dict[Shape | None, int] = {None: 0}
        for shape, number in self._numbers.items():
            if shape is None:
                continue
            short = self._apply(shape)
            if short in folded:
                self._forward[number] = folded[short]
            else:
                folded[short] = number
        self._numbers, self._live = folded, len(folded)
        self.full = self._live > self.max_shapes * 0.9


Learned = dict[Shape, dict[str, str]]
"""prefix (after substitution) -> {a class of segments: what stands for it}; the class "" is a segment of no file."""


def class_of(segment: str) -> str:
    """The class in which a segment is compared with its siblings: its extension, "" without one."""
    extension = _EXTENSION.match(segment)
    return extension[2].lower() if extension else ""


def substituted(shape: Shape, learned: Mapping[Shape, Mapping[str, str]]) -> Shape:
    """`shape` with every segment replaced that was learned to be variable at its place."""
    out: Shape = ()
    for segment in shape:
        rules = learned.get(out)
        if rules and segment and "{" not in segment:
            segment = rules.get(class_of(segment), segment)
        out = (*out, segment)
    return out


def learn(weights: Mapping[Shape, float]) -> Learned:
    """Which places hold a variable, from shapes and how often each was answered as existing."""
    learned: Learned = {}
    _learn_below((), [(shape, weight) for shape, weight in sorted(weights.items())], 0, learned)
    return learned


def _learn_below(prefix: Shape, members: Sequence[tuple[Shape, float]], depth: int, learned: Learned) -> None:
    groups: dict[str, list[tuple[Shape, float]]] = {}
    for shape, weight in members:
        if len(shape) > depth:
            groups.setdefault(shape[depth], []).append((shape, weight))
    if len(groups) > 1:
        rules = _variable_classes({name: sum(weight for _, weight in group) for name, group in groups.items()}, depth)
        if rules:
            learned[prefix] = rules
            groups = _merged(groups, rules)
    for name in sorted(groups):
        if len(groups[name]) > 1 or depth + 1 < len(groups[name][0][0]):
            _learn_below((*prefix, name), groups[name], depth + 1, learned)


def _merged(
    groups: Mapping[str, list[tuple[Shape, float]]], rules: Mapping[str, str]
) -> dict[str, list[tuple[Shape, float]]]:
    merged: dict[str, list[tuple[Shape, float]]] = {}
    for name in sorted(groups):
        variable = rules.get(class_of(name)) if name and "{" not in name else None
        merged.setdefault(variable or name, []).extend(groups[name])
    return merged


def _variable_classes(siblings: Mapping[str, float], depth: int) -> dict[str, str]:
    classes: dict[str, list[tuple[str, float]]] = {}
    for name, weight in siblings.items():
        if name and "{" not in name and weight > 0:
            classes.setdefault(class_of(name), []).append((name, weight))
    return {
        extension: _NAME + (f".{extension}" if extension else "")
        for extension, group in sorted(classes.items())
        if _is_variable(extension, group, depth)
    }


def _is_variable(extension: str, group: Sequence[tuple[str, float]], depth: int) -> bool:
    """Whether siblings of one class are too many, or too much like slugs, to be the words of a program.

    The numbers come from RSR, whose API has about 80 resources side by side and whose pictures have a dozen names.
    """
    count = len(group)
    if extension in _ASSETS:
        return count >= 5
    if extension:
        return count >= 12
    sluggish = sum(_like_a_slug(name) for name, _ in group) / count
    # the first segment is nearly always a word of the program
    if depth == 0:
        return count >= 300 and sluggish > 0.5
    # slugs are met once or twice each, words of a program again and again
    rare = sum(weight <= 2 for _, weight in group) / count
    return count >= 150 or (count >= 60 and sluggish > 0.3) or (count >= 20 and sluggish > 0.5 and rare > 0.3)


def _like_a_slug(name: str) -> bool:
    return name.count("-") > 1 or "%" in name or len(name) > 24 or any(letter.isdigit() for letter in name[2:])


def aliases(totals: Mapping[str, float]) -> dict[str, str]:
    """Names of one route: with and without closing slash, `.xml`, `/.xml` (and json), under the form met most often.

    A form with an extension only counts as an alias where the form without one was met as well.
    """
    groups: dict[str, list[str]] = {}
    for name in totals:
        groups.setdefault(_ALIAS.sub("", name, count=1), []).append(name)
    same: dict[str, str] = {}
    for base, names in groups.items():
        plain = [name for name in names if name in (base, base + "/")]
        members = names if plain else [name for name in names if not name.endswith("/")] or names
        if len(members) > 1 and (plain or len({name.rpartition(".")[2] for name in members}) == 1):
            best = min(members, key=lambda name: (-totals[name], len(name), name))
            same.update(dict.fromkeys(members, best))
    return same


def capped(totals: Mapping[str, float], limit: int) -> dict[str, str]:
    """name -> name, or OTHER for all but the `limit` names met most often."""
    kept = set(sorted(totals, key=lambda name: (-totals[name], name))[:limit])
    return {name: name if name in kept else OTHER for name in totals}
