"""The files of the sample catalogue where GitHub would have them."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import cache
from pathlib import PurePosixPath

from aiohttp import web
from aiohttp.test_utils import TestServer

from horde_model_reference.category_import import import_source
from support.contents import SEED_SECONDS
from support.sources import SAMPLE


class FakeGithub:
    """`files` by repository folder and name may be changed; `failing` names files that are not there."""

    def __init__(self) -> None:
        self.files = dict(sample_files())
        self.failing: set[str] = set()
        self.asked = 0
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.asked += 1
        folder = "image" if "image-model-reference" in request.path else "text"
        name = PurePosixPath(request.path).name
        if name in self.failing or (folder, name) not in self.files:
            return web.Response(status=404)
        return web.Response(body=self.files[folder, name], content_type="text/plain")


@cache
def sample_files() -> Mapping[tuple[str, str], bytes]:
    """Return every file by its folder and name, with the db.json that belongs to the CSV."""
    files = {(path.parent.name, path.name): path.read_bytes() for path in SAMPLE.rglob("*.*")}
    csv = files["text", "models.csv"]
    text = import_source("text_generation", {"models.csv": csv}, now=SEED_SECONDS, previous=None)
    assert text.documents.legacy is not None
    return {**files, ("text", "db.json"): text.documents.legacy, ("image", "diffusers.json"): b"{ }\n"}


@contextlib.asynccontextmanager
async def fake_github() -> AsyncIterator[FakeGithub]:
    """Run one; `url` is what to put before every GitHub URL."""
    github = FakeGithub()
    application = web.Application()
    application.router.add_get("/{path:.*}", github.handle)
    async with TestServer(application) as server:
        github.url = str(server.make_url("")).rstrip("/")
        yield github
