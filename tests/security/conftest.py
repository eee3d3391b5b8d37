"""One process of the product for each canonical format, for all tests of a worker."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import aiohttp
import pytest

from support.attackers import Attacker
from support.service_nodes import ServiceNode, running_service

SLOW_SECONDS = 1.0
SETTINGS = {
    "RATE_LIMITS__ENABLED": "false",
    "HEAD_TIMEOUT_SECONDS": str(SLOW_SECONDS),
    "BODY_TIMEOUT_SECONDS": str(SLOW_SECONDS),
    "MIN_REVISION_WAIT_SECONDS": "0.1",
    "LOG_LEVEL": "debug",
}

NodeOf = Callable[[str], ServiceNode]


@pytest.fixture(scope="session")
def node_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeOf]:
    """Return what starts, once, the process of a canonical format."""
    nodes: dict[str, ServiceNode] = {}
    with ExitStack() as stack:

        def start(canonical_format: str) -> ServiceNode:
            if canonical_format not in nodes:
                settings = {**SETTINGS, "CANONICAL_FORMAT": canonical_format}
                root = tmp_path_factory.mktemp(canonical_format)
                nodes[canonical_format] = stack.enter_context(running_service(root, settings))
            return nodes[canonical_format]

        yield start


@pytest.fixture(scope="session")
def node(node_of: NodeOf) -> ServiceNode:
    return node_of("v2")


@pytest.fixture
async def attacker(node: ServiceNode) -> AsyncIterator[Attacker]:
    async with aiohttp.ClientSession() as session:
        yield Attacker(session, node.port)
