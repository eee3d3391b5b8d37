"""Servers in containers can do what servers in processes can, and nothing of them stays behind."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from redis import Redis

from support.container_engine import HOST_LABEL, engine_version
from support.container_nodes import (
    ContainerNode,
    RabbitContainerNode,
    RedisContainerNode,
    S3ContainerNode,
)
from support.nodes import NodeFailed, accepts
from support.reference_data import REPOSITORY
from support.servers import make_bucket, started


@pytest.fixture(scope="module", autouse=True)
def engine_of_the_tests(engine: dict[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DOCKER_HOST", "DOCKER_CONFIG"):
            if name in engine:
                patch.setenv(name, engine[name])
        yield


@pytest.mark.parametrize("make", [RedisContainerNode, RabbitContainerNode, S3ContainerNode])
def test_server_is_killed_started_again_frozen_and_thawed_on_one_port(
    make: Callable[[], ContainerNode],
) -> None:
    with started(make) as node:
        port = node.port
        node.kill()
        assert (node.running, accepts(port)) == (False, False)
        node.kill()
        node.start()
        assert (node.running, node.port) == (True, port)
        node.freeze()
        assert (node.running, node.ready()) == (True, False)
        node.thaw()
        node.thaw()
        node.wait_until_ready()
    assert not accepts(port)


def test_objects_survive_the_death_of_their_server() -> None:
    with started(S3ContainerNode) as node:
        make_bucket(node)
        node.kill()
        node.start()
        make_bucket(node)


def test_arguments_reach_the_server() -> None:
    with started(partial(RedisContainerNode, arguments=["--requirepass", "secret"])) as node:
        with contextlib.closing(Redis.from_url(node.url, password="secret")) as client:
            assert client.ping()
        assert node.ready()


def test_server_that_ends_at_once_is_reported_with_what_it_said() -> None:
    with pytest.raises(NodeFailed, match=r"(?s)redis:8 ended\n.*no-such-thing"):
        RedisContainerNode(arguments=["--no-such-thing", "1"]).__enter__()


DYING = """
import os, signal
from support.container_nodes import RedisContainerNode
node = RedisContainerNode()
node.start()
print(node.container.get_container_id(), flush=True)
{end}
"""


def container_of_a_process(end: str) -> str:
    """Return the id of a container that was started by a process that ended so."""
    done = subprocess.run(
        [sys.executable, "-c", DYING.format(end=end)],
        cwd=REPOSITORY / "tests",
        stdout=subprocess.PIPE,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout.strip()


def containers() -> str:
    words = ["docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={HOST_LABEL}"]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout


def test_container_of_a_process_that_ends_without_cleaning_up_is_removed() -> None:
    container = container_of_a_process("raise SystemExit")
    assert len(container) == 64
    assert container not in containers()


def test_container_of_a_killed_process_is_removed_by_the_next() -> None:
    container = container_of_a_process("os.kill(os.getpid(), signal.SIGKILL)")
    assert container in containers()
    engine_version.cache_clear()
    engine_version()
    assert container not in containers()
