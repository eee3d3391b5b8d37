"""Real read-api instances are replaced one after the other behind a real gateway, while clients read."""

import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stack.gateway import GatewayPlan, find_nginx, gateway_environment, short_folder
from support.event_listeners import eventually
from support.nodes import free_ports
from support.processes import ServiceProcess, run_command, service
from support.servers import missing
from support.sources import SAMPLE
from support.strict_readers import strict_readers

HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
PATIENCE_SECONDS = 60.0


def path_of(number: int) -> str:
    return f"/api/model_references/v2/clip?n={number}"


@contextlib.asynccontextmanager
async def read_api(data_dir: Path, host: str, port: int) -> AsyncIterator[ServiceProcess]:
    """Run an instance that is ready."""
    settings = {"DATA_DIR": str(data_dir), "HOST": host, "REPLICATE_MODE": "PRIMARY"}
    async with service("read-api", settings, port=port) as process:
        await eventually(lambda: f"listening on http://{host}" in process.output, PATIENCE_SECONDS)
        yield process


@contextlib.asynccontextmanager
async def before_name(name: str, hosts_file: Path) -> AsyncIterator[int]:
    """Run a gateway before all instances of a name; yield its port."""
    port, admin_port = free_ports(2)
    more = {"READ_API": name, "HOSTS_FILE": hosts_file}
    with short_folder("gateway-") as folder:
        plan = GatewayPlan(port=port, admin_port=admin_port, read_ports=(), more=more)
        variables = gateway_environment(folder, plan)
        async with service("gateway", {}, port=admin_port, variables=variables) as running:
            await running.wait_until("/ready", 200, timeout_seconds=PATIENCE_SECONDS)
            yield port


@pytest.mark.slow
async def test_replaced_instances_fail_no_read(tmp_path: Path) -> None:
    if find_nginx() is None:
        missing("nginx is not installed")
    data_dir, hosts_file = tmp_path / "data", tmp_path / "hosts"
    status, _, err = await run_command("seed", "--from", str(SAMPLE), settings={"DATA_DIR": str(data_dir)})
    assert status == 0, err

    def name(*hosts: str) -> None:
        hosts_file.write_text("".join(f"{host} read-api\n" for host in hosts))

    port = free_ports(1)[0]
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(read_api(data_dir, HOSTS[0], port))
        second = await stack.enter_async_context(read_api(data_dir, HOSTS[1], port))
        name(*HOSTS[:2])
        gateway_port = await stack.enter_async_context(before_name(f"read-api:{port}", hosts_file))
        async with strict_readers(gateway_port, path_of, connections=4) as readers:
            await readers.until(50)
            assert await first.stop() == 0
            await readers.until(50)
            await stack.enter_async_context(read_api(data_dir, HOSTS[0], port))
            await readers.until(50)
            third = await stack.enter_async_context(read_api(data_dir, HOSTS[2], port))
            name(HOSTS[0], HOSTS[2])
            await eventually(lambda: '"GET"' in third.output, PATIENCE_SECONDS)
            assert await second.stop() == 0
            await readers.until(50)
            assert await third.stop(signal.SIGKILL) == -signal.SIGKILL
            await readers.until(50)
        assert readers.failures == []
