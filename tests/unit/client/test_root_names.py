"""What can be imported from `horde_model_reference` itself (python-client.md section 1)."""

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


def test_all_names_of_the_contract_are_listed() -> None:
    assert len(horde_model_reference.__all__) == len(set(horde_model_reference.__all__)) == 75


@pytest.mark.parametrize("name", [*horde_model_reference.__all__, *NOT_LISTED])
def test_name_can_be_had_and_is_listed(name: str) -> None:
    assert hasattr(horde_model_reference, name)
    assert name in dir(horde_model_reference)


def test_star_brings_the_listed_names() -> None:
    names: dict[str, object] = {}

    exec("from horde_model_reference import *", names)  # noqa: S102 - a module level statement

    assert set(names) - {"__builtins__"} == set(horde_model_reference.__all__)


def test_modules_of_names_are_attributes() -> None:
    assert horde_model_reference.meta_consts.SCHEMA_VERSION == horde_model_reference.SCHEMA_VERSION
    package: Any = horde_model_reference
    assert package.source_consts.ANY_SOURCE == horde_model_reference.ANY_SOURCE
