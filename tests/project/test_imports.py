"""Who may import whom, as ARCHITECTURE.md says it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PACKAGE = SOURCE / "floodmark"

MAY_IMPORT = {
    # part of floodmark -> the other parts of floodmark that it may import
    "errors": set(),
    "settings": {"errors"},
    "own_memory": set(),
    "request_record": {"errors", "settings"},
    "evidence": {"errors", "settings", "request_record"},
    "diagnosis": {"errors", "evidence.nouns"},
    "report": {"errors", "diagnosis.incident"},
    "watch": {"errors", "settings", "own_memory", "request_record", "evidence", "diagnosis", "report"},
    "export": {"errors", "settings", "own_memory", "request_record"},
    "dashboard": {
        "errors",
        "settings",
        "own_memory",
        "request_record",
        "export",
        "watch",
        "evidence",
        "diagnosis",
        "report",
    },
    "probe": {"errors", "settings"},
    "testing": {"errors", "settings", "request_record", "evidence.nouns", "diagnosis.incident", "probe"},
    "cli": {"errors", "settings"},
    "": {"cli"},
}
"""The empty name is the package itself (`__init__`, `__main__`). `cli` may import any half inside a command."""

ONLY_IN = {
    "django": {"export", "dashboard"},
    "duckdb": {"evidence", "watch"},
    "psycopg": {"export"},
    "lxml": {"export"},
    "jinja2": {"report", "watch"},
}
"""An outside library -> the parts that may import it."""


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def part_of(module: str) -> str:
    words = module.split(".")[1:]
    return "" if not words or words[0] == "__main__" else words[0]


def imports(module: str, *, late: bool) -> Iterator[tuple[str, int]]:
    """(imported module, line) of every import outside functions, or of those inside functions where `late`.

    What stands under `if TYPE_CHECKING` is never run and so no import.
    """
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    unrun = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test).endswith("TYPE_CHECKING")
        for statement in branch.body
        for node in ast.walk(statement)
    }
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if id(node) in unrun or (id(node) in inside) != late:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(module, node)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield (whole if whole in MODULES else base), node.lineno


def absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = MODULES[module].name == "__init__.py"
    words = module.split(".")
    base = words[: len(words) - node.level + is_package]
    return ".".join([*base, *([node.module] if node.module else [])])


def allowed(part: str, imported: str) -> bool:
    inner = imported.removeprefix("floodmark").removeprefix(".")
    if not inner or part_of(imported) == part:
        return True
    return any(inner == one or inner.startswith(f"{one}.") for one in MAY_IMPORT[part])


def test_every_part_of_the_package_has_a_rule() -> None:
    assert {part_of(module) for module in MODULES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_part_may(module: str) -> None:
    part = part_of(module)
    broken = [
        f"{MODULES[module].name}:{line} imports {name}"
        for name, line in imports(module, late=False)
        if name.split(".")[0] == "floodmark" and not allowed(part, name)
    ]
    assert not broken


@pytest.mark.parametrize("module", MODULES)
def test_a_library_of_one_half_is_imported_by_that_half_only(module: str) -> None:
    part = part_of(module)
    broken = [
        f"{MODULES[module].name}:{line} imports {name}"
        for late in (False, True)
        for name, line in imports(module, late=late)
        if name.split(".")[0] in ONLY_IN and part not in ONLY_IN[name.split(".")[0]] and not (part == "cli" and late)
    ]
    assert not broken


@pytest.mark.parametrize("module", [name for name in MODULES if part_of(name) != "cli"])
def test_no_import_hides_in_a_function(module: str) -> None:
    hidden = [f"line {line}: {name}" for name, line in imports(module, late=True) if name.startswith("floodmark")]
    assert not hidden


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        module: {name for name, _ in imports(module, late=False) if name in MODULES and name != module}
        for module in MODULES
    }
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in done:
            for target in sorted(graph[module]):
                # A package's face handing on its own modules' names is no circle of theirs.
                if not module.startswith(f"{target}."):
                    walk(target, (*path, module))
            done.add(module)

    for module in sorted(graph):
        walk(module, ())


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("floodmark.cli", ("django", "duckdb", "lxml", "numpy", "psycopg")),
        ("floodmark.testing", ("django", "duckdb")),
        ("floodmark.diagnosis", ("django", "duckdb", "lxml")),
        ("floodmark.report", ("django", "duckdb", "psycopg")),
    ],
)
def test_a_part_starts_without_what_it_does_not_need(module: str, unwanted: tuple[str, ...]) -> None:
    inner = [name for name in MODULES if (name == module or name.startswith(f"{module}.")) and ".__main__" not in name]
    code = f"import importlib, sys\nfor name in {inner!r}: importlib.import_module(name)\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(unwanted) & set(loaded)
