"""An engine, and the images that are tested: built once, from what lies here."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.docker_images import (
    GATEWAY_IMAGE,
    SERVICES_IMAGE,
    Docker,
    engine_environment,
)

NO_ENGINE = "no Docker engine answers: `make containers` starts one where it can"
LONGEST_TEST_SECONDS = 1200  # with the images that the first one builds, on a busy machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(LONGEST_TEST_SECONDS))


@pytest.fixture(scope="session")
def engine() -> dict[str, str]:
    """Return the environment in which `docker` finds its engine."""
    environment = engine_environment()
    if environment is None:
        if os.environ.get("CI"):
            pytest.fail(NO_ENGINE)
        pytest.skip(NO_ENGINE)
    return environment


@pytest.fixture(scope="session")
def services_image(engine: dict[str, str]) -> str:
    """Return the name of the image of the services."""
    Docker(engine).build("services", SERVICES_IMAGE)
    return SERVICES_IMAGE


@pytest.fixture(scope="session")
def gateway_image(engine: dict[str, str]) -> str:
    """Return the name of the image of the gateway."""
    Docker(engine).build("gateway", GATEWAY_IMAGE)
    return GATEWAY_IMAGE


@pytest.fixture
def docker(engine: dict[str, str], services_image: str) -> Iterator[Docker]:
    """Return the engine, where the image of the services is."""
    docker = Docker(engine)
    yield docker
    docker.clean_up()
