"""One gateway follows another on ports that a third process holds, while clients come."""

import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stack.gateway import GatewayPlan, find_nginx, gateway_environment, short_folder
from support.event_listeners import eventually
from support.gateways import V2
from support.nodes import free_ports
from support.processes import ServiceProcess, run_command, service
from support.servers import missing
from support.steady_reads import steady_reads
from support.upstreams import Upstream, upstreams

CLIP = f"{V2}/clip"
SOCKET = "GATEWAY_PORT_SOCKET"
PATIENCE_SECONDS = 60.0
MORE_READS = 20


@pytest.fixture(autouse=True)
def nginx() -> None:
    if find_nginx() is None:
        missing("nginx is not installed")


@contextlib.asynccontextmanager
async def holder(folder: Path) -> AsyncIterator[ServiceProcess]:
    async with service("gateway-port", {SOCKET: str(folder / "ports.sock")}) as process:
        await eventually(lambda: "giving the ports away" in process.output, PATIENCE_SECONDS)
        yield process


@contextlib.asynccontextmanager
async def gateway(folder: Path, name: str, port: int, upstream: Upstream) -> AsyncIterator[ServiceProcess]:
    """Run a gateway that is ready, with a state of its own."""
    admin_port = free_ports(1)[0]
    plan = GatewayPlan(
        port=port,
        admin_port=admin_port,
        read_ports=[upstream.port],
        more={"PORT_SOCKET": folder / "ports.sock"},
    )
    variables = gateway_environment(folder / name, plan)
    async with service("gateway", {}, port=admin_port, variables=variables) as process:
        await process.wait_until("/ready", 200, timeout_seconds=PATIENCE_SECONDS)
        yield process


@pytest.mark.slow
async def test_a_gateway_follows_another_without_a_failed_read() -> None:
    port = free_ports(1)[0]
    with short_folder("gateway-") as folder:
        async with (
            upstreams("read") as (upstream,),
            holder(folder),
            contextlib.AsyncExitStack() as stack,
        ):
            running = await stack.enter_async_context(gateway(folder, "0", port, upstream))
            async with steady_reads(f"http://127.0.0.1:{port}", [CLIP]) as outcomes:
                for number in range(1, 4):
                    next_one = await stack.enter_async_context(gateway(folder, str(number), port, upstream))
                    assert await running.stop() == 0
                    running, wanted = next_one, outcomes.total() + MORE_READS
                    await eventually(lambda: outcomes.total() >= wanted, PATIENCE_SECONDS)  # noqa: B023 - at once
            assert set(outcomes) == {f"{CLIP} 200"}


async def test_a_gateway_listens_anew_when_the_ports_are_held_by_another() -> None:
    """As after a restart of the container that has the network of the ports."""
    port = free_ports(1)[0]
    with short_folder("gateway-") as folder:
        async with upstreams("read") as (upstream,), contextlib.AsyncExitStack() as stack:
            first = await stack.enter_async_context(holder(folder))
            running = await stack.enter_async_context(gateway(folder, "0", port, upstream))
            os.kill(first.process.pid, signal.SIGKILL)
            await running.wait_until("/ready", 503)
            status, _, err = await run_command("gateway-port", "--check", settings=socket_in(folder))
            assert (status, "ports.sock" in err) == (1, True)
            await eventually(lambda: "no client reaches this gateway" in running.output, PATIENCE_SECONDS)
            async with holder(folder):
                await running.wait_until("/ready", 200, timeout_seconds=PATIENCE_SECONDS)
                async with steady_reads(f"http://127.0.0.1:{port}", [CLIP]) as outcomes:
                    await eventually(lambda: outcomes.total() >= MORE_READS, PATIENCE_SECONDS)
                assert set(outcomes) == {f"{CLIP} 200"}


def socket_in(folder: Path) -> dict[str, str]:
    return {SOCKET: str(folder / "ports.sock")}


async def test_who_holds_ports_ends_at_a_signal_and_says_that_it_lives() -> None:
    with short_folder("gateway-") as folder:
        async with holder(folder) as process:
            status, said, _ = await run_command("gateway-port", "--check", settings=socket_in(folder))
            assert (status, said) == (0, b"healthy: the ports are held\n")
            assert await process.stop() == 0


async def test_a_gateway_without_a_socket_to_ask_at_says_so() -> None:
    status, _, err = await run_command("gateway-port")
    assert status == 1
    assert err.splitlines()[-1].endswith("HORDE_MODEL_REFERENCE_GATEWAY_PORT_SOCKET: is not set")
