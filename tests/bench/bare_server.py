"""Serves files from memory by bare aiohttp handlers: `python -m bench.bare_server PORT FOLDER`."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from aiohttp import hdrs, web

Handler = Callable[[web.Request], Awaitable[web.Response]]


def handler_for(body: bytes, headers: dict[str, str]) -> Handler:
    tag = headers.get("etag")
    unchanged = {name: value for name, value in headers.items() if not name.startswith("content-")}

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get(hdrs.IF_NONE_MATCH) == tag:
            return web.Response(status=304, headers=unchanged)
        return web.Response(body=body, headers=headers)

    return answer


def make_application(folder: Path) -> web.Application:
    application = web.Application()
    for description in folder.glob("*.headers"):
        headers = json.loads(description.read_text())
        handler = handler_for(description.with_suffix("").read_bytes(), headers)
        application.router.add_get(f"/{description.stem}", handler)
    return application


async def serve(port: int, application: web.Application) -> None:
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), make_application(Path(sys.argv[2]))))
