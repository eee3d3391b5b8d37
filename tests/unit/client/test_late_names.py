"""Packages whose names are imported when they are first used."""

import ast
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import horde_model_reference
from horde_model_reference import backends, providers

PACKAGES: list[Any] = [horde_model_reference, backends, providers]
ALONE = {"annotator_catalog", "download_engine"}
"""Modules that are imported from the package themselves."""


def imports_for_type_checkers(package: ModuleType) -> dict[str, str]:
    """Return name to module for the names that only type checkers import."""
    source = Path(str(package.__file__)).read_text(encoding="utf-8")
    block = next(
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    return {
        alias.asname or alias.name: str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def table(package: Any) -> dict[str, str]:
    """Return the same as the package imports it at run time."""
    return {
        name: f"{package.__name__}.{module}"
        for module, names in package._NAMES.items()
        for name in names.split()
    }


CASES = [(package, name, module) for package in PACKAGES for name, module in table(package).items()]


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_see_the_names_that_are_imported_late(package: Any) -> None:
    found = imports_for_type_checkers(package)
    assert {name: module for name, module in found.items() if name not in ALONE} == table(package)


@pytest.mark.parametrize(("package", "name", "module"), CASES)
def test_a_name_is_what_its_module_calls_so(package: Any, name: str, module: str) -> None:
    assert getattr(package, name) is getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("package", PACKAGES)
def test_all_names_of_a_package_can_be_had_and_are_listed(package: Any) -> None:
    assert set(package.__all__) <= set(dir(package))
    assert all(hasattr(package, name) for name in package.__all__)


@pytest.mark.parametrize("package", [backends, providers])
def test_a_package_of_late_names_lists_all_of_them(package: Any) -> None:
    assert sorted(table(package)) == package.__all__


def test_a_name_is_imported_when_it_is_first_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(vars(backends), "ModelReferenceBackend", raising=False)
    found = backends.ModelReferenceBackend
    assert vars(backends)["ModelReferenceBackend"] is found


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_of_names_are_attributes(package: Any) -> None:
    for module in package._NAMES:
        first = module.partition(".")[0]
        assert getattr(package, first) is importlib.import_module(f"{package.__name__}.{first}")
        assert first in dir(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(package: Any) -> None:
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'bogus'"):
        package.bogus  # noqa: B018 - the access is the test
    assert not hasattr(package, "bogus")
