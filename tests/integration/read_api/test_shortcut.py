"""What the shortcut answers is what the router answers, only sooner."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from read_api.answers import RevisionStamp
from read_api.app import add_read_side
from read_api.holder import PageHolder
from read_api.settings import ReadApiSettings
from read_api.shortcut import DocumentShortcut
from registry.blobs import Blobs
from registry.journal import Journal
from registry.loading import load_content
from registry.seeding import seed
from registry.state import State
from service_kit.telemetry import Telemetry
from service_kit.web import create_application, install_shortcut
from support.memory_store import MemoryObjectStore
from support.sources import a_source

Pair = tuple[TestClient[web.Request, web.Application], TestClient[web.Request, web.Application]]

PATHS = [
    "/api/model_references/v2/text_generation",
    "/model_references/v2/text_generation",
    "/api/model_references/v2/lora",
    "/api/model_references/v2/image_generation/model/Sample%20Meadow",
    "/api/model_references/v2/clip/model/Sample-B%2F32",
    "/api/model_references/v2/clip/model/Sample-B/32",
    "/model_references/v2/clip/model/Sample-B%2f32",
    "/api/model_references/v2/clip/model/nobody",
    "/api/model_references/v2/clip/model/",
    "/api/model_references/v2/clip/model/Sample-B%2F32?x=1",
    "/api/model_references/v2/clip?x=1",
    "/api/model_references/v2/clip?revision=1",
    "/api/model_references/v2/clip/model/Sample-B%2F32?revision=1",
    "/api/model_references/v2/clip/model/Sample-B%2F32/history",
    "/api/model_references/v2/clip/model/nobody%2Fhistory",
    "/api/model_references/v1/clip?revision=1",
    "/api/model_references/v2/nothing",
    "/api/model_references/v2/nothing/model/x",
    "/api/model_references/v1/clip",
    "/api/model_references/v1/clip.json",
    "/api/model_references/v1/stable_diffusion.json",
    "/api/model_references/v1/stable_diffusion",
    "/api/model_references/v1/db.json",
    "/api/model_references/v1/lora.json",
    "/api/model_references/v1/video_generation",
    "/api/model_references/v1/text_generation?include_group=true",
    "/api/model_references/v1/diffusers.json",
    "/api/model_references/v1/models.csv",
]
DIFFERS = {"Date", "X-Request-ID"}


@pytest.fixture
async def clients() -> AsyncIterator[Pair]:
    """Return two clients of the same catalogue: the server of the first has the shortcut."""
    store = MemoryObjectStore()
    outcome = await seed(Journal(store), Blobs(store), await a_source(), state=State())
    holder = PageHolder()
    await holder.publish(await load_content(Blobs(store), outcome.state, None))
    settings = ReadApiSettings(access_log=False)
    servers = []
    for with_shortcut in (True, False):
        app = create_application(
            settings, Telemetry("test"), on_response=RevisionStamp(holder), shortcut=DocumentShortcut(holder)
        )
        add_read_side(app, holder, settings)
        server = TestServer(app)
        await server.start_server()
        if with_shortcut:
            assert server.runner is not None
            assert server.runner.server is not None
            install_shortcut(app, server.runner.server)
        servers.append(server)
    async with TestClient(servers[0]) as quick, TestClient(servers[1]) as routed:
        yield quick, routed


async def said(answer: ClientResponse) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in DIFFERS}
    return answer.status, headers, await answer.read()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", PATHS)
async def test_shortcut_and_router_give_the_same_answer(clients: Pair, method: str, path: str) -> None:
    url = URL(path, encoded=True)
    headers = {"Origin": "https://pages.example.org", "Accept-Encoding": "gzip"}
    quick, routed = [await said(await client.request(method, url, headers=headers)) for client in clients]
    assert quick == routed


@pytest.mark.parametrize("path", PATHS[:4])
async def test_shortcut_and_router_agree_that_nothing_changed(clients: Pair, path: str) -> None:
    url = URL(path, encoded=True)
    tag = (await clients[1].get(url)).headers["ETag"]
    headers = {"If-None-Match": tag}
    quick, routed = [await said(await client.get(url, headers=headers)) for client in clients]
    assert quick == routed
    assert quick[0] == 304


async def test_shortcut_counts_its_requests_under_the_same_routes(clients: Pair) -> None:
    path = URL("/api/model_references/v2/clip/model/Sample-B%2F32", encoded=True)
    counts = []
    for client in clients:
        await (await client.get(path)).read()
        text = await (await client.get("/metrics")).text()
        counts.append(
            [
                line
                for line in text.splitlines()
                if line.startswith("http_request_duration_seconds_count") and "v2/clip" in line
            ]
        )
    assert counts[0] == counts[1]
    assert len(counts[0]) == 1
