"""A stand-in for the raw files of GitHub, reached as a proxy is."""

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.test_utils import TestServer

from horde_model_reference.github_sources import GithubPlan, GithubRepository
from horde_model_reference.replica.github_client import GithubClient


class SomeGithub:
    """Serves `files` by their names; every other one is 404."""

    def __init__(self, **files: bytes) -> None:
        self.files = {name.replace("__", "."): body for name, body in files.items()}
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        name = request.path.rsplit("/", 1)[-1]
        self.asked.append(name)
        body = self.files.get(name)
        return web.Response(status=404) if body is None else web.Response(body=body)

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[GithubClient]:
        application = web.Application()
        application.router.add_get("/{path:.*}", self.answer)
        async with TestServer(application) as server:
            repository = GithubRepository("owner", "name", proxy_url=str(server.make_url("/")))
            client = GithubClient(GithubPlan(repository, repository, attempts=1, backoff_seconds=0.01))
            try:
                yield client
            finally:
                await client.close()
