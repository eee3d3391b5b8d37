"""Imports inside functions, which no fork may cut in two."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import horde_model_reference

ROOT = Path(str(horde_model_reference.__file__)).parent
FILES = sorted(ROOT.rglob("*.py"))
HELD_ANYWAY = {"asyncio"}
"""Whoever awaits a coroutine has it already."""


def is_the_lock(item: ast.withitem) -> bool:
    return isinstance(item.context_expr, ast.Name) and item.context_expr.id == "no_fork"


def imports_without_the_lock(node: ast.AST, is_inside: bool = False) -> Iterator[int]:
    """Yield the lines of imports in functions that are not inside `with no_fork`."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.With(items=items) if any(map(is_the_lock, items)):
                continue
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from imports_without_the_lock(child, is_inside=True)
            case ast.Import(names=names) if is_inside and {name.name for name in names} - HELD_ANYWAY:
                yield child.lineno
            case ast.ImportFrom() if is_inside:
                yield child.lineno
            case ast.Attribute(attr="import_module") | ast.Name(id="import_module") if is_inside:
                yield child.col_offset
            case _:
                yield from imports_without_the_lock(child, is_inside)


def test_forks_wait_for_every_import_inside_a_function() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in FILES
        if (lines := list(imports_without_the_lock(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "line",
    ["import json", "from json import loads", "import_module('json')", "importlib.import_module('json')"],
)
def test_an_import_inside_a_function_without_the_lock_is_found(line: str) -> None:
    assert list(imports_without_the_lock(ast.parse(f"def one():\n    {line}\n")))
    assert not list(imports_without_the_lock(ast.parse(f"def one():\n    with no_fork:\n        {line}\n")))
