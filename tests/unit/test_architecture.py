"""Rules that break silently: who may import whom, and what may stand nowhere."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from support.reference_data import REPOSITORY

PACKAGES: Final = {
    path.name: path
    for folder in ("shared", "services")
    for path in sorted((REPOSITORY / folder).iterdir())
    if (path / "__init__.py").is_file()
}
MAY_IMPORT: Final = {
    "horde_model_reference": set[str](),
    "service_kit": set[str](),
    "registry": {"service_kit", "horde_model_reference"},
    "read_api": {"registry", "service_kit", "horde_model_reference"},
    "write_queue": {"registry", "service_kit", "horde_model_reference"},
    "stats": {"registry", "service_kit", "horde_model_reference"},
    "sync_worker": {"registry", "service_kit", "horde_model_reference"},
    "gateway": {"service_kit"},
    "standalone": {
        "gateway",
        "read_api",
        "write_queue",
        "stats",
        "sync_worker",
        "registry",
        "service_kit",
        "horde_model_reference",
    },
}
LIBRARY_DEPENDENCIES: Final = {"aiohttp", "pydantic", "pydantic_core", "yarl"}
"""What a user of the library installs with it; everything else must be the standard library."""

LIBRARY_EXTRAS: Final = {
    "redis": ("horde_model_reference/backends/redis",),
    "cryptography": ("horde_model_reference/replica/signature_check",),
}
"""What only users of an extra have, and how the names of the modules begin that may ask for it."""

HTTP_STACK: Final = "horde_model_reference.replica"
"""The package of the library whose modules may import aiohttp when they are imported."""

FACES: Final = [
    f"horde_model_reference.{name}"
    for name in (
        "annotator_catalog",
        "annotator_records",
        "backends",
        "backends.base",
        "backends.filesystem",
        "backends.github",
        "backends.http",
        "backends.local_read_only",
        "backends.redis",
        "canonical_components",
        "component_hash",
        "component_identity",
        "download_engine",
        "integrations.horde_popularity",
        "legacy.download_manager",
        "model_reference_manager",
        "model_reference_records",
        "on_disk_layout",
        "path_consts",
        "providers.base",
        "providers.pending",
        "providers.registry",
        "providers.static",
        "query",
        "query_fields",
        "source_consts",
        "text_backend_names",
        "util",
    )
]
"""The modules that programs import from (python-client.md section 1)."""

INIT_FILES_WITH_CODE: Final = {
    "horde_model_reference/__init__.py": "the interface of the library",
    "horde_model_reference/backends/__init__.py": "names of the contract stand here",
    "horde_model_reference/providers/__init__.py": "names of the contract stand here",
}

BROAD_EXCEPT_ALLOWED: Final = {
    "horde_model_reference/backends/base.py": "a listener is foreign code, and there are others",
    "horde_model_reference/replica/change_feed.py": "the top of a background loop",
    "horde_model_reference/replica/daemon_threads.py": "an error belongs to the one who waits for the call",
    "horde_model_reference/source_gathering.py": "a provider is foreign code, and there are other sources",
    "read_api/replica/feed.py": "the top of a background loop",
    "read_api/replica/source.py": "the top of a background loop",
    "service_kit/outer_layer.py": "the one place where errors become HTTP",
    "service_kit/amqp_session.py": "the top of a background loop",
    "service_kit/event_delivery.py": "a handler's failure must not end its subscription",
    "registry/follower.py": "the top of a background loop",
    "read_api/holder.py": "the top of a background loop",
    "read_api/live/feed.py": "the top of a background loop",
    "stats/engine.py": "the top of a background loop",
    "stats/history/recorder.py": "the top of a background loop",
    "stats/horde/instance.py": "the top of a background loop",
    "sync_worker/keeper.py": "the top of a background loop",
}
LATE_HTTP: Final = "the HTTP stack is imported when the first request is made"
LATE_IMPORT_ALLOWED: Final = {
    "horde_model_reference/backend_choice.py": "a replica has no use for the back ends of a PRIMARY",
    "horde_model_reference/background_requests.py": LATE_HTTP,
    "horde_model_reference/backends/github.py": LATE_HTTP,
    "horde_model_reference/backends/http.py": LATE_HTTP,
    "horde_model_reference/backends/local_read_only.py": LATE_HTTP,
    "horde_model_reference/backends/redis.py": "redis is an extra that not everybody has",
    "horde_model_reference/backends/replica_base.py": LATE_HTTP,
    "horde_model_reference/cli/migrate_layout.py": "the command parses its words before it loads a reference",
    "horde_model_reference/component_hash.py": LATE_HTTP,
    "horde_model_reference/download_engine.py": LATE_HTTP,
    "horde_model_reference/downloads/blocking_twins.py": LATE_HTTP,
    "horde_model_reference/late_names.py": "names of packages are imported when they are first used",
    "horde_model_reference/legacy/download_manager.py": LATE_HTTP,
    "horde_model_reference/reference_reader.py": "queries are loaded by the first query",
    "horde_model_reference/replica/replica_session.py": "signatures are checked by few",
    "horde_model_reference/model_reference_manager.py": "few programs ask what is popular",
    "horde_model_reference/replica/github_client.py": "few programs convert legacy files",
    "service_kit/buses.py": "heavy clients are imported only where they are configured",
    "service_kit/stores.py": "heavy clients are imported only where they are configured",
    "standalone/cli.py": "only the module of the chosen command is imported",
}


@cache
def modules() -> list[tuple[str, Path, ast.Module]]:
    return [
        (package, path, ast.parse(path.read_text(encoding="utf-8")))
        for package, root in PACKAGES.items()
        for path in sorted(root.rglob("*.py"))
    ]


def label(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix().split("/", 1)[1]


def module_name(path: Path) -> str:
    parts = label(path).removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        yield from imported_names_of(node)


def imported_names_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (name.name for name in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{name.name}" for name in node.names)


def test_every_package_has_its_rule() -> None:
    assert set(PACKAGES) == set(MAY_IMPORT)


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_packages_import_only_what_lies_below_them(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    wrong = [
        f"{label(path)} imports {name}"
        for owner, path, tree in modules()
        if owner == package
        for name in imported_names(tree)
        if name.split(".")[0] in PACKAGES and name.split(".")[0] not in allowed
    ]
    assert wrong == []


def extras_of(path: Path) -> set[str]:
    return {name for name, beginnings in LIBRARY_EXTRAS.items() if label(path).startswith(beginnings)}


def test_the_library_needs_only_its_light_dependencies() -> None:
    known = set(sys.stdlib_module_names) | LIBRARY_DEPENDENCIES | {"horde_model_reference"}
    wrong = [
        f"{label(path)} imports {name}"
        for owner, path, tree in modules()
        if owner == "horde_model_reference"
        for name in imported_names(tree)
        if name.split(".")[0] not in known | extras_of(path)
    ]
    assert wrong == []


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when a module is imported: nothing inside of functions or for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from (inner for other in node.orelse for inner in (other, *at_import(other)))
            continue
        yield node
        yield from at_import(node)


def with_parents(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts) + 1)}


@pytest.fixture(scope="module")
def imports_of_the_library() -> dict[str, set[str]]:
    """Return what each module of the library imports when it is imported itself."""
    return {
        module_name(path): {
            name
            for node in at_import(tree)
            for found in imported_names_of(node)
            for name in with_parents(found)
        }
        for owner, path, tree in modules()
        if owner == "horde_model_reference"
    }


@pytest.mark.parametrize("face", FACES)
def test_what_programs_import_from_the_library_leaves_the_http_stack_alone(
    face: str, imports_of_the_library: dict[str, set[str]]
) -> None:
    assert face in imports_of_the_library
    ways = {face: face}
    waiting = [face]
    while waiting:
        name = waiting.pop()
        for found in imports_of_the_library.get(name, set()) - ways.keys():
            ways[found] = f"{ways[name]} > {found}"
            waiting.append(found)
    assert [ways[name] for name in sorted(ways) if name in {HTTP_STACK, "aiohttp", *LIBRARY_EXTRAS}] == []


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    names = {module_name(path) for _, path, _ in modules()}
    graph = {
        module_name(path): {name for name in imported_names(tree) if name in names} - {module_name(path)}
        for _, path, tree in modules()
    }
    while free := [name for name, needs in graph.items() if not needs & graph.keys()]:
        for name in free:
            del graph[name]
    assert sorted(graph) == []


def functions(tree: ast.AST) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def late_imports(tree: ast.AST) -> bool:
    for function in functions(tree):
        if any(name.split(".")[0] in PACKAGES for name in imported_names(function)):
            return True
    return any(
        (isinstance(node, ast.Attribute) and node.attr == "import_module")
        or (isinstance(node, ast.Name) and node.id == "import_module")
        for node in ast.walk(tree)
    )


def test_own_modules_are_imported_at_the_top() -> None:
    found = {label(path) for _, path, tree in modules() if late_imports(tree)}
    assert found == LATE_IMPORT_ALLOWED.keys() & found
    assert found == set(LATE_IMPORT_ALLOWED), "the list of exceptions only shrinks"


def reads_environment(tree: ast.AST) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"})
        or (isinstance(node, ast.Name) and node.id in {"environ", "getenv"})
        for node in ast.walk(tree)
    )


def test_only_settings_read_the_environment() -> None:
    found = [label(path) for _, path, tree in modules() if reads_environment(tree)]
    assert [name for name in found if not name.endswith("settings.py")] == []


def test_nothing_prints_or_uses_globals() -> None:
    wrong = [
        f"{label(path)}:{getattr(node, 'lineno', 0)}"
        for _, path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Global)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print")
    ]
    assert wrong == []


def is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"} for name in names)


def test_everything_is_caught_only_where_allowed() -> None:
    found = {
        label(path)
        for _, path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    }
    assert sorted(found - BROAD_EXCEPT_ALLOWED.keys()) == []
    assert found == set(BROAD_EXCEPT_ALLOWED), "the list of exceptions only shrinks"


def test_init_files_hold_a_docstring_only() -> None:
    found = {
        label(path)
        for _, path, tree in modules()
        if path.name == "__init__.py" and any(not isinstance(node, ast.Expr) for node in tree.body)
    }
    assert sorted(found - INIT_FILES_WITH_CODE.keys()) == []
    assert found == set(INIT_FILES_WITH_CODE), "the list of exceptions only shrinks"
