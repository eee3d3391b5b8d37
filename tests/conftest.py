"""Fixtures of all tests: real servers, started when the first test asks for one, and no blocking calls."""

import importlib.util
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from coverage import Coverage
from hypothesis import HealthCheck, settings

from support.server_choice import report
from support.servers import (
    RabbitServer,
    RedisServer,
    S3Server,
    running_rabbit,
    running_redis,
    running_s3,
)

# a busy machine takes its time, and that is no error
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

OUR_PACKAGES = [
    "horde_model_reference",
    "service_kit",
    "registry",
    "read_api",
    "write_queue",
    "standalone",
    "stats",
    "sync_worker",
    "gateway",
]


SLOW_FIRST = ("e2e", "security", "integration")
"""The folders whose tests mostly wait: begun last, one of them would keep a processor idle."""


@pytest.hookimpl(trylast=True)  # after the order was shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(SLOW_FIRST)}
    folder = Path(__file__).parent
    items.sort(key=lambda item: places.get(item.path.relative_to(folder).parts[0], len(places)))


def pytest_report_header() -> str:
    return f"servers: {report()}"


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def rabbit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    with running_rabbit(tmp_path_factory.mktemp("rabbit")) as server:
        yield server


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[None]:
    """A blocking call of our packages on the event loop raises `BlockingError` where it happens."""
    if Coverage.current() is not None:  # its own lock would be taken for one of ours
        yield
        return
    with blockbuster_ctx([name for name in OUR_PACKAGES if importlib.util.find_spec(name)]):
        yield


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return a directory for an object store that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return the root of a file system with room for 256 KiB."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", tmp_path], check=True)
