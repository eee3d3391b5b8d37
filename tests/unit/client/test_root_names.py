"""What can be imported from `horde_model_reference` itself (python-client.md section 1)."""

import ast
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import horde_model_reference

NOT_LISTED = [
    "HordeModelReferenceSettings",
    "horde_model_reference_settings",
    "ReplicateMode",
    "CanonicalFormat",
    "BackendInfo",
    "RedisSettings",
    "AuditSettings",
    "PendingQueueSettings",
    "R2Settings",
    "GithubRepoSettings",
    "ImageGithubRepoSettings",
    "TextGithubRepoSettings",
    "GithubProxySettings",
    "github_proxy_settings",
    "ai_horde_ci_settings",
    "ai_horde_worker_settings",
    "SCHEMA_VERSION",
    "GITHUB_REPO_OWNER",
    "GITHUB_IMAGE_REPO_NAME",
    "GITHUB_TEXT_REPO_NAME",
    "GITHUB_REPO_BRANCH",
    "annotator_catalog",
    "download_engine",
    "LegacyReferenceDownloadManager",
]
"""Importable beside those of `__all__`."""


def imports_for_type_checkers() -> dict[str, str]:
    """Return name to module for the names that only type checkers import."""
    source = Path(str(horde_model_reference.__file__)).read_text(encoding="utf-8")
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


def table() -> dict[str, str]:
    """Return the same as the package imports it at run time."""
    package: Any = horde_model_reference
    modules = {
        name: f"horde_model_reference.{module}"
        for module, names in package._NAMES.items()
        for name in names.split()
    }
    return modules | dict.fromkeys(("annotator_catalog", "download_engine"), "horde_model_reference")


def test_type_checkers_see_the_names_that_are_imported_late() -> None:
    assert imports_for_type_checkers() == table()


def test_all_names_of_the_contract_are_listed() -> None:
    assert len(horde_model_reference.__all__) == len(set(horde_model_reference.__all__)) == 75


@pytest.mark.parametrize("name", [*horde_model_reference.__all__, *NOT_LISTED])
def test_name_is_what_its_module_calls_so(name: str) -> None:
    found = getattr(horde_model_reference, name)

    assert name in dir(horde_model_reference)
    if name in table() and not isinstance(found, ModuleType):
        assert found is getattr(importlib.import_module(table()[name]), name)


def test_star_brings_the_listed_names() -> None:
    names: dict[str, object] = {}

    exec("from horde_model_reference import *", names)  # noqa: S102 - a module level statement

    assert set(names) - {"__builtins__"} == set(horde_model_reference.__all__)


def test_modules_of_names_are_attributes() -> None:
    assert horde_model_reference.meta_consts.SCHEMA_VERSION == horde_model_reference.SCHEMA_VERSION
    package: Any = horde_model_reference
    assert package.source_consts.ANY_SOURCE == horde_model_reference.ANY_SOURCE


def test_unknown_name_is_an_attribute_error() -> None:
    package: Any = horde_model_reference

    with pytest.raises(AttributeError, match="'horde_model_reference' has no attribute 'bogus'"):
        package.bogus  # noqa: B018 - the access is the test
    assert not hasattr(horde_model_reference, "bogus")
