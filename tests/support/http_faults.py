"""Everything that a server, or the way to it, can do wrong with an answer."""

import asyncio
from collections.abc import Callable, Mapping

from aiohttp import web

from support.scripted_primary import Fault

DRIP_SECONDS = 0.05


def answering(status: int, body: bytes = b'{"detail":"broken"}', **headers: str) -> Fault:
    """Return what answers everything the same."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={"Content-Type": "application/json", **named})

    return answer


async def silent(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut_short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"a":{"name":"a"')
    assert request.transport is not None
    request.transport.close()
    return response


async def dripping(request: web.Request) -> web.StreamResponse:
    """One byte after another: there is always something to read, and never an end."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(DRIP_SECONDS)


def named_faults() -> Mapping[str, Fault]:
    """Return all of them by name, apart from a server that is not there at all."""
    nested = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    statuses: Mapping[str, Callable[[], Fault]] = {
        f"status {status}": lambda status=status: answering(status)  # type: ignore[misc]
        for status in (403, 404, 422, 429, 500, 503)
    }
    return {
        **{name: make() for name, make in statuses.items()},
        "silence": silent,
        "reset": reset,
        "cut short": cut_short,
        "dripping": dripping,
        "empty body": answering(200, b""),
        "half of the JSON": answering(200, b'{"a": {"name": "a"'),
        "HTML": answering(200, b"<html>maintenance</html>", Content_Type="text/html"),
        "HTML that calls itself JSON": answering(200, b"<html>maintenance</html>"),
        "no text at all": answering(200, b"\xff\xfe\x00\x80" * 100),
        "not gzip": answering(200, b"{}", Content_Encoding="gzip"),
        "null": answering(200, b"null"),
        "list": answering(200, b"[]"),
        "text": answering(200, b'"maintenance"'),
        "records that are none": answering(200, b'{"a": 1, "b": null}'),
        "error document": answering(200, b'{"detail": "no such thing"}'),
        "wrong schema": answering(200, b'{"a": {"name": 5, "record_type": []}}'),
        "nested without end": answering(200, nested),
        "Infinity": answering(
            200, b'{"a": {"name": "a", "record_type": "clip", "size_on_disk_bytes": Infinity}}'
        ),
        "redirect to itself": answering(302, b"", Location="/api/model_references/v2/clip"),
        "redirect to nowhere": answering(302, b"", Location="http://127.0.0.1:1/"),
        "not modified": answering(304, b""),
        "no content": answering(204, b""),
        "nothing in a filled category": answering(200, b"{}"),
    }
