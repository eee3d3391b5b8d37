"""A tiny S3 server that ignores the condition of a PUT, as some real ones do."""

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.test_utils import TestServer

from service_kit.settings import S3Settings


@contextlib.asynccontextmanager
async def running_lying_s3() -> AsyncIterator[S3Settings]:
    """Yield settings that lead to it."""
    objects: dict[str, bytes] = {}

    async def put(request: web.Request) -> web.Response:
        objects[request.path] = await request.read()
        return web.Response(headers={"ETag": '"0"'})

    async def get(request: web.Request) -> web.Response:
        if (body := objects.get(request.path)) is None:
            text = "<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"
            return web.Response(status=404, text=text, content_type="application/xml")
        return web.Response(body=body, headers={"ETag": '"0"'})

    async def list_none(_: web.Request) -> web.Response:
        text = "<?xml version='1.0'?><ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"
        return web.Response(text=text, content_type="application/xml")

    async def delete(request: web.Request) -> web.Response:
        objects.pop(request.path, None)
        return web.Response(status=204)

    app = web.Application()
    app.add_routes([web.get("/lies", list_none)])
    app.add_routes([web.put("/{key:.+}", put), web.get("/{key:.+}", get), web.delete("/{key:.+}", delete)])
    async with TestServer(app) as server:
        yield S3Settings.model_validate(
            {
                "endpoint_url": str(server.make_url("")).rstrip("/"),
                "bucket": "lies",
                "access_key": "a",
                "secret_key": "b",
            }
        )
