"""Requests on the shared thread, where processes fork and where programs end."""

import asyncio
import os
import textwrap
from subprocess import CompletedProcess

import pytest
from aiohttp import web

from support.event_listeners import eventually
from support.programs import assert_silent_success, ran
from support.upstreams import Upstream, upstreams

BEGIN = """
import asyncio, os, sys, threading
from horde_model_reference.replica.fetching import Fetcher
from horde_model_reference.replica.loop_thread import shared_loop_thread

fetcher = Fetcher(timeout_seconds=60)
url = "http://127.0.0.1:{port}/x"
shared = shared_loop_thread()

def ask():
    return shared.run(lambda: fetcher.get(url)).status
"""
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


async def asked(server: Upstream, code: str) -> CompletedProcess[str]:
    """Run a program that can ask the server."""
    program = BEGIN.format(port=server.port) + textwrap.dedent(code)
    return await asyncio.to_thread(ran, program)


async def test_a_program_that_closes_nothing_ends_without_a_word() -> None:
    async with upstreams("a server") as (server,):
        assert_silent_success(await asked(server, "print(ask(), ask())"), "200 200\n")


async def test_a_program_that_ends_while_a_request_hangs_ends_without_a_word() -> None:
    async with upstreams("a server") as (server,):
        server.hang = True
        code = """
        shared.submit(lambda: fetcher.get(url))
        async def pause():
            await asyncio.sleep(0.2)
        shared.run(pause)
        """
        assert_silent_success(await asked(server, code))
        await eventually(lambda: len(server.seen) == 1)


async def test_a_program_that_ends_while_it_listens_to_a_stream_ends_without_a_word() -> None:
    async with upstreams("a server") as (server,):
        code = """
        begun = threading.Event()
        async def listen():
            async with fetcher.stream(url, idle_timeout_seconds=60) as pieces:
                async for piece in pieces:
                    begun.set()
                    await asyncio.Event().wait()
        shared.submit(listen)
        begun.wait()
        """
        assert_silent_success(await asked(server, code))


@forks
async def test_parent_and_child_each_ask_over_connections_of_their_own() -> None:
    async with upstreams("a server") as (server,):
        code = """
        assert ask() == 200
        if (child := os.fork()) == 0:
            assert ask() == 200
            assert asyncio.run(shared.call(lambda: fetcher.get(url))).status == 200
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        for _ in range(3):
            assert ask() == 200
        """
        assert_silent_success(await asked(server, code))
        assert len(server.seen) == 6


@forks
async def test_a_child_that_asks_nothing_leaves_the_connections_of_its_parent_alone() -> None:
    async with upstreams("a server") as (server,):
        code = """
        assert ask() == 200
        if (child := os.fork()) == 0:
            import gc
            del fetcher
            gc.collect()
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert ask() == 200
        """
        assert_silent_success(await asked(server, code))


@forks
async def test_a_child_forked_during_a_request_asks_anew_and_the_request_goes_on() -> None:
    async with upstreams("a server") as (server,):
        code = """
        hanging = shared.submit(lambda: fetcher.get(url, timeout_seconds=60))
        async def until_it_hangs():
            while fetcher.statistics().requests == 0:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.1)
        shared.run(until_it_hangs)
        if (child := os.fork()) == 0:
            shared.run(lambda: fetcher.get(url + "/of/the/child"))
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert not hanging.done()
        """

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.path == "/x":
                await asyncio.sleep(60)
            return web.Response()

        server.answer = answer
        assert_silent_success(await asked(server, code))
        assert server.paths == ["/x", "/x/of/the/child"]
