"""Who holds the ports of gateways, and who asks for them."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.held_ports import HeldPorts, PortsNotHeld, ask_for
from gateway.port_holder import PortHolder
from service_kit.settings import SettingsInvalid
from stack.gateway import short_folder
from support.nodes import free_ports

PATIENCE_SECONDS = 60.0


@contextlib.asynccontextmanager
async def holding(path: Path, unused_seconds: float = 30.0) -> AsyncIterator[None]:
    task = asyncio.create_task(PortHolder(path, unused_seconds).hold())
    try:
        ready = HeldPorts(path, [])
        await ready.take_in_time()
        ready.close()
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def test_a_second_gateway_gets_the_same_socket() -> None:
    port = free_ports(1)[0]
    with short_folder("ports-") as folder:
        async with holding(path := folder / "socket"):
            first, second = (HeldPorts(path, [("127.0.0.1", port)]) for _ in range(2))
            for one in (first, second):
                await one.take_in_time()
                assert one.held
                assert one.hosts == ["127.0.0.1"]
            first.close()
            (descriptor,) = second.descriptors
            with socket.socket(fileno=os.dup(descriptor)) as shared:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                accepted, _ = await asyncio.get_running_loop().sock_accept(shared)
                assert accepted.getpeername() == writer.get_extra_info("sockname")
                accepted.close()
                writer.close()
            second.close()


async def test_ports_without_a_gateway_are_closed_until_one_comes() -> None:
    port = free_ports(1)[0]
    with short_folder("ports-") as folder:
        async with holding(path := folder / "socket", unused_seconds=0.05):
            ports = HeldPorts(path, [("127.0.0.1", port)])
            for _ in range(2):
                await ports.take_in_time()
                assert await listens(port)
                ports.close()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while await listens(port):  # noqa: ASYNC110 - nobody tells
                        await asyncio.sleep(0.01)


async def test_the_end_of_the_holder_is_noticed() -> None:
    port = free_ports(1)[0]
    with short_folder("ports-") as folder:
        async with holding(path := folder / "socket"):
            ports = HeldPorts(path, [("127.0.0.1", port)])
            await ports.take_in_time()
        await asyncio.wait_for(ports.lost(), PATIENCE_SECONDS)
        assert (ports.held, ports.descriptors) == (False, [])
        assert not await listens(port)


async def test_an_address_of_another_machine_is_not_given() -> None:
    with short_folder("ports-") as folder:
        async with holding(path := folder / "socket"):
            with pytest.raises(PortsNotHeld):
                await asyncio.to_thread(ask_for, path, [("192.0.2.1", 1)])
            line, _, _ = await asyncio.to_thread(ask_for, path, [])
            line.close()


@pytest.mark.parametrize("said", [b"nonsense\n", b"", b'[["::", "a"]]\n'])
async def test_who_asks_nonsense_disturbs_nobody(said: bytes) -> None:
    with short_folder("ports-") as folder:
        async with holding(path := folder / "socket"):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(said)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
            line, _, _ = await asyncio.to_thread(ask_for, path, [])
            line.close()


async def test_a_place_without_room_for_the_socket_is_said() -> None:
    with pytest.raises(SettingsInvalid, match="PORT_SOCKET: No such file"):
        await PortHolder(Path("/nowhere/socket")).hold()
